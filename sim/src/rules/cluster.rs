//! Rules for clusters: name, versions, encryption, backups, discovery, and the lock.

use super::{Change, cluster_version, tolerant};
use crate::catalogue::Feature;
use crate::names::{annotation, kind, label};
use crate::object::{Object, Reader};
use omni_proto::specs::{ClusterConfigVersionSpec, ClusterSpec, FeaturesConfigSpec};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// The problems with a change of a cluster.
pub(super) fn problems(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    match change {
        Change::Create(new) => create(view, new),
        // What is torn down is judged by the rules for destruction alone.
        Change::Update(_, new) if new.tearing_down && takes_over(view) => Vec::new(),
        Change::Update(old, new) => update(view, old, new),
        Change::Destroy(old) => destroy(view, old).into_iter().collect(),
    }
}

fn takes_over(view: &dyn Reader) -> bool {
    super::release(view).has(Feature::ClusterTakeover)
}

/// Whether a cluster has a lock that keeps it from being changed: while it is taken over, none does.
pub(super) fn is_locked(view: &dyn Reader, cluster: &Object) -> bool {
    let importing = cluster.annotations.contains_key(annotation::CLUSTER_IMPORT_IN_PROGRESS);
    has_lock(cluster) && !(importing && takes_over(view))
}

/// Whether a cluster has a lock, which keeps its parts from being removed even while it is taken over.
pub(super) fn has_lock(cluster: &Object) -> bool {
    cluster.annotations.contains_key(annotation::CLUSTER_LOCKED)
}

fn create(view: &dyn Reader, new: &Object) -> Vec<String> {
    let spec: ClusterSpec = new.spec();
    let mut found: Vec<String> = name(&new.key.id).into_iter().collect();
    found.extend(cluster_version::form("Kubernetes", &spec.kubernetes_version));
    found.extend(cluster_version::form("Talos", &spec.talos_version));
    found.extend(encryption(&spec));
    found.extend(backup(view, &spec));
    found.extend(discovery(view, &new.key.id, None, &spec));
    found.extend(cluster_version::problem(view, &new.key.id, None, &spec));
    found
}

fn update(view: &dyn Reader, old: &Object, new: &Object) -> Vec<String> {
    if is_locked(view, old) && is_locked(view, new) {
        return vec![format!("updating cluster configuration is not allowed: the cluster {:?} is locked", new.key.id)];
    }
    let (before, after): (ClusterSpec, ClusterSpec) = (old.spec(), new.spec());
    let mut found = Vec::new();
    let talos_changed = before.talos_version != after.talos_version;
    if talos_changed || before.kubernetes_version != after.kubernetes_version {
        found.extend(cluster_version::form("Kubernetes", &after.kubernetes_version));
    }
    if talos_changed {
        found.extend(cluster_version::form("Talos", &after.talos_version));
    }
    found.extend(encryption(&after));
    if encrypted(&before) != encrypted(&after) {
        found.push("updating disk encryption settings is not allowed".into());
    }
    found.extend(backup(view, &after));
    found.extend(discovery(view, &new.key.id, Some(&before), &after));
    found.extend(cluster_version::problem(view, &new.key.id, Some(&before), &after));
    found
}

fn destroy(view: &dyn Reader, old: &Object) -> Option<String> {
    let is_free = takes_over(view)
        && view
            .get(kind::CLUSTER_STATUS, &old.key.id)
            .is_none_or(|status| status.label(label::TAINTED_BY_IMPORTING).is_some());
    (has_lock(old) && !is_free).then(|| format!("deletion is not allowed: the cluster {:?} is locked", old.key.id))
}

fn name(id: &str) -> Option<String> {
    if id.is_empty() {
        return Some("name is required".into());
    }
    let fits = |c: char| c.is_alphabetic() || c.is_numeric() || c == '-' || c == '_';
    (!id.chars().all(fits)).then(|| "name should only contain letters, digits, dashes and underscores".into())
}

fn encrypted(spec: &ClusterSpec) -> bool {
    spec.features.as_ref().is_some_and(|f| f.disk_encryption)
}

