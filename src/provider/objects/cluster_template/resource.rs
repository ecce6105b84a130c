//! `omni_cluster_template`: a cluster with everything in it, as a cluster template describes it.

use super::actual;
use super::checks;
use super::document::{self, DOCUMENT, TEMPLATE};
use super::moved;
use crate::omni::patch;
use crate::omni::spec::Spec;
use crate::omni::template::{self, Conflict, ExportOptions, Release, SyncPlan};
use crate::omni::{Error, Key, Query, Resource as Stored, labels};
use crate::provider::engine::{
    Bind, Cx, Failure, KeyOwner, Object, ObjectSet, ResourceType, Row, Table, Wanted, Write, part_rows,
};
use crate::provider::objects::cluster::resource::{awaited_of, status};
use crate::provider::wait::{self, Awaited};
use crate::tf::check::one_of;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::resource::Plan;
use crate::tf::schema::{IdentitySchema, Schema, boolean, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use omni_proto::specs::{
    ClusterSpec, ConfigPatchSpec, ExtensionsConfigurationSpec, KernelArgsSpec, KubernetesHealthCheckSpec,
    KubernetesManifestGroupSpec, MachineSetNodeSpec, MachineSetSpec,
};
use std::collections::HashSet;

pub(super) struct ClusterTemplate;

const CLUSTER: &str = "cluster";
const DISCONNECTED: &str = "destroy_disconnected_machines";

/// Label of the patch for the disk of a machine, before Omni 1.11.
const SYSTEM_PATCH: &str = "omni.sidero.dev/system-patch";

impl Table for ClusterTemplate {
    type Spec = ClusterSpec;

    const NAME: &'static str = "omni_cluster_template";
    const NOUN: &'static str = "cluster template";
    const ID: &'static str = CLUSTER;

    fn rows() -> Vec<Row> {
        let mut rows = vec![
            string("id").computed().stays().doc("Name of the cluster. Known after the cluster is created, so that resources that refer to it are created after it.").id(),
            string(CLUSTER).computed().changes_with(DOCUMENT).doc("Name of the cluster, as the template gives it. A template with another name forces replacement.").id(),
            boolean(DISCONNECTED).doc("On destroy, remove disconnected machines of the cluster from Omni without wiping them, together with their patches and extensions; otherwise they block the destroy. Must be applied before the destroy. Defaults to `false`.").local(),
            string("wait_for").check(one_of(wait::LEVELS)).doc(
                "What an apply waits for: `none`, `running` (every machine runs the configured versions) or `ready` (the nodes are also ready, which requires a CNI). Defaults to `none`.",
            ).local(),
            status(|status| status.changes_with(DOCUMENT)),
        ];
        rows.extend(document::attributes().map(Bind::local));
        rows.extend(part_rows(DOCUMENT));
        rows
    }
}

#[async_trait]
impl ResourceType for ClusterTemplate {
    fn about() -> Schema {
        Schema::new(
            "Manages a cluster with everything in it as a cluster template describes it: the cluster, its machine sets, machines, patches, extensions, manifests and health checks. \
             The template is the one of `omnictl cluster template`, and an apply does what its `sync` does.\n\n\
             In a plan, `rendered` shows every object that is created, changed or removed, and its drift. \
             As with `omnictl`, objects of the cluster that are not in the template are removed, unless another resource manages them. \
             Labels and annotations that the template does not set stay as they are.\n\n\
             ~> **Destroying or replacing a cluster wipes the disks of all its machines.** Omni also removes the patches of the cluster that other resources manage. Set `prevent_destroy` to protect its data.",
        )
        .rule(document::RULE)
        .moved_from(moved::SOURCE, moved::convert)
    }

    fn identity() -> IdentitySchema {
        IdentitySchema::of(CLUSTER, "Name of the cluster.")
    }

    fn validate(config: &Value, diags: &mut Diagnostics) {
        document::validate(config, diags);
    }

    async fn check_delete(cx: &Cx, prior: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        let Some(cluster) = Self::id(prior) else { return Ok(()) };
        Ok(checks::check_removal(cx, &cluster, diags).await?)
    }
}

#[async_trait]
impl ObjectSet for ClusterTemplate {
    const HEAD: &'static str = "cluster";
    const IMPORTED: &'static str = TEMPLATE;

    async fn wanted(cx: &Cx, config: &Value) -> Result<Option<Wanted>, Diagnostics> {
        let Some(loaded) = document::load(config)? else { return Ok(None) };
        let release = document::release(cx).await.map_err(|error| {
            Diagnostics::from(Diagnostic::from_error("Could not read the version of Omni", &error).hint("Plan again."))
        })?;
        let objects = loaded.render(release)?;
        let id = loaded.template.cluster().to_owned();
        Ok(Some(Wanted { id, objects, attribute: loaded.attribute, handed_over: HashSet::new() }))
    }

    async fn actual(cx: &Cx, id: &str, rendered: &[Stored]) -> Result<Vec<Stored>, Error> {
        actual::objects(cx, id, rendered).await
    }

    fn sync(id: &str, wanted: &[Stored], actual: &[Stored]) -> Result<SyncPlan, Vec<Conflict>> {
        template::plan_sync(id, wanted, actual)
    }

    async fn removal(cx: &Cx, prior: &Value, actual: &[Stored]) -> Result<SyncPlan, Failure> {
        let id = Self::id(prior).unwrap_or_default();
        Ok(actual::removal(cx, &id, actual, prior.get(DISCONNECTED).as_bool() == Some(true)).await?)
    }

    fn key_owner(key: &str) -> KeyOwner {
        match key {
            labels::CLUSTER
            | labels::MACHINE_SET
            | labels::CLUSTER_MACHINE
            | labels::ROLE_CONTROL_PLANE
            | labels::ROLE_WORKER
            | labels::DISABLED
            | labels::MANAGED_BY_TEMPLATES
            | SYSTEM_PATCH => KeyOwner::Set,
            labels::LOCKED => KeyOwner::Setter,
            _ => KeyOwner::Others,
        }
    }

    fn text(stored: &Stored) -> String {
        spec_text(stored)
    }

    fn means_same(key: &Key, one: &str, other: &str) -> bool {
        let patch_of = |text: &str| {
            let documents = kit::yaml::parse_documents(text).ok()?;
            Some(documents.first()?.get("data")?.as_str()?.to_owned())
        };
        let same = || Some(patch::same(&patch_of(one)?, &patch_of(other)?));
        one == other || (key.kind == ConfigPatchSpec::KIND && same() == Some(true))
    }

    fn belongs(stored: &Stored) -> bool {
        let kind = stored.key.kind;
        kind == ClusterSpec::KIND || template::LISTED.contains(&kind) || is_of_template(stored)
    }

    async fn document(cx: &Cx, id: &str, actual: &[Stored]) -> Result<String, Failure> {
        let release = document::release(cx).await?;
        // Kernel arguments that no template has set are left to others.
        let kernel_args = |stored: &Stored| stored.key.kind == KernelArgsSpec::KIND && is_of_template(stored);
        let options = ExportOptions { kernel_args: actual.iter().any(kernel_args) };
        template::export(id, actual, options, release).map_err(|error| {
            Diagnostic::error(
                format!("Could not import cluster template `{id}`"),
                format!("No template describes the cluster: {error}."),
            )
            .hint("Import its objects one by one, with the resources of their types.")
            .into()
        })
    }

    fn note_of(stored: &Stored) -> Value {
        note_of(stored)
    }

    async fn check_changes(cx: &Cx, plan: &mut Plan<'_>, wanted: &Wanted, sync: &SyncPlan) -> Result<(), Failure> {
        checks::check(cx, plan, wanted, sync).await
    }

    async fn awaited(cx: &Cx, state: &Value, head: &Object<ClusterSpec>, _write: Write) -> Result<Awaited, Error> {
        awaited_of(cx, state, head).await
    }

    async fn obstacles(cx: &Cx, _state: &Value, key: &Key) -> Result<Vec<String>, Error> {
        wait::obstacles(cx, &key.id, &Query::label(labels::CLUSTER, &key.id)).await
    }

    async fn why_stuck(cx: &Cx, key: &Key) -> Option<(String, String)> {
        let (why, _) = wait::why_machines_stay(cx, &Query::label(labels::CLUSTER, &key.id)).await?;
        let way_out =
            format!("Connect them and destroy again, or apply `{DISCONNECTED} = true` and then destroy again.");
        Some((why, way_out))
    }

    async fn all(cx: &Cx) -> Result<Vec<(String, String)>, Error> {
        Ok(actual::clusters(cx).await?.into_iter().map(|name| (name.clone(), name)).collect())
    }
}

/// Whether a template says what becomes of an object that has no label of its cluster.
fn is_of_template(stored: &Stored) -> bool {
    stored.metadata.annotations.contains_key(labels::MANAGED_BY_TEMPLATES)
}

/// The spec of an object as `omnictl` prints it.
fn spec_text(stored: &Stored) -> String {
    let bare = Stored { metadata: Default::default(), ..stored.clone() };
    let printed = template::print(std::slice::from_ref(&bare), Release::NEWEST);
    let mut lines = printed.lines().skip_while(|line| !line.starts_with("spec:"));
    let first = lines.next().unwrap_or_default().trim_start_matches("spec:").trim();
    if !first.is_empty() {
        return format!("{first}\n");
    }
    let body: Vec<&str> = lines.take_while(|line| *line != "---").collect();
    let indent = body.first().map_or(0, |line| line.len() - line.trim_start().len());
    // Omni decides whether a text is stored compressed.
    let shown =
        body.iter().map(|line| line.get(indent..).unwrap_or_default()).filter(|line| *line != "compresseddata: []");
    shown.map(|line| format!("{line}\n")).collect()
}

/// A part of the cluster as the plans of other resources look for it.
fn note_of(stored: &Stored) -> Value {
    let label = |key: &str| Value::from(stored.metadata.labels.get(key).map(String::as_str));
    let id = Value::from(stored.key.id.as_str());
    let mut note = Value::object([("id", id.clone()), ("name", id.clone()), (CLUSTER, label(labels::CLUSTER))]);
    match stored.key.kind {
        MachineSetNodeSpec::KIND => {
            note.set("machine_id", id);
            note.set("machine_set", label(labels::MACHINE_SET));
        }
        MachineSetSpec::KIND
        | ConfigPatchSpec::KIND
        | ExtensionsConfigurationSpec::KIND
        | KubernetesManifestGroupSpec::KIND
        | KubernetesHealthCheckSpec::KIND => {}
        _ => note.set("machine_id", id),
    }
    note
}
