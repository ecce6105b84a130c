//! Whole pages: front matter, text, example, schema and import, in the order in which the registry shows them.

use super::examples::Examples;
use super::groups;
use super::guide::Guide;
use super::schema as section;
use super::{DocsError, PROVIDER, Page};
use crate::tf::action::Action;
use crate::tf::data_source::DataSource;
use crate::tf::ephemeral::Ephemeral;
use crate::tf::function::{Function, Parameter, Signature};
use crate::tf::list_resource::ListResource;
use crate::tf::resource::Resource;
use crate::tf::schema::{IdentityAttribute, IdentitySchema, Schema};

/// What the overview says beside the schema: how to sign in, and what is needed.
const OVERVIEW: &str = include_str!("provider.md");

/// The page of the provider itself.
pub(super) fn index(schema: &Schema, guides: &[Guide], examples: &mut Examples) -> Result<Page, DocsError> {
    let title = format!("{PROVIDER} Provider");
    let links: String = guides.iter().map(|g| format!("- [{}]({})\n", g.title, g.path())).collect();
    let text = [
        // The index belongs to no subcategory, and the registry refuses one.
        front_matter(&title, None, &schema.description),
        format!("# {title}\n\n{}\n", schema.description.trim()),
        example(&examples.read("provider/provider.tf")?),
        format!("{OVERVIEW}\n## Guides\n\n{links}"),
        section::render(schema),
    ];
    Ok(Page { path: "index.md".to_owned(), text: text.join("\n") })
}

/// The page of a managed resource.
pub(super) fn resource(resource: &dyn Resource, examples: &mut Examples) -> Result<Page, DocsError> {
    let name = resource.type_name();
    let schema = resource.schema();
    let text = [
        head(name, "Resource", schema),
        example(&examples.read(&format!("resources/{name}/resource.tf"))?),
        section::render(schema),
        match resource.not_imported() {
            Some(why) => format!("## Import\n\nObjects of this type cannot be imported. {why}\n"),
            None => import(name, resource.identity(), examples)?,
        },
    ];
    Ok(Page { path: format!("resources/{}.md", short(name)?), text: text.join("\n") })
}

/// The page of a data source.
pub(super) fn data_source(source: &dyn DataSource, examples: &mut Examples) -> Result<Page, DocsError> {
    let name = source.type_name();
    let schema = source.schema();
    let text = [
        head(name, "Data Source", schema),
        example(&examples.read(&format!("data-sources/{name}/data-source.tf"))?),
        section::render(schema),
    ];
    Ok(Page { path: format!("data-sources/{}.md", short(name)?), text: text.join("\n") })
}

/// The page of an ephemeral resource.
pub(super) fn ephemeral(item: &dyn Ephemeral, examples: &mut Examples) -> Result<Page, DocsError> {
    let name = item.type_name();
    let schema = item.schema();
    let text = [
        head(name, "Ephemeral Resource", schema),
        "Ephemeral resources require Terraform 1.10 or OpenTofu 1.11, or later.\n".to_owned(),
        example(&examples.read(&format!("ephemeral-resources/{name}/ephemeral-resource.tf"))?),
        section::render(schema),
    ];
    Ok(Page { path: format!("ephemeral-resources/{}.md", short(name)?), text: text.join("\n") })
}

/// The page of a list resource.
pub(super) fn list_resource(list: &dyn ListResource, examples: &mut Examples) -> Result<Page, DocsError> {
    let name = list.type_name();
    let schema = list.schema();
    let text = [
        head(name, "List Resource", schema),
        "List resources require Terraform 1.14 or later. They are part of queries: files `*.tfquery.hcl`, read by `terraform query`.\n"
            .to_owned(),
        example(&examples.read(&format!("list-resources/{name}/list-resource.tfquery.hcl"))?),
        section::render(schema),
    ];
    Ok(Page { path: format!("list-resources/{}.md", short(name)?), text: text.join("\n") })
}

/// The page of an action.
pub(super) fn action(action: &dyn Action, examples: &mut Examples) -> Result<Page, DocsError> {
    let name = action.type_name();
    let schema = action.schema();
    let text = [
        head_of(name, &format!("{name} Action"), &format!("Action: {name}"), schema),
        format!(
            "Actions require Terraform 1.14 or later; OpenTofu has none. `terraform apply -invoke=action.{name}.<NAME>` invokes one by hand.\n"
        ),
        example(&examples.read(&format!("actions/{name}/action.tf"))?),
        section::render(schema),
    ];
    Ok(Page { path: format!("actions/{}.md", short(name)?), text: text.join("\n") })
}

/// The page of a function.
pub(super) fn function(function: &dyn Function, examples: &mut Examples) -> Result<Page, DocsError> {
    let name = function.name();
    let signature = function.signature();
    let title = format!("{name} function - {PROVIDER}");
    let text = [
        front_matter(&title, Some(groups::of(name)), signature.summary),
        format!("# function: {name}\n\n{}\n", signature.description.trim()),
        "Functions require Terraform 1.8 or OpenTofu 1.7, or later.\n".to_owned(),
        example(&examples.read(&format!("functions/{name}/function.tf"))?),
        format!("## Signature\n\n{}", fenced("text", &call(name, signature))),
        arguments(signature),
    ];
    Ok(Page { path: format!("functions/{name}.md"), text: text.join("\n") })
}