fn encryption(spec: &ClusterSpec) -> Option<String> {
    if !encrypted(spec) {
        return None;
    }
    match tolerant::parse(&spec.talos_version) {
        Err(problem) => Some(problem),
        Ok(version) if version.minor_line() < (1, 5) => {
            Some("disk encryption is supported only for Talos version >= 1.5.0".into())
        }
        Ok(_) => None,
    }
}

fn features(view: &dyn Reader) -> FeaturesConfigSpec {
    view.get(kind::FEATURES_CONFIG, "features-config").map(|object| object.spec()).unwrap_or_default()
}

fn backup(view: &dyn Reader, spec: &ClusterSpec) -> Option<String> {
    let interval = spec.backup_configuration.as_ref()?.interval.unwrap_or_default();
    let interval = Duration::try_from(interval).unwrap_or_default();
    let limits = features(view).etcd_backup_settings.unwrap_or_default();
    let limit = |value: Option<prost_types::Duration>, otherwise| {
        value.and_then(|value| Duration::try_from(value).ok()).unwrap_or(otherwise)
    };
    let (min, max) = (limit(limits.min_interval, HOUR), limit(limits.max_interval, 24 * HOUR));
    if interval < min {
        Some(format!("backup interval must be greater than {}, actual {}", clock(min), clock(interval)))
    } else if interval > max {
        Some(format!("backup interval must be less than {}, actual {}", clock(max), clock(interval)))
    } else {
        None
    }
}

/// Whole seconds as Go prints them; intervals of backups are never finer.
fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (h, m) {
        (0, 0) => format!("{s}s"),
        (0, _) => format!("{m}m{s}s"),
        _ => format!("{h}h{m}m{s}s"),
    }
}

