//! What every schema keeps.

use libtest_mimic::Failed;
use terraform_provider_omni::provider;
use terraform_provider_omni::tf::plan::check_schema;
use terraform_provider_omni::tf::schema::{Attribute, Schema};

/// A resource's schema.
pub fn schema_of_resource(name: &str) -> Result<(), Failed> {
    let provider = provider::new();
    let resource = provider.resources().iter().find(|r| r.type_name() == name).expect("registered");
    check(name, resource.schema())?;
    let identity = resource.identity().ok_or("every resource has an identity")?;
    for part in &identity.attributes {
        if resource.schema().attribute(part.name).is_none() {
            return Err(format!("identity part `{}` is no attribute", part.name).into());
        }
    }
    for wanted in ["timeouts", "labels", "annotations", "resource_version"] {
        if resource.schema().attribute(wanted).is_none() {
            return Err(format!("no `{wanted}`").into());
        }
    }
    Ok(())
}

/// A data source's schema.
pub fn schema_of_data_source(name: &str) -> Result<(), Failed> {
    let provider = provider::new();
    let source = provider.data_sources().iter().find(|r| r.type_name() == name).expect("registered");
    check(name, source.schema())
}

/// An ephemeral resource's schema.
pub fn schema_of_ephemeral(name: &str) -> Result<(), Failed> {
    let provider = provider::new();
    let item = provider.ephemerals().iter().find(|e| e.type_name() == name).expect("registered");
    check(name, item.schema())
}

/// The provider's own schema.
pub fn schema_of_provider() -> Result<(), Failed> {
    check("provider", provider::new().schema())
}

fn check(name: &str, schema: &Schema) -> Result<(), Failed> {
    let mut problems = check_schema(schema);
    secrets(&schema.attributes, "", &mut problems);
    if problems.is_empty() { Ok(()) } else { Err(format!("{name}: {problems:#?}").into()) }
}

/// What is named like a secret is marked as one.
fn secrets(attributes: &[Attribute], at: &str, problems: &mut Vec<String>) {
    const SECRET: &[&str] = &["token", "secret", "password", "kubeconfig", "private_key", "service_account_key"];
    for attribute in attributes {
        let path = format!("{at}{}", attribute.name);
        if SECRET.contains(&attribute.name) && !attribute.sensitive {
            problems.push(format!("`{path}` is not marked sensitive"));
        }
        secrets(attribute.nested(), &format!("{path}."), problems);
    }
}
