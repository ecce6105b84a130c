//! Which events of the audit log are read: the arguments of the data source and of the export.

use crate::tf::check::{Check, not_empty, one_of};
use crate::tf::schema::{Attribute, string};
use crate::tf::value::Value;
use kit::text::quoted;
use omni_proto::management::ReadAuditLogRequest;

/// What can have happened, with its number.
const EVENTS: [(&str, i32); 8] = [
    ("create", 1),
    ("update", 2),
    ("update_with_conflicts", 3),
    ("destroy", 4),
    ("teardown", 5),
    ("talos_access", 6),
    ("k8s_access", 7),
    ("audit_log_access", 8),
];
const EVENT_NAMES: &[&str] = &crate::provider::engine::codecs::texts(&EVENTS);

/// The arguments.
pub(super) fn attributes() -> Vec<Attribute> {
    // Older releases ignore these.
    let only = |name, doc: &str| string(name).check(not_empty()).since("1.8").doc(doc);
    vec![
        string("start_date").check(is_date()).doc("Start date, inclusive, at 00:00 UTC, such as `2026-01-31`. Defaults to 29 days ago."),
        string("end_date")
            .check(is_date())
            .doc("End date, exclusive, at 00:00 UTC, such as `2026-01-31`. Defaults to now."),
        only("search", "Only events that contain this text, ignoring case."),
        only("event_type", "Only events of this type: `create`, `update`, `update_with_conflicts`, `destroy`, `teardown`, `talos_access`, `k8s_access` or `audit_log_access`.").check(one_of(EVENT_NAMES)),
        only("resource_type", "Only events of objects of this type, such as `Clusters.omni.sidero.dev`."),
        only("resource_id", "Only events of objects with this ID."),
        only("cluster", "Only events of this cluster."),
        only("actor", "Only events of this user or service account, by its e-mail address."),
    ]
}

/// The request for these events.
pub(super) fn request(value: &Value) -> ReadAuditLogRequest {
    let text = |name: &str| value.get(name).as_str().unwrap_or_default().to_owned();
    let event = EVENTS.iter().find(|(name, _)| value.get("event_type").as_str() == Some(name));
    ReadAuditLogRequest {
        start_time: text("start_date"),
        end_time: text("end_date"),
        search: text("search"),
        event_type: event.map_or(0, |(_, number)| *number),
        resource_type: text("resource_type"),
        resource_id: text("resource_id"),
        cluster_id: text("cluster"),
        actor: text("actor"),
        ..ReadAuditLogRequest::default()
    }
}

/// The text is a day.
fn is_date() -> Check {
    Check::text(|text| match text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok() {
        true => Ok(()),
        false => Err(format!("{} is no day: write it like `2026-01-31`.", quoted(text))),
    })
}
