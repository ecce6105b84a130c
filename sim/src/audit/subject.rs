//! What the audit log records of an object, besides its name.

use crate::compression;
use crate::kinds;
use crate::names::{kind, label};
use crate::object::Object;
use omni_proto::specs;
use serde_json::{Map, Value, json};

/// The members of an event that name the cluster: the first that is there counts.
const WITH_CLUSTER: &[&str] =
    &["k8s_access", "talos_access", "machine_set", "machine_set_node", "config_patch", "machine_config_diff"];

/// Types whose writes are noted: those that users manage, people and keys, and machines that come and go.
const NOTED: &[&str] = &[
    "PublicKeys.omni.sidero.dev",
    "Users.omni.sidero.dev",
    "Identities.omni.sidero.dev",
    "Machines.omni.sidero.dev",
    "JoinTokens.omni.sidero.dev",
    "ImportedClusterSecrets.omni.sidero.dev",
    "JWTPublicKeys.system.sidero.dev",
    "Links.omni.sidero.dev",
    "EulaAcceptances.omni.sidero.dev",
];

/// The end of the label that tells a service account from a person.
const SERVICE_ACCOUNT: &str = "type-service-account";

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Create,
    Update,
    Teardown,
    Destroy,
}

impl Change {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Teardown => "teardown",
            Self::Destroy => "destroy",
        }
    }

    pub(super) fn of(old: Option<&Object>, new: Option<&Object>) -> Self {
        match (old, new) {
            (None, _) => Self::Create,
            (_, None) => Self::Destroy,
            (Some(old), Some(new)) if new.tearing_down && !old.tearing_down => Self::Teardown,
            _ => Self::Update,
        }
    }
}

/// Whether the log notes this change at all.
pub(super) fn is_noted(kind_name: &str, change: Change, by_caller: bool) -> bool {
    match kind_name {
        // Machines report all the time; only their coming and going is noted.
        kind::MACHINE => change != Change::Update,
        kind::LINK => change == Change::Destroy,
        "JWTPublicKeys.system.sidero.dev" => by_caller && change != Change::Create,
        _ => {
            let managed = kinds::find(kind_name).is_some_and(kinds::Kind::is_managed);
            // A controller's bookkeeping on a user's object is no news: only finalizers and statuses change.
            (NOTED.contains(&kind_name) || managed) && (by_caller || change != Change::Update)
        }
    }
}

/// The name of the member that describes the object, and that member; none for types without one.
pub(super) fn describe(object: &Object, change: Change) -> Option<(&'static str, Value)> {
    let id = object.key.id.as_str();
    let cluster = object.label(label::CLUSTER).unwrap_or_default();
    let gone = change == Change::Destroy;
    let (name, value) = match object.key.kind.as_str() {
        "Users.omni.sidero.dev" => {
            let user: specs::UserSpec = object.spec();
            ("new_user", if gone { json!({"id": id}) } else { json!({"role": user.role, "id": id}) })
        }
        "Identities.omni.sidero.dev" => {
            let identity: specs::IdentitySpec = object.spec();
            let account = object.labels.keys().any(|key| key.ends_with(SERVICE_ACCOUNT));
            ("new_user", json!({"id": identity.user_id, "email": id, "is_service_account": account}))
        }
        kind::MACHINE => {
            let machine: specs::MachineSpec = object.spec();
            let address = machine.management_address;
            let value = json!({
                "labels": object.labels, "id": id, "management_address": address, "is_connected": machine.connected,
            });
            ("machine", value)
        }
        kind::MACHINE_LABELS => ("machine_labels", json!({"labels": object.labels, "id": id})),
        "AccessPolicies.omni.sidero.dev" => ("access_policy", json!({"id": id})),
        kind::CLUSTER if gone => ("cluster", json!({"id": id})),
        kind::CLUSTER => {
            let spec: specs::ClusterSpec = object.spec();
            let value = json!({
                "id": id, "labels": object.labels, "kubernetes_version": spec.kubernetes_version,
                "talos_version": spec.talos_version,
            });
            ("cluster", value)
        }
        kind::MACHINE_SET => {
            let spec: specs::MachineSetSpec = object.spec();
            let value = json!({
                "labels": object.labels, "id": id, "cluster_id": cluster,
                "update_strategy": spec.update_strategy().as_str_name(),
                "delete_strategy": spec.delete_strategy().as_str_name(),
            });
            ("machine_set", value)
        }
        kind::MACHINE_SET_NODE => {
            ("machine_set_node", json!({"labels": object.labels, "id": id, "cluster_id": cluster}))
        }
        kind::CONFIG_PATCH => {
            let spec: specs::ConfigPatchSpec = object.spec();
            let packed = compression::unpack(&spec.compressed_data).unwrap_or_default();
            let data = if spec.compressed_data.is_empty() { spec.data } else { packed };
            let value = json!({"labels": object.labels, "id": id, "data": data, "cluster_id": cluster});
            ("config_patch", value)
        }
        _ => return None,
    };
    Some((name, without_empty(value)))
}

/// The cluster that an event is about, as its members tell.
pub(super) fn cluster(data: &Value) -> Option<&str> {
    let text = |member: &str, field: &str| data.get(member)?.get(field)?.as_str();
    let of = |member: &&str| text(member, "cluster_id").or_else(|| text(member, "cluster_name"));
    text("cluster", "id").or_else(|| WITH_CLUSTER.iter().find_map(of))
}

/// Empty members are left out, as Go's encoder does.
fn without_empty(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    let is_empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    Value::Object(members.into_iter().filter(|(_, value)| !is_empty(value)).collect::<Map<_, _>>())
}
