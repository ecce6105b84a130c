//! Schematics, and the images that are built from them.

use super::ServiceContext;
use crate::access::Caller;
use crate::catalogue::Feature;
use crate::join_config::JoinConfig;
use crate::kinds::{self, Role};
use crate::names::kind;
use crate::release::Release;
use crate::rules::tolerant;
use crate::schematic::{self, Customization, MetaValue, Overlay, Schematic, SystemExtensions};
use crate::virtual_kinds::platforms;
use kit::yaml;
use omni_proto::management as pb;
use omni_proto::management::SchematicBootloader as Bootloader;
use omni_proto::management::create_schematic_request::SiderolinkGrpcTunnelMode as Tunnel;
use omni_proto::management::installation_media_url_request::InstallationMediaKind;
use omni_proto::specs::{FeaturesConfigSpec, InstallationMediaSpec, TalosVersionSpec};
use serde_json::Value;
use tonic::{Request, Status};

const MEDIA: &str = "InstallationMedias.omni.sidero.dev";
const SCHEMATIC: &str = "Schematics.omni.sidero.dev";

/// Who may ask for images of schematics that exist.
const IMAGE_ROLES: &[Role] = &[Role::InfraProvider, Role::Operator, Role::Admin];

/// The META tag under which a machine's first labels stand.
const LABELS: u32 = 12;
/// The tags that are not Talos' own.
const FREE_TAGS: &[u32] = &[10, LABELS, 13, 14];

/// The image factory of an instance that names none.
const FACTORY: &str = "https://factory.talos.dev";

/// The first Talos whose images for single-board computers are an overlay on the common one.
const FIRST_WITH_OVERLAYS: (u64, u64) = (1, 7);

/// The Talos version of an image for which none is named.
const DEFAULT_TALOS: &str = "1.13.8";

pub(super) async fn create_schematic(
    ctx: &ServiceContext,
    request: Request<pb::CreateSchematicRequest>,
) -> Result<pb::CreateSchematicResponse, Status> {
    Caller::of(&request)?.needs(Role::Operator)?;
    let request = request.into_inner();
    let release = ctx.release();
    let tunnel = request.siderolink_grpc_tunnel_mode() == Tunnel::Enabled;
    let mut args = JoinConfig::of(&ctx.store, &request.join_token, tunnel).kernel_args();
    args.extend(request.extra_kernel_args.iter().cloned());
    let mut official = request.extensions.clone();
    official.sort();
    official.dedup();
    let bootloader = if release.has(Feature::SchematicBootloaders) { bootloader(request.bootloader()) } else { "" };
    let embedded = if release.has(Feature::SchematicMachineConfigs) { &*request.embedded_machine_config } else { "" };
    let customization = Customization {
        extra_kernel_args: args,
        meta: meta(&request, release)?,
        system_extensions: SystemExtensions { official_extensions: official },
        bootloader: bootloader.to_owned(),
        embedded_machine_configuration: embedded.to_owned(),
        ..Customization::default()
    };
    let media = media(ctx, &request)?;
    let schematic = Schematic { overlay: overlay(ctx, &request, media.as_ref())?, customization };
    let features = features(ctx);
    let wanted = request.image_factory_url.trim_end_matches('/');
    if release.has(Feature::SchematicFactories) && !wanted.is_empty() && !factories(&features).any(|url| url == wanted)
    {
        let url = &request.image_factory_url;
        return Err(Status::unknown(format!("no image factory client configured for the given URL {url:?}")));
    }
    let id = ensure(ctx, &schematic);
    let pxe_url = match media.filter(|_| release.has(Feature::SchematicPxeUrl)) {
        Some(media) => {
            let version = &request.talos_version;
            format!("{}/pxe/{id}/{version}/{}", pxe_base(&features), pxe_file(&media, version))
        }
        None => String::new(),
    };
    let schematic_yml = if release.has(Feature::SchematicTexts) { schematic.text() } else { String::new() };
    Ok(pb::CreateSchematicResponse { schematic_id: id, pxe_url, grpc_tunnel_enabled: tunnel, schematic_yml })
}

