//! `omni_kubernetes_version` and `omni_kubernetes_versions`: available Kubernetes versions and the Talos versions that support them.

use crate::omni::state::query::Query;
use crate::omni::{Error, spec::Spec};
use crate::provider::check::is_version;
use crate::provider::engine::{Cx, Object};
use crate::provider::lookup::computed::{text, texts};
use crate::provider::lookup::{Item, ListSource, Lookup, Request, SingleSource};
use crate::provider::objects::talos_version::data_source::{allowed, among, constraint, newest};
use crate::tf::schema::{Attribute, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use kit::version;
use omni_proto::specs::{KubernetesVersionSpec, TalosVersionSpec};
use serde::Serialize;
use std::cmp::Ordering;

pub(super) struct KubernetesVersions;

#[derive(Serialize)]
pub(super) struct KubernetesVersion {
    version: String,
    compatible_talos_versions: Vec<String>,
}

/// The Talos versions that clusters can go to, with the Kubernetes versions that each of them runs.
async fn hosts(cx: &Cx) -> Result<Vec<(String, Vec<String>)>, Error> {
    let all = cx.client().list(&cx.call, TalosVersionSpec::KIND, &Query::all()).await?;
    let all = all.into_iter().map(Object::<TalosVersionSpec>::decode).collect::<Result<Vec<_>, _>>()?;
    let usable = all.into_iter().filter(|object| !object.spec.deprecated && !object.spec.unsupported);
    Ok(usable.map(|object| (object.stored.key.id, object.spec.compatible_kubernetes_versions)).collect())
}

#[async_trait]
impl Lookup for KubernetesVersions {
    type Object = KubernetesVersion;

    const NOUN: &'static str = "Kubernetes version";
    const NOUNS: &'static str = "Kubernetes versions";

    fn attributes() -> Vec<Attribute> {
        vec![
            text("version", "Version, without a leading `v`."),
            texts(
                "compatible_talos_versions",
                "Talos versions that support it and are available for clusters, oldest first.",
            ),
        ]
    }

    async fn list(cx: &Cx, request: &Request<'_>) -> Result<Vec<Item<KubernetesVersion>>, Error> {
        let (versions, hosts) = tokio::try_join!(request.objects::<KubernetesVersionSpec>(cx), hosts(cx))?;
        let version = |object: Object<KubernetesVersionSpec>| {
            let id = object.stored.key.id;
            let runs = |(_, versions): &&(String, Vec<String>)| versions.contains(&id);
            let talos = version::sorted(hosts.iter().filter(runs).map(|(talos, _)| talos.clone()).collect());
            Item::new(id.clone(), KubernetesVersion { version: id, compatible_talos_versions: talos })
        };
        Ok(versions.into_iter().map(version).collect())
    }

    fn matches(config: &Value, found: &Item<KubernetesVersion>) -> bool {
        allowed(config, &found.id) && among(config, "talos_version", &found.item.compatible_talos_versions)
    }

    fn order(a: &Item<KubernetesVersion>, b: &Item<KubernetesVersion>) -> Ordering {
        version::compare(&a.id, &b.id)
    }
}

impl ListSource for KubernetesVersions {
    const NAME: &'static str = "omni_kubernetes_versions";
    const LIST: &'static str = "versions";
    const LABELS: Option<&'static str> = None;
    const ABOUT: &'static str = "Lists the Kubernetes versions that the instance offers, oldest first, with the Talos versions that support them. All filters that are set must match.";

    fn filters() -> Vec<Attribute> {
        vec![
            constraint("Constraint that the versions must satisfy"),
            string("talos_version")
                .check(is_version())
                .doc("Only Kubernetes versions that this Talos version supports; empty if the Talos version is not available for clusters."),
        ]
    }
}

impl SingleSource for KubernetesVersions {
    const NAME: &'static str = "omni_kubernetes_version";
    const ABOUT: &'static str = "Reads a Kubernetes version that the instance offers: a given one, or the newest that satisfies a constraint and is supported by a given Talos version.";
    const ID: &'static str = "version";
    const IF_MISSING: &'static str = "`omni_kubernetes_versions` lists what the instance offers, and `compatible_kubernetes_versions` of `omni_talos_version` what a Talos version runs.";

    fn arguments() -> Vec<Attribute> {
        vec![
            string("version")
                .check(is_version())
                .doc("Version, with or without a leading `v`. Defaults to the newest one that matches."),
            constraint("Constraint that the version must satisfy"),
            string("talos_version")
                .check(is_version())
                .doc("Talos version that must support it. It must be available for clusters."),
        ]
    }

    fn id(text: &str) -> String {
        version::strip_v(text).to_owned()
    }

    fn choose(_config: &Value, fit: Vec<Item<KubernetesVersion>>) -> Vec<Item<KubernetesVersion>> {
        newest(fit)
    }
}
