//! The current position in a value: a chain on the stack, which becomes a path only for an error.

use crate::tf::path::{Path, Step};

/// A place in a value; knows the place of the container around it.
#[derive(Clone, Copy)]
pub(super) struct Place<'a>(Option<(&'a Place<'a>, Last<'a>)>);

#[derive(Clone, Copy)]
enum Last<'a> {
    Attribute(&'a str),
    Key(&'a str),
    Index(usize),
}

impl<'a> Place<'a> {
    /// The value as a whole.
    pub(super) const ROOT: Self = Self(None);

    /// The attribute at this place.
    pub(super) fn attribute(&'a self, name: &'a str) -> Self {
        Self(Some((self, Last::Attribute(name))))
    }

    /// The map element at this place.
    pub(super) fn key(&'a self, key: &'a str) -> Self {
        Self(Some((self, Last::Key(key))))
    }

    /// The element at this place; those of sets and tuples count by position too.
    pub(super) fn index(&'a self, index: usize) -> Self {
        Self(Some((self, Last::Index(index))))
    }

    /// The path from the root.
    pub(super) fn path(&self) -> Path {
        let mut chain = Vec::new();
        let mut place = self;
        while let Some((outer, last)) = &place.0 {
            chain.push(match last {
                Last::Attribute(name) => Step::Attribute((*name).to_owned()),
                Last::Key(key) => Step::Key((*key).to_owned()),
                Last::Index(index) => Step::Index(i64::try_from(*index).unwrap_or(i64::MAX)),
            });
            place = outer;
        }
        chain.iter().rev().fold(Path::root(), |path, step| path.step(step.clone()))
    }
}
