//! Rules for machine sets: cluster, role, ID, allocation by class, bootstrap from a backup, and the lock.

use super::cluster::{has_lock, is_locked};
use super::{Change, relation};
use crate::catalogue::Feature;
use crate::names::{kind, label};
use crate::object::{Object, Reader};
use omni_proto::specs::machine_set_spec::machine_allocation::Type;
use omni_proto::specs::machine_set_spec::{BootstrapSpec, MachineAllocation};
use omni_proto::specs::{ClusterBootstrapStatusSpec, MachineClassSpec, MachineSetSpec};

const MAX_SNAPSHOT: usize = 4096;

/// The allocation of a set: the older field wins when both are set.
#[must_use]
#[allow(deprecated, reason = "old clients still write the older field")]
pub fn allocation(spec: &MachineSetSpec) -> Option<&MachineAllocation> {
    spec.machine_class.as_ref().or(spec.machine_allocation.as_ref())
}

/// The problems with a change of a machine set.
pub(super) fn problems(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    let mut found = relation::problems(change, &[label::CLUSTER]);
    found.extend(match change {
        Change::Create(new) => write(view, None, new),
        Change::Update(old, new) => write(view, Some(old), new),
        Change::Destroy(old) => destroy(view, old),
    });
    found
}

/// The first problem with a write.
fn write(view: &dyn Reader, old: Option<&Object>, new: &Object) -> Option<String> {
    let id = &new.key.id;
    let cluster_id = new.label(label::CLUSTER).unwrap_or_default();
    let Some(cluster) = view.get(kind::CLUSTER, cluster_id) else {
        return (!new.tearing_down).then(|| format!("the cluster {cluster_id:?} does not exist"));
    };
    let locked = is_locked(view, &cluster);
    if old.is_none() && cluster.tearing_down {
        return Some(format!("the cluster {cluster_id:?} is tearing down"));
    }
    if old.is_none() && locked {
        return Some(format!(
            "adding machine set {id:?} to the cluster {cluster_id:?} is not allowed: the cluster is locked"
        ));
    }
    if locked && !new.tearing_down {
        return Some(format!(
            "updating machine set {id:?} on the cluster {cluster_id:?} is not allowed: the cluster is locked"
        ));
    }
    let control_plane = new.label(label::CONTROL_PLANE).is_some();
    if !control_plane && new.label(label::WORKER).is_none() {
        return Some(format!("machine set must have either {:?} or {:?} label", label::CONTROL_PLANE, label::WORKER));
    }
    if control_plane && old.is_none() && bootstrapped(view, cluster_id) {
        return Some("adding control plane machine set to an already bootstrapped cluster is not allowed".into());
    }
    let before: Option<MachineSetSpec> = old.map(Object::spec);
    let after: MachineSetSpec = new.spec();
    let bootstrap = bootstrap(view, cluster_id, control_plane, before.as_ref(), &after);
    bootstrap.or_else(|| class(view, before.as_ref(), &after)).or_else(|| match &before {
        Some(before) => mode(view, id, before, &after),
        None => name(cluster_id, id, control_plane),
    })
}

fn bootstrapped(view: &dyn Reader, cluster: &str) -> bool {
    view.get(kind::CLUSTER_BOOTSTRAP_STATUS, cluster)
        .is_some_and(|status| status.spec::<ClusterBootstrapStatusSpec>().bootstrapped)
}

fn bootstrap(
    view: &dyn Reader,
    cluster: &str,
    control_plane: bool,
    before: Option<&MachineSetSpec>,
    after: &MachineSetSpec,
) -> Option<String> {
    let wanted = after.bootstrap_spec.as_ref();
    if wanted.is_some() && !control_plane {
        return Some("bootstrap spec is not allowed for worker machine sets".into());
    }
    if let Some(before) = before {
        return match (before.bootstrap_spec.as_ref(), wanted) {
            (Some(_), None) if !super::release(view).has(Feature::RemovableBootstrapSpec) => {
                Some("bootstrap spec is immutable after creation".into())
            }
            (Some(_), None) if bootstrapped(view, cluster) => None,
            (Some(_), None) => Some("bootstrap spec can only be removed after the cluster is bootstrapped".into()),
            (old, new) => (old != new).then(|| "bootstrap spec is immutable after creation".into()),
        };
    }
    let limited = super::release(view).has(Feature::TextLimits);
    wanted.and_then(|wanted| snapshot(wanted).filter(|_| limited).or_else(|| known_cluster(view, wanted)))
}

