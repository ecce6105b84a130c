//! `omni_audit_log_export`: writes the audit log to a file.

use super::filter;
use crate::provider::engine::{Facts, Failure, Run};
use crate::provider::export::{Export, ExportSource};
use crate::provider::roles;
use crate::tf::schema::Schema;
use crate::tf::value::Value;
use async_trait::async_trait;

pub(super) struct AuditLogExport;

#[async_trait]
impl ExportSource for AuditLogExport {
    fn facts(&self) -> Facts {
        Facts {
            name: "omni_audit_log_export",
            verb: "export",
            noun: "the audit log",
            id: "",
            timeout: "30m",
            role: roles::NEEDS_AUDITOR,
        }
    }

    fn schema(&self) -> Schema {
        Schema::new(
            "Writes the audit log of the instance to a file: one JSON object on each line, oldest first. Needs an instance that keeps an audit log. Unlike the data source `omni_audit_log`, it has no limit, and nothing of it is stored in state. It changes nothing in Omni, so a provider with `read_only = true` allows it.",
        )
        .with_all(filter::attributes())
    }

    async fn fetch(&self, run: &Run<'_>, config: &Value, file: &mut Export) -> Result<(), Failure> {
        let mut parts = run.client().audit_log_parts(run.call(), filter::request(config)).await?;
        let mut events = 0_usize;
        while let Some(part) = parts.next().await? {
            let line = part.audit_log;
            if line.is_empty() {
                continue;
            }
            events += line.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
            file.write(&line).await?;
            if line.last() != Some(&b'\n') {
                file.write(b"\n").await?;
            }
        }
        run.say(format!("Read {events} events")).await;
        Ok(())
    }
}
