//! Rules for machine set nodes: machine set and cluster must exist and be unlocked, and the machine must be compatible.

use super::cluster::{has_lock, is_locked};
use super::{Change, machine_set, relation, tolerant};
use crate::Release;
use crate::catalogue::Feature;
use crate::names::{annotation, kind, label};
use crate::object::{Object, Reader};
use omni_proto::specs::{ClusterSpec, MachineSetSpec, MachineStatusSpec};
use std::sync::Arc;

/// The problems with a change of a machine set node.
pub(super) fn problems(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    let mut found = relation::problems(change, &[label::CLUSTER, label::MACHINE_SET]);
    found.extend(match change {
        Change::Create(new) => create(view, new),
        // What is torn down is judged by the rules for destruction alone.
        Change::Update(_, new) if new.tearing_down => None,
        Change::Update(old, new) => update(view, old, new),
        Change::Destroy(old) => destroy(view, old),
    });
    found
}

fn create(view: &dyn Reader, new: &Object) -> Option<String> {
    let set_id = new.label(label::MACHINE_SET).unwrap_or_default();
    let refuse =
        |why: &str| Some(format!("adding machine set node to the machine set {set_id:?} is not allowed: {why}"));
    let set = match running_set(view, set_id) {
        Ok(set) => set,
        Err(why) => return refuse(&why),
    };
    if machine_set::allocation(&set.spec::<MachineSetSpec>()).is_some() && !undoes_removal(view, new) {
        return refuse("the machine set is using automated machine allocation");
    }
    let cluster = match free_cluster(view, new) {
        Ok(cluster) => cluster,
        Err(why) => return refuse(&why),
    };
    let machine = view.get(kind::MACHINE_STATUS, &new.key.id);
    let misfit = machine.and_then(|machine| incompatibility(super::release(view), &machine, &cluster));
    misfit.or_else(|| locks_control_plane(&set, new))
}

fn update(view: &dyn Reader, old: &Object, new: &Object) -> Option<String> {
    let set_id = old.label(label::MACHINE_SET).unwrap_or_default();
    let refuse =
        |why: &str| Some(format!("updating machine set node on the machine set {set_id:?} is not allowed: {why}"));
    let set = match running_set(view, set_id) {
        Ok(set) => set,
        Err(why) => return refuse(&why),
    };
    let cluster = match free_cluster(view, old) {
        Ok(cluster) => cluster,
        Err(why) => return refuse(&why),
    };
    let release = super::release(view);
    let moves = match new.label(label::MACHINE_SET) {
        // Whoever moves has to fit, although nobody may move.
        Some(new_set) => new_set != set_id,
        None => true,
    };
    let moves_only = release.has(Feature::MembersJudgedOnMoves);
    if moves_only && new.label(label::MACHINE_SET).is_none() {
        return Some("missing machine set label".into());
    }
    let machine = view.get(kind::MACHINE_STATUS, &new.key.id).filter(|_| moves || !moves_only);
    let misfit = machine.and_then(|machine| incompatibility(release, &machine, &cluster));
    misfit.or_else(|| locks_control_plane(&set, new))
}

fn destroy(view: &dyn Reader, old: &Object) -> Option<String> {
    let set_id = old.label(label::MACHINE_SET).unwrap_or_default();
    let cluster_id = old.label(label::CLUSTER).unwrap_or_default();
    let set = view.get(kind::MACHINE_SET, set_id)?;
    let cluster = view.get(kind::CLUSTER, cluster_id)?;
    // What goes away as a whole is not held up by one machine.
    if set.tearing_down || cluster.tearing_down {
        return None;
    }
    let why = if old.annotations.contains_key(annotation::MACHINE_LOCKED) {
        "machine set node is locked".to_owned()
    } else if has_lock(&cluster) {
        format!("the cluster {cluster_id:?} is locked")
    } else {
        return None;
    };
    Some(format!("removing machine set node from the machine set {set_id:?} is not allowed: {why}"))
}

fn running_set(view: &dyn Reader, id: &str) -> Result<Arc<Object>, String> {
    match view.get(kind::MACHINE_SET, id) {
        None => Err("the machine set does not exist".into()),
        Some(set) if set.tearing_down => Err("the machine set is tearing down".into()),
        Some(set) => Ok(set),
    }
}

fn free_cluster(view: &dyn Reader, node: &Object) -> Result<Arc<Object>, String> {
    let id = node.label(label::CLUSTER).unwrap_or_default();
    let Some(cluster) = view.get(kind::CLUSTER, id) else {
        return Err(format!("the cluster {id:?} does not exist"));
    };
    if cluster.tearing_down {
        Err(format!("the cluster {id:?} is tearing down"))
    } else if is_locked(view, &cluster) {
        Err(format!("the cluster {id:?} is locked"))
    } else {
        Ok(cluster)
    }
}

