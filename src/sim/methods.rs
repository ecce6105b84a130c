//! Which calls a release has. Whoever asks for another hears so in the words of Go's gRPC server.

use super::release::Release;
use crate::pb;
use prost_reflect::DescriptorPool;
use std::sync::LazyLock;
use tonic::Status;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| DescriptorPool::decode(pb::DESCRIPTORS).unwrap_or_default());

const MANAGEMENT: &str = "management.ManagementService";
const STATE: &str = "cosi.resource.State";

/// Calls that came later, and those that went: service, name, first release, and the first without it.
const CALLS: &[(&str, &str, Release, Option<Release>)] = &[
    (MANAGEMENT, "TearDownLockedCluster", Release::V1_2, Some(Release::V1_3)),
    (MANAGEMENT, "ResetNodeUniqueToken", Release::V1_5, None),
    (MANAGEMENT, "CreateUser", Release::V1_6, None),
    (MANAGEMENT, "ListUsers", Release::V1_6, None),
    (MANAGEMENT, "UpdateUser", Release::V1_6, None),
    (MANAGEMENT, "DestroyUser", Release::V1_6, None),
    (MANAGEMENT, "CreateSchematicFromRaw", Release::V1_8, None),
    (MANAGEMENT, "MachinePowerOn", Release::V1_8, None),
    (MANAGEMENT, "MachinePowerOff", Release::V1_8, None),
    (MANAGEMENT, "MaintenanceLifecycle", Release::V1_9, None),
    (MANAGEMENT, "GetInstallationMediaURL", Release::NEWEST, None),
    (STATE, "Teardown", Release::V1_9, None),
    (STATE, "TeardownAndDestroy", Release::V1_9, None),
];

/// Whether a server of this release has the call of this path.
///
/// # Errors
/// When it has not.
pub(super) fn check(path: &str, release: Release) -> Result<(), Status> {
    let (service, method) = path.trim_start_matches('/').rsplit_once('/').unwrap_or_default();
    let Some(known) = POOL.get_service_by_name(service) else {
        return Err(Status::unimplemented(format!("unknown service {service}")));
    };
    let call = CALLS.iter().find(|(of, name, ..)| (*of, *name) == (service, method));
    let in_time = call.is_none_or(|(_, _, since, until)| release >= *since && until.is_none_or(|end| release < end));
    if in_time && known.methods().any(|known| known.name() == method) {
        return Ok(());
    }
    Err(Status::unimplemented(format!("unknown method {method} for service {service}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_have_their_calls() {
        for (path, release, expected) in [
            ("/management.ManagementService/CreateUser", Release::V1_6, None),
            (
                "/management.ManagementService/CreateUser",
                Release::V1_5,
                Some("unknown method CreateUser for service management.ManagementService"),
            ),
            ("/management.ManagementService/TearDownLockedCluster", Release::V1_2, None),
            (
                "/management.ManagementService/TearDownLockedCluster",
                Release::V1_3,
                Some("unknown method TearDownLockedCluster for service management.ManagementService"),
            ),
            ("/management.ManagementService/GetInstallationMediaURL", Release::NEWEST, None),
            (
                "/management.ManagementService/GetInstallationMediaURL",
                Release::V1_10,
                Some("unknown method GetInstallationMediaURL for service management.ManagementService"),
            ),
            (
                "/cosi.resource.State/Teardown",
                Release::V1_6,
                Some("unknown method Teardown for service cosi.resource.State"),
            ),
            ("/cosi.resource.State/Teardown", Release::V1_9, None),
            ("/cosi.resource.State/Get", Release::V1_2, None),
            ("/cosi.resource.State/Got", Release::NEWEST, Some("unknown method Got for service cosi.resource.State")),
            ("/no.Such/Thing", Release::NEWEST, Some("unknown service no.Such")),
        ] {
            let found = check(path, release).err().map(|status| status.message().to_owned());
            assert_eq!(found.as_deref(), expected, "{path} {release}");
        }
    }

    #[test]
    fn every_call_in_the_table_is_defined() {
        for (service, method, ..) in CALLS {
            let service = POOL.get_service_by_name(service).unwrap();
            assert!(service.methods().any(|known| known.name() == *method), "{method}");
        }
    }
}
