//! `omni_installation_media`: where to get the installation media of a preset.

use super::address::{self, Media, PXE};
use crate::omni::spec::{Spec, instance};
use crate::omni::{Call, Error, ErrorKind, spec};
use crate::provider::dual::{DualForm, DualSource};
use crate::provider::errors::Operation;
use crate::provider::lookup::computed::text;
use crate::provider::objects::installation_media_preset::CLOUDS;
use crate::provider::session::{Session, at};
use crate::provider::{duration, timestamp};
use crate::tf::check::{Check, not_empty};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::schema::{Attribute, boolean, plain, string};
use crate::tf::value::{Type, Value};
use async_trait::async_trait;
use kit::gather::Gather as _;
use kit::text::quoted;
use kit::yaml;
use omni_proto::management::create_schematic_request::{Overlay, SiderolinkGrpcTunnelMode as Tunnel};
use omni_proto::management::installation_media_url_request::InstallationMediaKind as Kind;
use omni_proto::management::{CreateSchematicRequest, InstallationMediaUrlRequest};
use omni_proto::specs::{
    FeaturesConfigSpec, GrpcTunnelMode, InstallationMediaConfigSpec, PlatformConfigSpec, SbcConfigSpec,
    TalosVersionSpec, platform_config_spec::Arch,
};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(in crate::provider) struct InstallationMedia;

const METAL: &str = "metal";
const ISO: &str = "iso";
/// What the images of boards end in, and those of platforms that do not say.
const BOARD_IMAGE: &str = "raw.xz";
/// The key in the META partition under which a machine finds its first labels.
const LABELS: u32 = 12;

#[async_trait]
impl DualSource for InstallationMedia {
    const TYPE: &'static str = "omni_installation_media";

