//! What is for a cluster beside its patches: extensions, manifests and health checks; and where backups go.

use crate::defects::{changed, cluster, made};
use crate::host::{Host, errors};
use crate::lifecycle::{block, settled};
use libtest_mimic::{Failed, Trial};
use omni_proto::specs;
use omni_sim::{Options, Release, inventory};
use prost::Message;
use serde_json::{Value as Json, json};
use terraform_provider_omni::tf::path::Path;
use terraform_provider_omni::tf::value::Value;

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("extensions_are_written_as_the_catalogue_names_them", extensions_are_written_as_the_catalogue_names_them),
        ("a_renamed_extension_is_no_difference", a_renamed_extension_is_no_difference),
        ("extensions_are_held_against_the_planned_version", extensions_are_held_against_the_planned_version),
        ("an_omni_without_the_check_is_warned_for", an_omni_without_the_check_is_warned_for),
        ("a_manifest_shows_each_of_its_objects", a_manifest_shows_each_of_its_objects),
        ("a_manifest_of_a_template_keeps_its_id", a_manifest_of_a_template_keeps_its_id),
        ("a_secret_manifest_leaves_no_trace", a_secret_manifest_leaves_no_trace),
        ("a_health_check_shows_its_last_run", a_health_check_shows_its_last_run),
        ("a_health_check_needs_no_status", a_health_check_needs_no_status),
        ("a_health_check_of_a_template_is_named_in_its_cluster", a_health_check_of_a_template_is_named_in_its_cluster),
        ("a_store_that_refuses_is_told_by_its_attribute", a_store_that_refuses_is_told_by_its_attribute),
        ("a_local_store_has_no_use_for_a_bucket", a_local_store_has_no_use_for_a_bucket),
        ("a_bucket_without_a_region_is_told_once", a_bucket_without_a_region_is_told_once),
        ("a_secret_of_a_bucket_leaves_no_trace", a_secret_of_a_bucket_leaves_no_trace),
        ("a_refusal_quotes_no_secret", a_refusal_quotes_no_secret),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("workloads::{name}"), test)).collect()
}

const EXTENSIONS: &str = "omni_machine_extensions";
const MANIFEST: &str = "omni_kubernetes_manifest";
const CHECK: &str = "omni_kubernetes_healthcheck";
const BUCKET: &str = "omni_etcd_backup_s3_config";

fn list(names: &[&str]) -> Json {
    json!({ "cluster": "demo", "extensions": names })
}

fn written(host: &Host) -> Vec<String> {
    let stored = host.object("ExtensionsConfigurations", "schematic-demo").unwrap();
    let mut names = stored.spec::<specs::ExtensionsConfigurationSpec>().extensions;
    names.sort_unstable();
    names
}

/// Catalogues of versions before and after a change of names.
fn catalogue(host: &Host, version: &str, names: &[&str]) {
    let item =
        |name: &&str| specs::talos_extensions_spec::Info { name: format!("siderolabs/{name}"), ..Default::default() };
    host.edit("TalosExtensions", version, |object| {
        object.spec = specs::TalosExtensionsSpec { items: names.iter().map(item).collect() }.encode_to_vec();
    });
}

fn extensions_are_written_as_the_catalogue_names_them() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, "omni_cluster", &cluster()).await;
        let config = list(&["gvisor", "i915-ucode", "siderolabs/nvidia-container-toolkit"]);
        let instance = made(&host, EXTENSIONS, &config).await;
        assert_eq!(written(&host), ["siderolabs/gvisor", "siderolabs/i915", "siderolabs/nvidia-container-toolkit-lts"]);
        settled(&host, EXTENSIONS, &instance, &host.config(EXTENSIONS, &config), "create").await;
    })
}

