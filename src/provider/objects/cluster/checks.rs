//! Plan checks of clusters against the instance: available and compatible versions, upgrade paths, features and backup intervals.
//! It changes nothing, and knows no other resource.

use crate::omni::spec::instance;
use crate::omni::{Error, ErrorKind};
use crate::provider::engine::{Cx, codecs};
use crate::provider::objects::etcd_backup::store;
use crate::provider::objects::talos_version::offer::{listed, offered};
use crate::provider::session::at;
use crate::provider::view;
use crate::provider::wait;
use crate::tf::diag::{Diagnostic, sentence};
use crate::tf::path::Path;
use crate::tf::resource::Plan;
use crate::tf::value::Value;
use kit::go_duration::GoDuration;
use kit::version;
use omni_proto::specs::{
    ClusterConfigVersionSpec, FeaturesConfigSpec, KubernetesUpgradeStatusSpec, TalosUpgradeStatusSpec, TalosVersionSpec,
};

/// The limits of backup intervals where the instance names none, in seconds.
const SHORTEST_INTERVAL: i64 = 3600;
const LONGEST_INTERVAL: i64 = 24 * 3600;

/// Checks a plan that changes something.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn check(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Error> {
    // What is replaced begins from nothing.
    let prior = plan.prior.filter(|_| plan.replace.is_empty());
    check_instance(cx, plan, prior).await?;
    check_store(cx, plan, prior).await?;
    check_discovery(cx, plan, prior).await?;
    check_locked(cx, plan, prior).await?;
    check_versions(cx, plan, prior).await
}

/// Machines that are locked keep an upgrade of Talos from ending.
/// That this run unlocks them is no help: it does so after the cluster.
async fn check_locked(cx: &Cx, plan: &mut Plan<'_>, prior: Option<&Value>) -> Result<(), Error> {
    let Some(prior) = prior else { return Ok(()) };
    let Some(talos) = text(&plan.planned, "talos_version") else { return Ok(()) };
    let Some(name) = prior.get("name").as_str().filter(|_| waits(plan.planned.get("wait_for"))) else { return Ok(()) };
    if text(prior, "talos_version").as_ref() == Some(&talos) {
        return Ok(());
    }
    let locked = wait::locked(cx, name).await?;
    if let Some(told) = held_up(&talos, &locked) {
        plan.diags.push(told.at(at("talos_version")));
    }
    Ok(())
}

/// Whether an apply waits for the machines of a cluster.
pub(crate) fn waits(wait_for: &Value) -> bool {
    wait_for.as_str().is_some_and(|level| level != "none")
}

/// How many locked machines a message names.
const MOST_LOCKED: usize = 10;

/// What a plan says of an upgrade to this Talos version that waits for machines that are locked.
pub(crate) fn held_up(talos: &str, locked: &[String]) -> Option<Diagnostic> {
    let named = locked.iter().take(MOST_LOCKED).map(|id| format!("`{id}`")).collect::<Vec<_>>();
    let list = match locked.len() - named.len() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    };
    let told = Diagnostic::warning(
        format!("Locked machines keep the upgrade to Talos {talos} from ending"),
        format!(
            "Omni does not upgrade locked machines, and `wait_for` waits for all machines, at most for `timeouts.update`. Locked are {list}."
        ),
    );
    let told = told.hint("Unlock these machines first, or set `wait_for = \"none\"` for the upgrade.");
    (!locked.is_empty()).then_some(told)
}

/// Backups that begin need a store; without one, Omni makes none, and does not say so in the cluster.
async fn check_store(cx: &Cx, plan: &mut Plan<'_>, prior: Option<&Value>) -> Result<(), Error> {
    let backs_up = |state: &Value| state.get("backup_interval").as_str().and_then(codecs::interval).is_some();
    if plan.diags.has_errors() || !backs_up(&plan.planned) || prior.is_some_and(backs_up) {
        return Ok(());
    }
    let Some(why) = store::problem_after_run(cx).await? else { return Ok(()) };
    plan.diags.push(
        Diagnostic::warning(
            "No etcd backups will be made",
            format!(
                "The Omni instance has no store for backups that works: without one, `backup_interval` has no effect.\nMessage of Omni: {}",
                sentence(&why)
            ),
        )
        .hint(
            "Configure the store with `omni_etcd_backup_s3_config`, or let the operator of this Omni configure one. \
             If this configuration does so in the same apply, backups begin then.",
        )
        .at(at("backup_interval")),
    );
    Ok(())
}

