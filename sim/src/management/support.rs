//! Support bundles: what is known of a cluster, and the logs of its machines.
//! Types with secrets are not included.

use super::ServiceContext;
use crate::access::Caller;
use crate::age::{self, Recipient};
use crate::catalogue::Feature;
use crate::kinds::{self, Role};
use crate::names::{kind, label};
use crate::object::Object;
use crate::spec_yaml;
use futures_util::{StreamExt, stream};
use omni_proto::management as pb;
use omni_proto::management::get_support_bundle_response::Progress;
use sha2::{Digest, Sha256};
use std::io::{self, Cursor, Write};
use std::sync::Arc;
use tonic::codegen::BoxStream;
use tonic::{Request, Status};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Types of which the object with the id of the cluster is taken.
const OF_CLUSTER: &[&str] = &[
    kind::CLUSTER,
    "ClusterTaints.omni.sidero.dev",
    kind::CLUSTER_STATUS,
    kind::KUBERNETES_UPGRADE_STATUS,
    kind::TALOS_UPGRADE_STATUS,
    kind::LOAD_BALANCER_STATUS,
    "KubernetesUpgradeManifestStatuses.omni.sidero.dev",
    kind::CLUSTER_BOOTSTRAP_STATUS,
    "ClusterKubernetesManifestsStatuses.omni.sidero.dev",
];

/// Types of which all objects are taken that are labelled with the cluster.
const LABELLED: &[&str] = &[
    kind::MACHINE_SET,
    kind::MACHINE_SET_STATUS,
    kind::MACHINE_SET_NODE,
    kind::CLUSTER_MACHINE,
    kind::CLUSTER_MACHINE_STATUS,
    "RedactedClusterMachineConfigs.omni.sidero.dev",
    kind::CLUSTER_MACHINE_CONFIG_STATUS,
    kind::CLUSTER_MACHINE_TALOS_VERSION,
    kind::CLUSTER_MACHINE_IDENTITY,
    "SchematicConfigurations.omni.sidero.dev",
    kind::EXTENSIONS_CONFIGURATION,
    kind::KERNEL_ARGS,
    "KernelArgsStatuses.omni.sidero.dev",
    "ExposedServices.omni.sidero.dev",
    "DiscoveryAffiliateDeleteTasks.omni.sidero.dev",
    "MachineConfigDiffs.omni.sidero.dev",
    "InfraMachines.omni.sidero.dev",
    "InfraMachineStatuses.omni.sidero.dev",
    kind::CONTROL_PLANE_STATUS,
];

/// Types of which the objects of the cluster's machines are taken.
const OF_MACHINE: &[&str] = &[kind::LINK, kind::MACHINE_STATUS, kind::MACHINE_STATUS_LABELS];

pub(super) async fn get_support_bundle(
    ctx: &ServiceContext,
    request: Request<pb::GetSupportBundleRequest>,
) -> Result<BoxStream<pb::GetSupportBundleResponse>, Status> {
    let cluster = request.get_ref().cluster.clone();
    ctx.permit(&Caller::of(&request)?, &cluster, Role::Operator)?;
    // Older releases do not know the options.
    let encrypts = ctx.release().has(Feature::EncryptedSupportBundles);
    let recipients = if encrypts { recipients(request.get_ref())? } else { None };
    let files = files(ctx, &cluster);
    let mut answers = Vec::new();
    if let Some(recipients) = &recipients {
        let encryption_recipients = recipients.iter().map(ToString::to_string).collect();
        answers.push(pb::GetSupportBundleResponse { encryption_recipients, ..Default::default() });
    }
    if !healthy(ctx, &cluster) {
        let error = "failed to get kubernetes client: the cluster does not answer".to_owned();
        answers.push(progress(Progress { source: "cluster".into(), error, ..Progress::default() }));
    }
    let total = i32::try_from(files.len()).unwrap_or(i32::MAX);
    let told = files.iter().map(|(name, _)| Progress {
        source: "omni".into(),
        state: name.clone(),
        total,
        ..Progress::default()
    });
    answers.extend(told.map(progress));
    let unwritten = |error: &dyn std::fmt::Display| Status::unknown(format!("failed to write the bundle: {error}"));
    let mut bundle_data = zip(&files).map_err(|error| unwritten(&error))?;
    if let Some(recipients) = &recipients {
        bundle_data = age::encrypt(&bundle_data, recipients).map_err(|error| unwritten(&error))?;
    }
    answers.push(pb::GetSupportBundleResponse { bundle_data, ..Default::default() });
    Ok(stream::iter(answers.into_iter().map(Ok)).boxed())
}

