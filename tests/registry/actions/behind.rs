//! Actions before a server whose cache is behind: what they do rests on what is, and not on what the cache shows.

use super::{SharedRule, WORLD, calm, client, options};
use crate::lifecycle::block;
use libtest_mimic::Failed;
use omni_sim::{Options, inventory, kinds};
use serde_json::json;
use std::time::Duration;
use terraform_provider_omni::omni::{Call, Kind, Query};
use tokio_util::sync::CancellationToken;

pub const ALL: [(&str, SharedRule); 2] = [
    ("what_was_done_a_moment_ago_is_not_done_again", what_was_done_a_moment_ago_is_not_done_again),
    ("what_matches_no_longer_is_not_deleted", what_matches_no_longer_is_not_deleted),
];

/// How late cached reads are.
const LAG: Duration = Duration::from_secs(2);

/// Long enough for the cache to show what is.
fn limit() -> Call {
    Call::within(2 * LAG + Duration::from_secs(30), &CancellationToken::new())
}

/// What was done a moment ago is seen, and is not taken for what is to be done now.
fn what_was_done_a_moment_ago_is_not_done_again() -> Result<(), Failed> {
    block(async {
        let host = calm(Options { lag: LAG, ..options(WORLD) }, &[]).await;
        // What the server began with is in its cache from now on.
        let (seeing, call) = (client(&host), limit());
        let machine = Kind { namespace: "default", name: "MachineStatuses.omni.sidero.dev" }.key(inventory::id(4));
        while seeing.get(&call, &machine).await.is_err() {
            assert!(!call.remaining().is_zero(), "the cache shows nothing");
        }
        let name = "omni_maintenance_upgrade";
        let config = host.action_config(name, &json!({ "machine_id": inventory::id(4), "version": "1.13.8" }));
        host.invoke(name, &config).await.result().unwrap();
        let lines = host.invoke(name, &config).await.result().unwrap_or_else(|said| panic!("{said}"));
        assert!(lines[0].contains("runs Talos 1.13.8 already"), "{lines:?}");

        let name = "omni_etcd_backup";
        let config = host.action_config(name, &json!({ "cluster": "c" }));
        let backups = || host.sim.store().list("EtcdBackups.omni.sidero.dev").len();
        host.invoke(name, &config).await.result().unwrap();
        let before = backups();
        host.invoke(name, &config).await.result().unwrap();
        assert_eq!(backups(), before + 1, "another one was made");
    })
}

/// The cache still shows the label that was removed.
fn what_matches_no_longer_is_not_deleted() -> Result<(), Failed> {
    block(async {
        let host = calm(Options { lag: LAG, ..options(WORLD) }, &[]).await;
        let (seeing, call) = (client(&host), limit());
        let classes = Kind { namespace: "default", name: "MachineClasses.omni.sidero.dev" };
        let listed =
            async || seeing.list(&call, classes, &Query::label("team", "web")).await.map(|found| found.len()).unwrap();
        host.sim.store().put("", &kinds::key(classes.name, "kept"), |object| {
            object.labels.insert("team".into(), "web".into());
        });
        while listed().await == 0 {
            assert!(!call.remaining().is_zero(), "the cache shows nothing");
        }
        host.edit("MachineClasses", "kept", |object| {
            object.labels.remove("team");
        });
        let name = "omni_delete_by_selector";
        let json = json!({ "type": "MachineClasses", "label_selector": "team = web", "max_count": 1 });
        let lines = host.invoke(name, &host.action_config(name, &json)).await.result().unwrap();
        assert_eq!(listed().await, 1, "the cache is behind");
        assert_eq!(lines, ["No object of the type `MachineClasses` matches"]);
        assert!(host.object("MachineClasses", "kept").is_some());
    })
}
