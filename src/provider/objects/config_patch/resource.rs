//! `omni_config_patch`: a patch of the Talos machine configuration.

use super::patch;
use super::patch::PatchError;
use crate::omni::spec::config_patch;
use crate::omni::spec::fields::Field;
use crate::omni::{Error, ErrorKind, MAX_REQUEST, labels};
use crate::provider::engine::{
    Bind, CosiObject, CosiTable, Cx, Failure, Home, Joined, KeyCodec, Object, Owner, Row, Several, group, model,
};
use crate::provider::objects::{cluster, machine_set};
use crate::provider::session::at;
use crate::provider::{naming, references};
use crate::tf::check::{Rule, not_empty, whole_between};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::resource::Plan;
use crate::tf::schema::{Schema, boolean, number, string};
use crate::tf::value::Value;
use crate::tf::write_only::{Fingerprint, WriteOnly, write_only};
use async_trait::async_trait;
use kit::text::quoted;
use kit::yaml;
use kit::yaml::Budget;
use omni_proto::specs::ConfigPatchSpec;
use serde::Deserialize;

pub(super) struct ConfigPatch;

const WEIGHT: i64 = 400;

/// A patch is a document, so its print is that of what it means.
const DATA: WriteOnly = write_only!("data", Fingerprint::Meaning(patch::digest));

/// What ids are made of.
#[derive(Clone, Default, Deserialize)]
struct Model {
    id: Option<String>,
    name: Option<String>,
    weight: Option<i64>,
    cluster: Option<String>,
    selector: Option<Selector>,
    id_override: Option<String>,
}

#[derive(Clone, Default, Deserialize)]
struct Selector {
    machine_set: Option<String>,
    cluster_machine: Option<String>,
    machine: Option<String>,
}

impl Model {
    /// What the patch is for, at its narrowest.
    fn target(&self) -> Option<String> {
        let selector = self.selector.as_ref();
        let machine = selector.and_then(|s| s.machine.as_ref().or(s.cluster_machine.as_ref()));
        machine.cloned().or_else(|| self.machine_set()).or_else(|| self.cluster.clone())
    }

    /// The id of the machine set that the patch is for.
    fn machine_set(&self) -> Option<String> {
        let set = self.selector.as_ref()?.machine_set.as_deref()?;
        Some(match &self.cluster {
            Some(cluster) => naming::set_in(cluster, set),
            None => set.to_owned(),
        })
    }

    /// The id by the rule, whatever `id_override` says.
    fn composed(&self) -> Option<String> {
        Some(naming::config_patch(self.weight.unwrap_or(WEIGHT), &self.target()?, self.name.as_deref()?))
    }
}

/// The id of the machine set that a whole value selects; `None` where it selects none, and while that is not known.
fn set_of(whole: &Value) -> Option<String> {
    model::<Model>(whole).ok()?.machine_set()
}

/// The text of the patch. The compressed form wins on the server when both are set, so it has to go.
static TEXT: Several = Several {
    owned: &["data", "compressed_data"],
    write: |value, fields| fields.set("data", value.as_str().map(|text| Field::String(text.to_owned()))),
    // Reading it can fail, which only the step that derives can say.
    read: |_, _| Ok(Value::Null),
};

impl CosiTable for ConfigPatch {
    type Spec = ConfigPatchSpec;

    const NAME: &'static str = "omni_config_patch";
    const NOUN: &'static str = "config patch";
    const ID: &'static str = "id";