/// Intervals and features that depend on the configuration of the instance. Omni judges the interval anew with every write.
async fn check_instance(cx: &Cx, plan: &mut Plan<'_>, prior: Option<&Value>) -> Result<(), Error> {
    let interval = plan.planned.get("backup_interval").as_str().and_then(codecs::interval);
    let embedded =
        on(&plan.planned, EMBEDDED) == Some(true) && prior.and_then(|prior| on(prior, EMBEDDED)) != Some(true);
    if interval.is_none() && !embedded {
        return Ok(());
    }
    let Some(instance) = view::spec::<FeaturesConfigSpec>(cx, &instance::features_key().id).await? else {
        return Ok(());
    };
    if let Some(interval) = interval {
        let settings = instance.etcd_backup_settings.unwrap_or_default();
        let limit = |given: Option<prost_types::Duration>, default: i64| {
            let given = given.and_then(|d| GoDuration::from_parts(d.seconds, d.nanos));
            given.filter(|d| d.nanos() > 0).or_else(|| GoDuration::from_seconds(default)).unwrap_or_default()
        };
        let shortest = limit(settings.min_interval, SHORTEST_INTERVAL);
        let longest = limit(settings.max_interval, LONGEST_INTERVAL);
        if interval < shortest || interval > longest {
            plan.diags.push(
                Diagnostic::error(
                    "Backup interval is out of range",
                    format!("This Omni instance allows intervals from `{shortest}` to `{longest}`, and `backup_interval` is `{interval}`."),
                )
                .hint("Set `backup_interval` to a value within this range, or remove it to disable backups.")
                .at(at("backup_interval")),
            );
        }
    }
    if embedded && !instance.embedded_discovery_service {
        plan.diags.push(
            Diagnostic::error(
                "Embedded discovery service is not enabled",
                "The operator of this Omni instance has disabled its embedded discovery service.",
            )
            .hint("Remove `use_embedded_discovery_service`, or ask the operator of this Omni instance to enable the service.")
            .at(feature(EMBEDDED)),
        );
    }
    Ok(())
}

const EMBEDDED: &str = "use_embedded_discovery_service";
const NO_PUBLIC: &str = "disable_public_discovery_service";
const ENCRYPTION: &str = "disk_encryption";

fn on(state: &Value, feature: &str) -> Option<bool> {
    state.get("features").get(feature).as_bool()
}

fn feature(name: &str) -> Path {
    at("features").attribute(name)
}

/// Features that need a Talos version, or each other.
async fn check_discovery(cx: &Cx, plan: &mut Plan<'_>, prior: Option<&Value>) -> Result<(), Error> {
    let talos = text(&plan.planned, "talos_version");
    let line = |version: &str| version::parse(version).ok().map(|v| (v.major, v.minor));
    let older = |version: Option<&str>, than: (u64, u64)| version.and_then(line).is_some_and(|line| line < than);
    if on(&plan.planned, ENCRYPTION) == Some(true) && older(talos.as_deref(), (1, 5)) {
        plan.diags.push(
            Diagnostic::error("Disk encryption needs a later Talos", "Omni encrypts disks from Talos 1.5.0 on.")
                .hint("Set `talos_version` to 1.5.0 or later, or remove `disk_encryption`.")
                .at(feature(ENCRYPTION)),
        );
    }
    if on(&plan.planned, NO_PUBLIC) != Some(true) {
        return Ok(());
    }
    // A release that does not have the feature is reason enough.
    if plan.diags.iter().any(|told| told.path == Some(feature(NO_PUBLIC))) {
        return Ok(());
    }
    if on(&plan.planned, EMBEDDED) == Some(false) {
        plan.diags.push(
            Diagnostic::error(
                "Cluster would have no discovery service",
                "The public discovery service can be disabled only while the embedded one is used.",
            )
            .hint("Set `use_embedded_discovery_service = true` too, or remove `disable_public_discovery_service`.")
            .at(feature(NO_PUBLIC)),
        );
        return Ok(());
    }
    let first = match prior.and_then(|prior| text(prior, "name")) {
        Some(name) => initial(cx, &name).await?,
        None => talos,
    };
    if older(first.as_deref(), (1, 14)) {
        plan.diags.push(
            Diagnostic::error(
                "Public discovery service cannot be disabled",
                format!(
                    "This requires a cluster that was created with Talos 1.14 or later; this one is at Talos {}.",
                    first.unwrap_or_default()
                ),
            )
            .hint("Remove `disable_public_discovery_service`.")
            .at(feature(NO_PUBLIC)),
        );
    }
    Ok(())
}

