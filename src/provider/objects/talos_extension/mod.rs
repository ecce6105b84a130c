//! `omni_talos_extensions`: the system extensions that a Talos version can have.

use crate::omni::Error;
use crate::provider::check::is_version;
use crate::provider::engine::Cx;
use crate::provider::lookup::computed::text;
use crate::provider::lookup::{Item, ListSource, Lookup, Request};
use crate::provider::types::Types;
use crate::tf::schema::{Attribute, string};
use async_trait::async_trait;
use kit::version;
use omni_proto::specs::TalosExtensionsSpec;
use serde::Serialize;
use std::collections::BTreeMap;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.list::<TalosExtensions>();
}

struct TalosExtensions;

#[derive(Serialize)]
struct TalosExtension {
    name: String,
    author: String,
    version: String,
    description: String,
    r#ref: String,
    digest: String,
}

#[async_trait]
impl Lookup for TalosExtensions {
    type Object = TalosExtension;

    const NOUN: &'static str = "extension";
    const NOUNS: &'static str = "extensions";

    fn attributes() -> Vec<Attribute> {
        vec![
            text("name", "Name, such as `siderolabs/gvisor`, for `omni_machine_extensions`."),
            text("author", "Author."),
            text("version", "Version of the extension."),
            text("description", "Description."),
            text("ref", "Reference of its image."),
            text("digest", "Digest of its image."),
        ]
    }

    async fn list(cx: &Cx, request: &Request<'_>) -> Result<Vec<Item<TalosExtension>>, Error> {
        let wanted = version::strip_v(request.config.get("talos_version").as_str().unwrap_or_default());
        let offer = cx.find::<TalosExtensionsSpec>(wanted).await?;
        let items = offer.map(|offer| offer.spec.items).unwrap_or_default();
        let found = items.into_iter().filter(|item| request.selects(&item.name, &BTreeMap::new())).map(|item| {
            let name = item.name;
            Item::new(
                name.clone(),
                TalosExtension {
                    name,
                    author: item.author,
                    version: item.version,
                    description: item.description,
                    r#ref: item.r#ref,
                    digest: item.digest,
                },
            )
        });
        Ok(found.collect())
    }
}

impl ListSource for TalosExtensions {
    const NAME: &'static str = "omni_talos_extensions";
    const LIST: &'static str = "extensions";
    const LABELS: Option<&'static str> = None;
    const ABOUT: &'static str = "Lists the system extensions that are available for a Talos version, by name. The list is empty for a version that the instance does not offer.";

    fn filters() -> Vec<Attribute> {
        vec![
            string("talos_version")
                .required()
                .check(is_version())
                .doc("Talos version, such as `1.13.5`, with or without a leading `v`."),
        ]
    }
}