fn a_renamed_extension_is_no_difference() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, "omni_cluster", &cluster()).await;
        catalogue(&host, "1.13.5", &["i915-ucode"]);
        let instance = made(&host, EXTENSIONS, &list(&["i915-ucode"])).await;
        assert_eq!(written(&host), ["siderolabs/i915-ucode"]);
        // The version of the cluster has gone on, and with it the name.
        catalogue(&host, "1.13.5", &["i915"]);
        for name in ["i915-ucode", "i915", "siderolabs/i915"] {
            let config = host.config(EXTENSIONS, &list(&[name]));
            settled(&host, EXTENSIONS, &instance, &config, name).await;
        }
        let mut more = list(&["i915-ucode"]);
        more["labels"] = json!({ "team": "a" });
        changed(&host, EXTENSIONS, &instance, &more).await;
        assert_eq!(written(&host), ["siderolabs/i915"]);
    })
}

fn extensions_are_held_against_the_planned_version() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        catalogue(&host, "1.13.5", &["gvisor"]);
        let planned = host.plan("omni_cluster", None, &host.config("omni_cluster", &cluster())).await;
        planned.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let said = host.plan(EXTENSIONS, None, &host.config(EXTENSIONS, &list(&["zfs"]))).await.unwrap_err();
        let said = errors(&said).join("\n");
        assert!(said.contains("Extension `zfs` is not available for Talos 1.13.5"), "{said}");
        let plan = host.plan(EXTENSIONS, None, &host.config(EXTENSIONS, &list(&["gvisor"]))).await;
        assert_eq!(plan.unwrap_or_else(|d| panic!("{:?}", errors(&d))).warnings, Vec::<String>::new());
    })
}

fn an_omni_without_the_check_is_warned_for() -> Result<(), Failed> {
    block(async {
        let host = Host::with(Options { release: Release::V1_8, ..Options::stepped() }, &[]).await;
        made(&host, "omni_cluster", &cluster()).await;
        let plan = host.plan(EXTENSIONS, None, &host.config(EXTENSIONS, &list(&["gviser"]))).await;
        let warnings = plan.unwrap_or_else(|d| panic!("{:?}", errors(&d))).warnings;
        let told = |part: &str| warnings.iter().any(|warning| warning.contains(part));
        assert!(told("Did you mean `gvisor`?") && told("no image can be built"), "{warnings:?}");
    })
}

fn config_map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")
}

/// A cluster that runs, on the first machine.
async fn running(host: &Host) {
    made(host, "omni_cluster", &cluster()).await;
    made(host, "omni_machine_set", &json!({ "cluster": "demo", "role": "controlplane" })).await;
    let node = json!({ "cluster": "demo", "machine_set": "demo-control-planes", "machine_id": inventory::id(1), "wait_for": "running" });
    made(host, "omni_machine_set_node", &node).await;
    host.sim.settle().unwrap();
}

fn at<'v>(value: &'v Value, path: &str) -> &'v Value {
    Path::of(path).lookup(value)
}

fn a_manifest_shows_each_of_its_objects() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        running(&host).await;
        let data = format!(
            "{}---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: b, namespace: c}}\n",
            config_map("a")
        );
        let config = json!({ "name": "x", "cluster": "demo", "mode": "full", "data": data });
        let instance = made(&host, MANIFEST, &config).await;
        host.sim.settle().unwrap();
        let read = settled(&host, MANIFEST, &instance, &host.config(MANIFEST, &config), "a while").await;
        assert_eq!(at(&read.state, "status.phase").as_str(), Some("applied"));
        let shown: Vec<_> = at(&read.state, "status.objects")
            .elements()
            .iter()
            .map(|object| {
                ["group", "kind", "namespace", "name", "phase"]
                    .map(|part| object.get(part).as_str().unwrap().to_owned())
            })
            .collect();
        assert_eq!(
            shown,
            [["", "ConfigMap", "", "a", "applied"], ["apps", "Deployment", "c", "b", "applied"]]
                .map(|object| object.map(str::to_owned))
        );
    })
}

