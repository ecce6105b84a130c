//! `omni_wait`: waits until an object is as it is to be.

use super::goal::{self, Goal, PHASES};
use super::type_name;
use super::type_name::TYPE;
use crate::omni::spec::KINDS;
use crate::omni::spec::any::Single;
use crate::omni::{Key, Kind};
use crate::provider::engine::{Cx, Facts, Failure, OmniAction, Run};
use crate::provider::errors::Operation;
use crate::provider::since;
use crate::tf::check::{Rule, not_empty, one_of};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::schema::{Schema, boolean, string};
use crate::tf::value::Value;
use async_trait::async_trait;

pub(super) struct Wait;

const FACTS: Facts =
    Facts { name: "omni_wait", verb: "wait for", noun: "object", id: "id", timeout: "10m", role: ROLE };

/// The role by type, in words.
const ROLE: &str = "Requires the role `Reader`, and for the types that only administrators may read the role `Admin`.";

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
            "Value that `field` is waited to have. The names of enums are compared without regard to case and underscores; booleans are `true` and `false`. A field that is not set has the default value of its type: `\"\"`, `0`, `false` or the first name of the enum.",
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
        goal::check_kind(kind, Path::of(TYPE), diags);
        let Some(path) = config.get("field").as_str() else { return };
        goal::check_field(kind, path, config.get("value").as_str(), ["field", "value"].map(Path::of), diags);
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
        let goal = asked(&key, config, self.display(config))?;
        let what = format!("`{key}` {}", goal.words());
        run.say(format!("Waiting for {what}")).await;
        run.wait(&key, &what, |stored| goal.judge(stored).map_err(Failure::from)).await?;
        run.done(format!("`{key}` {}", goal.reached())).await;
        Ok(())
    }
}

fn kind(config: &Value) -> Option<Kind> {
    type_name::named(KINDS, config.get(TYPE).as_str()?)
}

/// What is waited for; `display` is what messages call the object.
fn asked(key: &Key, config: &Value, display: &str) -> Result<Goal, Failure> {
    let text = |name: &str| config.get(name).as_str().map(str::to_owned);
    if let Some(phase) = text("phase") {
        return Ok(Goal::phase(&phase));
    }
    if let Some(path) = text("field") {
        let field = Single::of(key.kind, &path).map_err(|error| {
            let operation = Operation { id: display, ..FACTS.operation(config) };
            Diagnostic::from_error(operation.summary(), &error).at(Path::of("field"))
        })?;
        return Ok(Goal::Field { field, path, value: text("value").unwrap_or_default() });
    }
    Ok(if config.get("gone").as_bool() == Some(true) { Goal::Gone } else { Goal::Exists })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::Resource as Stored;
    use crate::omni::spec;
    use crate::omni::spec::Spec;
    use crate::provider::wait::Step;
    use omni_proto::specs::{ClusterStatusSpec, cluster_status_spec};

    fn judged(config: &[(&str, Value)], stored: Option<&Stored>) -> Step {
        let config = Value::object(config.iter().map(|(name, value)| (*name, value.clone())));
        asked(&ClusterStatusSpec::KIND.key("prod"), &config, "prod").unwrap().judge(stored).unwrap()
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
