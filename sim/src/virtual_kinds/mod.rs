//! Objects that are computed for each caller and stored nowhere.

pub mod media;
mod permissions;
pub mod platforms;
mod talos;
mod usage;
mod watch;

pub(super) use watch::{WATCHED, awaited, watch};

use super::access::AccessContext;
use super::access_policy;
use super::catalogue::Feature;
use super::kinds;
use super::names::kind;
use super::object::{Key, Object};
use super::release::Release;
use super::store::StoreError;
use super::violations;
use omni_proto::specs::{
    AdvertisedEndpointsSpec, CurrentUserSpec, ImageFactoryAuthSpec, LabelsCompletionSpec, SupportSpec,
    labels_completion_spec::Values,
};
use prost::Message;
use std::collections::HashMap;
use std::time::Duration;
use tonic::Status;

/// The namespace of computed objects.
pub(super) const NAMESPACE: &str = "virtual";

/// What labels can be completed to is asked for by type, and is about this namespace only.
const COMPLETED: &str = "default";

/// Computes objects for one caller.
pub(super) struct VirtualContext<'a> {
    pub(super) permissions: AccessContext<'a>,
    /// Where the server is reached.
    pub(super) endpoint: &'a str,
    /// The time of day.
    pub(super) now: Duration,
}

impl VirtualContext<'_> {
    /// The computed object of this key.
    pub(super) fn get(&self, key: &Key) -> Result<Object, Status> {
        let missing = || StoreError::missing(key, true);
        let Some(name) = self.short(&key.kind) else { return Err(unsupported_type("get", &key.kind)) };
        let spec = match (name, key.id.as_str()) {
            ("CurrentUsers", "current") => self.current_user(),
            // Any id will do.
            ("Permissions", _) => return Ok(self.permissions()),
            ("ClusterPermissions", cluster) => {
                permissions::on_cluster(self.permissions.role_on(cluster)).encode_to_vec()
            }
            ("LabelsCompletions", kind) => self.labels(kind)?.encode_to_vec(),
            ("AdvertisedEndpoints", "current") => {
                AdvertisedEndpointsSpec { grpc_api_url: self.endpoint.to_owned() }.encode_to_vec()
            }
            ("AdvertisedEndpoints", other) => return Err(Status::unknown(format!("invalid endpoints id {other:?}"))),
            // The factories let everybody in.
            ("ImageFactoryAuths", "image-factory-auth") => ImageFactoryAuthSpec::default().encode_to_vec(),
            ("Supports", "support") => SupportSpec::default().encode_to_vec(),
            ("Quirks", version) => talos::quirks(version).encode_to_vec(),
            ("VersionContract", version) => talos::contract(version).map_err(Status::unknown)?.encode_to_vec(),
            (name, id) => {
                configs(name, self.permissions.release)
                    .into_iter()
                    .find(|(known, _)| *known == id)
                    .ok_or_else(missing)?
                    .1
            }
        };
        // These were never given a version.
        let unversioned = ["AdvertisedEndpoints", "LabelsCompletions", "MetalPlatformConfigs"].contains(&name);
        let version = if unversioned { 0 } else { 1 };
        Ok(self.object(key.clone(), version, spec))
    }

    /// The computed objects of a type.
    pub(super) fn list(&self, kind: &str) -> Result<Vec<Object>, Status> {
        let specs = match self.short(kind) {
            Some("CurrentUsers") => vec![("current".to_owned(), self.current_user())],
            Some("Permissions") => return Ok(vec![self.permissions()]),
            Some(name @ ("MetalPlatformConfigs" | "CloudPlatformConfigs" | "SBCConfigs")) => {
                configs(name, self.permissions.release).into_iter().map(|(id, spec)| (id.to_owned(), spec)).collect()
            }
            Some("Quirks") => {
                let versions = self.permissions.view.list(kind::TALOS_VERSION);
                versions
                    .iter()
                    .map(|object| &object.key.id)
                    .map(|id| (id.clone(), talos::quirks(id).encode_to_vec()))
                    .collect()
            }
            _ => return Err(unsupported_type("list", kind)),
        };
        let mut objects: Vec<_> = specs.into_iter().map(|(id, spec)| self.object(key(kind, &id), 1, spec)).collect();
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(objects)
    }

    /// The name of a type that is computed in this release, without its domain.
    fn short<'k>(&self, kind: &'k str) -> Option<&'k str> {
        kinds::find(kind).filter(|known| known.namespace_in(self.permissions.release) == NAMESPACE)?;
        kind.strip_suffix(".omni.sidero.dev")
    }

    fn object(&self, key: Key, version: u64, spec: Vec<u8>) -> Object {
        computed(key, version, spec, self.now)
    }

    fn current_user(&self) -> Vec<u8> {
        let caller = self.permissions.caller;
        let role = caller.role.name().to_owned();
        CurrentUserSpec { identity: caller.identity.clone(), role, user_id: caller.user.clone() }.encode_to_vec()
    }

    fn permissions(&self) -> Object {
        let has_policy = self.permissions.view.get(kind::ACCESS_POLICY, access_policy::ID).is_some();
        let spec = permissions::at_large(self.permissions.caller.role, self.permissions.release, has_policy);
        self.object(key("Permissions.omni.sidero.dev", "permissions"), 1, spec.encode_to_vec())
    }

    fn labels(&self, kind: &str) -> Result<LabelsCompletionSpec, Status> {
        // Nobody learns labels of what is closed to them.
        violations::unless_clean(self.permissions.list(kind, COMPLETED, &[]), Vec::new())?;
        let mut items: HashMap<String, Values> = HashMap::new();
        for object in self.permissions.view.list(kind).iter().filter(|object| object.key.namespace == COMPLETED) {
            for (label, value) in &object.labels {
                let values = &mut items.entry(label.clone()).or_default().items;
                if !values.contains(value) {
                    values.push(value.clone());
                }
            }
        }
        Ok(LabelsCompletionSpec { items })
    }
}

