//! Allocation of machines by machine class.

use super::*;

#[test]
fn a_class_fills_a_set_and_gives_back() {
    let scene = Scene::new();
    let class = MachineClassSpec {
        match_labels: vec!["omni.sidero.dev/cores >= 16, omni.sidero.dev/arch = amd64".into(), "rack = r2".into()],
        ..Default::default()
    };
    scene.create(kind::MACHINE_CLASS, "big", &[], &class);
    scene.cluster("1.13.5", "1.35.1");
    let by_class = |count: u32, of: Type| MachineSetSpec {
        machine_allocation: Some(MachineAllocation {
            name: "big".into(),
            machine_count: count,
            allocation_type: of.into(),
        }),
        ..Default::default()
    };
    scene.set("c-control-planes", label::CONTROL_PLANE, &MachineSetSpec::default(), 1..=1);
    scene.create(
        kind::MACHINE_SET,
        "c-workers",
        &[(label::CLUSTER, "c"), (label::WORKER, "")],
        &by_class(2, Type::Static),
    );
    scene.settle();
    assert_eq!(scene.cluster_machines(), [id(1), id(3), id(4)]);
    let node = scene.get(kind::MACHINE_SET_NODE, &id(3)).unwrap();
    assert_eq!((node.owner.as_str(), node.label(label::MANAGED_BY_ALLOCATION)), ("", Some("")));
    assert!(node.finalizers.contains(&"MachineSetNodeController".to_owned()));
    assert!(scene.get(kind::MACHINE_SET, "c-workers").unwrap().finalizers.contains(&"MachineSetNodeController".into()));
    assert!(scene.status().ready);

    // Every machine that matches: the fourth, fifth and sixth stand in the second rack.
    scene.update(kind::MACHINE_SET, "c-workers", |set| set.spec = by_class(0, Type::Unlimited).encode_to_vec());
    scene.settle();
    assert_eq!(scene.cluster_machines(), [id(1), id(3), id(4), id(5), id(6)]);

    // The machine that does not answer is given back first.
    world::disconnect_machine(&scene.store, &id(6));
    scene.settle();
    scene.update(kind::MACHINE_SET, "c-workers", |set| set.spec = by_class(3, Type::Static).encode_to_vec());
    scene.settle();
    assert_eq!(scene.get(kind::MACHINE_SET_NODE, &id(6)), None);
    assert_eq!(scene.phase("c-workers"), MachineSetPhase::ScalingDown);
    world::reconnect_machine(&scene.store, &id(6));
    scene.settle();
    assert_eq!(scene.cluster_machines(), [id(1), id(3), id(4), id(5)]);

    scene.teardown(kind::CLUSTER, "c");
    scene.settle();
    assert_eq!(scene.cluster_machines(), [""; 0]);
    assert_eq!(scene.store.list(kind::MACHINE_SET_NODE).len(), 0);
}
