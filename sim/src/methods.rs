//! The RPCs of a release. Other RPCs are refused with the message of Go's gRPC server.

use super::catalogue;
use super::descriptors::POOL;
use super::release::Release;
use tonic::Status;

/// Whether a server of this release has the call of this path.
///
/// # Errors
/// When it has not.
pub(super) fn check(path: &str, release: Release) -> Result<(), Status> {
    let (service, method) = path.trim_start_matches('/').rsplit_once('/').unwrap_or_default();
    let Some(known) = POOL.get_service_by_name(service) else {
        return Err(Status::unimplemented(format!("unknown service {service}")));
    };
    let in_time = catalogue::call(service, method).is_none_or(|span| span.holds(release));
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
            ("/cosi.resource.State/Teardown", Release::V1_8, None),
            ("/cosi.resource.State/Get", Release::V1_2, None),
            ("/cosi.resource.State/Got", Release::NEWEST, Some("unknown method Got for service cosi.resource.State")),
            ("/no.Such/Thing", Release::NEWEST, Some("unknown service no.Such")),
        ] {
            let found = check(path, release).err().map(|status| status.message().to_owned());
            assert_eq!(found.as_deref(), expected, "{path} {release}");
        }
    }
}
