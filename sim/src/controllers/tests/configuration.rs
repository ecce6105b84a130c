//! Rollout of configurations to machines.

use super::*;

#[test]
fn patches_reach_machines_in_turn() {
    for (parallel, at_once) in [(1, 1), (2, 2)] {
        let scene = Scene::new();
        scene.cluster("1.13.5", "1.35.1");
        let rolling = RollingUpdateStrategyConfig { max_parallelism: parallel };
        let mut workers = MachineSetSpec {
            update_strategy_config: Some(UpdateStrategyConfig { rolling: Some(rolling) }),
            ..Default::default()
        };
        workers.set_update_strategy(UpdateStrategy::Rolling);
        scene.set("c-control-planes", label::CONTROL_PLANE, &MachineSetSpec::default(), 1..=1);
        scene.set("c-workers", label::WORKER, &workers, 2..=5);
        scene.settle();
        let patch = ConfigPatchSpec { data: "machine: {}\n".into(), ..Default::default() };
        let labels = [(label::CLUSTER, "c"), (label::MACHINE_SET, "c-workers")];
        scene.create(kind::CONFIG_PATCH, "500-new", &labels, &patch);
        let mut most = 0;
        let mut phases = vec![];
        while scene.step() {
            assert_eq!(scene.stage(1), Stage::Running);
            most = most.max((2..=5).filter(|n| scene.stage(*n) == Stage::Configuring).count());
            phases.push(scene.phase("c-workers"));
        }
        assert_eq!(most, at_once);
        assert!(phases.contains(&MachineSetPhase::Reconfiguring));
        assert!(scene.status().ready);
    }
}

#[test]
fn a_change_waits_shows_and_lands() {
    let scene = Scene::with_cluster();
    let five = id(5);
    let shown = || scene.spec::<RedactedClusterMachineConfigSpec>(kind::REDACTED_CLUSTER_MACHINE_CONFIG, &five).data;
    let running = || {
        let status: ClusterMachineConfigStatusSpec = scene.spec(kind::CLUSTER_MACHINE_CONFIG_STATUS, &five);
        status.redacted_current_machine_config
    };
    assert_eq!(shown(), running());
    assert!(shown().contains("type: worker") && shown().contains("kubelet:v1.35.1"), "{}", shown());
    scene.lock_machine(5, true);
    let patch = ConfigPatchSpec { data: "machine:\n  sysctls:\n    a: b\n".into(), ..Default::default() };
    scene.create(kind::CONFIG_PATCH, "500-new", &[(label::CLUSTER, "c")], &patch);
    scene.settle();
    let patches: ClusterMachineConfigPatchesSpec = scene.spec(kind::CLUSTER_MACHINE_CONFIG_PATCHES, &five);
    assert_eq!(patches.patches, [patch.data]);
    let waiting: MachinePendingUpdatesSpec = scene.spec(kind::MACHINE_PENDING_UPDATES, &five);
    assert!(waiting.config_diff.contains("+    a: b"), "{}", waiting.config_diff);
    assert_eq!(waiting.upgrade, None);
    assert_eq!(scene.get(kind::MACHINE_PENDING_UPDATES, &id(4)), None, "the one that is not locked has it already");
    assert_ne!(shown(), running());
    let changes = scene.store.list(kind::MACHINE_CONFIG_DIFF);
    assert_eq!(changes.iter().filter(|change| change.label(label::MACHINE) == Some(&five)).count(), 1);

    scene.change_versions(|spec| spec.talos_version = "1.13.8".into());
    scene.settle();
    let waiting: MachinePendingUpdatesSpec = scene.spec(kind::MACHINE_PENDING_UPDATES, &five);
    let upgrade = waiting.upgrade.unwrap();
    assert_eq!((upgrade.from_version.as_str(), upgrade.to_version.as_str()), ("1.13.5", "1.13.8"));

    scene.lock_machine(5, false);
    scene.settle();
    assert_eq!(scene.get(kind::MACHINE_PENDING_UPDATES, &five), None);
    assert_eq!(shown(), running());
}

