//! The initial objects of an instance, except for machines and versions.

use super::accounts;
use super::eula;
use super::kinds::{self, Role};
use super::meta;
use super::names::{controller, kind};
use super::release::Release;
use super::settings;
use super::store::Store;
use super::virtual_kinds::media;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use omni_proto::specs::auth_config_spec::{Auth0, Oidc, Saml, Webauthn};
use omni_proto::specs::{
    AuthConfigSpec, DbVersionSpec, DefaultJoinTokenSpec, EtcdBackupOverallStatusSpec, EtcdBackupSettings,
    EtcdBackupStoreStatusSpec, EulaAcceptanceSpec, FeaturesConfigSpec, JoinTokenSpec, SiderolinkApiConfigSpec,
    SiderolinkConfigSpec, SysVersionSpec,
};
use prost::Message;

/// The name of the instance.
pub const INSTANCE: &str = "omni-sim";
/// The id of what says how machines reach the instance.
pub const SIDEROLINK: &str = "siderolink-config";
/// The first person, who set the instance up.
pub const FIRST_USER: &str = "admin@omni-sim.localhost";

/// The network of the tunnels, and the server's own address in it.
const SUBNET: &str = "fdae:41e4:649b:9303::/64";
const SERVER: &str = "fdae:41e4:649b:9303::1";
const API: &str = "grpc://127.0.0.1:8090";
const WIREGUARD: &str = "127.0.0.1:50180";
/// The ports of machines' events and logs.
pub const EVENTS_PORT: i32 = 8091;
/// See [`EVENTS_PORT`].
pub const LOGS_PORT: i32 = 8092;

const MEDIA: &str = "InstallationMedias.omni.sidero.dev";

/// How the data are laid out; the server counts up when that changes.
const LAYOUT: u64 = 1;

/// What every start of a server makes anew.
pub fn always(store: &Store, release: Release) {
    meta::seed(store, release);
    let system = SysVersionSpec {
        backend_version: release.version(),
        instance_name: INSTANCE.into(),
        backend_api_version: release.api_version(),
    };
    put(store, "", kind::SYS_VERSION, "current", &system);
    put(store, "", "DBVersions.system.sidero.dev", "current", &DbVersionSpec { version: LAYOUT });
    put(store, "", kind::FEATURES_CONFIG, "features-config", &features());
    let by_itself = settings::get(&store.view(), settings::EULA).as_deref() != Some(settings::OFF);
    if release.has_kind(kind::EULA_ACCEPTANCE) && by_itself {
        let (name, email) = (INSTANCE.into(), format!("{INSTANCE}@localhost"));
        put(
            store,
            "",
            kind::EULA_ACCEPTANCE,
            eula::ID,
            &EulaAcceptanceSpec { accepted_by_name: name, accepted_by_email: email },
        );
    }
    let siderolink = SiderolinkApiConfigSpec {
        machine_api_advertised_url: API.into(),
        wireguard_advertised_endpoint: WIREGUARD.into(),
        events_port: EVENTS_PORT,
        logs_port: LOGS_PORT,
        ..Default::default()
    };
    put(store, controller::SIDEROLINK_API_CONFIG, kind::SIDEROLINK_API_CONFIG, SIDEROLINK, &siderolink);
    media(store, release);
    backups(store);
}

/// The images on offer, and none that only another release offers whose data these are.
fn media(store: &Store, release: Release) {
    let offered = media::all(INSTANCE, release);
    for object in store.list(MEDIA) {
        if !offered.iter().any(|(id, _)| *id == object.key.id) {
            store.remove(&object.key);
        }
    }
    for (id, spec) in offered {
        put(store, "InstallationMediaController", MEDIA, &id, &spec);
    }
}

