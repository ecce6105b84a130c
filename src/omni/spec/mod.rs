//! The COSI types that the provider knows: one file a type or family, each with its name, namespace and message.

use super::state::Kind;

/// A COSI type whose spec this build knows.
pub trait Spec: prost::Message + Default + Send + Sync + 'static {
    /// Its type and namespace.
    const KIND: Kind;
    /// The full name of its message: `specs.ClusterSpec`.
    const MESSAGE: &'static str;
}
