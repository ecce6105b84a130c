//! Holds a preset against the catalogues of the instance: platforms, boards, Talos versions, extensions, image factories.
//! What Omni refuses is an error. What it takes though no image can be made of it is a warning.

use super::resource::CONFIG;
use crate::omni::spec::instance;
use crate::omni::{Error, Kind, Query, Resource as Stored, spec, spec::Spec};
use crate::provider::engine::Cx;
use crate::provider::objects::talos_version::offer;
use crate::provider::since;
use crate::provider::view;
use crate::tf::diag::Diagnostic;
use crate::tf::path::Path;
use crate::tf::resource::Plan;
use kit::text::{closest, quoted};
use kit::version;
use omni_proto::specs::platform_config_spec::Arch;
use omni_proto::specs::{FeaturesConfigSpec, PlatformConfigSpec, QuirksSpec, SbcConfigSpec};

/// The platforms but bare metal.
pub(crate) const CLOUDS: Kind = Kind { namespace: "virtual", name: "CloudPlatformConfigs.omni.sidero.dev" };

/// The first release of Omni that refuses a platform or board that it does not know.
const TARGETS_CHECKED_SINCE: &str = "1.8";

/// The releases of Omni from the first to before the second refuse a preset that leaves these to Omni.
const NOTHING_IS_CHOSEN: [&str; 2] = ["1.6", "1.8"];
const TO_CHOOSE: [(&str, &str); 2] = [("talos_version", "Talos version"), ("join_token", "join token")];

/// One entry of a catalogue.
struct Target {
    id: String,
    architectures: Vec<&'static str>,
    secure_boot: bool,
    /// The first Talos version that has it.
    since: String,
}

