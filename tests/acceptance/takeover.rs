//! Objects that something else made, taken into a state: by import, and with a state of the official provider.

use crate::omni::Omni;
use crate::plan::Action;
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use kit::secret::SecretString;
use omni_proto::specs::kubernetes_manifest_group_spec::Mode;
use omni_proto::specs::platform_config_spec::Arch;
use omni_proto::specs::{
    ClusterSpec, ConfigPatchSpec, EtcdBackupConf, EtcdBackupS3ConfSpec, ExtensionsConfigurationSpec, IdentitySpec,
    InfraProviderSpec, InstallationMediaConfigSpec, KubernetesHealthCheckSpec, KubernetesManifestGroupSpec,
    MachineClassSpec, MachineInstallDiskConfigSpec, MachineSetNodeSpec, MachineSetSpec, MetaValue, cluster_spec,
    installation_media_config_spec, machine_class_spec, machine_set_spec,
};
use omni_sim::{Role, accounts, inventory, kinds};
use prost::Message;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use terraform_provider_omni::PROVIDER_ADDRESS;
use terraform_provider_omni::omni::auth::{date, key};

tests![
    a_state_of_the_official_provider_needs_no_change,
    moved_blocks_need_no_change,
    what_was_taken_over_can_be_changed_and_destroyed,
    accounts_of_the_official_provider_need_no_change,
    moved_accounts_need_no_change,
    the_states_have_every_type_of_the_official_provider,
    import_blocks_by_id,
    import_blocks_by_identity,
    import_command,
    generated_configuration,
];

const OFFICIAL: &str = "registry.terraform.io/siderolabs/omni";

