//! `omni_features`: what the instance is configured to offer.

use crate::omni::spec::instance::{FeaturesConfigSpec, features_key};
use crate::omni::{Call, Error, spec};
use crate::provider::engine::codecs::positive;
use crate::provider::lookup::Singleton;
use crate::provider::lookup::computed::{flag, text};
use crate::provider::session::Session;
use crate::provider::types::Types;
use crate::tf::schema::{Attribute, object};
use crate::tf::value::Value;
use async_trait::async_trait;
use prost_types::Duration;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.singleton::<Features>();
}

struct Features;

#[async_trait]
impl Singleton for Features {
    const NAME: &'static str = "omni_features";
    const NOUN: &'static str = "the features of the instance";
    const ABOUT: &'static str =
        "Reads what the Omni instance is configured to offer. What a release does not report is false or null.";

    fn attributes() -> Vec<Attribute> {
        let backups = vec![
            text("tick_interval", "How often Omni looks for backups that are due."),
            text("min_interval", "The shortest `backup_interval` of a cluster."),
            text("max_interval", "The longest `backup_interval` of a cluster."),
        ];
        vec![
            flag("workload_proxy", "Whether services of clusters can be exposed."),
            flag("embedded_discovery_service", "Whether clusters can use the discovery service of Omni."),
            flag("audit_log", "Whether Omni keeps an audit log."),
            flag("talos_pre_releases", "Whether pre-releases of Talos are offered."),
            flag("enterprise_image_factory", "Whether the image factory is an enterprise one. Since Omni 1.9."),
            text("image_factory_url", "Address of the image factory."),
            text("image_factory_pxe_url", "Address of the image factory for network boot. Since Omni 1.5."),
            text(
                "secondary_image_factory_url",
                "Address of the second image factory; null without one. Since Omni 1.10.",
            ),
            text(
                "secondary_image_factory_pxe_url",
                "Address of the second image factory for network boot; null without one. Set by Omni 1.10 and later.",
            ),
            object("etcd_backups", backups)
                .computed()
                .doc("Limits of etcd backups, as Go durations; null where Omni does not report them."),
        ]
    }

    async fn fill(session: &Session, call: &Call, value: &mut Value) -> Result<(), Error> {
        let spec = spec::decode::<FeaturesConfigSpec>(&session.client.get(call, &features_key()).await?)?;
        let some = |text: String| Value::from(Some(text).filter(|text| !text.is_empty()));
        let interval = |interval: Option<Duration>| {
            Value::from(interval.as_ref().and_then(positive).map(|interval| interval.to_string()))
        };
        let backups = spec.etcd_backup_settings.map_or(Value::Null, |settings| {
            Value::object([
                ("tick_interval", interval(settings.tick_interval)),
                ("min_interval", interval(settings.min_interval)),
                ("max_interval", interval(settings.max_interval)),
            ])
        });
        for (name, shown) in [
            ("workload_proxy", spec.enable_workload_proxying.into()),
            ("embedded_discovery_service", spec.embedded_discovery_service.into()),
            ("audit_log", spec.audit_log_enabled.into()),
            ("talos_pre_releases", spec.talos_pre_release_versions_enabled.into()),
            ("enterprise_image_factory", spec.is_enterprise_image_factory.into()),
            ("image_factory_url", some(spec.image_factory_base_url)),
            ("image_factory_pxe_url", some(spec.image_factory_pxe_base_url)),
            ("secondary_image_factory_url", some(spec.secondary_image_factory_base_url)),
            ("secondary_image_factory_pxe_url", some(spec.secondary_image_factory_pxe_base_url)),
            ("etcd_backups", backups),
        ] {
            value.set(name, shown);
        }
        Ok(())
    }
}
