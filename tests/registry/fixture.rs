//! What a resource type's lifecycle looks like, as data: `tests/fixtures/<name>/lifecycle.json`;
//! and what a data source gives: `tests/fixtures/<name>/read.json`.

use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// The fixture of one resource type.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    /// Resources that must be there first.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// The configuration to create with.
    pub create: Json,
    /// Changes in place, one after the other, each a JSON merge patch of the configuration.
    #[serde(default)]
    pub updates: Vec<Json>,
    /// Changes that make the object anew: the patch, and the attributes that force it.
    #[serde(default)]
    pub replaces: Vec<Replace>,
    /// Text by which the object is imported.
    pub import: String,
    /// What its list resource has to be told to find the object.
    #[serde(default = "empty")]
    pub list: Json,
    /// Attributes that an import cannot bring, because Omni does not store them.
    #[serde(default)]
    pub not_imported: Vec<String>,
    /// Omni always has the object, so that it is still there when it was destroyed.
    #[serde(default)]
    pub stays: bool,
    /// The object comes to be without Terraform, so that a create only looks for it, and writes nothing.
    #[serde(default)]
    pub found: bool,
    /// Omni gives the object its id, so that no two configurations mean the same one.
    #[serde(default)]
    pub named_by_omni: bool,
    /// Nobody can read the object back. Part of what a refused import says: why that is.
    /// What is made twice is then no conflict, a destroy changes nothing in Omni, and there is no identity.
    pub unreadable: Option<String>,
    /// Configurations that are refused.
    #[serde(default)]
    pub invalid: Vec<Invalid>,
}

/// A resource that must be there first.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its configuration.
    pub config: Json,
}

impl Fixture {
    /// Whether two configurations mean the same object if they say the same.
    pub fn is_one_object(&self) -> bool {
        !self.named_by_omni && self.unreadable.is_none()
    }
}

/// A change that makes the object anew.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replace {
    /// The change, as a JSON merge patch of the configuration.
    pub set: Json,
    /// The attributes that the plan names.
    pub by: Vec<String>,
}

/// A configuration that is refused.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invalid {
    /// What makes it wrong, as a JSON merge patch of the configuration.
    pub set: Json,
    /// The attribute to blame; none for the resource as a whole.
    pub path: Option<String>,
    /// Part of what the diagnostic says.
    pub says: String,
}

/// The fixture of one data source type.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reads {
    /// The world that is read, as a world file would have it; without it, six machines and nothing else.
    #[serde(default)]
    pub world: Json,
    /// Resources that are made before the read, beside what the world has.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// Objects that are put there when the world has come to rest.
    #[serde(default)]
    pub objects: Vec<Given>,
    /// What is read, and what it gives. Together they set every argument.
    pub reads: Vec<Read>,
    /// What cannot be read.
    #[serde(default)]
    pub refuses: Vec<Refusal>,
}

/// An object that is there, whoever makes such objects.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Its type without the domain: `ExposedServices`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Its spec, as protobuf writes it in JSON.
    pub spec: Json,
}

/// A read that finds something.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// The configuration.
    #[serde(default = "empty")]
    pub config: Json,
    /// Part of what is given: an object may have more attributes, and a list has as many elements.
    pub gives: Json,
    /// Attributes that are given, with any value.
    #[serde(default)]
    pub fills: Vec<String>,
}

fn empty() -> Json {
    Json::Object(serde_json::Map::new())
}

/// A read that fails.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The configuration.
    pub config: Json,
    /// The attribute to blame; none for the data source as a whole.
    pub path: Option<String>,
    /// Parts of what the diagnostic says.
    pub says: Vec<String>,
    /// What no diagnostic says.
    #[serde(default)]
    pub hides: Vec<String>,
}

/// The fixture of the data source type.
pub fn reads(name: &str) -> Reads {
    parse_reads(name, &reads_text(name))
}

/// The fixture of the data source type, for the machines and the join token of this host.
pub fn reads_on(host: &crate::host::Host, name: &str) -> Reads {
    parse_reads(name, &host.localized(&reads_text(name)))
}

fn reads_text(name: &str) -> String {
    let path = folder(name).join("read.json");
    std::fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("{name} is registered and is never read: {}: {e}", path.display()))
}

fn parse_reads(name: &str, text: &str) -> Reads {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("the reads of {name}: {e}"))
}

/// The fixture of the resource type.
pub fn load(name: &str) -> Fixture {
    parse(name, &text(name))
}

/// The fixture of the resource type, for the machines of this host.
pub fn on(host: &crate::host::Host, name: &str) -> Fixture {
    parse(name, &host.localized(&text(name)))
}

fn text(name: &str) -> String {
    let path = folder(name).join("lifecycle.json");
    std::fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("{name} is registered and has no lifecycle: {}: {e}", path.display()))
}

fn parse(name: &str, text: &str) -> Fixture {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("the lifecycle of {name}: {e}"))
}

/// Where the test data of a type lie.
pub fn folder(name: &str) -> std::path::PathBuf {
    let short = name.strip_prefix("omni_").unwrap_or(name);
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(short)
}

/// The document with the merge patch applied.
pub fn merged(document: &Json, patch: &Json) -> Json {
    let (Json::Object(document), Json::Object(patch)) = (document, patch) else { return patch.clone() };
    let mut document = document.clone();
    for (key, value) in patch {
        if value.is_null() {
            document.remove(key);
        } else {
            let next = merged(document.get(key).unwrap_or(&Json::Null), value);
            document.insert(key.clone(), next);
        }
    }
    Json::Object(document)
}
