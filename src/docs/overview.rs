//! The overview of types and functions in the README, as tables with links to their pages.

use super::DocsError;
use super::page::{short, summary};
use crate::tf::provider::Provider;

/// The tables, one for each kind of thing that there is.
///
/// # Errors
/// When a type does not carry the provider's name.
pub fn overview(provider: &dyn Provider) -> Result<String, DocsError> {
    let typed = |folder: &str, name: &'static str, description: &str| {
        Ok(row(name, &format!("{folder}/{}", short(name)?), &summary(description)))
    };
    let resources = provider.resources().iter().map(|r| typed("resources", r.type_name(), &r.schema().description));
    let sources = provider.data_sources().iter().map(|d| typed("data-sources", d.type_name(), &d.schema().description));
    let ephemerals =
        provider.ephemerals().iter().map(|e| typed("ephemeral-resources", e.type_name(), &e.schema().description));
    let actions = provider.actions().iter().map(|a| typed("actions", a.type_name(), &a.schema().description));
    let functions = provider
        .functions()
        .iter()
        .map(|f| Ok(row(f.name(), &format!("functions/{}", f.name()), f.signature().summary)));
    let tables = [
        table("Resource", resources.collect::<Result<Vec<_>, DocsError>>()?),
        table("Data source", sources.collect::<Result<Vec<_>, DocsError>>()?),
        table("Ephemeral resource", ephemerals.collect::<Result<Vec<_>, DocsError>>()?),
        table("Action", actions.collect::<Result<Vec<_>, DocsError>>()?),
        table("Function", functions.collect::<Result<Vec<_>, DocsError>>()?),
    ];
    Ok(tables.into_iter().flatten().collect::<Vec<_>>().join("\n"))
}

fn row(name: &str, page: &str, what: &str) -> String {
    format!("| [`{name}`](docs/{page}.md) | {} |\n", what.replace('|', "\\|"))
}

fn table(title: &str, mut rows: Vec<String>) -> Option<String> {
    rows.sort();
    (!rows.is_empty()).then(|| format!("| {title} | |\n|---|---|\n{}", rows.concat()))
}
