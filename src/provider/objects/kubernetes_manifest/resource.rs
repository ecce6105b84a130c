//! `omni_kubernetes_manifest`: Kubernetes objects that Omni applies to a cluster.

use crate::omni::patch;
use crate::omni::spec::compressed;
use crate::omni::{Error, labels};
use crate::provider::engine::{
    Bind, Codec, CosiObject, Cx, Failure, Home, Joined, KeyCodec, Object, OneKind, Owner, ResourceType, Row, Table,
    group,
};
use crate::provider::lookup::computed::text;
use crate::provider::objects::cluster;
use crate::provider::objects::config_patch::document::{Document, TEXT, changed};
use crate::provider::objects::config_patch::weighted;
use crate::provider::objects::config_patch::weighted::Weighted;
use crate::provider::session::at;
use crate::provider::view;
use crate::tf::check::{not_empty, one_of};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::resource::Plan;
use crate::tf::schema::{Schema, objects, string};
use crate::tf::value::Value;
use crate::tf::write_only::{Fingerprint, WriteOnly, write_only};
use async_trait::async_trait;
use kit::text::quoted;
use kit::yaml::Node;
use omni_proto::specs::cluster_kubernetes_manifests_status_spec::{GroupStatus, ManifestStatus};
use omni_proto::specs::{ClusterKubernetesManifestsStatusSpec, ClusterSpec, KubernetesManifestGroupSpec};

pub(super) struct KubernetesManifest;

const DATA: WriteOnly = write_only!("data", Fingerprint::Meaning(patch::digest));
const DOCUMENT: Document =
    Document { noun: "manifest", kind: KubernetesManifest::NAME, attributes: &[DATA.plain, DATA.secret] };

/// Omni has a third one for a manifest without a mode, which it refuses.
const MODE: Codec = Codec::Enum(&[("unknown", 0), ("full", 1), ("one-time", 2)]);
const MODES: [&str; 2] = ["full", "one-time"];

/// The attributes of `status`, which are facts of the cluster.
const STATUS: [&str; 3] = ["phase", "error", "objects"];

impl Weighted for KubernetesManifest {
    const WORD: &'static str = "manifest";
    const ABOUT_WEIGHT: &'static str =
        "First part of the ID, from `0` to `999`: Omni sorts the manifests of a cluster by it.";
    const ID_PARTS: &'static [&'static str] = &["name", "weight", "cluster", "id_override"];

    fn target(state: &Value) -> Option<String> {
        state.get("cluster").as_str().map(str::to_owned)
    }
}

impl Table for KubernetesManifest {
    type Spec = KubernetesManifestGroupSpec;

    const NAME: &'static str = "omni_kubernetes_manifest";
    const NOUN: &'static str = "Kubernetes manifest";
    const ID: &'static str = "id";

    fn rows() -> Vec<Row> {
        let [id, name, weight, id_override] = weighted::rows::<Self>();
        let object = vec![
            text("group", "API group of the object; empty for the core group."),
            text("kind", "Kind of the object."),
            text("namespace", "Namespace of the object; empty where it has none."),
            text("name", "Name of the object."),
            text("phase", "Phase of the object: `unknown`, `pending`, `applied` or `deleting`."),
        ];
        vec![
            id,
            name,
            weight,
            string("mode").required().check(one_of(&MODES)).doc(
                "`full` keeps the objects of the cluster in sync with `data`, and deletes those that are removed from it; `one-time` applies them once and does not change them afterwards.",
            ).coded("mode", MODE),
            string("data").required().document().same_if(patch::same).doc(
                "The Kubernetes objects, in YAML, as documents separated by `---`. Formatting-only changes produce no diff.",
            ).at(Home::Fields(&TEXT)),
            string("cluster").required().replaces().check(not_empty()).doc("Name of the cluster.").label(labels::CLUSTER, KeyCodec::Text),
            id_override,
            group("status", vec![
                text("phase", "Phase of the manifest: `unknown`, `pending`, `progressing`, `applied` or `deleting`.").derived(),
                text("error", "Last error when Omni applied the manifests of the cluster; otherwise empty.").derived(),
                objects("objects", object).computed().doc("The objects of the manifest.").derived(),
            ], |status| status.computed().changes_with(&["data", "data_wo", "data_hash", "mode"]).doc(
                "What Omni reported of the manifest at the last read; null until the control plane of the cluster runs.",
            )),
        ]
    }