/// The Talos version that the cluster was created with, without a leading `v`; every release of Omni knows it.
async fn initial(cx: &Cx, cluster: &str) -> Result<Option<String>, Error> {
    let version = view::spec::<ClusterConfigVersionSpec>(cx, cluster).await?.map(|spec| spec.version);
    Ok(version.map(|version| version::strip_v(&version).to_owned()).filter(|version| !version.is_empty()))
}

fn text(state: &Value, name: &str) -> Option<String> {
    state.get(name).as_str().map(|text| version::strip_v(text).to_owned())
}

/// The versions must be offered by the instance, fit each other, and be on the way that the cluster can go.
async fn check_versions(cx: &Cx, plan: &mut Plan<'_>, prior: Option<&Value>) -> Result<(), Error> {
    let before = |name: &str| prior.and_then(|prior| text(prior, name));
    let (old_talos, old_kubernetes) = (before("talos_version"), before("kubernetes_version"));
    let (talos, kubernetes) = (text(&plan.planned, "talos_version"), text(&plan.planned, "kubernetes_version"));
    if (&talos, &kubernetes) == (&old_talos, &old_kubernetes) {
        return Ok(());
    }
    let Some(talos) = talos else { return Ok(()) };
    let stays = old_talos.as_ref() == Some(&talos);
    let Some(offered) = cx.find::<TalosVersionSpec>(&talos).await?.map(|object| object.spec) else {
        // Omni lets a cluster stay on a Talos that it no longer knows, with whatever Kubernetes.
        if !stays {
            let diagnostic = not_offered(cx, "Unknown Talos version", &talos, "not offered").await?;
            plan.diags.push(diagnostic);
        }
        return Ok(());
    };
    let deprecated = offered.deprecated && !was_deprecated(cx, old_talos.as_deref(), stays).await?;
    if deprecated || offered.unsupported {
        let why = if deprecated { "no longer supported" } else { "not supported yet" };
        let diagnostic = not_offered(cx, "Talos version is not supported", &talos, why).await?;
        plan.diags.push(diagnostic);
        // The way there, and what runs on it, are of no interest before there is another one.
        return Ok(());
    }
    if let (Some(old), Some(name)) = (old_talos.filter(|_| !stays), prior.and_then(|prior| text(prior, "name")))
        && !check_talos_path(cx, plan, &name, &old, &talos).await?
    {
        // What runs on a Talos that the cluster cannot have is of no interest.
        return Ok(());
    }
    let Some(kubernetes) = kubernetes else { return Ok(()) };
    let compatible = offered.compatible_kubernetes_versions;
    if !compatible.contains(&kubernetes) {
        let hint = match old_kubernetes.as_deref().is_some_and(|old| compatible.iter().all(|new| is_lower(new, old))) {
            true => "Choose another `talos_version`: Kubernetes cannot be downgraded.",
            false => "Set `kubernetes_version` to one of these, or choose another `talos_version`.",
        };
        let list = listed(compatible);
        plan.diags.push(
            Diagnostic::error(
                "Kubernetes version is not supported by the Talos version",
                format!(
                    "Talos {talos} does not support Kubernetes {kubernetes} on this Omni instance. It supports {list}."
                ),
            )
            .hint(hint)
            .at(at("kubernetes_version")),
        );
        return Ok(());
    }
    let Some(old) = old_kubernetes.filter(|old| *old != kubernetes) else { return Ok(()) };
    let Some(name) = prior.and_then(|prior| text(prior, "name")) else { return Ok(()) };
    let status = view::spec::<KubernetesUpgradeStatusSpec>(cx, &name).await?;
    if let Some(refused) = kubernetes_path(&name, &old, &kubernetes, status.as_ref(), compatible) {
        plan.diags.push(refused);
        return Ok(());
    }
    check_upgrade(cx, plan, &name, &kubernetes, status.as_ref()).await
}

/// Whether the Talos version that the cluster has now is one that Omni no longer supports: then another such one is taken.
async fn was_deprecated(cx: &Cx, old: Option<&str>, stays: bool) -> Result<bool, Error> {
    match old {
        Some(_) if stays => Ok(true),
        Some(old) => Ok(cx.find::<TalosVersionSpec>(old).await?.is_some_and(|object| object.spec.deprecated)),
        None => Ok(false),
    }
}

