//! `omni_config_patch`: a patch of the Talos machine configuration.

use super::document;
use super::document::{Document, TEXT};
use super::judge;
use super::refused;
use super::refused::Change;
use super::target;
use super::target::Target;
use super::weighted;
use super::weighted::Weighted;
use crate::omni::patch;
use crate::omni::patch::PatchError;
use crate::omni::spec::compressed;
use crate::omni::{Error, labels};
use crate::provider::engine::{
    Bind, CosiObject, Cx, Failure, Home, Joined, KeyCodec, Object, OneKind, Owner, ResourceType, Row, Table, group,
};
use crate::provider::references;
use crate::provider::references::Part;
use crate::provider::session::at;
use crate::tf::check::{Rule, not_empty};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::resource::Plan;
use crate::tf::schema::{Schema, boolean, string};
use crate::tf::value::Value;
use crate::tf::write_only::{Fingerprint, WriteOnly, write_only};
use async_trait::async_trait;
use omni_proto::specs::ConfigPatchSpec;

pub(super) struct ConfigPatch;

/// A patch is a document, so its print is that of what it means.
const DATA: WriteOnly = write_only!("data", Fingerprint::Meaning(patch::digest));
const DOCUMENT: Document = Document { noun: "patch", kind: ConfigPatch::NAME, attributes: &[DATA.plain, DATA.secret] };
const PART: Part = Part { noun: "patch", follows: true };

impl Weighted for ConfigPatch {
    const WORD: &'static str = "patch";
    const ABOUT_WEIGHT: &'static str =
        "Order among patches for the same target, from `0` to `999`: lower weights are applied first.";
    const ID_PARTS: &'static [&'static str] = &["name", "weight", "cluster", "selector", "id_override"];

    fn target(state: &Value) -> Option<String> {
        Target::of(state).id()
    }
}

impl Table for ConfigPatch {
    type Spec = ConfigPatchSpec;

    const NAME: &'static str = "omni_config_patch";
    const NOUN: &'static str = "config patch";
    const ID: &'static str = "id";

    fn rows() -> Vec<Row> {
        let [id, name, weight, id_override] = weighted::rows::<Self>();
        vec![
            id,
            name,
            weight,
            string("data").required().document().same_if(patch::same).doc(
                "The patch, a strategic merge patch in YAML. Omni validates it at plan time. Formatting-only changes produce no diff, but another spelling of a number or boolean is a change, such as `1.10` and `1.1`.",
            ).at(Home::Fields(&TEXT)).reading("The patch, a strategic merge patch in YAML."),
            string("cluster").replaces().check(not_empty()).doc("Name of the cluster that the patch applies to.").label(labels::CLUSTER, KeyCodec::Text),
            group("selector", vec![
                target::machine_set_row(PART),
                target::cluster_machine_row(PART),
                string("machine").check(not_empty()).doc("ID (UUID) of the machine that the patch applies to, in any cluster or in none.").label(labels::MACHINE, KeyCodec::Text),
            ], |selector| selector.or_nothing().replaces().doc("Limits the patch to a machine set or a machine. At most one of its attributes may be set.")).reading("Target of the patch; null if it applies to the whole cluster."),
            boolean("enabled").default(true).doc("Whether the patch is applied. A disabled patch stays in Omni without effect.").since("1.10").label(labels::DISABLED, KeyCodec::Absent),
            id_override,
        ]
    }

    fn derive(
        object: &Object<ConfigPatchSpec>,
        _joined: &Joined,
        prior: &Value,
        shown: &mut Value,
    ) -> Result<(), Diagnostic> {
        let text = compressed::text::<ConfigPatchSpec>(&object.stored).map_err(|error| {
            Diagnostic::from_error(format!("Could not read config patch `{}`", object.id()), &error)
        })?;
        shown.set("data", text.into());
        // An import cannot tell an empty one from none, and takes what is no change for either.
        if prior.get("id").is_set() && prior.get("name").is_null() && shown.get("selector").is_null() {
            let none = ["machine_set", "cluster_machine", "machine"].map(|name| (name, Value::Null));
            shown.set("selector", Value::object(none));
        }
        weighted::derive::<Self>(object.id(), prior, shown);
        Ok(())
    }
}

#[async_trait]
impl ResourceType for ConfigPatch {
    const WRITE_ONLY: &'static [WriteOnly] = &[DATA];

