//! `omni_advertised_endpoints`: under which addresses the instance wants to be reached.

use crate::omni::spec::Spec;
use crate::omni::{Call, Error, spec};
use crate::provider::lookup::Singleton;
use crate::provider::lookup::computed::text;
use crate::provider::session::Session;
use crate::provider::types::Types;
use crate::tf::schema::Attribute;
use crate::tf::value::Value;
use async_trait::async_trait;
use omni_proto::specs::AdvertisedEndpointsSpec;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.singleton::<AdvertisedEndpoints>();
}

struct AdvertisedEndpoints;

#[async_trait]
impl Singleton for AdvertisedEndpoints {
    const NAME: &'static str = "omni_advertised_endpoints";
    const NOUN: &'static str = "the endpoints of the instance";
    const ABOUT: &'static str = "Reads the address of the API that the Omni instance advertises. It may differ from the `endpoint` of the provider.";

    fn attributes() -> Vec<Attribute> {
        vec![text("grpc_api_url", "Advertised address of the API; it may end in `/`.")]
    }

    async fn fill(session: &Session, call: &Call, value: &mut Value) -> Result<(), Error> {
        let stored = session.client.get(call, &AdvertisedEndpointsSpec::KIND.key("current")).await?;
        value.set("grpc_api_url", spec::decode::<AdvertisedEndpointsSpec>(&stored)?.grpc_api_url.into());
        Ok(())
    }
}
