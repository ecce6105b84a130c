//! Scenarios of infrastructure providers, rotations, backups and machines that are removed.

use super::*;
use crate::driver::Driver;
use crate::names::{annotation, kind, label};
use crate::object::Object;
use crate::store::Store;
use crate::{Release, accounts, inventory, kinds, world, worlds};
use kit::clock::TestClock;
use omni_proto::specs::cluster_machine_request_status_spec::Stage as RequestStage;
use omni_proto::specs::etcd_backup_status_spec::Status as BackupStatus;
use omni_proto::specs::infra_machine_config_spec::{AcceptanceStatus, MachinePowerState};
use omni_proto::specs::node_unique_token_status_spec::State as TokenState;
use omni_proto::specs::secret_rotation_spec::{Component, Phase};
use omni_proto::specs::*;
use prost::Message;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const NOW: u64 = 1_790_000_000;

struct Scene {
    clock: Arc<TestClock>,
    store: Store,
    driver: Driver,
}

impl Scene {
    fn of(text: &str) -> Self {
        let clock = Arc::new(TestClock::at(NOW));
        let store = Store::new(clock.clone());
        world::seed(&store, 0, Release::NEWEST);
        worlds::populate(&store, &text.parse().unwrap()).unwrap();
        let scene = Self { clock, driver: Driver::new(store.clone(), all(), Release::NEWEST), store };
        scene.settle();
        scene
    }

    /// One control plane, two workers, one of them locked, and a store for backups.
    fn with_cluster(more: &str) -> Self {
        Self::of(&format!(
            "instance: {{backup_store: local}}\nmachines: [{{hostname: w, count: 1}}, {{hostname: x}}, {{hostname: y}}]\n\
             clusters:\n  - name: c\n    talos: 1.13.5\n    kubernetes: 1.35.1\n    control_planes: {{machines: [w]}}\n    \
             workers: [{{machines: [x, y], locked: [y]}}]\n{more}"
        ))
    }

    fn settle(&self) {
        self.driver.settle().unwrap();
    }

    fn get(&self, kind: &str, id: &str) -> Option<Arc<Object>> {
        self.store.get(&kinds::key(kind, id))
    }

    fn spec<M: Message + Default>(&self, kind: &str, id: &str) -> M {
        self.get(kind, id).unwrap_or_else(|| panic!("no {kind} {id}")).spec()
    }

    fn ids(&self, kind: &str) -> Vec<String> {
        self.store.list(kind).iter().map(|object| object.key.id.clone()).collect()
    }

    fn write(&self, kind: &str, id: &str, spec: &impl Message) {
        self.store.put("", &kinds::key(kind, id), |object| object.spec = spec.encode_to_vec());
    }

    fn teardown(&self, kind: &str, id: &str) {
        self.store.teardown(&kinds::key(kind, id)).unwrap();
    }

    fn size_set(&self, set: &str, count: u32) {
        self.store.modify(&kinds::key(kind::MACHINE_SET, set), |object| {
            let mut spec: MachineSetSpec = object.spec();
            spec.machine_allocation.as_mut().unwrap().machine_count = count;
            object.spec = spec.encode_to_vec();
        });
    }

    fn rotation(&self) -> ClusterSecretsRotationStatusSpec {
        self.get(kind::CLUSTER_SECRETS_ROTATION_STATUS, "c").map(|status| status.spec()).unwrap_or_default()
    }

    fn backups(&self) -> usize {
        self.store.list(kind::ETCD_BACKUP).len()
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.settle();
    }
}

const PROVISIONED: &str = "\
providers: [{name: vms, capacity: 4}]
machines: [{hostname: cp}]
machine_classes: [{name: vm, provider: vms, provider_data: '{cores: 2, memory: 4096, disk_size: 20, architecture: arm64}'}]
clusters:
  - name: c
    talos: 1.13.5
    kubernetes: 1.35.1
    control_planes: {machines: [cp]}
    workers: [{class: vm, size: 2}]
";

