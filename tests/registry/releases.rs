//! What is the same on every release of Omni, though Omni itself tells it in different places.

use crate::defects::{cluster, made};
use crate::host::{Host, errors};
use crate::lifecycle::block;
use libtest_mimic::{Failed, Trial};
use omni_sim::driver::Mode;
use omni_sim::{Options, Release};
use serde_json::json;
use std::time::Duration;
use terraform_provider_omni::tf::value::Value;

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("releases::the_first_talos_version_is_known_on_all", the_first_talos_version_is_known_on_all),
        Trial::test("releases::all_offer_the_version_that_the_guide_names", all_offer_the_version_that_the_guide_names),
    ]
}

fn the_first_talos_version_is_known_on_all() -> Result<(), Failed> {
    block(async {
        for release in [Release::V1_6, Release::NEWEST] {
            let mode = Mode::Auto { tick: Duration::from_millis(5) };
            let host = Host::with(Options { release, mode, ..Options::default() }, &[]).await;
            let mut config = cluster();
            config["talos_version"] = json!("1.13.8");
            config["kubernetes_version"] = json!("1.36.3");
            made(&host, "omni_cluster", &config).await;
            host.sim.settle().unwrap();
            let read = host.look("omni_cluster", &json!({ "name": "demo" })).await;
            let read = read.unwrap_or_else(|d| panic!("{release:?}: {:?}", errors(&d)));
            assert_eq!(read.get("initial_talos_version"), &Value::from("1.13.8"), "{release:?}");
        }
    })
}

fn all_offer_the_version_that_the_guide_names() -> Result<(), Failed> {
    const GUIDE: &str = include_str!("../../docs/guides/omni-sim.md");
    assert!(GUIDE.contains("1.13.8 is available in every release"));
    block(async {
        for minor in 2..=11 {
            let release: Release = format!("1.{minor}").parse().expect("a release");
            let host = Host::with(Options { release, ..Options::stepped() }, &[]).await;
            let mut config = cluster();
            config["talos_version"] = json!("1.13.8");
            config["kubernetes_version"] = json!("1.36.2");
            let plan = host.plan("omni_cluster", None, &host.config("omni_cluster", &config)).await;
            plan.unwrap_or_else(|d| panic!("{release:?}: {:?}", errors(&d)));
        }
    })
}
