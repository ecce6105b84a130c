//! `omni_imported_cluster`: the secrets of a Talos cluster that was made without Omni, given to Omni before the cluster is created there.
//! They go in and never come out.

mod bundle;

use crate::omni::patch;
use crate::omni::spec::{self, Spec};
use crate::omni::{Error, ErrorKind, Phase};
use crate::provider::check::is_name;
use crate::provider::engine::{Bind, Cx, Failure, ResourceType, Row, Table, UnreadableObject, if_applied};
use crate::provider::errors::Operation;
use crate::provider::ledger::ObjectKey;
use crate::provider::roles;
use crate::provider::session::at;
use crate::provider::types::Types;
use crate::provider::view::{self, Presence};
use crate::tf::diag::{Diagnostic, Diagnostics, Severity};
use crate::tf::path::Path;
use crate::tf::resource::{Plan, Private};
use crate::tf::schema::{Schema, string};
use crate::tf::value::Value;
use crate::tf::write_only::{Fingerprint, WriteOnly, write_only};
use async_trait::async_trait;
use omni_proto::specs::{ClusterSpec, ImportedClusterSecretsSpec};

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.unreadable::<ImportedCluster>();
}

struct ImportedCluster;

const CLUSTER: &str = "cluster";
/// A bundle in the other form is the same one, and replaces nothing.
const BUNDLE: WriteOnly = write_only!("secrets_bundle", Fingerprint::MeaningOfBoth(patch::digest));

fn operation<'a>(verb: &'a str, id: &'a str) -> Operation<'a> {
    Operation { verb, noun: ImportedCluster::NOUN, id, id_attribute: CLUSTER }
}

impl Table for ImportedCluster {
    type Spec = ();

    const NAME: &'static str = "omni_imported_cluster";
    const NOUN: &'static str = "imported cluster";
    const ID: &'static str = CLUSTER;

    fn rows() -> Vec<Row> {
        vec![
            string(CLUSTER).required().replaces().check(is_name()).doc("Name of the cluster, which must not exist yet.").unreadable(),
            // It counts by its digest: in which form it is given reaches no object.
            string("secrets_bundle").required().document().sensitive().same_if(patch::same).doc(
                "The secrets bundle of the cluster in YAML, as `talosctl gen secrets` writes it. It contains the keys of the cluster: prefer `secrets_bundle_wo`. Changing it forces replacement.",
            ).local(),
        ]
    }
}