/// Checks a plan that changes something.
///
/// # Errors
/// When Omni does not answer.
pub(super) async fn check(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Error> {
    let version = offer::check_version(cx, plan, "talos_version").await?;
    if let Some(version) = &version {
        offer::check_extensions(cx, plan, "extensions", version).await?;
        check_embedded(cx, plan, version).await?;
    }
    check_factory(cx, plan).await?;
    check_chosen(cx, plan).await;
    for (path, noun, kind, read) in [
        ("cloud.platform", "platform", CLOUDS, platform as fn(&Stored) -> Result<Target, Error>),
        ("sbc.overlay", "board", SbcConfigSpec::KIND, board),
    ] {
        let Some(id) = Path::of(path).lookup(&plan.planned).as_str().map(str::to_owned) else { continue };
        let all = view::list(cx, kind, &Query::all()).await?;
        let all = all.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        match all.iter().find(|target| target.id == id) {
            Some(target) => check_target(plan, path, noun, target, version.as_deref()),
            // Nobody may know the catalogue.
            None if all.is_empty() => {}
            None => {
                let mut known: Vec<_> = all.iter().map(|target| target.id.as_str()).collect();
                known.sort_unstable();
                let near = closest(&id, &known).map(|near| format!(" Did you mean `{near}`?")).unwrap_or_default();
                let list = known.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
                let mut diagnostic = Diagnostic::error(
                    format!("Unknown {noun} {}", quoted(&id)),
                    format!("This Omni instance makes media for {list}.{near}"),
                )
                .hint(format!("Set `{path}` to one of these."))
                .at(Path::of(path));
                diagnostic.severity = offer::severity(cx, TARGETS_CHECKED_SINCE).await;
                plan.diags.push(diagnostic);
            }
        }
    }
    Ok(())
}

fn platform(stored: &Stored) -> Result<Target, Error> {
    let spec = spec::decode::<PlatformConfigSpec>(stored)?;
    let name = |arch: Arch| match arch {
        Arch::Amd64 => Some("amd64"),
        Arch::Arm64 => Some("arm64"),
        Arch::UnknownArch => None,
    };
    Ok(Target {
        id: stored.key.id.clone(),
        architectures: spec.architectures().filter_map(name).collect(),
        secure_boot: spec.secure_boot_supported,
        since: spec.min_version,
    })
}

fn board(stored: &Stored) -> Result<Target, Error> {
    let spec = spec::decode::<SbcConfigSpec>(stored)?;
    Ok(Target { id: stored.key.id.clone(), architectures: vec!["arm64"], secure_boot: false, since: spec.min_version })
}

/// Whether images can be made for the target as the preset asks for.
fn check_target(plan: &mut Plan<'_>, path: &str, noun: &str, target: &Target, talos: Option<&str>) {
    let id = &target.id;
    let mut warn = |attribute: &str, why: String, hint: String| {
        let diagnostic = Diagnostic::warning(
            "No image can be made from this preset",
            format!("{why}. Omni takes the preset all the same."),
        );
        plan.diags.push(diagnostic.hint(hint).at(Path::of(attribute)));
    };
    let architecture = plan.planned.get("architecture").as_str();
    if let Some(architecture) = architecture.filter(|arch| !target.architectures.contains(arch)) {
        let list = target.architectures.join(" or ");
        warn(
            "architecture",
            format!("The {noun} `{id}` is of the architecture {list}, and `architecture` is `{architecture}`"),
            format!("Set `architecture` to {list}, or choose another {noun}."),
        );
    }
    if plan.planned.get("secure_boot").as_bool() == Some(true) && !target.secure_boot {
        warn(
            "secure_boot",
            format!("The {noun} `{id}` does not support Secure Boot"),
            format!("Set `secure_boot = false`, or choose another {noun}."),
        );
    }
    if let Some(talos) = talos.filter(|talos| is_before(talos, &target.since)) {
        warn(
            "talos_version",
            format!("The {noun} `{id}` needs Talos {} or later, and `talos_version` is {talos}", target.since),
            format!("Set `talos_version` to {} or later, or choose another `{path}`.", target.since),
        );
    }
}

/// Whether a version comes before the first one; pre-releases count as what they lead to.
fn is_before(talos: &str, first: &str) -> bool {
    let (Ok(mut talos), Ok(first)) = (version::parse(talos), version::parse(first)) else { return false };
    talos.pre = semver::Prerelease::EMPTY;
    talos < first
}

/// Whether media of the version can hold a machine configuration.
async fn check_embedded(cx: &Cx, plan: &mut Plan<'_>, version: &str) -> Result<(), Error> {
    let (name, config) = CONFIG.given(plan.config, &plan.planned);
    if config.is_null()
        || view::spec::<QuirksSpec>(cx, version).await?.is_none_or(|quirks| quirks.supports_embedded_config)
    {
        return Ok(());
    }
    plan.diags.push(
        Diagnostic::error(
            "Embedded machine configuration needs a later Talos",
            format!("Media of Talos {version} cannot hold a machine configuration: Omni refuses the preset."),
        )
        .hint(format!("Set `talos_version` to 1.12 or later, or take `{name}` out."))
        .at(Path::of(name)),
    );
    Ok(())
}

/// Whether an older Omni has what it does not choose by itself.
async fn check_chosen(cx: &Cx, plan: &mut Plan<'_>) {
    let [first, end] = NOTHING_IS_CHOSEN;
    let Some(server) = since::of_release(cx, first).await else { return };
    if since::of_release(cx, end).await.is_some() {
        return;
    }
    for (name, noun) in TO_CHOOSE.into_iter().filter(|(name, _)| plan.planned.get(name).is_null()) {
        plan.diags.push(
            Diagnostic::error(
                format!("A preset needs a {noun}"),
                format!("The server is Omni {server}, which refuses a preset without one; Omni {end} chooses it."),
            )
            .hint(format!("Set `{name}`, or upgrade Omni to {end} or later."))
            .at(Path::of(name)),
        );
    }
}

/// Says in a plan that the instance is not configured with the image factory at `image_factory_url`.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn check_factory(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Error> {
    let bare = |url: &str| url.trim_end_matches('/').to_owned();
    let Some(url) = plan.planned.get("image_factory_url").as_str().filter(|url| !url.is_empty()) else { return Ok(()) };
    let Some(features) = view::spec::<FeaturesConfigSpec>(cx, &instance::features_key().id).await? else {
        return Ok(());
    };
    let known = [features.image_factory_base_url, features.secondary_image_factory_base_url];
    let known: Vec<_> = known.into_iter().filter(|factory| !factory.is_empty()).collect();
    if known.is_empty() || known.iter().any(|factory| bare(factory) == bare(url)) {
        return Ok(());
    }
    let list = known.iter().map(|factory| format!("`{factory}`")).collect::<Vec<_>>().join(" and ");
    plan.diags.push(
        Diagnostic::error(
            "Unknown image factory",
            format!("This Omni instance is configured with {list}, and `image_factory_url` is {}.", quoted(url)),
        )
        .hint("Set `image_factory_url` to one that is configured, or take it out.")
        .at(Path::of("image_factory_url")),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pre_releases_count_as_what_they_lead_to() {
        for (talos, first, before) in [
            ("1.12.2", "1.12.3", true),
            ("1.12.3-beta.0", "1.12.3", false),
            ("1.10.0", "1.10.0-beta.0", false),
            ("1.9.5", "1.10.0-beta.0", true),
            ("1.9.5", "", false),
        ] {
            assert_eq!(is_before(talos, first), before, "{talos} {first}");
        }
    }
}
