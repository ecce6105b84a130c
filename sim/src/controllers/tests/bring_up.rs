//! Creation of clusters and machine sets.

use super::*;
use crate::controllers::former::{ApidAvailable, ClusterMachineVersion, InstallDisk, TalosVersions, WantedArgs, With};

#[test]
fn an_empty_cluster_has_what_a_server_gave_it() {
    let scene = Scene::new();
    scene.cluster("1.13.8", "1.36.3");
    scene.settle();
    let cluster = scene.get(kind::CLUSTER, "c").unwrap();
    let mut finalizers = cluster.finalizers.clone();
    finalizers.sort();
    assert_eq!(
        finalizers,
        [
            "BackupDataController",
            "ClusterConfigVersionController",
            "ClusterController",
            "ClusterDestroyStatusController",
            "ClusterEndpointController",
            "ClusterKubernetesManifestsStatusController",
            "ClusterStatusController",
            "ClusterUUIDController",
            "ClusterWorkloadProxyController",
            "ClusterWorkloadProxyStatusController",
            "KubernetesUpgradeStatusController",
            "SecretsController",
            "TalosUpgradeStatusController",
        ]
    );
    assert_eq!(cluster.version, 14);
    let status = scene.get(kind::CLUSTER_STATUS, "c").unwrap();
    assert_eq!(status.owner, "ClusterStatusController");
    assert_eq!(status.finalizers, ["ClusterBootstrapStatusController", "DiscoveryServiceConfigPatchController"]);
    assert_eq!(status.label("team"), Some("a"));
    assert_eq!(status.label("omni.sidero.dev/x"), None);
    let spec = scene.status();
    assert_eq!((spec.phase(), spec.available, spec.ready), (cluster_status_spec::Phase::Unknown, false, false));
    assert_eq!((spec.talos_version.as_str(), spec.kubernetes_version.as_str()), ("1.13.8", "1.36.3"));
    assert_eq!(scene.spec::<ClusterConfigVersionSpec>(kind::CLUSTER_CONFIG_VERSION, "c").version, "v1.13.8");
    let talos: TalosUpgradeStatusSpec = scene.spec(kind::TALOS_UPGRADE_STATUS, "c");
    assert_eq!(talos.phase(), talos_upgrade_status_spec::Phase::Done);
    assert_eq!(talos.last_upgrade_version, "1.13.8");
    assert_eq!(talos.upgrade_versions, ["1.13.0", "1.13.5"]);
    let balancer: LoadBalancerConfigSpec = scene.spec(kind::LOAD_BALANCER_CONFIG, "c");
    assert_eq!(balancer.bind_port, "10000");
    assert_eq!(balancer.siderolink_endpoint, "https://[fdae:41e4:649b:9303::1]:10000");
    assert!(!scene.spec::<ClusterBootstrapStatusSpec>(kind::CLUSTER_BOOTSTRAP_STATUS, "c").bootstrapped);
    assert_eq!(scene.get(kind::KUBERNETES_UPGRADE_STATUS, "c"), None);
    let uuid = scene.get(kind::CLUSTER_UUID, "c").unwrap();
    assert_eq!(uuid.label(label::CLUSTER_UUID), Some(uuid.spec::<ClusterUuid>().uuid.as_str()));
}

#[test]
fn finalizers_that_a_user_strips_come_back() {
    let scene = Scene::new();
    scene.cluster("1.13.8", "1.36.3");
    scene.settle();
    scene.update(kind::CLUSTER, "c", |object| object.finalizers.clear());
    scene.settle();
    assert_eq!(scene.get(kind::CLUSTER, "c").unwrap().finalizers.len(), 13);
}

