//! Status of machines, and their removal.

use super::*;

#[test]
fn a_link_takes_its_machine_along() {
    let scene = Scene::with_cluster();
    scene.create(kind::MACHINE_LABELS, &id(2), &[("rack", "r9")], &MachineLabelsSpec {});
    scene.settle();
    assert_eq!(scene.machine(2).label("rack"), Some("r9"));
    assert_eq!(scene.machine(1).label("rack"), Some("r1"));
    scene.teardown(kind::LINK, &id(2));
    scene.settle();
    for kind in [
        kind::LINK,
        kind::MACHINE,
        kind::MACHINE_STATUS,
        kind::MACHINE_STATUS_LABELS,
        kind::MACHINE_SET_NODE,
        kind::CLUSTER_MACHINE,
        kind::MACHINE_LABELS,
        kind::KERNEL_ARGS,
    ] {
        assert_eq!(scene.get(kind, &id(2)), None, "{kind}");
    }
    assert!(scene.status().available);
}

#[test]
fn everything_derived_of_a_machine_comes_and_goes_with_it() {
    let scene = Scene::with_cluster();
    let derived = [
        kind::MACHINE_STATUS_LABELS,
        kind::MACHINE_STATUS_LINK,
        kind::MACHINE_STATUS_SNAPSHOT,
        kind::MACHINE_UPGRADE_STATUS,
        kind::MACHINE_CONFIG_GEN_OPTIONS,
        kind::MACHINE_INSTALL_DISK_STATUS,
        kind::MACHINE_EXTENSIONS_STATUS,
        kind::KERNEL_ARGS_STATUS,
        kind::SCHEMATIC_CONFIGURATION,
    ];
    let of_members = [
        kind::CLUSTER_MACHINE_STATUS,
        kind::CLUSTER_MACHINE_IDENTITY,
        kind::CLUSTER_MACHINE_CONFIG,
        kind::CLUSTER_MACHINE_CONFIG_STATUS,
        kind::CLUSTER_MACHINE_CONFIG_PATCHES,
        kind::CLUSTER_MACHINE_TALOS_VERSION,
        kind::REDACTED_CLUSTER_MACHINE_CONFIG,
    ];
    for kind in derived {
        assert_eq!(scene.store.list(kind).len(), 6, "{kind}");
    }
    for kind in of_members {
        let found = scene.store.list(kind);
        assert_eq!(found.len(), 5, "{kind}");
        assert!(found.iter().all(|object| object.label(label::CLUSTER) == Some("c")), "{kind}");
    }
    scene.teardown(kind::LINK, &id(5));
    scene.settle();
    for kind in derived.into_iter().chain(of_members) {
        assert_eq!(scene.get(kind, &id(5)), None, "{kind}");
    }
}

#[test]
fn a_machine_is_one_object_to_those_who_count() {
    let scene = Scene::with_cluster();
    let link: MachineStatusLinkSpec = scene.spec(kind::MACHINE_STATUS_LINK, &id(1));
    assert_eq!(link.message_status.map(|status| status.cluster).as_deref(), Some("c"));
    let counts: MachineStatusMetricsSpec = scene.spec(kind::MACHINE_STATUS_METRICS, "metrics");
    assert_eq!((counts.registered_machines_count, counts.allocated_machines_count), (6, 5));
    assert_eq!(counts.platforms["metal"], 6);
    world::disconnect_machine(&scene.store, &id(6));
    scene.settle();
    let counts: MachineStatusMetricsSpec = scene.spec(kind::MACHINE_STATUS_METRICS, "metrics");
    assert_eq!(counts.connected_machines_count, 5);
}

#[test]
fn the_disk_to_install_on_is_the_wanted_or_the_smallest_one() {
    let scene = Scene::of(Release::NEWEST, 4);
    let disk = |number| scene.spec::<MachineInstallDiskStatusSpec>(kind::MACHINE_INSTALL_DISK_STATUS, &id(number)).disk;
    assert_eq!((disk(3).as_str(), disk(4).as_str()), ("/dev/nvme0n1", "/dev/sda"));
    let config = MachineInstallDiskConfigSpec { disk: "/dev/sdb".into(), ..Default::default() };
    scene.create(kind::MACHINE_INSTALL_DISK_CONFIG, &id(4), &[], &config);
    scene.settle();
    assert_eq!(disk(4), "/dev/sdb");
    let older = Scene::of(Release::V1_6, 4);
    assert_eq!(older.get(kind::MACHINE_INSTALL_DISK_STATUS, &id(4)), None);
}