    fn about() -> Schema {
        Schema::new(
            "Manages a patch of the Talos machine configuration for a cluster, a machine set, a cluster machine, or a machine. \
             Omni applies a change to running machines by the `update_strategy` of their machine set; some changes make Talos reboot the machine.",
        )
        .meaning("selector.machine_set", target::meaning_of_set)
        .stays_if(weighted::keeps_id::<Self>)
        .rule(Rule::ExactlyOne(&["cluster", "selector.machine"]))
        .rule(Rule::AtMostOne(&["selector.machine_set", "selector.cluster_machine", "selector.machine"]))
        .rule(Rule::Needs("selector.machine_set", "cluster"))
        .rule(Rule::Needs("selector.cluster_machine", "cluster"))
    }

    fn id(state: &Value) -> Option<String> {
        weighted::id::<Self>(state)
    }

    fn about_id(id: &str) -> Option<(String, String)> {
        Some((
            weighted::about_id(id)?,
            "IDs are `<weight>-<target>-<name>`, such as `400-prod-workers-sysctls`: the target is the name of the cluster, or the ID of the machine set or machine. \
             The function `config_patch_id` builds them.".to_owned(),
        ))
    }

    fn validate(config: &Value, diags: &mut Diagnostics) {
        DOCUMENT.validate(config, diags);
    }

    fn modify_plan(plan: &mut Plan<'_>) {
        weighted::plan_id::<Self>(plan);
        check_form(plan);
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        if plan.diags.has_errors() {
            return Ok(());
        }
        check_target(cx, plan).await?;
        let (name, text) = DATA.given(plan.config, &plan.planned);
        let Some(text) = text.as_str().filter(|_| !plan.diags.has_errors()) else { return Ok(()) };
        let Some(error) = judge::refusal(cx, text).await? else { return Ok(()) };
        let told = match overridden(&error) {
            Some(fields) => {
                let id = Self::id(&plan.planned);
                let change = match plan.prior {
                    None => Change::Create(id.as_deref()),
                    Some(_) if document::is_changed(&DATA, plan) => Change::Content,
                    Some(_) => Change::Rest,
                };
                refused::explain(cx, change, &fields).await?
            }
            None => {
                let said = crate::provider::errors::detail(&error);
                let hint = judge::advice(text, &said);
                Diagnostic::error("Omni refuses the patch", said).hint(hint)
            }
        };
        plan.diags.push(told.at(at(name)));
        Ok(())
    }
}

impl CosiObject for ConfigPatch {
    type Kinds = OneKind;

    const NEEDS_OWNERS: bool = false;

    fn owners(state: &Value) -> Vec<Owner> {
        target::owners(state)
    }
}

/// Says of a text that is no patch what it is. Only a plan judges it: validation sees mocked values too.
fn check_form(plan: &mut Plan<'_>) {
    let (name, text) = DATA.given(plan.config, &plan.planned);
    let Some(text) = text.as_str().filter(|_| document::is_changed(&DATA, plan)) else { return };
    let (summary, why, hint) = match patch::check(text, patch::Release::NEWEST) {
        Err(PatchError::JsonPatch) => (
            "The patch is a JSON patch (RFC 6902)",
            "Omni accepts strategic merge patches only: parts of the machine configuration, in its structure."
                .to_owned(),
            "Write the fields themselves, as in `yamlencode({ machine = { sysctls = { \"vm.swappiness\" = \"1\" } } })`; `$patch: delete` deletes a field.",
        ),
        Err(PatchError::Nothing) => (
            "The patch is empty",
            "Omni refuses a patch that sets nothing.".to_owned(),
            "Set at least one field, or remove the resource. `enabled = false` disables a patch.",
        ),
        Err(PatchError::NotMapping(number)) => (
            "The patch is not a mapping",
            format!(
                "Document {number} of the patch is a list or a scalar instead of a part of the machine configuration."
            ),
            match is_path(text) {
                true => "If this is the path of a file, read it with `file(…)`.",
                false => {
                    "Begin it with `machine:`, `cluster:`, or `apiVersion:` and `kind:`, or build it with `yamlencode`."
                }
            },
        ),
        _ => return,
    };
    plan.diags.push(Diagnostic::error(summary, why).hint(hint).at(at(name)));
}

/// Whether a text looks like the path of a file.
fn is_path(text: &str) -> bool {
    let text = text.trim();
    !text.contains(char::is_whitespace) && [".yaml", ".yml", ".json"].iter().any(|end| text.ends_with(end))
}