#[test]
fn five_machines_become_a_cluster_stage_by_stage() {
    let scene = Scene::new();
    scene.cluster("1.13.8", "1.35.1");
    scene.set("c-control-planes", label::CONTROL_PLANE, &MachineSetSpec::default(), 1..=3);
    scene.set("c-workers", label::WORKER, &MachineSetSpec::default(), 4..=5);
    let mut stages = vec![];
    let mut before_ready = true;
    while scene.step() {
        if stages.last() != Some(&scene.stage(1)) {
            stages.push(scene.stage(1));
        }
        let status = scene.status();
        before_ready &= !status.ready || (status.available && status.phase() == RUNNING);
        assert!(!status.ready || scene.stage(5) == Stage::Running);
    }
    assert_eq!(stages, [Stage::Installing, Stage::Rebooting, Stage::Booting, Stage::Running]);
    assert!(before_ready);

    let status = scene.status();
    assert!(status.available && status.ready && status.kubernetes_api_ready && status.controlplane_ready);
    assert_eq!(status.phase(), RUNNING);
    assert_eq!(status.machines, Some(Machines { total: 5, healthy: 5, connected: 5, requested: 5 }));
    assert_eq!(scene.phase("c-workers"), MachineSetPhase::Running);
    for number in 1..=5 {
        assert_eq!(scene.talos(number), "v1.13.8");
        let machine = scene.machine(number);
        assert_eq!(machine.label(label::AVAILABLE), None);
        assert_eq!(machine.label(label::INSTALLED), Some(""));
        assert_eq!(machine.label(label::CLUSTER), Some("c"));
        let (set, role) = if number <= 3 {
            ("c-control-planes", machine_status_spec::Role::ControlPlane)
        } else {
            ("c-workers", machine_status_spec::Role::Worker)
        };
        assert_eq!(machine.label(label::MACHINE_SET), Some(set));
        assert_eq!(machine.spec::<MachineStatusSpec>().role(), role);
        assert!(!machine.spec::<MachineStatusSpec>().maintenance);
    }
    assert_eq!(scene.machine(6).label(label::AVAILABLE), Some(""));
    assert!(scene.machine(6).spec::<MachineStatusSpec>().maintenance);

    let upgrade: KubernetesUpgradeStatusSpec = scene.spec(kind::KUBERNETES_UPGRADE_STATUS, "c");
    assert_eq!(upgrade.phase(), kubernetes_upgrade_status_spec::Phase::Done);
    assert_eq!(upgrade.upgrade_versions, ["1.36.2", "1.36.3"]);
    let nodes: KubernetesStatusSpec = scene.spec(kind::KUBERNETES_STATUS, "c");
    assert_eq!((nodes.nodes.len(), nodes.static_pods.len()), (5, 3));
    assert!(nodes.nodes.iter().all(|node| node.ready && node.kubelet_version == "1.35.1"));
    let endpoints: ClusterEndpointSpec = scene.spec(kind::CLUSTER_ENDPOINT, "c");
    assert_eq!(endpoints.management_addresses.len(), 3);
    let node = scene.get(kind::MACHINE_SET_NODE, &id(1)).unwrap();
    assert_eq!(node.finalizers, ["MachineSetStatusController"]);
}

#[test]
fn a_set_is_held_as_on_a_server() {
    let scene = Scene::with_cluster();
    let held = |set: &str| {
        let mut finalizers = scene.get(kind::MACHINE_SET, set).unwrap().finalizers.clone();
        finalizers.sort();
        finalizers
    };
    assert_eq!(
        held("c-control-planes"),
        [
            "ClusterBootstrapStatusController",
            "ControlPlaneStatusController",
            "MachineProvisionController",
            "MachineSetController",
            "MachineSetDestroyStatusController",
            "MachineSetEtcdAuditController",
            "MachineSetStatusController",
        ]
    );
    assert_eq!(held("c-workers").len(), 5);
    assert_eq!(scene.get(kind::MACHINE_SET_STATUS, "c-workers").unwrap().finalizers, ["ClusterStatusController"]);
}

#[test]
fn nodes_of_unknown_machines_wait() {
    let scene = Scene::new();
    scene.cluster("1.13.8", "1.36.3");
    scene.set("c-workers", label::WORKER, &MachineSetSpec::default(), 50..=50);
    scene.settle();
    assert_eq!(scene.get(kind::MACHINE_SET_NODE, &id(50)).unwrap().finalizers, ["MachineSetStatusController"]);
    assert_eq!(scene.cluster_machines(), [""; 0]);
    assert_eq!(scene.phase("c-workers"), MachineSetPhase::ScalingUp);
    // The machine joins later.
    world::add_machine(&scene.store, 50);
    scene.settle();
    assert_eq!(scene.cluster_machines(), [id(50)]);
}

#[test]
fn a_restart_on_the_way_changes_nothing() {
    let scene = Scene::new();
    scene.cluster("1.13.5", "1.35.1");
    scene.set("c-control-planes", label::CONTROL_PLANE, &MachineSetSpec::default(), 1..=3);
    scene.until("the first stage", |scene| scene.stage(1) == Stage::Rebooting);
    let second = Scene { driver: Driver::new(scene.store.clone(), all(), Release::NEWEST), store: scene.store.clone() };
    world::seed(&second.store, 6, Release::NEWEST);
    second.settle();
    assert!(second.status().ready);
    assert_eq!(second.store.view().list(kind::CLUSTER_MACHINE).len(), 3);
}