/// An object that was made just now, and is stored nowhere.
fn computed(key: Key, version: u64, spec: Vec<u8>, now: Duration) -> Object {
    let now = (now.as_secs().cast_signed(), now.subsec_nanos().cast_signed());
    Object { version, created: now, updated: now, ..Object::new(key, spec) }
}

fn key(kind: &str, id: &str) -> Key {
    Key { namespace: NAMESPACE.to_owned(), kind: kind.to_owned(), id: id.to_owned() }
}

/// What is known of platforms and boards, by id.
fn configs(name: &str, release: Release) -> Vec<(&'static str, Vec<u8>)> {
    let platform = |platform: &platforms::Platform| (platform.id, platform.spec(release).encode_to_vec());
    match name {
        "MetalPlatformConfigs" => vec![platform(&platforms::METAL)],
        "CloudPlatformConfigs" => platforms::clouds(release).map(platform).collect(),
        "SBCConfigs" => platforms::BOARDS.iter().map(|board| (board.id, board.spec().encode_to_vec())).collect(),
        _ => Vec::new(),
    }
}

/// The answer to whatever cannot be done with computed objects.
pub(super) fn unsupported(what: &str) -> Status {
    Status::unimplemented(format!("{what} is not supported"))
}

/// The answer to a list that asks for some objects only, by their labels or by their ids.
pub(super) fn unsupported_options(release: Release, by_labels: bool) -> Status {
    Status::unimplemented(match (release.has(Feature::NamedListOptions), by_labels) {
        (false, _) => "no list options are supported",
        (true, true) => "label queries are not supported",
        (true, false) => "id query is not supported",
    })
}

