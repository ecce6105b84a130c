//! `omni_machine_extensions`: system extensions of the machines of a cluster.

use super::names;
use crate::omni::{Error, labels};
use crate::provider::engine::{
    Bind, CosiObject, Cx, Failure, KeyCodec, OneKind, Owner, ResourceType, Row, Table, group,
};
use crate::provider::objects::config_patch::target;
use crate::provider::objects::config_patch::target::Target;
use crate::provider::references::Part;
use crate::provider::session::at;
use crate::provider::{since, view};
use crate::tf::check::{Check, Rule, not_empty};
use crate::tf::diag::{Diagnostic, Diagnostics, Severity};
use crate::tf::resource::Plan;
use crate::tf::schema::{Schema, plain, string};
use crate::tf::value::{Type, Value};
use async_trait::async_trait;
use kit::text::quoted;
use omni_proto::specs::{ClusterSpec, ExtensionsConfigurationSpec, TalosExtensionsSpec};

pub(super) struct MachineExtensions;

const PART: Part = Part { noun: "list", follows: false };
const PREFIX: &str = "schematic-";
/// The most extensions that Omni takes.
const MOST: usize = 256;
/// The first release of Omni that refuses what its catalogue lacks.
const CHECKED_SINCE: &str = "1.9";

impl Table for MachineExtensions {
    type Spec = ExtensionsConfigurationSpec;

    const NAME: &'static str = "omni_machine_extensions";
    const NOUN: &'static str = "extensions configuration";
    const ID: &'static str = "id";

    fn rows() -> Vec<Row> {
        vec![
            string("id").computed().stays().doc("ID: `schematic-<target>`, where the target is the name of the cluster, or the ID of the machine set or machine.").id(),
            string("cluster").required().replaces().check(not_empty()).doc("Name of the cluster.").label(labels::CLUSTER, KeyCodec::Text),
            group("selector", vec![target::machine_set_row(PART), target::cluster_machine_row(PART)], |selector| {
                selector.or_nothing().replaces().doc("Limits the list to a machine set or a machine. At most one of its attributes may be set.")
            }),
            plain("extensions", Type::set(Type::String)).required().same_if(names::same).check(not_empty().of_each()).check(are_different()).doc(
                "Names of the extensions, such as `siderolabs/gvisor`, or `gvisor` for short; an empty set means no extensions. \
                 Names are validated at plan time against the catalogue of the Talos version of the cluster. \
                 A former name of an extension is accepted and means its current name.",
            ).field("extensions"),
        ]
    }
}

/// They are not too many, and no two mean the same.
fn are_different() -> Check {
    Check::by(|value| {
        let all: Vec<_> = value.elements().iter().filter_map(Value::as_str).collect();
        if all.len() > MOST {
            return Err(format!("{} extensions are too many: Omni accepts at most {MOST}.", all.len()));
        }
        let twice = all
            .iter()
            .enumerate()
            .find_map(|(at, name)| Some((name, all[..at].iter().find(|other| names::same(name, other))?)));
        twice.map_or(Ok(()), |(one, other)| {
            Err(format!("{} and {} are the same extension.", quoted(other), quoted(one)))
        })
    })
}

#[async_trait]
impl ResourceType for MachineExtensions {
    fn about() -> Schema {
        Schema::new(
            "Manages the system extensions of the machines of a cluster, of a machine set, or of one machine. \
             Only the most specific list applies: that of a machine overrides that of its machine set, which overrides that of the cluster.\n\n\
             ~> A change upgrades the machines to another image and reboots them, by the `upgrade_strategy` of their machine set. \
             So does destroying the list: the next less specific list applies then, or the extensions of the image that the machine was installed from.",
        )
        .meaning("selector.machine_set", target::meaning_of_set)
        .rule(Rule::AtMostOne(&["selector.machine_set", "selector.cluster_machine"]))
    }

    fn id(state: &Value) -> Option<String> {
        let known = ["cluster", "selector"].iter().all(|part| state.get(part).is_wholly_known());
        Some(format!("{PREFIX}{}", Target::of(state).id().filter(|_| known)?))
    }

