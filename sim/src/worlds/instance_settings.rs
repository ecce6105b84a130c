//! Settings of the instance in a world, and its available versions. They are applied at every start.

use super::builder::Builder;
use super::schema::World;
use super::{duration, records};
use crate::kinds;
use crate::names::kind;
use crate::object::Object;
use crate::store::Store;
use crate::world::{self, Offer};
use kit::go_duration::GoDuration;
use omni_proto::specs::{FeaturesConfigSpec, SysVersionSpec};
use prost::Message;

pub(super) fn add(builder: &mut Builder<'_>, world: &World) {
    instance(builder, world);
    versions(builder.store, world);
}

fn instance(builder: &mut Builder<'_>, world: &World) {
    let instance = &world.instance;
    let mut bound =
        |field: &str, text: &str| builder.read(&format!("instance: {field}"), text.parse::<GoDuration>()).map(duration);
    let shortest = bound("min_backup_interval", &instance.min_backup_interval);
    let longest = bound("max_backup_interval", &instance.max_backup_interval);
    edit(builder.store, kind::FEATURES_CONFIG, "features-config", |features: &mut FeaturesConfigSpec| {
        features.enable_workload_proxying = instance.workload_proxy;
        features.embedded_discovery_service = instance.embedded_discovery;
        features.audit_log_enabled = instance.audit_log;
        if let Some(settings) = &mut features.etcd_backup_settings {
            settings.min_interval = shortest;
            settings.max_interval = longest;
        }
    });
    edit(builder.store, kind::SYS_VERSION, "current", |version: &mut SysVersionSpec| {
        version.instance_name.clone_from(&instance.name);
    });
    records::keep_settings(builder.store, instance);
    records::keep_backup_store(builder.store, instance.backup_store);
}

fn edit<M: Message + Default>(store: &Store, kind: &str, id: &str, edit: impl FnOnce(&mut M)) {
    store.modify(&kinds::key(kind, id), |object: &mut Object| {
        let mut spec: M = object.spec();
        edit(&mut spec);
        object.spec = spec.encode_to_vec();
    });
}

/// Takes what is not on offer away, and puts on offer what is.
fn versions(store: &Store, world: &World) {
    let kept = |kind: &str, wanted: &dyn Fn(&str) -> bool| {
        for object in store.list(kind) {
            if !wanted(&object.key.id) {
                store.remove(&object.key);
            }
        }
    };
    if !world.kubernetes_versions.is_empty() {
        kept(kind::KUBERNETES_VERSION, &|id| world.kubernetes_versions.iter().any(|version| version == id));
    }
    if world.talos_versions.is_empty() {
        world::offer(store, &[], &world.kubernetes_versions);
        return;
    }
    for kind in [kind::TALOS_VERSION, kind::TALOS_EXTENSIONS] {
        kept(kind, &|id| world.talos_versions.iter().any(|offer| offer.version == id));
    }
    let known: Vec<String> = match world.kubernetes_versions.is_empty() {
        true => store.list(kind::KUBERNETES_VERSION).iter().map(|object| object.key.id.clone()).collect(),
        false => world.kubernetes_versions.clone(),
    };
    let offers: Vec<Offer> = world
        .talos_versions
        .iter()
        .map(|offer| Offer {
            version: offer.version.clone(),
            kubernetes: match offer.kubernetes.is_empty() {
                true => world::compatible(&offer.version, &known),
                false => offer.kubernetes.clone(),
            },
            deprecated: offer.deprecated,
            unsupported: offer.unsupported,
        })
        .collect();
    world::offer(store, &offers, &world.kubernetes_versions);
}
