//! Schematics: a digest of the content is their ID, and nobody can read them back.

use crate::defects::made;
use crate::host::{Host, Instance};
use crate::lifecycle::{block, settled};
use libtest_mimic::{Failed, Trial};
use omni_sim::driver::Mode;
use omni_sim::{Options, Release};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("schematics::each_choice_makes_another_one", each_choice_makes_another_one),
        Trial::test("schematics::a_raw_one_is_taken_as_it_is", a_raw_one_is_taken_as_it_is),
        Trial::test("schematics::an_old_server_tells_the_address", an_old_server_tells_the_address),
    ]
}

const SCHEMATIC: &str = "omni_schematic";

fn text(instance: &Instance, name: &str) -> String {
    instance.state.get(name).as_str().unwrap_or_else(|| panic!("no {name}")).to_owned()
}

fn each_choice_makes_another_one() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let overlay =
            |options: &str| json!({ "image": "siderolabs/sbc-raspberrypi", "name": "rpi_generic", "options": options });
        let choices = [
            json!({}),
            json!({ "extensions": ["siderolabs/gvisor"] }),
            json!({ "kernel_args": ["quiet"] }),
            json!({ "meta_values": { "12": "machineLabels: {rack: r1}" } }),
            json!({ "meta_values": { "13": "machineLabels: {rack: r1}" } }),
            json!({ "overlay": overlay("a: 1") }),
            json!({ "overlay": overlay("a: 2") }),
            json!({ "bootloader": "uefi" }),
            json!({ "bootloader": "bios" }),
            json!({ "bootloader": "dual" }),
            json!({ "grpc_tunnel": true }),
            json!({ "join_token": "other" }),
        ];
        let mut ids = BTreeSet::new();
        for choice in &choices {
            let (one, two) = (made(&host, SCHEMATIC, choice).await, made(&host, SCHEMATIC, choice).await);
            let id = text(&one, "id");
            assert_eq!(id, text(&two, "id"), "{choice}");
            assert!(host.object("Schematics", &id).is_some(), "{choice}");
            assert!(one.state.get("pxe_url").is_null(), "{choice}");
            ids.insert(id);
        }
        assert_eq!(ids.len(), choices.len());
    })
}

fn a_raw_one_is_taken_as_it_is() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let config = json!({ "raw": "customization: {}\n", "talos_version": "1.13.5" });
        let instance = made(&host, SCHEMATIC, &config).await;
        assert_eq!(text(&instance, "id"), "376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba");
        let config = host.config(SCHEMATIC, &config);
        let instance = settled(&host, SCHEMATIC, &instance, &config, "create").await;
        // The image factory keeps it, and the same content can be registered again.
        host.destroy(SCHEMATIC, &instance).await.unwrap();
        assert!(host.object("Schematics", &text(&instance, "id")).is_some());
    })
}

fn an_old_server_tells_the_address() -> Result<(), Failed> {
    block(async {
        let mode = Mode::Auto { tick: Duration::from_millis(5) };
        let host = Host::with(Options { mode, release: Release::V1_2, ..Options::default() }, &[]).await;
        let config = json!({ "media_id": "metal-amd64.iso", "talos_version": "1.13.5" });
        let instance = made(&host, SCHEMATIC, &config).await;
        let url = text(&instance, "pxe_url");
        assert!(url.contains(&text(&instance, "id")) && url.ends_with("metal-amd64"), "{url}");
    })
}
