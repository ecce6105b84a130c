//! How plan checks see other objects: as this run leaves them, otherwise as they are in Omni.
//! An account may have fewer rights to read than to write, and an older Omni has fewer types: an object that cannot be read is unknown.

use super::engine::{Cx, Object};
use super::errors::{Operation, capital};
use super::ledger::ObjectKey;
use crate::omni::spec;
use crate::omni::spec::Spec;
use crate::omni::spec::instance::{self, AuthConfigSpec, CurrentUserSpec};
use crate::omni::state::query::{LabelQuery, Query};
use crate::omni::{Error, ErrorKind, Key, Kind, Metadata, Phase, Resource, labels};
use crate::tf::diag::Diagnostic;
use crate::tf::path::Path;
use crate::tf::resource::Plan;
use omni_proto::specs::ClusterSpec;
use std::sync::Arc;

/// An object, as far as it can be seen.
pub(crate) enum Presence<T> {
    /// It is there.
    Exists(T),
    /// It is not there.
    Missing,
    /// Nobody may know.
    Unreadable,
}

impl<T> Presence<T> {
    /// The object, when it is there and can be seen.
    pub(crate) fn there(self) -> Option<T> {
        match self {
            Self::Exists(object) => Some(object),
            Self::Missing | Self::Unreadable => None,
        }
    }
}

/// The object of this id.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn object<S: Spec>(cx: &Cx, id: &str) -> Result<Presence<Object<S>>, Error> {
    match cx.find::<S>(id).await {
        Ok(Some(object)) => Ok(Presence::Exists(object)),
        Ok(None) => Ok(Presence::Missing),
        Err(error) if is_hidden(&error) => Ok(Presence::Unreadable),
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

/// The objects that the query selects, as far as they can be seen.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn list(cx: &Cx, kind: Kind, query: &Query) -> Result<Vec<Resource>, Error> {
    match cx.client().list(&cx.call, kind, query).await {
        Err(error) if is_hidden(&error) => Ok(Vec::new()),
        other => other,
    }
}

/// Key and metadata of the objects that the query selects, listed once for all plans of a moment; `None` if Omni does not let them be
/// listed.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn listed_by_plans(
    cx: &Cx,
    kind: Kind,
    query: &Query,
) -> Result<Option<Arc<Vec<(Key, Metadata)>>>, Error> {
    match cx.client().listed_by_plans(&cx.call, kind, query).await {
        Err(error) if is_hidden(&error) => Ok(None),
        other => other.map(Some),
    }
}

/// What belongs to a machine set. With the label of the cluster: without it, Omni denies the list to whoever has rights on this cluster
/// only.
pub(crate) fn of_set(cluster: &str, set: &str) -> Query {
    Query::from(LabelQuery::new().equal(labels::CLUSTER, cluster).equal(labels::MACHINE_SET, set))
}

/// The role of infrastructure providers, to which Omni answers that the objects of others do not exist.
const PARTIAL: &str = "InfraProvider";

/// Checks that the provider's role can read the objects of others, before an answer that one is missing is believed.
///
/// # Errors
/// When it does not, or when that cannot be found out.
pub(crate) async fn check_sight(cx: &Cx, operation: &Operation<'_>) -> Result<(), Diagnostic> {
    let current = async { spec::decode::<CurrentUserSpec>(&cx.read(&instance::current_user_key()).await?) };
    match current.await {
        Ok(user) if user.role == PARTIAL => Err(Diagnostic::error(
            operation.summary(),
            format!(
                "The provider's key has the role `{PARTIAL}`. Omni answers to it as if the objects of others did not exist, \
                 so it is unknown whether {} still exists. It stays in the state.",
                operation.what()
            ),
        )
        .hint("Configure the provider with the key of an account that has the role `Reader` or a higher one.")),
        Ok(_) => Ok(()),
        Err(error)
            if error.is(ErrorKind::Denied) || error.is(ErrorKind::Unimplemented)
                // Without a licence nobody is answered but to what is asked about it.
                || error.is(ErrorKind::LicenceGate) =>
        {
            Ok(())
        }
        Err(error) => Err(operation.explain(&error)),
    }
}

/// Whether nobody may write, since the operator has suspended the instance; `false` where that cannot be seen.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn is_suspended(cx: &Cx) -> Result<bool, Error> {
    Ok(spec::<AuthConfigSpec>(cx, &instance::auth_config_key().id).await?.is_some_and(|auth| auth.suspended))
}

/// Says in a plan that `attribute` names a cluster or a machine set that is not there, or is on its way out; returns whether it is there.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn check_parent<S: Spec>(
    cx: &Cx,
    plan: &mut Plan<'_>,
    attribute: &'static str,
    id: &str,
) -> Result<bool, Error> {
    let key = ObjectKey::from(&S::KIND.key(id));
    if cx.session.ledger.planned(&key).is_some() {
        return Ok(true);
    }
    let noun = attribute.replace('_', " ");
    let (summary, why, hint) = match object::<S>(cx, id).await? {
        Presence::Unreadable => return Ok(true),
        Presence::Exists(parent) if parent.stored.metadata.phase == Phase::Running => return Ok(true),
        Presence::Exists(_) => (
            format!("{} `{id}` is being destroyed", capital(&noun)),
            "Nothing can be added to an object that is being destroyed: the apply will fail".to_owned(),
            format!("Wait until the {noun} is removed and create it again, or choose another one."),
        ),
        Presence::Missing => (
            format!("{} `{id}` does not exist", capital(&noun)),
            format!(
                "Omni refuses objects of a {noun} that does not exist: the apply will fail unless it is created by then"
            ),
            format!(
                "Set `{attribute}` to the `id` of an `omni_{attribute}`, so that it is created first, or check the spelling."
            ),
        ),
    };
    plan.diags.push(Diagnostic::warning(summary, format!("{why}.")).hint(hint).at(Path::of(attribute)));
    Ok(false)
}

/// The Talos version that a cluster is to have: as this run plans it, or else as it is.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn talos_version(cx: &Cx, cluster: &str) -> Result<Option<String>, Error> {
    if let Some(planned) = cx.session.ledger.planned(&ObjectKey::from(&ClusterSpec::KIND.key(cluster))) {
        return Ok(planned.get("talos_version").as_str().map(str::to_owned));
    }
    Ok(spec::<ClusterSpec>(cx, cluster).await?.map(|spec| spec.talos_version))
}

fn is_hidden(error: &Error) -> bool {
    error.is(ErrorKind::Denied) || error.is(ErrorKind::Unimplemented)
}
