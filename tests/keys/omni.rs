//! A simulated Omni, keys for it, and requests whose signature comes from elsewhere.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use kit::clock::{Clock, SystemClock};
use kit::secret::{ExposeSecret, SecretString};
use omni_proto::cosi::resource::GetRequest;
use omni_proto::cosi::resource::state_client::StateClient;
use omni_sim::{Options, Sim};
use serde_json::json;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use terraform_provider_omni::omni::auth::{GeneratedKey, Signer, SigningKey, generate};
use terraform_provider_omni::omni::spec::instance::current_user_key;
use terraform_provider_omni::omni::{AccountRole, Call, Client, Config, Credentials, Error};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request};

/// The method of the one request that is signed by others.
pub const GET: &str = "/cosi.resource.State/Get";

pub const HOUR: Duration = Duration::from_secs(3600);

/// Names of the two kinds of accounts, with their identities.
pub const NAMES: [(&str, &str); 2] = [
    ("ci", "ci@serviceaccount.omni.sidero.dev"),
    ("infra-provider:aws-1", "aws-1@infra-provider.serviceaccount.omni.sidero.dev"),
];

pub fn block<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(test)
}

/// The time of day in whole seconds, as keys count.
pub fn now() -> Duration {
    Duration::from_secs(SystemClock.now().as_secs())
}

pub fn call() -> Call {
    Call::within(Duration::from_secs(30), &CancellationToken::new())
}

/// A key that ends in an hour.
pub fn fresh_key(name: &str) -> GeneratedKey {
    generate(name, HOUR, now()).unwrap()
}

/// The armored private key inside an exported one.
pub fn armored(key: &GeneratedKey) -> String {
    let json = STANDARD.decode(key.exported.expose_secret()).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    json["pgp_key"].as_str().unwrap().to_owned()
}

/// What we sign, and our signature.
pub fn signed_by_us(key: &GeneratedKey) -> (Vec<u8>, Vec<u8>) {
    let signer = Signer::new(SigningKey::service_account(&key.exported, now()).unwrap());
    let mut headers = HeaderMap::new();
    signer.sign(GET, &mut headers, now()).unwrap();
    let line = headers["x-sidero-signature"].to_str().unwrap();
    let signature = STANDARD.decode(line.rsplit(' ').next().unwrap()).unwrap();
    (headers["x-sidero-payload"].as_bytes().to_vec(), signature)
}

/// A simulator that knows the key as that of a service account.
pub async fn omni_with(name: &str, key: &GeneratedKey) -> Sim {
    let sim = Sim::start(Options::stepped()).await.unwrap();
    let role = if name.starts_with("infra-provider:") { "InfraProvider" } else { "Reader" };
    let role = AccountRole::Named(role.to_owned());
    let made = admin(&sim).create_service_account(&call(), name, &key.armored_public, role).await.unwrap();
    assert_eq!(made, key.fingerprint);
    sim
}

/// A client with a key of the simulator's own.
pub fn admin(sim: &Sim) -> Client {
    client(sim, sim.service_account_key().to_owned().into())
}

/// A client that signs with this key.
pub fn client(sim: &Sim, key: SecretString) -> Client {
    Client::new(&Config::new(sim.endpoint(), Credentials::ServiceAccountKey(key)), Arc::new(SystemClock)).unwrap()
}

/// One request, and whether it was sent only once.
pub async fn ask(client: &Client) -> Result<(), Error> {
    let before: u64 = client.rpc_counts().values().sum();
    client.get(&call(), &current_user_key()).await?;
    assert_eq!(client.rpc_counts().values().sum::<u64>(), before + 1, "it was accepted at once");
    Ok(())
}

/// Whether the simulator accepts a request for which others made the signature.
pub async fn accepts(sim: &Sim, fingerprint: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Result<(), Code> {
    let timestamp = now().as_secs().to_string();
    let payload = json!({ "headers": { "x-sidero-timestamp": [timestamp] }, "method": GET }).to_string();
    let signature = STANDARD.encode(sign(payload.as_bytes()));
    let key = current_user_key();
    let mut request = Request::new(GetRequest {
        namespace: key.kind.namespace.to_owned(),
        r#type: key.kind.name.to_owned(),
        id: key.id,
        ..GetRequest::default()
    });
    let headers = request.metadata_mut();
    headers.insert("x-sidero-timestamp", timestamp.parse().unwrap());
    headers.insert("x-sidero-payload", payload.parse().unwrap());
    headers.insert("x-sidero-signature", format!("siderov1 any {fingerprint} {signature}").parse().unwrap());
    let mut client = StateClient::connect(sim.endpoint().replace("grpc://", "http://")).await.unwrap();
    client.get(request).await.map(drop).map_err(|refusal| refusal.code())
}
