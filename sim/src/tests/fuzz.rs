//! Whatever a stranger sends is answered or refused with a status: nothing panics, and nothing waits for ever.

use super::client::{Signer, payload};
use super::messages::{Dice, message};
use crate::access::Caller;
use crate::audit::AuditLog;
use crate::auth::Authenticator;
use crate::connection::Connections;
use crate::kinds::Role;
use crate::management::ManagementService;
use crate::outage::Outage;
use crate::rules::selector::Selector;
use crate::rules::talos_patch;
use crate::schematic::Schematic;
use crate::state_service::StateService;
use crate::store::Store;
use crate::{Options, Release, Sim, accounts, json_schema, world};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kit::clock::TestClock;
use omni_proto::cosi::resource::state_server::State;
use omni_proto::management::management_service_server::ManagementService as _;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use sequoia_openpgp::types::HashAlgorithm;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tonic::{Code, Request, Response, Status};

/// Longer than any answer takes, however busy the machine is.
const RUN_TIMEOUT: Duration = Duration::from_secs(30);

/// Texts as they come, and texts out of the bits and pieces of the languages that are read here.
fn texts() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(
        prop::sample::select(vec![
            "a",
            "b: ",
            "- ",
            "\n",
            "  ",
            "{",
            "}",
            "[",
            "]",
            "\"",
            "'",
            ",",
            "&x ",
            "*x",
            "!!str ",
            "|",
            ">",
            "---\n",
            "!",
            "=",
            "==",
            "in",
            "(",
            ")",
            "machine:",
            "\t",
            "#",
            "%",
            "null",
            "1",
            "<<: ",
            "$patch: delete",
            "kind: ",
            "\u{feff}",
        ]),
        0..40,
    );
    prop_oneof![any::<String>(), pieces.prop_map(|pieces| pieces.concat())]
}

/// A message cannot be decoded, or is answered in time by something other than a fault of the server's own.
async fn answered<M, A, F>(bytes: Vec<u8>, call: impl FnOnce(Request<M>) -> F) -> TestCaseResult
where
    M: prost::Message + Default,
    F: Future<Output = Result<Response<A>, Status>>,
{
    let Ok(message) = M::decode(bytes.as_slice()) else { return Ok(()) };
    let mut request = Request::new(message);
    let caller = Caller { identity: "me@example.org".into(), user: "u".into(), role: Role::Admin };
    request.extensions_mut().insert(caller);
    let answer = tokio::time::timeout(RUN_TIMEOUT, call(request)).await;
    let status = answer.map_err(|_| TestCaseError::fail("no answer"))?.err();
    let code = status.as_ref().map_or(Code::Ok, Status::code);
    // Omni itself falls over a few requests and says so, and the simulator says the same.
    let imitated = status.as_ref().is_some_and(|status| status.message().starts_with("runtime error: "));
    prop_assert!(imitated || !matches!(code, Code::Internal | Code::DataLoss | Code::Cancelled), "{status:?}");
    Ok(())
}

/// Calls one of the methods, picked by the dice.
macro_rules! one_of {
    ($service:expr, $dice:expr, $package:literal: $($method:ident($name:literal);)*) => {{
        let picked = $dice.below([$($name),*].len());
        let names = [$(stringify!($method)),*];
        $(
            if names[picked] == stringify!($method) {
                let bytes = message(concat!($package, ".", $name), $dice);
                return answered(bytes, |request| $service.$method(request)).await;
            }
        )*
        Ok(())
    }};
}

