//! Actions that put an annotation on an object, or take it off: locks and unlocks.
//! The room of a noun fills in the table; the write is the same for all.

use super::engine::{Cx, Facts, Failure, Object, OmniAction, Run};
use super::view;
use super::view::Presence;
use crate::omni::spec;
use crate::omni::spec::Spec;
use crate::omni::state::modify::Modified;
use crate::omni::{ErrorKind, Phase, Resource as Stored};
use crate::provider::errors::capital;
use crate::provider::ledger::ObjectKey;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::schema::{Attribute, Schema};
use crate::tf::value::Value;
use async_trait::async_trait;
use std::marker::PhantomData;

/// What differs between these actions.
pub(crate) struct Annotation<S> {
    pub(crate) facts: Facts,
    /// What its page says.
    pub(crate) about: &'static str,
    /// The attribute with the id of the object.
    pub(crate) attribute: fn() -> Attribute,
    /// The annotation that is put on; `None` for an action that takes it off.
    pub(crate) put: Option<&'static str>,
    /// The annotations that are taken off.
    pub(crate) take: &'static [&'static str],
    /// What the object is afterwards: `locked`.
    pub(crate) state: &'static str,
    /// Why the object cannot be annotated, as a sentence, and what to do instead.
    pub(crate) unfit: fn(&Object<S>) -> Option<(String, String)>,
    /// What it means that there is no object of this id: of the object, to go after its name, and as a sentence.
    pub(crate) missing: [&'static str; 2],
    pub(crate) of: PhantomData<fn() -> S>,
}

impl<S: Spec> Annotation<S> {
    fn unfit(&self, config: &Value, object: &Object<S>) -> Option<Diagnostic> {
        let (why, hint) = (self.unfit)(object)?;
        Some(Diagnostic::error(self.facts.operation(config).summary(), why).hint(hint).at(Path::of(self.facts.id)))
    }

    /// Leaves the object as it is to be.
    fn annotate(&self, stored: &mut Stored) {
        for key in self.take {
            stored.metadata.annotations.remove(*key);
        }
        if let Some(key) = self.put {
            stored.metadata.annotations.entry(key.to_owned()).or_default();
        }
    }
}

#[async_trait]
impl<S: Spec> OmniAction for Annotation<S> {
    fn facts(&self) -> Facts {
        self.facts
    }

    fn schema(&self) -> Schema {
        Schema::new(self.about).with((self.attribute)())
    }

    async fn check(&self, cx: &Cx, config: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        let Some(id) = config.get(self.facts.id).as_str() else { return Ok(()) };
        // What this run makes is there by then.
        if cx.session.ledger.planned(&ObjectKey::from(&S::KIND.key(id))).is_some() {
            return Ok(());
        }
        match view::object::<S>(cx, id).await? {
            Presence::Exists(object) => diags.extend(self.unfit(config, &object).into_iter().collect()),
            Presence::Missing => diags.push(
                Diagnostic::warning(
                    format!("{} {}", capital(&self.facts.operation(config).what()), self.missing[0]),
                    format!("{} The action will fail unless this has changed by then.", self.missing[1]),
                )
                .hint(format!("Check `{}` if it should be there already.", self.facts.id))
                .at(Path::of(self.facts.id)),
            ),
            Presence::Unreadable => {}
        }
        Ok(())
    }

    async fn invoke(&self, run: &Run<'_>, config: &Value) -> Result<(), Failure> {
        let operation = self.facts.operation(config);
        let key = S::KIND.key(operation.id);
        let what = capital(&operation.what());
        let mut unfit = None;
        let change = |stored: &mut Stored| {
            let object = Object { spec: spec::decode::<S>(stored)?, stored: stored.clone() };
            unfit = self.unfit(config, &object);
            if unfit.is_none() {
                self.annotate(stored);
            }
            Ok(())
        };
        let modified = run.write(run.client().modify(run.call(), &key, Some(Phase::Running), change)).await;
        if let Some(unfit) = unfit {
            return Err(unfit.into());
        }
        match modified {
            Ok(Modified::Written(_)) => run.done(format!("{what} is {}", self.state)).await,
            Ok(Modified::Unchanged(_)) => run.say(format!("{what} is {} already", self.state)).await,
            // Omni validates the whole object, of which this changes no content.
            Err(error) if error.is(ErrorKind::Validation) => return Err(operation.explain_stale(&error).into()),
            Err(error) if error.is(ErrorKind::NotFound) => {
                return Err(Diagnostic::error(operation.summary(), self.missing[1])
                    .hint(format!("Check `{}`, and that `endpoint` is the right Omni instance.", self.facts.id))
                    .at(Path::of(self.facts.id))
                    .into());
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
