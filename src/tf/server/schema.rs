//! GetProviderSchema, GetMetadata and GetResourceIdentitySchemas.

use super::Server;
use crate::tf::diag::Diagnostics;
use crate::tf::schema::{Attribute, IdentitySchema, Kind, Mode, Nesting, Schema};
use crate::tf::value::Type;
use omni_proto::tfplugin6 as pb;
use omni_proto::tfplugin6::{get_metadata, get_provider_schema, get_resource_identity_schemas};

const CAPABILITIES: pb::ServerCapabilities = pb::ServerCapabilities {
    plan_destroy: true,
    get_provider_schema_optional: true,
    move_resource_state: true,
    generate_resource_config: true,
};

/// GetMetadata: the names only.
pub(super) fn metadata(server: &Server) -> Result<get_metadata::Response, Diagnostics> {
    let registry = server.registry();
    let resources = registry.resources().map(|(n, _)| get_metadata::ResourceMetadata { type_name: n.to_owned() });
    let data = registry.data_sources().map(|(n, _)| get_metadata::DataSourceMetadata { type_name: n.to_owned() });
    let ephemerals = registry.ephemerals().map(|(n, _)| get_metadata::EphemeralMetadata { type_name: n.to_owned() });
    let lists = registry.list_resources().map(|(n, _)| get_metadata::ListResourceMetadata { type_name: n.to_owned() });
    let actions = registry.actions().map(|(n, _)| get_metadata::ActionMetadata { type_name: n.to_owned() });
    let functions = registry.functions().map(|(n, _)| get_metadata::FunctionMetadata { name: n.to_owned() });
    Ok(get_metadata::Response {
        server_capabilities: Some(CAPABILITIES),
        resources: resources.collect(),
        data_sources: data.collect(),
        ephemeral_resources: ephemerals.collect(),
        list_resources: lists.collect(),
        actions: actions.collect(),
        functions: functions.collect(),
        ..Default::default()
    })
}

/// GetProviderSchema. Later calls do not depend on it.
pub(super) fn schemas(server: &Server) -> Result<get_provider_schema::Response, Diagnostics> {
    let registry = server.registry();
    let resources = registry.resources().map(|(n, m)| (n.to_owned(), schema(m.item.schema())));
    let data = registry.data_sources().map(|(n, d)| (n.to_owned(), schema(d.item.schema())));
    let ephemerals = registry.ephemerals().map(|(n, e)| (n.to_owned(), schema(e.item.schema())));
    let lists = registry.list_resources().map(|(n, l)| (n.to_owned(), schema(l.item.schema())));
    let action = |item: &Schema| pb::ActionSchema { schema: Some(configured(schema(item))) };
    let actions = registry.actions().map(|(n, a)| (n.to_owned(), action(a.item.schema())));
    Ok(get_provider_schema::Response {
        provider: Some(schema(registry.provider.schema())),
        resource_schemas: resources.collect(),
        data_source_schemas: data.collect(),
        ephemeral_resource_schemas: ephemerals.collect(),
        list_resource_schemas: lists.collect(),
        action_schemas: actions.collect(),
        functions: super::functions::all(server),
        server_capabilities: Some(CAPABILITIES),
        ..Default::default()
    })
}

/// GetResourceIdentitySchemas.
pub(super) fn identities(server: &Server) -> Result<get_resource_identity_schemas::Response, Diagnostics> {
    let resources = server.registry().resources();
    let schemas = resources.filter_map(|(n, m)| m.item.identity().map(|i| (n.to_owned(), identity(i))));
    Ok(get_resource_identity_schemas::Response { identity_schemas: schemas.collect(), ..Default::default() })
}

/// Encodes a schema.
pub(super) fn schema(schema: &Schema) -> pb::Schema {
    pb::Schema {
        version: schema.version,
        block: Some(pb::schema::Block {
            version: schema.version,
            attributes: attributes(&schema.attributes),
            description: schema.description.clone(),
            description_kind: pb::StringKind::Markdown.into(),
            ..Default::default()
        }),
    }
}