pub(super) async fn create_schematic_from_raw(
    ctx: &ServiceContext,
    request: Request<pb::CreateSchematicFromRawRequest>,
) -> Result<pb::CreateSchematicResponse, Status> {
    Caller::of(&request)?.needs_one_of(IMAGE_ROLES)?;
    let text = String::from_utf8_lossy(&request.get_ref().raw_schematic).into_owned();
    let schematic = Schematic::parse(&text)
        .map_err(|problem| Status::unknown(format!("failed to unmarshal raw schematic: {problem}")))?;
    Ok(pb::CreateSchematicResponse { schematic_id: ensure(ctx, &schematic), ..Default::default() })
}

pub(super) async fn get_installation_media_url(
    ctx: &ServiceContext,
    request: Request<pb::InstallationMediaUrlRequest>,
) -> Result<pb::InstallationMediaUrlResponse, Status> {
    Caller::of(&request)?.needs_one_of(IMAGE_ROLES)?;
    let request = request.get_ref();
    let invalid = |text: String| Status::invalid_argument(format!("invalid installation media request: {text}"));
    let asset = match InstallationMediaKind::try_from(request.installation_media_kind) {
        Ok(InstallationMediaKind::Unset) => {
            return Err(invalid("installation media kind is not set".to_owned()));
        }
        Ok(kind) => kind,
        Err(_) => {
            return Err(invalid(format!("unknown installation media kind {}", request.installation_media_kind)));
        }
    };
    let segments = [("platform", &request.platform), ("architecture", &request.architecture)];
    let format = (asset == InstallationMediaKind::Disk).then_some(("disk image format", &request.format));
    for (what, value) in segments.into_iter().chain(format) {
        if !is_segment(value) {
            return Err(invalid(format!("invalid {what} {value:?}")));
        }
    }
    let version = if request.talos_version.is_empty() { DEFAULT_TALOS } else { &request.talos_version };
    if let Err(problem) = tolerant::parse(version) {
        return Err(invalid(format!("invalid Talos version {version:?}: {problem}")));
    }
    let version = format!("v{}", version.trim_start_matches('v'));
    let id = &request.schematic_id;
    if !is_segment(id) {
        return Err(invalid(format!("invalid schematic ID {id:?}")));
    }
    if request.download_token_ttl.as_ref().is_some_and(|ttl| ttl.seconds < 0 || ttl.nanos < 0) {
        return Err(invalid("download token lifetime must not be negative".to_owned()));
    }
    let features = serving(ctx, version.trim_start_matches('v'));
    let (base, folder) = match asset {
        InstallationMediaKind::Pxe => (pxe_base(&features), "pxe"),
        _ => (base(&features), "image"),
    };
    let (platform, arch) = (&request.platform, &request.architecture);
    let secure = if request.secure_boot { "-secureboot" } else { "" };
    let ending = match asset {
        InstallationMediaKind::Iso => ".iso".to_owned(),
        InstallationMediaKind::Disk => format!(".{}", request.format),
        _ => String::new(),
    };
    let file = format!("{platform}-{arch}{secure}{ending}");
    Ok(pb::InstallationMediaUrlResponse {
        url: format!("{base}/{folder}/{id}/{version}/{file}"),
        // The factory lets everybody in, so there is nothing to send along, and the address stays good.
        headers: Default::default(),
        expires_at: None,
        image_factory_host: base.split("://").nth(1).unwrap_or(&base).to_owned(),
        storage_key: schematic::id(&[&*base, folder, id, &version, &file].join("\0")),
    })
}

/// Remembers a schematic, as the server does that has asked an image factory for it.
fn ensure(ctx: &ServiceContext, schematic: &Schematic) -> String {
    let id = schematic.id();
    ctx.store.put("", &kinds::key_in(ctx.release(), SCHEMATIC, &*id), |_| {});
    id
}

/// The entries of the META partition, those with the greatest tags first.
fn meta(request: &pb::CreateSchematicRequest, release: Release) -> Result<Vec<MetaValue>, Status> {
    let mut entries = Vec::new();
    let mut tags: Vec<_> = request.meta_values.iter().collect();
    tags.sort();
    for (tag, value) in tags {
        // The tag is written with two digits, whatever else it holds.
        let key = u8::try_from(tag & 0xff).unwrap_or_default();
        if !FREE_TAGS.contains(tag) {
            let text =
                format!("meta key 0x{key:02x} is not allowed to be set in the schematic, as it's reserved by Talos");
            return Err(Status::invalid_argument(text));
        }
        if *tag == LABELS {
            check_labels(value, release).map_err(Status::invalid_argument)?;
        }
        entries.push(MetaValue { key, value: value.clone() });
    }
    entries.reverse();
    Ok(entries)
}

