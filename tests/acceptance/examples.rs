//! The examples, each held against the schemas by a real CLI: what a page shows can be copied as it is.
//! All of them are modules of one configuration, so that one run of the CLI sees them all.
//!
//! The blocks of other providers, which are not at hand, are left out; what they take from ours is still looked up.

use crate::diagnostic::Diagnostic;
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use regex::Regex;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use terraform_provider_omni::PROVIDER_ADDRESS;

tests![every_example_validates];

/// Hosts know such import blocks from 1.12 on.
const BY_IDENTITY: &str = "import-by-identity.tf";

/// What the names of examples of actions begin with; hosts know such blocks from 1.14 on.
const ACTIONS: &str = "actions_";

/// A block at the top of a file.
struct Block {
    /// `resource`, `ephemeral`, `import`.
    kind: String,
    /// What stands behind it in quotes.
    labels: Vec<String>,
    text: String,
}

impl Block {
    /// Whether another provider is needed for it.
    fn is_foreign(&self) -> bool {
        let of_providers = ["resource", "data", "ephemeral", "provider"].contains(&self.kind.as_str());
        let ours = |label: &String| label == "omni" || label.starts_with("omni_") || label == "terraform_data";
        of_providers && !self.labels.first().is_some_and(ours)
    }
}

fn blocks(text: &str) -> Outcome<Vec<Block>> {
    let quoted = Regex::new("\"([^\"]+)\"")?;
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(kind) = line.split([' ', '{']).next().filter(|w| !w.is_empty() && !w.starts_with('#')) else {
            continue;
        };
        let labels = quoted.captures_iter(line).filter_map(|c| Some(c.get(1)?.as_str().to_owned())).collect();
        let mut text = format!("{line}\n");
        // A block on one line ends there.
        if line.ends_with('{') {
            for line in lines.by_ref() {
                text.push_str(&format!("{line}\n"));
                if line == "}" {
                    break;
                }
            }
        }
        blocks.push(Block { kind: kind.to_owned(), labels, text });
    }
    Ok(blocks)
}

/// An example as a module, and the blocks that only the configuration around it may hold.
#[derive(Default)]
struct Module {
    text: String,
    around: String,
}

/// Makes a module of files that stand side by side.
fn module(name: &str, files: &[PathBuf]) -> Outcome<Module> {
    let mut all = Vec::new();
    for file in files {
        all.extend(blocks(&fs::read_to_string(file)?)?);
    }
    // Other providers cannot be asked for either.
    let asks = Regex::new(r#"source\s*=\s*"([^"]+)""#)?;
    all.retain(|b| b.kind != "terraform" || asks.captures_iter(&b.text).all(|c| &c[1] == "omnirs/omni"));
    let (foreign, ours): (Vec<_>, Vec<_>) = all.into_iter().partition(Block::is_foreign);
    let has = |kind: &str, labels: &[&str]| ours.iter().any(|b| b.kind == kind && b.labels == labels);
    let mut module = Module { around: format!("module {name:?} {{\n  source = \"./{name}\"\n"), ..Module::default() };
    for block in ours.iter().filter(|b| b.kind == "variable" && !b.text.contains("default")) {
        module.around.push_str(&format!("  {} = var.any\n", block.labels.join("")));
    }
    module.around.push_str("  of_others = var.any\n}\n");
    module.text.push_str("variable \"of_others\" {\n  type = any\n}\n");
    let imports = Regex::new(r"to\s*=\s*(\w+)\.(\w+)")?;
    for Block { kind, text, .. } in &ours {
        if kind != "import" {
            module.text.push_str(text);
            continue;
        }
        let target = imports.captures(text).ok_or("an import block without a target")?;
        if !has("resource", &[&target[1], &target[2]]) {
            return Err(format!("{name} imports into {}, which it does not show", &target[0]).into());
        }
        module.around.push_str(&text.replace(&target[0], &format!("to = module.{name}.{}.{}", &target[1], &target[2])));
    }
    for block in &foreign {
        // Nobody answers for their values, which are not known therefore.
        let address =
            Regex::new(&format!(r#"\b(data\.|ephemeral\.)?{}(\.\w+|\[[^\]]*\])+"#, block.labels.join(r"\.")))?;
        module.text = address.replace_all(&module.text, "var.of_others").into_owned();
    }
    let taken = Regex::new(r"\b(data\.|ephemeral\.)?omni_\w+\.\w+(\.\w+)+")?;
    let taken: Vec<_> = foreign.iter().flat_map(|b| taken.find_iter(&b.text)).map(|m| m.as_str()).collect();
    module.text.push_str(&format!("locals {{\n  taken_by_others = [{}]\n}}\n", taken.join(", ")));
    if !has("terraform", &[]) {
        module.text.push_str("terraform {\n  required_providers {\n    omni = { source = \"omnirs/omni\" }\n  }\n}\n");
    }
    // In full, because OpenTofu completes a short address with a host of its own.
    module.text = module.text.replace("\"omnirs/omni\"", &format!("{PROVIDER_ADDRESS:?}"));
    Ok(module)
}

/// The files of each folder below, by the folder's path.
fn examples() -> Outcome<BTreeMap<String, Vec<PathBuf>>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut found: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "tf") {
                let name = folder.strip_prefix(&root)?.to_string_lossy().replace(['/', '-'], "_");
                found.entry(name).or_default().push(path);
            }
        }
    }
    found.values_mut().for_each(|files| files.sort());
    Ok(found)
}

fn every_example_validates(context: &Context) -> Outcome {
    let workspace = Workspace::new(context)?;
    let add = |name: &str, module: &Module| -> Outcome {
        fs::create_dir_all(workspace.path().join(name))?;
        workspace.write(&format!("{name}/main.tf"), &module.text)?;
        workspace.write(&format!("{name}.tf"), &module.around)
    };
    let too_old = |name: &String| name.starts_with(ACTIONS) && !context.cli.has_actions();
    for (name, files) in examples()?.into_iter().filter(|(name, _)| !too_old(name)) {
        // One object can be imported once only, so each of the ways gets a module of its own.
        let (by_identity, rest): (Vec<_>, Vec<_>) = files.into_iter().partition(|f| f.ends_with(BY_IDENTITY));
        add(&name, &module(&name, &rest)?)?;
        if !by_identity.is_empty() && context.cli.is_at_least(12) {
            let again = rest.into_iter().filter(|f| f.ends_with("resource.tf")).chain(by_identity).collect::<Vec<_>>();
            let name = format!("{name}_by_identity");
            add(&name, &module(&name, &again)?)?;
        }
    }
    // Nothing is known of a variable of the root while it is validated, so it fits every argument.
    workspace.write("any.tf", "variable \"any\" {\n  type = any\n}\n")?;
    let validate = || -> Outcome<Vec<Diagnostic>> {
        workspace.run(["get"])?.success()?;
        Diagnostic::errors(&workspace.run(["validate", "-json"])?)
    };
    assert_eq!(validate()?, []);

    // What is wrong is found, also in what only another provider asks of ours.
    let wrong = tempfile::tempdir()?;
    let file = wrong.path().join("resource.tf");
    fs::write(
        &file,
        "resource \"aws_thing\" \"a\" {\n  a = data.omni_machines.a.nothing\n}\n\ndata \"omni_machines\" \"a\" {}\n",
    )?;
    add("wrong", &module("wrong", &[file])?)?;
    let errors = validate()?;
    assert!(errors.len() == 1 && errors[0].detail.contains("nothing"), "{errors:?}");
    Ok(())
}
