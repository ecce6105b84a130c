//! Rules for backups: they are asked for now, not for another time, and they go where they can go.

use super::Change;
use crate::pb::specs::{EtcdBackupS3ConfSpec, EtcdManualBackupSpec};
use crate::sim::object::View;

const LEEWAY: i64 = 60;

/// The problems with a wish for a backup now.
pub(super) fn manual(view: &dyn View, change: Change<'_>) -> Vec<String> {
    let (old, new) = match change {
        Change::Create(new) => (None, new),
        Change::Update(old, new) => (Some(old), new),
        Change::Destroy(_) => return Vec::new(),
    };
    let at = |object: &crate::sim::object::Object| object.spec::<EtcdManualBackupSpec>().backup_at.unwrap_or_default();
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

/// The problems with the place that backups go to.
pub(super) fn place(change: Change<'_>) -> Vec<String> {
    let (Change::Create(new) | Change::Update(_, new)) = change else { return Vec::new() };
    let spec: EtcdBackupS3ConfSpec = new.spec();
    // Nothing at all means that backups are not kept in S3.
    if spec == EtcdBackupS3ConfSpec::default() {
        return Vec::new();
    }
    let problem = if spec.bucket.is_empty() {
        Some("the bucket is not set".to_owned())
    } else if !spec.endpoint.is_empty() && spec.endpoint.parse::<http::Uri>().is_err() {
        Some(format!("the endpoint {:?} is no URL", spec.endpoint))
    } else {
        None
    };
    problem.map(|problem| format!("incorrect settings for s3 client: {problem}")).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, NOW, object};
    use super::*;
    use crate::sim::names::kind;

    #[test]
    fn a_backup_is_asked_for_now() {
        let now = NOW.as_secs().cast_signed();
        let wish = |seconds| {
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
            assert_eq!(manual(&Fixture::default(), Change::Create(&wish(at))), expected, "{at}");
            assert_eq!(manual(&Fixture::default(), Change::Update(&wish(1), &wish(at))), expected, "{at}");
            assert_eq!(manual(&Fixture::default(), Change::Update(&wish(at), &wish(at))), [""; 0], "{at}");
        }
    }

    #[test]
    fn places() {
        let place_of = |bucket: &str, endpoint: &str, key: &str| EtcdBackupS3ConfSpec {
            bucket: bucket.into(),
            endpoint: endpoint.into(),
            access_key_id: key.into(),
            ..Default::default()
        };
        for (spec, expected) in [
            (place_of("", "", ""), None),
            (place_of("b", "", "k"), None),
            (place_of("b", "https://s3.example.org", "k"), None),
            (place_of("", "", "k"), Some("incorrect settings for s3 client: the bucket is not set")),
            (place_of("b", "a b", ""), Some("incorrect settings for s3 client: the endpoint \"a b\" is no URL")),
        ] {
            let new = object(kind::ETCD_BACKUP_S3_CONFIG, "etcd-backup-s3-conf", &spec);
            let expected: Vec<&str> = expected.into_iter().collect();
            assert_eq!(place(Change::Create(&new)), expected);
        }
    }
}