/// The answer to a call that objects of this type do not know.
pub(super) fn unsupported_type(call: &str, kind: &str) -> Status {
    Status::unimplemented(format!("unsupported resource type for {call} {kind:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Caller;
    use crate::kinds::Role;
    use crate::store::Store;
    use crate::world;
    use kit::clock::TestClock;
    use omni_proto::specs::{
        ClusterPermissionsSpec, PermissionsSpec, PlatformConfigSpec, QuirksSpec, SbcConfigSpec, VersionContractSpec,
    };
    use std::sync::Arc;
    use tonic::Code;

    struct Scene {
        store: Store,
        caller: Caller,
        release: Release,
    }

    impl Scene {
        fn new(role: Role, release: Release) -> Self {
            let store = Store::new(Arc::new(TestClock::at(1_790_000_000)));
            world::seed(&store, 2, release);
            Self { store, caller: Caller { identity: "a@b".into(), user: "u".into(), role }, release }
        }

        fn ask<T>(&self, work: impl FnOnce(&VirtualContext<'_>) -> T) -> T {
            let view = self.store.view();
            let permissions = AccessContext { view: &view, caller: &self.caller, release: self.release };
            work(&VirtualContext { permissions, endpoint: "grpc://here", now: self.store.time() })
        }

        fn get(&self, kind: &str, id: &str) -> Result<Object, Status> {
            self.ask(|ctx| ctx.get(&kinds::key(&format!("{kind}.omni.sidero.dev"), id)))
        }

        fn count(&self, kind: &str) -> Result<usize, Code> {
            let listed = self.ask(|ctx| ctx.list(&format!("{kind}.omni.sidero.dev")));
            listed.map(|objects| objects.len()).map_err(|status| status.code())
        }
    }

    #[test]
    fn callers_see_themselves() {
        let scene = Scene::new(Role::Reader, Release::NEWEST);
        let me: CurrentUserSpec = scene.get("CurrentUsers", "current").unwrap().spec();
        assert_eq!((me.identity.as_str(), me.role.as_str(), me.user_id.as_str()), ("a@b", "Reader", "u"));
        let other = scene.get("CurrentUsers", "other").unwrap_err();
        assert_eq!(other.message(), "resource CurrentUsers.omni.sidero.dev(virtual/other@undefined) doesn't exist");
        let found = scene.get("Permissions", "any").unwrap();
        let may: PermissionsSpec = found.spec();
        assert_eq!(found.key.id, "permissions");
        assert!(may.can_read_clusters && !may.can_create_clusters && !may.can_read_audit_log);
        assert!(may.can_read_join_tokens && !may.can_manage_join_tokens);
        assert_eq!(scene.get("AdvertisedEndpoints", "current").unwrap().version, 0);
        assert_eq!(scene.get("AdvertisedEndpoints", "x").unwrap_err().code(), Code::Unknown);
    }

    #[test]
    fn a_policy_lets_readers_try_to_create_clusters() {
        let scene = Scene::new(Role::Reader, Release::NEWEST);
        scene.store.put("", &kinds::key(kind::ACCESS_POLICY, access_policy::ID), |_| {});
        assert!(scene.get("Permissions", "permissions").unwrap().spec::<PermissionsSpec>().can_create_clusters);
    }

    #[test]
    fn an_older_server_knows_fewer_permissions() {
        let may: PermissionsSpec = Scene::new(Role::Admin, Release::V1_6).get("Permissions", "x").unwrap().spec();
        assert!(may.can_read_audit_log && !may.can_read_join_tokens && !may.can_manage_installation_media);
    }

    #[test]
    fn permissions_on_clusters_follow_the_role() {
        for (role, add, download) in
            [(Role::None, false, false), (Role::Reader, false, true), (Role::Operator, true, true)]
        {
            let scene = Scene::new(role, Release::NEWEST);
            let may: ClusterPermissionsSpec = scene.get("ClusterPermissions", "unheard-of").unwrap().spec();
            assert_eq!((may.can_add_machines, may.can_download_kubeconfig), (add, download), "{role:?}");
        }
    }

    #[test]
    fn what_can_be_listed() {
        let scene = Scene::new(Role::Admin, Release::NEWEST);
        let versions = scene.store.list(kind::TALOS_VERSION).len();
        for (kind, expected) in [
            ("CurrentUsers", Ok(1)),
            ("Permissions", Ok(1)),
            ("MetalPlatformConfigs", Ok(1)),
            ("CloudPlatformConfigs", Ok(18)),
            ("SBCConfigs", Ok(29)),
            ("Quirks", Ok(versions)),
            ("ClusterPermissions", Err(Code::Unimplemented)),
            ("LabelsCompletions", Err(Code::Unimplemented)),
            ("AdvertisedEndpoints", Err(Code::Unimplemented)),
            ("KubernetesUsages", Err(Code::Unimplemented)),
            ("Supports", Err(Code::Unimplemented)),
            ("VersionContract", Err(Code::Unimplemented)),
            ("Clusters", Err(Code::Unimplemented)),
        ] {
            assert_eq!(scene.count(kind), expected, "{kind}");
        }
        let refused = scene.ask(|ctx| ctx.list("ClusterPermissions.omni.sidero.dev")).unwrap_err();
        assert_eq!(refused.message(), "unsupported resource type for list \"ClusterPermissions.omni.sidero.dev\"");
    }

    #[test]
    fn platforms_and_boards_are_known_by_id() {
        let scene = Scene::new(Role::Reader, Release::NEWEST);
        let aws: PlatformConfigSpec = scene.get("CloudPlatformConfigs", "aws").unwrap().spec();
        assert_eq!((aws.disk_image_suffix.as_str(), &aws.architectures[..]), ("raw.xz", &[1, 2][..]));
        assert_eq!(aws.min_version, "");
        let before = Scene::new(Role::Reader, Release::of_minor(4));
        let aws: PlatformConfigSpec = before.get("CloudPlatformConfigs", "aws").unwrap().spec();
        assert_eq!(aws.architectures, [0, 1]);
        let board: SbcConfigSpec = scene.get("SBCConfigs", "rockpi_4").unwrap().spec();
        assert_eq!((board.overlay_name.as_str(), board.overlay_image.as_str()), ("rockpi4", "siderolabs/sbc-rockchip"));
        for (kind, id) in [("CloudPlatformConfigs", "metal"), ("SBCConfigs", "aws"), ("Supports", "other")] {
            assert_eq!(scene.get(kind, id).unwrap_err().code(), Code::NotFound, "{kind} {id}");
        }
    }

    #[test]
    fn credentials_of_factories_were_computed_once() {
        let ask = |release, id| {
            let key = key("ImageFactoryAuths.omni.sidero.dev", id);
            Scene::new(Role::Reader, release).ask(|ctx| ctx.get(&key)).map_err(|status| status.code())
        };
        assert_eq!(ask(Release::V1_9, "image-factory-auth").unwrap().version, 1);
        assert_eq!(ask(Release::V1_9, "other").unwrap_err(), Code::NotFound);
        assert_eq!(ask(Release::V1_10, "image-factory-auth").unwrap_err(), Code::Unimplemented);
        assert_eq!(Scene::new(Role::Reader, Release::V1_9).count("ImageFactoryAuths"), Err(Code::Unimplemented));
    }

    #[test]
    fn versions_say_what_they_can_do() {
        let scene = Scene::new(Role::None, Release::NEWEST);
        for (version, unified, embedded) in
            [("1.9.6", false, false), ("v1.10.0", true, false), ("1.12.4", true, true), ("new", true, true)]
        {
            let quirks: QuirksSpec = scene.get("Quirks", version).unwrap().spec();
            assert_eq!((quirks.supports_unified_installer, quirks.supports_embedded_config), (unified, embedded));
        }
        let contract =
            |version| scene.get("VersionContract", version).map(|object| object.spec::<VersionContractSpec>());
        let [before, after] = ["1.10.9", "v1.11.0"].map(|version| contract(version).unwrap().kube_span_multidoc_config);
        assert_eq!((before, after), (false, true));
        let refused = contract("new").unwrap_err();
        let text = "failed to parse contract from version: error parsing version \"vnew\"";
        assert_eq!((refused.code(), refused.message()), (Code::Unknown, text));
    }

    #[test]
    fn lists_ask_for_everything() {
        for (release, by_labels, text) in [
            (Release::V1_3, true, "no list options are supported"),
            (Release::of_minor(4), true, "label queries are not supported"),
            (Release::NEWEST, false, "id query is not supported"),
        ] {
            let status = unsupported_options(release, by_labels);
            assert_eq!((status.code(), status.message()), (Code::Unimplemented, text));
        }
    }

    #[test]
    fn labels_are_completed_from_what_is_stored() {
        let scene = Scene::new(Role::Reader, Release::NEWEST);
        for (id, team) in [("a", "x"), ("b", "y"), ("c", "x")] {
            scene.store.put("", &kinds::key(kind::MACHINE_LABELS, id), |object| {
                object.labels.insert("team".into(), team.into());
            });
        }
        let found: LabelsCompletionSpec = scene.get("LabelsCompletions", kind::MACHINE_LABELS).unwrap().spec();
        assert_eq!(found.items["team"].items, ["x", "y"]);
        let closed = scene.get("LabelsCompletions", "PublicKeys.omni.sidero.dev").unwrap_err();
        assert_eq!(closed.code(), Code::PermissionDenied);
    }

    #[tokio::test]
    async fn clusters_have_what_their_machines_have() {
        use futures_util::FutureExt as _;
        use omni_proto::specs::{KubernetesStatusSpec, KubernetesUsageSpec, MachineStatusSpec};
        let scene = Scene::new(Role::Reader, Release::NEWEST);
        let asked = key("KubernetesUsages.omni.sidero.dev", "c");
        let refused = async || awaited(&scene.store, &asked).await.unwrap_err();
        let gone = |kind: &str| format!("resource {kind}(default/c@undefined) doesn't exist");
        let text = format!("failed to resolve watch id: {}", gone(kind::CLUSTER_UUID));
        assert_eq!((refused().await.code(), refused().await.message()), (Code::NotFound, &*text));
        scene.store.put("", &kinds::key(kind::CLUSTER_UUID, "c"), |_| {});
        let text = format!("failed to start watch: failed to get kubeconfig: {}", gone(kind::KUBECONFIG));
        assert_eq!(refused().await.message(), text);
        scene.store.put("", &kinds::key(kind::KUBECONFIG, "c"), |_| {});

        // From here on somebody who asks waits.
        let mut answer = Box::pin(awaited(&scene.store, &asked));
        assert!((&mut answer).now_or_never().is_none());
        let machine = crate::inventory::id(1);
        scene.store.put("", &kinds::key(kind::CLUSTER_MACHINE, &machine), |object| {
            object.labels.insert("omni.sidero.dev/cluster".into(), "c".into());
        });
        assert!((&mut answer).now_or_never().is_none());
        let status = KubernetesStatusSpec { nodes: vec![Default::default()], static_pods: vec![] };
        scene.store.put("", &kinds::key(kind::KUBERNETES_STATUS, "c"), |object| object.spec = status.encode_to_vec());
        let usage: KubernetesUsageSpec = answer.await.unwrap().spec();
        let hardware =
            scene.store.get(&kinds::key(kind::MACHINE_STATUS, &machine)).unwrap().spec::<MachineStatusSpec>();
        let threads: u32 = hardware.hardware.unwrap().processors.iter().map(|p| p.thread_count).sum();
        assert!(threads > 0);
        assert_eq!(usage.cpu.unwrap().capacity, f64::from(threads));
        assert_eq!(usage.pods.unwrap().capacity, 110);

        scene.store.remove(&kinds::key(kind::KUBERNETES_STATUS, "c"));
        let mut answer = Box::pin(awaited(&scene.store, &asked));
        assert!((&mut answer).now_or_never().is_none());
        scene.store.remove(&kinds::key(kind::CLUSTER_UUID, "c"));
        assert_eq!(answer.await.unwrap_err().code(), Code::NotFound);
    }
}
