//! The argument `type`: a COSI type, by any name that `omnictl` takes.

use crate::omni::Kind;
use crate::omni::spec::KINDS;
use crate::omni::spec::names::{self, NameError};
use crate::provider::engine::{Cx, Failure};
use crate::provider::since;
use crate::tf::check::Check;
use crate::tf::diag::Diagnostics;
use crate::tf::path::Path;
use crate::tf::schema::{Attribute, string};
use kit::text::{closest, quoted};

pub(super) use crate::omni::spec::names::short;

pub(super) const TYPE: &str = "type";

/// How the type may be named.
pub(super) const SPELLINGS: &str = "Either the full name, such as `Clusters.omni.sidero.dev`, or a short one that `omnictl` takes, such as `Clusters` or `cluster`.";

/// The argument, which takes these types.
pub(super) fn attribute(known: fn() -> &'static [Kind], doc: &str) -> Attribute {
    let check = Check::text(move |text| {
        if named(known(), text).is_some() {
            return Ok(());
        }
        is_type(text)?;
        let names: Vec<_> = known().iter().map(|kind| short(*kind)).collect();
        let meant = closest(text.trim_end_matches(names::SUFFIX), &names);
        let meant = meant.map(|name| format!(" Did you mean `{name}`?")).unwrap_or_default();
        Err(format!("{} is not a type that this action knows.{meant}", quoted(text)))
    });
    string(TYPE).required().check(check).doc(format!("{doc} {SPELLINGS}"))
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

/// The argument, which takes every type that Omni may have.
pub(super) fn any(doc: &str) -> Attribute {
    string(TYPE).required().check(Check::text(is_type)).doc(format!("{doc} {SPELLINGS}"))
}

/// The text names a type.
fn is_type(text: &str) -> Result<(), String> {
    names::resolve(text).map(drop).map_err(|error| problem(text, &error))
}

/// The text names a type that this build describes.
pub(super) fn is_known(text: &str) -> Result<(), String> {
    is_type(text)?;
    named(KINDS, text).map(drop).ok_or_else(|| format!("The provider has no description of the type {}.", quoted(text)))
}

/// What is wrong with the name of a type, as sentences.
pub(super) fn problem(text: &str, error: &NameError) -> String {
    match error {
        NameError::Unknown(Some(meant)) => format!("{} is not a type. Did you mean `{meant}`?", quoted(text)),
        NameError::Unknown(None) => {
            format!(
                "{} is not a type of Omni. A type has a name such as `Clusters.omni.sidero.dev`, which can be shortened to `Clusters` or `cluster`.",
                quoted(text)
            )
        }
        NameError::Ambiguous(several) => {
            let list: Vec<_> = several.iter().map(|name| format!("`{name}`")).collect();
            format!("{} stands for several types: {}. Give one of these names.", quoted(text), list.join(", "))
        }
    }
}

/// The type of this name, if it is one of these.
pub(super) fn named(known: &[Kind], text: &str) -> Option<Kind> {
    let kind = names::resolve(text).ok()?;
    known.contains(&kind).then_some(kind)
}

/// Whether two names are of one type.
pub(super) fn same(a: &str, b: &str) -> bool {
    a == b || matches!((names::resolve(a), names::resolve(b)), (Ok(a), Ok(b)) if a == b)
}
