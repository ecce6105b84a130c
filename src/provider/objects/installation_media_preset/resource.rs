//! `omni_installation_media_preset`: what goes into the installation media that are made from it.

use super::checks;
use crate::omni::patch;
use crate::omni::spec::fields::Field;
use crate::provider::check::{is_mapping, is_version};
use crate::provider::engine::{
    Bind, Codec, CosiObject, Cx, Failure, OneKind, ResourceType, Row, Table, codecs, message,
};
use crate::provider::objects::machine_class::provision;
use crate::tf::check::{Check, Rule, not_empty, one_of};
use crate::tf::resource::Plan;
use crate::tf::schema::{Schema, boolean, plain, string};
use crate::tf::value::{Type, Value};
use crate::tf::write_only::{Fingerprint, WriteOnly, write_only};
use async_trait::async_trait;
use kit::text::quoted;
use kit::version;
use omni_proto::specs::InstallationMediaConfigSpec;

pub(crate) struct Preset;

/// The machine configuration is a document, so its print is that of what it means.
pub(super) const CONFIG: WriteOnly = write_only!("embedded_machine_config", Fingerprint::Meaning(patch::digest));

/// Architectures with their numbers.
pub(crate) const ARCHITECTURES: [(&str, i32); 2] = [("amd64", 1), ("arm64", 2)];
/// Bootloaders with their numbers.
pub(crate) const BOOTLOADERS: [(&str, i32); 4] = [("auto", 0), ("uefi", 2), ("bios", 3), ("dual", 1)];
/// Their names.
pub(crate) const ARCHITECTURE_NAMES: &[&str] = &codecs::texts(&ARCHITECTURES);
pub(crate) const BOOTLOADER_NAMES: &[&str] = &codecs::texts(&BOOTLOADERS);
/// The most bytes of all kernel arguments together.
const LONGEST_ARGS: usize = 4096;

const ARCHITECTURE: Codec = Codec::Own {
    write: |value| {
        let found = ARCHITECTURES.iter().find(|(name, _)| value.as_str() == Some(name));
        found.map(|(_, number)| Field::EnumNumber(*number))
    },
    read: |field, _| {
        let number = field.and_then(Field::as_enum_number);
        ARCHITECTURES.iter().find(|(_, n)| Some(*n) == number).map(|(name, _)| *name).into()
    },
};

/// Omni keeps them in one text.
const ARGS: Codec = Codec::Own {
    write: |value| {
        let args: Vec<_> = value.elements().iter().filter_map(Value::as_str).collect();
        Some(Field::String(args.join(" ")))
    },
    read: |field, _| {
        let text = field.and_then(Field::as_str).unwrap_or_default();
        Value::List(text.split_whitespace().map(Value::from).collect())
    },
};

impl Table for Preset {
    type Spec = InstallationMediaConfigSpec;

    const NAME: &'static str = "omni_installation_media_preset";
    const NOUN: &'static str = "installation media preset";
    const ID: &'static str = "name";

    fn rows() -> Vec<Row> {
        vec![
            string("name").required().replaces().check(not_empty()).doc("Name of the preset.").id(),
            string("architecture").default("amd64").check(one_of(ARCHITECTURE_NAMES)).doc("Architecture of the machines: `amd64` or `arm64`.").coded("architecture", ARCHITECTURE),
            string("talos_version").same_if(version::same).check(is_version()).doc("Talos version of the media, with or without a leading `v`. Unset leaves it to Omni, which takes the one that is current when the media are made. Required by Omni 1.6 and 1.7.").coded("talos_version", codecs::VERSION_IF_ANY).reading("Talos version of the media, without a leading `v`; null when Omni chooses it."),
            plain("extensions", Type::set(Type::String)).or_nothing().check(not_empty().of_each()).doc("System extensions in the media, such as `siderolabs/qemu-guest-agent`.").field("install_extensions"),
            plain("kernel_args", Type::list(Type::String)).or_nothing().check(are_args()).doc("Kernel arguments, in this order; none may contain white space, and together they have at most 4096 bytes.").coded("kernel_args", ARGS),
            message("cloud", "cloud", vec![
                string("platform").required().check(not_empty()).doc("Platform, such as `aws` or `nocloud`.").field("cloud.platform"),
            ], |cloud| cloud.doc("Makes media for a cloud or a virtualization platform. Without this and `sbc`, they are for bare metal.")),
            message("sbc", "sbc", vec![
                string("overlay").required().check(not_empty()).doc("Board, such as `rpi_generic`.").field("sbc.overlay"),
                string("overlay_options").document().check(is_mapping()).doc("Options of the overlay, as a YAML mapping.").optional_field("sbc.overlay_options"),
            ], |sbc| sbc.doc("Makes media for a single-board computer; `architecture` must be `arm64`.")),
            string("join_token").sensitive().check(not_empty()).doc("`id` of the join token of the machines. Unset takes the default token. Required by Omni 1.6 and 1.7.").optional_field("join_token"),
            boolean("secure_boot").default(false).doc("Whether the media are for Secure Boot.").field("secure_boot"),
            boolean("grpc_tunnel").doc("Whether the machines tunnel their SideroLink connection through gRPC. Unset leaves it to the instance.").coded("grpc_tunnel", provision::TUNNEL),
            plain("machine_labels", Type::map(Type::String)).or_nothing().doc("Initial labels of the machines.").field("machine_labels"),
            string("bootloader").default("auto").check(one_of(BOOTLOADER_NAMES)).doc("Bootloader: `auto`, `uefi` (systemd-boot), `bios` (GRUB) or `dual` (both).").coded("bootloader", Codec::Enum(&BOOTLOADERS)),
            string("embedded_machine_config").document().sensitive().same_if(patch::same).since("1.9").doc("Talos machine configuration in the media, in YAML. Needs Talos 1.12 or later.").optional_field("embedded_machine_config"),
            string("image_factory_url").initially("").since("1.10").doc("Image factory that makes the media, one of those that the instance is configured with. If empty, the image factory of the Talos version is used.").field("image_factory_url"),
        ]
    }
}

/// They fit into the one text that Omni keeps.
pub(crate) fn are_args() -> Check {
    Check::by(|value| {
        let args: Vec<_> = value.elements().iter().filter_map(Value::as_str).collect();
        for arg in &args {
            if arg.is_empty() {
                return Err("A kernel argument must not be empty.".to_owned());
            }
            if arg.chars().any(|c| c.is_whitespace() || c.is_control()) {
                return Err(format!(
                    "{} holds white space or a control character; write one argument for each element.",
                    quoted(arg)
                ));
            }
        }
        let length = args.join(" ").len();
        if length > LONGEST_ARGS {
            return Err(format!(
                "The kernel arguments have {length} bytes together, and Omni takes at most {LONGEST_ARGS}."
            ));
        }
        Ok(())
    })
}

#[async_trait]
impl ResourceType for Preset {
    const WRITE_ONLY: &'static [WriteOnly] = &[CONFIG];

    fn about() -> Schema {
        Schema::new(
            "Manages an installation media preset: what goes into the installation media that are made from it. \
             Platforms, boards, extensions and Talos versions are checked against the catalogues of the instance when they are planned.\n\n\
             Destroying it leaves media and machines that were made from it as they are.",
        )
        .since("1.5")
        .rule(Rule::AtMostOne(&["cloud", "sbc"]))
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        Ok(checks::check(cx, plan).await?)
    }
}

impl CosiObject for Preset {
    type Kinds = OneKind;
}
