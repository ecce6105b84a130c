//! `omni_config_patch`: a patch of the Talos machine configuration.

use crate::kit::yaml;
use crate::omni::spec::{Spec, config_patch};
use crate::omni::{Class, Error, Key, labels};
use crate::pb::specs::{ClusterSpec, ConfigPatchSpec, MachineSetSpec};
use crate::provider::crud::{Cx, Desired, Managed, Object};
use crate::provider::ids;
use crate::provider::patch;
use crate::provider::session::at;
use crate::tf::check::{Rule, not_empty, whole_between};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::resource::Plan;
use crate::tf::schema::{IdentitySchema, Schema, boolean, number, object, string};
use crate::tf::value::Value;
use crate::tf::write_only::{Print, WriteOnly, write_only};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub(super) struct ConfigPatch;

const WEIGHT: i64 = 400;

/// A patch is a document, so its print is that of what it means.
const DATA: WriteOnly = write_only!("data", Print::Meaning(patch::digest));

#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Model {
    id: Option<String>,
    name: Option<String>,
    weight: Option<i64>,
    data: Option<String>,
    cluster: Option<String>,
    selector: Option<Selector>,
    enabled: Option<bool>,
    id_override: Option<String>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Selector {
    machine_set: Option<String>,
    cluster_machine: Option<String>,
    machine: Option<String>,
}

impl Model {
    /// What the patch is for, at its narrowest.
    fn target(&self) -> Option<&str> {
        let selector = self.selector.as_ref();
        let narrow =
            selector.and_then(|s| s.machine.as_ref().or(s.cluster_machine.as_ref()).or(s.machine_set.as_ref()));
        narrow.or(self.cluster.as_ref()).map(String::as_str)
    }

    /// The id by the rule, whatever `id_override` says.
    fn composed(&self) -> Option<String> {
        Some(ids::config_patch(self.weight.unwrap_or(WEIGHT), self.target()?, self.name.as_deref()?))
    }
}

#[async_trait]
impl Managed for ConfigPatch {
    type Spec = ConfigPatchSpec;
    type Model = Model;
    type Extra = ();