#[test]
fn a_class_of_a_provider_gets_machines_and_gives_them_back() {
    let scene = Scene::of(PROVISIONED);
    let made: Vec<_> = scene.store.list(kind::MACHINE_REQUEST_STATUS);
    assert_eq!(made.len(), 2);
    for status in &made {
        let id = status.spec::<MachineRequestStatusSpec>().id;
        let machine = scene.get(kind::MACHINE_STATUS, &id).unwrap();
        let labels =
            [label::CORES, label::MEM, label::STORAGE, label::ARCH, label::MACHINE_REQUEST_SET, label::CLUSTER];
        let found = labels.map(|key| machine.label(key).unwrap_or_default());
        assert_eq!(found, ["2", "4GiB", "20GB", "arm64", "c-workers", "c"]);
        assert_eq!(machine.label(label::MACHINE_REQUEST), Some(status.key.id.as_str()));
        assert!(scene.get(kind::MACHINE_SET_NODE, &id).is_some());
        let told: ClusterMachineRequestStatusSpec = scene.spec(kind::CLUSTER_MACHINE_REQUEST_STATUS, &status.key.id);
        assert_eq!((told.stage(), told.machine_uuid), (RequestStage::Provisioned, id));
    }
    let set = scene.get(kind::MACHINE_REQUEST_SET, "c-workers").unwrap();
    assert_eq!(set.owner, "MachineProvisionController");
    assert_eq!(set.finalizers, ["MachineRequestSetStatusController"]);

    scene.size_set("c-workers", 1);
    scene.settle();
    assert_eq!(scene.store.list(kind::MACHINE_REQUEST).len(), 1);
    assert_eq!(scene.store.list(kind::LINK).len(), 2, "the machine that was made is gone, the other ones stay");

    scene.teardown(kind::CLUSTER, "c");
    scene.settle();
    for kind in [
        kind::CLUSTER,
        kind::MACHINE_SET,
        kind::MACHINE_REQUEST_SET,
        kind::MACHINE_REQUEST_SET_STATUS,
        kind::MACHINE_REQUEST,
        kind::MACHINE_REQUEST_STATUS,
        kind::CLUSTER_MACHINE_REQUEST_STATUS,
    ] {
        assert_eq!(scene.ids(kind), [""; 0], "{kind}");
    }
    assert_eq!(scene.ids(kind::LINK), [inventory::id(1)]);
}

#[test]
fn requests_fail_as_the_world_and_the_class_say() {
    for (from, to, expected) in [
        ("capacity: 4", "capacity: 1", "no room for more than 1 machines"),
        ("capacity: 4", "fails: out of money", "out of money"),
        ("cores: 2", "fail: no such size", "no such size"),
    ] {
        let scene = Scene::of(&PROVISIONED.replace(from, to));
        let failed: BTreeSet<String> = scene
            .store
            .list(kind::CLUSTER_MACHINE_REQUEST_STATUS)
            .iter()
            .map(|status| status.spec::<ClusterMachineRequestStatusSpec>())
            .filter(|status| status.stage() == RequestStage::Failed)
            .map(|status| status.error)
            .collect();
        assert_eq!(failed.into_iter().collect::<Vec<_>>(), [expected]);
    }
    let scene = Scene::of(&PROVISIONED.replace("capacity: 4", "connected: true"));
    scene.size_set("c-workers", 6);
    scene.settle();
    assert_eq!(scene.store.list(kind::CLUSTER_MACHINE).len(), 7);
}

#[test]
fn a_provider_is_heard_of_and_leaves_nothing_behind() {
    let scene = Scene::of(
        "providers: [{name: metal, static: true, title: Metal}]\n\
         machines: [{provider: metal}, {provider: metal, accepted: true}]",
    );
    let provider = scene.get(kind::INFRA_PROVIDER, "metal").unwrap();
    let holders = ["InfraProviderCleanupController", "InfraProviderStatusController", "ProviderJoinConfigController"];
    assert_eq!(provider.finalizers, holders);
    let status = |scene: &Scene| {
        let status: InfraProviderCombinedStatusSpec = scene.spec(kind::INFRA_PROVIDER_COMBINED_STATUS, "metal");
        let health = status.health.unwrap();
        (status.name, health.connected, health.initialized)
    };
    assert_eq!(status(&scene), ("Metal".into(), true, true));
    scene.advance(3600);
    assert_eq!(status(&scene), ("Metal".into(), true, true), "it still reports");
    let join: ProviderJoinConfigSpec = scene.spec(kind::PROVIDER_JOIN_CONFIG, "metal");
    assert!(join.config.unwrap().kernel_args[0].contains(&join.join_token));

    let identity = accounts::identity("infra-provider:metal");
    assert!(scene.get(accounts::IDENTITY, &identity).is_some());
    scene.teardown(kind::INFRA_PROVIDER, "metal");
    scene.settle();
    for kind in [
        kind::INFRA_PROVIDER,
        kind::INFRA_PROVIDER_STATUS,
        kind::INFRA_PROVIDER_HEALTH_STATUS,
        kind::INFRA_PROVIDER_COMBINED_STATUS,
        kind::PROVIDER_JOIN_CONFIG,
        accounts::PUBLIC_KEY,
    ] {
        assert_eq!(scene.ids(kind), [""; 0], "{kind}");
    }
    assert!(!scene.ids(accounts::IDENTITY).iter().any(|id| id.contains("infra-provider")));
    assert_eq!(scene.ids(kind::LINK), [inventory::id(2)], "what was accepted stays");
}

