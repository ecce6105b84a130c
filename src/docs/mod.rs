//! Generates the registry pages from schemas, examples and guides.
//! It must not know any single resource, except for the subcategories in `groups`: the content of a page comes from its schema.

mod examples;
mod groups;
mod guide;
mod links;
mod overview;
mod page;
mod schema;

use crate::tf::provider::Provider;
use std::path::{Path, PathBuf};

pub use overview::overview;

/// The name that users give the provider; every type begins with it.
const PROVIDER: &str = "omni";

/// The registry takes no page of this size or more.
const PAGE_LIMIT: usize = 500_000;

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where it lies under `docs/`, with `/` between the parts.
    pub path: String,
    /// Its Markdown.
    pub text: String,
}

/// Why the pages cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum DocsError {
    /// Example files that the pages show are not there or hold nothing.
    #[error("the docs need these example files, which are missing or empty: {}", list(.files))]
    MissingExamples {
        /// Every one of them.
        files: Vec<PathBuf>,
    },
    /// An example file is there and cannot be read.
    #[error("could not read the example file {}", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A guide has no title.
    #[error("the guide `{name}` has no `page_title` in its front matter")]
    UntitledGuide {
        /// The guide's file name without its ending.
        name: &'static str,
    },
    /// A type does not carry the provider's name.
    #[error("the type `{type_name}` does not begin with `{PROVIDER}_`")]
    ForeignType {
        /// The type.
        type_name: &'static str,
    },
    /// A link leads to no page.
    #[error("the page {page} links to `{link}`, which is no page")]
    DeadLink {
        /// The page that holds it.
        page: String,
        /// As it is written.
        link: String,
    },
    /// A page is larger than the registry allows.
    #[error("the page {path} has {size} bytes; the registry takes less than {PAGE_LIMIT}")]
    TooLarge {
        /// The page.
        path: String,
        /// Its size in bytes.
        size: usize,
    },
}