async fn not_offered(cx: &Cx, summary: &str, talos: &str, why: &str) -> Result<Diagnostic, Error> {
    let known = offered(cx).await?;
    let detail = if why == "not offered" {
        format!("Talos {talos} is not available on this Omni instance. Available are {known}.")
    } else {
        format!("Talos {talos} is {why} by this Omni instance. It supports {known}.")
    };
    Ok(Diagnostic::error(summary, detail).hint("Set `talos_version` to one of these.").at(at("talos_version")))
}

/// Talos may not go below the minor release that the cluster was created with, and should not skip one. Says whether it can go there.
async fn check_talos_path(cx: &Cx, plan: &mut Plan<'_>, name: &str, old: &str, talos: &str) -> Result<bool, Error> {
    let (Ok(from), Ok(to)) = (version::parse(old), version::parse(talos)) else { return Ok(true) };
    let line = |v: &semver::Version| (v.major, v.minor);
    if line(&to) < line(&from)
        && let Some(first) = initial(cx, name).await?.and_then(|first| version::parse(&first).ok())
        && line(&to) < line(&first)
    {
        plan.diags.push(
            Diagnostic::error(
                format!("Talos cannot be downgraded to {talos}"),
                format!(
                    "Cluster `{name}` was created with Talos {first}, and Omni does not downgrade below the minor release {}.{}.",
                    first.major, first.minor
                ),
            )
            .hint(format!("Set `talos_version` to {}.{} or later.", first.major, first.minor))
            .at(at("talos_version")),
        );
        return Ok(false);
    }
    if line(&to) > (from.major, from.minor + 1) {
        let status = view::spec::<TalosUpgradeStatusSpec>(cx, name).await?.unwrap_or_default();
        let offered = match status.upgrade_versions.is_empty() {
            true => String::new(),
            false => format!(" It offers the cluster {}.", listed(status.upgrade_versions)),
        };
        plan.diags.push(
            Diagnostic::warning(
                format!("Talos upgrade to {talos} skips a minor release"),
                format!("Cluster `{name}` is at Talos {old}. Talos supports upgrades from one minor release to the next only; Omni accepts the version nevertheless.{offered}"),
            )
            .hint("Set `talos_version` to a version of the next minor release first, apply, and continue with further applies.")
            .at(at("talos_version")),
        );
    }
    Ok(true)
}

/// Why Omni does not take the cluster from one Kubernetes version to another; `None` when it does.
fn kubernetes_path(
    cluster: &str,
    old: &str,
    new: &str,
    status: Option<&KubernetesUpgradeStatusSpec>,
    compatible: Vec<String>,
) -> Option<Diagnostic> {
    let (from, to) = (version::parse(old).ok()?, version::parse(new).ok()?);
    let offered = status.map(|status| status.upgrade_versions.clone()).unwrap_or_default();
    if is_step(&from, &to)
        || offered.iter().any(|version| version == new)
        || status.is_some_and(|s| reverts(s, &from, &to))
    {
        return None;
    }
    let offered = if offered.is_empty() {
        let step = |version: &String| version != old && version::parse(version).is_ok_and(|to| is_step(&from, &to));
        compatible.into_iter().filter(step).collect()
    } else {
        offered
    };
    let (summary, hint) = if to < from {
        (
            format!("Kubernetes cannot be downgraded to {new}"),
            "Set `kubernetes_version` to one of these, or to its previous value.",
        )
    } else {
        (
            format!("Kubernetes cannot be upgraded to {new} in one step"),
            "Set `kubernetes_version` to one of these first, apply, and continue with further applies.",
        )
    };
    let detail = format!(
        "Cluster `{cluster}` is at Kubernetes {old}. Omni upgrades by one minor release at a time, and does not downgrade to an earlier one. From {old} it can be upgraded to {}.",
        listed(offered)
    );
    Some(Diagnostic::error(summary, detail).hint(hint).at(at("kubernetes_version")))
}

/// Whether a Kubernetes version is of an earlier minor release than another one.
fn is_lower(version: &str, than: &str) -> bool {
    let line = |text: &str| version::parse(text).ok().map(|v| (v.major, v.minor));
    line(version).zip(line(than)).is_some_and(|(version, than)| version < than)
}

/// Whether Kubernetes can go there in one upgrade: within its minor release, or to the next one.
fn is_step(from: &semver::Version, to: &semver::Version) -> bool {
    from.major == to.major && (to.minor == from.minor || to.minor == from.minor + 1)
}

/// Whether the change takes back an upgrade that still runs.
fn reverts(status: &KubernetesUpgradeStatusSpec, from: &semver::Version, to: &semver::Version) -> bool {
    let parsed = |text: &str| version::parse(text).ok();
    match (parsed(&status.last_upgrade_version), parsed(&status.current_upgrade_version)) {
        (Some(last), Some(current)) => (*to == last && *from == current) || (*to < last && *from < current),
        _ => false,
    }
}

