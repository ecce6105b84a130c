//! Objects in external storage: etcd backups.

use super::names::{kind, label};
use super::object::Reader;
use super::rules;
use omni_proto::cosi::resource::label_term::Operation;
use omni_proto::cosi::resource::{IdQuery, LabelQuery, WatchRequest};
use tonic::Status;

/// The namespace of such objects.
pub(super) const NAMESPACE: &str = "external";

/// Whether a list says which cluster it is about, and nothing else.
///
/// # Errors
/// When it does not: the store is not searched.
pub(super) fn check_list(view: &dyn Reader, labels: &[LabelQuery], id: Option<&IdQuery>) -> Result<(), Status> {
    let only = match labels {
        [LabelQuery { terms }] => match &terms[..] {
            [term] => Some(term),
            _ => None,
        },
        _ => None,
    };
    let names_cluster = only.is_some_and(|term| {
        term.key == label::CLUSTER && term.op() == Operation::Equal && !term.invert && term.value.len() == 1
    });
    let cluster =
        only.and_then(|term| term.value.first()).filter(|_| names_cluster && id.is_none_or(|id| id.regexp.is_empty()));
    let Some(cluster) = cluster else {
        return Err(Status::unknown("failed to validate: cluster ID must be specified in query"));
    };
    if view.get(kind::CLUSTER_UUID, cluster).is_some() {
        return Ok(());
    }
    let why = rules::missing(kind::CLUSTER_UUID, "default", cluster);
    Err(Status::not_found(format!("failed to get cluster UUID by ID: {why}")))
}

/// Whether a watch asks for what there is.
///
/// # Errors
/// When it waits for changes only: the store tells of none.
pub(super) fn check_watch(view: &dyn Reader, request: &WatchRequest) -> Result<(), Status> {
    let options = request.options.as_ref();
    if !options.is_some_and(|options| options.bootstrap_contents) {
        return Err(Status::unimplemented("backups are watched with their present contents only"));
    }
    options.map_or(Ok(()), |options| check_list(view, &options.label_query, options.id_query.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use omni_proto::cosi::resource::LabelTerm;

    #[test]
    fn lists_name_one_cluster() {
        let term = |key: &str, op: Operation, invert: bool| LabelTerm {
            key: key.into(),
            op: op.into(),
            value: vec!["c".into()],
            invert,
        };
        let query = |terms: Vec<LabelTerm>| LabelQuery { terms };
        let equal = || term(label::CLUSTER, Operation::Equal, false);
        let id = IdQuery { regexp: "c".into() };
        for (labels, id, good) in [
            (vec![query(vec![equal()])], None, true),
            (vec![], None, false),
            (vec![query(vec![equal()])], Some(&id), false),
            (vec![query(vec![equal()]), query(vec![equal()])], None, false),
            (vec![query(vec![equal(), term("x", Operation::Exists, false)])], None, false),
            (vec![query(vec![term(label::CLUSTER, Operation::Equal, true)])], None, false),
            (vec![query(vec![term(label::CLUSTER, Operation::Exists, false)])], None, false),
            (vec![query(vec![term("x", Operation::Equal, false)])], None, false),
        ] {
            let known = crate::rules::fixture::object(kind::CLUSTER_UUID, "c", &());
            let view = crate::rules::fixture::Fixture::default().with(known);
            let answer = check_list(&view, &labels, id);
            assert_eq!(answer.is_ok(), good, "{labels:?}");
            assert!(answer.err().is_none_or(|status| status.code() == tonic::Code::Unknown));
            let nobody = crate::rules::fixture::Fixture::default();
            let expected = if good { tonic::Code::NotFound } else { tonic::Code::Unknown };
            assert_eq!(check_list(&nobody, &labels, id).unwrap_err().code(), expected);
        }
    }
}
