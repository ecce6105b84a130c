//! `omni_machine_labels`: the labels of a machine, which are those of an object without a spec.

use crate::omni::{Key, Phase, Resource as Stored, labels};
use crate::provider::engine::{
    Bind, CosiObject, Cx, Failure, KeyCodec, OneKind, Origin, OwnLabels, ResourceType, Row, Table,
};
use crate::provider::objects::machine::{argument, machine_id};
use crate::provider::types::Types;
use crate::provider::view;
use crate::tf::check::one_of;
use crate::tf::diag::Diagnostic;
use crate::tf::path::Path;
use crate::tf::resource::Plan;
use crate::tf::schema::{Schema, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use omni_proto::specs::MachineLabelsSpec;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<MachineLabels>();
}

struct MachineLabels;

const MODE: &str = "mode";
const EXCLUSIVE: &str = "exclusive";
const ADDITIVE: &str = "additive";

impl Table for MachineLabels {
    type Spec = MachineLabelsSpec;

    const NAME: &'static str = "omni_machine_labels";
    const NOUN: &'static str = "set of machine labels";
    const ID: &'static str = "machine_id";

    fn rows() -> Vec<Row> {
        vec![
            argument::machine_id(),
            string(MODE).default(ADDITIVE).check(one_of(&[ADDITIVE, EXCLUSIVE])).doc(
                "How labels that others set are treated: `additive` keeps them, `exclusive` removes them. Labels of the installation media stay in both.",
            ).annotation(labels::EXCLUSIVE, KeyCodec::Either(EXCLUSIVE, ADDITIVE)).own_labels(OwnLabels {
                about: "Labels of the machine, over those of its installation media; those of the provider block are added. `mode` says what becomes of keys that others set.",
                are_all: is_exclusive,
            }),
        ]
    }
}

fn is_exclusive(state: &Value) -> bool {
    state.get(MODE).as_str() == Some(EXCLUSIVE)
}

/// The keys of a map that are set here, or by the provider block.
fn keys<'a>(state: &'a Value, maps: [&'a str; 2]) -> impl Iterator<Item = &'a String> {
    maps.into_iter().flat_map(|name| state.get(name).entries()).flatten().map(|(key, _)| key)
}

#[async_trait]
impl ResourceType for MachineLabels {
    fn about() -> Schema {
        Schema::new(
            "Manages labels of a machine, by which machine classes and data sources select it. \
             Omni labels machines of some platforms itself, and people do in the UI: creating this takes those labels over.\n\n\
             Destroying it removes its labels, and in `exclusive` mode all others too; where the installation media set another value, that counts again.",
        )
    }

    fn about_id(id: &str) -> Option<(String, String)> {
        machine_id::problem(id)
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        argument::check_machine(cx, plan).await?;
        let Some(id) = plan.planned.get(Self::ID).as_str().map(str::to_owned) else { return Ok(()) };
        let begins = is_exclusive(&plan.planned) && plan.prior.is_none_or(|prior| !is_exclusive(prior));
        if !begins || !plan.planned.get("labels").is_wholly_known() {
            return Ok(());
        }
        let Some(there) = view::object::<MachineLabelsSpec>(cx, &id).await?.there() else { return Ok(()) };
        let stays = |key: &String| keys(&plan.planned, ["labels", "provider_labels"]).any(|own| own == key);
        let all = labels::of_users(&there.stored.metadata.labels);
        let removed: Vec<_> = all.keys().filter(|key| !stays(key)).map(|key| format!("`{key}`")).collect();
        if !removed.is_empty() {
            plan.diags.push(
                Diagnostic::warning(
                    format!("Labels of machine `{id}` are removed"),
                    format!(
                        "`{MODE} = \"{EXCLUSIVE}\"` removes the labels that are not configured here: {}.",
                        removed.join(", ")
                    ),
                )
                .hint("Add those that should stay to `labels`.")
                .at(Path::of(MODE)),
            );
        }
        Ok(())
    }
}

#[async_trait]
impl CosiObject for MachineLabels {
    type Kinds = OneKind;

    const ORIGIN: Origin = Origin::Either;

    /// What others have added stays, unless the labels are all ours.
    async fn remove(cx: &Cx, state: &Value, key: &Key) -> Result<(), Failure> {
        let strip = |stored: &mut Stored| {
            let metadata = &mut stored.metadata;
            for key in keys(state, ["labels", "provider_labels"]) {
                metadata.labels.remove(key);
            }
            for key in keys(state, ["annotations", "provider_annotations"]) {
                metadata.annotations.remove(key);
            }
            metadata.annotations.retain(|key, _| ![labels::MANAGED_BY, labels::OPERATION].contains(&key.as_str()));
        };
        let mut left = cx.client().get(&cx.call, key).await?;
        strip(&mut left);
        let empty = left.metadata.labels.is_empty() && left.metadata.annotations.is_empty();
        if is_exclusive(state) || empty || left.metadata.phase != Phase::Running {
            return Ok(cx.client().remove(&cx.call, key).await?);
        }
        let change = |current: &mut Stored| {
            strip(current);
            Ok(())
        };
        Ok(cx.client().modify(&cx.call, key, Some(Phase::Running), change).await.map(drop)?)
    }
}
