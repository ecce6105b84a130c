//! Conversion between objects and their messages.

use super::{Key, Kind, Metadata, Phase, Resource};
use crate::omni::error::Error;
use kit::gather::Gather as _;
use omni_proto::cosi::resource as pb;

const RUNNING: &str = "running";
const TEARING_DOWN: &str = "tearingDown";
/// The version of an object that is not stored yet.
const UNDEFINED: &str = "undefined";

/// A phase as it travels.
pub(crate) fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Running => RUNNING,
        Phase::TearingDown => TEARING_DOWN,
    }
}

/// An object as it travels. The rendering is left out: the server does not read it.
pub(crate) fn encode(resource: &Resource) -> pb::Resource {
    let metadata = &resource.metadata;
    pb::Resource {
        metadata: Some(pb::Metadata {
            namespace: resource.key.kind.namespace.to_owned(),
            r#type: resource.key.kind.name.to_owned(),
            id: resource.key.id.clone(),
            version: metadata.version.map_or_else(|| UNDEFINED.to_owned(), |v| v.to_string()),
            owner: metadata.owner.clone(),
            phase: phase_name(metadata.phase).to_owned(),
            created: metadata.created,
            updated: metadata.updated,
            finalizers: metadata.finalizers.clone(),
            annotations: metadata.annotations.clone().into_iter().gathered(),
            labels: metadata.labels.clone().into_iter().gathered(),
        }),
        // The message must be there even when the spec is empty.
        spec: Some(pb::Spec { proto_spec: resource.spec.clone(), yaml_spec: String::new() }),
    }
}

/// An object of `kind` from its message.
pub(crate) fn decode(kind: Kind, resource: Option<pb::Resource>) -> Result<Resource, Error> {
    let wrong = |what: String, why: String| Error::Decode { what, source: why.into() };
    let unnamed = || format!("an object of the type `{}`", kind.name);
    let Some(resource) = resource else { return Err(wrong(unnamed(), "the answer holds none".to_owned())) };
    let Some(metadata) = resource.metadata else {
        return Err(wrong(unnamed(), "the answer holds no metadata".to_owned()));
    };
    let key = Key { kind, id: metadata.id };
    let version = match metadata.version.as_str() {
        UNDEFINED => None,
        digits => Some(digits.parse().map_err(|_| wrong(format!("`{key}`"), format!("`{digits}` is not a version")))?),
    };
    let phase = match metadata.phase.as_str() {
        RUNNING => Phase::Running,
        TEARING_DOWN => Phase::TearingDown,
        other => return Err(wrong(format!("`{key}`"), format!("`{other}` is not a phase"))),
    };
    let spec = resource.spec.unwrap_or_default();
    Ok(Resource {
        key,
        metadata: Metadata {
            version,
            owner: metadata.owner,
            phase,
            created: metadata.created,
            updated: metadata.updated,
            finalizers: metadata.finalizers,
            labels: metadata.labels.into_iter().gathered(),
            annotations: metadata.annotations.into_iter().gathered(),
        },
        spec: spec.proto_spec,
        yaml: spec.yaml_spec,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::spec::{Spec, resource};
    use omni_proto::specs::ClusterSpec;

    #[test]
    fn both_ways() {
        let mut object = resource("prod", &ClusterSpec { talos_version: "1.13.5".into(), ..ClusterSpec::default() });
        object.metadata = Metadata {
            version: Some(7),
            owner: "Controller".into(),
            phase: Phase::TearingDown,
            created: Some(prost_types::Timestamp { seconds: 1, nanos: 2 }),
            updated: None,
            finalizers: vec!["b".into(), "a".into()],
            labels: [("l".to_owned(), String::new())].into(),
            annotations: [("a".to_owned(), "1".to_owned())].into(),
        };
        let wire = encode(&object);
        assert_eq!(wire.metadata.as_ref().unwrap().version, "7");
        assert_eq!(decode(ClusterSpec::KIND, Some(wire)).unwrap(), object);
    }

    #[test]
    fn new_objects() {
        let wire = encode(&resource("prod", &ClusterSpec::default()));
        let metadata = wire.metadata.unwrap();
        assert_eq!((metadata.version.as_str(), metadata.phase.as_str()), ("undefined", "running"));
        assert!(wire.spec.is_some());
    }

    #[test]
    fn unreadable_answers() {
        let good = || encode(&resource("prod", &ClusterSpec::default()));
        let mut cases = vec![None, Some(pb::Resource { metadata: None, ..good() })];
        for (version, phase) in [("", "running"), ("x", "running"), ("-1", "running"), ("1", ""), ("1", "gone")] {
            let mut case = good();
            let metadata = case.metadata.as_mut().unwrap();
            metadata.version = version.to_owned();
            metadata.phase = phase.to_owned();
            cases.push(Some(case));
        }
        for case in cases {
            assert!(matches!(decode(ClusterSpec::KIND, case.clone()), Err(Error::Decode { .. })), "{case:?}");
        }
    }
}