/// The labels that a machine has first. The former name of the field is read where the other is missing, and refused.
fn check_labels(text: &str, release: Release) -> Result<(), String> {
    let unreadable = |problem: String| format!("failed to parse machine labels: {problem}");
    let documents = yaml::parse_documents(text).map_err(|error| unreadable(format!("yaml: {error}")))?;
    let document = documents.into_iter().next().unwrap_or(Value::Null);
    if !matches!(document, Value::Object(_) | Value::Null) {
        return Err(unreadable("yaml: unmarshal errors: cannot unmarshal into meta.ImageLabels".into()));
    }
    let is_set = |name: &str| match document.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Object(labels)) if labels.values().all(|v| !v.is_array() && !v.is_object()) => Ok(true),
        Some(_) => Err(unreadable("yaml: unmarshal errors: cannot unmarshal into map[string]string".into())),
    };
    let (labels, former) = (is_set("machineLabels")?, is_set("machineInitialLabels")?);
    let reads_former = release.has(Feature::FormerLabelsRead);
    if !(labels || former && reads_former) {
        return Err("machine labels are empty".into());
    }
    if former {
        let name = if reads_former { "initialMachineLabels" } else { "machineInitialLabels" };
        return Err(format!("'{name}' is deprecated"));
    }
    Ok(())
}

fn overlay(
    ctx: &ServiceContext,
    request: &pb::CreateSchematicRequest,
    media: Option<&InstallationMediaSpec>,
) -> Result<Overlay, Status> {
    let version = &request.talos_version;
    if !version.is_empty() {
        let parsed = tolerant::parse(version).map_err(|_| Status::invalid_argument("invalid Talos version"))?;
        // Images for single-board computers were something else before.
        if parsed.minor_line() < FIRST_WITH_OVERLAYS {
            return Ok(Overlay::default());
        }
    }
    if let Some(overlay) = &request.overlay
        && ctx.release().has(Feature::SchematicBootloaders)
    {
        let options =
            yaml::parse_documents(&overlay.options).map_err(|error| Status::unknown(format!("yaml: {error}")))?;
        let options = match options.into_iter().next() {
            None => Default::default(),
            Some(Value::Object(options)) => options.into_iter().collect(),
            Some(_) => {
                let text = "yaml: unmarshal errors:\n  line 1: cannot unmarshal into map[string]interface {}";
                return Err(Status::unknown(text));
            }
        };
        return Ok(Overlay { image: overlay.image.clone(), name: overlay.name.clone(), options });
    }
    let Some(name) = media.map(|media| &media.overlay).filter(|name| !name.is_empty()) else {
        return Ok(Overlay::default());
    };
    let board = platforms::BOARDS.iter().find(|board| board.overlay == name);
    let board = board.ok_or_else(|| Status::unknown(format!("failed to find overlay with name {name:?}")))?;
    Ok(Overlay { image: board.overlay_image(), name: name.clone(), ..Overlay::default() })
}

/// The image that the request names. Those that answer with the URL of one must have it.
fn media(ctx: &ServiceContext, request: &pb::CreateSchematicRequest) -> Result<Option<InstallationMediaSpec>, Status> {
    let id = &request.media_id;
    if id.is_empty() && !ctx.release().has(Feature::SchematicPxeUrl) {
        return Ok(None);
    }
    let missing = || Status::unknown(format!("resource {MEDIA}(ephemeral/{id}@undefined) doesn't exist"));
    ctx.store.get(&kinds::key(MEDIA, &**id)).map(|media| Some(media.spec())).ok_or_else(missing)
}

/// What boots over the network with this image.
fn pxe_file(media: &InstallationMediaSpec, version: &str) -> String {
    let with_overlays = tolerant::parse(version).is_ok_and(|version| version.minor_line() >= FIRST_WITH_OVERLAYS);
    let profile = match (media.overlay.is_empty(), with_overlays) {
        (true, _) => media.profile.clone(),
        (false, true) => "metal".to_owned(),
        (false, false) => format!("metal-{}", media.profile),
    };
    format!("{profile}-{}", media.architecture)
}

