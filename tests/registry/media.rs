//! Installation media on servers that do not tell where they are.

use crate::defects::made;
use crate::host::{Host, errors};
use crate::lifecycle::block;
use libtest_mimic::{Failed, Trial};
use omni_sim::driver::Mode;
use omni_sim::{Options, Release};
use serde_json::json;
use std::time::Duration;
use terraform_provider_omni::tf::wire;

const MEDIA: &str = "omni_installation_media";
const PRESET: &str = "omni_installation_media_preset";

pub fn trials() -> Vec<Trial> {
    vec![Trial::test("media::older_servers_have_the_same_addresses", older_servers_have_the_same_addresses)]
}

async fn host(release: &str) -> Host {
    let mode = Mode::Auto { tick: Duration::from_millis(5) };
    Host::with(Options { mode, release: release.parse::<Release>().expect(release), ..Options::default() }, &[]).await
}

/// The address that is composed is the one that a later server tells; where it cannot be composed, that is said.
fn older_servers_have_the_same_addresses() -> Result<(), Failed> {
    block(async {
        let mut all = Vec::new();
        for release in ["1.10", "1.11"] {
            let host = host(release).await;
            let base = json!({ "name": "metal", "talos_version": "v1.13.5", "extensions": ["siderolabs/gvisor"] });
            made(&host, PRESET, &base).await;
            made(&host, PRESET, &json!({ "name": "current" })).await;
            let mut addresses = Vec::new();
            for format in ["iso", "pxe", "raw.xz"] {
                let read = host.look(MEDIA, &json!({ "preset": "metal", "format": format })).await;
                let read = wire::to_json(&read.unwrap_or_else(|d| panic!("{release}: {:?}", errors(&d))));
                let (url, id) = (read["url"].as_str().unwrap(), read["schematic_id"].as_str().unwrap());
                assert!(url.contains(id), "{url}");
                addresses.push((url.replace(id, "<id>"), read["filename"].clone(), read["image_factory_host"].clone()));
            }
            all.push(addresses);
            let unpinned = host.look(MEDIA, &json!({ "preset": "current" })).await.map(|_| ()).map_err(|d| errors(&d));
            match release {
                "1.11" => assert_eq!(unpinned, Ok(())),
                _ => {
                    let said = unpinned.unwrap_err().join("\n");
                    assert!(
                        said.starts_with("preset: ") && said.contains("Set `talos_version` of the preset"),
                        "{said}"
                    );
                }
            }
        }
        assert_eq!(all[0], all[1]);
    })
}
