//! `omni_exposed_services`: the services of clusters that Omni exposes.

use crate::omni::labels;
use crate::provider::engine::{Bind, KeyCodec, Row, Table};
use crate::provider::lookup::computed::{flag, text, whole};
use crate::provider::lookup::{Filter, Objects, View};
use crate::provider::types::Types;
use crate::tf::schema::string;
use omni_proto::specs::ExposedServiceSpec;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.list::<Objects<ExposedService>>();
}

struct ExposedService;

impl Table for ExposedService {
    type Spec = ExposedServiceSpec;

    const NAME: &'static str = "omni_exposed_service";
    const NOUN: &'static str = "exposed service";
    const ID: &'static str = "id";

    fn rows() -> Vec<Row> {
        vec![
            text("id", "ID of the service: `<cluster>/<name>.<namespace>`.").id(),
            text("cluster", "Name of the cluster.").label(labels::CLUSTER, KeyCodec::Text),
            text("alias", "Alias, the first part of the host name of `url`.")
                .label(labels::EXPOSED_SERVICE_ALIAS, KeyCodec::Text),
            flag("has_explicit_alias", "Whether the service itself sets the alias.").field("has_explicit_alias"),
            text("label", "Display name of the service.").field("label"),
            text("icon_base64", "Icon of the service, in Base64; empty if it has none.").field("icon_base64"),
            whole("port", "Port of the service on the hosts of the cluster.").field("port"),
            text("url", "URL of the service.").field("url"),
            text("error", "Why the service cannot be exposed; otherwise empty.").field("error"),
        ]
    }
}

impl View for ExposedService {
    const NOUNS: &'static str = "exposed services";
    const PLURAL: &'static str = "omni_exposed_services";
    const ABOUT_ALL: &'static str = "Lists the services of clusters that Omni exposes with its workload proxy, which `features.enable_workload_proxy` of an `omni_cluster` enables. All filters that are set must match.";

    fn filters() -> Vec<Filter> {
        vec![
            Filter::label(string("cluster").doc("Only services of this cluster."), labels::CLUSTER),
            Filter::label(string("alias").doc("Only the service of this alias."), labels::EXPOSED_SERVICE_ALIAS),
        ]
    }
}
