//! Rules for backups: they are requested for the present time, and their store is valid.

use super::Change;
use crate::object::Reader;
use crate::settings;
use omni_proto::specs::{EtcdBackupS3ConfSpec, EtcdManualBackupSpec};

const LEEWAY: i64 = 60;

/// The problems with a request for a backup now.
pub(super) fn manual(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    let (old, new) = match change {
        Change::Create(new) => (None, new),
        Change::Update(old, new) => (Some(old), new),
        Change::Destroy(_) => return Vec::new(),
    };
    let at = |object: &crate::object::Object| object.spec::<EtcdManualBackupSpec>().backup_at.unwrap_or_default();
    if old.is_some_and(|old| at(old) == at(new)) {
        return Vec::new();
    }
    let late = view.now().as_secs().cast_signed().saturating_sub(at(new).seconds);
    let wrong = |when| vec![format!("backup time must not be more than 1 minute in the {when}")];
    match late {
        LEEWAY.. if late > LEEWAY => wrong("past"),
        _ if late < -LEEWAY => wrong("future"),
        _ => Vec::new(),
    }
}

/// The problems with the place that backups go to: Omni asks that place whether it can be used.
pub(super) fn place(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    let (Change::Create(new) | Change::Update(_, new)) = change else { return Vec::new() };
    let spec: EtcdBackupS3ConfSpec = new.spec();
    // Nothing at all means that backups are not kept in S3.
    if spec == EtcdBackupS3ConfSpec::default() {
        return Vec::new();
    }
    let problem = if spec.bucket.is_empty() {
        Some("bucket must be specified".to_owned())
    } else if spec.access_key_id.is_empty() != spec.secret_access_key.is_empty() {
        Some("access key and secret key must be specified together".to_owned())
    } else {
        let listed = answer(view, &spec).err();
        listed.map(|problem| {
            format!("failed to list objects in bucket {:?}: operation error S3: ListObjects, {problem}", spec.bucket)
        })
    };
    problem.map(|problem| format!("incorrect settings for s3 client: {problem}")).into_iter().collect()
}

/// What the store answers. There is none behind the simulator, so it answers well unless its world says otherwise.
fn answer(view: &dyn Reader, spec: &EtcdBackupS3ConfSpec) -> Result<(), String> {
    let told = |name: String| settings::get(view, &name);
    let endpoint = spec.endpoint.as_str();
    if spec.access_key_id.is_empty() && told(settings::MACHINE_ROLE.to_owned()).is_none() {
        return Err("get identity: get credentials: failed to refresh cached credentials, no EC2 IMDS role found, \
                    operation error ec2imds: GetMetadata, access disabled to EC2 IMDS via client option, or \
                    \"AWS_EC2_METADATA_DISABLED\" environment variable"
            .into());
    }
    if spec.region.is_empty() {
        return Err("failed to resolve service endpoint, endpoint rule error, A region must be set when sending \
                    requests to S3."
            .into());
    }
    if !endpoint.is_empty() && !endpoint.contains("://") {
        return Err(format!(
            "resolve auth scheme: resolve endpoint: endpoint rule error, Custom endpoint `{endpoint}` was not a valid URI"
        ));
    }
    if told(settings::store(endpoint)).is_some() {
        let host = endpoint.split_once("://").map_or(endpoint, |(_, host)| host).trim_end_matches('/');
        return Err(format!(
            "exceeded maximum number of attempts, 3, https response error StatusCode: 0, RequestID: , HostID: , request \
             send failed, Get \"{}/{}\": dial tcp {host}: connect: connection refused",
            endpoint.trim_end_matches('/'),
            spec.bucket
        ));
    }
    let refused =
        |code: u16, why: &str| Err(format!("https response error StatusCode: {code}, RequestID: , HostID: , {why}"));
    match told(settings::bucket(&spec.bucket)).as_deref() {
        Some(settings::MISSING) => refused(404, "NoSuchBucket: The specified bucket does not exist"),
        Some(settings::DENIED) => refused(403, "api error AccessDenied: Access Denied"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, NOW, object};
    use super::*;
    use crate::names::kind;

    #[test]
    fn a_backup_is_asked_for_now() {
        let now = NOW.as_secs().cast_signed();
        let request = |seconds| {
            let backup_at = Some(prost_types::Timestamp { seconds, nanos: 0 });
            object(kind::ETCD_MANUAL_BACKUP, "c", &EtcdManualBackupSpec { backup_at })
        };
        for (at, expected) in [
            (now, None),
            (now - 60, None),
            (now + 60, None),
            (now - 61, Some("backup time must not be more than 1 minute in the past")),
            (now + 61, Some("backup time must not be more than 1 minute in the future")),
            (0, Some("backup time must not be more than 1 minute in the past")),
        ] {
            let expected: Vec<&str> = expected.into_iter().collect();
            assert_eq!(manual(&Fixture::default(), Change::Create(&request(at))), expected, "{at}");
            assert_eq!(manual(&Fixture::default(), Change::Update(&request(1), &request(at))), expected, "{at}");
            assert_eq!(manual(&Fixture::default(), Change::Update(&request(at), &request(at))), [""; 0], "{at}");
        }
    }

    #[test]
    fn the_store_is_asked() {
        let good = EtcdBackupS3ConfSpec {
            bucket: "b".into(),
            region: "eu".into(),
            access_key_id: "id".into(),
            secret_access_key: "key".into(),
            ..Default::default()
        };
        let at = |endpoint: &str| EtcdBackupS3ConfSpec { endpoint: endpoint.into(), ..good.clone() };
        let world = |name: String, value: &str| {
            let settings = object(settings::KIND, settings::ID, &());
            Fixture::default().with(super::super::fixture::labelled(settings, &[(name.as_str(), value)]))
        };
        let open = Fixture::default;
        let listing = "incorrect settings for s3 client: failed to list objects in bucket \"b\": operation error S3: ListObjects, ";
        for (view, spec, expected) in [
            (open(), EtcdBackupS3ConfSpec::default(), None),
            (open(), good.clone(), None),
            (open(), at("https://s3.example.org"), None),
            (open(), EtcdBackupS3ConfSpec { bucket: String::new(), ..good.clone() }, Some("bucket must be specified")),
            (
                open(),
                EtcdBackupS3ConfSpec { access_key_id: String::new(), ..good.clone() },
                Some("access key and secret key must be specified together"),
            ),
            (open(), EtcdBackupS3ConfSpec { region: String::new(), ..good.clone() }, Some("A region must be set")),
            (open(), at("s3.example.org"), Some("was not a valid URI")),
            (world(settings::bucket("b"), settings::MISSING), good.clone(), Some("NoSuchBucket")),
            (world(settings::bucket("b"), settings::DENIED), good.clone(), Some("AccessDenied")),
            (world(settings::bucket("c"), settings::DENIED), good.clone(), None),
            (
                world(settings::store("http://127.0.0.1:9"), "refused"),
                at("http://127.0.0.1:9"),
                Some("Get \"http://127.0.0.1:9/b\": dial tcp 127.0.0.1:9: connect: connection refused"),
            ),
        ] {
            let new = object(kind::ETCD_BACKUP_S3_CONFIG, "etcd-backup-s3-conf", &spec);
            let found = place(&view, Change::Create(&new));
            match expected {
                None => assert_eq!(found, [""; 0], "{spec:?}"),
                Some(text) => assert!(found.len() == 1 && found[0].contains(text), "{found:?}"),
            }
            assert!(found.iter().all(|text| !text.contains("ListObjects") || text.starts_with(listing)), "{found:?}");
        }
    }
}
