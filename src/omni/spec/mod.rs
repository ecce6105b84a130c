//! The COSI types that the client knows, each with its name, namespace and protobuf message; one file for each family.
//! Nothing here sends a request.

pub mod access;
pub mod any;
pub mod compressed;
pub mod digest;
pub mod fields;
pub mod form;
pub mod instance;
pub mod join_token;
mod kinds;
pub mod loose;
pub mod merge;
pub mod names;

use super::error::Error;
use super::state::{Key, Kind, Metadata, Resource};

pub use digest::owned_digest;
pub use kinds::{KINDS, message_of};
pub use merge::{merge_fields, merge_owned};

/// A protobuf message of which this build has a description, so that its fields have paths: see [`fields`].
pub trait Described: prost::Message + Default + Send + Sync + 'static {
    /// The full name of the message: `specs.ClusterSpec`.
    const MESSAGE: &'static str;
}

/// The message of what cannot be read, or of what only its key tells the type.
impl Described for () {
    const MESSAGE: &'static str = "google.protobuf.Empty";
}

/// An object of any type: its key tells which.
impl Spec for () {
    const KIND: Kind = Kind { namespace: "", name: "" };
}

/// The protobuf message of a COSI type's spec. A new type is a row in `kinds.rs`.
///
/// ```
/// use omni_proto::specs::ClusterSpec;
/// use terraform_provider_omni::omni::spec::{Described, KINDS, Spec};
///
/// assert_eq!(ClusterSpec::KIND.name, "Clusters.omni.sidero.dev");
/// assert_eq!(ClusterSpec::MESSAGE, "specs.ClusterSpec");
/// assert!(KINDS.contains(&ClusterSpec::KIND));
/// ```
pub trait Spec: Described {
    /// The COSI type and namespace.
    const KIND: Kind;
}

/// Decodes the spec of an object; the type of the object is not checked.
///
/// # Errors
/// [`Error::Decode`] when the bytes are not such a message.
pub fn decode<S: Spec>(resource: &Resource) -> Result<S, Error> {
    S::decode(resource.spec.as_slice())
        .map_err(|e| Error::Decode { what: format!("the spec of `{}`", resource.key), source: Box::new(e) })
}

/// A new object with this spec, for [`Client::create`](super::Client::create).
pub fn resource<S: Spec>(id: impl Into<String>, spec: &S) -> Resource {
    Resource {
        key: Key { kind: S::KIND, id: id.into() },
        metadata: Metadata::default(),
        spec: spec.encode_to_vec(),
        yaml: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use omni_proto::specs::ClusterUuid;
    use prost::Message;

    #[test]
    fn every_message_is_described() {
        assert_eq!(kinds::undescribed(), Vec::<&str>::new());
    }

    #[test]
    fn no_type_is_listed_twice() {
        let mut names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KINDS.len());
    }

    #[test]
    fn decoding() {
        let spec = ClusterUuid { uuid: "u".to_owned() };
        let mut object = resource("prod", &spec);
        assert_eq!(object.key, ClusterUuid::KIND.key("prod"));
        assert_eq!(object.spec, spec.encode_to_vec());
        assert_eq!(decode::<ClusterUuid>(&object).unwrap(), spec);
        object.spec = vec![0xff];
        let error = decode::<ClusterUuid>(&object).unwrap_err();
        assert_eq!(error.to_string(), "could not read the spec of `ClusterUUIDs.omni.sidero.dev/prod`");
    }
}
