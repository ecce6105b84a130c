//! The release of Omni that a configuration requires: an older one accepts unknown fields and ignores them,
//! so that the state would be wrong. The rows of the schemas define which release each attribute requires.

use super::engine::Cx;
use crate::omni::Kind;
use crate::omni::spec::form::Form;
use crate::omni::version::{field_needs, needs};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::plan::needed;
use crate::tf::resource::Plan;
use crate::tf::schema::Schema;
use crate::tf::value::Value;
use kit::version;
use serde_json::Value as Json;

/// Refuses in a plan what this Omni is too old for; says whether it has the type.
pub(crate) async fn check(cx: &Cx, name: &str, schema: &Schema, plan: &mut Plan<'_>) -> bool {
    check_values(cx, (name, "resource"), schema, (plan.config, &plan.planned), &mut plan.diags).await
}

/// The same of a type of this name and kind of block, which is configured and planned like this.
pub(crate) async fn check_values(
    cx: &Cx,
    (name, block): (&str, &str),
    schema: &Schema,
    (config, planned): (&Value, &Value),
    diags: &mut Diagnostics,
) -> bool {
    let needed = needed(schema, config, planned);
    if needed.is_empty() && schema.since.is_none() {
        return true;
    }
    // A server that does not say its version is no reason to stop; one whose version is none is not released.
    let Ok(server) = cx.client().server_version(&cx.call).await else { return true };
    let lacks = schema.since.filter(|release| is_older(&server, release));
    if let Some(release) = lacks {
        diags.push(
            Diagnostic::error(
                format!("`{name}` needs Omni {release}"),
                format!("The server is Omni {}, which does not have this type.", version::strip_v(&server)),
            )
            .hint(match schema.instead {
                Some(instead) => format!("Upgrade Omni to {release} or later. {instead}"),
                None => format!("Upgrade Omni to {release} or later, or remove the {block} from the configuration."),
            }),
        );
    }
    for (path, since) in needed.into_iter().filter(|(_, since)| is_older(&server, since.release)) {
        diags.push(too_old(&server, path, since.release, !since.values.is_empty()));
    }
    lacks.is_none()
}

/// Refuses an argument that names a COSI type which this Omni is too old for.
pub(crate) async fn check_kind(cx: &Cx, kind: Kind, path: Path, diags: &mut Diagnostics) {
    let Some(release) = needs(kind.name) else { return };
    let Ok(server) = cx.client().server_version(&cx.call).await else { return };
    if is_older(&server, release) {
        diags.push(
            Diagnostic::error(
                format!("`{}` needs Omni {release}", kind.name),
                format!("The server is Omni {}, which does not have this type.", version::strip_v(&server)),
            )
            .hint(format!("Upgrade Omni to {release} or later, or choose another type."))
            .at(path),
        );
    }
}

/// Refuses what the document of a spec at `at` sets and this Omni would accept without effect.
pub(crate) async fn check_document(cx: &Cx, form: &Form, document: &Json, at: &str, diags: &mut Diagnostics) {
    let needed: Vec<_> = form
        .set_fields(document)
        .into_iter()
        .filter_map(|(field, path)| field_needs(&field).map(|release| (path, release)))
        .collect();
    if needed.is_empty() {
        return;
    }
    let Ok(server) = cx.client().server_version(&cx.call).await else { return };
    for (path, release) in needed.into_iter().filter(|(_, release)| is_older(&server, release)) {
        let path = path.split('.').fold(Path::of(at), |path, name| path.attribute(name));
        diags.push(too_old(&server, path, release, false));
    }
}

fn too_old(server: &str, path: Path, release: &str, value: bool) -> Diagnostic {
    let what = if value { format!("This value of `{path}`") } else { format!("`{path}`") };
    let other = if value { "set another value" } else { "remove it from the configuration" };
    Diagnostic::error(
        format!("{what} needs Omni {release}"),
        format!(
            "The server is Omni {}, which does not have it: it would be accepted without effect.",
            version::strip_v(server)
        ),
    )
    .hint(format!("Upgrade Omni to {release} or later, or {other}."))
    .at(path)
}

/// The version of the server, if it is known to be of this release or a later one, such as `1.10`.
pub(crate) async fn of_release(cx: &Cx, release: &str) -> Option<String> {
    let server = cx.client().server_version(&cx.call).await.ok()?;
    (!is_older(&server, release)).then(|| version::strip_v(&server).to_owned())
}

/// Whether the server is older than a release such as `1.9`. Builds ahead of a release have what it will have.
fn is_older(server: &str, release: &str) -> bool {
    let (Ok(server), Ok(release)) = (version::parse(server), version::parse(&format!("{release}.0"))) else {
        return false;
    };
    (server.major, server.minor) < (release.major, release.minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_by_their_numbers() {
        for (server, release, older) in [
            ("v1.6.6", "1.9", true),
            ("1.9.0", "1.9", false),
            ("v1.9.0-beta.1", "1.9", false),
            ("v1.10.4", "1.9", false),
            ("v1.9.9", "1.10", true),
            ("v2.0.0", "1.10", false),
            ("", "1.10", false),
            ("dev", "1.10", false),
        ] {
            assert_eq!(is_older(server, release), older, "{server} {release}");
        }
    }
}