/// The resources of the fixture, and the ids by which they are imported.
fn objects() -> [(&'static str, String); 14] {
    [
        ("omni_cluster.prod", "prod".into()),
        ("omni_config_patch.cluster", "400-prod-time".into()),
        ("omni_config_patch.machine", format!("700-{}-disk", inventory::id(4))),
        ("omni_config_patch.workers", "450-prod-workers-sysctls".into()),
        ("omni_kubernetes_healthcheck.dns", "dns".into()),
        ("omni_kubernetes_manifest.settings", "400-prod-settings".into()),
        ("omni_machine_extensions.prod", "schematic-prod".into()),
        ("omni_machine_install_disk.spare", inventory::id(4)),
        ("omni_machine_set.control_planes", "prod-control-planes".into()),
        ("omni_machine_set.gpu", "prod-gpu".into()),
        ("omni_machine_set.workers", "prod-workers".into()),
        ("omni_machine_set_node.control_plane", inventory::id(1)),
        ("omni_machine_set_node.worker[0]", inventory::id(2)),
        ("omni_machine_set_node.worker[1]", inventory::id(3)),
    ]
}

/// Puts an object as the official provider leaves it in Omni.
fn put(omni: &Omni, kind: &str, id: &str, labels: &[(&str, &str)], name: Option<&str>, spec: &impl Message) {
    omni.store().put("", &kinds::key(&format!("{kind}.omni.sidero.dev"), id), |object| {
        object.spec = spec.encode_to_vec();
        for (key, value) in labels {
            object.labels.insert(format!("omni.sidero.dev/{key}"), (*value).to_owned());
        }
        object.annotations.insert("omni.sidero.dev/managed-by-gitops-tools".to_owned(), "Terraform".to_owned());
        if let Some(name) = name {
            object.annotations.insert("name".to_owned(), name.to_owned());
        }
    });
}

/// An Omni with the objects of the fixture.
pub fn furnished() -> Outcome<Omni> {
    let omni = Omni::start()?;
    let cluster = ClusterSpec {
        kubernetes_version: "1.36.2".to_owned(),
        talos_version: "1.13.5".to_owned(),
        features: Some(cluster_spec::Features { enable_workload_proxy: true, ..Default::default() }),
        backup_configuration: Some(EtcdBackupConf {
            interval: Some(prost_types::Duration { seconds: 3600, nanos: 0 }),
            enabled: true,
        }),
    };
    put(&omni, "Clusters", "prod", &[], None, &cluster);
    let in_prod = ("cluster", "prod");
    let set = |delete: Option<u32>| {
        let rolling = machine_set_spec::UpdateStrategy::Rolling;
        let rolls = |n| machine_set_spec::RollingUpdateStrategyConfig { max_parallelism: n };
        MachineSetSpec {
            update_strategy: rolling.into(),
            delete_strategy: delete.map_or_else(Default::default, |_| rolling.into()),
            delete_strategy_config: delete.map(|n| machine_set_spec::UpdateStrategyConfig { rolling: Some(rolls(n)) }),
            ..Default::default()
        }
    };
    let (control_plane, worker) = (("role-controlplane", ""), ("role-worker", ""));
    put(&omni, "MachineSets", "prod-control-planes", &[in_prod, control_plane], None, &set(None));
    put(&omni, "MachineSets", "prod-workers", &[in_prod, worker], None, &set(None));
    put(&omni, "MachineSets", "prod-gpu", &[in_prod, worker], None, &set(Some(2)));
    for (number, set, role) in
        [(1, "prod-control-planes", control_plane), (2, "prod-workers", worker), (3, "prod-workers", worker)]
    {
        let labels = [in_prod, ("machine-set", set), role];
        put(&omni, "MachineSetNodes", &inventory::id(number), &labels, None, &MachineSetNodeSpec {});
    }
    let machine = inventory::id(4);
    for (id, name, labels, data) in [
        ("400-prod-time", "time", &[in_prod][..], "machine:\n  time:\n    servers:\n      - time.example.org\n"),
        (
            "450-prod-workers-sysctls",
            "sysctls",
            &[in_prod, ("machine-set", "prod-workers")],
            "machine:\n  sysctls:\n    vm.max_map_count: \"262144\"\n",
        ),
        (
            &format!("700-{machine}-disk"),
            "disk",
            &[("machine", &machine)],
            r#"{"machine":{"sysctls":{"vm.swappiness":"1"}}}"#,
        ),
    ] {
        let spec = ConfigPatchSpec { data: data.to_owned(), ..Default::default() };
        put(&omni, "ConfigPatches", id, labels, Some(name), &spec);
    }
    let disk = MachineInstallDiskConfigSpec { disk: "/dev/sda".to_owned(), ..Default::default() };
    put(&omni, "MachineInstallDiskConfigs", &machine, &[], None, &disk);
    let extensions = ExtensionsConfigurationSpec { extensions: vec!["siderolabs/iscsi-tools".to_owned()] };
    put(&omni, "ExtensionsConfigurations", "schematic-prod", &[in_prod], None, &extensions);
    let data = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n".to_owned();
    let manifest = KubernetesManifestGroupSpec { data, mode: Mode::Full.into(), ..Default::default() };
    put(&omni, "KubernetesManifestGroups", "400-prod-settings", &[in_prod], Some("settings"), &manifest);
    let job = "apiVersion: batch/v1\nkind: Job\nspec:\n  template:\n    spec:\n      containers:\n        - {name: check, image: busybox}\n";
    let interval = Some(prost_types::Duration { seconds: 60, nanos: 0 });
    let check = KubernetesHealthCheckSpec { job: job.to_owned(), interval };
    put(&omni, "KubernetesHealthChecks", "dns", &[in_prod], None, &check);
    omni.settle()?;
    Ok(omni)
}

/// The same, and a workspace with the fixture's configuration.
fn found(context: &Context) -> Outcome<(Omni, Workspace)> {
    let omni = furnished()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", &std::fs::read_to_string(fixture("main.tf"))?)?;
    Ok((omni, workspace))
}

/// A file of the fixture.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/official").join(name)
}

/// Gives the workspace the official provider's state, and names ours in it.
fn take_over(workspace: &Workspace) -> Outcome {
    std::fs::copy(fixture("terraform.tfstate"), workspace.path().join("terraform.tfstate"))?;
    workspace.run(["state", "replace-provider", "-auto-approve", OFFICIAL, PROVIDER_ADDRESS])?.success()?;
    Ok(())
}

/// The resources, and nothing else, are in the state.
fn assert_holds_all(workspace: &Workspace) -> Outcome {
    assert_eq!(workspace.addresses()?, objects().map(|(address, _)| address));
    Ok(())
}

fn a_state_of_the_official_provider_needs_no_change(context: &Context) -> Outcome {
    let (omni, workspace) = found(context)?;
    take_over(&workspace)?;
    assert_holds_all(&workspace)?;
    let before = omni.writes();
    workspace.plan()?.must_be_empty()?;
    let output = workspace.apply()?;
    assert!(output.stdout.contains("0 added, 0 changed, 0 destroyed"), "{output}");
    assert_eq!(omni.writes(), before, "something was written");
    // The older shape has become the newer one, and what refers to the name finds in it what it found.
    let set = workspace.values("omni_machine_set.workers")?;
    assert_eq!((&set["id"], &set["name"]), (&json!("prod-workers"), &json!("prod-workers")));
    workspace.plan()?.must_be_empty()
}

