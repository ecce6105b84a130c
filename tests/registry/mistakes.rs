//! What a person reads of a mistake: `tests/fixtures/mistakes.json` holds configurations that are wrong,
//! `tests/golden/mistakes.txt` every diagnostic of each of them in full, with the attribute that it blames.
//! One mistake gives one error.

use crate::fixture::Need;
use crate::host::{Host, Instance, errors, shown};
use crate::lifecycle::{LIMIT, prepare};
use libtest_mimic::{Failed, Trial};
use serde::Deserialize;
use serde_json::Value as Json;
use std::path::Path;
use terraform_provider_omni::pb::tfplugin6 as pb;

/// One mistake.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mistake {
    /// What is wrong, in words.
    what: String,
    /// Objects that are there, made one after the other.
    #[serde(default)]
    given: Vec<Need>,
    /// A resource type, or `data.` and the type of a data source.
    #[serde(rename = "type")]
    kind: String,
    /// The configuration that was applied before, when the mistake is a change of it.
    prior: Option<Json>,
    /// The configuration that is wrong.
    #[serde(default)]
    config: Json,
    /// The text of an import that is wrong, in the place of a configuration.
    import: Option<String>,
    /// How many errors it gives, where that is not one.
    #[serde(default = "one")]
    errors: usize,
}

const fn one() -> usize {
    1
}

pub fn trials() -> Vec<Trial> {
    vec![Trial::test("mistakes::each_is_told_once_and_in_full", golden)]
}

fn golden() -> Result<(), Failed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let text = std::fs::read_to_string(root.join("fixtures/mistakes.json"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let told = runtime.block_on(async { tokio::time::timeout(LIMIT, tell(&text)).await });
    let (found, problems) = told.map_err(|_| "the mistakes take too long")?;
    if !problems.is_empty() {
        return Err(problems.join("\n").into());
    }
    crate::golden::compare(&root.join("golden/mistakes.txt"), &found)
}

/// What is said of each mistake, and what is wrong with that.
async fn tell(text: &str) -> (String, Vec<String>) {
    let host = Host::start(&[]).await;
    let mistakes: Vec<Mistake> = serde_json::from_str(&host.localized(text)).expect("mistakes");
    let (mut found, mut problems) = (String::new(), Vec::new());
    for mistake in &mistakes {
        // What is made for one mistake is no business of the next.
        let fresh =
            if mistake.given.is_empty() && mistake.prior.is_none() { None } else { Some(Host::start(&[]).await) };
        let diags = ask(fresh.as_ref().unwrap_or(&host), mistake).await;
        let said = errors(&diags);
        if said.len() != mistake.errors {
            problems.push(format!("{}: {} errors instead of {}: {said:#?}", mistake.what, said.len(), mistake.errors));
        }
        found.push_str(&format!("## {}\n\n", mistake.what));
        diags.iter().for_each(|diagnostic| found.push_str(&paragraph(diagnostic)));
    }
    (found, problems)
}

async fn ask(host: &Host, mistake: &Mistake) -> Vec<pb::Diagnostic> {
    prepare(host, &mistake.given).await;
    if let Some(name) = mistake.kind.strip_prefix("data.") {
        return host.look(name, &mistake.config).await.err().unwrap_or_default();
    }
    let name = mistake.kind.as_str();
    if let Some(text) = &mistake.import {
        return host.import_diagnostics(name, text).await;
    }
    let prior: Option<Instance> = match &mistake.prior {
        Some(json) => {
            let made = host.apply(name, None, &host.config(name, json)).await;
            Some(made.unwrap_or_else(|(d, _)| panic!("{}: {:?}", mistake.what, errors(&d))))
        }
        None => None,
    };
    host.diagnostics(name, prior.as_ref(), &host.config(name, &mistake.config)).await
}

/// A diagnostic as a paragraph: severity, attribute and summary in the first line, the detail below.
fn paragraph(diagnostic: &pb::Diagnostic) -> String {
    let severity = if diagnostic.severity == i32::from(pb::diagnostic::Severity::Error) { "error" } else { "warning" };
    let at = diagnostic.attribute.as_ref().map(|path| format!(" at `{}`", shown(path))).unwrap_or_default();
    let detail = diagnostic.detail.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n");
    format!("{severity}{at}: {}\n{}\n", diagnostic.summary, detail.collect::<String>())
}
