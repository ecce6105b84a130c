//! What the server does inside the Kubernetes of a cluster.

use super::*;
use cluster_kubernetes_manifests_status_spec::{group_status, manifest_status};
use kubernetes_manifest_group_spec::Mode;

const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  namespace: shop\n  annotations:\n    \
                       omni-kube-service-exposer.sidero.dev/port: '50080'\n    \
                       omni-kube-service-exposer.sidero.dev/label: Shop\n    \
                       omni-kube-service-exposer.sidero.dev/prefix: shop\n";

fn group(mode: Mode, data: &str) -> KubernetesManifestGroupSpec {
    KubernetesManifestGroupSpec { data: data.into(), mode: mode.into(), ..Default::default() }
}

fn config_map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: default}}\n")
}

impl Scene {
    fn manifests(&self) -> ClusterKubernetesManifestsStatusSpec {
        self.spec(kind::CLUSTER_KUBERNETES_MANIFESTS_STATUS, "c")
    }

    fn applied(&self, group: &str) -> Vec<String> {
        let applied = manifest_status::Phase::Applied;
        let Some(group) = self.manifests().groups.remove(group) else { return Vec::new() };
        let of = group.manifests.into_iter().filter(|(_, manifest)| manifest.phase() == applied);
        let mut names: Vec<String> = of.map(|(name, _)| name).collect();
        names.sort();
        names
    }
}

#[test]
fn manifests_are_applied_changed_and_taken_away() {
    let scene = Scene::with_cluster();
    let data = format!("# nothing\n---\n{}---\n{}", config_map("a"), config_map("b"));
    scene.create(kind::KUBERNETES_MANIFEST_GROUP, "200-full", &[(label::CLUSTER, "c")], &group(Mode::Full, &data));
    scene.until("they wait", |scene| scene.manifests().out_of_sync == 2);
    assert_eq!(scene.manifests().groups["200-full"].phase(), group_status::Phase::Pending);
    scene.settle();
    assert_eq!(scene.manifests().groups["200-full"].phase(), group_status::Phase::Applied);
    assert_eq!(scene.applied("200-full"), ["ConfigMap/default/a", "ConfigMap/default/b"]);
    scene.update(kind::KUBERNETES_MANIFEST_GROUP, "200-full", |object| {
        object.spec = group(Mode::Full, &config_map("b")).encode_to_vec();
    });
    scene.until("one leaves", |scene| scene.manifests().out_of_sync == 1);
    scene.settle();
    assert_eq!(scene.applied("200-full"), ["ConfigMap/default/b"]);
    scene.teardown(kind::KUBERNETES_MANIFEST_GROUP, "200-full");
    scene.settle();
    assert_eq!((scene.manifests().total, scene.manifests().groups.len()), (0, 0));
}

#[test]
fn the_first_release_with_groups_applies_them() {
    let scene = Scene::of(Release::V1_7, 2);
    scene.cluster("1.13.8", "1.35.1");
    scene.set("c-control-planes", label::CONTROL_PLANE, &MachineSetSpec::default(), 1..=1);
    let group = group(Mode::Full, &config_map("a"));
    scene.create(kind::KUBERNETES_MANIFEST_GROUP, "200-full", &[(label::CLUSTER, "c")], &group);
    scene.settle();
    assert_eq!(scene.applied("200-full"), ["ConfigMap/default/a"]);
}

#[test]
fn what_is_applied_once_stays_as_it_was() {
    let scene = Scene::with_cluster();
    let labels = [(label::CLUSTER, "c")];
    scene.create(kind::KUBERNETES_MANIFEST_GROUP, "200-once", &labels, &group(Mode::OneTime, &config_map("a")));
    scene.settle();
    scene.update(kind::KUBERNETES_MANIFEST_GROUP, "200-once", |object| {
        object.spec = group(Mode::OneTime, &config_map("b")).encode_to_vec();
    });
    scene.settle();
    assert_eq!(scene.applied("200-once"), ["ConfigMap/default/a"]);
}

#[test]
fn services_are_exposed_where_the_cluster_allows_it() {
    let scene = Scene::with_cluster();
    let labels = [(label::CLUSTER, "c")];
    scene.create(kind::KUBERNETES_MANIFEST_GROUP, "200-web", &labels, &group(Mode::Full, SERVICE));
    scene.settle();
    assert_eq!(scene.store.list(kind::EXPOSED_SERVICE).len(), 0);
    scene.change_versions(|spec| {
        spec.features = Some(cluster_spec::Features { enable_workload_proxy: true, ..Default::default() });
    });
    scene.settle();
    let service = scene.get(kind::EXPOSED_SERVICE, "c/web.shop").unwrap();
    assert_eq!(service.label(label::EXPOSED_SERVICE_ALIAS), Some("shop"));
    let spec: ExposedServiceSpec = service.spec();
    assert_eq!((spec.port, spec.label.as_str(), spec.has_explicit_alias), (50080, "Shop", true));
    let count = || scene.spec::<ClusterWorkloadProxyStatusSpec>(kind::CLUSTER_WORKLOAD_PROXY_STATUS, "c");
    assert_eq!(count().num_exposed_services, 1);
    scene.teardown(kind::CLUSTER, "c");
    scene.settle();
    assert_eq!(scene.store.list(kind::EXPOSED_SERVICE).len(), 0);
}

#[test]
fn a_health_check_runs_and_passes() {
    let scene = Scene::with_cluster();
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: x, namespace: checks}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}\n";
    let check = KubernetesHealthCheckSpec { job: job.into(), ..Default::default() };
    scene.create(kind::KUBERNETES_HEALTH_CHECK, "alive", &[(label::CLUSTER, "c")], &check);
    let status = || scene.spec::<KubernetesHealthCheckStatusSpec>(kind::KUBERNETES_HEALTH_CHECK_STATUS, "alive");
    scene.step();
    assert_eq!(status().state(), kubernetes_health_check_status_spec::State::Running);
    scene.settle();
    assert_eq!(status().state(), kubernetes_health_check_status_spec::State::Passed);
    assert_eq!((status().job_namespace.as_str(), status().job_name.as_str()), ("checks", "omni-healthcheck-alive"));
    (1..=3).for_each(|number| world::disconnect_machine(&scene.store, &id(number)));
    scene.settle();
    assert_eq!(status().state(), kubernetes_health_check_status_spec::State::Failed);
    scene.teardown(kind::KUBERNETES_HEALTH_CHECK, "alive");
    scene.settle();
    assert_eq!(scene.get(kind::KUBERNETES_HEALTH_CHECK_STATUS, "alive"), None);
}

#[test]
fn the_nodes_of_a_cluster_are_known_by_name() {
    let scene = Scene::with_cluster();
    let nodes = || scene.spec::<ClusterKubernetesNodesSpec>(kind::CLUSTER_KUBERNETES_NODES, "c").nodes;
    assert_eq!(nodes(), ["machine-1", "machine-2", "machine-3", "machine-4", "machine-5"]);
    scene.teardown(kind::MACHINE_SET_NODE, &id(5));
    scene.settle();
    assert_eq!(nodes().len(), 4);
}
