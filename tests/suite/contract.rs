//! The schemas of the provider as a contract: `golden/schema.json` holds what configurations and states rely on.
//! It holds what GetProviderSchema and GetResourceIdentitySchemas answer, without descriptions.

use crate::golden;
use omni_proto::tfplugin6 as pb;
use omni_proto::tfplugin6::provider_server::Provider as _;
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use terraform_provider_omni::provider;
use terraform_provider_omni::tf::server::Server;

/// What each type has: the first name is the type (`resource omni_cluster`), the second one the part of it
/// (`attribute features.disk_encryption`).
type Contract = BTreeMap<String, BTreeMap<String, Json>>;

const BREAKING: &str = "Removing or retyping an attribute is a breaking change, and so is everything marked BREAKING: \
                        it needs a deprecation first, a major version and, for stored values, a state upgrade.";

#[tokio::test]
async fn the_schemas_keep_the_contract() {
    let found = provided().await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/schema.json");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let known = serde_json::from_str(&text).unwrap_or_default();
    golden::assert_file(&path, &print(&found), &|| format!("{}\n{BREAKING}", changes(&known, &found).join("\n")));
}

/// What the provider answers a host.
async fn provided() -> Contract {
    let server = Server::new(provider::new);
    let request = tonic::Request::new(pb::get_provider_schema::Request {});
    let schemas = server.get_provider_schema(request).await.expect("schemas").into_inner();
    let request = tonic::Request::new(pb::get_resource_identity_schemas::Request {});
    let identities = server.get_resource_identity_schemas(request).await.expect("identities").into_inner();

    let mut contract = Contract::new();
    contract.insert("provider".to_owned(), parts(&schemas.provider.expect("the provider's schema")));
    for (kind, all) in [
        ("resource", schemas.resource_schemas),
        ("data source", schemas.data_source_schemas),
        ("ephemeral resource", schemas.ephemeral_resource_schemas),
        ("list resource", schemas.list_resource_schemas),
    ] {
        contract.extend(all.iter().map(|(name, schema)| (format!("{kind} {name}"), parts(schema))));
    }
    for (name, action) in schemas.action_schemas {
        contract.insert(format!("action {name}"), parts(&action.schema.expect("the action's schema")));
    }
    contract.extend(schemas.functions.iter().map(|(name, of)| (format!("function {name}"), signature(of))));
    contract.extend(identities.identity_schemas.iter().map(|(name, of)| (format!("identity {name}"), identity(of))));
    contract
}

fn parts(schema: &pb::Schema) -> BTreeMap<String, Json> {
    let block = schema.block.as_ref().expect("a block");
    assert!(block.block_types.is_empty(), "the contract knows no nested blocks");
    let mut parts = BTreeMap::from([("version".to_owned(), schema.version.into())]);
    attributes(&block.attributes, "", &mut parts);
    parts
}

