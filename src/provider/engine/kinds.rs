//! Which objects a COSI resource type stands for: those of one COSI type, or of any.

use super::owed::SET_NONE;
use super::{CosiObject, Failure, Origin, SpecChange};
use crate::omni::spec::Spec;
use crate::omni::{Key, Kind, Resource as Stored};
use crate::tf::resource::Private;
use crate::tf::schema::Attribute;
use crate::tf::value::Value;

/// How the objects of the resource type `M` are named, and what is written beside its rows.
pub(crate) trait Kinds<M: CosiObject>: Send + Sync + 'static {
    /// The attributes that together identify the object, where one alone does not: the identity has each of them, and the id of the
    /// object is what they are joined to by slashes. Only the last one may hold a slash. [`super::ResourceType::id`] joins them.
    const PARTS: &'static [&'static str];
    /// Whether users set the labels and annotations that Omni reserves, since no attributes stand for them.
    const SYSTEM_KEYS: bool;
    /// What makes an apply wait no longer for what an earlier one has not brought to its end, as a clause.
    const STOP_WAITING: &'static str;

    /// The object of this id.
    fn key(id: &str) -> Key;

    /// The id of an object: what [`Kinds::key`] takes.
    fn id_of(key: &Key) -> String;

    /// Whether Omni makes the object of this key too, so that a create takes over one that nobody manages.
    fn is_made_by_omni(key: &Key) -> bool;

    /// The arguments of the list resource that are needed to find the objects, beside those of every list.
    fn list_arguments() -> Vec<Attribute>;

    /// The type that a list is about.
    ///
    /// # Errors
    /// When the arguments name none.
    fn listed_kind(config: &Value) -> Result<Kind, Failure>;

    /// The spec that a write sends, for types whose rows cannot say it; `None` where they can.
    /// It is asked again whenever the object has changed meanwhile.
    ///
    /// # Errors
    /// When the spec cannot be made.
    fn spec(change: &SpecChange<'_>) -> Result<Option<Vec<u8>>, Failure>;

    /// The fields of the spec beside those that rows name, each with its content, to notice what others change.
    fn spec_parts(stored: &Stored) -> Vec<(String, String)>;

    /// Keeps beside the state what the configuration sets, where a later write has to know it.
    fn track(private: &mut Private, config: &Value);
}

/// The objects of one COSI type: that of the message whose fields the rows name.
pub(crate) struct OneKind;

impl<M: CosiObject> Kinds<M> for OneKind {
    const PARTS: &'static [&'static str] = &[];
    const SYSTEM_KEYS: bool = false;
    const STOP_WAITING: &'static str = SET_NONE;

    fn key(id: &str) -> Key {
        M::Spec::KIND.key(id)
    }

    fn id_of(key: &Key) -> String {
        key.id.clone()
    }

    fn is_made_by_omni(_key: &Key) -> bool {
        M::ORIGIN == Origin::Either
    }

    fn list_arguments() -> Vec<Attribute> {
        Vec::new()
    }

    fn listed_kind(_config: &Value) -> Result<Kind, Failure> {
        Ok(M::Spec::KIND)
    }

    fn spec(_change: &SpecChange<'_>) -> Result<Option<Vec<u8>>, Failure> {
        Ok(None)
    }

    fn spec_parts(_stored: &Stored) -> Vec<(String, String)> {
        Vec::new()
    }

    fn track(_private: &mut Private, _config: &Value) {}
}