    fn about(form: DualForm) -> &'static str {
        match form {
            DualForm::Stored => {
                "Reads the URL from which the installation media of a preset are downloaded or booted over the network. Each read registers the schematic of the preset with the image factory; the same content has the same ID. Where the factory asks for credentials, the address and the headers hold them, and so does the state; the ephemeral resource of the same name keeps them out. Omni before 1.11 does not return the URL: the provider then composes it, which needs a factory without credentials and a preset with a Talos version. Requires Omni 1.5 or later."
            }
            DualForm::Ephemeral => {
                "Reads the URL from which the installation media of a preset are downloaded or booted over the network. Never written to state or plan. Opening it registers the schematic of the preset with the image factory; the same content has the same ID. Omni before 1.11 does not return the URL: the provider then composes it, which needs a factory without credentials and a preset with a Talos version. Requires Omni 1.5 or later."
            }
        }
    }

    fn attributes() -> Vec<Attribute> {
        vec![
            string("preset").required().check(not_empty()).doc("Name of the preset, such as the `name` of an `omni_installation_media_preset`."),
            string("format").check(is_format()).doc("What to get: `iso`, `pxe`, or what a disk image ends in, such as `raw.xz` or `qcow2`. Unset gives an ISO for bare metal, and the usual disk image of a platform or board."),
            boolean("standalone").default(false).doc("Whether the address has to work without headers: it then holds what credentials the factory asks for. Needs Omni 1.11 for factories that ask for any."),
            string("download_token_ttl").check(duration::is_positive()).doc("Lifetime of a download token, as a Go duration such as `30m`, where the factory uses such tokens. Unset leaves it to Omni: 5 minutes, and 2 hours for `pxe`."),
            string("url").computed().sensitive().doc("Address of the media."),
            plain("headers", Type::map(Type::String)).computed().sensitive().doc("Headers to send with the download; empty when none are needed."),
            text("schematic_id", "ID of the schematic."),
            text("talos_version", "Talos version of the media, without a leading `v`; null when the preset leaves it to Omni."),
            text("architecture", "Architecture: `amd64` or `arm64`."),
            text("platform", "Platform: `metal`, or that of the preset."),
            text("filename", "Name of the file."),
            text("storage_key", "Key under which a copy of the media can be stored: it stays the same as long as the content does. Null before Omni 1.11."),
            text("expires_at", "When the address stops working, in RFC 3339; null when it does not."),
            text("image_factory_host", "Host of the address."),
        ]
    }

    async fn fetch(session: &Arc<Session>, call: &Call, mut config: Value) -> Result<Value, Diagnostics> {
        let name = config.get("preset").as_str().unwrap_or_default().to_owned();
        let operation =
            Operation { verb: "get", noun: "the installation media of preset", id: &name, id_attribute: "preset" };
        let failed = |error: Error| Diagnostics::from(operation.explain(&error));
        let stored = match session.client.get(call, &InstallationMediaConfigSpec::KIND.key(&*name)).await {
            Err(error) if error.is(ErrorKind::NotFound) => return Err(missing(&name)),
            stored => stored.map_err(failed)?,
        };
        let preset: InstallationMediaConfigSpec = spec::decode(&stored).map_err(failed)?;
        let read = session.client.get(call, &instance::features_key()).await.map_err(failed)?;
        let features: FeaturesConfigSpec = spec::decode(&read).map_err(failed)?;
        if preset.talos_version.is_empty() && !features.secondary_image_factory_base_url.is_empty() {
            return Err(refused(
                format!("Preset `{name}` has no Talos version"),
                "This instance has two image factories, and which one makes the media depends on the Talos version.",
                "Set `talos_version` of the preset.",
            ));
        }
        let overlay = overlay(session, call, &preset).await.map_err(failed)?;
        if overlay.is_some() && preset.secure_boot {
            return Err(refused(
                format!("Preset `{name}` cannot be made"),
                "There are no images with Secure Boot for single-board computers.",
                "Set `secure_boot = false` in the preset.",
            ));
        }
        let format = match config.get("format").as_str() {
            Some(format) => format.to_owned(),
            None => usual(session, call, &preset).await.map_err(failed)?,
        };
        let schematic = session.client.create_schematic(call, request(&preset, overlay)).await.map_err(failed)?;
        let architecture = if preset.architecture() == Arch::Arm64 { "arm64" } else { "amd64" };
        let platform = preset.cloud.as_ref().map_or(METAL, |cloud| cloud.platform.as_str());
        let media = Media { platform, architecture, secure_boot: preset.secure_boot, format: &format };
        let lifetime = config.get("download_token_ttl").as_str().and_then(duration::of);
        let asked = InstallationMediaUrlRequest {
            talos_version: preset.talos_version.clone(),
            schematic_id: schematic.id.clone(),
            standalone_url: config.get("standalone").as_bool() == Some(true),
            installation_media_kind: match format.as_str() {
                PXE => Kind::Pxe,
                ISO => Kind::Iso,
                _ => Kind::Disk,
            }
            .into(),
            platform: platform.to_owned(),
            architecture: architecture.to_owned(),
            format: if [PXE, ISO].contains(&format.as_str()) { String::new() } else { format.clone() },
            secure_boot: preset.secure_boot,
            download_token_ttl: lifetime.and_then(|ttl| prost_types::Duration::try_from(ttl).ok()),
        };
        match session.client.installation_media_url(call, asked).await {
            Ok(answer) => {
                config.set("url", answer.url.into());
                config.set("headers", Value::texts(answer.headers.iter()));
                config.set("image_factory_host", answer.image_factory_host.into());
                config.set("storage_key", answer.storage_key.into());
                let end = answer.expires_at.map(|end| timestamp::show(timestamp::from_proto(&end)));
                config.set("expires_at", end.into());
            }
            Err(error) if error.is(ErrorKind::Unimplemented) => {
                let known = composable(session, call, &name, &preset, &features, failed).await?;
                let (url, host) = address::of(&features, &preset.talos_version, known.as_ref(), &schematic.id, &media);
                config.set("url", url.into());
                config.set("headers", Value::Map(BTreeMap::new()));
                config.set("image_factory_host", host.into());
            }
            Err(error) => return Err(failed(error)),
        }
        config.set("schematic_id", schematic.id.into());
        let version = Some(kit::version::strip_v(&preset.talos_version)).filter(|version| !version.is_empty());
        config.set("talos_version", version.into());
        config.set("filename", media.file().into());
        config.set("architecture", architecture.into());
        config.set("platform", platform.into());
        Ok(config)
    }
}

/// The text is a format that a factory can be asked for.
fn is_format() -> Check {
    Check::text(|text| {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if text.is_empty() || text == "." || text == ".." || !text.chars().all(fits) {
            return Err(format!(
                "{} is no format: write `iso`, `pxe`, or what a disk image ends in, such as `raw.xz`.",
                quoted(text)
            ));
        }
        Ok(())
    })
}

