//! People and their keys: registered, confirmed by link, used, revoked.

use super::client::{Client, Signer, channel};
use crate::accounts::{self, Limits, Registry};
use crate::{ConfirmError, confirm};
use crate::{Options, Role, Sim};
use omni_proto::auth as pb;
use omni_proto::auth::auth_service_client::AuthServiceClient;
use openpgp::cert::{Cert, CertBuilder, CipherSuite};
use openpgp::serialize::SerializeInto;
use openpgp::types::KeyFlags;
use sequoia_openpgp as openpgp;
use std::time::{Duration, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

const ME: &str = "me@example.org";
const AUTH: &str = "/auth.AuthService";

async fn sim(options: Options) -> Sim {
    let sim = Sim::start(options).await.unwrap();
    Registry::new(sim.store(), Limits::default()).create_user(ME, "Operator").unwrap();
    sim
}

fn key(sim: &Sim, hours: u64) -> Cert {
    let created = sim.store().time() - Duration::from_secs(60);
    CertBuilder::new()
        .set_cipher_suite(CipherSuite::Cv25519)
        .set_creation_time(UNIX_EPOCH + created)
        .set_validity_period(Duration::from_hours(hours))
        .set_primary_key_flags(KeyFlags::empty().set_certification().set_signing())
        .add_userid(format!("test <{ME}>"))
        .generate()
        .unwrap()
        .0
}

async fn service(sim: &Sim) -> AuthServiceClient<Channel> {
    AuthServiceClient::new(channel(sim).await)
}

async fn register(sim: &Sim, email: &str, cert: &Cert) -> Result<pb::RegisterPublicKeyResponse, Status> {
    let request = pb::RegisterPublicKeyRequest {
        public_key: Some(pb::PublicKey { pgp_data: cert.armored().to_vec().unwrap(), ..Default::default() }),
        identity: Some(pb::Identity { email: email.into() }),
        ..Default::default()
    };
    service(sim).await.register_public_key(request).await.map(tonic::Response::into_inner)
}

/// What a browser without TLS does with a link.
async fn follow(link: &str) -> String {
    let (host, path) = link.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn client(sim: &Sim, cert: &Cert) -> Client {
    let mut client = Client::new(sim).await;
    client.signer = Signer { name: ME.into(), cert: cert.clone() };
    client
}

async fn whoami(client: &mut Client) -> Result<String, Code> {
    let me = client.get("CurrentUsers.omni.sidero.dev", "current").await.map_err(|status| status.code())?;
    Ok(me.spec.unwrap().yaml_spec)
}

#[tokio::test]
async fn a_link_confirms_a_key() {
    let sim = sim(Options::stepped()).await;
    let cert = key(&sim, 4);
    let registered = register(&sim, "ME@Example.org", &cert).await.unwrap();
    let id = cert.fingerprint().to_hex().to_lowercase();
    assert_eq!(registered.public_key_id, id);
    assert!(registered.login_url.ends_with(&format!("/authenticate?flow=cli&public-key-id={id}")));
    let mut client = client(&sim, &cert).await;
    assert_eq!(whoami(&mut client).await, Err(Code::Unauthenticated));

    let mut waiting = service(&sim).await;
    let awaited = pb::AwaitPublicKeyConfirmationRequest { public_key_id: id.clone() };
    let waiting = tokio::spawn(async move { waiting.await_public_key_confirmation(awaited).await });
    let answer = follow(&registered.login_url).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains(ME), "{answer}");
    waiting.await.unwrap().unwrap();
    assert!(whoami(&mut client).await.unwrap().starts_with("identity: me@example.org\nrole: Operator\n"));

    let message = pb::RevokePublicKeyRequest { public_key_id: id.clone() };
    let unsigned = service(&sim).await.revoke_public_key(message.clone()).await.unwrap_err();
    assert_eq!((unsigned.code(), unsigned.message()), (Code::Unauthenticated, "invalid signature"));
    let mut admin = Request::new(message.clone());
    Client::new(&sim).await.signer.seal(&format!("{AUTH}/RevokePublicKey"), sim.store().time(), &mut admin);
    assert_eq!(service(&sim).await.revoke_public_key(admin).await.unwrap_err().code(), Code::PermissionDenied);
    let mut own = Request::new(message);
    client.signer.seal(&format!("{AUTH}/RevokePublicKey"), sim.store().time(), &mut own);
    service(&sim).await.revoke_public_key(own).await.unwrap();
    assert_eq!(whoami(&mut client).await, Err(Code::Unauthenticated));
}

#[tokio::test]
async fn other_ways_to_confirm_a_key() {
    let sim = sim(Options { confirm_keys: true, ..Options::stepped() }).await;
    let trusted = key(&sim, 4);
    register(&sim, ME, &trusted).await.unwrap();
    whoami(&mut client(&sim, &trusted).await).await.unwrap();
    drop(sim);

    let sim = self::sim(Options::stepped()).await;
    let (called, signed) = (key(&sim, 4), key(&sim, 4));
    for cert in [&called, &signed] {
        register(&sim, ME, cert).await.unwrap();
    }
    assert_eq!(sim.confirm_key(&called.fingerprint().to_hex().to_lowercase()).as_deref(), Some(ME));
    whoami(&mut client(&sim, &called).await).await.unwrap();
    let id = signed.fingerprint().to_hex().to_lowercase();
    let reader = Signer::new(&sim.key_for(Role::Reader).unwrap());
    let admin = Signer::new(sim.service_account_key());
    for (signer, id, code) in [
        (&reader, id.as_str(), Code::PermissionDenied),
        (&admin, "", Code::InvalidArgument),
        (&admin, "unknown", Code::PermissionDenied),
        (&admin, id.as_str(), Code::Ok),
    ] {
        let mut request = Request::new(pb::ConfirmPublicKeyRequest { public_key_id: id.into() });
        signer.seal(&format!("{AUTH}/ConfirmPublicKey"), sim.store().time(), &mut request);
        let answer = service(&sim).await.confirm_public_key(request).await;
        assert_eq!(answer.err().map_or(Code::Ok, |status| status.code()), code, "{id:?}");
    }
    whoami(&mut client(&sim, &signed).await).await.unwrap();
}

#[tokio::test]
async fn keys_that_are_not_taken() {
    let sim = sim(Options::stepped()).await;
    let long = register(&sim, ME, &key(&sim, 9)).await.unwrap_err();
    assert_eq!((long.code(), long.message()), (Code::Unknown, "key lifetime is too long: 9h0m0s"));
    let nothing = service(&sim).await.register_public_key(pb::RegisterPublicKeyRequest::default()).await.unwrap_err();
    assert_eq!((nothing.code(), nothing.message()), (Code::InvalidArgument, "no public key data provided"));
    let stranger = register(&sim, "stranger@example.org", &key(&sim, 4)).await.unwrap();
    let answer = follow(&stranger.login_url).await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[tokio::test]
async fn keys_of_people_go_when_they_end() {
    let sim = sim(Options::stepped()).await;
    register(&sim, ME, &key(&sim, 4)).await.unwrap();
    let of_people =
        || sim.store().list(accounts::PUBLIC_KEY).iter().filter(|key| key.owner == accounts::KEY_PRUNER).count();
    sim.settle().unwrap();
    assert_eq!(of_people(), 1);
    sim.advance(Duration::from_hours(4));
    sim.settle().unwrap();
    assert_eq!(of_people(), 0);
}

#[tokio::test]
async fn the_command_follows_links() {
    for tls in [false, true] {
        let sim = sim(Options { tls, ..Options::stepped() }).await;
        let cert = key(&sim, 4);
        let registered = register(&sim, ME, &cert).await.unwrap();
        let said = confirm(&registered.login_url, sim.ca_pem()).await.unwrap();
        assert!(said.contains(ME), "{said}");
        assert!(whoami(&mut client(&sim, &cert).await).await.is_ok(), "with TLS: {tls}");

        let nobodys = registered.login_url.replace(&registered.public_key_id, "none");
        let refused = confirm(&nobodys, sim.ca_pem()).await.unwrap_err();
        assert!(matches!(&refused, ConfirmError::Refused(text) if text.contains("no key \"none\"")), "{refused}");
    }
    assert!(matches!(confirm("/authenticate", None).await, Err(ConfirmError::NoLink(..))));
}