/// One call of the management service.
async fn management(service: &ManagementService, dice: &mut Dice) -> TestCaseResult {
    one_of!(service, dice, "management":
        kubeconfig("KubeconfigRequest");
        talosconfig("TalosconfigRequest");
        machine_logs("MachineLogsRequest");
        validate_config("ValidateConfigRequest");
        validate_json_schema("ValidateJsonSchemaRequest");
        create_service_account("CreateServiceAccountRequest");
        renew_service_account("RenewServiceAccountRequest");
        destroy_service_account("DestroyServiceAccountRequest");
        kubernetes_upgrade_pre_checks("KubernetesUpgradePreChecksRequest");
        kubernetes_sync_manifests("KubernetesSyncManifestRequest");
        create_schematic("CreateSchematicRequest");
        create_schematic_from_raw("CreateSchematicFromRawRequest");
        get_installation_media_url("InstallationMediaURLRequest");
        get_support_bundle("GetSupportBundleRequest");
        read_audit_log("ReadAuditLogRequest");
        maintenance_upgrade("MaintenanceUpgradeRequest");
        maintenance_lifecycle("MaintenanceLifecycleRequest");
        get_machine_join_config("GetMachineJoinConfigRequest");
        create_join_token("CreateJoinTokenRequest");
        reset_node_unique_token("ResetNodeUniqueTokenRequest");
        create_user("CreateUserRequest");
        update_user("UpdateUserRequest");
        destroy_user("DestroyUserRequest");
        machine_power_off("MachinePowerOffRequest");
        machine_power_on("MachinePowerOnRequest");
    )
}