    fn rows() -> Vec<Row> {
        vec![
            string("id").computed().stays().doc("ID of the patch: `<weight>-<target>-<name>`, or `id_override`.").id(),
            string("name").required().replaces().check(not_empty()).doc("Name of the patch.").annotation(labels::NAME, KeyCodec::Text),
            number("weight").default(WEIGHT).replaces().check(whole_between(0, 999)).doc(
                "Order among patches for the same target, from `0` to `999`: lower weights are applied first.",
            ).derived(),
            string("data").required().document().same_if(patch::same).doc(
                "The patch, a strategic merge patch in YAML. Omni validates it at plan time. Formatting-only changes produce no diff, but another spelling of a number or boolean is a change, such as `1.10` and `1.1`.",
            ).at(Home::Fields(&TEXT)),
            string("cluster").replaces().check(not_empty()).doc("Name of the cluster that the patch applies to.").label(labels::CLUSTER, KeyCodec::Text),
            group("selector", vec![
                string("machine_set").check(not_empty()).doc("Machine set of `cluster` that the patch applies to, by ID such as `prod-workers` or by name such as `workers`.").label(labels::MACHINE_SET, KeyCodec::Made(set_of)),
                string("cluster_machine").check(not_empty()).doc("ID (UUID) of the machine of `cluster` that the patch applies to, as long as it belongs to that cluster.").label(labels::CLUSTER_MACHINE, KeyCodec::Text),
                string("machine").check(not_empty()).doc("ID (UUID) of the machine that the patch applies to, in any cluster or in none.").label(labels::MACHINE, KeyCodec::Text),
            ], |selector| selector.or_nothing().replaces().doc("Limits the patch to a machine set or a machine. At most one of its attributes may be set.")),
            boolean("enabled").default(true).doc("Whether the patch is applied. A disabled patch stays in Omni without effect.").since("1.10").label(labels::DISABLED, KeyCodec::Absent),
            string("id_override").remains("A patch keeps the ID that it was created with.").replaces().check(not_empty()).doc(
                "ID to use instead of the one built from `weight`, target and `name`, for patches that were not created by Terraform, such as those of a cluster template. \
                 An import sets it. While it is set, changes of the other attributes do not force replacement.",
            ).derived(),
        ]
    }

    fn derive(
        object: &Object<ConfigPatchSpec>,
        _joined: &Joined,
        prior: &Value,
        shown: &mut Value,
    ) -> Result<(), Diagnostic> {
        let text = config_patch::text(&object.stored).map_err(|error| {
            Diagnostic::from_error(format!("Could not read config patch `{}`", object.id()), &error)
        })?;
        shown.set("data", text.into());
        // An import cannot tell an empty one from none, and takes what is no change for either.
        if prior.get("name").is_null() && shown.get("selector").is_null() {
            let none = ["machine_set", "cluster_machine", "machine"].map(|name| (name, Value::Null));
            shown.set("selector", Value::object(none));
        }
        let (weight, tail) = split(object.id());
        let weight = prior.get("weight").as_i64().or(weight).unwrap_or(WEIGHT);
        shown.set("weight", weight.into());
        let mut model: Model = model(shown)?;
        if model.name.as_ref().is_none_or(String::is_empty) {
            let name = model.target().and_then(|target| name_in(tail, &target)).unwrap_or(tail).to_owned();
            shown.set("name", name.as_str().into());
            model.name = Some(name);
        }
        let told = prior.get("id_override").as_str() == Some(object.id());
        if told || model.composed().as_deref() != Some(object.id()) {
            shown.set("id_override", object.id().into());
        }
        Ok(())
    }
}

#[async_trait]
impl CosiObject for ConfigPatch {
    const WRITE_ONLY: &'static [WriteOnly] = &[DATA];
    const NEEDS_OWNERS: bool = false;

    fn about() -> Schema {
        Schema::new(
            "Manages a patch of the Talos machine configuration for a cluster, a machine set, a cluster machine, or a machine. \
             Omni applies a change to running machines by the `update_strategy` of their machine set; some changes make Talos reboot the machine.",
        )
        .meaning("selector.machine_set", |whole| set_of(whole).filter(|_| whole.get("cluster").is_set()))
        .stays_if(keeps_id)
        .rule(Rule::ExactlyOne(&["cluster", "selector.machine"]))
        .rule(Rule::AtMostOne(&["selector.machine_set", "selector.cluster_machine", "selector.machine"]))
        .rule(Rule::Needs("selector.machine_set", "cluster"))
        .rule(Rule::Needs("selector.cluster_machine", "cluster"))
    }

    fn id(state: &Value) -> Option<String> {
        if !ID_PARTS.iter().all(|part| state.get(part).is_wholly_known()) {
            return None;
        }
        let model: Model = model(state).ok()?;
        model.id_override.clone().or_else(|| model.composed())
    }

    fn owners(state: &Value) -> Vec<Owner> {
        let set = set_of(state).map(|set| machine_set::owner(&set, "selector.machine_set"));
        state.get("cluster").as_str().map(cluster::owner).into_iter().chain(set).collect()
    }

