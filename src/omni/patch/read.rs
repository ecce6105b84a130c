//! Parses patches: the documents of each, what each one deletes, and what it sets.
//! It must not know how patches are merged.

use super::PatchError;
use super::fields;
use super::fields::{Fields, MAIN, Place, Rule};
use kit::text::quoted;
use kit::yaml::{Budget, Node, Scalar};

/// The mark that a patch takes something away.
pub(super) const MARK: &str = "$patch";
const DELETE: &str = "delete";
/// The version of every kind of document that there is.
const VERSION: &str = "v1alpha1";

/// Fields that name an element of a list.
const NAMING: &[&str] = &["name", "interface", "image", "mountPath", "path", "address", "subnet", "network", "device"];

/// Entries of a map, in the order in which they were written.
pub(super) type Entries = Vec<(Scalar, Node)>;

/// What makes documents of several patches one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Id {
    pub(super) version: String,
    /// [`MAIN`] for the main document.
    pub(super) kind: String,
    pub(super) name: String,
}

impl Id {
    pub(super) fn is_main(&self) -> bool {
        self.kind == MAIN
    }

    /// The document as a person calls it.
    pub(super) fn display(&self) -> String {
        match (self.is_main(), self.name.as_str()) {
            (true, _) => "the machine configuration".to_owned(),
            (false, "") => quoted(&self.kind),
            (false, name) => format!("{} {}", quoted(&self.kind), quoted(name)),
        }
    }

    pub(super) fn fields(&self) -> Option<&'static Fields> {
        fields::of(&self.kind)
    }
}

/// A place that a patch takes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// The keys that lead there, or to the list.
    pub(super) path: Vec<String>,
    /// The field and the text by which an element of the list is found.
    pub(super) element: Option<(Scalar, Scalar)>,
}

impl Mark {
    /// The place as a person writes it.
    pub(super) fn display(&self) -> String {
        let path = display(&self.path);
        match &self.element {
            None => path,
            // What names an element is no secret; a content or a key may be one.
            Some((key, value)) if NAMING.contains(&key.key()) => format!("{path}[{}: {}]", key.text, value.text),
            Some((key, _)) => format!("{path}[{}]", key.text),
        }
    }
}

/// A path as a person writes it.
pub(super) fn display(path: &[String]) -> String {
    let mut out = String::new();
    for part in path {
        if part.contains('.') {
            out.push_str(&format!("[\"{part}\"]"));
        } else {
            out.push_str(if out.is_empty() { "" } else { "." });
            out.push_str(part);
        }
    }
    out
}

/// A document of a patch: first the marks act, then the entries are merged.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) id: Id,
    /// Whether the whole document is taken away.
    pub(super) cleared: bool,
    pub(super) marks: Vec<Mark>,
    /// What is set; none where nothing is, not even that the document is there.
    pub(super) sets: Option<Entries>,
}

/// The documents of a patch, in their order.
pub(super) fn documents(text: &str, budget: &mut Budget) -> Result<Vec<Document>, PatchError> {
    let nodes = super::nodes(text, budget)?;
    let nodes: Vec<_> = nodes.into_iter().enumerate().filter(|(_, node)| !node.is_null()).collect();
    let something = !nodes.is_empty();
    let mut documents = Vec::with_capacity(nodes.len());
    for (at, node) in nodes {
        documents.extend(document(at + 1, node)?);
    }
    if something && documents.is_empty() { Err(PatchError::Nothing) } else { Ok(documents) }
}

/// The document, if it says anything.
fn document(number: usize, node: Node) -> Result<Option<Document>, PatchError> {
    let entries = match node {
        Node::Map(entries) => entries,
        Node::List(elements) if is_json_patch(&elements) => return Err(PatchError::JsonPatch),
        _ => return Err(PatchError::NotMapping(number)),
    };
    let id = identify(&entries)?;
    if entries.iter().any(|(key, value)| is_mark(key, value)) {
        return match id.is_main() || id.version.is_empty() {
            true => Err(PatchError::DeletesRoot),
            false => Ok(Some(Document { id, cleared: true, marks: Vec::new(), sets: None })),
        };
    }
    let mut marks = Vec::new();
    let mut extraction = Extraction { fields: id.fields(), path: Vec::new(), marks: &mut marks };
    let entries = extraction.document(entries)?;
    // What says no more than which document it is sets nothing, unless it names a kind and a version.
    let hollow = entries.iter().all(|(key, value)| {
        matches!(key.text.as_str(), "version" | "kind" | "name") && matches!(value, Node::Scalar(_))
    });
    let sets = (!hollow).then_some(entries);
    Ok((sets.is_some() || !marks.is_empty()).then_some(Document { id, cleared: false, marks, sets }))
}

fn is_json_patch(elements: &[Node]) -> bool {
    !elements.is_empty() && elements.iter().all(|element| element.get("op").is_some())
}

