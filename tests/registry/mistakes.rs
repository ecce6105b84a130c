//! What a person reads of a mistake: `tests/fixtures/mistakes.json` holds configurations that are wrong,
//! `tests/golden/mistakes.txt` every diagnostic of each of them in full, with the attribute that it blames.
//! One mistake gives one error.

use crate::fixture::Need;
use crate::host::{Host, Instance, errors, shown};
use crate::lifecycle::{LIMIT, prepare};
use libtest_mimic::{Failed, Trial};
use omni_proto::tfplugin6 as pb;
use serde::Deserialize;
use serde_json::Value as Json;
use std::path::Path;

/// One mistake.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mistake {
    /// What is wrong, in words.
    what: String,
    /// Objects that are there, made one after the other.
    #[serde(default)]
    given: Vec<Need>,
    /// A resource type, `data.` and the type of a data source, `function.` and the name of a function, or `provider` for its block,
    /// in which `ENDPOINT` and `KEY` lead to the simulator.
    #[serde(rename = "type")]
    kind: String,
    /// What the same run plans before.
    #[serde(default)]
    planned: Vec<Need>,
    /// The configuration that was applied before, when the mistake is a change of it.
    prior: Option<Json>,
    /// The configuration that is wrong.
    #[serde(default)]
    config: Json,
    /// The text of an import that is wrong, in the place of a configuration.
    import: Option<String>,
    /// The arguments of a function.
    #[serde(default)]
    arguments: Vec<Json>,
    /// Whether what was applied before is to be destroyed, in the place of a configuration.
    #[serde(default)]
    destroy: bool,
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
        let alone = mistake.given.is_empty() && mistake.planned.is_empty() && mistake.prior.is_none();
        let fresh = if alone && mistake.kind != "provider" { None } else { Some(Host::start(&[]).await) };
        let asked = fresh.as_ref().unwrap_or(&host);
        let diags = ask(asked, mistake).await;
        let said = errors(&diags);
        if said.len() != mistake.errors {
            problems.push(format!("{}: {} errors instead of {}: {said:#?}", mistake.what, said.len(), mistake.errors));
        }
        found.push_str(&format!("## {}\n\n", mistake.what));
        let endpoint = asked.sim.endpoint();
        let address = endpoint.split_once("://").map_or(endpoint, |(_, address)| address);
        for diagnostic in &diags {
            problems.extend(poor(diagnostic).map(|why| format!("{}: {why}: {}", mistake.what, paragraph(diagnostic))));
            found.push_str(&paragraph(diagnostic).replace(address, "ADDRESS"));
        }
        if diags.is_empty() {
            problems.push(format!("{}: nothing is said", mistake.what));
        }
    }
    (found, problems)
}

async fn ask(host: &Host, mistake: &Mistake) -> Vec<pb::Diagnostic> {
    prepare(host, &mistake.given).await;
    host.next_run().await;
    for need in &mistake.planned {
        let planned = host.plan(&need.kind, None, &host.config(&need.kind, &need.config)).await;
        planned.unwrap_or_else(|d| panic!("{}: {:?}", mistake.what, errors(&d)));
    }
    if let Some(name) = mistake.kind.strip_prefix("data.") {
        return host.look(name, &mistake.config).await.err().unwrap_or_default();
    }
    if let Some(name) = mistake.kind.strip_prefix("function.") {
        return host.call(name, &mistake.arguments).await.err().into_iter().collect();
    }
    if mistake.kind == "provider" {
        return host.provider_diagnostics(&mistake.config).await;
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
    let mut prior = prior;
    if let Some(made) = &prior {
        // Omni's controllers have their say first: a plan tells what it sees of a status.
        host.sim.settle().expect("the simulator comes to rest");
        host.next_run().await;
        prior = host.read(name, made).await.unwrap_or_else(|d| panic!("{}: {:?}", mistake.what, errors(&d)));
    }
    if let Some(instance) = prior.as_ref().filter(|_| mistake.destroy) {
        return host.destroy_diagnostics(name, instance).await;
    }
    host.diagnostics(name, prior.as_ref(), &host.config(name, &mistake.config)).await
}

/// What is wrong with the words of a diagnostic, whatever it is about.
fn poor(diagnostic: &pb::Diagnostic) -> Option<&'static str> {
    let text = format!("{}\n{}", diagnostic.summary, diagnostic.detail);
    let bare = ["Correct the configuration", "status:", "code =", "rpc error", "grpc", "InvalidArgument", "..\n"];
    if bare.iter().any(|phrase| text.contains(phrase)) {
        return Some("it repeats what the protocol says, or gives no advice");
    }
    if diagnostic.summary.ends_with('.') || diagnostic.detail.is_empty() {
        return Some("the summary is one line without a full stop, and the detail says why");
    }
    (!diagnostic.detail.ends_with(['.', '?', '}'])).then_some("the detail ends in the middle of a sentence")
}

/// A diagnostic as a paragraph: severity, attribute and summary in the first line, the detail below.
fn paragraph(diagnostic: &pb::Diagnostic) -> String {
    let severity = if diagnostic.severity == i32::from(pb::diagnostic::Severity::Error) { "error" } else { "warning" };
    let at = diagnostic.attribute.as_ref().map(|path| format!(" at `{}`", shown(path))).unwrap_or_default();
    let detail = diagnostic.detail.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n");
    format!("{severity}{at}: {}\n{}\n", diagnostic.summary, detail.collect::<String>())
}
