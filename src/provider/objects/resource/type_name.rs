//! The argument `type`: a COSI type, by its full name or without its usual suffix.

use crate::omni::Kind;
use crate::provider::engine::{Cx, Failure};
use crate::provider::since;
use crate::tf::check::Check;
use crate::tf::diag::Diagnostics;
use crate::tf::path::Path;
use crate::tf::schema::{Attribute, string};
use kit::text::{closest, quoted};

pub(super) const TYPE: &str = "type";

/// What the name of almost every type ends with.
const SUFFIX: &str = ".omni.sidero.dev";

/// The argument, which takes these types.
pub(super) fn attribute(known: fn() -> &'static [Kind], doc: &str) -> Attribute {
    let check = Check::text(move |text| {
        if named(known(), text).is_some() {
            return Ok(());
        }
        let names: Vec<_> = known().iter().map(|kind| short(*kind)).collect();
        let meant = closest(text.trim_end_matches(SUFFIX), &names);
        let meant = meant.map(|name| format!(" Did you mean `{name}`?")).unwrap_or_default();
        Err(format!("{} is not a type that this action knows.{meant}", quoted(text)))
    });
    string(TYPE).required().check(check).doc(format!(
        "{doc} Either the full name, such as `Clusters.omni.sidero.dev`, or the name without its suffix, such as `Clusters`."
    ))
}

/// Refuses a type that this Omni is too old for.
///
/// # Errors
/// With what it needs.
pub(super) async fn refuse_newer(cx: &Cx, kind: Kind) -> Result<(), Failure> {
    let mut diags = Diagnostics::new();
    since::check_kind(cx, kind, Path::of(TYPE), &mut diags).await;
    diags.iter().next().map_or(Ok(()), |diagnostic| Err(diagnostic.clone().into()))
}

/// The type of this name.
pub(super) fn named(known: &[Kind], text: &str) -> Option<Kind> {
    known.iter().copied().find(|kind| kind.name == text || short(*kind) == text)
}

/// The name without its suffix.
pub(super) fn short(kind: Kind) -> &'static str {
    kind.name.strip_suffix(SUFFIX).unwrap_or(kind.name)
}