fn a_manifest_of_a_template_keeps_its_id() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, "omni_cluster", &cluster()).await;
        let config = json!({ "name": "x", "weight": 200, "cluster": "demo", "mode": "full", "data": config_map("a"), "id_override": "200-cluster-demo-x" });
        made(&host, MANIFEST, &config).await;
        host.edit("KubernetesManifestGroups", "200-cluster-demo-x", |object| drop(object.annotations.remove("name")));
        let imported =
            host.import(MANIFEST, "200-cluster-demo-x", None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!(imported.state.get("name").as_str(), Some("x"));
        let plain = json!({ "name": "x", "weight": 200, "cluster": "demo", "mode": "full", "data": config_map("a") });
        let plan = host.plan(MANIFEST, Some(&imported), &host.config(MANIFEST, &plain)).await;
        assert_eq!(plan.unwrap_or_else(|d| panic!("{:?}", errors(&d))).replace, Vec::<String>::new());
    })
}

fn a_secret_manifest_leaves_no_trace() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, "omni_cluster", &cluster()).await;
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: hunter2}\n";
        let config = json!({ "name": "x", "cluster": "demo", "mode": "full", "data_wo": secret });
        let instance = made(&host, MANIFEST, &config).await;
        assert!(!format!("{:?}", instance.state).contains("hunter2"));
        let stored = host.object("KubernetesManifestGroups", "400-demo-x").unwrap();
        assert_eq!(stored.spec::<specs::KubernetesManifestGroupSpec>().data, secret);
        let broken = json!({ "name": "x", "cluster": "demo", "mode": "full", "data_wo": "password: [hunter2" });
        let said = errors(&host.validate(MANIFEST, &host.config(MANIFEST, &broken)).await).join("\n");
        assert!(said.contains("not valid YAML") && !said.contains("hunter2"), "{said}");
    })
}

fn job() -> &'static str {
    "apiVersion: batch/v1\nkind: Job\nspec:\n  template:\n    spec:\n      containers:\n        - {name: check, image: busybox}\n"
}

fn a_health_check_shows_its_last_run() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        running(&host).await;
        let config = json!({ "name": "dns", "cluster": "demo", "job": job(), "id_prefix_cluster": true });
        let instance = made(&host, CHECK, &config).await;
        assert_eq!(instance.state.get("id").as_str(), Some("cluster-demo-dns"));
        host.sim.settle().unwrap();
        let read = settled(&host, CHECK, &instance, &host.config(CHECK, &config), "a while").await;
        assert_eq!(at(&read.state, "status.state").as_str(), Some("passed"));
        assert_eq!(at(&read.state, "status.job_name").as_str(), Some("omni-healthcheck-cluster-demo-dns"));
    })
}

/// Releases that have no status leave it unknown.
fn a_health_check_needs_no_status() -> Result<(), Failed> {
    block(async {
        let host = Host::with(Options { release: Release::V1_9, ..Options::stepped() }, &[]).await;
        let config = json!({ "name": "dns", "cluster": "demo", "job": job() });
        let instance = made(&host, CHECK, &config).await;
        assert_eq!(at(&instance.state, "status.state").as_str(), Some("unknown"));
    })
}

fn a_health_check_of_a_template_is_named_in_its_cluster() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, "omni_cluster", &cluster()).await;
        let whole = json!({ "name": "cluster-demo-dns", "cluster": "demo", "job": job() });
        made(&host, CHECK, &whole).await;
        let imported =
            host.import(CHECK, "cluster-demo-dns", None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let within = json!({ "name": "dns", "id_prefix_cluster": true, "cluster": "demo", "job": job() });
        settled(&host, CHECK, &imported, &host.config(CHECK, &within), "import").await;
        let plan = host.plan(CHECK, Some(&imported), &host.config(CHECK, &whole)).await;
        assert_eq!(plan.unwrap_or_else(|d| panic!("{:?}", errors(&d))).replace, Vec::<String>::new());
    })
}

async fn host_of(instance: Json) -> Host {
    let world = json!({ "instance": instance }).to_string().parse().expect("a world");
    Host::with(Options { world: Some(world), machines: 0, ..Options::stepped() }, &[]).await
}

fn bucket(name: &str) -> Json {
    json!({ "bucket": name, "region": "eu", "access_key_id": "id", "secret_access_key_wo": "hunter2" })
}