/// Whether a node that the allocation once made is put back before its machine has left.
fn undoes_removal(view: &dyn Reader, new: &Object) -> bool {
    super::release(view).has(Feature::AllocationsUndone)
        && new.label(label::MANAGED_BY_ALLOCATION).is_some()
        && view.get(kind::CLUSTER_MACHINE, &new.key.id).is_some_and(|cluster_machine| !cluster_machine.tearing_down)
}

/// Why the machine with this status cannot join this cluster.
#[must_use]
pub fn incompatibility(release: Release, machine: &Object, cluster: &Object) -> Option<String> {
    let status: MachineStatusSpec = machine.spec();
    let agent = status.schematic.as_ref().is_some_and(|schematic| schematic.in_agent_mode);
    // A machine that does not say what it runs is given the benefit of the doubt.
    let runs = tolerant::parse(&status.talos_version).ok()?;
    let wanted = tolerant::parse(&cluster.spec::<ClusterSpec>().talos_version).ok()?;
    if agent {
        return None;
    }
    let wants = wanted.minor_line();
    if !release.has(Feature::MachineLabelsJudged) {
        let has = runs.minor_line();
        if has > wants {
            let id = &cluster.key.id;
            return Some(format!(
                "cannot add machine set node to the cluster {id} as it will trigger Talos downgrade on the node ({runs} \
                 -> {wanted})"
            ));
        }
        let disks = status.hardware.map(|hardware| hardware.blockdevices).unwrap_or_default();
        let fits = disks.iter().any(|disk| disk.system_disk) || has == wants;
        return (!fits).then(|| {
            "machines which are running Talos without installation can be added only to Talos clusters with the same \
             major and minor versions"
                .into()
        });
    }
    let Some(told) = machine.label(label::TALOS_VERSION) else {
        return Some("the machine has no Talos version label".into());
    };
    let Ok(has) = tolerant::parse(told) else {
        return Some("the machine's Talos version could not be determined".into());
    };
    let has = has.minor_line();
    if has > wants {
        return Some(
            "the machine has a newer Talos version installed: downgrade is not allowed. Upgrade the machine or change \
             the cluster Talos version"
                .into(),
        );
    }
    let installs_explicitly = has >= (1, 13) && wants >= (1, 13);
    if machine.label(label::INSTALLED).is_some() || has == wants || installs_explicitly {
        return None;
    }
    Some(
        "the machine running from ISO or PXE must have the same major and minor version as the cluster it is going to \
         be added to. Please use another ISO or change the cluster Talos version"
            .into(),
    )
}