fn missing(name: &str) -> Diagnostics {
    let diagnostic = Diagnostic::error(
        format!("Installation media preset {} does not exist", quoted(name)),
        "Omni has no preset of this name.",
    );
    diagnostic
        .hint("Check the name. If the preset is made in the same apply, refer to an attribute that is known only after apply, or use `depends_on`.")
        .at(at("preset"))
        .into()
}

fn refused(summary: String, why: &str, hint: &str) -> Diagnostics {
    Diagnostic::error(summary, why).hint(hint).at(at("preset")).into()
}

/// The overlay of the board that the media are for.
async fn overlay(
    session: &Session,
    call: &Call,
    preset: &InstallationMediaConfigSpec,
) -> Result<Option<Overlay>, Error> {
    let Some(board) = &preset.sbc else { return Ok(None) };
    let stored = session.client.get(call, &SbcConfigSpec::KIND.key(&*board.overlay)).await?;
    let known: SbcConfigSpec = spec::decode(&stored)?;
    let options = board.overlay_options.clone();
    Ok(Some(Overlay { image: known.overlay_image, name: known.overlay_name, options }))
}

/// What is usual for the target of a preset.
async fn usual(session: &Session, call: &Call, preset: &InstallationMediaConfigSpec) -> Result<String, Error> {
    if preset.sbc.is_some() {
        return Ok(BOARD_IMAGE.to_owned());
    }
    let Some(cloud) = &preset.cloud else { return Ok(ISO.to_owned()) };
    let stored = session.client.get(call, &CLOUDS.key(&*cloud.platform)).await?;
    let suffix = spec::decode::<PlatformConfigSpec>(&stored)?.disk_image_suffix;
    Ok(if suffix.is_empty() { BOARD_IMAGE.to_owned() } else { suffix })
}

/// The schematic of a preset.
fn request(preset: &InstallationMediaConfigSpec, overlay: Option<Overlay>) -> CreateSchematicRequest {
    let tunnel = match preset.grpc_tunnel() {
        GrpcTunnelMode::Unset => Tunnel::Auto,
        GrpcTunnelMode::Enabled => Tunnel::Enabled,
        GrpcTunnelMode::Disabled => Tunnel::Disabled,
    };
    let labels: serde_json::Map<_, _> =
        preset.machine_labels.iter().map(|(k, v)| (k.clone(), v.as_str().into())).gathered();
    let labels =
        (!labels.is_empty()).then(|| (LABELS, yaml::to_string(&serde_json::json!({ "machineLabels": labels }))));
    CreateSchematicRequest {
        extensions: preset.install_extensions.clone(),
        extra_kernel_args: preset.kernel_args.split_whitespace().map(str::to_owned).collect(),
        meta_values: labels.into_iter().collect(),
        talos_version: preset.talos_version.clone(),
        siderolink_grpc_tunnel_mode: tunnel.into(),
        join_token: preset.join_token.clone(),
        overlay,
        bootloader: preset.bootloader,
        embedded_machine_config: preset.embedded_machine_config.clone(),
        image_factory_url: preset.image_factory_url.clone(),
        ..CreateSchematicRequest::default()
    }
}

/// What is known of the Talos version, where the address can be composed without the server's help.
async fn composable(
    session: &Session,
    call: &Call,
    name: &str,
    preset: &InstallationMediaConfigSpec,
    features: &FeaturesConfigSpec,
    failed: impl Fn(Error) -> Diagnostics,
) -> Result<Option<TalosVersionSpec>, Diagnostics> {
    const UPGRADE: &str = "Upgrade Omni to 1.11 or later, which tells the address itself";
    if features.is_enterprise_image_factory {
        return Err(refused(
            format!("This Omni does not tell where the media of preset `{name}` are"),
            "Its image factory may ask for credentials, which only Omni 1.11 and later hands out.",
            &format!("{UPGRADE}."),
        ));
    }
    if preset.talos_version.is_empty() {
        return Err(refused(
            format!("This Omni does not tell where the media of preset `{name}` are"),
            "Without a Talos version in the preset, the provider cannot compose the address itself.",
            &format!("Set `talos_version` of the preset. {UPGRADE}."),
        ));
    }
    let key = TalosVersionSpec::KIND.key(kit::version::strip_v(&preset.talos_version));
    match session.client.get(call, &key).await {
        Ok(stored) => spec::decode(&stored).map(Some).map_err(failed),
        Err(error) if error.is(ErrorKind::NotFound) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}