/// The fields that a refusal names as Omni's own, if it is about nothing else.
fn overridden(error: &Error) -> Option<Vec<&str>> {
    let Error::Status { problems, message, .. } = error.cause() else { return None };
    let all: Vec<&str> =
        if problems.is_empty() { vec![message] } else { problems.iter().map(String::as_str).collect() };
    all.into_iter()
        .map(|problem| {
            let (field, rest) = problem.strip_prefix("overriding \"")?.split_once('"')?;
            (rest == " is not allowed in the config patch").then_some(field)
        })
        .collect()
}

/// Holds what the patch is for against what is there.
async fn check_target(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Error> {
    let is_there = match plan.planned.get("cluster").as_str().map(str::to_owned) {
        Some(cluster) => references::check_target_cluster(cx, plan, PART, &cluster).await?,
        None => true,
    };
    target::check_selector(cx, plan, PART, is_there).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::spec::Spec as _;
    use omni_proto::specs::MachineSetSpec;

    fn patch(more: &[(&str, Value)]) -> Value {
        let common = [("name", Value::from("x")), ("cluster", "prod".into())];
        let mut whole = Value::object(common);
        for (name, value) in more {
            whole.set(name, value.clone());
        }
        whole
    }

    fn selects(set: &str) -> (&'static str, Value) {
        ("selector", Value::object([("machine_set", Value::from(set))]))
    }

    #[test]
    fn ids_are_composed_of_weight_narrowest_target_and_name() {
        let weight = ("weight", Value::from(7));
        let set = selects("prod-workers");
        for (more, id) in [
            (vec![], "400-prod-x"),
            (vec![weight.clone(), set.clone()], "007-prod-workers-x"),
            (vec![weight, set, ("id_override", "500-abc".into())], "500-abc"),
        ] {
            assert_eq!(ConfigPatch::id(&patch(&more)).as_deref(), Some(id));
        }
    }

    #[test]
    fn a_short_name_of_a_set_is_its_id() {
        for set in ["workers", "prod-workers"] {
            let whole = patch(&[selects(set)]);
            assert_eq!(ConfigPatch::id(&whole).as_deref(), Some("400-prod-workers-x"), "{set}");
            let [labels, _] = crate::provider::engine::Binding::new(ConfigPatch::rows()).keys(&whole);
            let label = labels.into_iter().find(|(key, _)| *key == labels::MACHINE_SET);
            assert_eq!(label.unwrap().1.as_deref(), Some("prod-workers"), "{set}");
            let set_key = MachineSetSpec::KIND.key("prod-workers");
            assert!(ConfigPatch::owners(&whole).iter().any(|owner| owner.key == set_key), "{set}");
        }
    }

    #[test]
    fn what_is_too_large_is_told_as_that() {
        let told = |text: &str| {
            let mut diags = Diagnostics::new();
            ConfigPatch::validate(&Value::object([("data", Value::from(text))]), &mut diags);
            diags.iter().map(|d| format!("{}: {}", d.summary, d.text())).collect::<String>()
        };
        let files = |n: usize| format!("machine:\n  files:\n{}", "    - {path: /a, op: create}\n".repeat(n));
        let anchors = format!("x: &x {}\nmachine: [{}]\n", "y".repeat(1 << 20), "*x,".repeat(80));
        let line = |bytes: usize| format!("a: {}", "x".repeat(bytes - 3));
        let deep = format!("machine: {}{}", "[".repeat(100), "]".repeat(100));
        for (text, parts, not) in [
            (files(240_000), &["too large", "It has 6.7 MiB", "64 MiB", "Split it"][..], "anchor"),
            (anchors, &["too large", "It has 1.1 MiB", "64 MiB", "fewer aliases", "Split it"], "ndent"),
            (line(patch::LONGEST + 1), &["too large", "It has 33554177 bytes", "(32 MiB)", "Split it"], "anchor"),
            (line(40 << 20), &["too large", "It has 41943040 bytes", "(32 MiB)"], "anchor"),
            ("machine: [}".to_owned(), &["not valid YAML", "Check indentation"], "large"),
            (deep, &["nested too deeply", "line 1, column 109", "100 levels", "limit of the provider"], "valid"),
            (line(1 << 20), &[], "large"),
        ] {
            let said = told(&text);
            assert!(parts.iter().all(|part| said.contains(part)) && !said.contains(not), "{said}");
            assert_eq!(said.is_empty(), parts.is_empty(), "{said}");
        }
    }
}
