//! What an older Omni would take and ignore is refused in the plan, with the release that it needs.

use crate::fixture::{self, merged};
use crate::host::{Host, errors};
use crate::lifecycle::block;
use libtest_mimic::{Failed, Trial};
use omni_sim::driver::Mode;
use omni_sim::{Options, Release};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::time::Duration;
use terraform_provider_omni::provider;
use terraform_provider_omni::tf::schema::Attribute;

/// What needs which release: the type, how it is configured, the attribute to blame, and what needs none.
fn table() -> Vec<(&'static str, Json, &'static str, &'static str, Json)> {
    let talos = |feature: &str, on: bool| json!({ "features": { feature: on }, "talos_version": "1.13.5" });
    let provider = provider::new();
    let types = provider.resources();
    let types = types
        .iter()
        .filter_map(|resource| Some((resource.type_name(), json!({}), "", resource.schema().since?, json!(null))));
    let rows = vec![
        (
            "omni_cluster",
            talos("enable_node_audit_skip", true),
            "features",
            "1.9",
            talos("enable_node_audit_skip", false),
        ),
        (
            "omni_cluster",
            talos("disable_public_discovery_service", true),
            "features",
            "1.10",
            talos("disable_public_discovery_service", false),
        ),
        (
            "omni_machine_set",
            json!({ "upgrade_strategy": { "type": "Rolling", "max_parallelism": 2 } }),
            "upgrade_strategy",
            "1.6",
            json!({ "upgrade_strategy": { "type": "Unset" } }),
        ),
        ("omni_config_patch", json!({ "enabled": false }), "enabled", "1.10", json!({ "enabled": true })),
        ("omni_user", json!({ "role": "Auditor" }), "role", "1.10", json!({ "role": "Reader" })),
        ("omni_service_account", json!({ "role": "Auditor" }), "role", "1.10", json!({ "role": "Reader" })),
        (
            "omni_installation_media_preset",
            json!({ "embedded_machine_config": "machine: {}" }),
            "embedded_machine_config",
            "1.9",
            json!({}),
        ),
        (
            "omni_installation_media_preset",
            json!({ "embedded_machine_config_wo": "machine: {}" }),
            "embedded_machine_config_wo",
            "1.9",
            json!({}),
        ),
        (
            "omni_installation_media_preset",
            json!({ "image_factory_url": "https://factory.talos.dev" }),
            "image_factory_url",
            "1.10",
            json!({ "image_factory_url": "" }),
        ),
        ("omni_schematic", json!({ "overlay": { "image": "i", "name": "n" } }), "overlay", "1.5", json!({})),
        ("omni_schematic", json!({ "bootloader": "uefi" }), "bootloader", "1.5", json!({ "bootloader": "auto" })),
        (
            "omni_schematic",
            json!({ "image_factory_url": "https://factory.talos.dev" }),
            "image_factory_url",
            "1.10",
            json!({}),
        ),
        (
            "omni_schematic",
            json!({ "raw": "customization: {}", "extensions": null, "kernel_args": null, "meta_values": null }),
            "raw",
            "1.8",
            json!({}),
        ),
    ];
    types.chain(rows).collect()
}

pub fn trials() -> Vec<Trial> {
    let each = table().into_iter().map(|row| {
        Trial::test(format!("since::{}::{}::{}", row.0, row.2, row.3), move || refused_by_older_servers(&row))
    });
    let more = [
        Trial::test("since::every_row_is_tried", every_row_is_tried),
        Trial::test("since::names_of_infra_providers", names_of_infra_providers),
        Trial::test("since::fields_of_any_resource", fields_of_any_resource),
        Trial::test("since::a_release_is_reason_enough", a_release_is_reason_enough),
    ];
    each.chain(more).collect()
}

/// A name is refused in the plan by the rules of the server that is asked, and the server takes what the plan lets pass.
fn names_of_infra_providers() -> Result<(), Failed> {
    block(async {
        let kind = "omni_infra_provider";
        for (release, name, says) in [
            ("1.9", "aws_1", None),
            ("1.9", "-aws.1-", None),
            ("1.9", "Aws", Some("lower case only")),
            ("1.10", "aws-1", None),
            ("1.10", "aws_1", Some("The server is Omni 1.10.1: since 1.10,")),
            ("1.11", "aws-", Some("The server is Omni 1.11.0: since 1.10,")),
        ] {
            let host = host(release).await;
            let config = host.config(kind, &json!({ "name": name }));
            let mut said = errors(&host.validate(kind, &config).await);
            if said.is_empty() {
                said = host.plan(kind, None, &config).await.err().map(|d| errors(&d)).unwrap_or_default();
            }
            match says {
                None => {
                    assert_eq!(said, Vec::<String>::new(), "{release}: {name}");
                    host.next_run().await;
                    crate::defects::made(&host, kind, &json!({ "name": name })).await;
                }
                Some(says) => {
                    let told = said.len() == 1 && said[0].starts_with("name: ") && said[0].contains(says);
                    assert!(told, "{release}: {name}: {said:?}");
                }
            }
        }
    })
}

