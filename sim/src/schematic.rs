//! Schematics of images. The ID of a schematic is a digest of its canonical text, so that equal ones have the same ID.
//! The image factory of real servers computes it in the same way.

use super::spec_yaml::{self, Node, list, mapping, scalar};
use kit::yaml;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// What an image is made of.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schematic {
    /// What a single-board computer needs.
    pub overlay: Overlay,
    /// What differs from the plain image.
    pub customization: Customization,
}

/// What a single-board computer needs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Overlay {
    /// The image that holds it.
    pub image: String,
    /// Its name.
    pub name: String,
    /// What it is told.
    pub options: BTreeMap<String, Value>,
}

/// What differs from the plain image.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Customization {
    /// More kernel arguments.
    pub extra_kernel_args: Vec<String>,
    /// What stands in the META partition at first.
    pub meta: Vec<MetaValue>,
    /// Extensions of Talos.
    pub system_extensions: SystemExtensions,
    /// What secure boot is told.
    #[serde(rename = "secureboot")]
    pub secure_boot: SecureBoot,
    /// The boot loader; empty for what suits the version.
    pub bootloader: String,
    /// A machine configuration within the image.
    pub embedded_machine_configuration: String,
}

/// One entry of the META partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetaValue {
    /// The tag.
    pub key: u8,
    /// The text.
    pub value: String,
}

/// Extensions of Talos.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct SystemExtensions {
    /// Those on offer, by name.
    pub official_extensions: Vec<String>,
}

/// What secure boot is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct SecureBoot {
    /// Whether the usual certificates are let in.
    pub include_well_known_certificates: bool,
}

impl Schematic {
    /// Reads one from its text.
    ///
    /// # Errors
    /// When the text is no schematic.
    pub fn parse(text: &str) -> Result<Self, String> {
        let documents = yaml::parse_documents(text).map_err(|error| format!("yaml: {error}"))?;
        // Go's decoder is at the end at once.
        match documents.into_iter().next().ok_or("EOF")? {
            Value::Null => Ok(Self::default()),
            document @ Value::Object(_) => {
                serde_json::from_value(document).map_err(|error| format!("yaml: unmarshal errors:\n  {error}"))
            }
            _ => Err("yaml: unmarshal errors:\n  cannot unmarshal into schematic.Schematic".into()),
        }
    }

