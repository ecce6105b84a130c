//! Conversion between objects and messages.
//! It knows no stored state; whether an object may be written is not decided here.

use super::catalogue::Feature;
use super::kinds;
use super::object::{Key, Object};
use super::older_specs;
use super::release::Release;
use super::spec_yaml;
use super::store::phase_name;
use omni_proto::cosi::resource as pb;
use prost_types::Timestamp;
use std::collections::BTreeMap;
use tonic::Status;

/// The version of an object that is not stored yet.
const UNDEFINED: &str = "undefined";

/// What a client sent as a new object, or as a new state of one.
///
/// # Errors
/// When it is incomplete or cannot be read.
pub fn received(resource: Option<pb::Resource>) -> Result<Object, Status> {
    let resource = resource.unwrap_or_default();
    let metadata = resource.metadata.ok_or_else(|| Status::unknown("metadata is missing"))?;
    let version = version(&metadata.version)?;
    let tearing_down = phase(&metadata.phase)?;
    let spec = resource.spec.ok_or_else(|| Status::unknown("spec is missing"))?.proto_spec;
    if kinds::find(&metadata.r#type).is_some_and(|kind| !kind.on_wire) {
        return Err(Status::unknown("spec does not implement ProtoUnmarshaler"));
    }
    // The texts of Go's decoder are many; a client has to cope with any.
    spec_yaml::check(&metadata.r#type, &spec).map_err(|_| Status::unknown("unexpected EOF"))?;
    Ok(object(metadata, version, tearing_down, spec))
}

/// The phase that a client expects.
///
/// # Errors
/// When there is no such phase.
pub fn phase(name: &str) -> Result<bool, Status> {
    match name {
        "running" => Ok(false),
        "tearingDown" => Ok(true),
        other => Err(Status::unknown(format!("unknown phase: {other}"))),
    }
}

/// The message for a client, with the spec in both forms.
#[must_use]
pub fn sent(object: &Object) -> pb::Resource {
    let mut resource = metadata_and_spec(object);
    if let Some(spec) = &mut resource.spec {
        spec.yaml_spec = spec_yaml::render(&object.key.kind, &object.spec);
    }
    resource
}

/// The same, from a server of this release.
#[must_use]
pub fn sent_by(release: Release, object: &Object) -> pb::Resource {
    aged(release, sent(object))
}

/// The events, from a server of this release.
#[must_use]
pub fn events_by(release: Release, mut answer: pb::WatchResponse) -> pb::WatchResponse {
    for event in &mut answer.event {
        event.resource = event.resource.take().map(|resource| aged(release, resource));
        // Older ones do not say what was there before.
        event.old =
            event.old.take().filter(|_| release.has(Feature::OldInEvents)).map(|resource| aged(release, resource));
    }
    answer
}

/// Has the fields that a server of this release knows: in what it writes itself, everywhere; in what users write, in
/// the readable spec only, since it gives back the fields that it does not know.
fn aged(release: Release, mut resource: pb::Resource) -> pb::Resource {
    let kind = resource.metadata.as_ref().map(|metadata| metadata.r#type.clone()).unwrap_or_default();
    if let Some(spec) = resource.spec.as_mut().filter(|spec| !spec.yaml_spec.is_empty())
        && older_specs::differ(&kind, release)
    {
        let written_by_users = |kind: &kinds::Kind| kind.access_rule(kinds::AccessVerb::Create, release).from.is_some();
        if !kinds::find(&kind).is_some_and(written_by_users) {
            spec.proto_spec = older_specs::written_by(release, &kind, &spec.proto_spec);
        }
        spec.yaml_spec = spec_yaml::render_by(release, &kind, &spec.proto_spec);
    }
    resource
}

/// The message that says that an object is not there.
#[must_use]
pub fn tombstone(key: &Key) -> pb::Resource {
    let metadata = pb::Metadata {
        namespace: key.namespace.clone(),
        r#type: key.kind.clone(),
        id: key.id.clone(),
        version: UNDEFINED.to_owned(),
        phase: phase_name(false).to_owned(),
        ..pb::Metadata::default()
    };
    pb::Resource { metadata: Some(metadata), spec: Some(pb::Spec::default()) }
}

/// The message without the readable form of the spec.
#[must_use]
pub fn metadata_and_spec(object: &Object) -> pb::Resource {
    let metadata = pb::Metadata {
        namespace: object.key.namespace.clone(),
        r#type: object.key.kind.clone(),
        id: object.key.id.clone(),
        version: if object.version == 0 { UNDEFINED.to_owned() } else { object.version.to_string() },
        owner: object.owner.clone(),
        phase: phase_name(object.tearing_down).to_owned(),
        created: Some(Timestamp { seconds: object.created.0, nanos: object.created.1 }),
        updated: Some(Timestamp { seconds: object.updated.0, nanos: object.updated.1 }),
        finalizers: object.finalizers.clone(),
        annotations: object.annotations.clone().into_iter().collect(),
        labels: object.labels.clone().into_iter().collect(),
    };
    let spec = pb::Spec { proto_spec: object.spec.clone(), yaml_spec: String::new() };
    pb::Resource { metadata: Some(metadata), spec: Some(spec) }
}

/// The object in a message that the simulator wrote itself; what is missing is empty.
#[must_use]
pub fn stored(resource: &pb::Resource) -> Option<Object> {
    let metadata = resource.metadata.clone()?;
    let version = metadata.version.parse().unwrap_or(0);
    let tearing_down = metadata.phase == phase_name(true);
    Some(object(metadata, version, tearing_down, resource.spec.clone().unwrap_or_default().proto_spec))
}

fn object(metadata: pb::Metadata, version: u64, tearing_down: bool, spec: Vec<u8>) -> Object {
    let time = |t: Option<Timestamp>| t.map_or((0, 0), |t| (t.seconds, t.nanos));
    Object {
        key: Key { namespace: metadata.namespace, kind: metadata.r#type, id: metadata.id },
        version,
        owner: metadata.owner,
        tearing_down,
        finalizers: metadata.finalizers,
        labels: metadata.labels.into_iter().collect::<BTreeMap<_, _>>(),
        annotations: metadata.annotations.into_iter().collect::<BTreeMap<_, _>>(),
        created: time(metadata.created),
        updated: time(metadata.updated),
        spec,
    }
}

fn version(text: &str) -> Result<u64, Status> {
    if text == UNDEFINED {
        return Ok(0);
    }
    match text.parse::<i64>() {
        // No stored version is negative, so such a number never matches.
        Ok(number) => Ok(number.cast_unsigned()),
        Err(error) => {
            let why = match error.kind() {
                std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => "value out of range",
                _ => "invalid syntax",
            };
            Err(Status::unknown(format!("error parsing version: strconv.ParseInt: parsing {text:?}: {why}")))
        }
    }
}

/// The key in a call that names an object.
#[must_use]
pub fn named(namespace: String, kind: String, id: String) -> Key {
    Key { namespace, kind, id }
}

/// Whether reads of this type may lag.
#[must_use]
pub fn is_cached(kind: &str) -> bool {
    kinds::find(kind).is_none_or(|k| k.cached)
}