#[test]
fn patches_are_ordered_by_aim_and_then_by_id() {
    let scene = Scene::with_cluster();
    let (four, cluster) = (id(4), (label::CLUSTER, "c"));
    let patch = |name: &str, labels: &[(&str, &str)]| {
        let data = format!("machine:\n  sysctls:\n    who: {name}\n");
        scene.create(kind::CONFIG_PATCH, name, labels, &ConfigPatchSpec { data, ..Default::default() });
    };
    patch("100-machine", &[(label::MACHINE, &four)]);
    patch("200-member", &[cluster, (label::CLUSTER_MACHINE, &four)]);
    patch("300-set", &[cluster, (label::MACHINE_SET, "c-workers")]);
    patch("500-b", &[cluster]);
    patch("400-a", &[cluster]);
    patch("600-off", &[cluster, (label::DISABLED, "")]);
    patch("700-other", &[cluster, (label::MACHINE_SET, "c-control-planes")]);
    scene.settle();
    let found: ClusterMachineConfigPatchesSpec = scene.spec(kind::CLUSTER_MACHINE_CONFIG_PATCHES, &four);
    let names: Vec<&str> = found.patches.iter().map(|text| text.trim().rsplit(' ').next().unwrap()).collect();
    assert_eq!(names, ["400-a", "500-b", "300-set", "200-member", "100-machine"]);
}

#[test]
fn the_label_disabled_says_nothing_to_older_servers() {
    for (release, expected) in [(Release::V1_6, 1), (Release::V1_9, 1), (Release::V1_10, 0), (Release::NEWEST, 0)] {
        let scene = Scene::of(release, 1);
        scene.cluster("1.13.8", "1.35.1");
        scene.set("c-control-planes", label::CONTROL_PLANE, &MachineSetSpec::default(), 1..=1);
        let patch = ConfigPatchSpec { data: "machine: {}\n".into(), ..Default::default() };
        scene.create(kind::CONFIG_PATCH, "500-off", &[(label::CLUSTER, "c"), (label::DISABLED, "")], &patch);
        scene.settle();
        let found: ClusterMachineConfigPatchesSpec = scene.spec(kind::CLUSTER_MACHINE_CONFIG_PATCHES, &id(1));
        assert_eq!(found.patches.len(), expected, "{release}");
        assert_eq!(scene.get(kind::CONFIG_PATCH, "500-off").unwrap().label(label::DISABLED), Some(""));
    }
}

#[test]
fn features_bring_patches_of_the_servers_own() {
    let scene = Scene::new();
    let features =
        cluster_spec::Features { disk_encryption: true, use_embedded_discovery_service: true, ..Default::default() };
    let spec = ClusterSpec {
        talos_version: "1.13.5".into(),
        kubernetes_version: "1.35.1".into(),
        features: Some(features),
        ..Default::default()
    };
    scene.create(kind::CLUSTER, "c", &[], &spec);
    scene.set("c-control-planes", label::CONTROL_PLANE, &MachineSetSpec::default(), 1..=1);
    scene.settle();
    for (name, owner) in [
        ("950-c-encryption", "ClusterMachineEncryptionController"),
        ("950-discovery-service-c", "DiscoveryServiceConfigPatchController"),
    ] {
        let patch = scene.get(kind::CONFIG_PATCH, name).unwrap();
        assert_eq!((patch.owner.as_str(), patch.label(label::SYSTEM_PATCH)), (owner, Some("")), "{name}");
    }
    assert!(scene.get(kind::CLUSTER_MACHINE_ENCRYPTION_KEY, &id(1)).is_some());
    scene.change_versions(|spec| spec.features.as_mut().unwrap().use_embedded_discovery_service = false);
    scene.settle();
    assert_eq!(scene.get(kind::CONFIG_PATCH, "950-discovery-service-c"), None);
    scene.teardown(kind::CLUSTER, "c");
    scene.settle();
    assert_eq!(scene.store.list(kind::CONFIG_PATCH).len(), 0);
}