/// The schema of what has no result: a default does not make an attribute computed.
fn configured(mut schema: pb::Schema) -> pb::Schema {
    fn clear(attributes: &mut [pb::schema::Attribute]) {
        for attribute in attributes {
            attribute.computed = false;
            clear(attribute.nested_type.as_mut().map(|nested| nested.attributes.as_mut_slice()).unwrap_or_default());
        }
    }
    clear(schema.block.as_mut().map(|block| block.attributes.as_mut_slice()).unwrap_or_default());
    schema
}

fn attributes(attributes: &[Attribute]) -> Vec<pb::schema::Attribute> {
    let mut all: Vec<_> = attributes.iter().map(attribute).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

fn attribute(attribute: &Attribute) -> pb::schema::Attribute {
    // Hosts refuse a schema in which an attribute has both forms of type.
    let (plain, nested) = match &attribute.kind {
        Kind::Plain(of) => (type_bytes(of), None),
        Kind::Nested(nesting, inner) => (Vec::new(), Some(object(*nesting, inner))),
    };
    pb::schema::Attribute {
        name: attribute.name.to_owned(),
        r#type: plain,
        nested_type: nested,
        description: attribute.description.clone(),
        description_kind: pb::StringKind::Markdown.into(),
        required: attribute.mode == Mode::Required,
        optional: matches!(attribute.mode, Mode::Optional | Mode::OptionalComputed),
        computed: attribute.computed_mode(),
        sensitive: attribute.sensitive,
        write_only: attribute.write_only,
        deprecated: attribute.deprecated.is_some(),
        deprecation_message: attribute.deprecated.unwrap_or_default().to_owned(),
    }
}

fn object(nesting: Nesting, inner: &[Attribute]) -> pb::schema::Object {
    use pb::schema::object::NestingMode;
    let nesting = match nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
    };
    pb::schema::Object { attributes: attributes(inner), nesting: nesting.into(), ..Default::default() }
}

fn identity(identity: &IdentitySchema) -> pb::ResourceIdentitySchema {
    let attributes = identity.attributes.iter().map(|a| pb::resource_identity_schema::IdentityAttribute {
        name: a.name.to_owned(),
        r#type: type_bytes(&a.of),
        required_for_import: a.required_for_import,
        optional_for_import: !a.required_for_import,
        description: a.description.to_owned(),
    });
    pb::ResourceIdentitySchema { version: identity.version, identity_attributes: attributes.collect() }
}

pub(super) fn type_bytes(of: &Type) -> Vec<u8> {
    of.to_json().to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tf::schema::{boolean, number, objects, plain, string};

    #[test]
    fn attributes_are_sorted_and_carry_exactly_one_form_of_type() {
        let mut old = string("old");
        old.deprecated = Some("Use `b`.");
        let source = Schema::new("Text.").with_all([
            string("b").required().doc("B."),
            objects("c", vec![number("z"), boolean("a").computed()]),
            plain("a", Type::list(Type::String)).default(crate::tf::value::Value::List(vec![])).sensitive(),
            string("w").write_only(),
            old,
        ]);
        let block = schema(&source).block.unwrap();
        let names: Vec<_> = block.attributes.iter().map(|a| a.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c", "old", "w"]);
        for a in &block.attributes {
            assert_ne!(a.r#type.is_empty(), a.nested_type.is_none(), "{}", a.name);
            assert_eq!(a.description_kind(), pb::StringKind::Markdown);
        }
        let flags = |i: usize| {
            let a = &block.attributes[i];
            (a.required, a.optional, a.computed)
        };
        assert_eq!(flags(0), (false, true, true));
        assert_eq!(flags(1), (true, false, false));
        assert_eq!(flags(2), (false, true, false));
        assert_eq!(block.attributes[0].r#type, br#"["list","string"]"#);
        assert!(block.attributes[0].sensitive && block.attributes[4].write_only);
        assert_eq!(block.attributes[3].deprecation_message, "Use `b`.");

        let nested = block.attributes[2].nested_type.as_ref().unwrap();
        assert_eq!(nested.nesting(), pb::schema::object::NestingMode::List);
        assert_eq!(nested.attributes[0].name, "a");
        assert!(nested.attributes[0].computed && !nested.attributes[0].optional);
    }
}
