//! `omni_schematic`: what an image factory builds installation media from, registered with it and never read back.

mod meta;

use crate::provider::check::{is_mapping, is_version};
use crate::provider::engine::{Bind, Cx, Failure, ResourceType, Row, Table, UnreadableObject};
use crate::provider::errors::Operation;
use crate::provider::objects::installation_media_preset::{BOOTLOADER_NAMES, BOOTLOADERS, are_args, check_factory};
use crate::provider::objects::talos_version::offer;
use crate::provider::types::Types;
use crate::tf::check::{Rule, not_empty, one_of};
use crate::tf::diag::Diagnostics;
use crate::tf::resource::Plan;
use crate::tf::schema::{Schema, boolean, object, plain, string};
use crate::tf::value::{Type, Value};
use async_trait::async_trait;
use kit::version;
use omni_proto::management::create_schematic_request::{Overlay, SiderolinkGrpcTunnelMode as Tunnel};
use omni_proto::management::{CreateSchematicFromRawRequest, CreateSchematicRequest};

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.unreadable::<Schematic>();
}

struct Schematic;

impl Table for Schematic {
    type Spec = ();

    const NAME: &'static str = "omni_schematic";
    const NOUN: &'static str = "schematic";
    const ID: &'static str = "id";

    fn rows() -> Vec<Row> {
        vec![
            string("id").computed().stays().doc("ID of the schematic.").unreadable(),
            plain("extensions", Type::set(Type::String)).or_nothing().replaces().check(not_empty().of_each()).doc("System extensions, such as `siderolabs/qemu-guest-agent`.").unreadable(),
            plain("kernel_args", Type::list(Type::String)).or_nothing().replaces().check(are_args()).doc("Kernel arguments, in this order; none may contain white space, and together they have at most 4096 bytes.").unreadable(),
            plain("meta_values", Type::map(Type::String)).or_nothing().replaces().check(meta::are_values()).doc("Initial values of the META partition by their keys, in decimal: `10` for the network configuration, `12` for the initial labels of the machine, as YAML with `machineLabels`, `13` and `14` for free use.").unreadable(),
            object("overlay", vec![
                string("image").required().check(not_empty()).doc("Image of the overlay, such as `siderolabs/sbc-raspberrypi`."),
                string("name").required().check(not_empty()).doc("Name of the overlay, such as `rpi_generic`."),
                string("options").document().check(is_mapping()).doc("Options of the overlay, in YAML."),
            ]).replaces().since("1.5").doc("Overlay for a single-board computer. It has no effect with a `talos_version` before 1.7.").unreadable(),
            string("bootloader").default("auto").replaces().check(one_of(BOOTLOADER_NAMES)).since_for("1.5", &["uefi", "bios", "dual"]).doc("Bootloader: `auto`, `uefi` (systemd-boot), `bios` (GRUB) or `dual` (both).").unreadable(),
            string("talos_version").replaces().same_if(version::same).check(is_version()).doc("Talos version of the media, with or without a leading `v`. Omni chooses the image factory by it, and the plan checks `extensions` against it.").unreadable(),
            string("media_id").replaces().check(not_empty()).doc("ID of the installation media, such as `metal-amd64.iso`. Omni before 1.5 requires it together with `talos_version`; for the media of a board it sets the overlay.").unreadable(),
            boolean("grpc_tunnel").replaces().doc("Whether the machines tunnel their SideroLink connection through gRPC. Unset leaves it to the instance.").unreadable(),
            string("join_token").sensitive().replaces().check(not_empty()).doc("`id` of the join token of the machines. Unset takes the default token.").unreadable(),
            string("image_factory_url").replaces().check(not_empty()).since("1.10").doc("Image factory, one of those that the instance is configured with. Unset takes the one of the Talos version.").unreadable(),
            string("raw").document().sensitive().replaces().check(is_mapping()).since("1.8").doc("The whole schematic, in the YAML of the image factory. Omni takes it as it is: without the kernel arguments that make machines join. Only `talos_version` can be set beside it.").unreadable(),
            string("pxe_url").computed().stays().doc("Address to boot the media from over the network. Null with Omni 1.5 and later, which does not return it: use the data source `omni_installation_media`.").unreadable(),
        ]
    }
}