/// What only the first start of a server makes.
pub fn once(store: &Store) {
    let id = random_token();
    put(store, "", kind::JOIN_TOKEN, &id, &JoinTokenSpec { name: "initial token".into(), ..Default::default() });
    put(store, "", kind::DEFAULT_JOIN_TOKEN, "default", &DefaultJoinTokenSpec { token_id: id.clone() });
    let config = SiderolinkConfigSpec {
        private_key: random_key(),
        public_key: random_key(),
        wireguard_endpoint: WIREGUARD.into(),
        subnet: SUBNET.into(),
        server_address: SERVER.into(),
        initial_join_token: id,
        advertised_endpoint: WIREGUARD.into(),
    };
    put(store, "", kind::SIDEROLINK_CONFIG, SIDEROLINK, &config);
    for user in [controller::CONNECTION_PARAMS, controller::SIDEROLINK_API_CONFIG] {
        store.add_finalizer(&kinds::key(kind::SIDEROLINK_CONFIG, SIDEROLINK), user);
    }
    accounts::add_person(store, FIRST_USER, Role::Admin);
}

/// How people prove who they are, and whether the instance is suspended.
pub fn auth(store: &Store, suspended: bool) {
    let spec = AuthConfigSpec {
        auth0: Some(Auth0::default()),
        webauthn: Some(Webauthn::default()),
        saml: Some(Saml::default()),
        oidc: Some(Oidc::default()),
        suspended,
        has_initial_user: true,
    };
    put(store, "", kind::AUTH_CONFIG, "auth-config", &spec);
}

fn put(store: &Store, owner: &str, kind: &str, id: &str, spec: &impl Message) {
    store.put(owner, &kinds::key(kind, id), |object| object.spec = spec.encode_to_vec());
}

fn features() -> FeaturesConfigSpec {
    let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
    FeaturesConfigSpec {
        enable_workload_proxying: true,
        etcd_backup_settings: Some(EtcdBackupSettings {
            tick_interval: seconds(60),
            min_interval: seconds(3600),
            max_interval: seconds(24 * 3600),
        }),
        embedded_discovery_service: true,
        audit_log_enabled: true,
        image_factory_base_url: "https://factory.talos.dev".into(),
        image_factory_pxe_base_url: "https://pxe.factory.talos.dev".into(),
        ..Default::default()
    }
}

/// Until somebody says where backups go, there is nothing to report.
fn backups(store: &Store) {
    let missing = |kind: &str, id: &str| store.get(&kinds::key(kind, id)).is_none();
    let (place, total) = ("EtcdBackupStoreStatuses.omni.sidero.dev", "EtcdBackupOverallStatuses.omni.sidero.dev");
    if missing(place, "etcdbackup-store-status") {
        put(store, "", place, "etcdbackup-store-status", &EtcdBackupStoreStatusSpec::default());
    }
    if missing(total, "etcdbackup-overall-status") {
        let spec = EtcdBackupOverallStatusSpec::default();
        put(store, "EtcdBackupOverallStatusController", total, "etcdbackup-overall-status", &spec);
    }
}

/// Letters and digits that nobody can guess.
pub(super) fn random_token() -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let bytes = (0..3).flat_map(|_| uuid::Uuid::new_v4().into_bytes());
    bytes.take(43).map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()])).collect()
}

/// The looks of a key; no tunnel is ever made with it.
fn random_key() -> String {
    let bytes: Vec<u8> = (0..2).flat_map(|_| uuid::Uuid::new_v4().into_bytes()).collect();
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::clock::TestClock;
    use std::sync::Arc;

    #[test]
    fn media_are_those_of_the_release_that_runs() {
        let store = Store::new(Arc::new(TestClock::at(1_790_000_000)));
        for release in [Release::V1_4, Release::NEWEST, Release::V1_4] {
            always(&store, release);
            let mut found: Vec<_> = store.list(MEDIA).iter().map(|object| object.key.id.clone()).collect();
            let mut expected: Vec<_> = media::all(INSTANCE, release).into_iter().map(|(id, _)| id).collect();
            found.sort();
            expected.sort();
            assert_eq!(found, expected, "{release}");
        }
    }
}