    fn derive(
        object: &Object<KubernetesManifestGroupSpec>,
        joined: &Joined,
        prior: &Value,
        shown: &mut Value,
    ) -> Result<(), Diagnostic> {
        let text = compressed::text::<KubernetesManifestGroupSpec>(&object.stored).map_err(|error| {
            Diagnostic::from_error(format!("Could not read Kubernetes manifest `{}`", object.id()), &error)
        })?;
        shown.set("data", text.into());
        let status = match joined.fact(STATUS[0]).is_null() {
            true => Value::Null,
            false => Value::object(STATUS.map(|name| (name, joined.fact(name).clone()))),
        };
        shown.set("status", status);
        weighted::derive::<Self>(object.id(), prior, shown);
        Ok(())
    }
}

#[async_trait]
impl ResourceType for KubernetesManifest {
    const WRITE_ONLY: &'static [WriteOnly] = &[DATA];

    fn about() -> Schema {
        Schema::new(
            "Manages Kubernetes objects that Omni applies to a cluster, such as a CNI or the applications that everything else needs.\n\n\
             ~> Removing an object from `data`, or destroying the manifest, deletes objects from the cluster if `mode` is `full`; deleting a namespace deletes everything in it. \
             Objects of `mode = \"one-time\"` remain.",
        )
        .stays_if(weighted::keeps_id::<Self>)
        .since("1.7")
    }

    fn id(state: &Value) -> Option<String> {
        weighted::id::<Self>(state)
    }

    fn about_id(id: &str) -> Option<(String, String)> {
        Some((
            weighted::about_id(id)?,
            "IDs are `<weight>-<cluster>-<name>`, such as `400-prod-cni`; those of cluster templates are `<weight>-cluster-<cluster>-<name>`."
                .to_owned(),
        ))
    }

    fn validate(config: &Value, diags: &mut Diagnostics) {
        DOCUMENT.validate(config, diags);
    }

