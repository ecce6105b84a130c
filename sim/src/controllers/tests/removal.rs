//! Removal of machines, machine sets and clusters.

use super::*;

#[test]
fn scaling_down_frees_machines_and_spares_etcd() {
    let scene = Scene::with_cluster();
    for number in [2, 3, 5] {
        scene.teardown(kind::MACHINE_SET_NODE, &id(number));
    }
    scene.until("the nodes are gone", |scene| scene.get(kind::MACHINE_SET_NODE, &id(2)).is_none());
    // The nodes go before their machines have left.
    assert_eq!(scene.cluster_machines().len(), 5);
    assert_eq!(scene.phase("c-control-planes"), MachineSetPhase::ScalingDown);
    let mut stages = vec![scene.stage(5)];
    while scene.step() {
        let planes: Vec<_> = [2, 3].into_iter().filter(|n| scene.stage(*n) != Stage::Running).collect();
        let leaving = planes.iter().filter(|n| scene.get(kind::CLUSTER_MACHINE, &id(**n)).is_some()).count();
        assert!(leaving <= 1, "both control planes leave at once");
        if stages.last() != Some(&scene.stage(5)) {
            stages.push(scene.stage(5));
        }
    }
    assert_eq!(stages, [Stage::BeforeDestroy, Stage::Destroying, Stage::Unknown]);
    assert_eq!(scene.cluster_machines(), [id(1), id(4)]);
    for number in [2, 3, 5] {
        let machine = scene.machine(number);
        assert_eq!(machine.label(label::AVAILABLE), Some(""));
        assert_eq!(machine.label(label::INSTALLED), None);
        assert_eq!(machine.spec::<MachineStatusSpec>().cluster, "");
        assert!(machine.spec::<MachineStatusSpec>().maintenance);
    }
    assert!(scene.status().ready);
}

#[test]
fn a_machine_can_be_used_again() {
    let scene = Scene::with_cluster();
    scene.teardown(kind::MACHINE_SET_NODE, &id(5));
    scene.settle();
    scene.node("c-workers", label::WORKER, 5);
    scene.settle();
    assert_eq!(scene.stage(5), Stage::Running);
    assert!(scene.status().ready);
}

#[test]
fn destroying_a_cluster_takes_everything_along_in_order() {
    let scene = Scene::with_cluster();
    let patch = ConfigPatchSpec { data: "machine: {}\n".into(), ..Default::default() };
    let of = |extra: &[(&'static str, &'static str)]| {
        let mut labels = vec![(label::CLUSTER, "c")];
        labels.extend_from_slice(extra);
        labels
    };
    scene.create(kind::CONFIG_PATCH, "500-cluster", &of(&[]), &patch);
    scene.create(kind::CONFIG_PATCH, "500-set", &of(&[(label::MACHINE_SET, "c-workers")]), &patch);
    scene.create(kind::CONFIG_PATCH, "500-machine", &[(label::MACHINE, "x")], &patch);
    let extensions = ExtensionsConfigurationSpec { extensions: vec!["gvisor".into()] };
    scene.create(kind::EXTENSIONS_CONFIGURATION, "schematic-c", &of(&[]), &extensions);
    scene.settle();
    scene.teardown(kind::CLUSTER, "c");
    let mut order = vec![];
    let watched = [
        (kind::MACHINE_SET, "c-workers"),
        (kind::MACHINE_SET, "c-control-planes"),
        (kind::CONFIG_PATCH, "500-set"),
        (kind::CONFIG_PATCH, "500-cluster"),
        (kind::EXTENSIONS_CONFIGURATION, "schematic-c"),
        (kind::CLUSTER, "c"),
    ];
    let mut reports = vec![];
    while scene.step() {
        for (kind, id) in watched {
            if scene.get(kind, id).is_none() && !order.contains(&id) {
                order.push(id);
            }
        }
        if let Some(status) = scene.get(kind::CLUSTER_STATUS, "c") {
            assert_eq!(status.spec::<ClusterStatusSpec>().phase(), cluster_status_spec::Phase::Destroying);
        }
        if let Some(status) = scene.get(kind::CLUSTER_DESTROY_STATUS, "c") {
            reports.push(status.spec::<DestroyStatusSpec>().phase);
        }
    }
    let last = order.pop();
    assert_eq!(last, Some("c"));
    assert_eq!(order[..3], ["500-set", "c-workers", "c-control-planes"]);
    assert_eq!(reports[0], "Destroying: 2 machine sets, 5 machines");
    for kind in kinds::ALL.iter() {
        // The ids of the cluster and of its sets; a random token may begin with the same letter.
        let its = |id: &str| id == "c" || id.starts_with("c-");
        let left: Vec<_> = scene.store.list(kind.name).into_iter().filter(|o| its(&o.key.id)).collect();
        assert!(left.is_empty(), "{left:?}");
    }
    assert!(scene.get(kind::CONFIG_PATCH, "500-machine").is_some());
    assert_eq!(scene.cluster_machines(), [""; 0]);
    assert_eq!(scene.store.list(kind::CLUSTER_MACHINE_STATUS).len(), 0);
    assert!((1..=6).all(|number| scene.machine(number).label(label::AVAILABLE).is_some()));
}

