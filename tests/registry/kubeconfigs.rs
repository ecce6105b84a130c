//! Kubeconfigs that are kept in the state: renewed in time, and never revoked.

use crate::defects::{cluster, made};
use crate::host::{Host, Instance, errors};
use crate::lifecycle::{block, settled};
use kit::clock::TestClock;
use libtest_mimic::{Failed, Trial};
use omni_proto::tfplugin6 as pb;
use omni_proto::tfplugin6::provider_server::Provider as _;
use omni_sim::Options;
use omni_sim::driver::Mode;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::Duration;
use terraform_provider_omni::tf::value::Value;
use terraform_provider_omni::tf::wire;
use tonic::Request;

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("a_token_is_renewed_in_time", a_token_is_renewed_in_time),
        ("without_notice_it_is_renewed_when_it_has_expired", without_notice_it_is_renewed_when_it_has_expired),
        ("a_token_that_stays_valid_is_told", a_token_that_stays_valid_is_told),
        ("a_cluster_that_is_missing_is_told_in_the_plan", a_cluster_that_is_missing_is_told_in_the_plan),
        ("a_renewal_that_fails_keeps_the_token", a_renewal_that_fails_keeps_the_token),
        ("those_of_other_providers_move_without_a_change", those_of_other_providers_move_without_a_change),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("kubeconfigs::{name}"), test)).collect()
}

const KUBECONFIG: &str = "omni_kubeconfig";
const HOUR: Duration = Duration::from_hours(1);

fn text(instance: &Instance, name: &str) -> String {
    instance.state.get(name).as_str().unwrap_or_else(|| panic!("no {name}")).to_owned()
}

/// A host in the time of `clock`, with a cluster.
async fn with_cluster(clock: &Arc<TestClock>) -> Host {
    let mode = Mode::Auto { tick: Duration::from_millis(5) };
    let host = Host::with(Options { mode, clock: Arc::<TestClock>::clone(clock), ..Options::default() }, &[]).await;
    made(&host, "omni_cluster", &cluster()).await;
    host
}

fn clock() -> Arc<TestClock> {
    Arc::new(TestClock::at(1_790_000_000))
}

/// Plans, and applies what is planned; before it, that nothing but what comes with a token is unknown.
async fn renewed(host: &Host, instance: &Instance, config: &Value) -> Instance {
    let read = host.read(KUBECONFIG, instance).await.unwrap().unwrap();
    let plan = host.plan(KUBECONFIG, Some(&read), config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
    let unknown: Vec<_> =
        plan.planned.entries().unwrap().iter().filter(|(_, v)| v.is_unknown()).map(|(n, _)| n.as_str()).collect();
    assert_eq!(unknown, ["cluster_ca_certificate", "expiration", "host", "kubeconfig", "token"]);
    assert_eq!(plan.replace, Vec::<String>::new());
    let applied = host.apply_plan(KUBECONFIG, Some(&read), config, plan).await;
    applied.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)))
}

fn kubeconfig(extra: &Json) -> Json {
    crate::fixture::merged(&json!({ "cluster": "demo", "ttl": "24h" }), extra)
}

fn renewal(extra: &Json, quiet: Duration) -> Result<(), Failed> {
    let json = kubeconfig(extra);
    block(async move {
        let clock = clock();
        let host = with_cluster(&clock).await;
        let config = host.config(KUBECONFIG, &json);
        let first = made(&host, KUBECONFIG, &json).await;
        clock.advance(quiet);
        let first = settled(&host, KUBECONFIG, &first, &config, "a while").await;
        clock.advance(HOUR);
        let second = renewed(&host, &first, &config).await;
        assert_ne!(text(&first, "token"), text(&second, "token"));
        assert_ne!(text(&first, "expiration"), text(&second, "expiration"));
        settled(&host, KUBECONFIG, &second, &config, "the renewal").await;
    })
}

fn a_token_is_renewed_in_time() -> Result<(), Failed> {
    renewal(&json!({ "renew_before": "8h" }), 15 * HOUR)
}

fn without_notice_it_is_renewed_when_it_has_expired() -> Result<(), Failed> {
    renewal(&json!({}), 23 * HOUR)
}

