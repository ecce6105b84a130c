//! `omni_infra_provider` and `omni_infra_providers`: infrastructure providers as they report themselves.

use crate::omni::labels;
use crate::provider::engine::{Bind, Codec, KeyCodec, Row, Table, codecs, group};
use crate::provider::lookup::computed::{flag, text};
use crate::provider::lookup::{Filter, View};
use crate::tf::schema::boolean;
use omni_proto::specs::{InfraProviderCombinedStatusSpec, InfraProviderHealthStatusSpec, InfraProviderStatusSpec};

pub(super) struct InfraProviderStatus;

impl Table for InfraProviderStatus {
    type Spec = InfraProviderCombinedStatusSpec;

    const NAME: &'static str = "omni_infra_provider";
    const NOUN: &'static str = "infrastructure provider";
    const ID: &'static str = "name";

    fn rows() -> Vec<Row> {
        vec![
            text("name", "Name of the infrastructure provider, by which machine classes refer to it.").id(),
            text("display_name", "Display name that the provider reports; empty until it has registered.").field("name"),
            text("description", "Description that the provider reports.").field("description"),
            text("version", "Version of the provider; empty where it reports none.").since("1.10").field("version"),
            flag("static", "Whether it manages machines that exist already, such as the bare metal provider, instead of creating them.").label(labels::STATIC_INFRA_PROVIDER, KeyCodec::Present),
            text("schema", "JSON schema of `provider_data`; empty if the infrastructure provider takes any.").joined::<InfraProviderStatusSpec>("schema", Codec::Plain),
            group("health", vec![
                flag("initialized", "Whether the provider has ever registered.").field("health.initialized"),
                flag("connected", "Whether Omni received a heartbeat within the last minute.").field("health.connected"),
                text("error", "Error that the provider reports, if any.").field("health.error"),
                text("last_heartbeat", "Time of the last heartbeat, in RFC 3339; null without one.").joined::<InfraProviderHealthStatusSpec>("last_heartbeat_timestamp", codecs::TIME),
            ], |health| health.computed().doc("Health of the provider.")),
        ]
    }
}

impl View for InfraProviderStatus {
    const NOUNS: &'static str = "infrastructure providers";
    const PLURAL: &'static str = "omni_infra_providers";
    const ABOUT: &'static str = "Reads an infrastructure provider: its health, version, and the schema of its data. It does not have to be managed by Terraform.";
    const ABOUT_ALL: &'static str = "Lists infrastructure providers: their health, version, and the schemas of their data. All filters that are set must match.";
    const ABOUT_ID: &'static str = "Name of the infrastructure provider.";

    fn filters() -> Vec<Filter> {
        let of = |name, doc: &str, path| Filter::path(boolean(name).doc(doc), path);
        vec![
            of(
                "connected",
                "Filter by connection: `true` returns providers that are connected to Omni, `false` the others.",
                "health.connected",
            ),
            of("static", "Filter by type: `true` returns static providers, `false` the others.", "static"),
        ]
    }
}
