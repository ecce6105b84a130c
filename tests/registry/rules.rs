//! What every schema keeps.

use kit::text::is_unseen;
use libtest_mimic::Failed;
use terraform_provider_omni::provider;
use terraform_provider_omni::tf::diag::Diagnostics;
use terraform_provider_omni::tf::path::Path;
use terraform_provider_omni::tf::plan::{check_schema, validate};
use terraform_provider_omni::tf::schema::{Attribute, Kind, Mode, Nesting, Schema, Unset};
use terraform_provider_omni::tf::value::{Type, Value};

/// The resource types that are no single objects to their users, or whose objects users cannot change.
const BY_CALLS: &[&str] = &[
    "omni_cluster_template",
    "omni_eula_acceptance",
    "omni_imported_cluster",
    "omni_kubeconfig",
    "omni_machine",
    "omni_schematic",
    "omni_service_account",
    "omni_user",
];

/// A resource's schema.
pub fn schema_of_resource(name: &str) -> Result<(), Failed> {
    let provider = provider::new();
    let resource = provider.resources().iter().find(|r| r.type_name() == name).expect("registered");
    check(name, resource.schema())?;
    unset(name, &resource.schema().attributes, "")?;
    // What cannot be read cannot be imported, and an identity is for imports.
    let unreadable = crate::fixture::load(name).unreadable.is_some();
    if unreadable != resource.not_imported().is_some() || unreadable != resource.identity().is_none() {
        return Err("every resource has an identity, or a reason why it cannot be imported".into());
    }
    for part in resource.identity().iter().flat_map(|identity| &identity.attributes) {
        if resource.schema().attribute(part.name).is_none() {
            return Err(format!("identity part `{}` is no attribute", part.name).into());
        }
    }
    if resource.schema().attribute("timeouts").is_none() {
        return Err("no `timeouts`".into());
    }
    // Omni lets nobody write these on what it serves by calls of its own.
    let served_by_calls = BY_CALLS.contains(&name);
    for wanted in ["labels", "annotations", "provider_labels", "provider_annotations", "resource_version"] {
        let attribute = resource.schema().attribute(wanted);
        // Labels that cannot be set only show what others have set.
        let has = attribute.is_some_and(|a| a.configurable() || !["labels", "annotations"].contains(&wanted));
        if has == served_by_calls {
            return Err(format!("`{wanted}` belongs to objects, and to all of them").into());
        }
    }
    Ok(())
}

/// What the resource or the engine plans by itself where the configuration says nothing.
const PLANNED_BY_ITSELF: &[&str] = &["labels", "annotations", "expiration_time", "hostname", "machine_id", "namespace"];

/// Every row says what becomes of a value that the configuration stops setting: a default, how the object began, or that it stays.
fn unset(name: &str, attributes: &[Attribute], at: &str) -> Result<(), Failed> {
    for attribute in attributes {
        let path = format!("{at}{}", attribute.name);
        let open =
            attribute.mode == Mode::OptionalComputed && attribute.default.is_none() && attribute.unset == Unset::Own;
        if open && !PLANNED_BY_ITSELF.contains(&path.as_str()) {
            return Err(format!("{name}: `{path}` does not say what becomes of it when it is taken out").into());
        }
        unset(name, attribute.nested(), &format!("{path}."))?;
    }
    Ok(())
}

/// A data source's schema.
pub fn schema_of_data_source(name: &str) -> Result<(), Failed> {
    let provider = provider::new();
    let source = provider.data_sources().iter().find(|r| r.type_name() == name).expect("registered");
    check(name, source.schema())
}

/// An ephemeral resource's schema; it is the same as that of the data source of its name.
pub fn schema_of_ephemeral(name: &str) -> Result<(), Failed> {
    let provider = provider::new();
    let ephemeral = provider.ephemerals().iter().find(|e| e.type_name() == name).expect("registered");
    check(name, ephemeral.schema())?;
    if ephemeral.schema().attributes.iter().any(|a| a.write_only) {
        return Err("nothing of an ephemeral resource is stored, so nothing is write-only".into());
    }
    let twin = provider.data_sources().iter().find(|d| d.type_name() == name).filter(|_| !makes_its_own(name));
    let Some(twin) = twin else { return Ok(()) };
    let facts = |schema: &Schema| -> Vec<_> {
        let all = schema.attributes.iter();
        all.map(|a| (a.name, a.value_type(), a.mode, a.sensitive, a.description.clone(), a.default.clone())).collect()
    };
    if facts(ephemeral.schema()) != facts(twin.schema()) {
        return Err(format!("{name}: the data source has other attributes").into());
    }
    Ok(())
}

/// An action's schema: it has no result, and hosts do not check it themselves.
pub fn schema_of_action(name: &str) -> Result<(), Failed> {
    let provider = provider::new();
    let action = provider.actions().iter().find(|a| a.type_name() == name).expect("registered");
    let schema = action.schema();
    check(name, schema)?;
    fn unfit(attributes: &[Attribute]) -> bool {
        attributes.iter().any(|a| a.mode == Mode::Computed || a.write_only || unfit(a.nested()))
    }
    if unfit(&schema.attributes) {
        return Err(format!("{name}: an action gives nothing back, and stores nothing").into());
    }
    let limit = schema.attribute("timeout").and_then(|a| a.default.as_ref());
    if limit.is_none_or(|limit| limit.as_str().is_none_or(|text| kit::go_duration::parse(text).is_err())) {
        return Err(format!("{name}: no limit").into());
    }
    Ok(())
}

/// Whether an ephemeral resource can make what the data source of its name only reads, so that it has more attributes.
pub fn makes_its_own(name: &str) -> bool {
    name == "omni_join_token"
}