fn a_token_that_stays_valid_is_told() -> Result<(), Failed> {
    block(async {
        let clock = clock();
        let host = with_cluster(&clock).await;
        let instance = made(&host, KUBECONFIG, &kubeconfig(&json!({}))).await;
        let told = |warnings: &[String]| {
            warnings.iter().any(|w| w.contains("stays valid") && w.contains(&text(&instance, "expiration")))
        };
        let warnings = host.plan_destroy(KUBECONFIG, &instance).await.unwrap();
        assert!(told(&warnings), "{warnings:?}");
        let other = host.config(KUBECONFIG, &kubeconfig(&json!({ "cluster": "other" })));
        let plan = host.plan(KUBECONFIG, Some(&instance), &other).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(told(&plan.warnings), "{:?}", plan.warnings);
        clock.advance(24 * HOUR);
        let warnings = host.plan_destroy(KUBECONFIG, &instance).await.unwrap();
        assert!(!told(&warnings), "{warnings:?}");
    })
}

fn a_cluster_that_is_missing_is_told_in_the_plan() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let config = host.config(KUBECONFIG, &kubeconfig(&json!({})));
        let plan = host.plan(KUBECONFIG, None, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(plan.warnings.iter().any(|w| w.contains("Cluster `demo` does not exist")), "{:?}", plan.warnings);
        let (diags, kept) = host.apply_plan(KUBECONFIG, None, &config, plan).await.unwrap_err();
        assert!(kept.is_none() && errors(&diags)[0].starts_with("cluster: "), "{:?}", errors(&diags));
    })
}

fn a_renewal_that_fails_keeps_the_token() -> Result<(), Failed> {
    block(async {
        let host = with_cluster(&clock()).await;
        let instance = made(&host, KUBECONFIG, &kubeconfig(&json!({}))).await;
        let config = host.config(KUBECONFIG, &kubeconfig(&json!({ "user": "other" })));
        let plan = host.plan(KUBECONFIG, Some(&instance), &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        host.sim.faults().add("Kubeconfig refuse PermissionDenied: not now always".parse().unwrap());
        let (diags, kept) = host.apply_plan(KUBECONFIG, Some(&instance), &config, plan).await.unwrap_err();
        assert!(!errors(&diags).is_empty());
        assert_eq!(kept.expect("it is kept").state, instance.state);
    })
}

/// The state of other providers, moved by a full address and by the short name that some releases of OpenTofu send.
fn those_of_other_providers_move_without_a_change() -> Result<(), Failed> {
    block(async {
        let host = with_cluster(&clock()).await;
        let issued = made(&host, KUBECONFIG, &kubeconfig(&json!({}))).await;
        let text = text(&issued, "kubeconfig");
        let of_flpajany =
            json!({ "id": "demo", "cluster_name": "demo", "user": null, "groups": null, "kubeconfig": text });
        let of_kittykatt = json!({
            "id": "demo", "created_at": "then", "last_updated": "then", "cluster": "demo", "user": "admin",
            "groups": ["system:masters"], "clusters": [{ "name": "demo" }], "contexts": null, "users": null, "yaml": text,
        });
        for (address, source, state) in [
            ("registry.terraform.io/flpajany/omni", KUBECONFIG, &of_flpajany),
            ("registry.terraform.io/KittyKatt/omni", "omni_cluster_kubeconfig", &of_kittykatt),
            ("omni", KUBECONFIG, &of_flpajany),
            ("omni", "omni_cluster_kubeconfig", &of_kittykatt),
        ] {
            let request = pb::move_resource_state::Request {
                source_provider_address: address.into(),
                source_type_name: source.into(),
                target_type_name: KUBECONFIG.into(),
                source_state: Some(pb::RawState { json: state.to_string().into_bytes(), ..Default::default() }),
                ..Default::default()
            };
            let answer = host.server.move_resource_state(Request::new(request)).await.unwrap().into_inner();
            assert_eq!(errors(&answer.diagnostics), [""; 0], "{address} {source}");
            let state = wire::decode(answer.target_state.as_ref(), &host.schema(KUBECONFIG).object_type()).unwrap();
            let moved = Instance { state, private: answer.target_private, identity: answer.target_identity };
            assert_eq!(moved.state, issued.state, "{address} {source}");
            settled(&host, KUBECONFIG, &moved, &host.config(KUBECONFIG, &kubeconfig(&json!({}))), source).await;
        }
    })
}
