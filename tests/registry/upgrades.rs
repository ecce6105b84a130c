//! What an upgrade of Omni does to objects that a configuration has: what it changes is explained, and the rest stays.

use crate::defects::made;
use crate::host::{Host, Instance, errors};
use crate::lifecycle::{block, settled};
use libtest_mimic::{Failed, Trial};
use omni_sim::{Options, Release};
use serde_json::{Value as Json, json};
use std::path::Path;
use std::time::Duration;

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("a_patch_that_became_an_install_disk_is_explained", a_patch_that_became_an_install_disk_is_explained),
        ("a_patch_that_may_not_be_changed_any_more_says_why", a_patch_that_may_not_be_changed_any_more_says_why),
        ("a_patch_that_was_never_checked_as_a_whole_says_why", a_patch_that_was_never_checked_as_a_whole_says_why),
        ("what_was_imported_keeps_the_form_of_its_id", what_was_imported_keeps_the_form_of_its_id),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("upgrades::{name}"), test)).collect()
}

const MACHINE: &str = "00000000-0000-4000-8000-000000000001";
const PATCH: &str = "omni_config_patch";
const DISK: &str = "omni_machine_install_disk";

/// A server of this release that keeps what it has in this folder.
async fn server(release: Release, data: &Path) -> Host {
    let options = Options { release, data: Some(data.to_owned()), ..Host::options(Duration::from_millis(5)) };
    Host::with(options, &[]).await
}

/// A cluster with a patch, made by a server of the first release, as a server of the second one finds them.
async fn upgraded(from: Release, to: Release, config: &Json, data: &Path) -> (Host, Instance) {
    let host = server(from, data).await;
    made(&host, "omni_cluster", &json!({ "name": "demo", "talos_version": "1.13.8", "kubernetes_version": "1.36.2" }))
        .await;
    let patch = made(&host, PATCH, config).await;
    drop(host);
    (server(to, data).await, patch)
}

async fn refusal(host: &Host, prior: Option<&Instance>, config: &Json) -> String {
    let config = host.config(PATCH, config);
    errors(&host.plan(PATCH, prior, &config).await.expect_err("Omni refuses it")).join("\n")
}

fn a_patch_that_became_an_install_disk_is_explained() -> Result<(), Failed> {
    block(async {
        let data = tempfile::tempdir().unwrap();
        let config = json!({
            "name": "install-disk",
            "cluster": "demo",
            "selector": { "cluster_machine": MACHINE },
            "id_override": format!("000-cm-{MACHINE}-install-disk"),
            "data": "machine:\n  install:\n    disk: /dev/vda\n",
        });
        let (host, patch) = upgraded(Release::V1_10, Release::NEWEST, &config, data.path()).await;
        assert!(host.read(PATCH, &patch).await.unwrap().is_none(), "Omni removes the patch");
        assert_eq!(
            refusal(&host, None, &config).await,
            format!(
                "data: The patch for the disk of machine `{MACHINE}` is an install disk configuration now: \
                 Omni 1.11 replaces each patch that only sets `machine.install.disk` of a machine with an object of another type, \
                 and refuses to create the patch again. `omni_machine_install_disk` manages that object.\n\n\
                 Replace the block of the patch with these, which change nothing in Omni:\n\n  \
                 removed {{\n    from = omni_config_patch.<NAME>\n    lifecycle {{\n      destroy = false\n    }}\n  }}\n\n  \
                 import {{\n    to = omni_machine_install_disk.<NAME>\n    id = \"{MACHINE}\"\n  }}\n\n  \
                 resource \"omni_machine_install_disk\" \"<NAME>\" {{\n    machine_id = \"{MACHINE}\"\n    disk       = \"/dev/vda\"\n  }}"
            )
        );
        // The advice holds: nothing is left to change.
        let imported = host.import(DISK, MACHINE, None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let config = host.config(DISK, &json!({ "machine_id": MACHINE, "disk": "/dev/vda" }));
        settled(&host, DISK, &imported, &config, "import").await;
    })
}

fn a_patch_that_may_not_be_changed_any_more_says_why() -> Result<(), Failed> {
    block(async {
        let data = tempfile::tempdir().unwrap();
        let mut config = json!({
            "name": "disk",
            "cluster": "demo",
            "data": "machine:\n  install:\n    disk: /dev/vda\n    wipe: false\n",
        });
        let (host, patch) = upgraded(Release::V1_10, Release::NEWEST, &config, data.path()).await;
        // It stays, and as long as nothing changes, nothing is said.
        let patch = settled(&host, PATCH, &patch, &host.config(PATCH, &config), "the upgrade").await;
        config["labels"] = json!({ "env": "prod" });
        assert_eq!(
            refusal(&host, Some(&patch), &config).await,
            "data: Omni refuses the patch: It sets fields that Omni controls: `machine.install.disk`. \
             The plan does not change them: Omni validates the whole patch with every update, and controls more fields than \
             the release that accepted the patch. Since Omni 1.11, `machine.install.disk` of a patch has no effect.\n\n\
             Remove these fields from the patch. Set the disk with an `omni_machine_install_disk` of the machine."
        );
        // Without the field, the same change is made.
        config["data"] = json!("machine:\n  install:\n    wipe: false\n");
        let config = host.config(PATCH, &config);
        host.apply(PATCH, Some(&patch), &config).await.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
    })
}

fn a_patch_that_was_never_checked_as_a_whole_says_why() -> Result<(), Failed> {
    block(async {
        let data = tempfile::tempdir().unwrap();
        let mut config = json!({
            "name": "ca",
            "cluster": "demo",
            "data": "machine:\n  time: {}\ncluster:\n  ca:\n    crt: eA==\n    key: eA==\n",
        });
        let (host, patch) = upgraded(Release::V1_9, Release::V1_10, &config, data.path()).await;
        let patch = settled(&host, PATCH, &patch, &host.config(PATCH, &config), "the upgrade").await;
        config["labels"] = json!({ "env": "prod" });
        assert_eq!(
            refusal(&host, Some(&patch), &config).await,
            "data: Omni refuses the patch: It sets fields that Omni controls: `cluster.ca`. \
             The plan does not change them: Omni validates the whole patch with every update, and controls more fields than \
             the release that accepted the patch.\n\nRemove these fields from the patch."
        );
    })
}

fn what_was_imported_keeps_the_form_of_its_id() -> Result<(), Failed> {
    block(async {
        let data = tempfile::tempdir().unwrap();
        let id = "500-cluster-demo-time";
        let mut config = json!({
            "name": "time",
            "cluster": "demo",
            "weight": 500,
            "id_override": id,
            "data": "machine:\n  time:\n    servers: [a.example]\n",
        });
        let (host, patch) = upgraded(Release::V1_10, Release::NEWEST, &config, data.path()).await;
        // As a configuration has it that was written for an import.
        config.as_object_mut().unwrap().remove("id_override");
        let imported = host.import(PATCH, id, None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let imported = settled(&host, PATCH, &imported, &host.config(PATCH, &config), "import").await;
        assert_eq!(imported.state.get("id"), patch.state.get("id"));
        config["data"] = json!("machine:\n  time:\n    servers: [b.example]\n");
        let config = host.config(PATCH, &config);
        let plan = host.plan(PATCH, Some(&imported), &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!((plan.replace.as_slice(), plan.planned.get("id")), (&[][..], &id.into()));
    })
}
