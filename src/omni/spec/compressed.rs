//! Texts that Omni may keep compressed: patches, manifests, machine configurations, and their changes.

use super::{Spec, decode};
use crate::omni::error::Error;
use crate::omni::state::Resource;
use omni_proto::specs;
use serde::Deserialize;

/// A spec with a text that may be compressed.
pub trait Compressed: Spec {
    /// The text while it is not compressed, and its compressed form.
    fn parts(self) -> (String, Vec<u8>);
}

macro_rules! compressed {
    ($($spec:ident: $plain:ident, $compressed:ident;)*) => {
        $(impl Compressed for specs::$spec {
            fn parts(self) -> (String, Vec<u8>) {
                (self.$plain, self.$compressed)
            }
        })*
    };
}

compressed! {
    ConfigPatchSpec: data, compressed_data;
    KubernetesManifestGroupSpec: data, compressed_data;
    RedactedClusterMachineConfigSpec: data, compressed_data;
    MachineConfigDiffSpec: diff, compressed_diff;
}

#[derive(Deserialize)]
struct Rendered {
    #[serde(alias = "diff")]
    data: Option<String>,
}

/// The text of a spec.
///
/// Omni and its tools store long texts compressed with a dictionary; the server then still renders them as YAML.
///
/// # Errors
/// [`Error::Decode`] when the spec, or the server's rendering of a compressed one, cannot be read.
pub fn text<S: Compressed>(resource: &Resource) -> Result<String, Error> {
    let (plain, packed) = decode::<S>(resource)?.parts();
    // When both are set, the server applies the compressed one.
    if packed.is_empty() {
        return Ok(plain);
    }
    let what = || format!("the text of `{}`, which the server keeps compressed", resource.key);
    // The parser's own message quotes the text, which may hold secrets.
    let rendered: Rendered = serde_saphyr::from_str(&resource.yaml)
        .map_err(|_| Error::Decode { what: what(), source: "the server's rendering is not YAML".into() })?;
    rendered.data.ok_or_else(|| Error::Decode { what: what(), source: "the server did not render it".into() })
}

#[cfg(test)]
mod tests {
    use super::super::resource;
    use super::*;
    use specs::ConfigPatchSpec;

    fn patch(data: &str, compressed: &[u8], yaml: &str) -> Resource {
        let spec = ConfigPatchSpec { data: data.to_owned(), compressed_data: compressed.to_vec() };
        Resource { yaml: yaml.to_owned(), ..resource("500-x", &spec) }
    }

    #[test]
    fn texts() {
        let table = [
            (patch("machine: {}\n", b"", ""), "machine: {}\n"),
            (patch("", b"", "data: \"\"\n"), ""),
            (patch("", b"\x28\xb5", "data: |\n    machine:\n        network: {}\n"), "machine:\n    network: {}\n"),
            (patch("", b"\x28\xb5", "data: \"a: 1\\n\"\ncompresseddata: []\n"), "a: 1\n"),
            (patch("", b"\x28\xb5", "data: yes\n"), "yes"),
            (patch("stale", b"\x28\xb5", "data: fresh\n"), "fresh"),
        ];
        for (resource, expected) in table {
            assert_eq!(text::<ConfigPatchSpec>(&resource).unwrap(), expected);
        }
    }

    #[test]
    fn unreadable() {
        for yaml in ["", "other: 1\n", "data: [\n"] {
            let error = text::<ConfigPatchSpec>(&patch("", b"\x28\xb5", yaml)).unwrap_err();
            assert!(error.to_string().contains("500-x"), "{error}");
        }
    }
}
