//! The infrastructure providers of a world, their machine classes, and how they register.

use super::builder::Builder;
use super::schema::{Provider, World};
use super::{people, records};
use crate::kinds::{self, Role};
use crate::names::{kind, label};
use crate::store::Store;
use omni_proto::specs::machine_class_spec::Provision;
use omni_proto::specs::{InfraProviderHealthStatusSpec, InfraProviderSpec, InfraProviderStatusSpec, MachineClassSpec};
use prost::Message;

/// What a simulated provider understands when the world does not say.
const SCHEMA: &str = include_str!("provider-schema.json");

pub(super) fn add(builder: &mut Builder<'_>, world: &World) {
    for provider in &world.providers {
        let kept = records::keep_process(builder.store, provider);
        builder.read("providers", kept);
        if provider.registered {
            builder.create(kind::INFRA_PROVIDER, &provider.name, &[], &InfraProviderSpec {});
            people::add_account(builder, &format!("infra-provider:{}", provider.name), Role::InfraProvider);
            introduce(builder.store, provider);
        }
    }
}

/// What a provider writes about itself when it connects.
pub(crate) fn introduce(store: &Store, provider: &Provider) {
    if !provider.connected {
        return;
    }
    let status = InfraProviderStatusSpec {
        schema: provider.schema.clone().unwrap_or_else(|| SCHEMA.to_owned()),
        name: provider.title.clone().unwrap_or_else(|| provider.name.clone()),
        description: provider.description.clone(),
        icon: String::new(),
        version: provider.version.clone().unwrap_or_else(|| "v1.0.0".to_owned()),
    };
    store.put("", &kinds::key(kind::INFRA_PROVIDER_STATUS, provider.name.as_str()), |object| {
        if provider.is_static {
            object.labels.insert(label::STATIC_INFRA_PROVIDER.into(), String::new());
        }
        object.spec = status.encode_to_vec();
    });
}

/// What a provider writes every now and then, to say that it lives.
pub(crate) fn beat(store: &Store, provider: &Provider) {
    let now = store.time();
    let status = InfraProviderHealthStatusSpec {
        last_heartbeat_timestamp: Some(prost_types::Timestamp { seconds: now.as_secs().cast_signed(), nanos: 0 }),
        error: provider.error.clone(),
    };
    store.put("", &kinds::key(kind::INFRA_PROVIDER_HEALTH_STATUS, provider.name.as_str()), |object| {
        object.spec = status.encode_to_vec();
    });
}

pub(super) fn classes(builder: &mut Builder<'_>, world: &World) {
    for class in &world.machine_classes {
        let auto_provision = class.provider.as_ref().map(|provider| Provision {
            provider_id: provider.clone(),
            kernel_args: class.kernel_args.clone(),
            provider_data: class.provider_data.clone(),
            ..Provision::default()
        });
        let spec = MachineClassSpec { match_labels: class.matches.clone(), auto_provision };
        builder.create(kind::MACHINE_CLASS, &class.name, &[], &spec);
    }
}
