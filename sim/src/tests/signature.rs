//! Who is let in.

use super::client::{Client, path, payload};
use crate::accounts::LIFETIME;
use crate::{Options, Role, Sim};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kit::clock::TestClock;
use omni_proto::cosi::resource as pb;
use openpgp::types::HashAlgorithm;
use sequoia_openpgp as openpgp;
use std::sync::Arc;
use std::time::Duration;
use tonic::{Code, Request, Status};

const ME: &str = "CurrentUsers.omni.sidero.dev";

/// Time stands still, so that a limit is met to the second.
async fn sim() -> Sim {
    Sim::start(Options { clock: Arc::new(TestClock::at(1_800_000_000)), ..Options::stepped() }).await.unwrap()
}

fn whoami() -> Request<pb::GetRequest> {
    Request::new(pb::GetRequest { namespace: "virtual".into(), r#type: ME.into(), id: "current".into(), options: None })
}

fn set<T>(request: &mut Request<T>, name: &'static str, value: &str) {
    request.metadata_mut().insert(name, value.parse().unwrap());
}

fn header<T>(request: &Request<T>, name: &str) -> String {
    request.metadata().get(name).unwrap().to_str().unwrap().to_owned()
}

fn refused(result: Result<impl Sized, Status>, case: &str) {
    let status = result.err().unwrap_or_else(|| panic!("{case}: let in"));
    assert_eq!((status.code(), status.message()), (Code::Unauthenticated, "invalid signature"), "{case}");
}

#[tokio::test]
async fn calls_that_are_let_in() {
    let sim = sim().await;
    let mut client = Client::new(&sim).await;
    let (get, now) = (path("Get"), client.now());
    for (case, before, at) in [
        ("as is", None, now),
        ("a late clock", None, now - Duration::from_secs(300)),
        ("an early clock", None, now + Duration::from_secs(300)),
        ("a signed header", Some(("cluster", "x")), now),
        ("a header that nobody signs", Some(("x-other", "x")), now),
    ] {
        let mut request = whoami();
        if let Some((name, value)) = before {
            set(&mut request, name, value);
        }
        client.signer.seal(&get, at, &mut request);
        if let Err(status) = client.state.get(request).await {
            panic!("{case}: {status:?}");
        }
    }

    let mut twice = whoami();
    for value in ["a", "b"] {
        twice.metadata_mut().append("nodes", value.parse().unwrap());
    }
    client.signer.seal(&get, now, &mut twice);
    assert!(client.state.get(twice).await.is_ok(), "a header with two values");

    let mut renamed = whoami();
    client.signer.seal(&get, now, &mut renamed);
    let signature = header(&renamed, "x-sidero-signature").replacen(&client.signer.name, "somebody@else", 1);
    set(&mut renamed, "x-sidero-signature", &signature);
    assert!(client.state.get(renamed).await.is_ok(), "the identity in the header does not count");
}

#[tokio::test]
async fn other_hashes_and_sparse_payloads_are_let_in() {
    let sim = sim().await;
    let mut client = Client::new(&sim).await;
    let now = client.now();
    let mut request = whoami();
    set(&mut request, "x-sidero-timestamp", &now.as_secs().to_string());
    let payload =
        format!(r#"{{ "method": "{}",  "headers": {{"x-sidero-timestamp": ["{}"]}} }}"#, path("Get"), now.as_secs());
    let signature = client.signer.sign(payload.as_bytes(), now, HashAlgorithm::SHA512);
    set(&mut request, "x-sidero-payload", &payload);
    let fingerprint = client.signer.fingerprint();
    set(&mut request, "x-sidero-signature", &format!("siderov1 me {fingerprint} {signature}"));
    client.state.get(request).await.unwrap();
}

#[tokio::test]
async fn calls_that_are_not_let_in() {
    let sim = sim().await;
    let mut client = Client::new(&sim).await;
    let (get, now) = (path("Get"), client.now());
    refused(client.state.get(whoami()).await, "unsigned");
    for (case, at) in [("too late", now - Duration::from_secs(301)), ("too early", now + Duration::from_secs(301))] {
        let mut request = whoami();
        client.signer.seal(&get, at, &mut request);
        refused(client.state.get(request).await, case);
    }

    type Spoil = fn(&str) -> String;
    // Each header keeps its form: only what it says is another thing.
    let spoils: [(&str, &'static str, Spoil); 5] = [
        ("signature altered", "x-sidero-signature", |h| {
            let (lead, signature) = h.rsplit_once(' ').unwrap();
            let mut bytes = STANDARD.decode(signature).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            format!("{lead} {}", STANDARD.encode(bytes))
        }),
        ("upper-case fingerprint", "x-sidero-signature", |h| {
            h.split(' ')
                .enumerate()
                .map(|(i, f)| if i == 2 { f.to_uppercase() } else { f.into() })
                .collect::<Vec<_>>()
                .join(" ")
        }),
        ("unknown fingerprint", "x-sidero-signature", |h| {
            let mut fields: Vec<&str> = h.split(' ').collect();
            fields[2] = "0123456789012345678901234567890123456789";
            fields.join(" ")
        }),
        ("payload altered", "x-sidero-payload", |h| h.replacen("null", " null", 1)),
        ("timestamp altered", "x-sidero-timestamp", |h| (h.parse::<u64>().unwrap() + 1).to_string()),
    ];
    for (case, name, spoil) in spoils {
        let mut request = whoami();
        client.signer.seal(&get, now, &mut request);
        let value = spoil(&header(&request, name));
        set(&mut request, name, &value);
        refused(client.state.get(request).await, case);
    }

    let mut other = whoami();
    client.signer.seal(&path("List"), now, &mut other);
    refused(client.state.get(other).await, "another method");

    let mut late = whoami();
    client.signer.seal(&get, now, &mut late);
    set(&mut late, "cluster", "added");
    refused(client.state.get(late).await, "a header added after signing");

    let mut empty = whoami();
    set(&mut empty, "x-sidero-timestamp", &now.as_secs().to_string());
    let text = payload(&get, &empty).replace("\"cluster\":null", "\"cluster\":[]");
    assert!(text.contains("[]"));
    let signature = client.signer.sign(text.as_bytes(), now, HashAlgorithm::SHA256);
    set(&mut empty, "x-sidero-payload", &text);
    let fingerprint = client.signer.fingerprint();
    set(&mut empty, "x-sidero-signature", &format!("siderov1 me {fingerprint} {signature}"));
    refused(client.state.get(empty).await, "an empty list is not an absent header");

    let mut trap = whoami();
    set(&mut trap, "fieldselectors", "x");
    client.signer.seal(&get, now, &mut trap);
    refused(client.state.get(trap).await, "a signed fieldSelectors");

    let mut dated = whoami();
    client.signer.seal(&get, now, &mut dated);
    let text = header(&dated, "x-sidero-payload");
    let ahead = client.signer.sign(text.as_bytes(), now + Duration::from_secs(301), HashAlgorithm::SHA256);
    set(&mut dated, "x-sidero-signature", &format!("siderov1 me {fingerprint} {ahead}"));
    refused(client.state.get(dated).await, "a signature dated ahead");
}

#[tokio::test]
async fn keys_end() {
    let sim = sim().await;
    let key = sim.mint("short", Role::Reader, Duration::from_secs(3600)).unwrap();
    let mut client = Client::with_key(&sim, &key).await;
    client.get(ME, "current").await.unwrap();
    sim.advance(Duration::from_secs(3599));
    client.get(ME, "current").await.expect("the last second counts");
    sim.advance(Duration::from_secs(2));
    refused(client.get(ME, "current").await, "expired");
}

#[tokio::test]
async fn callers_have_the_role_of_their_key() {
    let sim = sim().await;
    for role in Role::ALL {
        let key = sim.mint(&format!("a-{}", role.name()), role, LIFETIME).unwrap();
        let me = Client::with_key(&sim, &key).await.get(ME, "current").await.unwrap();
        let yaml = me.spec.unwrap().yaml_spec;
        let start = format!("identity: a-{0}@serviceaccount.omni.sidero.dev\nrole: {0}\nuserid: ", role.name());
        assert!(yaml.starts_with(&start), "{yaml}");
    }
}

#[tokio::test]
async fn a_key_without_its_user_is_worth_nothing() {
    let sim = sim().await;
    let mut client = Client::new(&sim).await;
    for user in sim.store().list("Users.omni.sidero.dev") {
        sim.store().remove(&user.key);
    }
    refused(client.get(ME, "current").await, "no user");
}

#[tokio::test]
async fn nothing_works_before_the_licence_is_accepted() {
    let sim = sim().await;
    let mut client = Client::new(&sim).await;
    sim.store().remove(&crate::kinds::key("EulaAcceptances.omni.sidero.dev", "eula"));
    let status = client.get(ME, "current").await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.message().starts_with("EULA has not been accepted"), "{status:?}");
}