#[async_trait]
impl ResourceType for ImportedCluster {
    const WRITE_ONLY: &'static [WriteOnly] = &[BUNDLE];
    const NOT_IMPORTED: Option<&'static str> = Some(
        "Omni shows the secrets of imported clusters to nobody. The resource is needed only until the cluster exists: leave it out for a cluster that is in Omni already.",
    );

    fn about() -> Schema {
        Schema::new(
            "Imports the secrets of an existing Talos cluster into Omni, which uses them for the cluster of this name instead of generating new ones. \
             Requires the role `Operator`, and an instance that allows the import of clusters, as it does by default; Omni shows that setting to nobody, so only the apply can tell.\n\n\
             The secrets have to be there before the cluster is created: set `name` of the `omni_cluster` to `cluster` of this resource. \
             Omni can neither show nor change them, so a refresh keeps the state as it is, and a changed bundle forces replacement, which Omni refuses while the cluster exists. \
             Destroying the cluster removes them too.\n\n\
             The import itself, that is, letting the machines of the cluster join Omni, is not part of this resource.",
        )
    }

    fn plan_existing(_cx: &Cx, plan: &mut Plan<'_>) {
        let Some(prior) = plan.prior else { return };
        // Hosts compare what they can see: of a write-only bundle that is its digest, or the number that was raised.
        for name in [BUNDLE.hash, BUNDLE.version] {
            let now = plan.planned.get(name);
            if plan.replace.is_empty() && !now.is_null() && prior.get(name) != now {
                plan.replace.push(Path::of(name));
            }
        }
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        let Some(cluster) = plan.planned.get(CLUSTER).as_str().map(str::to_owned) else { return Ok(()) };
        if plan.replaced != Private::default() {
            return Ok(());
        }
        let (attribute, text) = BUNDLE.given(plan.config, &plan.planned);
        if let Some(why) = text.as_str().and_then(bundle::problem) {
            let wrong = Diagnostic::error("The secrets bundle cannot be imported", why);
            plan.diags.push(wrong.hint("Use the output of `talosctl gen secrets`.").at(at(attribute)));
            return Ok(());
        }
        roles::warn(cx, &operation("import", &cluster), roles::OPERATOR, &mut plan.diags).await;
        let key = ObjectKey::from(&ClusterSpec::KIND.key(&cluster));
        if cx.session.ledger.goes(&key) || cx.session.ledger.is_replaced(&key) {
            return Ok(());
        }
        if let Presence::Exists(found) = view::object::<ClusterSpec>(cx, &cluster).await?
            && found.stored.metadata.phase == Phase::Running
        {
            let exists = Diagnostic::warning(
                format!("Cluster `{cluster}` already exists"),
                "Omni takes the secrets of a cluster only before the cluster is created: the apply will fail unless this run destroys it first.",
            )
            .hint("Remove the resource from the configuration if the cluster was imported before, or choose another name. To import again, destroy the cluster first.")
            .at(at(CLUSTER));
            // A replacement would remove the secrets first, and then fail.
            let exists = match plan.prior {
                Some(_) => if_applied(cx, plan, &key, Diagnostic { severity: Severity::Error, ..exists }),
                None => exists,
            };
            plan.diags.push(exists);
        }
        Ok(())
    }
}

#[async_trait]
impl UnreadableObject for ImportedCluster {
    async fn make(cx: &Cx, wanted: Value) -> Result<Value, Diagnostics> {
        let cluster = wanted.get(CLUSTER).as_str().unwrap_or_default();
        let operation = operation("import", cluster);
        let data = wanted.get(BUNDLE.plain).as_str().unwrap_or_default().to_owned();
        let secrets = spec::resource(cluster, &ImportedClusterSecretsSpec { data });
        let mut created = cx.client().create(&cx.call, secrets.clone()).await;
        // The answer is lost, and nobody can look what is there: whatever this run has left goes, so that what is there then is known.
        if matches!(&created, Err(error) if error.may_have_happened()) && clear(cx, cluster).await.is_ok() {
            created = cx.client().create(&cx.call, secrets).await;
        }
        match created {
            Ok(_) => Ok(wanted),
            Err(error) if error.is(ErrorKind::AlreadyExists) => Err(there(&operation).into()),
            Err(error) => Err(operation.explain_each(&error)),
        }
    }

    async fn remove(cx: &Cx, prior: &Value) -> Result<(), Failure> {
        Ok(clear(cx, prior.get(CLUSTER).as_str().unwrap_or_default()).await?)
    }
}

/// Removes the secrets. They have no finalizers, and whoever removes them cannot watch them go: one call does it.
async fn clear(cx: &Cx, cluster: &str) -> Result<(), Error> {
    match cx.client().destroy(&cx.call, &ImportedClusterSecretsSpec::KIND.key(cluster)).await {
        Err(error) if error.is(ErrorKind::NotFound) => Ok(()),
        destroyed => destroyed,
    }
}

fn there(operation: &Operation<'_>) -> Diagnostic {
    let detail = format!(
        "Omni already has secrets for the cluster `{}`, and shows them to nobody, so they cannot be compared.",
        operation.id
    );
    Diagnostic::error(operation.summary(), detail)
        .hint(format!("If they are the right ones, remove the resource from the configuration. Otherwise delete them, with `omnictl delete importedclustersecrets {}`, and apply again.", operation.id))
        .at(at(CLUSTER))
}