/// One call of State. What waits for others by its nature is left out.
async fn state(service: &StateService, dice: &mut Dice) -> TestCaseResult {
    one_of!(service, dice, "cosi.resource":
        get("GetRequest");
        list("ListRequest");
        create("CreateRequest");
        update("UpdateRequest");
        destroy("DestroyRequest");
        watch("WatchRequest");
        teardown("TeardownRequest");
    )
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn store() -> Store {
    let store = Store::new(Arc::new(TestClock::at(1_790_000_000)));
    world::seed(&store, 2, Release::NEWEST);
    store
}

#[test]
fn requests_to_the_management_service() {
    let runtime = runtime();
    let service = ManagementService::new(store(), "grpc://127.0.0.1:1".into(), None, AuditLog::default());
    proptest!(ProptestConfig::with_cases(400), |(seed: u64)| {
        runtime.block_on(management(&service, &mut Dice::new(seed)))?;
    });
}

#[test]
fn requests_to_state() {
    let runtime = runtime();
    let sim = runtime.block_on(Sim::start(Options::stepped())).unwrap();
    let service = StateService {
        store: sim.store().clone(),
        faults: Arc::default(),
        release: Release::NEWEST,
        endpoint: sim.endpoint().to_owned(),
        outage: Outage::new(Arc::new(TestClock::at(1_790_000_000)), Connections::default()),
    };
    proptest!(ProptestConfig::with_cases(400), |(seed: u64)| {
        runtime.block_on(state(&service, &mut Dice::new(seed)))?;
        sim.step();
    });
    // Whatever it was made to hold, it comes to rest.
    sim.settle().unwrap();
}

#[test]
fn headers_of_signed_calls() {
    let store = store();
    let signer = Signer::new(&accounts::mint(&store, "ci", Role::Admin, Duration::from_secs(3600)).unwrap());
    let authenticator = Authenticator::new(store.clone());
    let mut good = Request::new(());
    let method = "/cosi.resource.State/Get";
    signer.seal(method, store.time(), &mut good);
    let good = good.into_parts().0.into_headers();
    assert!(authenticator.caller(method, &good).unwrap().is_some());
    proptest!(ProptestConfig::with_cases(300), |(seed: u64)| {
        let mut dice = Dice::new(seed);
        let mut headers = good.clone();
        // Every header keeps its form: a client of Omni cannot send another one.
        match dice.below(4) {
            0 => {
                let line = good["x-sidero-signature"].to_str().unwrap();
                let (lead, signature) = line.rsplit_once(' ').unwrap();
                let mut bytes = STANDARD.decode(signature).unwrap();
                // The numbers at the end are the signature proper; what stands before tells of it.
                let at = bytes.len() - 1 - dice.below(24);
                bytes[at] ^= 1 << dice.below(8);
                headers.insert("x-sidero-signature", format!("{lead} {}", STANDARD.encode(bytes)).parse().unwrap());
            }
            1 => {
                let other = store.time() + Duration::from_secs(1);
                headers.insert("x-sidero-timestamp", other.as_secs().into());
            }
            2 => {
                let mut payload: serde_json::Value =
                    serde_json::from_slice(good["x-sidero-payload"].as_bytes()).unwrap();
                let names = ["authorization", "cluster", "context", "nodes", "runtime"];
                payload["headers"][names[dice.below(names.len())]] = serde_json::json!(["x"]);
                headers.insert("x-sidero-payload", payload.to_string().parse().unwrap());
            }
            _ => {
                let Ok(value) = http::HeaderValue::from_str(&dice.text()) else { return Ok(()) };
                headers.insert(["cluster", "runtime", "nodes"][dice.below(3)], value);
            }
        }
        prop_assert!(authenticator.caller(method, &headers).is_err());
    });
}

#[test]
fn payloads_that_are_signed_and_say_other_things() {
    let store = store();
    let signer = Signer::new(&accounts::mint(&store, "ci", Role::Admin, Duration::from_secs(3600)).unwrap());
    let authenticator = Authenticator::new(store.clone());
    let mut plain = Request::new(());
    plain.metadata_mut().insert("x-sidero-timestamp", store.time().as_secs().to_string().parse().unwrap());
    let proper: serde_json::Value = serde_json::from_str(&payload("/cosi.resource.State/Get", &plain)).unwrap();
    // ASCII, as in every header.
    let words = || prop::string::string_regex("[ -~]{0,20}").unwrap();
    let values = || {
        prop_oneof![
            Just(serde_json::Value::Null),
            prop::collection::vec(words(), 0..3).prop_map(|v| serde_json::json!(v))
        ]
    };
    let names = prop::sample::select(vec![
        "authorization",
        "cluster",
        "fieldSelectors",
        "nodes",
        "other",
        "x-sidero-timestamp",
    ]);
    proptest!(ProptestConfig::with_cases(60), |(name in names, value in values(), method in prop_oneof![Just("/cosi.resource.State/Get".to_owned()), words()])| {
        let mut said = proper.clone();
        said["headers"][name] = value;
        said["method"] = serde_json::json!(method);
        let payload = said.to_string();
        let mut headers = plain.metadata().clone().into_headers();
        headers.insert("x-sidero-payload", payload.parse().unwrap());
        let signature = signer.sign(payload.as_bytes(), store.time(), HashAlgorithm::SHA256);
        let header = format!("siderov1 {} {} {signature}", signer.name, signer.fingerprint());
        headers.insert("x-sidero-signature", header.parse().unwrap());
        let same = method == "/cosi.resource.State/Get" && (name == "other" || said["headers"][name] == proper["headers"][name]);
        // What nobody reads changes nothing.
        prop_assert_eq!(authenticator.caller("/cosi.resource.State/Get", &headers).is_ok(), same, "{}", payload);
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn selectors(text in texts()) {
        if let Ok(selector) = Selector::parse(&text) {
            std::hint::black_box(selector.matches(&BTreeMap::from([("a".to_owned(), "1".to_owned())])));
        }
    }

    #[test]
    fn patches(text in texts()) {
        for release in [Release::V1_6, Release::NEWEST] {
            if let Err(refusal) = talos_patch::check(&text, release) {
                prop_assert!(!refusal.text().is_empty());
            }
        }
    }

    #[test]
    fn schematics(text in texts()) {
        if let Ok(schematic) = Schematic::parse(&text) {
            // What is made of the same has one text and one id.
            prop_assert_eq!(Schematic::parse(&schematic.text()), Ok(schematic));
        }
    }

    #[test]
    fn schemas_and_data(schema in texts(), data in texts()) {
        let known = ["{\"type\": \"object\"}", "{\"$ref\": \"#\"}", "{\"pattern\": \"(a+)+$\"}"];
        for schema in known.into_iter().chain([schema.as_str()]) {
            if let Err(problem) = json_schema::check(schema, &data) {
                prop_assert!(!problem.is_empty());
            }
        }
    }
}