#[test]
fn a_provider_that_is_not_registered_waits_for_somebody_to_make_it() {
    let scene = Scene::of("providers: [{name: late, registered: false}]");
    assert_eq!(scene.ids(kind::INFRA_PROVIDER_STATUS), [""; 0]);
    scene.write(kind::INFRA_PROVIDER, "late", &InfraProviderSpec {});
    scene.write(kind::INFRA_PROVIDER, "unknown", &InfraProviderSpec {});
    scene.settle();
    assert_eq!(scene.ids(kind::INFRA_PROVIDER_STATUS), ["late"]);
    let health =
        |id: &str| scene.spec::<InfraProviderCombinedStatusSpec>(kind::INFRA_PROVIDER_COMBINED_STATUS, id).health;
    assert!(health("late").unwrap().connected);
    assert_eq!(health("unknown"), Some(Default::default()), "nobody plays it");
}

#[test]
fn machines_of_a_provider_are_accepted_switched_and_removed() {
    let scene = Scene::of("providers: [{name: metal, static: true}]\nmachines: [{provider: metal}]");
    let id = inventory::id(1);
    let machine = || scene.get(kind::INFRA_MACHINE, &id).unwrap();
    let status = || scene.spec::<InfraMachineStatusSpec>(kind::INFRA_MACHINE_STATUS, &id);
    assert!(machine().label(label::MACHINE_PENDING_ACCEPT).is_some());
    assert!(scene.get(kind::MACHINE, &id).is_none() && scene.get(kind::MACHINE_STATUS, &id).is_none());

    let mut config = InfraMachineConfigSpec::default();
    config.set_acceptance_status(AcceptanceStatus::Rejected);
    scene.write(kind::INFRA_MACHINE_CONFIG, &id, &config);
    scene.settle();
    assert!(scene.get(kind::MACHINE, &id).is_none());
    assert_eq!(machine().spec::<InfraMachineSpec>().acceptance_status(), AcceptanceStatus::Rejected);

    config.set_acceptance_status(AcceptanceStatus::Accepted);
    scene.write(kind::INFRA_MACHINE_CONFIG, &id, &config);
    scene.settle();
    assert!(machine().label(label::MACHINE_PENDING_ACCEPT).is_none());
    let flags = || {
        let machine = scene.get(kind::MACHINE_STATUS, &id).unwrap();
        [label::READY_TO_USE, label::CONNECTED].map(|flag| machine.label(flag).is_some())
    };
    assert_eq!(flags(), [true, true]);

    config.cordoned = true;
    config.requested_reboot_id = "again".into();
    scene.write(kind::INFRA_MACHINE_CONFIG, &id, &config);
    scene.settle();
    assert_eq!(flags(), [false, true]);
    assert_eq!((status().last_reboot_id.as_str(), status().ready_to_use), ("again", false));

    config.set_power_state(MachinePowerState::PowerStateOff);
    scene.write(kind::INFRA_MACHINE_CONFIG, &id, &config);
    scene.settle();
    assert!(!flags()[1]);
    config.set_power_state(MachinePowerState::PowerStateOn);
    scene.write(kind::INFRA_MACHINE_CONFIG, &id, &config);
    scene.settle();
    assert!(flags()[1]);
    config.power_off_request_id = "once".into();
    scene.write(kind::INFRA_MACHINE_CONFIG, &id, &config);
    scene.settle();
    assert_eq!((flags()[1], status().last_power_off_id.as_str()), (false, "once"));

    scene.write(kind::INFRA_MACHINE_BMC_CONFIG, &id, &InfraMachineBmcConfigSpec::default());
    scene.settle();
    assert_eq!(scene.ids(kind::BMC_CONFIG), [id.as_str()]);
    scene.teardown(kind::LINK, &id);
    scene.settle();
    for kind in [
        kind::LINK,
        kind::INFRA_MACHINE,
        kind::INFRA_MACHINE_STATUS,
        kind::INFRA_MACHINE_CONFIG,
        kind::INFRA_MACHINE_BMC_CONFIG,
        kind::BMC_CONFIG,
        kind::MACHINE_STATUS,
        kind::MACHINE,
    ] {
        assert_eq!(scene.ids(kind), [""; 0], "{kind}");
    }
}

