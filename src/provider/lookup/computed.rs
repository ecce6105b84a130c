//! Attributes of the items of data sources: all are computed and known.

use crate::tf::schema::{Attribute, boolean, number, plain, string};
use crate::tf::value::Type;

/// Text.
pub(crate) fn text(name: &'static str, doc: &str) -> Attribute {
    string(name).computed().doc(doc)
}

/// Texts in order.
pub(crate) fn texts(name: &'static str, doc: &str) -> Attribute {
    plain(name, Type::list(Type::String)).computed().doc(doc)
}

/// A whole number.
pub(crate) fn whole(name: &'static str, doc: &str) -> Attribute {
    number(name).computed().doc(doc)
}

/// True or false.
pub(crate) fn flag(name: &'static str, doc: &str) -> Attribute {
    boolean(name).computed().doc(doc)
}

/// Texts by key, such as labels.
pub(crate) fn words(name: &'static str, doc: &str) -> Attribute {
    plain(name, Type::map(Type::String)).computed().doc(doc)
}