/// The other way, resource by resource: the rest of a state can stay with its provider.
fn moved_blocks_need_no_change(context: &Context) -> Outcome {
    let (omni, workspace) = found(context)?;
    // The state still names the official provider, which the host asks for nothing but its schemas.
    let workspace = workspace.with_plugin(OFFICIAL, &context.plugins)?;
    write_moves(&workspace, &std::fs::read_to_string(fixture("terraform.tfstate"))?)?;
    let before = omni.writes();
    assert_eq!(workspace.plan()?.actions().len(), 0);
    workspace.apply()?;
    assert_holds_all(&workspace)?;
    workspace.plan()?.must_be_empty()?;
    assert_eq!(omni.writes(), before, "something was written");
    Ok(())
}

/// Gives the workspace a state in which every resource has another name, and a `moved` block for each.
fn write_moves(workspace: &Workspace, state: &str) -> Outcome {
    let mut state: Value = serde_json::from_str(state)?;
    let mut moves = String::new();
    for resource in state["resources"].as_array_mut().into_iter().flatten().filter(|r| r["mode"] == "managed") {
        let address = format!("{}.{}", resource["type"].as_str().unwrap(), resource["name"].as_str().unwrap());
        moves.push_str(&format!("moved {{\n  from = {address}_before\n  to   = {address}\n}}\n\n"));
        resource["name"] = format!("{}_before", resource["name"].as_str().unwrap()).into();
    }
    workspace.write("terraform.tfstate", &state.to_string())?;
    workspace.write("moves.tf", &moves)
}

fn what_was_taken_over_can_be_changed_and_destroyed(context: &Context) -> Outcome {
    let (omni, workspace) = found(context)?;
    take_over(&workspace)?;
    let main = std::fs::read_to_string(fixture("main.tf"))?;
    workspace.write("main.tf", &main.replace("time.example.org", "other.example.org").replace("1.36.2", "1.36.3"))?;
    let plan = workspace.plan_out("first.tfplan")?;
    assert_eq!(
        plan.actions().into_iter().collect::<Vec<_>>(),
        [("omni_cluster.prod", Action::Update), ("omni_config_patch.cluster", Action::Update),]
    );
    workspace.apply_plan("first.tfplan")?.success()?;
    assert!(omni.spec::<ConfigPatchSpec>("ConfigPatches", "400-prod-time").data.contains("other.example.org"));
    omni.settle()?;
    workspace.plan()?.must_be_empty()?;
    workspace.destroy()?;
    for kind in [
        "Clusters",
        "MachineSets",
        "MachineSetNodes",
        "ConfigPatches",
        "ExtensionsConfigurations",
        "KubernetesManifestGroups",
        "KubernetesHealthChecks",
    ] {
        assert_eq!(omni.ids(kind), Vec::<String>::new(), "{kind}");
    }
    Ok(())
}

/// The machine classes and installation media presets of the fixture.
fn put_classes_and_presets(omni: &Omni) {
    let selector = "omni.sidero.dev/arch = amd64, !gpu".to_owned();
    put(
        omni,
        "MachineClasses",
        "large",
        &[],
        None,
        &MachineClassSpec { match_labels: vec![selector], ..Default::default() },
    );
    let provision = machine_class_spec::Provision {
        provider_id: "aws".to_owned(),
        provider_data: "size: t3.small\n".to_owned(),
        kernel_args: vec!["console=ttyS0".to_owned()],
        meta_values: vec![MetaValue { key: 12, value: "machineLabels: {}".to_owned() }],
        ..Default::default()
    };
    let made = MachineClassSpec { auto_provision: Some(provision), ..Default::default() };
    put(omni, "MachineClasses", "made", &[], None, &made);
    let metal = InstallationMediaConfigSpec {
        architecture: Arch::Amd64.into(),
        talos_version: "1.13.5".to_owned(),
        install_extensions: vec!["siderolabs/iscsi-tools".to_owned()],
        kernel_args: "console=ttyS0".to_owned(),
        machine_labels: [("site".to_owned(), "berlin".to_owned())].into(),
        ..Default::default()
    };
    put(omni, "InstallationMediaConfigs", "metal", &[], None, &metal);
    let sbc = installation_media_config_spec::Sbc { overlay: "rpi_generic".to_owned(), ..Default::default() };
    let board = InstallationMediaConfigSpec { architecture: Arch::Arm64.into(), sbc: Some(sbc), ..Default::default() };
    put(omni, "InstallationMediaConfigs", "board", &[], None, &board);
}