#[async_trait]
impl ResourceType for Schematic {
    const NOT_IMPORTED: Option<&'static str> = Some(
        "Omni does not return the content of a schematic. Add the resource and apply: the same content gets the same ID, and nothing is made twice.",
    );

    fn about() -> Schema {
        Schema::new(
            "Registers a schematic with the image factory: what installation media and installer images are built from. \
             Its ID is a digest of its content, so that the same content has the same ID, and every change replaces the resource. \
             Requires the role `Operator`.\n\n\
             Omni adds the kernel arguments with which machines join this instance, unless `raw` is set. \
             A schematic can be neither changed nor read back, so a refresh keeps the state as it is. \
             Destroying the resource only removes it from the state: the image factory keeps the schematic, and images that were built from it stay as they are.",
        )
        .rule(Rule::AtMostOne(&["raw", "extensions"]))
        .rule(Rule::AtMostOne(&["raw", "kernel_args"]))
        .rule(Rule::AtMostOne(&["raw", "meta_values"]))
        .rule(Rule::AtMostOne(&["raw", "overlay"]))
        .rule(Rule::AtMostOne(&["raw", "bootloader"]))
        .rule(Rule::AtMostOne(&["raw", "media_id"]))
        .rule(Rule::AtMostOne(&["raw", "grpc_tunnel"]))
        .rule(Rule::AtMostOne(&["raw", "join_token"]))
        .rule(Rule::AtMostOne(&["raw", "image_factory_url"]))
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        if let Some(version) = offer::check_version(cx, plan, "talos_version").await? {
            offer::check_extensions(cx, plan, "extensions", &version).await?;
        }
        Ok(check_factory(cx, plan).await?)
    }
}

#[async_trait]
impl UnreadableObject for Schematic {
    async fn make(cx: &Cx, mut wanted: Value) -> Result<Value, Diagnostics> {
        let operation = Operation { verb: "create", noun: Self::NOUN, id: "", id_attribute: Self::ID };
        let (id, pxe_url) = match wanted.get("raw").as_str() {
            Some(raw) => {
                let talos_version = text(&wanted, "talos_version");
                let request = CreateSchematicFromRawRequest { raw_schematic: raw.into(), talos_version };
                (cx.client().create_raw_schematic(&cx.call, request).await, String::new())
            }
            None => match cx.client().create_schematic(&cx.call, request(&wanted)).await {
                Ok(made) => (Ok(made.id), made.pxe_url),
                Err(error) => (Err(error), String::new()),
            },
        };
        wanted.set("id", id.map_err(|error| operation.explain(&error))?.into());
        wanted.set("pxe_url", Some(pxe_url).filter(|url| !url.is_empty()).into());
        Ok(wanted)
    }

    /// The image factory keeps it.
    async fn remove(_cx: &Cx, _prior: &Value) -> Result<(), Failure> {
        Ok(())
    }
}

/// What Omni is asked for.
fn request(wanted: &Value) -> CreateSchematicRequest {
    let texts = |name| wanted.get(name).elements().iter().filter_map(|v| v.as_str().map(str::to_owned)).collect();
    let overlay = wanted.get("overlay");
    let bootloader = BOOTLOADERS.iter().find(|(name, _)| wanted.get("bootloader").as_str() == Some(name));
    let tunnel = match wanted.get("grpc_tunnel").as_bool() {
        None => Tunnel::Auto,
        Some(true) => Tunnel::Enabled,
        Some(false) => Tunnel::Disabled,
    };
    CreateSchematicRequest {
        extensions: texts("extensions"),
        extra_kernel_args: texts("kernel_args"),
        meta_values: meta::values(wanted.get("meta_values")),
        talos_version: text(wanted, "talos_version"),
        media_id: text(wanted, "media_id"),
        siderolink_grpc_tunnel_mode: tunnel.into(),
        join_token: text(wanted, "join_token"),
        overlay: (!overlay.is_null()).then(|| Overlay {
            image: text(overlay, "image"),
            name: text(overlay, "name"),
            options: text(overlay, "options"),
        }),
        bootloader: bootloader.map(|(_, number)| *number).unwrap_or_default(),
        image_factory_url: text(wanted, "image_factory_url"),
        ..CreateSchematicRequest::default()
    }
}

fn text(of: &Value, name: &str) -> String {
    of.get(name).as_str().unwrap_or_default().to_owned()
}
