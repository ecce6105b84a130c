//! `omni_machine_logs_export`: writes the log of a machine to a file.

use super::argument;
use crate::provider::engine::{Cx, Facts, Failure, Run};
use crate::provider::export::{Export, ExportSource};
use crate::provider::roles;
use crate::tf::check::whole_between;
use crate::tf::diag::Diagnostics;
use crate::tf::schema::{Schema, number};
use crate::tf::value::Value;
use async_trait::async_trait;

pub(super) struct LogsExport;

const TAIL: &str = "tail_lines";

#[async_trait]
impl ExportSource for LogsExport {
    fn facts(&self) -> Facts {
        Facts {
            name: "omni_machine_logs_export",
            verb: "export the log of",
            noun: "machine",
            id: "machine_id",
            timeout: "15m",
            role: roles::NEEDS_READER,
        }
    }

    fn schema(&self) -> Schema {
        Schema::new(
            "Writes the log that Omni keeps of a machine to a file: one JSON object on each line, oldest first. It changes nothing in Omni, so a provider with `read_only = true` allows it.",
        )
        .with(argument::machine_attribute().doc("ID (UUID) of the machine."))
        .with(number(TAIL).check(whole_between(1, i64::from(i32::MAX))).doc("How many of the last lines to write. If unset, all lines are written."))
    }

    async fn check(&self, cx: &Cx, config: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        argument::check_named(cx, config, diags).await
    }

    async fn fetch(&self, run: &Run<'_>, config: &Value, file: &mut Export) -> Result<(), Failure> {
        let machine = self.facts().operation(config).id.to_owned();
        let tail = config.get(TAIL).as_i64().and_then(|lines| i32::try_from(lines).ok());
        let mut lines = run.client().machine_logs(run.call(), &machine, tail).await?;
        let mut count = 0_usize;
        while let Some(line) = lines.next().await? {
            count += 1;
            file.write(&line.bytes).await?;
            if line.bytes.last() != Some(&b'\n') {
                file.write(b"\n").await?;
            }
        }
        run.say(format!("Read {count} lines")).await;
        Ok(())
    }
}
