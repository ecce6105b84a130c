//! The pages under `docs/` are generated from the schemas, the examples and the guides, and are complete.
//! So is the overview in the README.

use crate::golden;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use terraform_provider_omni::tf::provider::Provider;
use terraform_provider_omni::tf::schema::{Attribute, Schema};
use terraform_provider_omni::{docs, provider};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn pages_are_up_to_date() {
    golden::assert_folder(&root().join("docs"), &pages());
}

/// The generated pages, by path.
fn pages() -> BTreeMap<String, String> {
    match docs::render(provider::new().as_ref(), &root().join("examples")) {
        Ok(pages) => pages.into_iter().map(|p| (p.path, p.text)).collect(),
        Err(e) => panic!("{e}"),
    }
}

#[test]
fn the_readme_names_everything() {
    let tables = docs::overview(provider::new().as_ref()).expect("tables");
    golden::assert_section(&root().join("README.md"), "overview", &tables);
}

/// A registry lists types and functions by these headings, and breaks relative links.
#[test]
fn every_page_has_a_heading_and_links_that_work() {
    for (path, text) in pages() {
        let grouped = path == "index.md" || path.starts_with("guides/") || !text.contains("\nsubcategory: \"\"\n");
        assert!(grouped, "{path} has no subcategory: name it in src/docs/groups.rs");
        let prose = text.split("\n```").step_by(2);
        let links = prose.flat_map(|part| part.split("](").skip(1)).filter_map(|rest| rest.split(')').next());
        let relative: Vec<_> = links.filter(|link| !link.starts_with('#') && !link.starts_with("https://")).collect();
        assert_eq!(relative, [""; 0], "{path}");
    }
}

/// The parts that each page must contain.
type Wanted = BTreeMap<String, Vec<String>>;

fn wanted(provider: &dyn Provider) -> Wanted {
    let short = |name: &str| name.trim_start_matches("omni_").to_owned();
    let mut wanted = Wanted::new();
    for resource in provider.resources() {
        let (name, schema) = (resource.type_name(), resource.schema());
        let mut parts = vec![
            opening(&format!("{name} (Resource)"), schema),
            format!("```terraform\n{}", example(&format!("resources/{name}/resource.tf"))),
        ];
        match resource.not_imported() {
            Some(why) => parts.push(format!("## Import\n\nObjects of this type cannot be imported. {why}\n")),
            None => parts.extend([format!("terraform import {name}."), format!("import {{\n  to = {name}.")]),
        }
        if resource.identity().is_some() {
            parts.extend(["  identity = {\n".to_owned(), "### Identity Schema\n".to_owned()]);
        }
        parts.extend(lines(&schema.attributes));
        wanted.insert(format!("resources/{}.md", short(name)), parts);
    }
    for source in provider.data_sources() {
        let (name, schema) = (source.type_name(), source.schema());
        let mut parts = vec![
            opening(&format!("{name} (Data Source)"), schema),
            format!("```terraform\n{}", example(&format!("data-sources/{name}/data-source.tf"))),
        ];
        parts.extend(lines(&schema.attributes));
        wanted.insert(format!("data-sources/{}.md", short(name)), parts);
    }
    for item in provider.ephemerals() {
        let (name, schema) = (item.type_name(), item.schema());
        let mut parts = vec![
            opening(&format!("{name} (Ephemeral Resource)"), schema),
            format!("```terraform\n{}", example(&format!("ephemeral-resources/{name}/ephemeral-resource.tf"))),
            "Terraform 1.10".to_owned(),
        ];
        parts.extend(lines(&schema.attributes));
        wanted.insert(format!("ephemeral-resources/{}.md", short(name)), parts);
    }
    for list in provider.list_resources() {
        let (name, schema) = (list.type_name(), list.schema());
        let mut parts = vec![
            opening(&format!("{name} (List Resource)"), schema),
            format!("```terraform\n{}", example(&format!("list-resources/{name}/list-resource.tfquery.hcl"))),
            "Terraform 1.14".to_owned(),
        ];
        parts.extend(lines(&schema.attributes));
        wanted.insert(format!("list-resources/{}.md", short(name)), parts);
    }
    for action in provider.actions() {
        let (name, schema) = (action.type_name(), action.schema());
        let mut parts = vec![
            opening(&format!("Action: {name}"), schema),
            format!("```terraform\n{}", example(&format!("actions/{name}/action.tf"))),
            "Terraform 1.14".to_owned(),
        ];
        parts.extend(lines(&schema.attributes));
        wanted.insert(format!("actions/{}.md", short(name)), parts);
    }
    for function in provider.functions() {
        let (name, signature) = (function.name(), function.signature());
        let mut parts = vec![
            format!("# function: {name}\n\n{}\n", signature.description.trim()),
            format!("```terraform\n{}", example(&format!("functions/{name}/function.tf"))),
            format!("```text\n{name}("),
        ];
        let all = signature.parameters.iter().chain(signature.variadic.as_ref());
        parts.extend(all.map(|p| format!("1. `{}` (", p.name)));
        wanted.insert(format!("functions/{name}.md"), parts);
    }
    wanted
}

/// Heading and description, with the release that is required behind the first paragraph.
fn opening(heading: &str, schema: &Schema) -> String {
    let required = schema.since.map(|release| format!(" Requires Omni {release} or later.")).unwrap_or_default();
    let mut paragraphs = schema.description.trim().split("\n\n");
    let first = paragraphs.next().unwrap_or_default();
    let rest: String = paragraphs.map(|paragraph| format!("\n\n{paragraph}")).collect();
    format!("# {heading}\n\n{first}{required}{rest}\n")
}

