//! Upgrades of versions and schematics.

use super::*;

#[test]
fn talos_is_upgraded_machine_by_machine_and_control_planes_go_first() {
    let scene = Scene::with_cluster();
    scene.change_versions(|spec| spec.talos_version = "1.13.8".into());
    let upgrade = || scene.spec::<TalosUpgradeStatusSpec>(kind::TALOS_UPGRADE_STATUS, "c");
    let mut order = vec![];
    while scene.step() {
        let busy: Vec<u32> = (1..=5).filter(|n| scene.stage(*n) != Stage::Running).collect();
        assert!(busy.len() <= 1, "{busy:?} at once");
        if let [number] = busy[..]
            && order.last() != Some(&number)
        {
            order.push(number);
            assert_eq!(upgrade().phase(), talos_upgrade_status_spec::Phase::Upgrading);
            assert_eq!(upgrade().current_upgrade_version, "1.13.8");
            assert_eq!(upgrade().last_upgrade_version, "1.13.5");
            assert!(!scene.status().ready);
            assert!(scene.status().available);
        }
    }
    assert_eq!(order, [1, 2, 3, 4, 5]);
    assert!((1..=5).all(|number| scene.talos(number) == "v1.13.8"));
    assert_eq!(upgrade().phase(), talos_upgrade_status_spec::Phase::Done);
    assert_eq!(upgrade().last_upgrade_version, "1.13.8");
    assert_eq!(upgrade().current_upgrade_version, "");
    assert!(scene.status().ready);
}

#[test]
fn a_set_is_upgrading_where_older_servers_called_it_reconfiguring() {
    for (release, phase) in
        [(Release::of_minor(4), MachineSetPhase::Reconfiguring), (Release::V1_5, MachineSetPhase::Upgrading)]
    {
        let scene = Scene::of(release, 2);
        scene.cluster("1.13.5", "1.35.1");
        scene.set("c-control-planes", label::CONTROL_PLANE, &MachineSetSpec::default(), 1..=1);
        scene.settle();
        scene.change_versions(|spec| spec.talos_version = "1.13.8".into());
        let mut seen = vec![];
        while scene.step() {
            let status: MachineSetStatusSpec = scene.spec(kind::MACHINE_SET_STATUS, "c-control-planes");
            seen.extend((seen.last() != Some(&status.phase())).then_some(status.phase()));
        }
        assert!(seen.contains(&phase), "{release}: {seen:?}");
        assert_eq!(seen.contains(&MachineSetPhase::Upgrading), phase == MachineSetPhase::Upgrading, "{release}");
    }
}

#[test]
fn talos_can_go_down_as_far_as_a_release_lets_it() {
    for (release, expected) in [(Release::V1_3, true), (Release::of_minor(4), false)] {
        let scene = Scene::of(release, 2);
        scene.cluster("1.13.5", "1.35.1");
        scene.set("c-control-planes", label::CONTROL_PLANE, &MachineSetSpec::default(), 1..=1);
        scene.settle();
        let upgrade: TalosUpgradeStatusSpec = scene.spec(kind::TALOS_UPGRADE_STATUS, "c");
        let down = upgrade.upgrade_versions.iter().any(|version| version.starts_with("1.12."));
        assert_eq!(down, expected, "{release}: {:?}", upgrade.upgrade_versions);
        assert!(!upgrade.upgrade_versions.iter().any(|version| version.starts_with("1.11.")), "{release}");
    }
}

#[test]
fn an_upgrade_can_be_taken_back_on_the_way() {
    let scene = Scene::with_cluster();
    scene.change_versions(|spec| spec.talos_version = "1.13.8".into());
    scene.until("the first machine is upgraded", |scene| scene.talos(1) == "v1.13.8");
    scene.change_versions(|spec| spec.talos_version = "1.13.5".into());
    scene.step();
    let upgrade = || scene.spec::<TalosUpgradeStatusSpec>(kind::TALOS_UPGRADE_STATUS, "c");
    assert_eq!(upgrade().phase(), talos_upgrade_status_spec::Phase::Reverting);
    scene.settle();
    assert_eq!(upgrade().phase(), talos_upgrade_status_spec::Phase::Done);
    assert!((1..=5).all(|number| scene.talos(number) == "v1.13.5"));
}