#[test]
fn talos_goes_on_the_disk_that_was_chosen() {
    let system = |scene: &Scene| {
        let hardware = scene.spec::<MachineStatusSpec>(kind::MACHINE_STATUS, &id(4)).hardware.unwrap();
        hardware.blockdevices.into_iter().find(|disk| disk.system_disk).map(|disk| disk.dev_path)
    };
    let patch = ConfigPatchSpec { data: "machine: {install: {disk: /dev/sdb}}".into(), ..Default::default() };
    let with_cluster = |release: Release, disk: Option<&str>| {
        let scene = Scene::of(release, 4);
        if let Some(disk) = disk {
            let config = MachineInstallDiskConfigSpec { disk: disk.into(), ..Default::default() };
            scene.create(kind::MACHINE_INSTALL_DISK_CONFIG, &id(4), &[], &config);
        }
        scene.cluster("1.13.8", "1.35.1");
        if !release.has_kind(kind::MACHINE_INSTALL_DISK_CONFIG) {
            scene.create(kind::CONFIG_PATCH, "500-c", &[(label::CLUSTER, "c")], &patch);
        }
        scene.set("c-control-planes", label::CONTROL_PLANE, &MachineSetSpec::default(), 4..=4);
        scene.settle();
        scene
    };
    for (release, disk, expected) in [
        (Release::NEWEST, None, "/dev/sda"),
        (Release::NEWEST, Some("/dev/sdb"), "/dev/sdb"),
        // Before there were objects for it, patches chose.
        (Release::V1_10, None, "/dev/sdb"),
    ] {
        let scene = with_cluster(release, disk);
        assert_eq!(system(&scene).as_deref(), Some(expected), "{release} {disk:?}");
        let text = scene.spec::<RedactedClusterMachineConfigSpec>(kind::REDACTED_CLUSTER_MACHINE_CONFIG, &id(4)).data;
        assert!(text.contains(&format!("disk: {expected}\n")), "{text}");
    }
    let scene = with_cluster(Release::NEWEST, Some("/dev/sdx"));
    assert_eq!((system(&scene), scene.stage(4)), (None, Stage::Unknown), "it waits for a disk that is there");
    scene.update(kind::MACHINE_INSTALL_DISK_CONFIG, &id(4), |config| {
        config.spec = MachineInstallDiskConfigSpec { disk: "/dev/sda".into(), ..Default::default() }.encode_to_vec();
    });
    scene.settle();
    assert_eq!((system(&scene).as_deref(), scene.stage(4)), (Some("/dev/sda"), Stage::Running));
}

#[test]
fn kernel_arguments_that_a_user_removed_are_not_made_again() {
    let scene = Scene::new();
    assert!(scene.get(kind::KERNEL_ARGS, &id(2)).is_some(), "this machine came with its own");
    scene.teardown(kind::KERNEL_ARGS, &id(2));
    scene.settle();
    assert_eq!(scene.get(kind::KERNEL_ARGS, &id(2)), None);
}

#[test]
fn machines_that_run_what_is_no_longer_supported_are_pointed_out() {
    let scene = Scene::new();
    let notices = || scene.store.list(kind::NOTIFICATION).iter().map(|n| n.key.id.clone()).collect::<Vec<_>>();
    assert_eq!(notices(), [""; 0]);
    let run = |number, version: &str| {
        scene.store.modify(&kinds::key(kind::MACHINE_STATUS, id(number)), |machine| {
            let status = MachineStatusSpec { talos_version: version.into(), ..machine.spec() };
            machine.spec = status.encode_to_vec();
        });
        scene.settle();
    };
    run(1, "v1.8.4");
    assert_eq!(notices(), ["talos-version-end-of-support"]);
    run(2, "v1.10.9");
    assert_eq!(notices(), ["approaching-talos-version-end-of-support", "talos-version-end-of-support"]);
    run(1, "v1.13.8");
    run(2, "v1.13.8");
    assert_eq!(notices(), [""; 0]);
    for (release, expected) in [(Release::V1_7, 0), (Release::V1_8, 1)] {
        let scene = Scene::of(release, 1);
        scene.store.modify(&kinds::key(kind::MACHINE_STATUS, id(1)), |machine| {
            let status = MachineStatusSpec { talos_version: "v1.8.4".into(), ..machine.spec() };
            machine.spec = status.encode_to_vec();
        });
        scene.settle();
        assert_eq!(scene.store.list(kind::NOTIFICATION).len(), expected, "{release}");
    }
}