#[test]
fn a_rotation_goes_from_machine_to_machine_and_waits_for_locks() {
    let scene = Scene::with_cluster("");
    scene.write(kind::ROTATE_TALOS_CA, "c", &RotateTalosCaSpec {});
    let mut phases = Vec::new();
    let mut at_once = 0;
    while scene.driver.step() {
        let status = scene.rotation();
        if phases.last() != Some(&status.phase()) {
            phases.push(status.phase());
        }
        let configuring = scene.store.list(kind::CLUSTER_MACHINE_STATUS).into_iter().filter(|cluster_machine| {
            cluster_machine.spec::<ClusterMachineStatusSpec>().stage()
                == cluster_machine_status_spec::Stage::Configuring
        });
        at_once = at_once.max(configuring.count());
    }
    assert_eq!(phases, [Phase::PreRotate], "the locked machine holds it up");
    assert_eq!(scene.rotation().status, "waiting for machines that are locked or do not answer, 2/3 done");
    assert_eq!(at_once, 1);

    scene.store.modify(&kinds::key(kind::MACHINE_SET_NODE, inventory::id(3)), |node| {
        node.annotations.remove(annotation::MACHINE_LOCKED);
    });
    while scene.driver.step() {
        let status = scene.rotation();
        if phases.last() != Some(&status.phase()) {
            phases.push(status.phase());
            assert!(status.phase() == Phase::Ok || status.component() == Component::TalosCa);
        }
    }
    assert_eq!(phases, [Phase::PreRotate, Phase::Rotate, Phase::PostRotate, Phase::Ok]);
    let status: ClusterStatusSpec = scene.spec(kind::CLUSTER_STATUS, "c");
    assert!(status.ready);

    // Any change of the request asks for another one, and so does the other request.
    scene.store.modify(&kinds::key(kind::ROTATE_TALOS_CA, "c"), |request| {
        request.annotations.insert("timestamp".into(), "1".into());
    });
    assert!(scene.driver.step());
    assert_eq!(scene.rotation().component(), Component::TalosCa);
    scene.settle();
    scene.write(kind::ROTATE_KUBERNETES_CA, "c", &RotateKubernetesCaSpec {});
    assert!(scene.driver.step());
    assert_eq!(scene.rotation().component(), Component::KubernetesCa);
    scene.settle();
    assert_eq!(scene.rotation(), ClusterSecretsRotationStatusSpec::default());

    scene.teardown(kind::CLUSTER, "c");
    scene.settle();
    for kind in [kind::ROTATE_TALOS_CA, kind::SECRET_ROTATION, kind::CLUSTER_MACHINE_SECRETS] {
        assert_eq!(scene.ids(kind), [""; 0], "{kind}");
    }
}

