//! `moved` blocks between providers: state of the same type, from the official provider and from any other one of the name.

use crate::host::{Host, Instance, errors};
use crate::lifecycle::{block, settled};
use libtest_mimic::{Failed, Trial};
use omni_proto::tfplugin6 as pb;
use omni_proto::tfplugin6::provider_server::Provider as _;
use serde_json::{Value as Json, json};
use terraform_provider_omni::tf::wire;
use tonic::Request;

/// The full address, as Terraform sends it, and the short one of some releases of OpenTofu.
const ADDRESSES: [&str; 3] = ["registry.terraform.io/siderolabs/omni", "registry.opentofu.org/siderolabs/omni", "omni"];

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("moves::every_type_takes_its_own_state", every_type),
        Trial::test("moves::what_moved_plans_no_change", what_moved_plans_no_change),
        Trial::test("moves::state_of_an_old_terraform_is_refused", state_of_an_old_terraform_is_refused),
    ]
}

async fn answer(host: &Host, address: &str, name: &str, state: pb::RawState) -> pb::move_resource_state::Response {
    let request = pb::move_resource_state::Request {
        source_provider_address: address.into(),
        source_type_name: name.into(),
        target_type_name: name.into(),
        source_state: Some(state),
        source_private: b"{\"schema_version\":\"0\"}".to_vec(),
        ..Default::default()
    };
    host.server.move_resource_state(Request::new(request)).await.unwrap().into_inner()
}

async fn moved(host: &Host, address: &str, name: &str, state: &Json) -> Instance {
    let state = pb::RawState { json: state.to_string().into_bytes(), ..Default::default() };
    let answer = answer(host, address, name, state).await;
    assert_eq!(errors(&answer.diagnostics), [""; 0], "{name} from {address}");
    let state = wire::decode(answer.target_state.as_ref(), &host.schema(name).object_type()).unwrap();
    Instance { state, private: answer.target_private, identity: answer.target_identity }
}

fn every_type() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        for resource in host.provider.resources() {
            for address in ADDRESSES {
                let moved = moved(&host, address, resource.type_name(), &json!({ "id": "x", "unknown": [1] })).await;
                assert!(!moved.state.is_null(), "{}", resource.type_name());
            }
        }
    })
}

fn what_moved_plans_no_change() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let name = "omni_config_patch";
        let json = json!({ "name": "x", "cluster": "demo", "data": "machine:\n  sysctls:\n    a: b\n" });
        let config = host.config(name, &json);
        let made = crate::defects::made(&host, name, &json).await;
        // What the official provider keeps of it.
        let kept = ["id", "name", "weight", "data", "cluster", "selector"];
        let state: Json = kept.iter().map(|part| ((*part).to_owned(), wire::to_json(made.state.get(part)))).collect();
        for address in ADDRESSES {
            let moved = moved(&host, address, name, &state).await;
            settled(&host, name, &moved, &config, address).await;
        }
    })
}

/// A flatmap, which Terraform wrote before 0.12: nothing of it is taken over, and nothing panics.
fn state_of_an_old_terraform_is_refused() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        for resource in host.provider.resources() {
            let name = resource.type_name();
            let flatmap = [("id".to_owned(), "x".to_owned()), ("labels.%".to_owned(), "0".to_owned())].into();
            let answer = answer(&host, ADDRESSES[0], name, pb::RawState { flatmap, ..Default::default() }).await;
            let said = errors(&answer.diagnostics).join("\n");
            assert!(said.contains(&format!("the state of `{name}` that is moved to `{name}`")), "{name}: {said}");
            assert!(
                said.contains("written by Terraform 0.11 or older") && answer.target_state.is_none(),
                "{name}: {said}"
            );
        }
    })
}