fn attributes(all: &[pb::schema::Attribute], above: &str, parts: &mut BTreeMap<String, Json>) {
    for attribute in all {
        let path = format!("{above}{}", attribute.name);
        let mut facts = flags(&[
            ("required", attribute.required),
            ("optional", attribute.optional),
            ("computed", attribute.computed),
            ("sensitive", attribute.sensitive),
            ("write_only", attribute.write_only),
            ("deprecated", attribute.deprecated),
        ]);
        match &attribute.nested_type {
            Some(nested) => {
                facts.insert("nesting".to_owned(), nested.nesting().as_str_name().to_lowercase().into());
                attributes(&nested.attributes, &format!("{path}."), parts);
            }
            None => drop(facts.insert("type".to_owned(), type_of(&attribute.r#type))),
        }
        parts.insert(format!("attribute {path}"), Json::Object(facts));
    }
}

fn signature(function: &pb::Function) -> BTreeMap<String, Json> {
    let parameter = |parameter: &pb::function::Parameter| {
        let mut facts = flags(&[("nullable", parameter.allow_null_value)]);
        facts.insert("type".to_owned(), type_of(&parameter.r#type));
        Json::Object(facts)
    };
    let numbered = function.parameters.iter().enumerate();
    let mut parts: BTreeMap<_, _> = numbered.map(|(i, p)| (format!("parameter {}", i + 1), parameter(p))).collect();
    parts.extend(function.variadic_parameter.as_ref().map(|p| ("further parameters".to_owned(), parameter(p))));
    let returns = function.r#return.as_ref().expect("a result");
    parts.insert("result".to_owned(), json!({ "type": type_of(&returns.r#type) }));
    parts
}

fn identity(schema: &pb::ResourceIdentitySchema) -> BTreeMap<String, Json> {
    let mut parts = BTreeMap::from([("version".to_owned(), schema.version.into())]);
    for attribute in &schema.identity_attributes {
        let mut facts =
            flags(&[("required", attribute.required_for_import), ("optional", attribute.optional_for_import)]);
        facts.insert("type".to_owned(), type_of(&attribute.r#type));
        parts.insert(format!("attribute {}", attribute.name), Json::Object(facts));
    }
    parts
}

fn flags(all: &[(&str, bool)]) -> Map<String, Json> {
    all.iter().filter(|(_, set)| *set).map(|(name, _)| ((*name).to_owned(), true.into())).collect()
}

fn type_of(bytes: &[u8]) -> Json {
    serde_json::from_slice(bytes).expect("a type in JSON")
}

/// JSON with a line for each part, so that a review sees which one changed.
fn print(contract: &Contract) -> String {
    let parts = |parts: &BTreeMap<String, Json>| {
        parts.iter().map(|(name, facts)| format!("    {:?}: {facts}", name)).collect::<Vec<_>>().join(",\n")
    };
    let types = contract.iter().map(|(name, of)| format!("  {name:?}: {{\n{}\n  }}", parts(of)));
    format!("{{\n{}\n}}\n", types.collect::<Vec<_>>().join(",\n"))
}

/// A line for each difference.
fn changes(known: &Contract, found: &Contract) -> Vec<String> {
    let mut changes = Vec::new();
    for name in known.keys().chain(found.keys()).collect::<BTreeSet<_>>() {
        let (old, new) = match (known.get(name), found.get(name)) {
            (Some(old), Some(new)) => (old, new),
            (Some(_), None) => {
                changes.push(format!("{name}: removed. BREAKING: configurations that use it are refused"));
                continue;
            }
            _ => {
                changes.push(format!("{name}: added"));
                continue;
            }
        };
        for part in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            let (old, new) = (old.get(part), new.get(part));
            let what = match (old, new) {
                (Some(old), Some(new)) if old == new => continue,
                (Some(old), Some(new)) => format!("{old} became {new}"),
                (Some(old), None) => format!("{old} removed"),
                (_, new) => format!("{} added", new.unwrap_or(&Json::Null)),
            };
            let mark = breaks(part, old, new).map(|why| format!(". BREAKING: {why}")).unwrap_or_default();
            changes.push(format!("{name}: {part}: {what}{mark}"));
        }
    }
    changes
}

/// Why configurations or states that worked no longer do; `None` when they still do.
fn breaks(part: &str, old: Option<&Json>, new: Option<&Json>) -> Option<&'static str> {
    let is = |facts: &Json, name: &str| facts[name] == true;
    let configurable = |facts: &Json| is(facts, "required") || is(facts, "optional");
    let (old, new) = match (old, new) {
        (Some(old), Some(new)) => (old, new),
        (Some(_), None) => return Some("what sets or reads it is refused"),
        (_, Some(new)) if is(new, "required") || part.starts_with("parameter") => {
            return Some("what does not give it is refused");
        }
        _ => return None,
    };
    if part == "version" {
        return (new.as_i64() < old.as_i64()).then_some("stored states are of a later version, and are refused");
    }
    let gained = |name: &str| is(new, name) && !is(old, name);
    let lost = |name: &str| is(old, name) && !is(new, name);
    if old["type"] != new["type"] || old["nesting"] != new["nesting"] {
        Some("values of the old type are refused")
    } else if gained("required") {
        Some("what does not give it is refused")
    } else if configurable(old) && !configurable(new) {
        Some("configurations that set it are refused")
    } else if lost("computed") {
        Some("where the provider gave it a value, it is null")
    } else if gained("write_only") || lost("write_only") {
        Some("its value appears in states, or disappears from them")
    } else if gained("sensitive") {
        Some("outputs that show it are refused until they are marked as sensitive")
    } else if lost("nullable") {
        Some("calls with null are refused")
    } else {
        None
    }
}

mod tests {
    use super::*;

    fn facts(text: &str) -> Json {
        let mut facts: Map<_, _> = text.split(' ').skip(1).map(|flag| (flag.to_owned(), true.into())).collect();
        facts.insert("type".to_owned(), text.split(' ').next().into());
        Json::Object(facts)
    }

    #[test]
    fn what_breaks_is_told_from_what_does_not() {
        for (old, new, breaking) in [
            ("", "string optional", ""),
            ("", "string computed", ""),
            ("", "string required", "does not give it"),
            ("string computed", "", "sets or reads it"),
            ("string optional", "number optional", "old type"),
            ("string optional", "string required", "does not give it"),
            ("string required", "string optional", ""),
            ("string optional", "string optional computed", ""),
            ("string optional computed", "string optional", "is null"),
            ("string optional computed", "string computed", "that set it"),
            ("string optional", "string optional write_only", "disappears"),
            ("string optional write_only", "string optional", "appears"),
            ("string computed", "string computed sensitive", "outputs"),
            ("string computed sensitive", "string computed", ""),
            ("string optional", "string optional deprecated", ""),
            ("string nullable", "string", "null"),
            ("string", "string nullable", ""),
        ] {
            let read = |text: &str| (!text.is_empty()).then(|| facts(text));
            let why = breaks("attribute a", read(old).as_ref(), read(new).as_ref());
            assert_eq!(why.is_some(), !breaking.is_empty(), "{old:?} to {new:?}: {why:?}");
            assert!(why.unwrap_or_default().contains(breaking), "{old:?} to {new:?}: {why:?}");
        }
        assert!(breaks("parameter 2", None, Some(&facts("string"))).is_some());
        assert!(breaks("version", Some(&1.into()), Some(&0.into())).is_some());
        assert!(breaks("version", Some(&0.into()), Some(&1.into())).is_none());
    }

    #[test]
    fn a_difference_names_the_attribute() {
        let contract = |types: &[(&str, &[(&str, &str)])]| -> Contract {
            let parts = |parts: &[(&str, &str)]| parts.iter().map(|(n, f)| ((*n).to_owned(), facts(f))).collect();
            types.iter().map(|(name, all)| ((*name).to_owned(), parts(all))).collect()
        };
        let known = contract(&[
            ("resource omni_a", &[("attribute b.c", "string optional"), ("attribute d", "bool computed")]),
            ("function f", &[]),
        ]);
        let found = contract(&[
            ("resource omni_a", &[("attribute b.c", "number optional"), ("attribute d", "bool computed")]),
            ("action g", &[]),
        ]);
        assert_eq!(
            changes(&known, &found),
            [
                "action g: added",
                "function f: removed. BREAKING: configurations that use it are refused",
                "resource omni_a: attribute b.c: {\"optional\":true,\"type\":\"string\"} became \
                 {\"optional\":true,\"type\":\"number\"}. BREAKING: values of the old type are refused",
            ]
        );
        assert_eq!(changes(&found, &found), [""; 0]);
        assert_eq!(serde_json::from_str::<Contract>(&print(&found)).expect("what was printed"), found);
    }

    #[tokio::test]
    async fn every_kind_of_type_is_in_it() {
        let contract = provided().await;
        let kinds: BTreeSet<_> = contract.keys().filter_map(|name| name.rsplit_once(' ')).map(|(k, _)| k).collect();
        for kind in ["data source", "ephemeral resource", "function", "identity", "list resource", "resource"] {
            assert!(kinds.contains(kind), "no {kind} in {kinds:?}");
        }
    }
}
