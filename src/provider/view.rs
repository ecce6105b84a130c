//! What the checks of a plan see of objects in Omni.
//! An account may see less than it may write, and an older Omni has fewer types: what cannot be read says nothing.

use super::crud::{Cx, Object};
use crate::omni::spec::Spec;
use crate::omni::{Class, Error};

/// An object, as far as it can be seen.
pub(crate) enum Seen<T> {
    /// It is there.
    There(T),
    /// It is not there.
    Missing,
    /// Nobody may know.
    Hidden,
}

impl<T> Seen<T> {
    /// The object, when it is there and can be seen.
    pub(crate) fn there(self) -> Option<T> {
        match self {
            Self::There(object) => Some(object),
            Self::Missing | Self::Hidden => None,
        }
    }
}

/// The object of this id.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn object<S: Spec>(cx: &Cx, id: &str) -> Result<Seen<Object<S>>, Error> {
    match cx.find::<S>(id).await {
        Ok(Some(object)) => Ok(Seen::There(object)),
        Ok(None) => Ok(Seen::Missing),
        Err(error) if is_hidden(&error) => Ok(Seen::Hidden),
        Err(error) => Err(error),
    }
}

/// The spec of the object of this id, when it can be seen.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn spec<S: Spec>(cx: &Cx, id: &str) -> Result<Option<S>, Error> {
    Ok(object::<S>(cx, id).await?.there().map(|object| object.spec))
}

fn is_hidden(error: &Error) -> bool {
    error.is(Class::Denied) || error.is(Class::Unimplemented)
}
