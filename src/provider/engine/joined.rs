//! Inputs of computed attributes besides the object itself: other objects with the same ID, and facts.

use super::Cx;
use crate::omni::spec::Spec;
use crate::omni::spec::fields::Fields;
#[cfg(test)]
use crate::omni::spec::fields::{self, FieldDescriptor, PathError};
use crate::omni::{Error, ErrorKind, Kind, Resource as Stored, version};
use crate::tf::value::Value;
use std::collections::BTreeMap;

/// Another type that has an object of the same id.
#[derive(Clone, Copy)]
pub(crate) struct Join {
    pub(crate) kind: Kind,
    decode: fn(&[u8]) -> Result<Fields, Error>,
    #[cfg(test)]
    field: fn(&str) -> Result<FieldDescriptor, PathError>,
}

impl PartialEq for Join {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl Join {
    pub(crate) fn of<S: Spec>() -> Self {
        Self {
            kind: S::KIND,
            decode: Fields::decode::<S>,
            #[cfg(test)]
            field: fields::field::<S>,
        }
    }

    /// The text in a field of an object of this type.
    pub(super) fn text(&self, stored: &Stored, path: &str) -> Option<String> {
        let field = (self.decode)(&stored.spec).ok()?.get(path).ok()??;
        field.as_str().map(str::to_owned).filter(|text| !text.is_empty())
    }

    /// Whether an answer means that there is no such object: an older release may not even have the type.
    pub(crate) fn is_absent(&self, error: &Error) -> bool {
        let may_lack = version::needs(self.kind.name).is_some();
        error.is(ErrorKind::NotFound)
            || (may_lack && (error.is(ErrorKind::Denied) || error.is(ErrorKind::Unimplemented)))
    }

    /// The field that a path leads to; nothing but a test asks.
    ///
    /// # Errors
    /// When there is none.
    #[cfg(test)]
    pub(crate) fn field(&self, path: &str) -> Result<FieldDescriptor, PathError> {
        (self.field)(path)
    }
}

/// The objects and facts beside one object.
#[derive(Default)]
pub(crate) struct Joined {
    objects: Vec<(Stored, Fields)>,
    facts: BTreeMap<&'static str, Value>,
}

impl Joined {
    /// Reads the objects of this id in other types; one that is not there leaves its attributes at their defaults.
    pub(super) async fn read(cx: &Cx, joins: &[Join], id: &str) -> Result<Self, Error> {
        let reads = joins.iter().map(|join| async move {
            match cx.read(&join.kind.key(id)).await {
                Ok(stored) => Ok(Some(((join.decode)(&stored.spec)?, stored))),
                Err(error) if join.is_absent(&error) => Ok(None),
                Err(error) => Err(error),
            }
        });
        let mut joined = Self::default();
        for (fields, stored) in futures_util::future::try_join_all(reads).await?.into_iter().flatten() {
            joined.objects.push((stored, fields));
        }
        Ok(joined)
    }

    /// Adds an object of another type, as a list of them has given it.
    ///
    /// # Errors
    /// When its spec cannot be read.
    pub(crate) fn add(&mut self, join: &Join, stored: &Stored) -> Result<(), Error> {
        self.objects.push((stored.clone(), (join.decode)(&stored.spec)?));
        Ok(())
    }

    /// Puts an object of another type in the place of the one that was read, or takes that out.
    ///
    /// # Errors
    /// When its spec cannot be read.
    pub(crate) fn replace(&mut self, join: &Join, stored: Option<&Stored>) -> Result<(), Error> {
        self.objects.retain(|(stored, _)| stored.key.kind != join.kind);
        stored.map_or(Ok(()), |stored| self.add(join, stored))
    }

    /// Adds a fact.
    pub(crate) fn note(&mut self, name: &'static str, value: impl Into<Value>) {
        self.facts.insert(name, value.into());
    }

    /// A fact; null when it is not known.
    pub(crate) fn fact(&self, name: &str) -> &Value {
        self.facts.get(name).unwrap_or(&Value::Null)
    }

    /// The object of this type.
    pub(crate) fn stored(&self, kind: Kind) -> Option<&Stored> {
        self.objects.iter().map(|(stored, _)| stored).find(|stored| stored.key.kind == kind)
    }

    /// Its fields.
    pub(super) fn fields(&self, kind: Kind) -> Option<&Fields> {
        self.objects.iter().find(|(stored, _)| stored.key.kind == kind).map(|(_, fields)| fields)
    }
}
