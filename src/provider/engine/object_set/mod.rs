//! The engine of resources that are several COSI objects: a document describes all of them, and a write makes the server's objects
//! those of the document. One of them, the head, stands for the set: its ID is that of the resource.
//!
//! The state has every object in its attribute `rendered`, so that a plan shows what is created, changed and removed.
//! An object carries the ID of its set in an annotation: what a write has made before it was cut off is found again by that.

mod backend;
mod marks;
mod parts;
mod plan;
mod sync;

use super::{Cx, Failure, Object, ResourceType, Table, Write};
use crate::omni::spec::Spec;
use crate::omni::template::{Conflict, SyncPlan};
use crate::omni::{Error, Key, Resource as Stored};
use crate::provider::wait::Awaited;
use crate::tf::diag::Diagnostics;
use crate::tf::resource::Plan;
use crate::tf::value::Value;
use async_trait::async_trait;
use std::collections::HashSet;

pub(super) use backend::SetBackend;
pub(crate) use backend::taken;
pub(crate) use marks::{is_others, mark, without_mark_changes, without_marks};
pub(crate) use parts::{Parts, part_name, part_rows};
pub(super) use plan::check_leaving;
pub(crate) use sync::{Change, Observer, carry_out};

/// The objects that a configuration describes.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// The ID of the head.
    pub(crate) id: String,
    /// All of them, the head included; without versions.
    pub(crate) objects: Vec<Stored>,
    /// The attribute that describes them.
    pub(crate) attribute: &'static str,
    /// The objects that change hands, by the names of `rendered`: one of the set is taken over from another resource, and one that
    /// is not of the set any more is left to another resource.
    pub(crate) handed_over: HashSet<String>,
}

impl Wanted {
    /// Whether the object changes hands.
    fn hands_over(&self, key: &Key) -> bool {
        self.handed_over.contains(&part_name(key))
    }

    /// Whether the object is one of the set.
    fn has(&self, key: &Key) -> bool {
        self.objects.iter().any(|stored| stored.key == *key)
    }
}

/// Who decides about a label or an annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyOwner {
    /// The document: without it there, it is removed.
    Set,
    /// The document, once it sets it; until then others.
    Setter,
    /// Others; it is neither shown nor written.
    Others,
}

/// A resource type that is a set of objects.
///
/// The engine calls, for a plan: `wanted`, and where it changes something `actual`, `sync` and `check_changes`; for an apply the
/// same without the check, and `awaited` after the writes; for a removal `actual` and `removal`.
#[async_trait]
pub(crate) trait ObjectSet: ResourceType + Table<Spec: Spec> {
    /// What the head is, in words: `cluster`. Resources of other types name it by an attribute of this name.
    const HEAD: &'static str;
    /// The attribute in which an import shows the document.
    const IMPORTED: &'static str;

    /// The objects that the configuration describes; `None` while that is not known.
    ///
    /// # Errors
    /// What is wrong with the document.
    async fn wanted(cx: &Cx, config: &Value) -> Result<Option<Wanted>, Diagnostics>;

    /// The objects of the set that are there, of those that `rendered` names or that belong to the head.
    /// Objects of controllers are not among them.
    ///
    /// # Errors
    /// When Omni does not answer.
    async fn actual(cx: &Cx, id: &str, rendered: &[Stored]) -> Result<Vec<Stored>, Error>;

    /// What makes the `actual` objects the wanted ones.
    ///
    /// # Errors
    /// Objects that belong to something else.
    fn sync(id: &str, wanted: &[Stored], actual: &[Stored]) -> Result<SyncPlan, Vec<Conflict>>;

    /// What removes the set.
    ///
    /// # Errors
    /// When that cannot be found out.
    async fn removal(cx: &Cx, prior: &Value, actual: &[Stored]) -> Result<SyncPlan, Failure>;

    /// Who decides about a key of Omni.
    fn key_owner(key: &str) -> KeyOwner;

    /// The spec of an object as text, in which equal ones are the same.
    fn text(stored: &Stored) -> String;

    /// Whether two such texts mean the same, so that nothing has to be written.
    fn means_same(_key: &Key, one: &str, other: &str) -> bool {
        one == other
    }

    /// Whether an object that only the server has belongs to the set as long as nothing says that it is somebody else's.
    fn belongs(stored: &Stored) -> bool;

    /// The document of these objects, for an import.
    ///
    /// # Errors
    /// When no document describes them.
    async fn document(cx: &Cx, id: &str, actual: &[Stored]) -> Result<String, Failure>;

    /// What other plans of this run know of a part: its attributes as its own type would have them.
    fn note_of(stored: &Stored) -> Value;

    /// Checks the changes of a plan against the server.
    ///
    /// # Errors
    /// When Omni does not answer.
    async fn check_changes(_cx: &Cx, _plan: &mut Plan<'_>, _wanted: &Wanted, _sync: &SyncPlan) -> Result<(), Failure> {
        Ok(())
    }

    /// What to wait for after a write; see [`CosiObject::awaited`](super::CosiObject::awaited).
    ///
    /// # Errors
    /// When it cannot be told.
    async fn awaited(_cx: &Cx, _state: &Value, _head: &Object<Self::Spec>, _write: Write) -> Result<Awaited, Error> {
        Ok(Awaited::Nothing)
    }

    /// What holds up a wait, a sentence for each.
    ///
    /// # Errors
    /// When it cannot be told.
    async fn obstacles(_cx: &Cx, _state: &Value, _key: &Key) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }

    /// Why a removal ran out of time, as sentences, and the way out; `None` when nothing is known.
    async fn why_stuck(_cx: &Cx, _key: &Key) -> Option<(String, String)> {
        None
    }

    /// The sets that are there, by the ID of their heads, and what a list calls them.
    ///
    /// # Errors
    /// When Omni does not answer.
    async fn all(cx: &Cx) -> Result<Vec<(String, String)>, Error>;
}