fn a_store_that_refuses_is_told_by_its_attribute() -> Result<(), Failed> {
    block(async {
        let host = host_of(json!({ "s3": { "missing": ["gone"], "denied": ["theirs"] } })).await;
        for (name, path, part) in
            [("gone", "bucket", "Create the bucket first"), ("theirs", "access_key_id", "Check the access key")]
        {
            let (diags, kept) = host.apply(BUCKET, None, &host.config(BUCKET, &bucket(name))).await.unwrap_err();
            let said = errors(&diags).join("\n");
            assert!(
                said.starts_with(&format!("{path}: ")) && said.contains(part) && !said.contains("hunter2"),
                "{said}"
            );
            assert!(kept.is_none());
        }
    })
}

fn a_local_store_has_no_use_for_a_bucket() -> Result<(), Failed> {
    block(async {
        for (store, told) in [("local", true), ("s3", false)] {
            let host = host_of(json!({ "backup_store": store })).await;
            host.sim.settle().unwrap();
            let plan = host.plan(BUCKET, None, &host.config(BUCKET, &bucket("b"))).await;
            let warnings = plan.unwrap_or_else(|d| panic!("{:?}", errors(&d))).warnings;
            assert_eq!(warnings.iter().any(|w| w.contains("has no effect")), told, "{store}: {warnings:?}");
        }
    })
}

fn a_bucket_without_a_region_is_told_once() -> Result<(), Failed> {
    block(async {
        let host = host_of(json!({})).await;
        let mut config = bucket("b");
        let instance = made(&host, BUCKET, &config).await;
        config["region"] = Json::Null;
        let told = |warnings: &[String]| warnings.iter().any(|w| w.starts_with("region: ") && w.contains("no region"));
        for prior in [None, Some(&instance)] {
            host.next_run().await;
            let plan = host.plan(BUCKET, prior, &host.config(BUCKET, &config)).await;
            let warnings = plan.unwrap_or_else(|d| panic!("{:?}", errors(&d))).warnings;
            assert!(told(&warnings), "{warnings:?}");
        }
        // The environment of the server may set a region, and then the configuration is there without one.
        host.edit("EtcdBackupS3Configs", "etcd-backup-s3-conf", |object| {
            let spec: specs::EtcdBackupS3ConfSpec = object.spec();
            object.spec = specs::EtcdBackupS3ConfSpec { region: String::new(), ..spec }.encode_to_vec();
        });
        let read = host.read(BUCKET, &instance).await.unwrap().unwrap();
        config["bucket"] = json!("other");
        let plan = host.plan(BUCKET, Some(&read), &host.config(BUCKET, &config)).await;
        let warnings = plan.unwrap_or_else(|d| panic!("{:?}", errors(&d))).warnings;
        assert!(!told(&warnings), "{warnings:?}");
    })
}

fn a_secret_of_a_bucket_leaves_no_trace() -> Result<(), Failed> {
    block(async {
        let host = host_of(json!({})).await;
        let instance = made(&host, BUCKET, &bucket("b")).await;
        assert!(!format!("{:?}", instance.state).contains("hunter2"));
        assert_eq!(at(&instance.state, "status.store").as_str(), Some("s3"));
        let stored = host.object("EtcdBackupS3Configs", "etcd-backup-s3-conf").unwrap();
        assert_eq!(stored.spec::<specs::EtcdBackupS3ConfSpec>().secret_access_key, "hunter2");
    })
}

/// Omni quotes the part of a patch that it does not know.
fn a_refusal_quotes_no_secret() -> Result<(), Failed> {
    const PATCH: &str = "omni_config_patch";
    block(async {
        let host = Host::start(&[]).await;
        for (form, quoted) in [("data", "correct-horse"), ("data_wo", "(sensitive value)")] {
            let text = "machine: {envv: {A: correct-horse}}";
            let json = json!({ "name": "x", "selector": { "machine": inventory::id(1) }, form: text });
            let said = host.plan(PATCH, None, &host.config(PATCH, &json)).await.err().map(|d| errors(&d));
            let said = said.unwrap_or_default().join("\n");
            assert!(said.contains("envv:") && said.contains(&format!("A: {quoted}")), "{form}: {said}");
            assert_eq!(said.contains("correct-horse"), form == "data", "{form}: {said}");
            host.next_run().await;
        }
    })
}