    fn about_id(id: &str) -> Option<(String, String)> {
        let (weight, _) = split(id);
        weight.is_none().then(|| {
            (
                format!("{} does not begin with a weight of three digits.", quoted(id)),
                "IDs are `<weight>-<target>-<name>`, such as `400-prod-workers-sysctls`: the target is the name of the cluster, or the ID of the machine set or machine. \
                 The function `config_patch_id` builds them.".to_owned(),
            )
        })
    }

    fn validate(config: &Value, diags: &mut Diagnostics) {
        for name in [DATA.plain, DATA.secret] {
            let Some(text) = config.get(name).as_str() else { continue };
            if let Err(error) = patch::nodes(text, &mut Budget::default()) {
                diags.push(unreadable(name, &error));
            }
        }
    }

    fn modify_plan(plan: &mut Plan<'_>) {
        if plan.prior.is_none() || !plan.replace.is_empty() {
            // What an import has filled in belongs to the object that was imported.
            if plan.config.get("id_override").is_null() {
                plan.planned.set("id_override", Value::Null);
            }
            let id = Self::id(&plan.planned);
            plan.planned.set("id", id.map_or(Value::UNKNOWN, Value::from));
        }
        check_form(plan);
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        if plan.diags.has_errors() {
            return Ok(());
        }
        check_target(cx, plan).await?;
        let (name, text) = DATA.given(plan.config, &plan.planned);
        let Some(text) = text.as_str().filter(|_| !plan.diags.has_errors()) else { return Ok(()) };
        let error = match cx.client().validate_config(&cx.call, text).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::Validation => {
                let (detail, hint) = match overridden(&error) {
                    Some(fields) => {
                        let list = fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ");
                        (format!("It sets fields that Omni controls: {list}."), "Remove these fields from the patch.")
                    }
                    None => (
                        crate::provider::errors::detail(&error),
                        "Remove fields that Omni controls, and check the names and types of the other fields in the reference of the Talos machine configuration.",
                    ),
                };
                plan.diags.push(Diagnostic::error("Omni refuses the patch", detail).hint(hint).at(at(name)));
                Ok(())
            }
            // A server without the call finds out when the patch is written.
            ErrorKind::Unimplemented => Ok(()),
            _ => Err(error.into()),
        }
    }
}

/// What an id is made of.
const ID_PARTS: [&str; 5] = ["name", "weight", "cluster", "selector", "id_override"];

/// Whether a configuration leaves a patch its id: it names that id, or changes nothing of what ids are made of.
fn keeps_id(prior: &Value, given: &Value) -> bool {
    if !ID_PARTS.iter().all(|part| given.get(part).is_wholly_known()) {
        return false;
    }
    let (Ok(before), Ok(after)) = (model::<Model>(prior), model::<Model>(given)) else { return false };
    match &after.id_override {
        Some(id) => before.id.as_ref() == Some(id),
        None => after.composed().is_some_and(|id| before.composed() == Some(id)),
    }
}

/// The name that is left of an id without its weight: some tools put a word in front of the target.
fn name_in<'i>(tail: &'i str, target: &str) -> Option<&'i str> {
    let rest = ["", "cluster-", "cm-"].iter().find_map(|word| tail.strip_prefix(word)?.strip_prefix(target))?;
    rest.strip_prefix('-').filter(|name| !name.is_empty())
}

/// What is wrong with a text that cannot be read as a patch, or not be sent as one.
fn unreadable(name: &str, error: &PatchError) -> Diagnostic {
    const SPLIT: &str = "Split it into several `omni_config_patch` resources.";
    let too_large = |detail: String| Diagnostic::error("The patch is too large", detail).at(at(name));
    match error {
        PatchError::TooLong(length) => too_large(format!(
            "It has {length} bytes, and Omni accepts requests of at most {MAX_REQUEST} (32 MiB), including everything else in the request."
        ))
        .hint(SPLIT),
        PatchError::TooMuch { length, cause } => {
            let memory = patch::size(yaml::MEMORY);
            let detail = format!(
                "It has {}. At line {}, its values need more than {memory} of memory, which is the limit of the provider.",
                patch::size(*length),
                cause.line
            );
            match cause.excess {
                Some(yaml::Excess::References) => too_large(format!(
                    "{detail} The content of an anchor (`&name`) counts for every alias (`*name`)."
                ))
                .hint(format!("Use fewer aliases. {SPLIT}")),
                _ => too_large(detail).hint(SPLIT),
            }
        }
        // The parser's own message may quote the text, and this one may be a secret.
        PatchError::NotYaml(error) if name != DATA.plain => {
            not_yaml(name, &format!("line {}, column {}", error.line, error.column))
        }
        PatchError::NotYaml(error) => not_yaml(name, &error.to_string()),
        other => not_yaml(name, &other.to_string()),
    }
}