fn bootloader(of: Bootloader) -> &'static str {
    match of {
        Bootloader::BootAuto => "",
        Bootloader::BootDual => "dual-boot",
        Bootloader::BootSd => "sd-boot",
        Bootloader::BootGrub => "grub",
    }
}

/// Whether a text can stand between two slashes of a URL.
fn is_segment(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !text.is_empty() && text != "." && text != ".." && text.chars().all(fits)
}

fn features(ctx: &ServiceContext) -> FeaturesConfigSpec {
    let features = ctx.store.get(&kinds::key(kind::FEATURES_CONFIG, "features-config"));
    features.map(|object| object.spec()).unwrap_or_default()
}

/// The features, as if the image factory of this Talos version were the only one. It is the first one, unless the
/// version names the second.
fn serving(ctx: &ServiceContext, version: &str) -> FeaturesConfigSpec {
    let features = features(ctx);
    let second = features.secondary_image_factory_base_url.trim_end_matches('/');
    let talos = ctx.store.get(&kinds::key(kind::TALOS_VERSION, version));
    let named = talos.map(|talos| talos.spec::<TalosVersionSpec>().image_factory_url).unwrap_or_default();
    if second.is_empty() || named.trim_end_matches('/') != second {
        return features;
    }
    FeaturesConfigSpec {
        image_factory_base_url: features.secondary_image_factory_base_url.clone(),
        image_factory_pxe_base_url: features.secondary_image_factory_pxe_base_url.clone(),
        ..features
    }
}

fn base(features: &FeaturesConfigSpec) -> String {
    let url = features.image_factory_base_url.trim_end_matches('/');
    if url.is_empty() { FACTORY.to_owned() } else { url.to_owned() }
}

fn pxe_base(features: &FeaturesConfigSpec) -> String {
    match features.image_factory_pxe_base_url.trim_end_matches('/') {
        "" => base(features).replacen("://", "://pxe.", 1),
        url => url.to_owned(),
    }
}

