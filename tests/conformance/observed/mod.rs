//! The answers of a running Omni 1.6.6, word for word, each asked again.
//! The rows of a case depend on one another, so they run in order; a row that fails does not stop the rest.

mod answers;
mod ask;
mod pattern;

use crate::report::{Result, Table};
use crate::server::Server;
use ask::Asker;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

const ROWS: &str = include_str!("../../fixtures/observed/1.6.6.jsonl");

/// One question, and what was answered.
#[derive(Clone, Debug, Deserialize)]
pub struct Row {
    case: String,
    step: u32,
    asked: String,
    request: Value,
    code: String,
    message: Option<String>,
    answer: Option<Value>,
}

impl Row {
    fn name(&self) -> String {
        format!("observed/{}/{:02} {}", self.case, self.step, self.asked)
    }

    fn method(&self) -> &str {
        self.request["method"].as_str().unwrap_or_default()
    }
}

/// All rows, by case.
fn cases() -> anyhow::Result<BTreeMap<String, Vec<Row>>> {
    let mut cases = BTreeMap::<String, Vec<Row>>::new();
    for line in ROWS.lines() {
        let row: Row = serde_json::from_str(line)?;
        cases.entry(row.case.clone()).or_default().push(row);
    }
    Ok(cases)
}

/// The names of all rows.
pub fn names() -> anyhow::Result<Vec<String>> {
    Ok(cases()?.values().flatten().map(Row::name).collect())
}

/// Asks again what is wanted, and what comes before it in its case.
pub async fn run(server: &Server, table: &mut Table<'_>, wanted: impl Fn(&str) -> bool) -> anyhow::Result<()> {
    for rows in cases()?.into_values() {
        let named: Vec<_> = rows.iter().map(Row::name).filter(|name| wanted(name)).collect();
        if !server.is_observed() {
            for name in named {
                table.add(name, Result::Skipped("written down from Omni 1.6".into())).await;
            }
            continue;
        }
        if named.is_empty() {
            continue;
        }
        let mut asker = Asker::new(&server.bench);
        let mut ready = match table.is_lost() {
            None => asker.prepare(&rows).await,
            Some(_) => Ok(()),
        };
        for row in &rows {
            let ask = async {
                // What is wrong before the first row is told once.
                match std::mem::replace(&mut ready, Ok(())).and(asker.ask(row).await) {
                    Ok(()) => Result::Passed,
                    Err(error) => Result::Failed(format!("{error:#}")),
                }
            };
            if wanted(&row.name()) {
                table.run(row.name(), ask).await;
            } else if table.is_lost().is_none() {
                ask.await;
            }
        }
        if table.is_lost().is_none()
            && let Err(error) = asker.finish(&rows).await
        {
            let case = rows.first().map(|row| row.case.as_str()).unwrap_or_default();
            table.add(format!("observed/{case}, taken away"), Result::Failed(format!("{error:#}"))).await;
        }
    }
    Ok(())
}