fn example(path: &str) -> String {
    let text = std::fs::read_to_string(root().join("examples").join(path)).unwrap_or_default();
    text.trim().to_owned()
}

/// The begin of the line of each attribute, at any depth, with its marks, and the headings of nested ones.
fn lines(attributes: &[Attribute]) -> Vec<String> {
    let mut lines = Vec::new();
    for attribute in attributes {
        let text = attribute.description.trim();
        let start = text.lines().next().unwrap_or_default();
        let marks = [(attribute.sensitive, "Sensitive"), (attribute.write_only, "[Write-only](")];
        let marks = marks.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark.to_owned());
        lines.push(format!("- `{}` (", attribute.name));
        lines.push(start.to_owned());
        lines.extend(marks);
        lines.extend(attribute.since.map(|since| since.release.to_owned()));
        if attribute.name == "timeouts" {
            lines.push("\n## Timeouts\n".to_owned());
        } else if !attribute.nested().is_empty() {
            lines.push("### Nested Schema for `".to_owned());
        }
        lines.extend(self::lines(attribute.nested()));
    }
    lines
}

/// Missing parts of pages, and pages without a type.
fn problems(wanted: &Wanted, pages: &BTreeMap<String, String>) -> Vec<String> {
    let mut problems = Vec::new();
    for (path, parts) in wanted {
        let Some(page) = pages.get(path) else {
            problems.push(format!("there is no {path}"));
            continue;
        };
        problems.extend(parts.iter().filter(|part| !page.contains(*part)).map(|part| format!("{path} lacks {part:?}")));
    }
    let known: BTreeSet<_> = wanted.keys().collect();
    let others = pages.keys().filter(|p| !known.contains(p) && !p.starts_with("guides/") && *p != "index.md");
    problems.extend(others.map(|path| format!("{path} is about nothing")));
    problems
}

#[test]
fn everything_has_a_whole_page() {
    let wanted = wanted(provider::new().as_ref());
    let mut pages = pages();
    assert_eq!(problems(&wanted, &pages), [""; 0]);

    // A page that is missing or incomplete is found.
    for path in wanted.keys() {
        let page = pages.remove(path).expect("a page");
        assert_eq!(problems(&wanted, &pages), [format!("there is no {path}")]);
        let cut: String = page.split_inclusive("\n## ").filter(|part| !part.starts_with("Schema")).collect();
        pages.insert(path.clone(), cut);
        assert!(path.starts_with("functions/") || !problems(&wanted, &pages).is_empty(), "{path}");
        pages.insert(path.clone(), page);
    }
    pages.insert("resources/of_old.md".to_owned(), String::new());
    assert_eq!(problems(&wanted, &pages), ["resources/of_old.md is about nothing"]);
}

/// The types of the official provider.
const OFFICIAL: [(&str, &[&str]); 2] = [
    (
        "resource",
        &[
            "omni_cluster",
            "omni_config_patch",
            "omni_etcd_backup_s3_config",
            "omni_infra_provider",
            "omni_installation_media_preset",
            "omni_kubernetes_healthcheck",
            "omni_kubernetes_manifest",
            "omni_machine_class",
            "omni_machine_extensions",
            "omni_machine_install_disk",
            "omni_machine_set",
            "omni_machine_set_node",
            "omni_service_account",
            "omni_user",
        ],
    ),
    ("data source", &["omni_installation_media", "omni_service_account", "omni_user"]),
];

#[test]
fn the_guide_to_moving_tells_what_can_be_moved() {
    let provider = provider::new();
    let resources: Vec<_> = provider.resources().iter().map(|r| r.type_name()).collect();
    let sources: Vec<_> = provider.data_sources().iter().map(|s| s.type_name()).collect();
    let rows = OFFICIAL.into_iter().zip([resources, sources]).flat_map(|((kind, theirs), ours)| {
        let here = move |name: &&str| if ours.contains(name) { "yes" } else { "not yet" };
        theirs.iter().map(move |name| format!("| {kind} `{name}` | {} |\n", here(name)))
    });
    let expected = format!("| Type | Here |\n|---|---|\n{}\n", rows.collect::<String>());
    let guide = &pages()["guides/moving-from-siderolabs.md"];
    assert!(guide.contains(&expected), "the guide should hold\n{expected}");
}

/// The guide lists every secret that a state contains by default.
#[test]
fn the_guide_to_secrets_names_every_secret_in_the_state() {
    let provider = provider::new();
    let resources = provider.resources().iter().map(|r| ("resource", r.type_name(), r.schema()));
    let sources = provider.data_sources().iter().map(|s| ("data source", s.type_name(), s.schema()));
    let guide = &pages()["guides/secrets.md"];
    let mut missing = Vec::new();
    for (kind, name, schema) in resources.chain(sources) {
        let row = guide.lines().find(|line| line.starts_with(&format!("| {kind} `{name}` |"))).unwrap_or_default();
        let secrets = schema.attributes.iter().filter(|a| a.sensitive && !a.write_only);
        let secrets = secrets.filter(|a| !row.contains(&format!("`{}`", a.name)));
        missing.extend(secrets.map(|a| format!("{kind} {name}: {}", a.name)));
    }
    assert_eq!(missing, [""; 0]);
}
