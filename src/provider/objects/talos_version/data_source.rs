//! `omni_talos_version` and `omni_talos_versions`: available Talos versions and the Kubernetes versions that they support.

use crate::omni::Error;
use crate::provider::check::{is_constraint, is_version};
use crate::provider::engine::{Cx, Object};
use crate::provider::lookup::computed::{flag, text, texts};
use crate::provider::lookup::{Item, ListSource, Lookup, Request, SingleSource};
use crate::tf::schema::{Attribute, boolean, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use kit::version;
use kit::version::Constraint;
use omni_proto::specs::TalosVersionSpec;
use serde::Serialize;
use std::cmp::Ordering;

pub(crate) struct TalosVersions;

#[derive(Serialize)]
pub(crate) struct TalosVersion {
    version: String,
    deprecated: bool,
    unsupported: bool,
    compatible_kubernetes_versions: Vec<String>,
    upgradable_talos_versions: Vec<String>,
    image_factory_url: String,
}

/// Whether `constraint` of the configuration, when it is set, allows the version.
pub(crate) fn allowed(config: &Value, written: &str) -> bool {
    let Some(constraint) = config.get("constraint").as_str() else { return true };
    // The constraint was checked with the configuration.
    let constraint = constraint.parse::<Constraint>().ok();
    version::parse(written).is_ok_and(|version| constraint.is_some_and(|constraint| constraint.allows(&version)))
}

/// Whether the version of this argument, when it is set, is among these.
pub(crate) fn among(config: &Value, argument: &str, versions: &[String]) -> bool {
    config.get(argument).as_str().is_none_or(|request| versions.iter().any(|have| version::same(have, request)))
}

/// Only the newest is left; one that is not released yet only when all are such, or the constraint names it.
pub(crate) fn newest<I>(mut fit: Vec<Item<I>>) -> Vec<Item<I>> {
    let released = |found: &Item<I>| version::parse(&found.id).is_ok_and(|version| version.pre.is_empty());
    let at = fit.iter().rposition(released).or(fit.len().checked_sub(1));
    at.map(|at| fit.swap_remove(at)).into_iter().collect()
}

/// The argument that chooses among versions.
pub(crate) fn constraint(doc: &str) -> Attribute {
    string("constraint").check(is_constraint()).doc(format!(
        "{doc}, as in version constraints of Terraform: `>= 1.12, < 1.14`, `~> 1.13.0`, `!= 1.13.2`. \
         A pre-release matches only if the constraint names a pre-release."
    ))
}

#[async_trait]
impl Lookup for TalosVersions {
    type Object = TalosVersion;

    const NOUN: &'static str = "Talos version";
    const NOUNS: &'static str = "Talos versions";

    fn attributes() -> Vec<Attribute> {
        vec![
            text("version", "Version, without a leading `v`."),
            flag(
                "deprecated",
                "Whether Omni no longer supports it: clusters that run it keep running, but no cluster can be created with it or upgraded to it.",
            ),
            flag("unsupported", "Whether Omni does not support it yet.").since("1.9"),
            texts("compatible_kubernetes_versions", "Kubernetes versions that it supports, oldest first."),
            texts(
                "upgradable_talos_versions",
                "Talos versions that a cluster can be upgraded to from it, oldest first.",
            )
            .since("1.9"),
            text(
                "image_factory_url",
                "URL of the image factory of its images, if it is not that of the instance; otherwise empty.",
            ),
        ]
    }

    async fn list(cx: &Cx, request: &Request<'_>) -> Result<Vec<Item<TalosVersion>>, Error> {
        let version = |object: Object<TalosVersionSpec>| {
            let Object { stored, spec } = object;
            let id = stored.key.id;
            Item::new(
                id.clone(),
                TalosVersion {
                    version: id,
                    deprecated: spec.deprecated,
                    unsupported: spec.unsupported,
                    compatible_kubernetes_versions: version::sorted(spec.compatible_kubernetes_versions),
                    upgradable_talos_versions: version::sorted(spec.upgradable_talos_versions),
                    image_factory_url: spec.image_factory_url,
                },
            )
        };
        Ok(request.objects::<TalosVersionSpec>(cx).await?.into_iter().map(version).collect())
    }

    fn matches(config: &Value, found: &Item<TalosVersion>) -> bool {
        let version = &found.item;
        let flag = |name: &str, is: bool| config.get(name).as_bool().is_none_or(|want| want == is);
        allowed(config, &version.version)
            && among(config, "kubernetes_version", &version.compatible_kubernetes_versions)
            && flag("deprecated", version.deprecated)
            && flag("unsupported", version.unsupported)
    }

    fn order(a: &Item<TalosVersion>, b: &Item<TalosVersion>) -> Ordering {
        version::compare(&a.id, &b.id)
    }
}

impl ListSource for TalosVersions {
    const NAME: &'static str = "omni_talos_versions";
    const LIST: &'static str = "versions";
    const LABELS: Option<&'static str> = None;
    const ABOUT: &'static str = "Lists the Talos versions that the instance offers, oldest first, with the Kubernetes versions that they support. All filters that are set must match.";

    fn filters() -> Vec<Attribute> {
        vec![
            constraint("Constraint that the versions must satisfy"),
            string("kubernetes_version")
                .check(is_version())
                .doc("Only Talos versions that support this Kubernetes version."),
            boolean("deprecated").doc(
                "Filter by deprecation: `true` returns versions that Omni no longer supports, `false` the others.",
            ),
            boolean("unsupported")
                .doc("Filter by support: `true` returns versions that Omni does not support yet, `false` the others."),
        ]
    }
}

impl SingleSource for TalosVersions {
    const NAME: &'static str = "omni_talos_version";
    const ABOUT: &'static str = "Reads a Talos version that the instance offers: a given one, or the newest that satisfies a constraint and supports a given Kubernetes version.";
    const ID: &'static str = "version";
    const IF_MISSING: &'static str = "`omni_talos_versions` lists what the instance offers.";

    fn arguments() -> Vec<Attribute> {
        vec![
            string("version").check(is_version()).doc("Version, with or without a leading `v`. Defaults to the newest one that matches and is available for clusters."),
            constraint("Constraint that the version must satisfy"),
            string("kubernetes_version").check(is_version()).doc("Kubernetes version that it must support."),
        ]
    }

    fn id(text: &str) -> String {
        version::strip_v(text).to_owned()
    }

    fn choose(config: &Value, mut fit: Vec<Item<TalosVersion>>) -> Vec<Item<TalosVersion>> {
        // One that no cluster can go to is given only to who asks for it by name.
        if config.get("version").is_null() {
            fit.retain(|found| !found.item.deprecated && !found.item.unsupported);
        }
        newest(fit)
    }
}
