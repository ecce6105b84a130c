//! `omni_wait`: waits until an object is as it is to be.

use super::type_name;
use super::type_name::{TYPE, short};
use crate::omni::spec::KINDS;
use crate::omni::spec::any::Single;
use crate::omni::{Key, Kind, Phase, Resource as Stored};
use crate::provider::engine::{Cx, Facts, Failure, OmniAction, Run};
use crate::provider::errors::Operation;
use crate::provider::since;
use crate::provider::wait::Step;
use crate::tf::check::{Rule, not_empty, one_of};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::schema::{Schema, boolean, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use kit::text::{closest, quoted};

pub(super) struct Wait;

const FACTS: Facts = Facts { name: "omni_wait", verb: "wait for", noun: "object", id: "id", timeout: "10m" };

/// What Omni computes for every read cannot be watched.
const UNWATCHED: &str = "virtual";

/// The phases that an object can be in.
const PHASES: &[&str] = &["running", "tearing_down"];

#[async_trait]
impl OmniAction for Wait {
    fn facts(&self) -> Facts {
        FACTS
    }

    fn schema(&self) -> Schema {
        Schema::new(
            "Waits until an object in Omni meets a condition. Without a condition it waits until the object exists. It watches the object, and tells each change of what is waited for.",
        )
        .with(type_name::attribute(|| KINDS, "COSI type of the object."))
        .with(string("id").required().check(not_empty()).doc("ID of the object."))
        .with(string("phase").check(one_of(PHASES)).doc("Waits until the object is in this phase of its lifecycle: `running` or `tearing_down`."))
        .with(string("field").check(not_empty()).doc(
            "Waits until this field of the spec has the value `value`: a path such as `phase` or `machines.healthy`, in the names of the Protobuf message of the type.",
        ))
        .with(string("value").doc(
            "Value that `field` is waited to have. The names of enums are compared without regard to case and underscores; booleans are `true` and `false`. A field that is not set has the value `\"\"`.",
        ))
        .with(boolean("gone").doc("With `true`, waits until the object does not exist."))
        .rule(Rule::AtMostOne(&["phase", "field", "gone"]))
        .rule(Rule::Needs("field", "value"))
        .rule(Rule::Needs("value", "field"))
    }

    fn display<'a>(&self, config: &'a Value) -> &'a str {
        let id = config.get(FACTS.id).as_str().unwrap_or_default();
        kind(config).map_or(id, |kind| kind.display(id))
    }

    fn writes(&self, _config: &Value) -> bool {
        false
    }

    fn validate(&self, config: &Value, diags: &mut Diagnostics) {
        let Some(kind) = kind(config) else { return };
        if kind.namespace == UNWATCHED {
            diags.push(
                Diagnostic::error(
                    format!("`{}` cannot be waited for", short(kind)),
                    "Omni computes the objects of this type for every read, and does not report their changes.",
                )
                .hint("Choose another type.")
                .at(Path::of(TYPE)),
            );
        }
        let Some(path) = config.get("field").as_str() else { return };
        match Single::of(kind, path) {
            Err(error) => {
                let mut names = Single::names(kind);
                names.sort();
                let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
                diags.push(
                    Diagnostic::from_error(format!("Nothing to wait for in `field` of `{}`", short(kind)), &error)
                        .hint(format!("The fields of the type are {}.", names.join(", ")))
                        .at(Path::of("field")),
                );
            }
            Ok(field) => {
                let values = field.values();
                if let Some(wanted) = config.get("value").as_str()
                    && !values.is_empty()
                    && !values.iter().any(|value| same(value, wanted))
                {
                    let known: Vec<&str> = values.iter().map(String::as_str).collect();
                    let meant =
                        closest(wanted, &known).map(|name| format!(" Did you mean `{name}`?")).unwrap_or_default();
                    let list: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
                    diags.push(
                        Diagnostic::error(
                            format!("`{path}` never has the value {}", quoted(wanted)),
                            format!("Its values are {}.{meant}", list.join(", ")),
                        )
                        .hint("Set `value` to one of them.")
                        .at(Path::of("value")),
                    );
                }
            }
        }
    }

    async fn check(&self, cx: &Cx, config: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        if let Some(kind) = kind(config) {
            since::check_kind(cx, kind, Path::of(TYPE), diags).await;
        }
        Ok(())
    }

    async fn invoke(&self, run: &Run<'_>, config: &Value) -> Result<(), Failure> {
        let Some(kind) = kind(config) else { return Ok(()) };
        type_name::refuse_newer(run.cx(), kind).await?;
        let key = kind.key(config.get("id").as_str().unwrap_or_default());
        let goal = Goal::of(&key, config, self.display(config))?;
        let what = format!("`{key}` {}", goal.words());
        run.say(format!("Waiting for {what}")).await;
        run.wait(&key, &what, |stored| goal.judge(stored)).await?;
        run.done(format!("`{key}` {}", goal.reached())).await;
        Ok(())
    }
}

fn kind(config: &Value) -> Option<Kind> {
    type_name::named(KINDS, config.get(TYPE).as_str()?)
}

/// What is waited for.
enum Goal {
    Exists,
    Gone,
    Phase(Phase, String),
    Field { field: Single, path: String, value: String },
}