/// The types of the official provider.
const TYPES: [&str; 17] = [
    "data omni_installation_media",
    "data omni_service_account",
    "data omni_user",
    "managed omni_cluster",
    "managed omni_config_patch",
    "managed omni_etcd_backup_s3_config",
    "managed omni_infra_provider",
    "managed omni_installation_media_preset",
    "managed omni_kubernetes_healthcheck",
    "managed omni_kubernetes_manifest",
    "managed omni_machine_class",
    "managed omni_machine_extensions",
    "managed omni_machine_install_disk",
    "managed omni_machine_set",
    "managed omni_machine_set_node",
    "managed omni_service_account",
    "managed omni_user",
];

fn the_states_have_every_type_of_the_official_provider(_context: &Context) -> Outcome {
    let mut found = BTreeSet::new();
    for name in ["terraform.tfstate", "access.tfstate"] {
        let state: Value = serde_json::from_str(&std::fs::read_to_string(fixture(name))?)?;
        for resource in state["resources"].as_array().ok_or("no resources")? {
            let text = |key: &str| resource[key].as_str().unwrap_or_default().to_owned();
            found.insert(format!("{} {}", text("mode"), text("type")));
        }
    }
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), TYPES);
    Ok(())
}

/// People, service accounts and a provider of machines, with keys that nobody can know before they are made: an Omni that has them,
/// the state of the official provider, and the keys.
fn with_accounts() -> Outcome<(Omni, String, BTreeMap<&'static str, String>)> {
    let omni = Omni::start()?;
    accounts::add_person(omni.store(), "ada@example.org", Role::Operator);
    let ada: IdentitySpec = omni.spec("Identities", "ada@example.org");
    let mut state = std::fs::read_to_string(fixture("access.tfstate"))?.replace("ADA_ID", &ada.user_id);
    let mut keys = BTreeMap::new();
    for (mark, name, role) in [
        ("CI", "ci", Role::Reader),
        ("DEPLOY", "deploy", Role::Admin),
        ("AWS", "infra-provider:aws", Role::InfraProvider),
    ] {
        let key = omni.mint(name, role, accounts::LIFETIME)?;
        let facts = key::inspect(&SecretString::from(key.clone()))?;
        state = state
            .replace(&format!("{mark}_KEY_ID"), &facts.fingerprint)
            .replace(&format!("{mark}_EXPIRATION"), &date(facts.expires.unwrap_or_default()))
            .replace(&format!("{mark}_KEY"), &key);
        keys.insert(mark, key);
    }
    put(&omni, "InfraProviders", "aws", &[], None, &InfraProviderSpec::default());
    let bucket = EtcdBackupS3ConfSpec {
        bucket: "backups".to_owned(),
        region: "eu-central-1".to_owned(),
        access_key_id: "AKIAEXAMPLE".to_owned(),
        secret_access_key: "correct-horse".to_owned(),
        ..Default::default()
    };
    put(&omni, "EtcdBackupS3Configs", "etcd-backup-s3-conf", &[], None, &bucket);
    put_classes_and_presets(&omni);
    omni.settle()?;
    Ok((omni, state, keys))
}

/// The types that the other fixture lacks, resource by resource.
fn moved_accounts_need_no_change(context: &Context) -> Outcome {
    let (omni, state, keys) = with_accounts()?;
    let workspace = Workspace::of(context, &omni)?.with_plugin(OFFICIAL, &context.plugins)?;
    workspace.write("main.tf", &std::fs::read_to_string(fixture("access.tf"))?)?;
    write_moves(&workspace, &state)?;
    let before = omni.writes();
    assert_eq!(workspace.plan()?.actions().len(), 0);
    workspace.apply()?;
    workspace.plan()?.must_be_empty()?;
    assert_eq!(omni.writes(), before, "something was written");
    assert_eq!(workspace.values("omni_service_account.ci")?["key"], json!(keys["CI"]));
    Ok(())
}