    fn about_id(id: &str) -> Option<(String, String)> {
        (!id.starts_with(PREFIX)).then(|| {
            (
                format!("{} does not begin with `{PREFIX}`.", quoted(id)),
                "IDs are `schematic-<target>`, such as `schematic-prod`: the target is the name of the cluster, or the ID of the machine set or machine.".to_owned(),
            )
        })
    }

    fn modify_plan(plan: &mut Plan<'_>) {
        if plan.prior.is_some() && plan.replace.is_empty() {
            return;
        }
        let id = Self::id(&plan.planned);
        plan.planned.set("id", id.map_or(Value::UNKNOWN, Value::from));
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        let Some(cluster) = plan.planned.get("cluster").as_str().map(str::to_owned) else { return Ok(()) };
        let wanted: Vec<_> =
            plan.planned.get("extensions").elements().iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let is_there = wanted.is_empty() || view::check_parent::<ClusterSpec>(cx, plan, "cluster", &cluster).await?;
        target::check_selector(cx, plan, PART, is_there).await?;
        let Some(version) = view::talos_version(cx, &cluster).await? else { return Ok(()) };
        Ok(check_names(cx, &mut plan.diags, (&cluster, &version), &wanted).await?)
    }
}

/// Holds the names against the catalogue of the Talos version that the cluster runs.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn check_names(
    cx: &Cx,
    diags: &mut Diagnostics,
    (cluster, version): (&str, &str),
    wanted: &[String],
) -> Result<(), Error> {
    let Some((version, catalogue)) = catalogue(cx, version).await? else { return Ok(()) };
    let checks = since::of_release(cx, CHECKED_SINCE).await.is_some();
    for name in wanted.iter().filter(|name| names::in_catalogue(name, &catalogue).is_none()) {
        let near = names::nearest(name, &catalogue).map(|near| format!(" Did you mean `{near}`?"));
        let (severity, what) = match checks {
            true => (Severity::Error, "Omni refuses it"),
            false => (Severity::Warning, "Omni accepts it, but no image can be built for the machines"),
        };
        let summary = format!("Extension {} is not available for Talos {version}", quoted(name));
        let mut diagnostic = Diagnostic::error(
            summary,
            format!("The catalogue of Talos {version}, which cluster `{cluster}` runs, has no such extension: {what}.{}", near.unwrap_or_default()),
        )
        .hint(format!("The data source `omni_talos_extensions` lists the available extensions for `talos_version = \"{version}\"`."))
        .at(at("extensions"));
        diagnostic.severity = severity;
        diags.push(diagnostic);
    }
    Ok(())
}

#[async_trait]
impl CosiObject for MachineExtensions {
    type Kinds = OneKind;

    const NEEDS_OWNERS: bool = false;

    fn owners(state: &Value) -> Vec<Owner> {
        target::owners(state)
    }

    /// Omni takes the names that the Talos version has.
    async fn before_write(cx: &Cx, wanted: &mut Value) -> Result<(), Failure> {
        let version = match wanted.get("cluster").as_str() {
            Some(cluster) => view::talos_version(cx, cluster).await?,
            None => None,
        };
        let catalogue = match version {
            Some(version) => catalogue(cx, &version).await?.map(|(_, names)| names).unwrap_or_default(),
            None => Vec::new(),
        };
        let written = |name: &Value| match name.as_str() {
            Some(text) => names::in_catalogue(text, &catalogue).map_or_else(|| names::full(text), str::to_owned).into(),
            None => name.clone(),
        };
        let written = wanted.get("extensions").elements().iter().map(written).collect();
        wanted.set("extensions", Value::Set(written));
        Ok(())
    }
}

/// The Talos version without a leading `v`, and the names in its catalogue, when they can be known.
async fn catalogue(cx: &Cx, version: &str) -> Result<Option<(String, Vec<String>)>, Error> {
    let version = kit::version::strip_v(version).to_owned();
    let offer = view::spec::<TalosExtensionsSpec>(cx, &version).await?.filter(|offer| !offer.items.is_empty());
    Ok(offer.map(|offer| (version, offer.items.into_iter().map(|item| item.name).collect())))
}