#[test]
fn going_past_the_server_leaves_a_mark() {
    let scene = Scene::with_cluster();
    let tainted = || scene.get(kind::CLUSTER_STATUS, "c").unwrap().label(label::TAINTED_BY_BREAK_GLASS).is_some();
    assert!(!tainted());
    scene.store.put("", &kinds::key(kind::CLUSTER_TAINT, "c"), |_| {});
    scene.settle();
    assert!(tainted());
    scene.teardown(kind::CLUSTER, "c");
    scene.settle();
    assert_eq!(scene.get(kind::CLUSTER_TAINT, "c"), None);
}

#[test]
fn members_that_complain_are_listed() {
    let scene = Scene::with_cluster();
    assert_eq!(scene.get(kind::CLUSTER_DIAGNOSTICS, "c"), None);
    let complain = |complaints: usize| {
        scene.store.modify(&kinds::key(kind::MACHINE_STATUS, id(2)), |machine| {
            let diagnostics = vec![machine_status_spec::Diagnostic::default(); complaints];
            machine.spec = MachineStatusSpec { diagnostics, ..machine.spec() }.encode_to_vec();
        });
        scene.settle();
    };
    complain(2);
    let found: ClusterDiagnosticsSpec = scene.spec(kind::CLUSTER_DIAGNOSTICS, "c");
    assert_eq!(found.nodes, [cluster_diagnostics_spec::Node { id: id(2), num_diagnostics: 2 }]);
    complain(0);
    assert_eq!(scene.get(kind::CLUSTER_DIAGNOSTICS, "c"), None);
}

#[test]
fn a_settled_world_writes_nothing() {
    let scene = Scene::with_cluster();
    let patch = ConfigPatchSpec { data: "machine: {}\n".into(), ..Default::default() };
    scene.create(kind::CONFIG_PATCH, "500-c", &[(label::CLUSTER, "c")], &patch);
    scene.settle();
    let before = scene.store.revision();
    // A server that starts anew looks at everything again.
    let again = Driver::new(scene.store.clone(), all(), Release::NEWEST);
    assert_eq!(again.settle().unwrap(), 0);
    assert_eq!(scene.store.revision(), before);
}

#[test]
fn older_servers_fill_the_fields_that_went() {
    type Config = With<ClusterMachineVersion, ClusterMachineConfigStatusSpec>;
    type Schematic = With<WantedArgs, SchematicConfigurationSpec>;
    for (minor, has_version, has_counts, has_args, has_disk) in [
        (3, true, true, false, true),
        (4, true, false, true, true),
        (8, false, false, true, true),
        (10, false, false, false, true),
        (11, false, false, false, false),
    ] {
        let scene = Scene::of(Release::of_minor(minor), 2);
        let args = KernelArgsSpec { args: vec!["quiet".into()] };
        scene.create(kind::KERNEL_ARGS, &id(1), &[], &args);
        scene.cluster("1.13.8", "1.35.1");
        scene.set("c-control-planes", label::CONTROL_PLANE, &MachineSetSpec::default(), 1..=1);
        scene.settle();
        let config: Config = scene.spec(kind::CLUSTER_MACHINE_CONFIG_STATUS, &id(1));
        assert_eq!(config.spec.talos_version, "1.13.8", "1.{minor}");
        assert_eq!(!config.former.cluster_machine_version.is_empty(), has_version, "1.{minor}");
        let counts: With<TalosVersions, MachineStatusMetricsSpec> = scene.spec(kind::MACHINE_STATUS_METRICS, "metrics");
        assert_eq!(counts.former.versions_map.values().sum::<i32>(), if has_counts { 2 } else { 0 }, "1.{minor}");
        let schematic: Schematic = scene.spec(kind::SCHEMATIC_CONFIGURATION, &id(1));
        assert_eq!(schematic.former.kernel_args == ["quiet"], has_args, "1.{minor}");
        let options: With<InstallDisk, MachineConfigGenOptionsSpec> =
            scene.spec(kind::MACHINE_CONFIG_GEN_OPTIONS, &id(1));
        assert_eq!(options.former.install_disk.starts_with("/dev/"), has_disk, "1.{minor}");
    }
}

#[test]
fn older_servers_say_whether_apid_answers() {
    for (release, expected) in [(Release::V1_6, true), (Release::V1_9, false)] {
        let scene = Scene::of(release, 6);
        scene.cluster("1.13.8", "1.35.1");
        scene.set("c-control-planes", label::CONTROL_PLANE, &MachineSetSpec::default(), 1..=1);
        scene.settle();
        let status: With<ApidAvailable, ClusterMachineStatusSpec> = scene.spec(kind::CLUSTER_MACHINE_STATUS, &id(1));
        assert_eq!((status.spec.stage(), status.former.apid_available), (Stage::Running, expected), "{release}");
    }
}
