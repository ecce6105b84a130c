//! One configuration of every resource type, as the fixtures have them: applied, changed, imported elsewhere, and destroyed,
//! on servers of several releases. A type that is registered joins by its fixture.

use crate::omni::{Omni, TICK};
use crate::plan::Action;
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use kit::version;
use omni_sim::{Mode, Options, Release, inventory};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::path::Path;
use terraform_provider_omni::provider;
use terraform_provider_omni::tf::schema::{Attribute, Schema};

tests![every_type_at_once, every_type_of_1_10_at_once, every_type_of_1_6_at_once];

fn every_type_at_once(context: &Context) -> Outcome {
    run(context, Release::NEWEST)
}

fn every_type_of_1_10_at_once(context: &Context) -> Outcome {
    run(context, Release::V1_10)
}

fn every_type_of_1_6_at_once(context: &Context) -> Outcome {
    run(context, Release::V1_6)
}

/// What tells the objects of a type apart, as far as it is configured.
const NAMES: [&str; 6] = ["name", "cluster", "role", "machine_id", "machine_set", "email"];

/// Types whose objects other types manage too: they get machines of their own, instead of the first two.
const SHARED: [&str; 2] = [TEMPLATE, "omni_resource"];
/// Its import brings the text that an export writes, and not the configured one: `templates` imports it.
const TEMPLATE: &str = "omni_cluster_template";

/// How the key of an account is made and renewed.
const KEY_SETTINGS: [&str; 3] = ["renew_before", "renew_trigger", "ttl"];

/// The Talos version of the fixtures, and one that every release offers.
const TALOS: [&str; 2] = ["1.13.5", "1.13.8"];

/// A resource of the configuration.
struct Block {
    kind: String,
    config: Map<String, Json>,
    /// The addresses of what must be there before.
    after: Vec<String>,
    /// Attributes that an import cannot bring.
    not_imported: Vec<String>,
    /// The change in place, as a merge patch.
    change: Json,
}

/// The blocks, in the order in which they were found; the number of a block is its label.
struct Blocks {
    all: Vec<Block>,
    schemas: BTreeMap<String, Schema>,
    release: Release,
}

impl Blocks {
    /// The configuration of every type that the release has.
    fn of(release: Release, token: &str) -> Outcome<Self> {
        let provider = provider::new();
        let schemas: BTreeMap<_, _> =
            provider.resources().iter().map(|r| (r.type_name().to_owned(), r.schema().clone())).collect();
        let known: Vec<_> = schemas.iter().filter(|(_, schema)| has(release, schema.since)).collect();
        let mut fixtures = Vec::new();
        for (kind, _) in &known {
            fixtures.push(((*kind).clone(), fixture(kind, token)?));
        }
        let mut blocks = Self { all: Vec::new(), schemas: schemas.clone(), release };
        // Needs come first: the fixture of their own type may want another version of the same object.
        let mut needed = BTreeMap::new();
        for (kind, fixture) in &fixtures {
            let mut after = Vec::new();
            for need in fixture["needs"].as_array().into_iter().flatten() {
                let of = need["type"].as_str().ok_or("a need without a type")?;
                let address = blocks.add(of, &need["config"], &after, &json!({}))?;
                after.push(address);
            }
            needed.insert(kind.clone(), after);
        }
        for (kind, fixture) in &fixtures {
            blocks.add(kind, &fixture["create"], &needed[kind], fixture)?;
        }
        Ok(blocks)
    }