fn discovery(view: &dyn Reader, id: &str, before: Option<&ClusterSpec>, after: &ClusterSpec) -> Option<String> {
    let embedded = |spec: &ClusterSpec| spec.features.as_ref().is_some_and(|f| f.use_embedded_discovery_service);
    let private = |spec: &ClusterSpec| spec.features.as_ref().is_some_and(|f| f.disable_public_discovery_service);
    let off = || {
        let begins = embedded(after) && !before.is_some_and(embedded) && !features(view).embedded_discovery_service;
        begins.then(|| "embedded discovery service is not enabled".into())
    };
    if !private(after) || !super::release(view).has_field("ClusterSpec.Features", "disable_public_discovery_service") {
        return off();
    }
    // What a cluster was made with counts, and for one that is being made what it will be made with.
    let first = before.and_then(|_| view.get(kind::CLUSTER_CONFIG_VERSION, id));
    let first = first.map_or_else(
        || format!("v{}", after.talos_version),
        |object| object.spec::<ClusterConfigVersionSpec>().version,
    );
    match tolerant::parse(&first) {
        Err(_) => Some(format!("failed to parse Talos version contract: error parsing version {first:?}")),
        Ok(version) if version.minor_line() < (1, 14) => Some(
            "the public discovery service can only be configured for clusters created with Talos 1.14 or newer".into(),
        ),
        Ok(_) if !embedded(after) => Some(
            "the discovery service cannot be disabled entirely: keep the public discovery service enabled or enable \
             the embedded discovery service"
                .into(),
        ),
        Ok(_) => off(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, annotated, labelled, leaving, object};
    use super::*;
    use omni_proto::specs::{
        ClusterStatusSpec, EtcdBackupConf, KubernetesUpgradeStatusSpec, SysVersionSpec, TalosVersionSpec,
        cluster_spec::Features,
    };

    fn view() -> Fixture {
        let offer = |version: &str, kubernetes: &[&str]| TalosVersionSpec {
            version: version.into(),
            compatible_kubernetes_versions: kubernetes.iter().map(|v| (*v).to_owned()).collect(),
            deprecated: version == "1.8.4",
            unsupported: version == "1.14.0",
            ..Default::default()
        };
        let all = ["1.31.14", "1.34.3", "1.35.1", "1.36.2", "1.36.3"];
        ["1.4.8", "1.8.4", "1.12.4", "1.13.5", "1.13.8", "1.14.0"]
            .into_iter()
            .fold(Fixture::default(), |view, v| view.with(object(kind::TALOS_VERSION, v, &offer(v, &all))))
            .with(object(
                kind::FEATURES_CONFIG,
                "features-config",
                &FeaturesConfigSpec { embedded_discovery_service: true, ..Default::default() },
            ))
    }

    fn spec(talos: &str, kubernetes: &str) -> ClusterSpec {
        ClusterSpec {
            talos_version: talos.into(),
            kubernetes_version: kubernetes.into(),
            features: Some(Features::default()),
            ..Default::default()
        }
    }

    fn cluster(id: &str, spec: &ClusterSpec) -> Object {
        object(kind::CLUSTER, id, spec)
    }

    const NAME: &str = "name should only contain letters, digits, dashes and underscores";
    const NO_TALOS: &str = "failed to get: resource TalosVersions.omni.sidero.dev(default/";

    #[test]
    fn creates_that_a_server_refused() {
        let view = view();
        for (id, talos, kubernetes, expected) in [
            ("probe c", "1.13.8", "1.36.3", vec![NAME.to_owned()]),
            ("probe.c", "1.13.8", "1.36.3", vec![NAME.to_owned()]),
            ("probe_ü1", "1.13.8", "1.36.3", vec![]),
            (
                "c",
                "v1.13.8",
                "1.36.3",
                vec![format!("invalid talos version \"v1.13.8\": {NO_TALOS}v1.13.8@undefined) doesn't exist")],
            ),
            (
                "c",
                "1.13.8",
                "v1.36.3",
                vec!["invalid kubernetes version \"v1.36.3\": is not compatible with talos version \"1.13.8\"".into()],
            ),
            (
                "c",
                "",
                "1.36.3",
                vec![
                    "error validating Talos version: 1 error occurred:\n\t* version is required\n\n".into(),
                    format!("invalid talos version \"\": {NO_TALOS}@undefined) doesn't exist"),
                ],
            ),
            (
                "c",
                "1.13.8",
                "",
                vec![
                    "error validating Kubernetes version: 1 error occurred:\n\t* version is required\n\n".into(),
                    "invalid kubernetes version \"\": is not compatible with talos version \"1.13.8\"".into(),
                ],
            ),
            (
                "probe c",
                "9.9.9",
                "9.9.9",
                vec![
                    NAME.to_owned(),
                    format!("invalid talos version \"9.9.9\": {NO_TALOS}9.9.9@undefined) doesn't exist"),
                ],
            ),
            ("c", "1.8.4", "1.36.3", vec!["talos version \"1.8.4\" is no longer supported".into()]),
            ("c", "1.14.0", "1.36.3", vec!["talos version \"1.14.0\" is not supported by this Omni release".into()]),
        ] {
            let new = cluster(id, &spec(talos, kubernetes));
            assert_eq!(problems(&view, Change::Create(&new)), expected, "{id} {talos} {kubernetes}");
        }
    }

    #[test]
    fn both_problems_read_as_on_a_server() {
        let new = cluster("c", &spec("", "1.36.3"));
        assert_eq!(
            super::super::joined(&problems(&view(), Change::Create(&new))),
            "2 errors occurred:\n\t* error validating Talos version: 1 error occurred:\n\t* version is required\n\n\n\t\
             * invalid talos version \"\": failed to get: resource TalosVersions.omni.sidero.dev(default/@undefined) \
             doesn't exist\n\n"
        );
    }

    #[test]
    fn features_and_backups() {
        let view = view();
        let with = |change: &dyn Fn(&mut ClusterSpec)| {
            let mut spec = spec("1.13.8", "1.36.3");
            change(&mut spec);
            problems(&view, Change::Create(&cluster("c", &spec)))
        };
        let every = |seconds| {
            move |spec: &mut ClusterSpec| {
                let interval = Some(prost_types::Duration { seconds, nanos: 0 });
                spec.backup_configuration = Some(EtcdBackupConf { interval, enabled: false });
            }
        };
        assert_eq!(with(&every(60)), ["backup interval must be greater than 1h0m0s, actual 1m0s"]);
        assert_eq!(with(&every(90000)), ["backup interval must be less than 24h0m0s, actual 25h0m0s"]);
        assert_eq!(with(&every(5400)), [""; 0]);
        assert_eq!(with(&|s| s.features = None), [""; 0]);
        assert_eq!(
            with(&|s| s.features.as_mut().unwrap().disable_public_discovery_service = true),
            ["the public discovery service can only be configured for clusters created with Talos 1.14 or newer"]
        );
        let old = |s: &mut ClusterSpec| {
            s.talos_version = "1.4.8".into();
            s.features.as_mut().unwrap().disk_encryption = true;
        };
        assert_eq!(with(&old), ["disk encryption is supported only for Talos version >= 1.5.0"]);
        let mut embedded = spec("1.13.8", "1.36.3");
        embedded.features.as_mut().unwrap().use_embedded_discovery_service = true;
        let embedded = cluster("c", &embedded);
        assert_eq!(problems(&view, Change::Create(&embedded)), [""; 0]);
        let bare = Fixture(view.0.into_iter().filter(|o| o.key.kind != kind::FEATURES_CONFIG).collect());
        assert_eq!(problems(&bare, Change::Create(&embedded)), ["embedded discovery service is not enabled"]);
        let mut private = embedded.spec::<ClusterSpec>();
        private.features.as_mut().unwrap().disable_public_discovery_service = true;
        assert_eq!(
            problems(&bare, Change::Create(&cluster("c", &private))),
            ["the public discovery service can only be configured for clusters created with Talos 1.14 or newer"],
            "the public service is asked about first"
        );
    }

    #[test]
    fn older_servers_watch_versions_less() {
        let version = ClusterConfigVersionSpec { version: "v1.13.5".into() };
        let upgrade = KubernetesUpgradeStatusSpec {
            last_upgrade_version: "1.34.3".into(),
            current_upgrade_version: "1.35.1".into(),
            ..Default::default()
        };
        for (server, from, to, refused) in [
            ("v1.3.4", ("1.13.8", "1.36.3"), ("1.12.4", "1.36.3"), false),
            ("v1.4.0", ("1.13.8", "1.36.3"), ("1.12.4", "1.36.3"), true),
            ("v1.3.4", ("1.13.8", "1.34.3"), ("1.13.8", "1.31.14"), true),
            ("v1.4.0", ("1.13.8", "1.34.3"), ("1.13.8", "1.31.14"), false),
            ("v1.3.4", ("1.13.8", "1.35.1"), ("1.13.8", "1.34.3"), false),
            ("v1.2.1", ("1.13.8", "1.35.1"), ("1.13.8", "1.34.3"), true),
        ] {
            let server_version = SysVersionSpec { backend_version: server.into(), ..Default::default() };
            let view = view()
                .with(object(kind::SYS_VERSION, "current", &server_version))
                .with(object(kind::CLUSTER_CONFIG_VERSION, "c", &version))
                .with(object(kind::KUBERNETES_UPGRADE_STATUS, "c", &upgrade));
            let (old, new) = (cluster("c", &spec(from.0, from.1)), cluster("c", &spec(to.0, to.1)));
            let found = problems(&view, Change::Update(&old, &new));
            assert_eq!(!found.is_empty(), refused, "{server} {from:?} {to:?}: {found:?}");
        }
    }

    #[test]
    fn updates() {
        let view = view().with(object(
            kind::CLUSTER_CONFIG_VERSION,
            "c",
            &ClusterConfigVersionSpec { version: "v1.13.5".into() },
        ));
        for (from, to, expected) in [
            (("1.13.8", "1.36.3"), ("1.13.5", "1.36.3"), vec![]),
            (
                ("1.13.8", "1.36.3"),
                ("1.12.4", "1.36.3"),
                vec!["downgrading from version \"1.13.5\" to \"1.12.4\" is not supported"],
            ),
            (
                ("1.13.8", "1.36.3"),
                ("1.13.8", "1.31.14"),
                vec!["kubernetes version is not supported for upgrade to \"1.31.14\" from \"1.36.3\""],
            ),
            (
                ("1.13.8", "1.34.3"),
                ("1.13.8", "1.36.3"),
                vec!["kubernetes version is not supported for upgrade to \"1.36.3\" from \"1.34.3\""],
            ),
            (("1.13.8", "1.35.1"), ("1.13.8", "1.36.2"), vec![]),
            // A version that is no longer listed stays, and does not stop a change of Kubernetes.
            (("1.7.0", "1.35.1"), ("1.7.0", "1.36.2"), vec![]),
            (("1.4.8", "nonsense"), ("1.4.8", "nonsense"), vec![]),
        ] {
            let old = cluster("c", &spec(from.0, from.1));
            let new = cluster("c", &spec(to.0, to.1));
            assert_eq!(problems(&view, Change::Update(&old, &new)), expected, "{from:?} to {to:?}");
        }
        let old = cluster("c", &spec("1.13.8", "1.36.3"));
        let mut encrypted = spec("1.13.8", "1.36.3");
        encrypted.features.as_mut().unwrap().disk_encryption = true;
        assert_eq!(
            problems(&view, Change::Update(&old, &cluster("c", &encrypted))),
            ["updating disk encryption settings is not allowed"]
        );
    }

    #[test]
    fn an_upgrade_that_runs_can_be_taken_back() {
        let status = KubernetesUpgradeStatusSpec {
            last_upgrade_version: "1.35.1".into(),
            current_upgrade_version: "1.36.3".into(),
            ..Default::default()
        };
        let old = cluster("c", &spec("1.13.8", "1.36.3"));
        let new = cluster("c", &spec("1.13.8", "1.35.1"));
        let change = Change::Update(&old, &new);
        assert_eq!(problems(&view(), change).len(), 1);
        assert_eq!(problems(&view().with(object(kind::KUBERNETES_UPGRADE_STATUS, "c", &status)), change), [""; 0]);
    }

    #[test]
    fn the_lock() {
        let plain = cluster("c", &spec("1.13.8", "1.36.3"));
        let changed = cluster("c", &ClusterSpec { features: None, ..spec("1.13.8", "1.36.3") });
        let locked = annotated(plain.clone(), annotation::CLUSTER_LOCKED);
        let locked_changed = annotated(changed.clone(), annotation::CLUSTER_LOCKED);
        let importing = annotated(locked.clone(), annotation::CLUSTER_IMPORT_IN_PROGRESS);
        let refused = "updating cluster configuration is not allowed: the cluster \"c\" is locked";
        for (old, new, expected) in [
            (&locked, &locked_changed, vec![refused]),
            (&locked, &changed, vec![]),
            (&plain, &locked_changed, vec![]),
            (&importing, &locked_changed, vec![]),
            (&locked, &importing, vec![]),
        ] {
            assert_eq!(problems(&view(), Change::Update(old, new)), expected);
        }
        let status = object(kind::CLUSTER_STATUS, "c", &ClusterStatusSpec::default());
        let known = view().with(status.clone());
        let refused = "deletion is not allowed: the cluster \"c\" is locked";
        assert_eq!(problems(&known, Change::Destroy(&locked)), [refused]);
        assert_eq!(problems(&known, Change::Destroy(&plain)), [""; 0]);
        assert_eq!(problems(&view(), Change::Destroy(&locked)), [""; 0]);
        let tainted = view().with(labelled(status, &[(label::TAINTED_BY_IMPORTING, "")]));
        assert_eq!(problems(&tainted, Change::Destroy(&locked)), [""; 0]);
        // A teardown by update meets the rules for destruction.
        let torn = leaving(locked.clone());
        assert_eq!(super::super::problems(&known, Change::Update(&locked, &torn)), [refused]);
    }
}
