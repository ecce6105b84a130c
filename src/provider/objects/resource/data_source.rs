//! `omni_resource` and `omni_resources` as data sources: objects of any type, with their specs decoded.

use super::document;
use super::goal;
use super::type_name::{self, TYPE, short};
use crate::omni::spec::form::{Form, Secrets};
use crate::omni::spec::names;
use crate::omni::{Error, ErrorKind, Kind, Resource as Stored};
use crate::provider::engine::Cx;
use crate::provider::lookup::{Item, ListSource, Lookup, Request, Shown, SingleSource};
use crate::provider::timestamp;
use crate::tf::check::{Check, not_empty};
use crate::tf::schema::{Attribute, plain, string};
use crate::tf::value::{Type, Value};
use async_trait::async_trait;
use kit::text::quoted;

/// Objects of the type that the configuration names.
pub(super) struct Resources;

const NAMESPACE: &str = "namespace";

/// The type of the objects; those whose IDs are secrets have data sources that keep these.
fn type_argument(doc: &str) -> Attribute {
    type_name::any(doc).check(Check::text(|text| match names::resolve(text) {
        Ok(kind) if kind.hides_ids() => Err(format!(
            "The IDs of the type {} are secrets. Use the data source `omni_join_token` or `omni_join_tokens`.",
            quoted(short(kind))
        )),
        _ => Ok(()),
    }))
}

/// The namespace of the objects.
fn namespace_argument() -> Attribute {
    string(NAMESPACE).check(not_empty()).doc("Namespace; the one of the type by default.")
}

fn kind(config: &Value) -> Option<Kind> {
    let kind = names::resolve(config.get(TYPE).as_str()?).ok()?;
    Some(config.get(NAMESPACE).as_str().map_or(kind, |namespace| Kind::named(namespace, kind.name)))
}

fn time(at: Option<&prost_types::Timestamp>) -> Value {
    at.map(|at| timestamp::show(timestamp::from_proto(at))).into()
}

/// An object by its attributes.
fn item(stored: Stored) -> Result<Item<Shown>, Error> {
    let decoded = match Form::of(stored.key.kind) {
        Some(form) => Value::dynamic(&form.show(&stored, Secrets::LeftOut)?),
        None => Value::Null,
    };
    let metadata = &stored.metadata;
    let finalizers = metadata.finalizers.iter().map(|name| name.as_str().into()).collect();
    let value = Value::object([
        ("id", stored.key.id.as_str().into()),
        (NAMESPACE, stored.key.kind.namespace.into()),
        ("full_type", stored.key.kind.name.into()),
        ("version", metadata.version.map(|version| version.to_string()).into()),
        ("owner", metadata.owner.as_str().into()),
        ("phase", goal::phase_name(metadata.phase).into()),
        ("finalizers", Value::List(finalizers)),
        ("created", time(metadata.created.as_ref())),
        ("updated", time(metadata.updated.as_ref())),
        ("labels", Value::texts(metadata.labels.clone())),
        ("annotations", Value::texts(metadata.annotations.clone())),
        ("decoded", decoded),
        (document::YAML, stored.yaml.as_str().into()),
    ]);
    Ok(Item::new(stored.key.id, Shown(value)))
}

#[async_trait]
impl Lookup for Resources {
    type Object = Shown;

    const NOUN: &'static str = "resource";
    const NOUNS: &'static str = "resources";

    fn attributes() -> Vec<Attribute> {
        let text = |name, doc: &str| string(name).computed().doc(doc);
        let texts = |name, doc: &str| plain(name, Type::map(Type::String)).computed().doc(doc);
        vec![
            text("id", "ID of the resource."),
            text(NAMESPACE, "Namespace of the resource."),
            text("full_type", "Full name of its type."),
            text("version", "Version in Omni, incremented on every write."),
            text("owner", "Controller of Omni that owns the resource; empty for a resource of users."),
            text("phase", "Phase of its lifecycle: `running` or `tearing_down`."),
            plain("finalizers", Type::list(Type::String))
                .computed()
                .doc("Controllers of Omni that must clean up before the resource can be destroyed."),
            text("created", "Time of its creation, in RFC 3339."),
            text("updated", "Time of its last write, in RFC 3339."),
            texts("labels", "All labels, including the system labels of Omni."),
            texts("annotations", "All annotations, with those of Omni."),
            plain("decoded", Type::Dynamic).computed().doc(
                "Spec as an object: the fields that are set, in the names of the Protobuf message, without fields that hold secrets. Null for types that this version of the provider does not describe.",
            ),
            text(document::YAML, "Complete spec in YAML, as Omni renders it. Sensitive, since it may contain secrets.").sensitive(),
        ]
    }

    async fn list(cx: &Cx, request: &Request<'_>) -> Result<Vec<Item<Shown>>, Error> {
        let Some(kind) = kind(request.config) else { return Ok(Vec::new()) };
        let found = match &request.id {
            Some(id) => match cx.read(&kind.key(id.as_str())).await {
                Err(error) if error.is(ErrorKind::NotFound) => Vec::new(),
                stored => vec![stored?],
            },
            None => cx.client().list(&cx.call, kind, &request.query).await?,
        };
        found.into_iter().map(item).collect()
    }
}

impl SingleSource for Resources {
    const NAME: &'static str = "omni_resource";
    const ABOUT: &'static str = "Reads a resource of any COSI type that the account may read, also of types that this version of the provider does not describe.";
    const ID: &'static str = "id";

    fn arguments() -> Vec<Attribute> {
        vec![
            type_argument("COSI type of the resource."),
            string("id").required().check(not_empty()).doc("ID of the resource."),
            namespace_argument(),
        ]
    }
}

impl ListSource for Resources {
    const NAME: &'static str = "omni_resources";
    const LIST: &'static str = "resources";
    const ABOUT: &'static str = "Lists the resources of any COSI type that the account may read, also of types that this version of the provider does not describe.";
    const IS_MIXED: bool = true;

    fn filters() -> Vec<Attribute> {
        vec![type_argument("COSI type of the resources."), namespace_argument()]
    }
}