    /// Adds a block, unless there is one for the same object; returns its address.
    fn add(&mut self, kind: &str, config: &Json, after: &[String], fixture: &Json) -> Outcome<String> {
        let schema = self.schemas.get(kind).ok_or_else(|| format!("{kind} is not registered"))?;
        let config = config.as_object().ok_or_else(|| format!("{kind}: the configuration is no object"))?;
        let not_imported: Vec<String> = fixture["not_imported"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect();
        let labels = schema.attribute("labels").is_some_and(Attribute::configurable);
        let change = match fixture["found"].as_bool() {
            // What steers the provider is no part of the object, and an import cannot bring it.
            Some(true) => json!({ "timeouts": { "read": "1m" } }),
            _ if labels => json!({ "labels": { "changed": "yes" } }),
            _ => fixture["updates"].get(0).cloned().unwrap_or_default(),
        };
        let names = |config: &Map<String, Json>| NAMES.map(|name| config.get(name).cloned());
        let same = |block: &Block| block.kind == kind && names(&block.config) == names(config);
        if let Some(at) = self.all.iter().position(same) {
            let block = &mut self.all[at];
            block.not_imported.extend(not_imported);
            if block.change.is_null() {
                block.change = change;
            }
            return Ok(self.address(at));
        }
        let mut config = available(self.release, &schema.attributes, config);
        if kind == "omni_installation_media_preset" && !has(self.release, Some("1.8")) {
            config.insert("join_token".to_owned(), json!("TOKEN"));
        }
        self.all.push(Block { kind: kind.to_owned(), config, after: after.to_vec(), not_imported, change });
        Ok(self.address(self.all.len() - 1))
    }

    fn address(&self, at: usize) -> String {
        format!("{}.b{at}", self.all[at].kind)
    }

    /// The configuration as a host reads it, each block as `fit` makes it; one that it leaves out is left out.
    fn text(&self, fit: impl Fn(&Block) -> Option<Json>) -> String {
        let mut resources: BTreeMap<&str, Map<String, Json>> = BTreeMap::new();
        for (at, block) in self.all.iter().enumerate() {
            let Some(mut config) = fit(block) else { continue };
            config["depends_on"] = json!(block.after);
            resources.entry(&block.kind).or_default().insert(format!("b{at}"), config);
        }
        json!({ "resource": resources }).to_string()
    }
}

/// Whether the release has what came with `since`.
fn has(release: Release, since: Option<&str>) -> bool {
    let number = |text: &str| version::parse(&format!("{text}.0")).expect("a release");
    since.is_none_or(|since| number(&release.to_string()) >= number(since))
}

/// A configuration without the attributes that the release does not have.
fn available(release: Release, attributes: &[Attribute], config: &Map<String, Json>) -> Map<String, Json> {
    let fits = |name: &String, value: &Json| {
        let attribute = attributes.iter().find(|attribute| attribute.name == name);
        let since = attribute.and_then(|attribute| attribute.since);
        // Some need it for certain values only.
        let since = since.filter(|since| since.values.is_empty() || since.values.iter().any(|known| value == known));
        has(release, since.map(|since| since.release))
    };
    let inner = |(name, value): (&String, &Json)| {
        let nested = attributes.iter().find(|attribute| attribute.name == name).map(Attribute::nested);
        let value = match (value, nested) {
            (Json::Object(entries), Some(nested)) if !nested.is_empty() => {
                Json::Object(available(release, nested, entries))
            }
            (value, _) => value.clone(),
        };
        (name.clone(), value)
    };
    config.iter().filter(|(name, value)| fits(name, value) && !value.is_null()).map(inner).collect()
}

fn fixture(kind: &str, token: &str) -> Outcome<Json> {
    let short = kind.strip_prefix("omni_").unwrap_or(kind);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(short).join("lifecycle.json");
    let text = std::fs::read_to_string(&path).map_err(|error| {
        format!("{kind} is registered, and has no configuration for this test: {}: {error}", path.display())
    })?;
    let text = text.replace("MACHINE_1", &inventory::id(1)).replace("MACHINE_2", &inventory::id(2));
    let text = text.replace("JOIN_TOKEN_1", token).replace(TALOS[0], TALOS[1]);
    let text = match SHARED.contains(&kind) {
        true => text.replace(&inventory::id(1), &inventory::id(5)).replace(&inventory::id(2), &inventory::id(6)),
        false => text,
    };
    Ok(serde_json::from_str(&text)?)
}

/// The document with the merge patch applied.
fn merged(document: &Json, patch: &Json) -> Json {
    if patch.is_null() {
        return document.clone();
    }
    let (Json::Object(document), Json::Object(patch)) = (document, patch) else { return patch.clone() };
    let mut document = document.clone();
    for (key, value) in patch {
        let next = merged(document.get(key).unwrap_or(&Json::Null), value);
        document.insert(key.clone(), next);
    }
    Json::Object(document)
}

fn run(context: &Context, release: Release) -> Outcome {
    let world = json!({ "machines": [{ "count": Options::default().machines }], "providers": [{ "name": "qemu" }] });
    let world = Some(world.to_string().parse().expect("a world"));
    let omni =
        Omni::with(Options { release, mode: Mode::Auto { tick: TICK }, machines: 0, world, ..Options::default() })?;
    let before = omni.settled_objects()?;
    let token = omni.ids("JoinTokens").into_iter().next().ok_or("no join token")?;
    let mut blocks = Blocks::of(release, &token)?;
    for block in &mut blocks.all {
        block.config.values_mut().filter(|value| **value == json!("TOKEN")).for_each(|value| *value = json!(token));
    }
    let whole = |block: &Block| Json::Object(block.config.clone());

    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf.json", &blocks.text(|block| Some(whole(block))))?;
    workspace.apply()?;
    omni.settle()?;
    workspace.plan()?.must_be_empty()?;

    let changed = |block: &Block| merged(&whole(block), &block.change);
    workspace.write("main.tf.json", &blocks.text(|block| Some(changed(block))))?;
    let plan = workspace.plan_out("change.tfplan")?;
    let updates: BTreeMap<String, Action> =
        (0..blocks.all.len()).map(|at| (blocks.address(at), Action::Update)).collect();
    let planned: BTreeMap<String, Action> =
        plan.actions().into_iter().map(|(a, action)| (a.to_owned(), action)).collect();
    assert_eq!(planned, updates);
    workspace.apply_plan("change.tfplan")?.success()?;
    omni.settle()?;
    workspace.plan()?.must_be_empty()?;

    // Whatever can be imported: by what names it, into a state that knows nothing.
    let provider = provider::new();
    let identity = |kind: &str| {
        let resource = provider.resources().iter().find(|resource| resource.type_name() == kind && kind != TEMPLATE)?;
        Some(resource.identity()?.attributes.iter().map(|part| part.name).collect::<Vec<_>>())
    };
    let state = workspace.state()?;
    let mut imports = String::new();
    let mut given_up = vec!["state".to_owned(), "rm".to_owned()];
    for resource in state["values"]["root_module"]["resources"].as_array().into_iter().flatten() {
        let (address, kind) =
            (resource["address"].as_str().ok_or("no address")?, resource["type"].as_str().ok_or("no type")?);
        if let Some(names) = identity(kind) {
            let part = |name| resource["values"][name].as_str().ok_or_else(|| format!("{address} has no {name}"));
            let id = names.into_iter().map(part).collect::<Result<Vec<_>, _>>()?.join("/");
            given_up.push(address.to_owned());
            imports.push_str(&format!("import {{\n  to = {address}\n  id = {id:?}\n}}\n"));
        }
    }
    let second = Workspace::of(context, &omni)?;
    let imported = |block: &Block| {
        identity(&block.kind)?;
        let mut config = changed(block);
        // Omni does not keep what a key was made with.
        let of_key = block.config.contains_key("renew_trigger").then_some(KEY_SETTINGS).into_iter().flatten();
        for name in block.not_imported.iter().map(String::as_str).chain(of_key) {
            config.as_object_mut()?.remove(name);
        }
        Some(config)
    };
    second.write("main.tf.json", &blocks.text(imported))?;
    second.write("import.tf", &imports)?;
    let plan = second.plan_out("import.tfplan")?;
    let changes: Vec<_> =
        plan.actions().into_keys().map(|address| (address, plan.changed_attributes(address))).collect();
    assert_eq!(changes, []);
    assert_eq!(plan.imports().len(), imports.matches("import {").count());
    second.apply_plan("import.tfplan")?.success()?;
    second.remove("import.tf")?;
    second.plan()?.must_be_empty()?;

    second.destroy()?;
    // What cannot be imported is destroyed where it was made.
    workspace.run(given_up)?.success()?;
    workspace.destroy()?;
    // What an image factory has registered stays registered.
    let left: Vec<_> = omni.settled_objects()?.into_iter().filter(|key| !key.starts_with("Schematics.")).collect();
    assert_eq!(left, before.into_iter().collect::<Vec<_>>());
    Ok(())
}