#[test]
fn backups_follow_the_interval_and_the_wishes_of_users() {
    let scene = Scene::with_cluster("    backup_interval: 2h\n");
    assert_eq!(scene.backups(), 1, "the first one is made at once");
    scene.advance(7199);
    assert_eq!(scene.backups(), 1);
    scene.advance(1);
    assert_eq!(scene.backups(), 2);
    scene.advance(60);
    let at = prost_types::Timestamp { seconds: (NOW + 7260).cast_signed(), nanos: 0 };
    scene.write(kind::ETCD_MANUAL_BACKUP, "c", &EtcdManualBackupSpec { backup_at: Some(at) });
    scene.settle();
    assert_eq!(scene.backups(), 3);
    let newest: EtcdBackupSpec = scene.spec(kind::ETCD_BACKUP, &format!("c-{}", NOW + 7260));
    assert_eq!((newest.created_at, newest.snapshot.as_str()), (Some(at), "FFFFFFFF954EA823.snapshot"));
    let overall: EtcdBackupOverallStatusSpec =
        scene.spec(kind::ETCD_BACKUP_OVERALL_STATUS, "etcdbackup-overall-status");
    assert_eq!(overall.configuration_name, "local");
    let last = overall.last_backup_status.unwrap();
    assert_eq!((last.status(), last.last_backup_time), (BackupStatus::Ok, Some(at)));

    worlds::disconnect_machine(&scene.store, &inventory::id(1));
    scene.advance(7200);
    let status: EtcdBackupStatusSpec = scene.spec(kind::ETCD_BACKUP_STATUS, "c");
    assert_eq!((status.status(), status.last_backup_time, scene.backups()), (BackupStatus::Error, Some(at), 3));
}

#[test]
fn backups_need_a_place_to_go_to() {
    let scene = Scene::of(
        "machines: [{hostname: w}]\nclusters: [{name: c, talos: 1.13.5, kubernetes: 1.35.1, backup_interval: 1h, \
         control_planes: {machines: [w]}}]",
    );
    let error = || scene.spec::<EtcdBackupStoreStatusSpec>(kind::ETCD_BACKUP_STORE_STATUS, "etcdbackup-store-status");
    assert_eq!((error().configuration_error.as_str(), scene.backups()), ("not initialized", 0));
    let config = EtcdBackupS3ConfSpec { bucket: "b".into(), ..Default::default() };
    scene.write(kind::ETCD_BACKUP_S3_CONFIG, "etcd-backup-s3-conf", &config);
    scene.settle();
    assert_eq!((error().configuration_error.as_str(), scene.backups()), ("", 1));
}

#[test]
fn a_machine_proves_itself_and_takes_its_proofs_along() {
    let scene = Scene::of(
        "join_tokens: [{name: mine, token: t1}]\n\
         machines: [{installed: true, join_token: mine}, {}, {talos: 1.5.0}, {pending: true}]",
    );
    let usage = |number| scene.spec::<JoinTokenUsageSpec>(kind::JOIN_TOKEN_USAGE, &inventory::id(number)).token_id;
    let default: DefaultJoinTokenSpec = scene.spec(kind::DEFAULT_JOIN_TOKEN, "default");
    assert_eq!([usage(1), usage(2)], ["t1".to_owned(), default.token_id]);
    let states: Vec<_> = (1..=3)
        .map(|number| scene.spec::<NodeUniqueTokenStatusSpec>(kind::NODE_UNIQUE_TOKEN_STATUS, &inventory::id(number)))
        .map(|status| status.state())
        .collect();
    assert_eq!(states, [TokenState::Persistent, TokenState::Ephemeral, TokenState::Unsupported]);
    assert_eq!(scene.ids(kind::NODE_UNIQUE_TOKEN), [inventory::id(1), inventory::id(2)]);

    let [knocking] = &scene.ids(kind::PENDING_MACHINE)[..] else { panic!("one knocks") };
    assert_eq!(scene.ids(kind::PENDING_MACHINE_STATUS), [knocking.as_str()]);
    assert!(scene.get(kind::LINK, &inventory::id(4)).is_none());
    scene.teardown(kind::PENDING_MACHINE, knocking);
    scene.settle();
    assert_eq!(scene.ids(kind::PENDING_MACHINE_STATUS), [""; 0]);
    scene.store.destroy(&kinds::key(kind::PENDING_MACHINE, knocking.as_str()), "").unwrap();

    scene.write(kind::KERNEL_ARGS, &inventory::id(1), &KernelArgsSpec::default());
    for number in 1..=3 {
        scene.teardown(kind::LINK, &inventory::id(number));
    }
    scene.settle();
    for kind in [
        kind::LINK,
        kind::MACHINE,
        kind::MACHINE_STATUS,
        kind::MACHINE_STATUS_LABELS,
        kind::KERNEL_ARGS,
        kind::JOIN_TOKEN_USAGE,
        kind::NODE_UNIQUE_TOKEN,
        kind::NODE_UNIQUE_TOKEN_STATUS,
    ] {
        assert_eq!(scene.ids(kind), [""; 0], "{kind}");
    }
}