#[test]
fn a_patch_that_somebody_holds_stops_the_destruction() {
    let scene = Scene::with_cluster();
    let patch = ConfigPatchSpec { data: "machine: {}\n".into(), ..Default::default() };
    scene.create(kind::CONFIG_PATCH, "500-held", &[(label::CLUSTER, "c")], &patch);
    scene.update(kind::CONFIG_PATCH, "500-held", |object| object.finalizers.push("mine".into()));
    scene.teardown(kind::CLUSTER, "c");
    scene.settle();
    let cluster = scene.get(kind::CLUSTER, "c").unwrap();
    assert!(cluster.finalizers.contains(&"ClusterController".to_owned()));
    scene.store.remove_finalizer(&kinds::key(kind::CONFIG_PATCH, "500-held"), "mine");
    scene.settle();
    assert_eq!(scene.get(kind::CLUSTER, "c"), None);
}

#[test]
fn destroying_a_set_leaves_the_rest() {
    let scene = Scene::with_cluster();
    let patch = ConfigPatchSpec { data: "machine: {}\n".into(), ..Default::default() };
    scene.create(kind::CONFIG_PATCH, "cluster", &[(label::CLUSTER, "c")], &patch);
    let labels = [(label::CLUSTER, "c"), (label::MACHINE_SET, "c-workers")];
    scene.create(kind::CONFIG_PATCH, "set", &labels, &patch);
    let node = id(4);
    let labels = [(label::CLUSTER, "c"), (label::CLUSTER_MACHINE, node.as_str())];
    scene.create(kind::CONFIG_PATCH, "member", &labels, &patch);
    scene.settle();
    scene.teardown(kind::MACHINE_SET, "c-workers");
    scene.settle();
    assert_eq!(scene.get(kind::MACHINE_SET, "c-workers"), None);
    assert_eq!(scene.get(kind::MACHINE_SET_STATUS, "c-workers"), None);
    assert_eq!(scene.get(kind::CONFIG_PATCH, "set"), None);
    assert!(scene.get(kind::CONFIG_PATCH, "cluster").is_some());
    assert!(scene.get(kind::CONFIG_PATCH, "member").is_some());
    assert_eq!(scene.cluster_machines(), [id(1), id(2), id(3)]);
    assert!(scene.status().ready);
}

