//! Objects that are computed for each caller and stored nowhere.

use super::access::Caller;
use super::kinds::Role;
use super::object::{Key, Object};
use super::store::StoreError;
use crate::pb::specs;
use prost::Message;
use std::collections::BTreeMap;
use tonic::Status;

/// The namespace of computed objects.
pub(super) const NAMESPACE: &str = "virtual";

/// The computed object of this key.
pub(super) fn get(key: &Key, caller: &Caller, endpoint: &str) -> Result<Object, Status> {
    let (version, spec) = match (key.kind.as_str(), key.id.as_str()) {
        ("CurrentUsers.omni.sidero.dev", "current") => (1, current_user(caller).encode_to_vec()),
        // Any id will do.
        ("Permissions.omni.sidero.dev", _) => (1, permissions(caller.role).encode_to_vec()),
        ("AdvertisedEndpoints.omni.sidero.dev", "current") => {
            (0, specs::AdvertisedEndpointsSpec { grpc_api_url: endpoint.to_owned() }.encode_to_vec())
        }
        _ => return Err(StoreError::missing(key, true)),
    };
    Ok(Object {
        key: key.clone(),
        version,
        owner: String::new(),
        tearing_down: false,
        finalizers: Vec::new(),
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        created: (0, 0),
        updated: (0, 0),
        spec,
    })
}

/// The computed objects of a type.
pub(super) fn list(kind: &str, caller: &Caller, endpoint: &str) -> Result<Vec<Object>, Status> {
    let id = match kind {
        "CurrentUsers.omni.sidero.dev" => "current",
        "Permissions.omni.sidero.dev" => "permissions",
        _ => return Err(unsupported()),
    };
    let key = Key { namespace: NAMESPACE.to_owned(), kind: kind.to_owned(), id: id.to_owned() };
    Ok(vec![get(&key, caller, endpoint)?])
}

/// The answer to whatever cannot be done with computed objects.
pub(super) fn unsupported() -> Status {
    Status::unimplemented("computed resources can be read only, and only as a whole")
}

fn current_user(caller: &Caller) -> specs::CurrentUserSpec {
    specs::CurrentUserSpec {
        identity: caller.identity.clone(),
        role: caller.role.name().to_owned(),
        user_id: caller.user.clone(),
    }
}

fn permissions(role: Role) -> specs::PermissionsSpec {
    let (reader, operator, admin) = (role >= Role::Reader, role >= Role::Operator, role >= Role::Admin);
    specs::PermissionsSpec {
        can_read_clusters: reader,
        can_create_clusters: operator,
        can_manage_users: admin,
        can_read_machines: reader,
        can_remove_machines: operator,
        can_read_machine_logs: reader,
        can_read_machine_config_patches: reader,
        can_manage_machine_config_patches: operator,
        can_manage_backup_store: admin,
        can_access_maintenance_nodes: operator,
        can_read_audit_log: role == Role::Auditor || admin,
        can_read_join_tokens: reader,
        can_manage_join_tokens: admin,
        can_read_installation_media: reader,
        can_manage_installation_media: operator,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::kinds;

    #[test]
    fn callers_see_themselves() {
        let caller = Caller { identity: "a@b".into(), user: "u".into(), role: Role::Reader };
        let find = |kind, id| get(&kinds::key(kind, id), &caller, "grpc://here");
        let me: specs::CurrentUserSpec = find("CurrentUsers.omni.sidero.dev", "current").unwrap().spec();
        assert_eq!((me.identity.as_str(), me.role.as_str(), me.user_id.as_str()), ("a@b", "Reader", "u"));
        let other = find("CurrentUsers.omni.sidero.dev", "other").unwrap_err();
        assert_eq!(other.message(), "resource CurrentUsers.omni.sidero.dev(virtual/other@undefined) doesn't exist");
        let may: specs::PermissionsSpec = find("Permissions.omni.sidero.dev", "any").unwrap().spec();
        assert!(may.can_read_clusters && !may.can_create_clusters && !may.can_read_audit_log);
        assert_eq!(find("AdvertisedEndpoints.omni.sidero.dev", "current").unwrap().version, 0);
        assert!(list("AdvertisedEndpoints.omni.sidero.dev", &caller, "").is_err());
    }
}
