//! Scenarios, step by step on a store, as a client sees them. This file has the test context.

mod allocation;
mod bring_up;
mod census;
mod configuration;
mod instance;
mod kubernetes;
mod locks;
mod machines;
mod removal;
mod upgrades;

use super::*;
use crate::Release;
use crate::driver::Driver;
use crate::inventory::id;
use crate::kinds;
use crate::names::{annotation, kind, label};
use crate::object::{Object, Reader};
use crate::rules::{self, Change};
use crate::store::Store;
use crate::world;
use kit::clock::TestClock;
use omni_proto::specs::cluster_machine_status_spec::Stage;
use omni_proto::specs::machine_set_spec::{
    MachineAllocation, RollingUpdateStrategyConfig, UpdateStrategy, UpdateStrategyConfig, machine_allocation::Type,
};
use omni_proto::specs::*;
use prost::Message;
use std::sync::Arc;

struct Scene {
    store: Store,
    driver: Driver,
}

impl Scene {
    fn new() -> Self {
        Self::of(Release::NEWEST, 6)
    }

    /// A fresh server of this release, with so many machines.
    fn of(release: Release, machines: usize) -> Self {
        let store = Store::new(Arc::new(TestClock::at(1_790_000_000)));
        world::seed(&store, machines, release);
        let scene = Self { driver: Driver::new(store.clone(), all(), release), store };
        scene.settle();
        scene
    }

    /// Three control planes and two workers, up and running.
    fn with_cluster() -> Self {
        let scene = Self::new();
        scene.cluster("1.13.5", "1.35.1");
        scene.set("c-control-planes", label::CONTROL_PLANE, &MachineSetSpec::default(), 1..=3);
        scene.set("c-workers", label::WORKER, &MachineSetSpec::default(), 4..=5);
        scene.settle();
        scene
    }

    fn step(&self) -> bool {
        self.driver.step()
    }

    fn settle(&self) -> usize {
        self.driver.settle().unwrap()
    }

    /// Steps until the condition holds; fails when everything comes to rest before.
    fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        while !condition(self) {
            assert!(self.step(), "came to rest before {what}");
        }
    }

    fn get(&self, kind: &str, id: &str) -> Option<Arc<Object>> {
        self.store.get(&kinds::key(kind, id))
    }

    fn spec<M: Message + Default>(&self, kind: &str, id: &str) -> M {
        self.get(kind, id).unwrap_or_else(|| panic!("no {kind} {id}")).spec()
    }

    /// Creates as a user would: only what the rules let pass.
    fn create(&self, kind: &str, id: &str, labels: &[(&str, &str)], spec: &impl Message) {
        let object = Object {
            labels: labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            ..Object::new(kinds::key(kind, id), spec.encode_to_vec())
        };
        assert_eq!(rules::problems(&self.store.view(), Change::Create(&object)), [""; 0]);
        self.store.create(object, "").unwrap();
    }

    /// Updates as a user would.
    fn update(&self, kind: &str, id: &str, edit: impl FnOnce(&mut Object)) {
        let old = self.get(kind, id).unwrap();
        let mut new = Object::clone(&old);
        edit(&mut new);
        assert_eq!(rules::problems(&self.store.view(), Change::Update(&old, &new)), [""; 0]);
        self.store.update(new, "", Some(false)).unwrap();
    }

    /// Tears down as a user would.
    fn teardown(&self, kind: &str, id: &str) {
        let old = self.get(kind, id).unwrap();
        assert_eq!(rules::problems(&self.store.view(), Change::Destroy(&old)), [""; 0]);
        self.store.begin_teardown(&old.key, "").unwrap();
    }

    fn cluster(&self, talos: &str, kubernetes: &str) {
        let spec =
            ClusterSpec { talos_version: talos.into(), kubernetes_version: kubernetes.into(), ..Default::default() };
        self.create(kind::CLUSTER, "c", &[("team", "a"), ("omni.sidero.dev/x", "")], &spec);
    }

    fn set(&self, set: &str, role: &str, spec: &MachineSetSpec, machines: std::ops::RangeInclusive<u32>) {
        self.create(kind::MACHINE_SET, set, &[(label::CLUSTER, "c"), (role, "")], spec);
        for number in machines {
            self.node(set, role, number);
        }
    }

    fn node(&self, set: &str, role: &str, number: u32) {
        let labels = [(label::CLUSTER, "c"), (label::MACHINE_SET, set), (role, "")];
        self.create(kind::MACHINE_SET_NODE, &id(number), &labels, &MachineSetNodeSpec::default());
    }

    fn change_versions(&self, edit: impl FnOnce(&mut ClusterSpec)) {
        self.update(kind::CLUSTER, "c", |object| {
            let mut spec: ClusterSpec = object.spec();
            edit(&mut spec);
            object.spec = spec.encode_to_vec();
        });
    }

    fn lock_machine(&self, number: u32, locked: bool) {
        self.update(kind::MACHINE_SET_NODE, &id(number), |object| {
            object.annotations.retain(|key, _| key != annotation::MACHINE_LOCKED);
            if locked {
                object.annotations.insert(annotation::MACHINE_LOCKED.into(), String::new());
            }
        });
    }

    fn status(&self) -> ClusterStatusSpec {
        self.spec(kind::CLUSTER_STATUS, "c")
    }

    fn phase(&self, set: &str) -> MachineSetPhase {
        self.spec::<MachineSetStatusSpec>(kind::MACHINE_SET_STATUS, set).phase()
    }

    fn stage(&self, number: u32) -> Stage {
        let status = self.get(kind::CLUSTER_MACHINE_STATUS, &id(number));
        status.map_or(Stage::Unknown, |status| status.spec::<ClusterMachineStatusSpec>().stage())
    }

    fn machine(&self, number: u32) -> Arc<Object> {
        self.get(kind::MACHINE_STATUS, &id(number)).unwrap()
    }

    fn talos(&self, number: u32) -> String {
        self.machine(number).spec::<MachineStatusSpec>().talos_version
    }

    fn cluster_machines(&self) -> Vec<String> {
        self.store.list(kind::CLUSTER_MACHINE).iter().map(|cluster_machine| cluster_machine.key.id.clone()).collect()
    }
}

const RUNNING: cluster_status_spec::Phase = cluster_status_spec::Phase::Running;