    fn modify_plan(plan: &mut Plan<'_>) {
        weighted::plan_id::<Self>(plan);
        if let Some((name, documents)) = changed(&DATA, plan) {
            check_objects(name, &documents, &mut plan.diags);
        }
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        if let Some(cluster) = plan.planned.get("cluster").as_str().map(str::to_owned) {
            view::check_parent::<ClusterSpec>(cx, plan, "cluster", &cluster).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl CosiObject for KubernetesManifest {
    type Kinds = OneKind;

    const NEEDS_OWNERS: bool = false;

    fn owners(state: &Value) -> Vec<Owner> {
        state.get("cluster").as_str().map(cluster::owner).into_iter().collect()
    }

    async fn facts(cx: &Cx, object: &Object<KubernetesManifestGroupSpec>, joined: &mut Joined) -> Result<(), Error> {
        let Some(cluster) = object.label(labels::CLUSTER) else { return Ok(()) };
        let Some(all) = view::spec::<ClusterKubernetesManifestsStatusSpec>(cx, cluster).await? else { return Ok(()) };
        let Some(group) = all.groups.get(object.id()) else { return Ok(()) };
        let phase = group.phase().as_str_name().to_lowercase();
        let facts = [phase.into(), all.last_error.as_str().into(), Value::List(objects_of(group))];
        STATUS.into_iter().zip(facts).for_each(|(name, fact): (_, Value)| joined.note(name, fact));
        Ok(())
    }
}

/// The objects of a group in the order of their names.
fn objects_of(group: &GroupStatus) -> Vec<Value> {
    let mut all: Vec<_> = group.manifests.iter().collect();
    all.sort_unstable_by_key(|(name, _)| *name);
    let object = |manifest: &ManifestStatus| {
        let phase = manifest.phase().as_str_name().to_lowercase();
        Value::object([
            ("group", manifest.group.as_str().into()),
            ("kind", manifest.kind.as_str().into()),
            ("namespace", manifest.namespace.as_str().into()),
            ("name", manifest.name.as_str().into()),
            ("phase", Value::from(phase)),
        ])
    };
    all.into_iter().map(|(_, manifest)| object(manifest)).collect()
}

/// Refuses documents that Omni would refuse, and warns of those that Kubernetes would.
fn check_objects(name: &str, documents: &[Node], diags: &mut Diagnostics) {
    let mut seen = Vec::new();
    for (index, node) in documents.iter().enumerate().filter(|(_, node)| !is_nothing(node)) {
        let number = index + 1;
        let text = |path: &[&str]| {
            let found = path.iter().try_fold(node, |node, key| node.get(key)).and_then(Node::text).unwrap_or_default();
            (!found.is_empty()).then_some(found)
        };
        let Some(kind) = text(&["kind"]) else {
            let why = match node.entries() {
                Some(_) => "has no `kind`",
                None => "is a list or a single value, and not a Kubernetes object",
            };
            diags.push(
                Diagnostic::error("The manifest contains a document that is not a Kubernetes object", format!("Document {number} {why}."))
                    .hint("Each document needs `apiVersion`, `kind` and `metadata.name`. If the value is the path of a file, read it with `file(…)`.")
                    .at(at(name)),
            );
            continue;
        };
        let missing = [("apiVersion", text(&["apiVersion"])), ("metadata.name", text(&["metadata", "name"]))];
        for (field, _) in missing.iter().filter(|(_, found)| found.is_none()) {
            diags.push(
                Diagnostic::warning(
                    "The manifest contains an object that Kubernetes will refuse",
                    format!(
                        "Document {number}, of kind {}, has no `{field}`: Omni accepts it and cannot apply it.",
                        quoted(kind)
                    ),
                )
                .hint(format!("Add `{field}`."))
                .at(at(name)),
            );
        }
        let id = (text(&["apiVersion"]), kind, text(&["metadata", "namespace"]), text(&["metadata", "name"]));
        if id.3.is_some() && seen.contains(&id) {
            diags.push(
                Diagnostic::warning(
                    "The manifest contains an object twice",
                    format!(
                        "Document {number} is the same object as one before it: {} {}.",
                        quoted(kind),
                        quoted(id.3.unwrap_or_default())
                    ),
                )
                .hint("Remove one of them.")
                .at(at(name)),
            );
        }
        seen.push(id);
    }
}

/// Whether a document holds nothing, as Omni passes over it.
fn is_nothing(node: &Node) -> bool {
    node.is_null() || node.entries().is_some_and(<[_]>::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::yaml::{Budget, parse_nodes};

    #[test]
    fn what_is_no_object_is_told() {
        let config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
        for (text, says) in [
            (config_map.to_owned(), &[][..]),
            ("# nothing\n---\n{}\n".to_owned(), &[]),
            (format!("{config_map}---\n{config_map}"), &["Document 2 is the same object"]),
            (format!("{config_map}---\n{}", config_map.replace("}", ", namespace: b}")), &[]),
            ("a: 1\n".to_owned(), &["Document 1 has no `kind`"]),
            (format!("{config_map}---\n- a\n"), &["Document 2 is a list"]),
            ("kind: Pod\n".to_owned(), &["no `apiVersion`", "no `metadata.name`"]),
        ] {
            let mut diags = Diagnostics::new();
            check_objects("data", &parse_nodes(&text, &mut Budget::default()).unwrap(), &mut diags);
            let said: Vec<_> = diags.iter().map(Diagnostic::text).collect();
            assert_eq!(said.len(), says.len(), "{text}: {said:?}");
            assert!(said.iter().zip(says).all(|(said, part)| said.contains(part)), "{text}: {said:?}");
        }
    }
}