/// What else keeps a feature from working does not matter before an upgrade.
fn a_release_is_reason_enough() -> Result<(), Failed> {
    block(async {
        let (host, name) = (host("1.9").await, "omni_cluster");
        let patch = json!({ "features": { "disable_public_discovery_service": true }, "talos_version": "1.13.5" });
        let config = host.config(name, &merged(&fixture::on(&host, name).create, &patch));
        let said = host.plan(name, None, &config).await.err().map(|d| errors(&d)).unwrap_or_default();
        assert!(said.len() == 1 && said[0].contains("needs Omni 1.10"), "{said:#?}");
    })
}

/// The fields of a spec that is written as it is need a release like the attributes that stand for them elsewhere.
fn fields_of_any_resource() -> Result<(), Failed> {
    block(async {
        let spec = |skip: bool| json!({ "talos_version": "1.13.5", "kubernetes_version": "1.36.2", "features": { "enable_node_audit_skip": skip } });
        let yaml = "talosversion: 1.13.5\nkubernetesversion: 1.36.2\nfeatures: {enablenodeauditskip: true}\n";
        for (release, at, value, refused) in [
            ("1.8", "spec", spec(true), true),
            ("1.8", "spec", spec(false), false),
            ("1.9", "spec", spec(true), false),
            ("1.8", "yaml", json!(yaml), true),
        ] {
            let host = host(release).await;
            let config = host.config("omni_resource", &json!({ "type": "Clusters", "id": "demo", at: value }));
            let planned = host.plan("omni_resource", None, &config).await;
            let said = planned.err().map(|d| errors(&d)).unwrap_or_default();
            let told =
                said.len() == 1 && said[0].contains(&format!("`{at}.features.")) && said[0].contains("needs Omni 1.9");
            assert!(if refused { told } else { said.is_empty() }, "{release} {at}: {said:?}");
        }
    })
}

async fn host(release: &str) -> Host {
    let mode = Mode::Auto { tick: Duration::from_millis(5) };
    Host::with(Options { mode, release: release.parse::<Release>().expect(release), ..Options::default() }, &[]).await
}

fn before(release: &str) -> String {
    let (major, minor) = release.split_once('.').unwrap();
    format!("{major}.{}", minor.parse::<u32>().unwrap() - 1)
}

/// What is said of the releases that are needed.
async fn said(release: &str, name: &str, patch: &Json) -> Vec<String> {
    let host = host(release).await;
    let fixture = fixture::on(&host, name);
    let config = host.config(name, &merged(&fixture.create, patch));
    let said = host.plan(name, None, &config).await.err().map(|d| errors(&d)).unwrap_or_default();
    let needs: Vec<_> = said.iter().filter(|line| line.contains("needs Omni")).cloned().collect();
    // That a server does not have the type is the cause of everything else that it would answer.
    let lacks_type = needs.iter().any(|line| line.contains("which does not have this type"));
    assert!(!lacks_type || said == needs, "{name} on {release}: {said:#?}");
    needs
}

fn refused_by_older_servers(
    (name, patch, path, release, neutral): &(&'static str, Json, &'static str, &'static str, Json),
) -> Result<(), Failed> {
    block(async move {
        let old = before(release);
        let lines = said(&old, name, patch).await;
        let hit = |line: &&String| {
            line.starts_with(&format!("{path}: "))
                && line.contains(&format!("needs Omni {release}: "))
                && line.contains(&format!("The server is Omni {old}."))
                && line.contains(&format!("Upgrade Omni to {release} or later"))
        };
        assert!(lines.iter().any(|line| hit(&line)), "{name} on {old}: {lines:#?}");
        assert_eq!(said(release, name, patch).await, Vec::<String>::new(), "{name} on {release}");
        if !neutral.is_null() {
            assert_eq!(said(&old, name, neutral).await, Vec::<String>::new(), "{name} on {old}: {neutral}");
        }
    })
}

fn every_row_is_tried() -> Result<(), Failed> {
    let provider = provider::new();
    let mut rows = BTreeSet::new();
    for resource in provider.resources() {
        collect(resource.type_name(), &resource.schema().attributes, None, &mut rows);
        rows.extend(resource.schema().since.map(|release| (resource.type_name(), String::new(), release)));
    }
    let tried: BTreeSet<_> = table().into_iter().map(|row| (row.0, row.2.to_owned(), row.3)).collect();
    if rows == tried { Ok(()) } else { Err(format!("the rows are {rows:#?}, tried are {tried:#?}").into()) }
}

/// Hosts find attributes at the top only, and so do the diagnostics on the wire.
fn collect(
    name: &'static str,
    attributes: &[Attribute],
    top: Option<&str>,
    rows: &mut BTreeSet<(&'static str, String, &'static str)>,
) {
    for attribute in attributes.iter().filter(|a| a.configurable()) {
        let top = top.unwrap_or(attribute.name);
        rows.extend(attribute.since.map(|since| (name, top.to_owned(), since.release)));
        collect(name, attribute.nested(), Some(top), rows);
    }
}