    const NAME: &'static str = "omni_config_patch";
    const NOUN: &'static str = "config patch";
    const ID: &'static str = "id";
    const FIELDS: &'static [&'static str] = &["data", "compressed_data"];

    fn schema() -> Schema {
        Schema::new(
            "A patch of the Talos machine configuration, for a whole cluster, a machine set, a machine of a cluster, or a machine by itself.",
        )
        .with(string("id").computed().stays().doc("Id of the patch: `<weight>-<target>-<name>`, or `id_override`."))
        .with(string("name").required().replaces().check(not_empty()).doc("Name of the patch."))
        .with(number("weight").default(WEIGHT).replaces().check(whole_between(0, 999)).doc(
            "Order among the patches of the same level: those with a lower weight are applied first.",
        ))
        .with(string("data").required().document().same_if(patch::same).doc(
            "The patch, in YAML. Fields that Omni itself controls are refused at plan time. Formatting-only changes produce no diff; a number or a truth value that is spelled in another way is a change, since Talos reads the text where it wants one.",
        ))
        .with_write_only(DATA)
        .with(string("cluster").replaces().check(not_empty()).doc("Name of the cluster that the patch is for."))
        .with(
            object("selector", vec![
                string("machine_set").check(not_empty()).doc("Id of the machine set of `cluster` that the patch is for."),
                string("cluster_machine").check(not_empty()).doc("Id (UUID) of the machine of `cluster` that the patch is for."),
                string("machine").check(not_empty()).doc("Id (UUID) of the machine that the patch is for, in whatever cluster it is, or in none."),
            ])
            .replaces()
            .doc("Narrows the patch down to a machine set or a machine. At most one of its attributes may be set."),
        )
        .with(boolean("enabled").default(true).doc("Whether the patch is applied. A patch that is not stays in Omni without effect.").since("1.10"))
        .with(string("id_override").replaces().check(not_empty()).doc(
            "Id to use instead of the composed one, for patches that something else made, such as a cluster template.",
        ))
        .rule(Rule::ExactlyOne(&["cluster", "selector.machine"]))
        .rule(Rule::AtMostOne(&["selector.machine_set", "selector.cluster_machine", "selector.machine"]))
        .rule(Rule::Needs("selector.machine_set", "cluster"))
        .rule(Rule::Needs("selector.cluster_machine", "cluster"))
    }

    fn identity() -> IdentitySchema {
        IdentitySchema::of("id", "Id of the config patch.")
    }

    fn id(model: &Model) -> Option<String> {
        model.id_override.clone().or_else(|| model.composed())
    }

    fn desired(model: &Model) -> Desired<ConfigPatchSpec> {
        let selector = model.selector.clone().unwrap_or_default();
        let data = model.data.clone().unwrap_or_default();
        let disabled = (model.enabled == Some(false)).then(String::new);
        Desired {
            // The compressed form wins on the server when both are set, so it has to go.
            spec: ConfigPatchSpec { data, compressed_data: Vec::new() },
            labels: vec![
                (labels::CLUSTER, model.cluster.clone()),
                (labels::MACHINE_SET, selector.machine_set),
                (labels::CLUSTER_MACHINE, selector.cluster_machine),
                (labels::MACHINE, selector.machine),
                (labels::DISABLED, disabled),
            ],
            annotations: vec![(labels::NAME, model.name.clone())],
        }
    }

    fn model(object: &Object<ConfigPatchSpec>, _extra: &(), prior: &Model) -> Result<Model, Diagnostic> {
        let text = config_patch::text(&object.stored).map_err(|error| {
            Diagnostic::from_error(format!("Could not read config patch `{}`", object.id()), &error)
        })?;
        let label = |key: &str| object.label(key).map(str::to_owned);
        let selector = Selector {
            machine_set: label(labels::MACHINE_SET),
            cluster_machine: label(labels::CLUSTER_MACHINE),
            machine: label(labels::MACHINE),
        };
        let narrowed =
            selector.machine_set.is_some() || selector.cluster_machine.is_some() || selector.machine.is_some();
        let mut model = Model {
            id: Some(object.id().to_owned()),
            data: Some(text),
            cluster: label(labels::CLUSTER),
            selector: narrowed.then_some(selector),
            enabled: Some(object.label(labels::DISABLED).is_none()),
            ..Model::default()
        };
        let (weight, tail) = split(object.id());
        model.weight = Some(prior.weight.or(weight).unwrap_or(WEIGHT));
        let annotation = object.stored.metadata.annotations.get(labels::NAME).filter(|n| !n.is_empty());
        model.name = Some(match (annotation, model.target()) {
            (Some(name), _) => name.clone(),
            (None, Some(target)) => {
                tail.strip_prefix(target).and_then(|t| t.strip_prefix('-')).unwrap_or(tail).to_owned()
            }
            (None, None) => tail.to_owned(),
        });
        let told = prior.id_override.as_deref() == Some(object.id());
        if told || model.composed().as_deref() != Some(object.id()) {
            model.id_override = Some(object.id().to_owned());
        }
        Ok(model)
    }

    fn owners(model: &Model) -> Vec<Key> {
        let cluster = model.cluster.as_ref().map(|cluster| ClusterSpec::KIND.key(cluster));
        let set = model.selector.as_ref().and_then(|selector| selector.machine_set.as_ref());
        cluster.into_iter().chain(set.map(|set| MachineSetSpec::KIND.key(set))).collect()
    }

    fn validate(config: &Value, diags: &mut Diagnostics) {
        for name in [DATA.plain, DATA.secret] {
            let Some(text) = config.get(name).as_str() else { continue };
            if let Err(error) = yaml::parse_documents(text) {
                // The parser's own message may quote the text, and this one may be a secret.
                let why = if name == DATA.plain {
                    error.to_string()
                } else {
                    format!("line {}, column {}", error.line, error.column)
                };
                diags.push(
                    Diagnostic::error("The patch is not valid YAML", format!("Reading it failed: {why}."))
                        .hint("Correct the text, or build it with `yamlencode`.")
                        .at(at(name)),
                );
            }
        }
    }

    fn predict(plan: &mut Plan<'_>) {
        let parts = ["name", "weight", "cluster", "selector", "id_override"];
        let moved = plan.prior.is_none_or(|prior| parts.iter().any(|p| prior.get(p) != plan.planned.get(p)));
        if moved {
            let known = parts.iter().all(|p| plan.planned.get(p).is_wholly_known());
            let id =
                crate::provider::crud::model::<Model>(&plan.planned).ok().filter(|_| known).and_then(|m| Self::id(&m));
            plan.planned.set("id", id.map_or(Value::UNKNOWN, Value::from));
        }
    }

    async fn check(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Error> {
        let (name, text) = DATA.given(plan.config, &plan.planned);
        let Some(text) = text.as_str() else { return Ok(()) };
        let error = match cx.client().validate_config(&cx.call, text).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        match error.class() {
            Class::Validation => {
                let detail = crate::provider::explain::detail(&error);
                plan.diags.push(
                    Diagnostic::error("Omni refuses the patch", detail)
                        .hint(
                            "Take out what Omni controls itself, and correct what is not part of Talos' configuration.",
                        )
                        .at(at(name)),
                );
                Ok(())
            }
            // A server without the call finds out when the patch is written.
            Class::Unimplemented => Ok(()),
            _ => Err(error),
        }
    }
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

    #[test]
    fn ids_are_composed_of_weight_narrowest_target_and_name() {
        let mut model = Model { name: Some("x".into()), cluster: Some("prod".into()), ..Model::default() };
        assert_eq!(ConfigPatch::id(&model).as_deref(), Some("400-prod-x"));
        model.weight = Some(7);
        model.selector = Some(Selector { machine_set: Some("prod-workers".into()), ..Selector::default() });
        assert_eq!(ConfigPatch::id(&model).as_deref(), Some("007-prod-workers-x"));
        model.id_override = Some("500-abc".into());
        assert_eq!(ConfigPatch::id(&model).as_deref(), Some("500-abc"));
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