fn list(files: &[PathBuf]) -> String {
    files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Writes every page, sorted by path.
///
/// # Errors
/// When example files are missing, naming all of them, or when a page would not be accepted.
pub fn render(provider: &dyn Provider, examples: &Path) -> Result<Vec<Page>, DocsError> {
    let mut examples = examples::Examples::under(examples);
    let guides = guide::all()?;
    let mut pages = vec![page::index(provider.schema(), &guides, &mut examples)?];
    for resource in provider.resources() {
        pages.push(page::resource(resource.as_ref(), &mut examples)?);
    }
    for source in provider.data_sources() {
        pages.push(page::data_source(source.as_ref(), &mut examples)?);
    }
    for item in provider.ephemerals() {
        pages.push(page::ephemeral(item.as_ref(), &mut examples)?);
    }
    for list in provider.list_resources() {
        pages.push(page::list_resource(list.as_ref(), &mut examples)?);
    }
    for action in provider.actions() {
        pages.push(page::action(action.as_ref(), &mut examples)?);
    }
    for function in provider.functions() {
        pages.push(page::function(function.as_ref(), &mut examples)?);
    }
    examples.all_found()?;
    pages.extend(guides.iter().map(guide::Guide::page));
    links::absolute(&mut pages)?;
    if let Some(page) = pages.iter().find(|p| p.text.len() >= PAGE_LIMIT) {
        return Err(DocsError::TooLarge { path: page.path.clone(), size: page.text.len() });
    }
    pages.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tf::action::{Action, Progress};
    use crate::tf::check::Rule;
    use crate::tf::data_source::DataSource;
    use crate::tf::described::Described;
    use crate::tf::diag::Diagnostics;
    use crate::tf::done::Done;
    use crate::tf::ephemeral::{Ephemeral, Opened};
    use crate::tf::function::{Function, FunctionError, Parameter, Signature};
    use crate::tf::resource::{Context, Create, Delete, ImportBy, Outcome, Read, Resource, Update};
    use crate::tf::schema::{Attribute, IdentitySchema, Schema, boolean, number, object, objects, plain, string};
    use crate::tf::value::{Type, Value};
    use async_trait::async_trait;
    use std::sync::Arc;

    struct Fake {
        name: &'static str,
        schema: Schema,
        identity: Option<IdentitySchema>,
    }

    #[async_trait]
    impl Described for Fake {
        fn type_name(&self) -> &'static str {
            self.name
        }
        fn schema(&self) -> &Schema {
            &self.schema
        }
    }

    #[async_trait]
    impl Resource for Fake {
        fn identity(&self) -> Option<&IdentitySchema> {
            self.identity.as_ref()
        }
        async fn create(&self, _: &Context, _: Create) -> Outcome {
            Outcome::default()
        }
        async fn read(&self, _: &Context, _: Read) -> Outcome {
            Outcome::default()
        }
        async fn update(&self, _: &Context, _: Update) -> Outcome {
            Outcome::default()
        }
        async fn delete(&self, _: &Context, _: Delete) -> Outcome {
            Outcome::default()
        }
        async fn import(&self, _: &Context, _: ImportBy) -> Outcome {
            Outcome::default()
        }
    }

    #[async_trait]
    impl DataSource for Fake {
        async fn read(&self, _: &Context, _: Value) -> Result<Done<Value>, Diagnostics> {
            Err(Diagnostics::default())
        }
    }

    #[async_trait]
    impl Ephemeral for Fake {
        async fn open(&self, _: &Context, config: Value) -> Result<Done<Opened>, Diagnostics> {
            Ok(Opened::new(config).into())
        }
    }

    #[async_trait]
    impl Action for Fake {
        async fn invoke(&self, _: &Context, _: Value, _: &dyn Progress) -> Result<Done<()>, Diagnostics> {
            Ok(().into())
        }
    }

    struct FakeFunction(Signature);

    impl Function for FakeFunction {
        fn name(&self) -> &'static str {
            "stack"
        }
        fn signature(&self) -> &Signature {
            &self.0
        }
        fn call(&self, _: &[Value]) -> Result<Value, FunctionError> {
            Ok(Value::Null)
        }
    }

    struct FakeProvider {
        schema: Schema,
        resources: Vec<Arc<dyn Resource>>,
        data_sources: Vec<Arc<dyn DataSource>>,
        ephemerals: Vec<Arc<dyn Ephemeral>>,
        actions: Vec<Arc<dyn Action>>,
        functions: Vec<Arc<dyn Function>>,
    }

    #[async_trait]
    impl Provider for FakeProvider {
        fn schema(&self) -> &Schema {
            &self.schema
        }
        async fn configure(&self, _: &Context, _: Value, _: &str) -> Diagnostics {
            Diagnostics::default()
        }
        fn resources(&self) -> &[Arc<dyn Resource>] {
            &self.resources
        }
        fn data_sources(&self) -> &[Arc<dyn DataSource>] {
            &self.data_sources
        }
        fn ephemerals(&self) -> &[Arc<dyn Ephemeral>] {
            &self.ephemerals
        }
        fn actions(&self) -> &[Arc<dyn Action>] {
            &self.actions
        }
        fn functions(&self) -> &[Arc<dyn Function>] {
            &self.functions
        }
    }

    fn box_schema() -> Schema {
        let lid = object(
            "lid",
            vec![
                string("colour").required().doc("Its colour."),
                objects("hinges", vec![number("angle").default(90).doc("How far it opens.")]).doc("What it hangs on."),
                string("maker").computed().doc("Who made it."),
            ],
        );
        let timeouts = object("timeouts", vec![string("create").default("10m").doc("How long making it may take.")]);
        Schema::new("Keeps things in a box. Boxes can be stacked.")
            .with(string("name").required().replaces().doc("The name of the box."))
            .with(lid.doc("The lid."))
            .with(timeouts.doc("How long operations may take."))
            .with(plain("tags", Type::map(Type::String)).doc("Tags of the box.\n\nThey may be empty."))
            .with(boolean("locked").default(false).doc("Whether it is locked."))
            .with(plain("kinds", Type::set(Type::list(Type::Number))).replaces_if(|_, _| true).doc("What may go in."))
            .with(string("pin").sensitive().doc("Opens the lock."))
            .with(string("pin_wo").sensitive().write_only().doc("Opens the lock and is never stored."))
            .with(Attribute { deprecated: Some("Use `lid` instead."), ..string("cover") }.doc("The cover."))
            .with(string("id").computed())
            .rule(Rule::AtMostOne(&["pin", "pin_wo"]))
            .rule(Rule::Needs("lid.colour", "locked"))
    }

    fn provider() -> FakeProvider {
        let plain_schema = || Schema::new("Looks into a box.").with(string("name").required().doc("The name."));
        FakeProvider {
            schema: Schema::new("Manages boxes. It needs a key.").with(string("endpoint").doc("Where the boxes are.")),
            resources: vec![
                Arc::new(Fake {
                    name: "omni_box",
                    schema: box_schema(),
                    identity: Some(IdentitySchema::of("name", "The name of the box.")),
                }),
                Arc::new(Fake { name: "omni_bag", schema: plain_schema(), identity: None }),
            ],
            data_sources: vec![Arc::new(Fake { name: "omni_boxes", schema: plain_schema(), identity: None })],
            ephemerals: vec![Arc::new(Fake { name: "omni_glimpse", schema: plain_schema(), identity: None })],
            actions: vec![Arc::new(Fake { name: "omni_shake", schema: plain_schema(), identity: None })],
            functions: vec![Arc::new(FakeFunction(Signature {
                summary: "Stacks boxes.",
                description: "Stacks boxes, the first at the bottom.",
                parameters: vec![Parameter::new("floor", Type::String, "Where to stack.")],
                variadic: Some(Parameter::new("boxes", Type::list(Type::Number), "What to stack.")),
                returns: Type::Number,
            }))],
        }
    }

    const FILES: [(&str, &str); 12] = [
        ("provider/provider.tf", "provider \"omni\" {}\n"),
        ("resources/omni_box/resource.tf", "resource \"omni_box\" \"a\" {}\n\n"),
        ("resources/omni_box/import.sh", "terraform import omni_box.a a\n"),
        ("resources/omni_box/import-by-string-id.tf", "import {\n  id = \"a\"\n}\n"),
        ("resources/omni_box/import-by-identity.tf", "import {\n  identity = { name = \"a\" }\n}\n"),
        ("resources/omni_bag/resource.tf", "resource \"omni_bag\" \"a\" {}\n"),
        ("resources/omni_bag/import.sh", "terraform import omni_bag.a a\n"),
        ("resources/omni_bag/import-by-string-id.tf", "import {}\n"),
        ("data-sources/omni_boxes/data-source.tf", "data \"omni_boxes\" \"a\" {}\n"),
        ("ephemeral-resources/omni_glimpse/ephemeral-resource.tf", "ephemeral \"omni_glimpse\" \"a\" {}\n"),
        ("actions/omni_shake/action.tf", "action \"omni_shake\" \"a\" {}\n"),
        ("functions/stack/function.tf", "output \"a\" {}\n"),
    ];

    fn examples(without: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in FILES.iter().filter(|(path, _)| !without.contains(path)) {
            let file = folder.path().join(path);
            std::fs::create_dir_all(file.parent().expect("a parent")).expect("folders");
            std::fs::write(file, text).expect("a file");
        }
        folder
    }

    fn text_of(path: &str) -> String {
        let pages = render(&provider(), examples(&[]).path()).expect("pages");
        pages.into_iter().find(|p| p.path == path).expect(path).text
    }

    #[test]
    fn every_type_and_guide_has_a_page() {
        let pages = render(&provider(), examples(&[]).path()).expect("pages");
        let paths: Vec<_> = pages.iter().map(|p| p.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "actions/shake.md",
                "data-sources/boxes.md",
                "ephemeral-resources/glimpse.md",
                "functions/stack.md",
                "guides/a-whole-cluster.md",
                "guides/an-existing-omni.md",
                "guides/drift-and-conflicts.md",
                "guides/from-cluster-templates.md",
                "guides/getting-started.md",
                "guides/moving-from-siderolabs.md",
                "guides/omni-sim.md",
                "guides/secrets.md",
                "guides/test-your-modules.md",
                "guides/worlds.md",
                "index.md",
                "resources/bag.md",
                "resources/box.md"
            ]
        );
    }

    #[test]
    fn a_resource_page_in_full() {
        let expected = include_str!("testdata/box.md");
        assert_eq!(text_of("resources/box.md"), expected);
    }

    #[test]
    fn a_function_page_shows_how_to_call_it() {
        let text = text_of("functions/stack.md");
        assert!(text.contains("```text\nstack(floor string, boxes list of number...) number\n```\n"), "{text}");
        assert!(text.contains("1. `floor` (String) Where to stack.\n"), "{text}");
        assert!(text.contains("1. `boxes` (Variadic, List of Number) What to stack.\n"), "{text}");
    }

    #[test]
    fn an_ephemeral_resource_page_says_what_it_needs() {
        let text = text_of("ephemeral-resources/glimpse.md");
        assert!(text.contains("# omni_glimpse (Ephemeral Resource)"), "{text}");
        assert!(text.contains("Terraform 1.10"), "{text}");
    }

    #[test]
    fn an_action_page_has_the_title_of_its_kind() {
        let text = text_of("actions/shake.md");
        for part in [
            "page_title: \"omni_shake Action - omni\"",
            "# Action: omni_shake\n",
            "Terraform 1.14",
            "-invoke=action.omni_shake.",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn the_index_names_the_guides() {
        let text = text_of("index.md");
        assert!(
            text.starts_with("---\npage_title: \"omni Provider\"\ndescription: |-\n  Manages boxes.\n---\n"),
            "{text}"
        );
        assert!(!text.contains("subcategory"), "{text}");
        assert!(text.contains("- [Getting started](https://registry.terraform.io/providers/omnirs/omni/latest/docs/guides/getting-started)\n"), "{text}");
        assert!(text.contains("```terraform\nprovider \"omni\" {}\n```\n"), "{text}");
        assert!(text.contains("- `endpoint` (String) Where the boxes are.\n"), "{text}");
    }

    #[test]
    fn only_resources_can_be_imported() {
        assert!(!text_of("data-sources/boxes.md").contains("## Import"));
        let bag = text_of("resources/bag.md");
        assert!(bag.contains("## Import") && !bag.contains("by its identity"), "{bag}");
    }

    #[test]
    fn all_missing_examples_are_named_at_once() {
        let without = ["resources/omni_box/import-by-identity.tf", "data-sources/omni_boxes/data-source.tf"];
        let folder = examples(&without);
        std::fs::write(folder.path().join("provider/provider.tf"), "\n").expect("a file");
        match render(&provider(), folder.path()) {
            Err(DocsError::MissingExamples { mut files }) => {
                files.sort();
                let mut expected: Vec<_> = without.iter().map(|f| folder.path().join(f)).collect();
                expected.push(folder.path().join("provider/provider.tf"));
                expected.sort();
                assert_eq!(files, expected);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_page_too_large_for_the_registry_is_refused() {
        let mut provider = provider();
        provider.schema = Schema::new("x".repeat(PAGE_LIMIT));
        let error = render(&provider, examples(&[]).path()).expect_err("too large");
        assert!(matches!(&error, DocsError::TooLarge { path, .. } if path == "index.md"), "{error}");
    }

    #[test]
    fn a_type_of_another_provider_is_refused() {
        let mut provider = provider();
        provider.resources = vec![Arc::new(Fake { name: "talos_box", schema: Schema::new("A."), identity: None })];
        let error = render(&provider, examples(&[]).path()).expect_err("foreign");
        assert!(matches!(error, DocsError::ForeignType { type_name: "talos_box" }), "{error}");
    }
}