fn factories(features: &FeaturesConfigSpec) -> impl Iterator<Item = String> {
    let second = features.secondary_image_factory_base_url.trim_end_matches('/').to_owned();
    [base(features), second].into_iter().filter(|url| !url.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{call, context};
    use super::*;
    use prost::Message;
    use tonic::Code;

    type Asked = pb::CreateSchematicRequest;

    fn meta_value(tag: u32, value: &str) -> Asked {
        Asked { meta_values: [(tag, value.to_owned())].into(), ..Asked::default() }
    }

    #[tokio::test]
    async fn refusals_of_schematics() {
        let ctx = context(Release::NEWEST);
        let insufficient = "unauthorized: access denied: insufficient role: \"Reader\"";
        let media = "resource InstallationMedias.omni.sidero.dev(ephemeral/nope@undefined) doesn't exist";
        let reserved = "meta key 0x06 is not allowed to be set in the schematic, as it's reserved by Talos";
        let factory = "no image factory client configured for the given URL \"https://example.org\"";
        for (role, request, code, text) in [
            (Role::Reader, Asked::default(), Code::PermissionDenied, insufficient),
            (
                Role::Admin,
                Asked { media_id: "nope".into(), talos_version: "1.13.0".into(), ..Asked::default() },
                Code::Unknown,
                media,
            ),
            (Role::Admin, meta_value(6, "x"), Code::InvalidArgument, reserved),
            (Role::Admin, meta_value(12, "a: b"), Code::InvalidArgument, "machine labels are empty"),
            (
                Role::Admin,
                meta_value(12, "machineLabels: {a: b}\nmachineInitialLabels: {a: b}"),
                Code::InvalidArgument,
                "'initialMachineLabels' is deprecated",
            ),
            (
                Role::Admin,
                Asked { talos_version: "x".into(), ..Asked::default() },
                Code::InvalidArgument,
                "invalid Talos version",
            ),
            (
                Role::Admin,
                Asked { image_factory_url: "https://example.org".into(), ..Asked::default() },
                Code::Unknown,
                factory,
            ),
        ] {
            let status = create_schematic(&ctx, call(role, None, request)).await.unwrap_err();
            assert_eq!((status.code(), status.message()), (code, text));
        }
        for labels in ["{{{", "[]", "machineLabels: []", "machineLabels: {a: b}\nmachineInitialLabels: []"] {
            let status = create_schematic(&ctx, call(Role::Admin, None, meta_value(12, labels))).await.unwrap_err();
            assert!(status.message().starts_with("failed to parse machine labels: "), "{labels}");
        }
    }

    #[tokio::test]
    async fn the_former_field_of_labels_is_deprecated() {
        let (empty, newer) = ("machine labels are empty", "'initialMachineLabels' is deprecated");
        let older = "'machineInitialLabels' is deprecated";
        for (release, labels, expected) in [
            (Release::NEWEST, "machineInitialLabels: {a: b}", newer),
            (Release::V1_4, "machineInitialLabels: {a: b}", newer),
            (Release::V1_3, "machineInitialLabels: {a: b}", empty),
            (Release::V1_4, "machineLabels: {}\nmachineInitialLabels: {}", newer),
            (Release::V1_3, "machineLabels: {}\nmachineInitialLabels: {}", older),
            (Release::NEWEST, "machineInitialLabels:", empty),
        ] {
            let answer = create_schematic(&context(release), call(Role::Admin, None, meta_value(12, labels))).await;
            assert_eq!(answer.unwrap_err().message(), expected, "{release} {labels}");
        }
    }

    #[tokio::test]
    async fn equal_wishes_are_one_schematic() {
        let ctx = context(Release::NEWEST);
        let make = async |request| create_schematic(&ctx, call(Role::Operator, None, request)).await.unwrap();
        let extensions = |names: &[&str]| Asked {
            extensions: names.iter().map(|name| (*name).to_owned()).collect(),
            ..Asked::default()
        };
        let one = make(extensions(&["siderolabs/zfs", "siderolabs/gvisor", "siderolabs/zfs"])).await;
        assert_eq!(one, make(extensions(&["siderolabs/gvisor", "siderolabs/zfs"])).await);
        assert_eq!(one.schematic_id, schematic::id(&one.schematic_yml));
        assert_eq!(ctx.store.list(SCHEMATIC)[0].key, kinds::key(SCHEMATIC, &*one.schematic_id));
        assert_eq!(ctx.store.list(SCHEMATIC)[0].key.namespace, "ephemeral");
        let token = Asked { join_token: "other".into(), ..Asked::default() };
        assert!(make(token).await.schematic_yml.contains("?jointoken=other\n"));
        let tunnel = Asked { siderolink_grpc_tunnel_mode: Tunnel::Enabled.into(), ..Asked::default() };
        let tunnel = make(tunnel).await;
        assert!(tunnel.grpc_tunnel_enabled && tunnel.schematic_yml.contains("?grpc_tunnel=true&jointoken="));
    }

    #[tokio::test]
    async fn older_releases_know_less() {
        let asked = || Asked { talos_version: "1.13.8".into(), media_id: "iso".into(), ..Asked::default() };
        let context = |release| {
            let ctx = context(release);
            let media = InstallationMediaSpec {
                profile: "metal".into(),
                architecture: "amd64".into(),
                extension: "iso".into(),
                ..Default::default()
            };
            ctx.store.put("", &kinds::key(MEDIA, "iso"), |object| object.spec = media.encode_to_vec());
            ctx
        };
        let overlay =
            pb::create_schematic_request::Overlay { image: "i".into(), name: "n".into(), options: String::new() };
        let choices = [
            Asked { bootloader: Bootloader::BootGrub.into(), ..asked() },
            Asked { overlay: Some(overlay), ..asked() },
            Asked { embedded_machine_config: "version: v1alpha1".into(), ..asked() },
        ];
        // Which of the choices count, whether there is a text, and a URL for PXE.
        for (release, expected) in [
            (Release::V1_2, ([false, false, false], false, true)),
            (Release::of_minor(4), ([false, false, false], true, true)),
            (Release::V1_5, ([true, true, false], true, false)),
            (Release::V1_8, ([true, true, false], true, false)),
            (Release::V1_9, ([true, true, true], true, false)),
        ] {
            let ctx = context(release);
            let make = async |request| create_schematic(&ctx, call(Role::Operator, None, request)).await.unwrap();
            let plain = make(asked()).await;
            let mut counts = [false; 3];
            for (count, request) in counts.iter_mut().zip(choices.clone()) {
                *count = make(request).await.schematic_id != plain.schematic_id;
            }
            let url = format!("https://pxe.factory.talos.dev/pxe/{}/1.13.8/metal-amd64", plain.schematic_id);
            assert!([String::new(), url].contains(&plain.pxe_url), "{release}: {}", plain.pxe_url);
            assert_eq!((counts, !plain.schematic_yml.is_empty(), !plain.pxe_url.is_empty()), expected, "{release}");
        }
        let nowhere = || Asked { media_id: String::new(), ..asked() };
        for (release, refused) in [(Release::of_minor(4), true), (Release::V1_5, false)] {
            let answer = create_schematic(&context(release), call(Role::Operator, None, nowhere())).await;
            assert_eq!(answer.is_err(), refused, "{release}");
        }
        let stranger = || Asked { image_factory_url: "https://f.example".into(), ..asked() };
        for (release, refused) in [(Release::V1_9, false), (Release::V1_10, true)] {
            let answer = create_schematic(&context(release), call(Role::Operator, None, stranger())).await;
            assert_eq!(answer.is_err(), refused, "{release}");
        }
    }

    #[tokio::test]
    async fn boards_bring_their_overlay() {
        let ctx = context(Release::NEWEST);
        let media = InstallationMediaSpec { overlay: "rpi_generic".into(), ..Default::default() };
        ctx.store.put("", &kinds::key(MEDIA, "rpi"), |object| object.spec = media.encode_to_vec());
        let make = async |request| create_schematic(&ctx, call(Role::Operator, None, request)).await;
        let with = |talos: &str| Asked { media_id: "rpi".into(), talos_version: talos.into(), ..Asked::default() };
        let text = make(with("1.13.8")).await.unwrap().schematic_yml;
        assert!(text.starts_with("overlay:\n    image: siderolabs/sbc-raspberrypi\n    name: rpi_generic\n"), "{text}");
        assert!(make(with("1.6.0")).await.unwrap().schematic_yml.starts_with("customization:"));
        for (board, image) in
            [("revpi_generic", "sbc-raspberrypi"), ("pine64", "sbc-allwinner"), ("rock5b", "sbc-rockchip")]
        {
            let request = Asked { media_id: format!("{board}.raw.xz"), ..with("1.13.8") };
            let text = make(request).await.unwrap().schematic_yml;
            assert!(text.contains(&format!("image: siderolabs/{image}\n    name: {board}\n")), "{text}");
        }
        let own = |options: &str| Asked {
            overlay: Some(pb::create_schematic_request::Overlay {
                image: "i".into(),
                name: "n".into(),
                options: options.into(),
            }),
            ..Asked::default()
        };
        let text = make(own("a: 1")).await.unwrap().schematic_yml;
        assert!(text.starts_with("overlay:\n    image: i\n    name: \"n\"\n    options:\n        a: 1\n"), "{text}");
        assert_eq!(make(own("[]")).await.unwrap_err().code(), Code::Unknown);
    }

    #[test]
    fn files_that_boot_over_the_network() {
        let image = |profile: &str, overlay: &str| InstallationMediaSpec {
            profile: profile.into(),
            overlay: overlay.into(),
            architecture: "arm64".into(),
            ..Default::default()
        };
        for (media, version, expected) in [
            (image("aws", ""), "1.13.8", "aws-arm64"),
            (image("rpi_generic", "rpi_generic"), "1.13.8", "metal-arm64"),
            (image("rpi_generic", "rpi_generic"), "v1.6.4", "metal-rpi_generic-arm64"),
        ] {
            assert_eq!(pxe_file(&media, version), expected);
        }
    }

    #[tokio::test]
    async fn raw_schematics() {
        let ctx = context(Release::NEWEST);
        let make = async |role, text: &str| {
            let request = pb::CreateSchematicFromRawRequest { raw_schematic: text.into(), ..Default::default() };
            create_schematic_from_raw(&ctx, call(role, None, request)).await
        };
        let made = make(Role::InfraProvider, "customization: {}").await.unwrap();
        assert_eq!(made.schematic_id, "376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba");
        let status = make(Role::Reader, "customization: {}").await.unwrap_err();
        let text = "unauthorized: role \"Reader\" is not one of the allowed roles [InfraProvider Operator Admin]";
        assert_eq!((status.code(), status.message()), (Code::PermissionDenied, text));
        let status = make(Role::Admin, "").await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::Unknown, "failed to unmarshal raw schematic: EOF"));
    }

    #[tokio::test]
    async fn urls_of_images() {
        let ctx = context(Release::NEWEST);
        let ask = async |kind: i32, platform: &str, format: &str, version: &str, id: &str, secure_boot| {
            let request = pb::InstallationMediaUrlRequest {
                installation_media_kind: kind,
                platform: platform.into(),
                architecture: "amd64".into(),
                format: format.into(),
                talos_version: version.into(),
                schematic_id: id.into(),
                secure_boot,
                ..Default::default()
            };
            get_installation_media_url(&ctx, call(Role::InfraProvider, None, request)).await
        };
        let (pxe, iso, disk) =
            (InstallationMediaKind::Pxe.into(), InstallationMediaKind::Iso.into(), InstallationMediaKind::Disk.into());
        for (kind, format, version, secure, expected) in [
            (pxe, "", "1.13.0", false, "https://pxe.factory.talos.dev/pxe/abc/v1.13.0/metal-amd64"),
            (iso, "", "v1.13.0", true, "https://factory.talos.dev/image/abc/v1.13.0/metal-amd64-secureboot.iso"),
            (disk, "raw.xz", "", false, "https://factory.talos.dev/image/abc/v1.13.8/metal-amd64.raw.xz"),
        ] {
            let answer = ask(kind, "metal", format, version, "abc", secure).await.unwrap();
            assert_eq!(answer.url, expected);
            assert!(answer.headers.is_empty() && answer.storage_key.len() == 64);
            assert!(answer.url.contains(&format!("://{}/", answer.image_factory_host)));
        }
        for (kind, platform, format, version, id, text) in [
            (0, "metal", "", "", "abc", "invalid installation media request: installation media kind is not set"),
            (9, "metal", "", "", "abc", "invalid installation media request: unknown installation media kind 9"),
            (iso, "a/b", "", "", "abc", "invalid installation media request: invalid platform \"a/b\""),
            (disk, "metal", "", "", "abc", "invalid installation media request: invalid disk image format \"\""),
            (iso, "metal", "", "", "..", "invalid installation media request: invalid schematic ID \"..\""),
        ] {
            let status = ask(kind, platform, format, version, id, false).await.unwrap_err();
            assert_eq!((status.code(), status.message()), (Code::InvalidArgument, text));
        }
        let status = ask(iso, "metal", "", "x", "abc", false).await.unwrap_err();
        assert!(status.message().starts_with("invalid installation media request: invalid Talos version \"x\": "));

        let features = FeaturesConfigSpec {
            image_factory_base_url: "https://one.example".into(),
            secondary_image_factory_base_url: "https://two.example/".into(),
            ..Default::default()
        };
        let key = kinds::key(kind::FEATURES_CONFIG, "features-config");
        ctx.store.put("", &key, |object| object.spec = features.encode_to_vec());
        ctx.store.put("", &kinds::key(kind::TALOS_VERSION, "1.13.5"), |object| {
            let named = TalosVersionSpec { image_factory_url: "https://two.example".into(), ..object.spec() };
            object.spec = named.encode_to_vec();
        });
        for (kind, version, expected) in [
            (iso, "1.13.5", "https://two.example/image/abc/v1.13.5/metal-amd64.iso"),
            (pxe, "v1.13.5", "https://pxe.two.example/pxe/abc/v1.13.5/metal-amd64"),
            (iso, "1.13.8", "https://one.example/image/abc/v1.13.8/metal-amd64.iso"),
            (iso, "1.99.0", "https://one.example/image/abc/v1.99.0/metal-amd64.iso"),
        ] {
            assert_eq!(ask(kind, "metal", "", version, "abc", false).await.unwrap().url, expected);
        }
    }
}
