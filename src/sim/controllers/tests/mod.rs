//! Whole stories, step by step over a store: what a client would see.

mod census;

use super::*;
use crate::kit::clock::TestClock;
use crate::pb::specs::cluster_machine_status_spec::Stage;
use crate::pb::specs::machine_set_spec::{
    MachineAllocation, RollingUpdateStrategyConfig, UpdateStrategy, UpdateStrategyConfig, machine_allocation::Type,
};
use crate::pb::specs::*;
use crate::sim::Release;
use crate::sim::driver::Driver;
use crate::sim::inventory::id;
use crate::sim::kinds;
use crate::sim::names::{annotation, kind, label};
use crate::sim::object::{Object, View};
use crate::sim::rules::{self, Change};
use crate::sim::store::Store;
use crate::sim::world;
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
            key: kinds::key(kind, id),
            version: 0,
            owner: String::new(),
            tearing_down: false,
            finalizers: Vec::new(),
            labels: labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            annotations: Default::default(),
            created: (0, 0),
            updated: (0, 0),
            spec: spec.encode_to_vec(),
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

    fn members(&self) -> Vec<String> {
        self.store.list(kind::CLUSTER_MACHINE).iter().map(|member| member.key.id.clone()).collect()
    }
}

const RUNNING: cluster_status_spec::Phase = cluster_status_spec::Phase::Running;

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
    assert_eq!(balancer.bind_port, "10001");
    assert_eq!(balancer.siderolink_endpoint, "https://[fdae:41e4:649b:9303::1]:10001");
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
    assert_eq!(scene.members(), [""; 0]);
    assert_eq!(scene.phase("c-workers"), MachineSetPhase::ScalingUp);
    // The machine joins later.
    world::add_machine(&scene.store, 50);
    scene.settle();
    assert_eq!(scene.members(), [id(50)]);
}

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
    let members = scene.store.list(kind::CLUSTER_MACHINE);
    assert!(members.iter().all(|m| m.spec::<ClusterMachineSpec>().kubernetes_version == "1.36.3"));
}

#[test]
fn scaling_down_frees_machines_and_spares_etcd() {
    let scene = Scene::with_cluster();
    for number in [2, 3, 5] {
        scene.teardown(kind::MACHINE_SET_NODE, &id(number));
    }
    scene.until("the nodes are gone", |scene| scene.get(kind::MACHINE_SET_NODE, &id(2)).is_none());
    // The nodes go before their machines have left.
    assert_eq!(scene.members().len(), 5);
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
    assert_eq!(scene.members(), [id(1), id(4)]);
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
    for kind in kinds::ALL {
        // The ids of the cluster and of its sets; a random token may begin with the same letter.
        let its = |id: &str| id == "c" || id.starts_with("c-");
        let left: Vec<_> = scene.store.list(kind.name).into_iter().filter(|o| its(&o.key.id)).collect();
        assert!(left.is_empty(), "{left:?}");
    }
    assert!(scene.get(kind::CONFIG_PATCH, "500-machine").is_some());
    assert_eq!(scene.members(), [""; 0]);
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
    assert_eq!(scene.members(), [id(1), id(2), id(3)]);
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
        assert_eq!(scene.members(), [id(1), id(2), id(3), id(5)], "{way}");
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
        assert_eq!(scene.members(), [id(1), id(2), id(3)], "{way}");
        assert_eq!(scene.get(kind::NODE_FORCE_DESTROY_REQUEST, &id(5)), None, "{way}");
    }
}

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
fn a_locked_machine_keeps_what_it_has() {
    let scene = Scene::with_cluster();
    scene.lock_machine(4, true);
    scene.change_versions(|spec| spec.talos_version = "1.13.8".into());
    scene.settle();
    assert_eq!((scene.talos(4).as_str(), scene.talos(5).as_str()), ("v1.13.5", "v1.13.8"));
    let upgrade: TalosUpgradeStatusSpec = scene.spec(kind::TALOS_UPGRADE_STATUS, "c");
    assert_eq!(upgrade.phase(), talos_upgrade_status_spec::Phase::Upgrading);
    let member = scene.get(kind::CLUSTER_MACHINE_STATUS, &id(4)).unwrap();
    assert_eq!(member.label(label::LOCKED_UPDATE), Some(""));
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
    let member: ClusterMachineStatusSpec = scene.spec(kind::CLUSTER_MACHINE_STATUS, &id(4));
    assert!(!member.config_up_to_date);
    lock(false);
    scene.settle();
    let member: ClusterMachineStatusSpec = scene.spec(kind::CLUSTER_MACHINE_STATUS, &id(4));
    assert!(member.config_up_to_date);
    assert!(!scene.get(kind::CLUSTER_STATUS, "c").unwrap().annotations.contains_key(annotation::CLUSTER_LOCKED));
}

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
    assert_eq!(scene.members(), [id(1), id(3), id(4)]);
    let node = scene.get(kind::MACHINE_SET_NODE, &id(3)).unwrap();
    assert_eq!((node.owner.as_str(), node.label(label::MANAGED_BY_ALLOCATION)), ("", Some("")));
    assert!(node.finalizers.contains(&"MachineSetNodeController".to_owned()));
    assert!(scene.get(kind::MACHINE_SET, "c-workers").unwrap().finalizers.contains(&"MachineSetNodeController".into()));
    assert!(scene.status().ready);

    // Every machine that matches: the fourth, fifth and sixth stand in the second rack.
    scene.update(kind::MACHINE_SET, "c-workers", |set| set.spec = by_class(0, Type::Unlimited).encode_to_vec());
    scene.settle();
    assert_eq!(scene.members(), [id(1), id(3), id(4), id(5), id(6)]);

    // The machine that does not answer is given back first.
    world::disconnect_machine(&scene.store, &id(6));
    scene.settle();
    scene.update(kind::MACHINE_SET, "c-workers", |set| set.spec = by_class(3, Type::Static).encode_to_vec());
    scene.settle();
    assert_eq!(scene.get(kind::MACHINE_SET_NODE, &id(6)), None);
    assert_eq!(scene.phase("c-workers"), MachineSetPhase::ScalingDown);
    world::reconnect_machine(&scene.store, &id(6));
    scene.settle();
    assert_eq!(scene.members(), [id(1), id(3), id(4), id(5)]);

    scene.teardown(kind::CLUSTER, "c");
    scene.settle();
    assert_eq!(scene.members(), [""; 0]);
    assert_eq!(scene.store.list(kind::MACHINE_SET_NODE).len(), 0);
}

#[test]
fn tokens_have_a_status() {
    let scene = Scene::new();
    let token = scene.store.list(kind::JOIN_TOKEN)[0].clone();
    assert_eq!(token.finalizers, ["JoinTokenStatusController"]);
    let status = scene.get(kind::JOIN_TOKEN_STATUS, &token.key.id).unwrap();
    assert_eq!(status.label(label::ACTIVE_JOIN_TOKEN), Some(""));
    let spec: JoinTokenStatusSpec = status.spec();
    assert_eq!((spec.state(), spec.is_default), (join_token_status_spec::State::Active, true));
    assert_eq!(spec.name, "initial token");
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