fn not_yaml(name: &str, why: &str) -> Diagnostic {
    Diagnostic::error("The patch is not valid YAML", format!("Parsing failed: {why}."))
        // Hosts validate the whole configuration before a destroy, also with `-target` and without a refresh.
        .hint(
            "Check indentation and quotes there, or build the text with `yamlencode`. \
             To destroy the patch, remove its block from the configuration and apply: `terraform destroy` checks every block first.",
        )
        .at(at(name))
}

/// Says of a text that is no patch what it is. Only a plan judges it: validation sees mocked values too.
fn check_form(plan: &mut Plan<'_>) {
    let (name, text) = DATA.given(plan.config, &plan.planned);
    let changes = |prior: &Value| [DATA.plain, DATA.hash].iter().any(|part| prior.get(part) != plan.planned.get(part));
    let Some(text) = text.as_str().filter(|_| plan.prior.is_none_or(changes)) else { return };
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
    let text = |path: &str| Path::of(path).lookup(&plan.planned).as_str().map(str::to_owned);
    let cluster = text("cluster");
    let machines = ["selector.cluster_machine", "selector.machine"].map(|path| (path, text(path)));
    let set = text("selector.machine_set");
    if let Some(cluster) = &cluster
        && references::check_target_cluster(cx, plan, cluster).await?
        && let Some(set) = &set
    {
        references::check_target_set(cx, plan, cluster, set).await?;
    }
    for (path, machine) in machines {
        if let Some(machine) = machine {
            references::check_target_machine(cx, plan, path, &machine, cluster.as_deref()).await?;
        }
    }
    Ok(())
}

/// The weight that an id begins with, and the rest of it.
fn split(id: &str) -> (Option<i64>, &str) {
    match id.split_once('-') {
        Some((weight, rest)) if weight.len() == 3 && weight.bytes().all(|b| b.is_ascii_digit()) => {
            (weight.parse().ok(), rest)
        }
        _ => (None, id),
    }
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
    fn a_name_is_what_follows_the_target() {
        for (tail, target, expected) in [
            ("prod-x", "prod", Some("x")),
            ("cluster-prod-x", "prod", Some("x")),
            ("cm-0000-install-disk", "0000", Some("install-disk")),
            ("other-x", "prod", None),
            ("prod", "prod", None),
            ("prod-", "prod", None),
        ] {
            assert_eq!(name_in(tail, target), expected, "{tail}");
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
        for (text, parts, not) in [
            (files(240_000), &["too large", "It has 6.7 MiB", "64 MiB", "Split it"][..], "anchor"),
            (anchors, &["too large", "It has 1.1 MiB", "64 MiB", "fewer aliases", "Split it"], "ndent"),
            (line(patch::LONGEST + 1), &["too large", "It has 33554177 bytes", "(32 MiB)", "Split it"], "anchor"),
            (line(40 << 20), &["too large", "It has 41943040 bytes", "(32 MiB)"], "anchor"),
            ("machine: [}".to_owned(), &["not valid YAML", "Check indentation"], "large"),
            (line(1 << 20), &[], "large"),
        ] {
            let said = told(&text);
            assert!(parts.iter().all(|part| said.contains(part)) && !said.contains(not), "{said}");
            assert_eq!(said.is_empty(), parts.is_empty(), "{said}");
        }
    }

    #[test]
    fn ids_are_taken_apart() {
        for (id, weight, rest) in [
            ("400-prod-x", Some(400), "prod-x"),
            ("040-x", Some(40), "x"),
            ("1000-x", None, "1000-x"),
            ("x", None, "x"),
        ] {
            assert_eq!(split(id), (weight, rest), "{id}");
        }
    }
}
