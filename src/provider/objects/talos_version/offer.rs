//! What the instance offers: Talos versions, and the system extensions of each. Others ask this for the checks of their plans.

use crate::omni::Error;
use crate::omni::spec;
use crate::omni::spec::Spec;
use crate::provider::engine::Cx;
use crate::provider::view::Presence;
use crate::provider::{since, view};
use crate::tf::diag::{Diagnostic, Severity};
use crate::tf::path::Path;
use crate::tf::resource::Plan;
use kit::text::{closest, quoted};
use kit::version;
use omni_proto::specs::{TalosExtensionsSpec, TalosVersionSpec};

/// The publisher of extensions whose names have none.
const OFFICIAL: &str = "siderolabs/";
/// The first release of Omni that refuses versions and extensions of images that it does not offer.
const CHECKED_SINCE: &str = "1.9";

/// The Talos versions that a cluster may run, in order.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn offered(cx: &Cx) -> Result<String, Error> {
    let all = cx.client().list(&cx.call, TalosVersionSpec::KIND, &Default::default()).await?;
    let mut versions = Vec::new();
    for stored in &all {
        let spec = spec::decode::<TalosVersionSpec>(stored)?;
        if !spec.deprecated && !spec.unsupported {
            versions.push(stored.key.id.clone());
        }
    }
    Ok(listed(versions))
}

/// Versions in words.
pub(crate) fn listed(versions: Vec<String>) -> String {
    if versions.is_empty() { "none".to_owned() } else { version::sorted(versions).join(", ") }
}

/// The Talos version at `path` without a leading `v`, when the instance offers it. A plan with another one is told so.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn check_version(cx: &Cx, plan: &mut Plan<'_>, path: &str) -> Result<Option<String>, Error> {
    let Some(text) = Path::of(path).lookup(&plan.planned).as_str() else { return Ok(None) };
    let version = version::strip_v(text).to_owned();
    if !matches!(view::object::<TalosVersionSpec>(cx, &version).await?, Presence::Missing) {
        return Ok(Some(version));
    }
    let known = offered(cx).await?;
    let mut diagnostic = Diagnostic::error(
        "Unknown Talos version",
        format!("This Omni instance does not offer Talos {version}. It offers {known}."),
    )
    .hint(format!("Set `{path}` to one of these."))
    .at(Path::of(path));
    diagnostic.severity = severity(cx, CHECKED_SINCE).await;
    plan.diags.push(diagnostic);
    Ok(None)
}

/// Holds the system extensions at `path` against the catalogue of a Talos version.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn check_extensions(cx: &Cx, plan: &mut Plan<'_>, path: &str, version: &str) -> Result<(), Error> {
    let names: Vec<String> = Path::of(path)
        .lookup(&plan.planned)
        .elements()
        .iter()
        .filter_map(|name| Some(name.as_str()?.to_owned()))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    let Some(catalogue) = view::spec::<TalosExtensionsSpec>(cx, version).await? else { return Ok(()) };
    let catalogue: Vec<&str> = catalogue.items.iter().map(|item| item.name.as_str()).collect();
    for name in names {
        let full = if name.contains('/') { name.clone() } else { format!("{OFFICIAL}{name}") };
        if catalogue.is_empty() || catalogue.contains(&full.as_str()) {
            continue;
        }
        let near = closest(&full, &catalogue).map(|near| format!(" Did you mean `{near}`?")).unwrap_or_default();
        let mut diagnostic = Diagnostic::error(
            format!("Extension {} is not available for Talos {version}", quoted(&name)),
            format!("The catalogue of this Omni instance for Talos {version} has no such extension.{near}"),
        )
        .hint("Correct the name, take the extension out, or choose another Talos version.")
        .at(Path::of(path));
        diagnostic.severity = severity(cx, CHECKED_SINCE).await;
        plan.diags.push(diagnostic);
    }
    Ok(())
}

/// An error where the server refuses it since `release`; otherwise a warning, for an older one takes it.
pub(crate) async fn severity(cx: &Cx, release: &str) -> Severity {
    match since::of_release(cx, release).await {
        Some(_) => Severity::Error,
        None => Severity::Warning,
    }
}
