//! Two invocations at the same time: what Omni does once is told as done to both, and what it does one by one to each in its turn.

use super::cases::CASES;
use super::{SharedRule, start};
use crate::host::Host;
use crate::lifecycle::block;
use libtest_mimic::Failed;
use omni_proto::specs::secret_rotation_spec::Component;
use omni_proto::specs::{InfraMachineStatusSpec, SecretRotationSpec};
use omni_sim::inventory;
use serde_json::json;

pub const ALL: [(&str, SharedRule); 3] = [
    ("two_reboots_at_once_are_one", two_reboots_at_once_are_one),
    ("two_backups_at_once_are_one", two_backups_at_once_are_one),
    ("two_rotations_at_once_are_told_apart", two_rotations_at_once_are_told_apart),
];

/// Invokes an action twice at the same time; both succeed.
async fn invoke_twice(name: &str) -> Host {
    let case = CASES.iter().find(|case| case.name == name).unwrap();
    let host = start(case, &[]).await;
    let mut json = (case.config)(&host);
    json["timeout"] = "20s".into();
    let config = host.action_config(name, &json);
    let (one, other) = tokio::join!(host.invoke(name, &config), host.invoke(name, &config));
    for invoked in [one, other] {
        let lines = invoked.result().unwrap_or_else(|said| panic!("{name}: {said}"));
        assert!(lines.iter().any(|line| line.contains(case.tells)), "{name}: {lines:#?}");
    }
    host
}

/// The provider of a machine reports only the request that it carried out last.
fn two_reboots_at_once_are_one() -> Result<(), Failed> {
    block(async {
        let host = invoke_twice("omni_machine_reboot").await;
        // One that comes later is another one.
        let config = host.action_config("omni_machine_reboot", &json!({ "machine_id": inventory::id(5) }));
        let last = || {
            let status = host.object("InfraMachineStatuses", &inventory::id(5)).unwrap();
            status.spec::<InfraMachineStatusSpec>().last_reboot_id
        };
        let before = last();
        let lines = host.invoke("omni_machine_reboot", &config).await.result().unwrap();
        assert!(lines[0].starts_with("Requested the reboot"), "{lines:?}");
        assert_ne!(last(), before);
    })
}

fn two_backups_at_once_are_one() -> Result<(), Failed> {
    block(async {
        drop(invoke_twice("omni_etcd_backup").await);
    })
}

/// Omni carries out one after the other, and each is told as done when it is: the end of the first is not that of the second.
fn two_rotations_at_once_are_told_apart() -> Result<(), Failed> {
    block(async {
        let talos = CASES.iter().find(|case| case.name == "omni_rotate_talos_ca").unwrap();
        let host = start(talos, &[]).await;
        let rotate = async |name: &str, note: &str, component: Component| {
            let config = host.action_config(name, &json!({ "cluster": "c", "timeout": "60s" }));
            let invoked = host.invoke(name, &config).await.result();
            let rotation = host.object("SecretRotations", "c");
            match invoked {
                Ok(_) => {
                    let rotation = rotation.unwrap_or_else(|| panic!("{name}: no rotation has begun"));
                    assert!(rotation.annotations.contains_key(note), "{name}: it has not begun");
                    assert_ne!(
                        rotation.spec::<SecretRotationSpec>().component(),
                        component,
                        "{name}: it has not ended"
                    );
                }
                // The other one was seen in time.
                Err(said) => assert!(said.contains("nother rotation is in progress"), "{name}: {said}"),
            }
        };
        tokio::join!(
            rotate("omni_rotate_talos_ca", "talos-version", Component::TalosCa),
            rotate("omni_rotate_kubernetes_ca", "kubernetes-version", Component::KubernetesCa),
        );
    })
}