#[test]
fn kubernetes_is_upgraded_component_by_component() {
    let scene = Scene::with_cluster();
    scene.change_versions(|spec| spec.kubernetes_version = "1.36.3".into());
    let mut seen = 0;
    let upgrade = || scene.spec::<KubernetesUpgradeStatusSpec>(kind::KUBERNETES_UPGRADE_STATUS, "c");
    while scene.step() {
        let nodes: KubernetesStatusSpec = scene.spec(kind::KUBERNETES_STATUS, "c");
        let old_pods = nodes.static_pods.iter().any(|n| n.static_pods.iter().any(|p| p.version != "1.36.3"));
        let new_kubelets = nodes.nodes.iter().any(|node| node.kubelet_version == "1.36.3");
        assert!(!(old_pods && new_kubelets), "a kubelet before a control plane");
        seen += usize::from(upgrade().phase() == kubernetes_upgrade_status_spec::Phase::Upgrading);
    }
    assert!(seen >= 8, "{seen} steps");
    assert_eq!(upgrade().phase(), kubernetes_upgrade_status_spec::Phase::Done);
    assert_eq!(upgrade().last_upgrade_version, "1.36.3");
    let cluster_machines = scene.store.list(kind::CLUSTER_MACHINE);
    assert!(cluster_machines.iter().all(|m| m.spec::<ClusterMachineSpec>().kubernetes_version == "1.36.3"));
}

#[test]
fn each_set_upgrades_as_many_at_once_as_it_says() {
    let scene = Scene::new();
    scene.cluster("1.13.5", "1.35.1");
    let rolling = RollingUpdateStrategyConfig { max_parallelism: 2 };
    let mut workers = MachineSetSpec {
        upgrade_strategy_config: Some(UpdateStrategyConfig { rolling: Some(rolling) }),
        ..Default::default()
    };
    workers.set_upgrade_strategy(UpdateStrategy::Rolling);
    scene.set("c-control-planes", label::CONTROL_PLANE, &MachineSetSpec::default(), 1..=1);
    scene.set("c-workers", label::WORKER, &workers, 2..=4);
    scene.set("c-others", label::WORKER, &MachineSetSpec::default(), 5..=6);
    scene.settle();
    let quota =
        |set: &str| scene.spec::<UpgradeRolloutSpec>(kind::UPGRADE_ROLLOUT, "c").machine_sets_upgrade_quota[set];
    assert_eq!((quota("c-workers"), quota("c-others")), (2, 1));
    scene.change_versions(|spec| spec.talos_version = "1.13.8".into());
    let busy = |machines: std::ops::RangeInclusive<u32>| machines.filter(|n| scene.stage(*n) != Stage::Running).count();
    let (mut workers, mut others, mut together) = (0, 0, 0);
    while scene.step() {
        assert!(busy(1..=1) == 0 || busy(2..=6) == 0, "workers did not wait for the control plane");
        (workers, others) = (workers.max(busy(2..=4)), others.max(busy(5..=6)));
        together = together.max(busy(2..=6));
    }
    assert_eq!((workers, others, together), (2, 1, 3));
}

#[test]
fn a_machine_that_does_not_answer_is_left_out_of_an_upgrade() {
    let scene = Scene::with_cluster();
    world::disconnect_machine(&scene.store, &id(4));
    scene.settle();
    scene.change_versions(|spec| spec.talos_version = "1.13.8".into());
    scene.settle();
    assert_eq!((scene.talos(4).as_str(), scene.talos(5).as_str()), ("v1.13.5", "v1.13.8"));
    world::reconnect_machine(&scene.store, &id(4));
    scene.settle();
    assert_eq!(scene.talos(4), "v1.13.8");
}

