//! What plans tell of actions that would not do what they are to do.

use super::cases::CASES;
use super::{SharedRule, start};
use crate::host::{Host, warnings};
use crate::lifecycle::block;
use libtest_mimic::Failed;
use omni_sim::inventory;
use serde_json::{Value as Json, json};

pub const ALL: [(&str, SharedRule); 1] =
    [("what_keeps_talos_from_a_machine_is_told_at_plan", what_keeps_talos_from_a_machine_is_told_at_plan)];

fn what_keeps_talos_from_a_machine_is_told_at_plan() -> Result<(), Failed> {
    block(async {
        let install = CASES.iter().find(|case| case.name == "omni_machine_install").unwrap();
        let host = start(install, &[]).await;
        let machine = inventory::id(4);
        let disk = (install.config)(&host)["disk"].clone();
        let planned = async |name: &str, json: Json| {
            warnings(&host.plan_action(name, &host.action_config(name, &json)).await).join("\n")
        };
        for (json, says) in [
            (json!({ "machine_id": machine, "disk": "/dev/nope" }), "has no disk `/dev/nope`: Its disks are `/dev/"),
            (json!({ "machine_id": machine, "disk": disk, "version": "9.9.9" }), "version: Talos 9.9.9 is not offered"),
            (json!({ "machine_id": machine, "disk": "/dev/disk/by-id/x" }), ""),
            (json!({ "machine_id": machine, "disk": disk }), ""),
        ] {
            let said = planned(install.name, json.clone()).await;
            assert!(said.contains(says) && said.is_empty() == says.is_empty(), "{json}: {said}");
        }
        let upgrade = json!({ "machine_id": machine, "version": "v9.9.9" });
        assert!(planned("omni_maintenance_upgrade", upgrade).await.contains("Talos 9.9.9 is not offered"));
        let config = host.action_config(install.name, &(install.config)(&host));
        host.invoke(install.name, &config).await.result().unwrap();
        let said = planned(install.name, (install.config)(&host)).await;
        assert!(said.contains("Talos is installed on machine"), "{said}");
    })
}