/// Those who can read the bundle; `None` for one that is not encrypted.
fn recipients(request: &pb::GetSupportBundleRequest) -> Result<Option<Vec<Recipient>>, Status> {
    let given = &request.encryption_recipients;
    if !request.encrypt {
        if !given.is_empty() || request.encryption_no_default_recipients {
            return Err(Status::invalid_argument("encryption recipients cannot be set when encryption is disabled"));
        }
        return Ok(None);
    }
    let mut all = if request.encryption_no_default_recipients { Vec::new() } else { vec![default_recipient()] };
    for text in given {
        // Omni takes the public keys of SSH as well.
        if text.starts_with("ssh-") {
            return Err(Status::failed_precondition(
                "the simulator encrypts to recipients of the form age1…, and to no SSH keys",
            ));
        }
        all.push(
            text.parse::<Recipient>()
                .map_err(|error| Status::invalid_argument(format!("failed to parse recipient: {error}")))?,
        );
    }
    if all.is_empty() {
        return Err(Status::invalid_argument("no recipients to encrypt to"));
    }
    Ok(Some(all))
}

/// The recipient in the place of Omni's own ones; nobody has its private key.
fn default_recipient() -> Recipient {
    Recipient::of(Sha256::digest("the default recipient of omni-sim").into())
}

fn progress(progress: Progress) -> pb::GetSupportBundleResponse {
    pb::GetSupportBundleResponse { progress: Some(progress), ..Default::default() }
}

fn healthy(ctx: &ServiceContext, cluster: &str) -> bool {
    let status = ctx.store.get(&kinds::key(kind::LOAD_BALANCER_STATUS, cluster));
    status.is_some_and(|status| status.spec::<omni_proto::specs::LoadBalancerStatusSpec>().healthy)
}

/// The names and contents of what goes into a bundle.
fn files(ctx: &ServiceContext, cluster: &str) -> Vec<(String, Vec<u8>)> {
    let mut objects: Vec<Arc<Object>> = Vec::new();
    objects.extend(OF_CLUSTER.iter().filter_map(|kind| ctx.store.get(&kinds::key(kind, cluster))));
    for kind in LABELLED {
        objects.extend(ctx.store.list(kind).into_iter().filter(|o| o.label(label::CLUSTER) == Some(cluster)));
    }
    let is_machine =
        |object: &&Arc<Object>| [kind::CLUSTER_MACHINE, kind::MACHINE_SET_NODE].contains(&&*object.key.kind);
    let mut machines: Vec<String> = objects.iter().filter(is_machine).map(|object| object.key.id.clone()).collect();
    machines.sort();
    machines.dedup();
    for machine in &machines {
        objects.extend(OF_MACHINE.iter().filter_map(|kind| ctx.store.get(&kinds::key(kind, &**machine))));
    }
    let resource = |object: &Arc<Object>| {
        let name = format!("omni/resources/{}-{}.yaml", object.key.kind, object.key.id);
        (name, spec_yaml::resource(object).into_bytes())
    };
    let mut files: Vec<_> = objects.iter().map(resource).collect();
    for machine in machines {
        let mut reader = ctx.logs.reader(&machine, None);
        let lines = std::iter::from_fn(|| reader.as_mut()?.try_next()).flat_map(|line| [line, vec![b'\n']]);
        files.push((format!("omni/machine-logs/{machine}.log"), lines.flatten().collect()));
    }
    files
}