/// The provider's own schema.
pub fn schema_of_provider() -> Result<(), Failed> {
    check("provider", provider::new().schema())
}

/// A type that is listed twice would hide the other one of its name.
pub fn every_type_is_listed_once() -> Result<(), Failed> {
    let provider = provider::new();
    let names: [Vec<_>; 5] = [
        provider.resources().iter().map(|r| r.type_name()).collect(),
        provider.data_sources().iter().map(|d| d.type_name()).collect(),
        provider.ephemerals().iter().map(|e| e.type_name()).collect(),
        provider.actions().iter().map(|a| a.type_name()).collect(),
        provider.functions().iter().map(|f| f.name()).collect(),
    ];
    for list in names {
        let unique: std::collections::BTreeSet<_> = list.iter().collect();
        if unique.len() != list.len() {
            return Err(format!("a type is listed twice: {list:?}").into());
        }
    }
    Ok(())
}

fn check(name: &str, schema: &Schema) -> Result<(), Failed> {
    let mut problems = check_schema(schema);
    texts(schema, &schema.attributes, &Path::root(), &mut problems);
    durations(&schema.attributes, "", &mut problems);
    secrets(&schema.attributes, "", &mut problems);
    if problems.is_empty() { Ok(()) } else { Err(format!("{name}: {problems:#?}").into()) }
}

/// The texts that may be of any length and hold any character; all others are one line that Omni can take as an id or a label.
const DOCUMENTS: &[&str] = &[
    "armored_public_key",
    "ca_certificate",
    "data",
    "data_wo",
    "disk_selector",
    "email_regexp",
    "hostname_regexp",
    "embedded_machine_config",
    "embedded_machine_config_wo",
    "id_regexp",
    "job",
    "label_selector",
    "options",
    "overlay_options",
    "provider_data",
    "raw",
    "renew_trigger",
    "secrets_bundle",
    "secrets_bundle_wo",
    "service_account_key",
    "template",
    "yaml",
];

/// A character that is not seen and a megabyte are refused on the attribute, with one error, before anything is planned.
fn texts(schema: &Schema, attributes: &[Attribute], at: &Path, problems: &mut Vec<String>) {
    for attribute in attributes.iter().filter(|a| a.configurable()) {
        let path = at.attribute(attribute.name);
        if matches!(attribute.kind, Kind::Nested(Nesting::Single, _)) {
            texts(schema, attribute.nested(), &path, problems);
        }
        if !matches!(attribute.kind, Kind::Plain(Type::String)) {
            continue;
        }
        if attribute.line.is_none() {
            if !DOCUMENTS.contains(&attribute.name) {
                problems.push(format!("`{path}` takes any text"));
            }
            continue;
        }
        for text in ["a\u{7}b", "a\nb", "a\u{85}", "a\u{202e}b", "\u{2066}a", "a\u{200b}", &"x".repeat(1_000_000)] {
            let steps: Vec<_> = path.to_string().split('.').map(str::to_owned).collect();
            let config =
                steps.iter().rev().fold(Value::from(text), |value, step| Value::object([(step.clone(), value)]));
            let mut diags = Diagnostics::new();
            validate(schema, &config, true, &mut diags);
            // A rule may miss what goes with the attribute, since nothing else is set.
            let at = diags.iter().filter(|d| d.path.as_ref() == Some(&path) && d.summary.starts_with("Invalid"));
            let said: Vec<_> = at.map(|d| format!("{} {}", d.summary, d.detail)).collect();
            let told = ["control character", "invisible character", "bytes"];
            let told = said.iter().any(|text| told.iter().any(|part| text.contains(part)));
            if said.iter().any(|text| text.len() > 1000 || text.contains(is_unseen)) || !told || said.len() != 1 {
                problems.push(format!("`{path}` = {:?}: {said:.200?}", text.get(..3)));
            }
        }
    }
}

/// Every duration is read in the same way: white space around it means nothing, and white space in it is refused.
fn durations(attributes: &[Attribute], at: &str, problems: &mut Vec<String>) {
    for attribute in attributes {
        let path = format!("{at}{}", attribute.name);
        let said = |text: &str| attribute.checks.iter().find_map(|check| check.run(&text.into()).err());
        let is_duration = said("soon").is_some_and(|said| said.contains("is not a duration"));
        if is_duration != (attribute.configurable() && attribute.description.contains("Go duration")) {
            problems.push(format!("`{path}` is a duration by its description or by its checks, and not by both"));
        }
        for (text, fits) in [(" 1h", true), ("1h\n", true), ("1h 30m", false)].into_iter().filter(|_| is_duration) {
            let found = said(text);
            if found.is_none() != fits {
                problems.push(format!("`{path}` = {text:?}: {found:?}"));
            }
        }
        durations(attribute.nested(), &format!("{path}."), problems);
    }
}

/// What is named like a secret is marked as one.
fn secrets(attributes: &[Attribute], at: &str, problems: &mut Vec<String>) {
    const SECRET: &[&str] = &[
        "token",
        "join_token",
        "secret",
        "password",
        "kubeconfig",
        "talosconfig",
        "private_key",
        "service_account_key",
    ];
    for attribute in attributes {
        let path = format!("{at}{}", attribute.name);
        // The join token of a machine can be among its kernel arguments, but not among those that users give.
        let is_secret = SECRET.contains(&attribute.name) || path.ends_with("schematic.kernel_args");
        if is_secret && !attribute.sensitive {
            problems.push(format!("`{path}` is not marked sensitive"));
        }
        secrets(attribute.nested(), &format!("{path}."), problems);
    }
}
