//! What locks prevent, and what they allow.

use super::*;

#[test]
fn a_locked_machine_keeps_what_it_has() {
    let scene = Scene::with_cluster();
    scene.lock_machine(4, true);
    scene.change_versions(|spec| spec.talos_version = "1.13.8".into());
    scene.settle();
    assert_eq!((scene.talos(4).as_str(), scene.talos(5).as_str()), ("v1.13.5", "v1.13.8"));
    let upgrade: TalosUpgradeStatusSpec = scene.spec(kind::TALOS_UPGRADE_STATUS, "c");
    assert_eq!(upgrade.phase(), talos_upgrade_status_spec::Phase::Upgrading);
    let cluster_machine = scene.get(kind::CLUSTER_MACHINE_STATUS, &id(4)).unwrap();
    assert_eq!(cluster_machine.label(label::LOCKED_UPDATE), Some(""));
    assert_eq!(scene.spec::<MachineSetStatusSpec>(kind::MACHINE_SET_STATUS, "c-workers").locked_updates, 1);
    scene.lock_machine(4, false);
    scene.settle();
    assert_eq!(scene.talos(4), "v1.13.8");
    assert_eq!(scene.spec::<MachineSetStatusSpec>(kind::MACHINE_SET_STATUS, "c-workers").locked_updates, 0);
}

#[test]
fn a_locked_cluster_stands_still() {
    let scene = Scene::with_cluster();
    let lock = |locked: bool| {
        scene.update(kind::CLUSTER, "c", |object| {
            object.annotations.retain(|key, _| key != annotation::CLUSTER_LOCKED);
            if locked {
                object.annotations.insert(annotation::CLUSTER_LOCKED.into(), String::new());
            }
        });
    };
    lock(true);
    let patch = ConfigPatchSpec { data: "machine: {}\n".into(), ..Default::default() };
    scene.create(kind::CONFIG_PATCH, "500-late", &[(label::CLUSTER, "c")], &patch);
    scene.settle();
    let status = scene.get(kind::CLUSTER_STATUS, "c").unwrap();
    assert!(status.annotations.contains_key(annotation::CLUSTER_LOCKED));
    let cluster_machine: ClusterMachineStatusSpec = scene.spec(kind::CLUSTER_MACHINE_STATUS, &id(4));
    assert!(!cluster_machine.config_up_to_date);
    lock(false);
    scene.settle();
    let cluster_machine: ClusterMachineStatusSpec = scene.spec(kind::CLUSTER_MACHINE_STATUS, &id(4));
    assert!(cluster_machine.config_up_to_date);
    assert!(!scene.get(kind::CLUSTER_STATUS, "c").unwrap().annotations.contains_key(annotation::CLUSTER_LOCKED));
}

#[test]
fn a_cluster_that_is_taken_over_moves_on_in_spite_of_its_lock() {
    let scene = Scene::with_cluster();
    let mark = |annotations: &[&str]| {
        scene.update(kind::CLUSTER, "c", |object| {
            object.annotations = annotations.iter().map(|key| ((*key).to_owned(), String::new())).collect();
        });
    };
    mark(&[annotation::CLUSTER_LOCKED]);
    let args = KernelArgsSpec { args: vec!["quiet".into()] };
    scene.create(kind::KERNEL_ARGS, &id(1), &[], &args);
    scene.settle();
    let upgrade = || scene.spec::<TalosUpgradeStatusSpec>(kind::TALOS_UPGRADE_STATUS, "c").phase();
    assert_eq!(upgrade(), talos_upgrade_status_spec::Phase::UpdatingMachineSchematics);
    let may = || scene.spec::<MachineSetConfigStatusSpec>(kind::MACHINE_SET_CONFIG_STATUS, "c-workers");
    assert!(!may().config_updates_allowed);
    mark(&[annotation::CLUSTER_LOCKED, annotation::CLUSTER_IMPORT_IN_PROGRESS]);
    scene.settle();
    assert_eq!(upgrade(), talos_upgrade_status_spec::Phase::Done);
    assert!(may().config_updates_allowed);
}

#[test]
fn a_locked_machine_still_gets_its_first_configuration() {
    let scene = Scene::new();
    scene.cluster("1.13.5", "1.35.1");
    scene.set("c-control-planes", label::CONTROL_PLANE, &MachineSetSpec::default(), 1..=1);
    scene.set("c-workers", label::WORKER, &MachineSetSpec::default(), 4..=4);
    scene.lock_machine(4, true);
    scene.settle();
    assert_eq!(scene.stage(4), Stage::Running);
    assert_eq!(scene.get(kind::CLUSTER_MACHINE_STATUS, &id(4)).unwrap().label(label::LOCKED_UPDATE), None);
}
