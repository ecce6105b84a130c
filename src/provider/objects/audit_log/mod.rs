//! `omni_audit_log`: what was done, and who did it.

use crate::omni::{Call, Error};
use crate::provider::lookup::Singleton;
use crate::provider::lookup::computed::flag;
use crate::provider::session::Session;
use crate::provider::types::Types;
use crate::tf::check::{Check, not_empty, one_of, whole_between};
use crate::tf::schema::{Attribute, number, plain, string};
use crate::tf::value::{Type, Value};
use async_trait::async_trait;
use kit::text::quoted;
use omni_proto::management::ReadAuditLogRequest;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.singleton::<AuditLog>();
}

struct AuditLog;

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

/// The most bytes that are read, which a state would hold.
const MOST_BYTES: usize = 4 << 20;
const MOST_EVENTS: i64 = 10_000;
const DEFAULT_EVENTS: i64 = 1000;

#[async_trait]
impl Singleton for AuditLog {
    const NAME: &'static str = "omni_audit_log";
    const NOUN: &'static str = "the audit log";
    const ABOUT: &'static str = "Reads the audit log of the instance: what was done, and who did it. Needs a provider key with the role `Auditor` (Omni 1.10 or later) or `Admin`, and an instance that keeps an audit log. \
        At most `limit` events and 4 MiB are read, and kept in the state; narrow the time and the filters for more. Since Omni 1.10, each read is an event of its log.";

    fn attributes() -> Vec<Attribute> {
        let only = |name, doc: &str| {
            string(name).check(not_empty()).doc(format!("{doc} Needs Omni 1.8 or later, as older ones ignore it."))
        };
        vec![
            string("start_date").check(is_date()).doc("First day, as `2026-01-31`. Defaults to 29 days ago."),
            string("end_date")
                .check(is_date())
                .doc("Day at whose beginning the log ends, as `2026-01-31`. Defaults to now."),
            only("search", "Only events that contain this text, in upper or lower case."),
            only("event_type", "Only events of this type.").check(one_of(EVENT_NAMES)),
            only("resource_type", "Only events of objects of this type, such as `Clusters.omni.sidero.dev`."),
            only("resource_id", "Only events of objects with this ID."),
            only("cluster", "Only events of this cluster."),
            only("actor", "Only events of this person or service account."),
            number("limit")
                .default(DEFAULT_EVENTS)
                .check(whole_between(1, MOST_EVENTS))
                .doc("The most events to read, up to 10000."),
            plain("events", Type::list(Type::String))
                .computed()
                .doc("The events, oldest first: each is a text for `jsondecode`."),
            flag("truncated", "Whether there are more events than were read."),
        ]
    }

    async fn fill(session: &Session, call: &Call, value: &mut Value) -> Result<(), Error> {
        let text = |name: &str| value.get(name).as_str().unwrap_or_default().to_owned();
        let event = EVENTS.iter().find(|(name, _)| value.get("event_type").as_str() == Some(name));
        let request = ReadAuditLogRequest {
            start_time: text("start_date"),
            end_time: text("end_date"),
            search: text("search"),
            event_type: event.map_or(0, |(_, number)| *number),
            resource_type: text("resource_type"),
            resource_id: text("resource_id"),
            cluster_id: text("cluster"),
            actor: text("actor"),
            ..ReadAuditLogRequest::default()
        };
        let limit = value.get("limit").as_i64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or_default();
        let (log, more) = session.client.audit_log(call, request, MOST_BYTES).await?;
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().filter(|line| !line.is_empty()).collect();
        value.set("truncated", (more || lines.len() > limit).into());
        value.set("events", Value::List(lines.into_iter().take(limit).map(Value::from).collect()));
        Ok(())
    }
}

/// The text is a day.
fn is_date() -> Check {
    Check::text(|text| match text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok() {
        true => Ok(()),
        false => Err(format!("{} is no day: write it like `2026-01-31`.", quoted(text))),
    })
}