fn zip(files: &[(String, Vec<u8>)]) -> io::Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        archive.start_file(name.as_str(), SimpleFileOptions::default())?;
        archive.write_all(content)?;
    }
    Ok(archive.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{call, context};
    use super::*;
    use crate::Release;
    use crate::age::identity::Identity;
    use crate::{inventory, world};
    use std::io::Read;
    use tonic::Code;

    fn request(encrypt: bool) -> pb::GetSupportBundleRequest {
        pb::GetSupportBundleRequest { cluster: "prod".into(), encrypt, ..Default::default() }
    }

    #[tokio::test]
    async fn a_bundle_holds_a_cluster_and_its_machines() {
        let ctx = context(Release::NEWEST);
        world::add_machine(&ctx.store, 1);
        let machine = inventory::id(1);
        let labelled = |kind: &str, id: &str| {
            ctx.store.put("", &kinds::key(kind, id), |object| {
                object.labels.insert(label::CLUSTER.into(), "prod".into());
            });
        };
        for id in ["prod", "test"] {
            ctx.store.put("", &kinds::key(kind::CLUSTER, id), |_| {});
        }
        labelled(kind::CLUSTER_MACHINE, &machine);
        labelled(kind::CONFIG_PATCH, "200-secret");
        labelled("ClusterSecrets.omni.sidero.dev", "prod");
        let answers = get_support_bundle(&ctx, call(Role::Operator, None, request(false))).await.unwrap();
        let answers: Vec<_> = answers.map(Result::unwrap).collect().await;
        let (last, rest) = answers.split_last().unwrap();
        let states: Vec<_> = rest.iter().map(|answer| answer.progress.as_ref().unwrap()).collect();
        assert!(states[0].error.starts_with("failed to get kubernetes client"));
        let mut archive = zip::ZipArchive::new(Cursor::new(&last.bundle_data)).unwrap();
        let names: Vec<_> = archive.file_names().map(ToOwned::to_owned).collect();
        let expected = [
            "omni/resources/Clusters.omni.sidero.dev-prod.yaml".to_owned(),
            format!("omni/resources/ClusterMachines.omni.sidero.dev-{machine}.yaml"),
            format!("omni/resources/Links.omni.sidero.dev-{machine}.yaml"),
            format!("omni/resources/MachineStatuses.omni.sidero.dev-{machine}.yaml"),
            format!("omni/machine-logs/{machine}.log"),
        ];
        assert_eq!(names, expected);
        assert_eq!(states[1..].iter().map(|progress| progress.state.clone()).collect::<Vec<_>>(), expected);
        assert!(states[1..].iter().all(|progress| progress.total == 5 && progress.source == "omni"));
        let mut text = String::new();
        archive.by_name(&expected[4]).unwrap().read_to_string(&mut text).unwrap();
        assert!(text.contains("booting Talos") && text.ends_with("}\n"), "{text}");
    }

    #[tokio::test]
    async fn an_encrypted_bundle_is_for_its_recipients() {
        let ctx = context(Release::NEWEST);
        ctx.store.put("", &kinds::key(kind::CLUSTER, "prod"), |_| {});
        let reader = Identity::generate();
        for (no_defaults, count) in [(false, 2), (true, 1)] {
            let asked = pb::GetSupportBundleRequest {
                encryption_recipients: vec![reader.recipient().to_string()],
                encryption_no_default_recipients: no_defaults,
                ..request(true)
            };
            let answers = get_support_bundle(&ctx, call(Role::Operator, None, asked)).await.unwrap();
            let answers: Vec<_> = answers.map(Result::unwrap).collect().await;
            let told = &answers[0].encryption_recipients;
            assert_eq!((told.len(), told.last()), (count, Some(&reader.recipient().to_string())), "they come first");
            let bundle = &answers.last().unwrap().bundle_data;
            assert!(reader.decrypt(bundle).unwrap().starts_with(b"PK"));
            assert!(answers[1..].iter().all(|answer| answer.encryption_recipients.is_empty()));
        }
    }

    #[tokio::test]
    async fn refusals() {
        let ctx = context(Release::NEWEST);
        let status = get_support_bundle(&ctx, call(Role::Reader, None, request(false))).await.err().unwrap();
        assert_eq!(status.code(), Code::PermissionDenied);
        let to = |recipient: &str| pb::GetSupportBundleRequest {
            encryption_recipients: vec![recipient.to_owned()],
            ..request(true)
        };
        let to_nobody = pb::GetSupportBundleRequest { encryption_no_default_recipients: true, ..request(true) };
        for (request, code) in [
            (pb::GetSupportBundleRequest { encrypt: false, ..to("age1qqqqq") }, Code::InvalidArgument),
            (to_nobody, Code::InvalidArgument),
            (to("not-a-public-key"), Code::InvalidArgument),
            (to("ssh-ed25519 AAAA"), Code::FailedPrecondition),
        ] {
            let status = get_support_bundle(&ctx, call(Role::Operator, None, request)).await.err().unwrap();
            assert_eq!(status.code(), code, "{status}");
        }
        let for_whom = || pb::GetSupportBundleRequest { encryption_no_default_recipients: true, ..request(false) };
        for (release, refused) in [(Release::V1_9, false), (Release::V1_10, true)] {
            let answer = get_support_bundle(&context(release), call(Role::Operator, None, for_whom())).await;
            assert_eq!(answer.is_err_and(|status| status.code() == Code::InvalidArgument), refused, "{release}");
        }
    }
}