fn snapshot(wanted: &BootstrapSpec) -> Option<String> {
    let path = &wanted.snapshot;
    if path.len() > MAX_SNAPSHOT {
        return Some(format!("bootstrap snapshot path is too long: {} bytes (max {MAX_SNAPSHOT})", path.len()));
    }
    // The store looks at none, and at the folder itself.
    let fits = ["", "."].contains(&path.as_str()) || path.split('/').all(|part| !["", ".", ".."].contains(&part));
    (!fits).then(|| "bootstrap snapshot must be a relative path without parent-directory references".into())
}

/// A backup is known by the UUID of its cluster; what it holds is not kept here, so any snapshot will do.
fn known_cluster(view: &dyn Reader, wanted: &BootstrapSpec) -> Option<String> {
    let uuid = &wanted.cluster_uuid;
    match view.labelled(kind::CLUSTER_UUID, label::CLUSTER_UUID, uuid).len() {
        0 => Some(format!("invalid cluster UUID {uuid:?}")),
        1 => None,
        _ => Some(format!("inconsistent state on cluster UUID {uuid:?}")),
    }
}

fn class(view: &dyn Reader, before: Option<&MachineSetSpec>, after: &MachineSetSpec) -> Option<String> {
    let wanted = allocation(after)?;
    if wanted.name.is_empty() {
        return Some("machine allocation source name is not set".into());
    }
    if wanted.machine_count != 0 && wanted.allocation_type() != Type::Static {
        return Some("machine count can be set only if static allocation type is used".into());
    }
    // As on the server: a set that had no class before is not checked for the class's existence.
    let changed = before.is_none_or(|b| allocation(b).is_some_and(|old| old.name != wanted.name));
    if !changed {
        return None;
    }
    let Some(found) = view.get(kind::MACHINE_CLASS, &wanted.name) else {
        return Some(format!("machine class with name {:?} doesn't exist", wanted.name));
    };
    let found: MachineClassSpec = found.spec();
    (found.auto_provision.is_some() && wanted.allocation_type() == Type::Unlimited).then(|| {
        format!(
            "machine class {:?} is using autoprovision, so unlimited machine set allocation is not supported",
            wanted.name
        )
    })
}

/// A set changes between machines by hand and by class only while it is empty.
fn mode(view: &dyn Reader, id: &str, before: &MachineSetSpec, after: &MachineSetSpec) -> Option<String> {
    let (by_class, will_be) = (allocation(before).is_some(), allocation(after).is_some());
    if by_class == will_be {
        return None;
    }
    if view.labelled(kind::MACHINE_SET_NODE, label::MACHINE_SET, id).is_empty() {
        return None;
    }
    let (now, then) = if will_be { ("manual nodes", "machine class") } else { ("machine class based node", "manual") };
    Some(format!("machine set is not empty and is using {now} management, updating to {then} mode is not allowed"))
}

fn name(cluster: &str, id: &str, control_plane: bool) -> Option<String> {
    let prefix = format!("{cluster}-");
    let reserved = format!("{cluster}-control-planes");
    if !id.starts_with(&prefix) {
        Some(format!("machine set of cluster {cluster:?} ID must have {prefix:?} as prefix"))
    } else if control_plane && *id != reserved {
        Some(format!("control plane machine set must have ID {reserved:?}"))
    } else if !control_plane && *id == reserved {
        Some(format!("worker machine set must not have ID {reserved:?}"))
    } else {
        None
    }
}