fn accounts_of_the_official_provider_need_no_change(context: &Context) -> Outcome {
    let (omni, state, keys) = with_accounts()?;
    let workspace = Workspace::of(context, &omni)?;
    let main = std::fs::read_to_string(fixture("access.tf"))?;
    workspace.write("main.tf", &main)?;
    workspace.write("terraform.tfstate", &state)?;
    workspace.run(["state", "replace-provider", "-auto-approve", OFFICIAL, PROVIDER_ADDRESS])?.success()?;

    let before = omni.writes();
    workspace.plan()?.must_be_empty()?;
    let output = workspace.apply()?;
    assert!(output.stdout.contains("0 added, 0 changed, 0 destroyed"), "{output}");
    assert_eq!(omni.writes(), before, "something was written");
    workspace.plan()?.must_be_empty()?;
    for (address, mark) in [
        ("omni_service_account.ci", "CI"),
        ("omni_service_account.deploy", "DEPLOY"),
        ("omni_infra_provider.aws", "AWS"),
    ] {
        assert_eq!(workspace.values(address)?["key"], json!(keys[mark]), "{address}");
    }

    // The keys leave the state when they are no longer wanted there, and stay good.
    workspace.write("main.tf", &main.replace("name = \"ci\"\n", "name = \"ci\"\n  store_key = false\n"))?;
    workspace.apply()?;
    assert_eq!(workspace.values("omni_service_account.ci")?["key"], Value::Null);
    assert_eq!(omni.writes(), before, "something was written");
    workspace.plan()?.must_be_empty()
}

/// Imports by these blocks change nothing, neither while nor after they are done.
fn import_with(workspace: &Workspace, blocks: &str) -> Outcome {
    workspace.write("import.tf", blocks)?;
    let plan = workspace.plan_out("import.tfplan")?;
    assert_eq!(plan.imports(), objects().map(|(address, _)| address));
    assert_eq!(plan.actions(), Default::default());
    workspace.apply_plan("import.tfplan")?.success()?;
    assert_holds_all(workspace)?;
    workspace.plan()?.must_be_empty()?;
    workspace.remove("import.tf")?;
    workspace.plan()?.must_be_empty()
}

fn blocks(name: impl Fn(&str, &str) -> String) -> String {
    objects().iter().map(|(to, id)| format!("import {{\n  to = {to}\n  {}\n}}\n", name(to, id))).collect()
}

fn import_blocks_by_id(context: &Context) -> Outcome {
    let (_omni, workspace) = found(context)?;
    import_with(&workspace, &blocks(|_, id| format!("id = {id:?}")))
}

fn import_blocks_by_identity(context: &Context) -> Outcome {
    let (_omni, workspace) = found(context)?;
    let blocks = blocks(|to, id| {
        let part = match to.split('.').next() {
            Some("omni_cluster") => "name",
            Some("omni_machine_install_disk" | "omni_machine_set_node") => "machine_id",
            _ => "id",
        };
        format!("identity = {{ {part} = {id:?} }}")
    });
    if context.cli.is_at_least(12) {
        return import_with(&workspace, &blocks);
    }
    // An older host does not know such blocks, and says so itself.
    workspace.write("import.tf", &blocks)?;
    let output = workspace.run(["plan", "-no-color", "-input=false"])?.failure()?;
    assert!(output.stderr.contains("identity"), "{output}");
    Ok(())
}

fn import_command(context: &Context) -> Outcome {
    let (_omni, workspace) = found(context)?;
    for (address, id) in objects() {
        workspace.import(address, &id)?;
    }
    assert_holds_all(&workspace)?;
    workspace.plan()?.must_be_empty()
}

fn generated_configuration(context: &Context) -> Outcome {
    let (omni, workspace) = found(context)?;
    workspace.remove("main.tf")?;
    // A host generates no configuration for one of many.
    let singles = blocks(|_, id| format!("id = {id:?}")).replace("worker[", "worker_").replace("]\n", "\n");
    workspace.write("import.tf", &singles)?;
    let before = omni.writes();
    let plan = workspace.plan_with("generated.tfplan", &["-generate-config-out=generated.tf"])?;
    assert_eq!((plan.imports().len(), plan.actions()), (objects().len(), Default::default()));
    // The text is written as it is needed: it plans the same by itself, and goes on to do so.
    let plan = workspace.plan_out("import.tfplan")?;
    assert_eq!((plan.imports().len(), plan.actions()), (objects().len(), Default::default()));
    workspace.apply_plan("import.tfplan")?.success()?;
    assert_eq!(omni.writes(), before, "something was written");
    workspace.plan()?.must_be_empty()
}