fn identify(entries: &Entries) -> Result<Id, PatchError> {
    let text = |wanted: &str| {
        let value = entries.iter().find(|(key, _)| key.text == wanted).map(|(_, value)| value);
        value.filter(|value| !value.is_null()).and_then(Node::text).unwrap_or_default().to_owned()
    };
    let (version, kind) = (text("apiVersion"), text("kind"));
    let is_main = |(key, _): &(Scalar, Node)| matches!(key.text.as_str(), "machine" | "cluster" | "debug" | "persist");
    let marked = entries.iter().any(|(key, value)| is_mark(key, value));
    let main = kind.is_empty() && (version == VERSION || entries.iter().any(is_main) || marked || hollow(entries));
    match (kind.is_empty(), version.as_str()) {
        (true, _) if main => Ok(Id { version: String::new(), kind: MAIN.to_owned(), name: String::new() }),
        (true, _) => Err(PatchError::NoKind(entries.first().map(|(key, _)| key.text.clone()).unwrap_or_default())),
        (false, "") => Err(PatchError::NoVersion(kind)),
        (false, version) if version != VERSION && fields::of(&kind).is_some() => {
            Err(PatchError::WrongVersion(kind, version.to_owned()))
        }
        (false, _) => Ok(Id { version, kind, name: text("name") }),
    }
}

/// Whether nothing is said but which version or name it has.
fn hollow(entries: &Entries) -> bool {
    entries.iter().all(|(key, _)| matches!(key.text.as_str(), "version" | "name"))
}

/// Whether this entry marks its map as taken away.
pub(super) fn is_mark(key: &Scalar, value: &Node) -> bool {
    key.text == MARK && value.text() == Some(DELETE)
}

/// The walk that takes marks out of a document; what they leave empty goes with them.
struct Extraction<'m> {
    fields: Option<&'static Fields>,
    path: Vec<String>,
    marks: &'m mut Vec<Mark>,
}

impl Extraction<'_> {
    fn document(&mut self, entries: Entries) -> Result<Entries, PatchError> {
        let fields = self.fields;
        let mut kept = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            if key.text == MARK {
                return Err(PatchError::UnknownDirective(MARK.to_owned()));
            }
            let place = Place::first(fields, key.key());
            if let Some(value) = self.value(&key, value, place, false)? {
                kept.push((key, value));
            }
        }
        Ok(kept)
    }

    /// What is left of the value at this key, if anything is.
    fn value(&mut self, key: &Scalar, value: Node, place: Place, listed: bool) -> Result<Option<Node>, PatchError> {
        self.path.push(key.key().to_owned());
        let left = match value {
            Node::Map(entries) if entries.iter().any(|(key, value)| is_mark(key, value)) => {
                if listed {
                    return Err(PatchError::InsideElement(display(&self.path)));
                }
                self.marks.push(Mark { path: self.path.clone(), element: None });
                None
            }
            Node::Map(entries) => self.map(entries, place, listed)?,
            Node::List(elements) => self.list(elements, place, listed)?,
            scalar => Some(scalar),
        };
        self.path.pop();
        Ok(left)
    }

    fn map(&mut self, entries: Entries, place: Place, listed: bool) -> Result<Option<Node>, PatchError> {
        let before = entries.len();
        let mut kept = Vec::with_capacity(before);
        for (key, value) in entries {
            // In a map whose keys anybody chooses, another word makes it a key like any other.
            let open = match place {
                Place::Field(field) => field.rule.is_open(),
                Place::Entry(map) => matches!(map.rule, Rule::Free { .. }),
                Place::Inside => true,
                Place::Unknown => false,
            };
            if key.text == MARK && !open {
                return Err(PatchError::UnknownDirective(display(&self.path)));
            }
            let inner = place.step(key.key());
            if let Some(value) = self.value(&key, value, inner, listed)? {
                kept.push((key, value));
            }
        }
        Ok((before == 0 || !kept.is_empty()).then_some(Node::Map(kept)))
    }

    fn list(&mut self, elements: Vec<Node>, place: Place, listed: bool) -> Result<Option<Node>, PatchError> {
        let before = elements.len();
        let mut kept = Vec::with_capacity(before);
        for element in elements {
            let element = match element {
                Node::Map(entries) if entries.iter().any(|(key, value)| is_mark(key, value)) => {
                    if listed {
                        return Err(PatchError::InsideElement(display(&self.path)));
                    }
                    let element = self.element(entries, place)?;
                    self.marks.push(Mark { path: self.path.clone(), element: Some(element) });
                    None
                }
                Node::Map(entries) => self.map(entries, place, true)?,
                Node::List(inner) => self.list(inner, Place::Unknown, true)?,
                scalar => Some(scalar),
            };
            kept.extend(element);
        }
        Ok((before == 0 || !kept.is_empty()).then_some(Node::List(kept)))
    }

    /// By what an element that is marked is to be found.
    fn element(&self, entries: Entries, place: Place) -> Result<(Scalar, Scalar), PatchError> {
        let list = display(&self.path);
        let Some((key, value)) = entries.into_iter().find(|(key, value)| !is_mark(key, value)) else {
            return Err(PatchError::NoElementKey(list));
        };
        let found = match place {
            Place::Field(field) if field.rule.is_list() => {
                field.fields.get(key.key()).is_some_and(|field| field.rule.is_found_by_text())
            }
            // Lists that the table does not know may be searched as well; those in maps of anything never are.
            Place::Unknown => true,
            _ => false,
        };
        match value {
            Node::Scalar(value) if found => Ok((key, value)),
            _ => Err(PatchError::NeverFound(list, key.text)),
        }
    }
}
