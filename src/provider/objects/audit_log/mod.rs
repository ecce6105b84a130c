//! `omni_audit_log`: what was done, and who did it.

mod export_action;
mod filter;

use crate::omni::{Call, Error};
use crate::provider::export::ExportAction;
use crate::provider::lookup::Singleton;
use crate::provider::lookup::computed::flag;
use crate::provider::session::Session;
use crate::provider::types::Types;
use crate::tf::check::whole_between;
use crate::tf::schema::{Attribute, number, plain};
use crate::tf::value::{Type, Value};
use async_trait::async_trait;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.singleton::<AuditLog>().action(ExportAction(export_action::AuditLogExport));
}

struct AuditLog;

/// The most bytes that are read, which a state would hold.
const MOST_BYTES: usize = 4 << 20;
const MOST_EVENTS: i64 = 10_000;
const DEFAULT_EVENTS: i64 = 1000;

#[async_trait]
impl Singleton for AuditLog {
    const NAME: &'static str = "omni_audit_log";
    const NOUN: &'static str = "the audit log";
    const ABOUT: &'static str = "Reads the events of the audit log of the instance. Needs a provider key with the role `Auditor` (Omni 1.10 or later) or `Admin`, and an instance that keeps an audit log. \
        At most `limit` events and 4 MiB are read, and kept in the state; narrow the time and the filters for more. Since Omni 1.10, each read is an event of the audit log.";

    fn attributes() -> Vec<Attribute> {
        let mut attributes = filter::attributes();
        attributes.extend([
            number("limit")
                .default(DEFAULT_EVENTS)
                .check(whole_between(1, MOST_EVENTS))
                .doc("Maximum number of events, up to 10000."),
            plain("events", Type::list(Type::String))
                .computed()
                .doc("The events, oldest first: each is a text for `jsondecode`."),
            flag("truncated", "Whether there are more events than were read."),
        ]);
        attributes
    }

    async fn fill(session: &Session, call: &Call, value: &mut Value) -> Result<(), Error> {
        let request = filter::request(value);
        let limit = value.get("limit").as_i64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or_default();
        let (log, more) = session.client.audit_log(call, request, MOST_BYTES).await?;
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().filter(|line| !line.is_empty()).collect();
        value.set("truncated", (more || lines.len() > limit).into());
        value.set("events", Value::List(lines.into_iter().take(limit).map(Value::from).collect()));
        Ok(())
    }
}