impl Goal {
    /// `display` is what messages call the object.
    fn of(key: &Key, config: &Value, display: &str) -> Result<Self, Failure> {
        let text = |name: &str| config.get(name).as_str().map(str::to_owned);
        if let Some(phase) = text("phase") {
            let wanted = if phase == PHASES[0] { Phase::Running } else { Phase::TearingDown };
            return Ok(Self::Phase(wanted, phase));
        }
        if let Some(path) = text("field") {
            let field = Single::of(key.kind, &path).map_err(|error| {
                let operation = Operation { id: display, ..FACTS.operation(config) };
                Diagnostic::from_error(operation.summary(), &error).at(Path::of("field"))
            })?;
            return Ok(Self::Field { field, path, value: text("value").unwrap_or_default() });
        }
        Ok(if config.get("gone").as_bool() == Some(true) { Self::Gone } else { Self::Exists })
    }

    /// To go after the object: `prod` to exist.
    fn words(&self) -> String {
        match self {
            Self::Exists => "to exist".to_owned(),
            Self::Gone => "to be gone".to_owned(),
            Self::Phase(_, name) => format!("to be in phase `{name}`"),
            Self::Field { path, .. } => format!("to have {} in `{path}`", self.value()),
        }
    }

    /// The value that is waited for, or how it is called where it is a text: that may be a secret, such as a join token.
    fn value(&self) -> String {
        match self {
            Self::Field { field, value, .. } if !field.is_text() => quoted(value),
            _ => "the configured value".to_owned(),
        }
    }

    fn reached(&self) -> String {
        match self {
            Self::Exists => "exists".to_owned(),
            Self::Gone => "is gone".to_owned(),
            Self::Phase(_, name) => format!("is in phase `{name}`"),
            Self::Field { path, .. } => format!("has {} in `{path}`", self.value()),
        }
    }

    fn judge(&self, stored: Option<&Stored>) -> Result<Step, Failure> {
        let Some(stored) = stored else {
            return Ok(match self {
                Self::Gone => Step::Met,
                _ => Step::Unmet("the object does not exist".to_owned()),
            });
        };
        Ok(match self {
            Self::Exists => Step::Met,
            Self::Gone if stored.metadata.finalizers.is_empty() => Step::Unmet("the object exists".to_owned()),
            Self::Gone => {
                let held: Vec<_> = stored.metadata.finalizers.iter().map(|name| format!("`{name}`")).collect();
                Step::Unmet(format!("the object exists, with the finalizers {}", held.join(", ")))
            }
            Self::Phase(wanted, _) if stored.metadata.phase == *wanted => Step::Met,
            Self::Phase(..) => Step::Unmet(format!("the object is in phase `{}`", phase_name(stored.metadata.phase))),
            Self::Field { field, path, value } => {
                let found = field.text(stored)?.unwrap_or_default();
                let met = if field.values().is_empty() { found == *value } else { same(&found, value) };
                match met {
                    true => Step::Met,
                    // A text may be a secret.
                    false if field.is_text() => Step::Unmet(format!("`{path}` has another value")),
                    false => Step::Unmet(format!("`{path}` is {}", quoted(&found))),
                }
            }
        })
    }
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Running => "running",
        Phase::TearingDown => "tearing_down",
    }
}

/// Whether two names of a value are the same one: messages write them in several ways.
fn same(a: &str, b: &str) -> bool {
    let bare = |text: &str| text.replace(['_', '-'], "").to_lowercase();
    bare(a) == bare(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::spec;
    use crate::omni::spec::Spec;
    use omni_proto::specs::{ClusterStatusSpec, cluster_status_spec};

    fn judged(config: &[(&str, Value)], stored: Option<&Stored>) -> Step {
        let config = Value::object(config.iter().map(|(name, value)| (*name, value.clone())));
        Goal::of(&ClusterStatusSpec::KIND.key("prod"), &config, "prod").unwrap().judge(stored).unwrap()
    }

    #[test]
    fn conditions() {
        let status = ClusterStatusSpec {
            phase: cluster_status_spec::Phase::ScalingUp.into(),
            available: true,
            ..ClusterStatusSpec::default()
        };
        let mut stored = spec::resource("prod", &status);
        let field = |path: &str, value: &str| vec![("field", path.into()), ("value", value.into())];
        for (config, stored, unmet) in [
            (vec![], Some(&stored), ""),
            (vec![], None, "the object does not exist"),
            (vec![("gone", true.into())], None, ""),
            (vec![("gone", true.into())], Some(&stored), "the object exists"),
            (vec![("phase", "running".into())], Some(&stored), ""),
            (vec![("phase", "tearing_down".into())], Some(&stored), "the object is in phase `running`"),
            (field("phase", "scaling_up"), Some(&stored), ""),
            (field("phase", "RUNNING"), Some(&stored), "`phase` is `SCALING_UP`"),
            (field("available", "true"), Some(&stored), ""),
            (field("ready", "true"), Some(&stored), "`ready` is `false`"),
            (field("ready", "true"), None, "the object does not exist"),
        ] {
            let expected = if unmet.is_empty() { Step::Met } else { Step::Unmet(unmet.to_owned()) };
            assert_eq!(judged(&config, stored), expected, "{config:?}");
        }
        stored.metadata.finalizers.push("A".to_owned());
        let held = Step::Unmet("the object exists, with the finalizers `A`".to_owned());
        assert_eq!(judged(&[("gone", true.into())], Some(&stored)), held);
    }
}
