//! Labels and annotations are named by whoever has access to Omni: no key may keep the owner from reading, planning,
//! changing and destroying the object.

use crate::defects::{cluster, made};
use crate::host::{Host, Instance, errors};
use crate::lifecycle::{block, settled};
use libtest_mimic::{Failed, Trial};
use serde_json::json;
use terraform_provider_omni::tf::value::Value;
use terraform_provider_omni::tf::wire;

/// What readers of JSON, TOML and YAML take for something else than a key, and what is easily mangled.
const KEYS: &[&str] = &[
    "$serde_json::private::Number",
    "$serde_json::private::RawValue",
    "$__toml_private_datetime",
    "$__toml_private_Datetime",
    "$__toml_private_Spanned",
    "$__serde_spanned_private_start",
    "$__serde_spanned_private_end",
    "$__serde_spanned_private_value",
    "__proto__",
    "<<",
    "type",
    "value",
    "\u{e9}\"\\/ \u{200b}",
];

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("label_keys::any_key_of_others_can_be_read", any_key_of_others_can_be_read),
        Trial::test("label_keys::any_key_can_be_configured", any_key_can_be_configured),
    ]
}

/// The instance as a host gives it back: out of the file that holds the state.
async fn stored(host: &Host, name: &str, instance: &Instance) -> Instance {
    let upgraded = host.upgrade(name, &wire::to_json(&instance.state)).await;
    assert_eq!(upgraded.state, instance.state, "the state is read as it was written");
    Instance { state: upgraded.state, ..instance.clone() }
}

fn any_key_of_others_can_be_read() -> Result<(), Failed> {
    for key in KEYS {
        block(async {
            let host = Host::start(&[]).await;
            made(&host, "omni_cluster", &cluster()).await;
            host.edit("Clusters", "demo", |object| {
                object.labels.insert((*key).to_owned(), "x".into());
                object.annotations.insert((*key).to_owned(), "12".into());
            });
            // What nobody here configures is shown as it is.
            let imported =
                host.import("omni_cluster", "demo", None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
            let shown = Value::Map([((*key).to_owned(), Value::from("x"))].into());
            assert_eq!(imported.state.get("labels"), &shown);
            let imported = stored(&host, "omni_cluster", &imported).await;
            let config = host.config("omni_cluster", &cluster());
            let read = settled(&host, "omni_cluster", &imported, &config, "reading the key").await;
            let read = stored(&host, "omni_cluster", &read).await;
            let mut next = cluster();
            next["kubernetes_version"] = json!("1.36.2");
            let after = host.apply("omni_cluster", Some(&read), &host.config("omni_cluster", &next)).await;
            let after = after.unwrap_or_else(|(d, _)| panic!("{key}: {:?}", errors(&d)));
            let after = stored(&host, "omni_cluster", &after).await;
            let found = host.look("omni_cluster", &json!({ "name": "demo" })).await;
            let found = found.unwrap_or_else(|d| panic!("{key}: {:?}", errors(&d)));
            assert_eq!(found.get("labels"), &shown);
            host.destroy("omni_cluster", &after).await.unwrap_or_else(|d| panic!("{key}: {:?}", errors(&d)));
        })?;
    }
    Ok(())
}

fn any_key_can_be_configured() -> Result<(), Failed> {
    for key in KEYS {
        block(async {
            let host = Host::start(&[]).await;
            let mut config = cluster();
            config["labels"] = serde_json::Value::Object([((*key).to_owned(), "1".into())].into_iter().collect());
            let config = host.config("omni_cluster", &config);
            let made = host.apply("omni_cluster", None, &config).await;
            let made = made.unwrap_or_else(|(d, _)| panic!("{key}: {:?}", errors(&d)));
            let made = stored(&host, "omni_cluster", &made).await;
            let read = settled(&host, "omni_cluster", &made, &config, "create").await;
            assert_eq!(host.object("Clusters", "demo").unwrap().label(key), Some("1"));
            host.destroy("omni_cluster", &read).await.unwrap_or_else(|d| panic!("{key}: {:?}", errors(&d)));
        })?;
    }
    Ok(())
}
