//! `omni_eula_acceptance`: accepts the EULA of an instance, which is done once and for good.
//! Until then Omni refuses every other call, reads of the acceptance among them.

use crate::omni::resources::EULA_ID;
use crate::omni::spec::Spec;
use crate::omni::{Error, ErrorKind};
use crate::provider::check::{is_email, not_blank};
use crate::provider::engine::{Bind, Cx, Failure, FoundObject, Object, ResourceType, Row, Table, if_applied};
use crate::provider::errors::Operation;
use crate::provider::ledger::ObjectKey;
use crate::provider::session::at;
use crate::provider::types::Types;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::resource::Plan;
use crate::tf::schema::{IdentitySchema, Schema, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, future, stream};
use omni_proto::specs::EulaAcceptanceSpec;
use std::sync::atomic::Ordering;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.found::<EulaAcceptance>();
}

struct EulaAcceptance;

const OPERATION: Operation<'_> = Operation { verb: "create", noun: EulaAcceptance::NOUN, id: "", id_attribute: "name" };

/// Who has accepted it; `None` while nobody has.
async fn acceptance(cx: &Cx) -> Result<Option<Object<EulaAcceptanceSpec>>, Error> {
    match cx.read_surely(&EulaAcceptanceSpec::KIND.key(EULA_ID), None).await {
        Ok(stored) => Object::decode(stored).map(Some),
        // That everything is refused says that nobody has.
        Err(error) if error.is(ErrorKind::NotFound) || error.is(ErrorKind::LicenceGate) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The attribute in which the acceptance differs from what is wanted; what is not known yet differs from nothing.
fn mismatch(spec: &EulaAcceptanceSpec, wanted: &Value) -> Option<&'static str> {
    let parts = [("name", &spec.accepted_by_name), ("email", &spec.accepted_by_email)];
    parts.into_iter().find(|(name, is)| wanted.get(name).as_str().is_some_and(|text| text != *is)).map(|(name, _)| name)
}

fn by_another(spec: &EulaAcceptanceSpec, attribute: &'static str) -> Diagnostic {
    let (name, email) = (&spec.accepted_by_name, &spec.accepted_by_email);
    Diagnostic::error(
        "The EULA is already accepted by somebody else",
        format!("`{name}` ({email}) has accepted it. Omni keeps the first acceptance, which can be neither changed nor removed."),
    )
    .hint(format!("Set `name = {name:?}` and `email = {email:?}`, or remove the resource: the instance needs no other acceptance."))
    .at(at(attribute))
}

impl Table for EulaAcceptance {
    type Spec = ();

    const NAME: &'static str = "omni_eula_acceptance";
    const NOUN: &'static str = "EULA acceptance";
    const ID: &'static str = "id";

    fn rows() -> Vec<Row> {
        vec![
            string("id").computed().stays().doc("Always `eula`.").derived(),
            string("name")
                .required()
                .check(not_blank())
                .doc("Name of the person who accepts the EULA. It cannot be changed.")
                .derived(),
            string("email")
                .required()
                .check(is_email())
                .doc("E-mail address of that person. It cannot be changed.")
                .derived(),
        ]
    }
}

#[async_trait]
impl ResourceType for EulaAcceptance {
    // There is one, so it needs no name.
    const DISPLAY: &'static str = "";

    fn about() -> Schema {
        Schema::new(
            "Accepts the end user license agreement (EULA) of a self-hosted Omni instance on behalf of a person. \
             Omni refuses everything else until it is accepted, so the other resources have to depend on this one, with `depends_on`.\n\n\
             ~> **The acceptance is permanent.** Omni lets nobody change or remove it: destroying the resource only removes it from the state.\n\n\
             This is a singleton: where the EULA is already accepted by the same person, a create adopts the acceptance, and where another person has accepted it, the plan fails. \
             Every role can accept it.",
        )
        .since("1.7")
        .instead("Earlier releases have no EULA to accept: remove the resource from the configuration.")
    }

    fn identity() -> IdentitySchema {
        IdentitySchema::of("id", "Always `eula`: this is a singleton.")
    }

    fn id(_state: &Value) -> Option<String> {
        Some(EULA_ID.to_owned())
    }

    async fn resolve_import(_cx: Option<&Cx>, _text: &str) -> Result<String, Failure> {
        Ok(EULA_ID.to_owned())
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        let Some(found) = acceptance(cx).await? else { return Ok(()) };
        if let Some(attribute) = mismatch(&found.spec, &plan.planned) {
            let error = if_applied(cx, plan, &Self::key(EULA_ID), by_another(&found.spec, attribute));
            plan.diags.push(error);
        }
        Ok(())
    }

    async fn check_delete(_cx: &Cx, _prior: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        diags.push(
            Diagnostic::warning(
                "The EULA stays accepted",
                "An acceptance is permanent: destroying an `omni_eula_acceptance` only removes it from the state.",
            )
            .hint("Nothing needs to be done."),
        );
        Ok(())
    }
}

#[async_trait]
impl FoundObject for EulaAcceptance {
    type Found = EulaAcceptanceSpec;

    const KEYS: &'static [&'static str] = &[];

    fn key(id: &str) -> ObjectKey {
        ObjectKey::from(&EulaAcceptanceSpec::KIND.key(id))
    }

    fn id_of(_found: &EulaAcceptanceSpec) -> String {
        EULA_ID.to_owned()
    }

    fn show(found: &EulaAcceptanceSpec, _prior: &Value) -> Result<Value, Diagnostic> {
        Ok(Value::object([
            ("id", Value::from(EULA_ID)),
            ("name", Value::from(found.accepted_by_name.as_str())),
            ("email", Value::from(found.accepted_by_email.as_str())),
        ]))
    }

    async fn look_up(cx: &Cx, _plan: &mut Plan<'_>) -> Result<Option<String>, Failure> {
        cx.session.accepts_licence.store(true, Ordering::Relaxed);
        Ok(Some(EULA_ID.to_owned()))
    }

    async fn obtain(cx: &Cx, _config: &Value, wanted: &Value) -> Result<EulaAcceptanceSpec, Diagnostics> {
        let explained = |error: Error| Diagnostics::from(OPERATION.explain(&error));
        let mut found = acceptance(cx).await.map_err(explained)?.map(|found| found.spec);
        if found.is_none() {
            let text = |name| wanted.get(name).as_str().unwrap_or_default().to_owned();
            let (accepted_by_name, accepted_by_email) = (text("name"), text("email"));
            found = match cx.client().accept_eula(&cx.call, &accepted_by_name, &accepted_by_email).await {
                Ok(()) => Some(EulaAcceptanceSpec { accepted_by_name, accepted_by_email }),
                // A lost answer, or somebody who was faster: what counts is who has accepted it now.
                Err(error) => match acceptance(cx).await {
                    Ok(Some(found)) => Some(found.spec),
                    _ => return Err(explained(error)),
                },
            };
        }
        let found = found.unwrap_or_default();
        match mismatch(&found, wanted) {
            Some(attribute) => Err(by_another(&found, attribute).into()),
            None => Ok(found),
        }
    }

    async fn read(cx: &Cx, _id: &str) -> Result<Option<EulaAcceptanceSpec>, Error> {
        Ok(acceptance(cx).await?.map(|found| found.spec))
    }

    fn all(cx: &Cx) -> BoxStream<'_, Result<(String, String), Error>> {
        let named = |found: Option<_>| found.map(|_| (EULA_ID.to_owned(), EULA_ID.to_owned()));
        let only = async move { acceptance(cx).await.map(named).transpose() };
        stream::once(only).filter_map(future::ready).boxed()
    }

    async fn change(cx: &Cx, _prior: &Value, wanted: &Value) -> Result<(), Failure> {
        match acceptance(cx).await? {
            Some(found) => match mismatch(&found.spec, wanted) {
                Some(attribute) => Err(by_another(&found.spec, attribute).into()),
                None => Ok(()),
            },
            None => Ok(()),
        }
    }

    /// It stays accepted.
    async fn remove(_cx: &Cx, _prior: &Value) -> Result<(), Failure> {
        Ok(())
    }
}