fn locks_control_plane(set: &Object, node: &Object) -> Option<String> {
    let locked = node.annotations.contains_key(annotation::MACHINE_LOCKED);
    (locked && set.label(label::CONTROL_PLANE).is_some()).then(|| "locking controlplanes is not allowed".into())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, annotated, labelled, leaving, object};
    use super::*;
    use omni_proto::specs::machine_set_spec::MachineAllocation;
    use omni_proto::specs::machine_status_spec::hardware_status::BlockDevice;
    use omni_proto::specs::machine_status_spec::{HardwareStatus, Schematic};
    use omni_proto::specs::{ClusterMachineSpec, MachineSetNodeSpec, SysVersionSpec};

    fn cluster(talos: &str) -> Object {
        let spec = ClusterSpec { talos_version: talos.into(), ..Default::default() };
        object(kind::CLUSTER, "c", &spec)
    }

    fn set(id: &str, role: &str) -> Object {
        let set = object(kind::MACHINE_SET, id, &MachineSetSpec::default());
        labelled(set, &[(label::CLUSTER, "c"), (role, "")])
    }

    fn node(set: &str) -> Object {
        let node = object(kind::MACHINE_SET_NODE, "m", &MachineSetNodeSpec::default());
        labelled(node, &[(label::CLUSTER, "c"), (label::MACHINE_SET, set)])
    }

    fn view(cluster: Object) -> Fixture {
        Fixture::default().with(cluster).with(set("c-workers", label::WORKER)).with(set("cp", label::CONTROL_PLANE))
    }

    fn machine(talos: &str) -> Object {
        let spec = MachineStatusSpec { talos_version: talos.into(), ..Default::default() };
        labelled(object(kind::MACHINE_STATUS, "m", &spec), &[(label::TALOS_VERSION, talos)])
    }

    #[test]
    fn what_must_be_there() {
        let adding = "adding machine set node to the machine set \"c-workers\" is not allowed: ";
        let updating = "updating machine set node on the machine set \"c-workers\" is not allowed: ";
        let running = || set("c-workers", label::WORKER);
        let talos = "1.13.5";
        for (view, why) in [
            (Fixture::default().with(cluster(talos)), "the machine set does not exist"),
            (Fixture::default().with(cluster(talos)).with(leaving(running())), "the machine set is tearing down"),
            (Fixture::default().with(running()), "the cluster \"c\" does not exist"),
            (Fixture::default().with(running()).with(leaving(cluster(talos))), "the cluster \"c\" is tearing down"),
            (
                Fixture::default().with(running()).with(annotated(cluster(talos), annotation::CLUSTER_LOCKED)),
                "the cluster \"c\" is locked",
            ),
        ] {
            let node = node("c-workers");
            assert_eq!(problems(&view, Change::Create(&node)), [format!("{adding}{why}")]);
            assert_eq!(problems(&view, Change::Update(&node, &node)), [format!("{updating}{why}")]);
        }
        assert_eq!(problems(&view(cluster(talos)), Change::Create(&node("c-workers"))), [""; 0]);
    }

    #[test]
    fn labels_are_there_and_stay() {
        let bare = object(kind::MACHINE_SET_NODE, "m", &MachineSetNodeSpec::default());
        assert_eq!(
            problems(&view(cluster("1.13.5")), Change::Create(&bare)),
            [
                "label \"omni.sidero.dev/cluster\" does not exist",
                "label \"omni.sidero.dev/machine-set\" does not exist",
                "adding machine set node to the machine set \"\" is not allowed: the machine set does not exist",
            ]
        );
        assert_eq!(
            problems(&view(cluster("1.13.5")), Change::Update(&node("c-workers"), &node("cp"))),
            ["changing value of label \"omni.sidero.dev/machine-set\" from \"c-workers\" to \"cp\""]
        );
        let moved = problems(
            &view(cluster("1.13.5")).with(machine("v1.14.0")),
            Change::Update(&node("c-workers"), &node("cp")),
        );
        assert!(moved.len() == 2 && moved[1].starts_with("the machine has a newer Talos version"), "{moved:?}");
        let lost = labelled(bare.clone(), &[(label::CLUSTER, "c")]);
        let whole = problems(&view(cluster("1.13.5")), Change::Update(&node("c-workers"), &lost));
        assert_eq!(whole.last().map(String::as_str), Some("missing machine set label"));
        let bare = problems(&view(cluster("1.13.5")), Change::Update(&node("c-workers"), &bare));
        assert_eq!(
            bare,
            [
                "label \"omni.sidero.dev/cluster\" does not exist",
                "label \"omni.sidero.dev/machine-set\" does not exist",
                "changing value of label \"omni.sidero.dev/cluster\" from \"c\" to \"\"",
                "changing value of label \"omni.sidero.dev/machine-set\" from \"c-workers\" to \"\"",
                "missing machine set label",
            ]
        );
        let gone = problems(&view(cluster("1.13.5")), Change::Update(&node("other"), &lost));
        assert_eq!(
            gone.last().map(String::as_str),
            Some(
                "updating machine set node on the machine set \"other\" is not allowed: the machine set does not exist"
            )
        );
    }

    #[test]
    fn sets_by_class_take_no_nodes_from_users() {
        let by_class = MachineSetSpec { machine_allocation: Some(MachineAllocation::default()), ..Default::default() };
        let mut class_set = set("c-workers", label::WORKER);
        class_set.spec = prost::Message::encode_to_vec(&by_class);
        let view = Fixture::default().with(cluster("1.13.5")).with(class_set);
        let refused = "adding machine set node to the machine set \"c-workers\" is not allowed: the machine set is using \
                       automated machine allocation";
        let managed = labelled(node("c-workers"), &[(label::MANAGED_BY_ALLOCATION, "")]);
        assert_eq!(problems(&view, Change::Create(&node("c-workers"))), [refused]);
        assert_eq!(problems(&view, Change::Create(&managed)), [refused]);
        let cluster_machine = object(kind::CLUSTER_MACHINE, "m", &ClusterMachineSpec::default());
        assert_eq!(problems(&view.with(cluster_machine), Change::Create(&managed)), [""; 0]);
    }

    #[test]
    fn machines_must_fit() {
        let newer = "the machine has a newer Talos version installed: downgrade is not allowed. Upgrade the machine or \
                     change the cluster Talos version";
        let other = "the machine running from ISO or PXE must have the same major and minor version as the cluster it is \
                     going to be added to. Please use another ISO or change the cluster Talos version";
        let installed = |talos: &str| labelled(machine(talos), &[(label::INSTALLED, "")]);
        let mut agent = machine("1.14.0");
        let spec = MachineStatusSpec {
            talos_version: "v1.14.0".into(),
            schematic: Some(Schematic { in_agent_mode: true, ..Default::default() }),
            ..Default::default()
        };
        agent.spec = prost::Message::encode_to_vec(&spec);
        for (machine, cluster_talos, expected) in [
            (machine("v1.13.5"), "1.13.8", None),
            (machine("v1.14.0"), "1.13.8", Some(newer)),
            (installed("v1.14.0"), "1.13.8", Some(newer)),
            (installed("v1.11.6"), "1.13.8", None),
            (machine("v1.11.6"), "1.13.8", Some(other)),
            (machine("v1.13.5"), "1.14.0", None),
            (machine("unknown"), "1.13.8", None),
            (machine(""), "1.13.8", None),
            (agent, "1.13.8", None),
        ] {
            let view = view(cluster(cluster_talos)).with(machine);
            let expected: Vec<&str> = expected.into_iter().collect();
            assert_eq!(problems(&view, Change::Create(&node("c-workers"))), expected, "{cluster_talos}");
        }
    }

    #[test]
    fn older_servers_judged_members_by_their_status() {
        let disk = |installed| BlockDevice { system_disk: installed, ..Default::default() };
        let machine = |talos: &str, installed| {
            let hardware = Some(HardwareStatus { blockdevices: vec![disk(installed)], ..Default::default() });
            object(
                kind::MACHINE_STATUS,
                "m",
                &MachineStatusSpec { talos_version: talos.into(), hardware, ..Default::default() },
            )
        };
        let newer = "cannot add machine set node to the cluster c as it will trigger Talos downgrade on the node (1.14.0 \
                     -> 1.13.8)";
        let other = "machines which are running Talos without installation can be added only to Talos clusters with the \
                     same major and minor versions";
        let server = |version: &str| {
            let spec = SysVersionSpec { backend_version: version.into(), ..Default::default() };
            view(cluster("1.13.8")).with(object(kind::SYS_VERSION, "current", &spec))
        };
        for (talos, installed, expected) in [
            ("v1.13.5", false, None),
            ("v1.14.0", true, Some(newer)),
            ("v1.11.6", true, None),
            ("v1.11.6", false, Some(other)),
            ("unknown", false, None),
        ] {
            let view = server("v1.9.3").with(machine(talos, installed));
            let expected = Vec::from_iter(expected);
            assert_eq!(problems(&view, Change::Create(&node("c-workers"))), expected, "{talos}");
        }
        for (version, expected) in [("v1.5.11", vec![newer]), ("v1.6.6", vec![])] {
            let view = server(version).with(machine("v1.14.0", true));
            let stays = Change::Update(&node("c-workers"), &node("c-workers"));
            assert_eq!(problems(&view, stays), expected, "{version}");
        }
        let by_class = MachineSetSpec { machine_allocation: Some(MachineAllocation::default()), ..Default::default() };
        let managed = labelled(node("by-class"), &[(label::MANAGED_BY_ALLOCATION, "")]);
        for (version, refused) in [("v1.3.4", true), ("v1.4.0", false)] {
            let mut class_set = set("by-class", label::WORKER);
            class_set.spec = prost::Message::encode_to_vec(&by_class);
            let cluster_machine = object(kind::CLUSTER_MACHINE, "m", &ClusterMachineSpec::default());
            let view = server(version).with(class_set).with(cluster_machine);
            assert_eq!(!problems(&view, Change::Create(&managed)).is_empty(), refused, "{version}");
        }
    }

    #[test]
    fn locks() {
        let view = view(cluster("1.13.5"));
        let locked = annotated(node("c-workers"), annotation::MACHINE_LOCKED);
        assert_eq!(problems(&view, Change::Create(&locked)), [""; 0]);
        assert_eq!(
            problems(&view, Change::Create(&annotated(node("cp"), annotation::MACHINE_LOCKED))),
            ["locking controlplanes is not allowed"]
        );
        assert_eq!(
            problems(&view, Change::Update(&node("cp"), &annotated(node("cp"), annotation::MACHINE_LOCKED))),
            ["locking controlplanes is not allowed"]
        );
        let removing = "removing machine set node from the machine set \"c-workers\" is not allowed: ";
        assert_eq!(problems(&view, Change::Destroy(&locked)), [format!("{removing}machine set node is locked")]);
        let leaving_cluster = Fixture::default().with(leaving(cluster("1.13.5"))).with(set("c-workers", label::WORKER));
        assert_eq!(problems(&leaving_cluster, Change::Destroy(&locked)), [""; 0]);
        let locked_cluster = Fixture::default()
            .with(annotated(cluster("1.13.5"), annotation::CLUSTER_LOCKED))
            .with(set("c-workers", label::WORKER));
        assert_eq!(
            problems(&locked_cluster, Change::Destroy(&node("c-workers"))),
            [format!("{removing}the cluster \"c\" is locked")]
        );
    }
}