#[test]
fn a_machine_that_does_not_answer_holds_up_its_removal() {
    for way in ["it returns", "somebody gives up on it", "its link goes"] {
        let scene = Scene::with_cluster();
        world::disconnect_machine(&scene.store, &id(5));
        scene.settle();
        assert_eq!(scene.machine(5).label(label::CONNECTED), None);
        assert_eq!(scene.machine(5).label(label::DISCONNECTED), Some(""));
        let status = scene.status();
        assert_eq!((status.phase(), status.ready, status.available), (RUNNING, false, true));
        assert_eq!(status.machines, Some(Machines { total: 5, healthy: 4, connected: 4, requested: 5 }));

        scene.teardown(kind::MACHINE_SET, "c-workers");
        scene.settle();
        assert_eq!(scene.cluster_machines(), [id(1), id(2), id(3), id(5)], "{way}");
        assert_eq!(scene.stage(5), Stage::BeforeDestroy);
        assert!(scene.get(kind::MACHINE_SET, "c-workers").unwrap().tearing_down);
        match way {
            "it returns" => world::reconnect_machine(&scene.store, &id(5)),
            "its link goes" => scene.teardown(kind::LINK, &id(5)),
            _ => {
                let spec = NodeForceDestroyRequestSpec {};
                scene.create(kind::NODE_FORCE_DESTROY_REQUEST, &id(5), &[(label::CLUSTER, "c")], &spec);
            }
        }
        scene.settle();
        assert_eq!(scene.get(kind::MACHINE_SET, "c-workers"), None, "{way}");
        assert_eq!(scene.cluster_machines(), [id(1), id(2), id(3)], "{way}");
        assert_eq!(scene.get(kind::NODE_FORCE_DESTROY_REQUEST, &id(5)), None, "{way}");
    }
}

#[test]
fn older_servers_leave_nodes_to_the_caller_but_clear_what_a_cluster_takes_along() {
    let scene = Scene::of(Release::V1_6, 6);
    scene.cluster("1.13.6", "1.35.1");
    scene.set("c-control-planes", label::CONTROL_PLANE, &MachineSetSpec::default(), 1..=1);
    scene.set("c-workers", label::WORKER, &MachineSetSpec::default(), 4..=5);
    scene.settle();
    scene.teardown(kind::MACHINE_SET_NODE, &id(5));
    scene.settle();
    let node = scene.get(kind::MACHINE_SET_NODE, &id(5)).unwrap();
    assert!(node.tearing_down && node.finalizers.is_empty());
    assert_eq!(scene.cluster_machines(), [id(1), id(4)], "the machine has left all the same");
    scene.teardown(kind::CLUSTER, "c");
    scene.settle();
    assert_eq!(scene.get(kind::CLUSTER, "c"), None);
    assert_eq!(scene.store.list(kind::MACHINE_SET_NODE).len(), 0);
}

#[test]
fn workers_leave_as_many_at_once_as_their_set_says() {
    for (parallel, at_once) in [(None, 3), (Some(2), 2)] {
        let scene = Scene::new();
        scene.cluster("1.13.5", "1.35.1");
        let mut workers = MachineSetSpec::default();
        if let Some(max_parallelism) = parallel {
            let rolling = Some(RollingUpdateStrategyConfig { max_parallelism });
            workers.set_delete_strategy(UpdateStrategy::Rolling);
            workers.delete_strategy_config = Some(UpdateStrategyConfig { rolling });
        }
        scene.set("c-control-planes", label::CONTROL_PLANE, &MachineSetSpec::default(), 1..=1);
        scene.set("c-workers", label::WORKER, &workers, 2..=5);
        scene.settle();
        (3..=5).for_each(|number| scene.teardown(kind::MACHINE_SET_NODE, &id(number)));
        let mut most = 0;
        while scene.step() {
            let cluster_machines = scene.store.list(kind::CLUSTER_MACHINE);
            most = most.max(cluster_machines.iter().filter(|cluster_machine| cluster_machine.tearing_down).count());
        }
        assert_eq!(most, at_once);
        assert_eq!(scene.cluster_machines(), [id(1), id(2)]);
    }
}
