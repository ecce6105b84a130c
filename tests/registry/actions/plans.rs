//! What plans tell of actions that would not do what they are to do.

use super::cases::{CASES, Case};
use super::{SharedRule, start};
use crate::host::{Host, warnings};
use crate::lifecycle::block;
use libtest_mimic::Failed;
use omni_sim::{inventory, kinds, world};
use serde_json::{Value as Json, json};

pub const ALL: [(&str, SharedRule); 4] = [
    ("what_keeps_talos_from_a_machine_is_told_at_plan", what_keeps_talos_from_a_machine_is_told_at_plan),
    ("what_a_rotation_would_wait_for_is_told_at_plan", what_a_rotation_would_wait_for_is_told_at_plan),
    ("a_machine_that_stays_is_told_at_plan", a_machine_that_stays_is_told_at_plan),
    ("objects_of_controllers_are_told_at_plan", objects_of_controllers_are_told_at_plan),
];

fn case(name: &str) -> &'static Case {
    CASES.iter().find(|case| case.name == name).unwrap()
}

/// The warnings of the plan of an action.
async fn planned(host: &Host, name: &str, json: Json) -> Vec<String> {
    warnings(&host.plan_action(name, &host.action_config(name, &json)).await)
}

fn what_keeps_talos_from_a_machine_is_told_at_plan() -> Result<(), Failed> {
    block(async {
        let install = case("omni_machine_install");
        let host = start(install, &[]).await;
        let machine = inventory::id(4);
        let disk = (install.config)(&host)["disk"].clone();
        let planned = async |name: &str, json: Json| planned(&host, name, json).await.join("\n");
        for (json, says) in [
            (json!({ "machine_id": machine, "disk": "/dev/nope" }), "has no disk `/dev/nope`: Its disks are `/dev/"),
            (json!({ "machine_id": machine, "disk": disk, "version": "9.9.9" }), "version: Talos 9.9.9 is not offered"),
            (json!({ "machine_id": machine, "disk": "/dev/disk/by-id/x" }), ""),
            (json!({ "machine_id": machine, "disk": disk }), ""),
        ] {
            let said = planned(install.name, json.clone()).await;
            assert!(said.contains(says) && said.is_empty() == says.is_empty(), "{json}: {said}");
        }
        // What keeps it from a machine of a cluster is the cluster, and nothing else is told.
        let member = json!({ "machine_id": inventory::id(2), "disk": "/dev/disk/by-id/x" });
        let said = planned(install.name, member.clone()).await;
        assert!(said.contains("belongs to cluster `c`") && !said.contains("Talos is installed"), "{said}");
        let said = host.invoke(install.name, &host.action_config(install.name, &member)).await.result();
        assert!(said.is_err_and(|said| !said.contains("omni_maintenance_upgrade")));
        let upgrade = json!({ "machine_id": machine, "version": "v9.9.9" });
        assert!(planned("omni_maintenance_upgrade", upgrade).await.contains("Talos 9.9.9 is not offered"));
        let config = host.action_config(install.name, &(install.config)(&host));
        host.invoke(install.name, &config).await.result().unwrap();
        let said = planned(install.name, (install.config)(&host)).await;
        assert!(said.contains("Talos is installed on machine"), "{said}");
        // An invocation says the same, and not how the API calls an upgrade.
        let said = host.invoke(install.name, &config).await.result().expect_err("it is installed");
        for part in ["Talos is installed on the disk `/dev/", "`omni_maintenance_upgrade`", "Nothing was changed."] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!said.contains("OPERATION_UPGRADE"), "{said}");
    })
}

fn what_a_rotation_would_wait_for_is_told_at_plan() -> Result<(), Failed> {
    block(async {
        let name = "omni_rotate_talos_ca";
        let host = start(case(name), &[]).await;
        let planned = async || planned(&host, name, json!({ "cluster": "c" })).await;
        assert_eq!(planned().await, [""; 0]);
        let annotate = |kind: &str, id: &str, key: &str| {
            host.edit(kind, id, |object| drop(object.annotations.insert(key.into(), String::new())));
        };
        annotate("MachineSetNodes", &inventory::id(2), "omni.sidero.dev/locked");
        world::disconnect_machine(host.sim.store(), &inventory::id(3));
        host.sim.settle().unwrap();
        let said = planned().await.join("\n");
        let held = format!("`{}` (locked), `{}` (not connected)", inventory::id(2), inventory::id(3));
        for part in ["Machines of cluster `c` block a rotation", held.as_str(), "until its `timeout`"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!said.contains("Cluster `c` is locked"), "{said}");
        annotate("Clusters", "c", "omni.sidero.dev/cluster-locked");
        let said = planned().await.join("\n");
        assert!(said.contains("cluster: Cluster `c` is locked: Omni does not rotate anything in a locked"), "{said}");
    })
}

fn a_machine_that_stays_is_told_at_plan() -> Result<(), Failed> {
    block(async {
        let name = "omni_node_force_destroy";
        let host = start(case(name), &[]).await;
        let unknown = inventory::id(77);
        for (machine, says) in [
            (inventory::id(1), "is not being removed from its cluster"),
            (inventory::id(4), "is in no cluster"),
            (unknown, "is not known to Omni"),
            (inventory::id(3), ""),
        ] {
            let said = planned(&host, name, json!({ "machine_id": machine, "confirm": machine })).await;
            assert_eq!(said.len(), usize::from(!says.is_empty()), "{machine}: {said:?}");
            assert!(said.join("\n").contains(says), "{machine}: {said:?}");
        }
    })
}

fn objects_of_controllers_are_told_at_plan() -> Result<(), Failed> {
    block(async {
        let name = "omni_delete_by_selector";
        let host = start(case(name), &[]).await;
        let json = json!({ "type": "MachineClasses", "label_selector": "team", "max_count": 5 });
        assert_eq!(planned(&host, name, json.clone()).await, [""; 0]);
        host.sim.store().put("TheController", &kinds::key("MachineClasses.omni.sidero.dev", "own"), |object| {
            object.labels.insert("team".into(), "web".into());
        });
        let owned = "`MachineClasses.omni.sidero.dev/own` belongs to the controller `TheController` of Omni";
        let said = planned(&host, name, json.clone()).await.join("\n");
        assert!(said.contains(owned) && said.contains("label_selector: "), "{said}");
        let said = host.invoke(name, &host.action_config(name, &json)).await.result().expect_err("it is Omni's");
        assert!(said.contains(owned) && said.contains("Nothing was changed."), "{said}");
        assert_eq!((case(name).done)(&host), 0);
    })
}
