//! An import of an object whose configuration has its secret in the write-only form prints no secret, for every type that has one.

use crate::fixture::{self, merged};
use crate::host::{Host, errors};
use crate::lifecycle::{block, prepare, without};
use libtest_mimic::{Failed, Trial};
use serde_json::Value as Json;
use terraform_provider_omni::tf::path::Path;
use terraform_provider_omni::tf::provider::Provider;
use terraform_provider_omni::tf::schema::{Attribute, Schema};
use terraform_provider_omni::tf::value::Value;
use terraform_provider_omni::tf::write_only::IMPORT_PREFIX;

pub fn trials(provider: &dyn Provider) -> Vec<Trial> {
    let secret = provider.resources().iter().filter(|resource| !resource.schema().write_only.is_empty());
    let secret = secret.filter(|resource| resource.not_imported().is_none());
    let names = secret.map(|resource| resource.type_name());
    let each = names.map(|name| Trial::test(format!("{name}::imports_no_secret"), move || run(name)));
    each.chain([Trial::test("imported_secrets::a_type_without_secrets", a_type_without_secrets)]).collect()
}

fn a_type_without_secrets() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let said = errors(&host.import_diagnostics("omni_cluster", &format!("{IMPORT_PREFIX}demo")).await);
        let told = said.len() == 1
            && said[0].contains("`omni_cluster` has no write-only attributes")
            && said[0].contains("Import it as `demo`.");
        assert!(told, "{said:#?}");
    })
}

fn run(name: &'static str) -> Result<(), Failed> {
    block(async move {
        let host = Host::start(&[]).await;
        let fixture = fixture::on(&host, name);
        prepare(&host, &fixture.needs).await;
        let fixture = fixture::on(&host, name);
        let schema = host.schema(name);
        let mut json = fixture.create.clone();
        let mut all = fixture.updates.iter().map(|patch| {
            json = merged(&json, patch);
            let json = without_versions(&schema, &json);
            fixture.not_imported.iter().fold(json, |json, name| without(&json, name))
        });
        let hides = |json: &Json| !secrets(&schema, &host.config(name, json)).is_empty();
        let json = all.find(hides).unwrap_or_else(|| panic!("{name}: no update sets a write-only attribute"));
        let config = host.config(name, &json);
        let secrets = secrets(&schema, &config);
        // Values are printed with escapes.
        let escaped = |secret: &str| secret.escape_debug().to_string();
        let tells = |text: &str| secrets.iter().find(|secret| text.contains(&escaped(secret))).cloned();
        let made = host.apply(name, None, &config).await;
        made.unwrap_or_else(|(d, _)| panic!("{name}: create: {:?}", errors(&d)));

        // The prefix leaves nothing in the state, and what is configured is what is there.
        let id = format!("{IMPORT_PREFIX}{}", fixture.import);
        let imported = host.import(name, &id, None).await;
        let imported = imported.unwrap_or_else(|d| panic!("{name}: import: {:?}", errors(&d)));
        assert_eq!(tells(&format!("{:?}", imported.state)), None, "{name}: in the state after an import of `{id}`");
        let again = host.read(name, &imported).await.unwrap().unwrap();
        assert_eq!(again.state, imported.state, "{name}: a second read");
        let plan = host.plan(name, Some(&again), &config).await;
        let plan = plan.unwrap_or_else(|d| panic!("{name}: plan: {:?}", errors(&d)));
        assert_eq!(plan.planned, again.state, "{name}: the plan after an import of `{id}` is not empty");

        // Without it, what hosts would print is not planned.
        host.next_run().await;
        let imported = host.import(name, &fixture.import, None).await;
        let imported = imported.unwrap_or_else(|d| panic!("{name}: import: {:?}", errors(&d)));
        match host.plan(name, Some(&imported), &config).await {
            Ok(plan) => {
                let printed = format!("{:?}", [&imported.state, &plan.planned].map(|v| printed(&schema.attributes, v)));
                assert_eq!(tells(&printed), None, "{name}: in the plan: {printed}");
            }
            Err(diags) => {
                let said = errors(&diags).join("\n");
                assert!(said.contains(&format!("`{id}`")) && said.contains("exposes"), "{name}: {said}");
                assert_eq!(tells(&said), None, "{name}: {said}");
            }
        }
    })
}

/// The values of the write-only attributes, and of the documents among them each text.
fn secrets(schema: &Schema, config: &Value) -> Vec<String> {
    fn texts(json: &Json, found: &mut Vec<String>) {
        match json {
            // What names an object is no secret, and short words are in names of attributes.
            Json::String(text) if text.len() > 4 => found.push(text.clone()),
            Json::Array(items) => items.iter().for_each(|item| texts(item, found)),
            Json::Object(entries) => {
                entries.iter().filter(|(key, _)| *key != "kind").for_each(|(_, item)| texts(item, found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    for text in schema.write_only.iter().filter_map(|secret| secret.get(config, secret.secret).as_str()) {
        found.push(text.to_owned());
        for document in kit::yaml::parse_documents(text).unwrap_or_default() {
            texts(&document, &mut found);
        }
    }
    found
}

/// Without the numbers that only the configuration has.
fn without_versions(schema: &Schema, json: &Json) -> Json {
    let paths = schema.write_only.iter().map(|secret| secret.path(secret.version).to_string());
    paths.fold(json.clone(), |json, path| without(&json, &path))
}

/// What a host prints of a value.
fn printed(attributes: &[Attribute], value: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for attribute in attributes.iter().filter(|attribute| !attribute.sensitive && !attribute.write_only) {
        let value = value.get(attribute.name);
        match value {
            Value::Object(_) if !attribute.nested().is_empty() => all.extend(printed(attribute.nested(), value)),
            value => all.push((Path::of(attribute.name).to_string(), value.clone())),
        }
    }
    all
}