fn destroy(view: &dyn Reader, old: &Object) -> Option<String> {
    let cluster_id = old.label(label::CLUSTER).unwrap_or_default();
    let cluster = view.get(kind::CLUSTER, cluster_id)?;
    (has_lock(&cluster) && !cluster.tearing_down).then(|| {
        format!(
            "removing machine set {:?} from the cluster {cluster_id:?} is not allowed: the cluster is locked",
            old.key.id
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, annotated, labelled, leaving, object};
    use super::*;
    use crate::names::annotation;
    use omni_proto::specs::machine_class_spec::Provision;
    use omni_proto::specs::{ClusterSpec, ClusterUuid, MachineSetNodeSpec};

    const CP: &[(&str, &str)] = &[(label::CLUSTER, "c"), (label::CONTROL_PLANE, "")];
    const W: &[(&str, &str)] = &[(label::CLUSTER, "c"), (label::WORKER, "")];
    const RELATIVE: &str = "bootstrap snapshot must be a relative path without parent-directory references";

    fn set(id: &str, labels: &[(&str, &str)], spec: &MachineSetSpec) -> Object {
        labelled(object(kind::MACHINE_SET, id, spec), labels)
    }

    fn by_class(name: &str, count: u32, of: Type) -> MachineSetSpec {
        let allocation = MachineAllocation { name: name.into(), machine_count: count, allocation_type: of.into() };
        MachineSetSpec { machine_allocation: Some(allocation), ..Default::default() }
    }

    fn cluster() -> Object {
        object(kind::CLUSTER, "c", &ClusterSpec::default())
    }

    fn view() -> Fixture {
        let auto = MachineClassSpec { auto_provision: Some(Provision::default()), ..Default::default() };
        let uuid = ClusterUuid { uuid: "u".into() };
        Fixture::default()
            .with(cluster())
            .with(object(kind::MACHINE_CLASS, "labels", &MachineClassSpec::default()))
            .with(object(kind::MACHINE_CLASS, "auto", &auto))
            .with(labelled(object(kind::CLUSTER_UUID, "other", &uuid), &[(label::CLUSTER_UUID, "u")]))
    }

    #[test]
    fn creates() {
        let plain = MachineSetSpec::default();
        let from = |uuid: &str, snapshot: &str| MachineSetSpec {
            bootstrap_spec: Some(BootstrapSpec { cluster_uuid: uuid.into(), snapshot: snapshot.into() }),
            ..Default::default()
        };
        let view = view();
        for (id, labels, spec, expected) in [
            ("c-control-planes", CP, &plain, vec![]),
            ("c-workers", W, &plain, vec![]),
            (
                "c-workers",
                &[(label::WORKER, "")][..],
                &plain,
                vec!["label \"omni.sidero.dev/cluster\" does not exist", "the cluster \"\" does not exist"],
            ),
            (
                "c-workers",
                &[(label::CLUSTER, ""), (label::WORKER, "")],
                &plain,
                vec!["label \"omni.sidero.dev/cluster\" has empty value", "the cluster \"\" does not exist"],
            ),
            (
                "d-workers",
                &[(label::CLUSTER, "d"), (label::WORKER, "")],
                &plain,
                vec!["the cluster \"d\" does not exist"],
            ),
            (
                "c-workers",
                &[(label::CLUSTER, "c")],
                &plain,
                vec![
                    "machine set must have either \"omni.sidero.dev/role-controlplane\" or \
                     \"omni.sidero.dev/role-worker\" label",
                ],
            ),
            ("workers", W, &plain, vec!["machine set of cluster \"c\" ID must have \"c-\" as prefix"]),
            ("c-cp", CP, &plain, vec!["control plane machine set must have ID \"c-control-planes\""]),
            ("c-control-planes", W, &plain, vec!["worker machine set must not have ID \"c-control-planes\""]),
            ("c-workers", W, &from("u", "s"), vec!["bootstrap spec is not allowed for worker machine sets"]),
            ("c-control-planes", CP, &from("u", "s"), vec![]),
            ("c-control-planes", CP, &from("x", "s"), vec!["invalid cluster UUID \"x\""]),
            ("c-control-planes", CP, &from("u", "."), vec![]),
            ("c-control-planes", CP, &from("u", "a/b.c"), vec![]),
            ("c-control-planes", CP, &from("u", "a/../b"), vec![RELATIVE]),
            ("c-control-planes", CP, &from("u", "a//b"), vec![RELATIVE]),
            ("c-control-planes", CP, &from("u", "./a"), vec![RELATIVE]),
            ("c-control-planes", CP, &from("u", "/a"), vec![RELATIVE]),
            ("c-control-planes", CP, &from("u", "a/"), vec![RELATIVE]),
            (
                "c-control-planes",
                CP,
                &from("u", &"a".repeat(4097)),
                vec!["bootstrap snapshot path is too long: 4097 bytes (max 4096)"],
            ),
            ("c-workers", W, &by_class("", 1, Type::Static), vec!["machine allocation source name is not set"]),
            (
                "c-workers",
                W,
                &by_class("labels", 1, Type::Unlimited),
                vec!["machine count can be set only if static allocation type is used"],
            ),
            (
                "c-workers",
                W,
                &by_class("none", 1, Type::Static),
                vec!["machine class with name \"none\" doesn't exist"],
            ),
            (
                "c-workers",
                W,
                &by_class("auto", 0, Type::Unlimited),
                vec![
                    "machine class \"auto\" is using autoprovision, so unlimited machine set allocation is not supported",
                ],
            ),
            ("c-workers", W, &by_class("labels", 0, Type::Unlimited), vec![]),
        ] {
            assert_eq!(problems(&view, Change::Create(&set(id, labels, spec))), expected, "{id} {labels:?}");
        }
    }

    #[test]
    fn the_state_of_the_cluster() {
        let new = set("c-control-planes", CP, &MachineSetSpec::default());
        let leaving_cluster = Fixture::default().with(leaving(cluster()));
        assert_eq!(problems(&leaving_cluster, Change::Create(&new)), ["the cluster \"c\" is tearing down"]);

        let locked = annotated(cluster(), annotation::CLUSTER_LOCKED);
        let view = Fixture::default().with(locked.clone());
        assert_eq!(
            problems(&view, Change::Create(&new)),
            ["adding machine set \"c-control-planes\" to the cluster \"c\" is not allowed: the cluster is locked"]
        );
        assert_eq!(
            problems(&view, Change::Update(&new, &new)),
            ["updating machine set \"c-control-planes\" on the cluster \"c\" is not allowed: the cluster is locked"]
        );
        assert_eq!(
            problems(&view, Change::Destroy(&new)),
            ["removing machine set \"c-control-planes\" from the cluster \"c\" is not allowed: the cluster is locked"]
        );
        let importing = Fixture::default().with(annotated(locked, annotation::CLUSTER_IMPORT_IN_PROGRESS));
        assert_eq!(problems(&importing, Change::Create(&new)), [""; 0]);

        let status = ClusterBootstrapStatusSpec { bootstrapped: true };
        let running = Fixture::default().with(cluster()).with(object(kind::CLUSTER_BOOTSTRAP_STATUS, "c", &status));
        assert_eq!(
            problems(&running, Change::Create(&new)),
            ["adding control plane machine set to an already bootstrapped cluster is not allowed"]
        );
    }

    #[test]
    fn updates() {
        let plain = set("c-workers", W, &MachineSetSpec::default());
        let moved = set("c-workers", &[(label::CLUSTER, "other"), (label::WORKER, "")], &MachineSetSpec::default());
        let view = view().with(object(kind::CLUSTER, "other", &ClusterSpec::default()));
        assert_eq!(
            problems(&view, Change::Update(&plain, &moved)),
            ["changing value of label \"omni.sidero.dev/cluster\" from \"c\" to \"other\""]
        );
        let class = set("c-workers", W, &by_class("labels", 1, Type::Static));
        let unknown = set("c-workers", W, &by_class("none", 1, Type::Static));
        assert_eq!(problems(&view, Change::Update(&plain, &unknown)), [""; 0]);
        assert_eq!(
            problems(&view, Change::Update(&class, &unknown)),
            ["machine class with name \"none\" doesn't exist"]
        );
        let node = object(kind::MACHINE_SET_NODE, "m", &MachineSetNodeSpec::default());
        let full = view.with(labelled(node, &[(label::MACHINE_SET, "c-workers")]));
        assert_eq!(
            problems(&full, Change::Update(&plain, &class)),
            ["machine set is not empty and is using manual nodes management, updating to machine class mode is not \
                 allowed"]
        );
        assert_eq!(
            problems(&full, Change::Update(&class, &plain)),
            ["machine set is not empty and is using machine class based node management, updating to manual mode is \
                 not allowed"]
        );
    }

    #[test]
    fn bootstrap_specs_stay() {
        let plain = set("c-control-planes", CP, &MachineSetSpec::default());
        let spec = BootstrapSpec { cluster_uuid: "u".into(), snapshot: "s".into() };
        let with = set("c-control-planes", CP, &MachineSetSpec { bootstrap_spec: Some(spec), ..Default::default() });
        let view = view();
        assert_eq!(problems(&view, Change::Update(&plain, &with)), ["bootstrap spec is immutable after creation"]);
        assert_eq!(
            problems(&view, Change::Update(&with, &plain)),
            ["bootstrap spec can only be removed after the cluster is bootstrapped"]
        );
        let status = ClusterBootstrapStatusSpec { bootstrapped: true };
        let view = view.with(object(kind::CLUSTER_BOOTSTRAP_STATUS, "c", &status));
        assert_eq!(problems(&view, Change::Update(&with, &plain)), [""; 0]);
    }
}