#[test]
fn extensions_make_a_schematic_that_goes_through_the_machines() {
    let scene = Scene::with_cluster();
    let extensions = ExtensionsConfigurationSpec { extensions: vec!["qemu-guest-agent".into()] };
    let labels = [(label::CLUSTER, "c"), (label::MACHINE_SET, "c-workers")];
    scene.create(kind::EXTENSIONS_CONFIGURATION, "schematic-c-workers", &labels, &extensions);
    let phase = || scene.spec::<TalosUpgradeStatusSpec>(kind::TALOS_UPGRADE_STATUS, "c");
    scene
        .until("the change begins", |_| phase().phase() == talos_upgrade_status_spec::Phase::UpdatingMachineSchematics);
    assert_eq!(phase().current_upgrade_version, "");
    let items = || scene.spec::<MachineExtensionsStatusSpec>(kind::MACHINE_EXTENSIONS_STATUS, &id(5)).extensions;
    assert_eq!(items()[0].phase(), machine_extensions_status_spec::item::Phase::Installing);
    while scene.step() {
        assert!((1..=5).filter(|number| scene.stage(*number) != Stage::Running).count() <= 1);
    }
    assert_eq!(phase().phase(), talos_upgrade_status_spec::Phase::Done);
    assert_eq!(items()[0].phase(), machine_extensions_status_spec::item::Phase::Installed);
    let schematic = |number| scene.machine(number).spec::<MachineStatusSpec>().schematic.unwrap();
    assert_eq!(schematic(5).full_id, "ce4c980550dd2ab1b17bbf2b08801c7eb59418eafe8f279833297925d67c7515");
    assert_eq!(schematic(5).extensions, ["siderolabs/qemu-guest-agent"]);
    assert!(schematic(1).extensions.is_empty());
    let chosen = scene.get(kind::MACHINE_EXTENSIONS, &id(5)).unwrap();
    assert_eq!(chosen.label(label::ROOT_CONFIGURATION), Some("schematic-c-workers"));

    // Without the list the machines go back to what they came with.
    scene.teardown(kind::EXTENSIONS_CONFIGURATION, "schematic-c-workers");
    scene.settle();
    assert_eq!(scene.get(kind::MACHINE_EXTENSIONS, &id(5)), None);
    assert!(schematic(5).extensions.is_empty());
    assert!(scene.status().ready);
}

#[test]
fn kernel_arguments_are_rolled_out_like_extensions() {
    let scene = Scene::with_cluster();
    let args = |number| scene.spec::<KernelArgsStatusSpec>(kind::KERNEL_ARGS_STATUS, &id(number));
    let kernel_args = KernelArgsSpec { args: vec!["quiet".into(), "siderolink.api=mine".into()] };
    scene.create(kind::KERNEL_ARGS, &id(4), &[], &kernel_args);
    scene.until("the server has seen it", |_| args(4).args == ["quiet"]);
    assert_eq!(args(4).current_args, [""; 0]);
    scene.settle();
    assert_eq!(args(4).current_args, ["quiet"], "what ties a machine to its server is not for users");
    assert_eq!(args(4).unmet_conditions, [""; 0]);
    assert_eq!(scene.talos(4), "v1.13.5");
    let unused = args(6).unmet_conditions;
    assert_eq!(unused, ["Talos is not installed, kernel args cannot be updated yet"]);
}

#[test]
fn tasks_are_listed_as_long_as_they_last() {
    let scene = Scene::with_cluster();
    let tasks = || scene.store.list(kind::ONGOING_TASK).iter().map(|task| task.key.id.clone()).collect::<Vec<_>>();
    assert_eq!(tasks(), [""; 0]);
    scene.change_versions(|spec| {
        spec.talos_version = "1.13.8".into();
        spec.kubernetes_version = "1.36.3".into();
    });
    scene.until("both are under way", |_| tasks() == ["c-kubernetes-update", "c-talos-update"]);
    let task: OngoingTaskSpec = scene.spec(kind::ONGOING_TASK, "c-talos-update");
    assert_eq!((task.title.as_str(), task.resource_id.as_str()), ("Updating Cluster c", "c"));
    scene.settle();
    assert_eq!(tasks(), [""; 0]);
    scene.teardown(kind::CLUSTER, "c");
    scene.until("the destruction is listed", |_| tasks() == ["c-destroy"]);
    scene.settle();
    assert_eq!(tasks(), [""; 0]);
}

#[test]
fn kubelets_wait_for_machines_that_are_locked_or_silent() {
    let scene = Scene::with_cluster();
    scene.lock_machine(4, true);
    world::disconnect_machine(&scene.store, &id(5));
    scene.settle();
    scene.change_versions(|spec| spec.kubernetes_version = "1.36.3".into());
    scene.settle();
    let kubelets = || {
        let cluster_machines = scene.store.list(kind::CLUSTER_MACHINE);
        let old = cluster_machines.iter().filter(|m| m.spec::<ClusterMachineSpec>().kubernetes_version == "1.35.1");
        old.map(|cluster_machine| cluster_machine.key.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(kubelets(), [id(4), id(5)]);
    world::reconnect_machine(&scene.store, &id(5));
    scene.settle();
    assert_eq!(kubelets(), [id(4)]);
    scene.lock_machine(4, false);
    scene.settle();
    assert_eq!(kubelets(), [""; 0]);
}