/// How a function is called, with the types of what goes in and comes out.
fn call(name: &str, signature: &Signature) -> String {
    let typed = |p: &Parameter| format!("{} {}", p.name, section::type_name(&p.of).to_lowercase());
    let mut parameters: Vec<_> = signature.parameters.iter().map(typed).collect();
    parameters.extend(signature.variadic.iter().map(|p| format!("{}...", typed(p))));
    format!("{name}({}) {}", parameters.join(", "), section::type_name(&signature.returns).to_lowercase())
}

fn arguments(signature: &Signature) -> String {
    let line = |p: &Parameter, variadic: &str| {
        format!("1. `{}` ({variadic}{}) {}\n", p.name, section::type_name(&p.of), p.description)
    };
    let fixed = signature.parameters.iter().map(|p| line(p, ""));
    let all: String = fixed.chain(signature.variadic.iter().map(|p| line(p, "Variadic, "))).collect();
    format!("## Arguments\n\n{all}")
}

/// The type without the provider's name, as files are named.
pub(super) fn short(type_name: &'static str) -> Result<&'static str, DocsError> {
    type_name
        .strip_prefix(PROVIDER)
        .and_then(|rest| rest.strip_prefix('_'))
        .filter(|rest| !rest.is_empty())
        .ok_or(DocsError::ForeignType { type_name })
}

fn head(name: &str, what: &str, schema: &Schema) -> String {
    head_of(name, &format!("{name} {what}"), &format!("{name} ({what})"), schema)
}

fn head_of(name: &str, title: &str, heading: &str, schema: &Schema) -> String {
    let title = format!("{title} - {PROVIDER}");
    let group = groups::of(name.strip_prefix("omni_").unwrap_or(name));
    let matter = front_matter(&title, Some(group), &schema.description);
    let since = schema.since.map(|release| format!(" Requires Omni {release} or later.")).unwrap_or_default();
    // Behind the first paragraph: a callout may follow.
    let text = schema.description.trim();
    let (first, rest) = text.split_at(text.find("\n\n").unwrap_or(text.len()));
    format!("{matter}\n# {heading}\n\n{first}{since}{rest}\n")
}

fn front_matter(title: &str, subcategory: Option<&str>, description: &str) -> String {
    let subcategory = subcategory.map(|s| format!("subcategory: \"{s}\"\n")).unwrap_or_default();
    format!("---\npage_title: \"{title}\"\n{subcategory}description: |-\n  {}\n---\n", summary(description))
}

/// The first sentence, on one line.
pub(super) fn summary(description: &str) -> String {
    let text = description.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.find(". ") {
        Some(end) => text[..=end].to_owned(),
        None => text,
    }
}

fn example(text: &str) -> String {
    format!("## Example Usage\n\n{}", fenced("terraform", text))
}

/// A block of code, fenced by more back-quotes than it holds in a row.
fn fenced(language: &str, text: &str) -> String {
    let mut fence = "```".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    format!("{fence}{language}\n{text}\n{fence}\n")
}

fn import(name: &str, identity: Option<&IdentitySchema>, examples: &mut Examples) -> Result<String, DocsError> {
    let mut read = |file: &str| examples.read(&format!("resources/{name}/{file}"));
    let mut text = String::from("## Import\n\nImport an existing object on the command line:\n\n");
    text.push_str(&fenced("shell", &read("import.sh")?));
    text.push_str("\nWith Terraform 1.5 or OpenTofu 1.6, or later, use an `import` block with the ID:\n\n");
    text.push_str(&fenced("terraform", &read("import-by-string-id.tf")?));
    if let Some(identity) = identity {
        text.push_str("\nWith Terraform 1.12 or OpenTofu 1.12, or later, use an `import` block with the identity:\n\n");
        text.push_str(&fenced("terraform", &read("import-by-identity.tf")?));
        text.push_str("\n### Identity Schema\n");
        for (title, required) in [("Required", true), ("Optional", false)] {
            let mut parts: Vec<_> = identity.attributes.iter().filter(|a| a.required_for_import == required).collect();
            parts.sort_by_key(|a| a.name);
            if !parts.is_empty() {
                let lines: String = parts.into_iter().map(identity_line).collect();
                text.push_str(&format!("\n#### {title}\n\n{lines}"));
            }
        }
    }
    Ok(text)
}

fn identity_line(part: &IdentityAttribute) -> String {
    format!("- `{}` ({}) {}\n", part.name, section::type_name(&part.of), part.description)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_the_first_sentence() {
        for (description, expected) in [
            ("One. Two.", "One."),
            ("One.", "One."),
            ("One\nline. Two.", "One line."),
            ("One.\n\nTwo.", "One."),
            ("Talos 1.13.5 and later. Two.", "Talos 1.13.5 and later."),
            ("", ""),
        ] {
            assert_eq!(summary(description), expected, "{description:?}");
        }
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert_eq!(fenced("x", "a"), "```x\na\n```\n");
        assert_eq!(fenced("x", "```"), "````x\n```\n````\n");
    }
}