/// Asks Omni whether the cluster is fit for the upgrade. A cluster whose control plane has not run yet has nothing to check.
async fn check_upgrade(
    cx: &Cx,
    plan: &mut Plan<'_>,
    name: &str,
    kubernetes: &str,
    status: Option<&KubernetesUpgradeStatusSpec>,
) -> Result<(), Error> {
    let wanted = plan.planned.get("upgrade_prechecks").as_bool() == Some(true);
    if !wanted || status.is_none_or(|status| status.last_upgrade_version.is_empty()) {
        return Ok(());
    }
    let (summary, detail, hint) = match cx.client().kubernetes_upgrade_prechecks(&cx.call, name, kubernetes).await {
        Ok(answer) if answer.ok => return Ok(()),
        Ok(answer) => (
            format!("Cluster `{name}` is not ready for the upgrade to Kubernetes {kubernetes}"),
            sentence(&answer.reason),
            "Fix what the checks report, or set `upgrade_prechecks = false` to upgrade anyway.",
        ),
        Err(error) if error.is(ErrorKind::Cancelled) => return Err(error),
        Err(error) => (
            format!("Upgrade of cluster `{name}` to Kubernetes {kubernetes} could not be checked"),
            crate::provider::errors::detail(&error),
            "Apply again once Omni can check the cluster, or set `upgrade_prechecks = false` to upgrade without checks.",
        ),
    };
    plan.diags.push(Diagnostic::error(summary, detail).hint(hint).at(at("kubernetes_version")));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_locked_machines_are_named() {
        for (count, end) in [(1, "Locked are `0`."), (10, "`9`."), (12, "`9` and 2 more.")] {
            let locked: Vec<String> = (0..count).map(|n| n.to_string()).collect();
            let told = held_up("1.13.8", &locked).unwrap();
            assert!(told.detail.ends_with(end), "{}", told.detail);
        }
        assert!(held_up("1.13.8", &[]).is_none());
    }

    /// As the validators of the 1.11 line answered.
    #[test]
    fn the_way_that_kubernetes_can_go() {
        let under_way = |last: &str, current: &str| KubernetesUpgradeStatusSpec {
            last_upgrade_version: last.into(),
            current_upgrade_version: current.into(),
            ..Default::default()
        };
        let status = under_way("1.34.1", "1.35.0");
        for (status, from, to, refused) in [
            (None, "1.34.1", "1.35.0", None),
            (None, "1.34.1", "1.34.0", None),
            (None, "1.34.1", "1.36.0", Some("in one step")),
            (None, "1.34.1", "1.33.0", Some("downgraded")),
            (None, "1.34.1", "2.34.1", Some("in one step")),
            (Some(&status), "1.35.0", "1.34.1", None),
            (Some(&status), "1.35.0", "1.34.0", Some("downgraded")),
            (Some(&status), "1.35.0", "1.36.0", None),
            (Some(&status), "1.34.1", "1.33.0", None),
            (Some(&under_way("1.35.0", "")), "1.35.0", "1.34.1", Some("downgraded")),
        ] {
            let found = kubernetes_path("c", from, to, status, Vec::new());
            assert_eq!(found.is_some(), refused.is_some(), "{from} to {to}: {found:?}");
            assert!(found.is_none_or(|d| d.summary.contains(refused.unwrap_or_default())), "{from} to {to}");
        }
    }

    #[test]
    fn what_the_instance_offers_is_listed_and_taken() {
        let status = KubernetesUpgradeStatusSpec {
            upgrade_versions: vec!["1.35.0".into(), "1.34.9".into()],
            ..Default::default()
        };
        let compatible: Vec<String> = ["1.34.1", "1.34.2", "1.35.1", "1.36.0"].map(str::to_owned).into();
        let said = |status| kubernetes_path("c", "1.34.1", "1.36.0", status, compatible.clone()).unwrap().detail;
        assert!(said(Some(&status)).ends_with("can be upgraded to 1.34.9, 1.35.0."), "{}", said(Some(&status)));
        assert!(said(None).ends_with("can be upgraded to 1.34.2, 1.35.1."), "{}", said(None));
        let wide = KubernetesUpgradeStatusSpec { upgrade_versions: vec!["1.36.0".into()], ..Default::default() };
        assert_eq!(kubernetes_path("c", "1.34.1", "1.36.0", Some(&wide), compatible), None);
    }
}