    /// The canonical text.
    #[must_use]
    pub fn text(&self) -> String {
        let overlay = (self.overlay != Overlay::default()).then(|| {
            let options = &self.overlay.options;
            let options = (!options.is_empty()).then(|| ("options".to_owned(), object(options.iter())));
            let named = [("image", &self.overlay.image), ("name", &self.overlay.name)];
            let named = named.into_iter().map(|(key, value)| (key.to_owned(), scalar(value)));
            ("overlay".to_owned(), mapping(named.chain(options)))
        });
        let customization = ("customization".to_owned(), self.customization.node());
        spec_yaml::text(mapping(overlay.into_iter().chain([customization])))
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> String {
        id(&self.text())
    }
}

/// The text of the schematic with these extensions and kernel arguments.
#[must_use]
pub fn text(extensions: &BTreeSet<String>, kernel_args: &[String]) -> String {
    let official_extensions = extensions.iter().cloned().collect();
    let customization = Customization {
        extra_kernel_args: kernel_args.to_vec(),
        system_extensions: SystemExtensions { official_extensions },
        ..Customization::default()
    };
    Schematic { customization, ..Schematic::default() }.text()
}

/// The id of a schematic, by its canonical text.
#[must_use]
pub fn id(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Customization {
    fn node(&self) -> Node {
        let texts = |texts: &[String]| list(texts.iter().map(|text| scalar(text)));
        let mut entries = Vec::new();
        let mut put = |key: &str, is_set: bool, node: Node| {
            if is_set {
                entries.push((key.to_owned(), node));
            }
        };
        put("extraKernelArgs", !self.extra_kernel_args.is_empty(), texts(&self.extra_kernel_args));
        let meta = self.meta.iter().map(|entry| {
            let key = ("key".to_owned(), Node::Inline(entry.key.to_string()));
            mapping([key, ("value".to_owned(), scalar(&entry.value))].into_iter())
        });
        put("meta", !self.meta.is_empty(), list(meta));
        let official = &self.system_extensions.official_extensions;
        let extensions = mapping([("officialExtensions".to_owned(), texts(official))].into_iter());
        put("systemExtensions", !official.is_empty(), extensions);
        let certificates = ("includeWellKnownCertificates".to_owned(), Node::Inline("true".into()));
        put("secureboot", self.secure_boot != SecureBoot::default(), mapping([certificates].into_iter()));
        put("bootloader", !self.bootloader.is_empty(), scalar(&self.bootloader));
        let embedded = &self.embedded_machine_configuration;
        put("embeddedMachineConfiguration", !embedded.is_empty(), scalar(embedded));
        mapping(entries.into_iter())
    }
}

fn object<'a>(members: impl Iterator<Item = (&'a String, &'a Value)>) -> Node {
    let key = |key: &str| match scalar(key) {
        Node::Inline(text) => text,
        // A key has to stay on its line.
        Node::Block(_) => format!("{key:?}"),
    };
    mapping(members.map(|(name, value)| (key(name), node(value))))
}

fn node(value: &Value) -> Node {
    match value {
        Value::Null => Node::Inline("null".into()),
        Value::Bool(flag) => Node::Inline(flag.to_string()),
        Value::Number(number) => Node::Inline(number.to_string()),
        Value::String(text) => scalar(text),
        Value::Array(items) => list(items.iter().map(node)),
        Value::Object(members) => object(members.iter()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_every_image_factory() {
        // As the public image factory gives them out.
        for (text, id) in [
            ("customization: {}", "376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba"),
            (
                "customization: {systemExtensions: {officialExtensions: [siderolabs/qemu-guest-agent]}}",
                "ce4c980550dd2ab1b17bbf2b08801c7eb59418eafe8f279833297925d67c7515",
            ),
            (
                "customization:\n  systemExtensions:\n    officialExtensions:\n      - siderolabs/iscsi-tools\n      - siderolabs/util-linux-tools\n",
                "613e1592b2da41ae5e265e8789429f22e121aab91cb4deb6bc3c0b6262961245",
            ),
            (
                "overlay: {name: rpi_generic, image: siderolabs/sbc-raspberrypi}",
                "ee21ef4a5ef808a9b7484cc0dda0f25075021691c8c09a276591eedb638ea1f9",
            ),
        ] {
            assert_eq!(Schematic::parse(text).unwrap().id(), id, "{text}");
        }
    }

    #[test]
    fn the_canonical_text_is_go_s() {
        let schematic = Schematic {
            overlay: Overlay {
                image: "siderolabs/sbc-rockchip".into(),
                name: "rock4cplus".into(),
                options: [("board".to_owned(), Value::from("1")), ("pins".to_owned(), serde_json::json!([1, 2]))]
                    .into(),
            },
            customization: Customization {
                extra_kernel_args: vec!["siderolink.api=grpc://127.0.0.1:8090?jointoken=w7".into(), "quiet".into()],
                meta: vec![
                    MetaValue { key: 12, value: "machineLabels:\n    rack: r1\n".into() },
                    MetaValue { key: 10, value: "{}".into() },
                ],
                secure_boot: SecureBoot { include_well_known_certificates: true },
                bootloader: "sd-boot".into(),
                ..Default::default()
            },
        };
        let text = "overlay:\n    image: siderolabs/sbc-rockchip\n    name: rock4cplus\n    options:\n        board: \"1\"\n        \
                    pins:\n            - 1\n            - 2\ncustomization:\n    extraKernelArgs:\n        - \
                    siderolink.api=grpc://127.0.0.1:8090?jointoken=w7\n        - quiet\n    meta:\n        - key: 12\n          \
                    value: |\n            machineLabels:\n                rack: r1\n        - key: 10\n          value: '{}'\n    \
                    secureboot:\n        includeWellKnownCertificates: true\n    bootloader: sd-boot\n";
        assert_eq!(schematic.text(), text);
        assert_eq!(Schematic::parse(text).unwrap(), schematic);
    }

    #[test]
    fn kernel_arguments_come_first_and_keep_their_order() {
        let extensions = BTreeSet::from(["siderolabs/gvisor".to_owned()]);
        let args = ["quiet".to_owned(), "-console".to_owned(), "console=ttyS0".to_owned()];
        assert_eq!(
            text(&extensions, &args),
            "customization:\n    extraKernelArgs:\n        - quiet\n        - -console\n        - console=ttyS0\n    \
             systemExtensions:\n        officialExtensions:\n            - siderolabs/gvisor\n"
        );
    }

    #[test]
    fn what_is_no_schematic_is_refused() {
        for (text, part) in [
            ("", "EOF"),
            ("customization: {extensions: []}", "unknown field `extensions`"),
            ("customization: {meta: [{key: 256}]}", "invalid number"),
            ("{{{", "yaml: line"),
            ("[]", "unmarshal errors"),
        ] {
            let problem = Schematic::parse(text).unwrap_err();
            assert!(problem.contains(part), "{text:?}: {problem}");
        }
    }
}
