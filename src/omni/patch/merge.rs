//! Merges several patches into one: document by document, first what is deleted, then what is set.
//!
//! The result has the same effect on any base as the patches in order, wherever these succeed.
//! If no single patch has that effect, the error names the field that prevents it.

use super::PatchError;
use super::fields::{Fields, Place, Rule};
use super::read;
use super::read::{Document, Entries, Id, MARK, Mark, display};
use super::values::{Merge, is_zero};
use kit::text::quoted;
use kit::yaml::{Budget, Node, Scalar};

/// Objects that every configuration has, with documents of its own in the place of those that it lacks.
/// Talos 1.5 to 1.13 generate all of them; 1.14 has documents that conflict with the ones that it leaves out.
const ALWAYS_THERE: &[&str] = &[
    "machine",
    "machine.features",
    "machine.install",
    "machine.kubelet",
    "cluster",
    "cluster.controlPlane",
    "cluster.discovery",
    "cluster.network",
];

/// One patch that does what these do one after the other, as documents.
pub(super) fn merge(patches: &[&str]) -> Result<Vec<Node>, PatchError> {
    let mut budget = Budget::default();
    let mut merged: Vec<Document> = Vec::new();
    for patch in patches {
        for document in in_one(read::documents(patch, &mut budget)?)? {
            join(&mut merged, document)?;
        }
    }
    merged.sort_by_key(|document| !document.id.is_main());
    let mut documents = Vec::new();
    for document in merged {
        documents.extend(written(document)?);
    }
    Ok(documents)
}

/// The documents of one patch with the main one once: all its marks act before anything that it sets.
fn in_one(documents: Vec<Document>) -> Result<Vec<Document>, PatchError> {
    let (main, mut others): (Vec<_>, Vec<_>) = documents.into_iter().partition(|document| document.id.is_main());
    let mut marks = Vec::new();
    let mut sets = Vec::new();
    let mut id = None;
    for document in main {
        marks.extend(document.marks);
        sets.extend(document.sets);
        id = Some(document.id);
    }
    if let Some(id) = id {
        let mut sets = sets.into_iter();
        let mut first = Document { id, cleared: false, marks, sets: sets.next() };
        for later in sets {
            set(&mut first, later)?;
        }
        others.insert(0, first);
    }
    Ok(others)
}

fn join(merged: &mut Vec<Document>, document: Document) -> Result<(), PatchError> {
    let Some(first) = merged.iter_mut().find(|other| other.id == document.id) else {
        merged.push(document);
        return Ok(());
    };
    // A document that is gone is skipped by marks.
    let gone = first.cleared && first.sets.is_none();
    if document.cleared || gone {
        *first = Document { cleared: true, marks: Vec::new(), ..document };
        return Ok(());
    }
    for mark in document.marks {
        take_away(first, mark)?;
    }
    match document.sets {
        Some(sets) => set(first, sets),
        None => Ok(()),
    }
}

/// Lets a later patch set something.
fn set(document: &mut Document, later: Entries) -> Result<(), PatchError> {
    let fields = document.id.fields();
    // What makes documents one stands as it was first written.
    let own = |key: &str| !document.id.is_main() && matches!(key, "apiVersion" | "kind" | "name");
    match &mut document.sets {
        None => document.sets = Some(later),
        Some(sets) => {
            let later = later.into_iter().filter(|(key, _)| !own(key.key())).collect();
            Merge::default().object(sets, later, fields)?;
        }
    }
    Ok(())
}

/// A place as an error names it.
fn told(mark: &Mark, id: &Id) -> String {
    let place = mark.display();
    match id.is_main() {
        true => quoted(&place),
        false => format!("{} of {}", quoted(&place), id.display()),
    }
}

/// What stands at the end of a path.
fn place(fields: Option<&'static Fields>, path: &[String]) -> Place {
    let mut keys = path.iter();
    let first = keys.next().map_or(Place::Unknown, |key| Place::first(fields, key));
    keys.fold(first, |place, key| place.step(key))
}

/// Lets a later patch take something away.
fn take_away(document: &mut Document, mark: Mark) -> Result<(), PatchError> {
    let fields = document.id.fields();
    let at = place(fields, &mark.path);
    let told = |mark: &Mark| told(mark, &document.id);
    // Below what is taken away already, there is exactly what the patches set since.
    let covered = |other: &Mark| other.element.is_none() && mark.path.starts_with(&other.path);
    let known = document.cleared || document.marks.iter().any(covered);
    let listed = find(document.sets.as_ref(), &mark.path).filter(|node| !node.is_null());
    let replaced = matches!(at.rule(), Some(Rule::List { replaced: true }));
    if known || (replaced && mark.element.is_some() && listed.is_some()) {
        let field = mark.element.is_none() && matches!(at, Place::Field(_) | Place::Unknown);
        let there = remove(document.sets.as_mut(), &mark);
        return match there || (field && (document.marks.contains(&mark) || parents_given(document, &mark.path))) {
            true => Ok(()),
            false => Err(PatchError::NothingToDelete(told(&mark))),
        };
    }
    let set = listed.is_some();
    if let Some((key, value)) = &mark.element {
        if let Some(Node::List(elements)) = listed
            && elements.iter().any(|element| may_be(element, key, value, at))
        {
            return Err(PatchError::SetAndDeleted(told(&mark)));
        }
    } else if let Place::Field(field) = at {
        match field.rule {
            // Left out, it is emptied on every base.
            Rule::Always if document.sets.is_some() && parents_given(document, &mark.path) => {
                remove(document.sets.as_mut(), &mark);
                return Ok(());
            }
            Rule::List { replaced: true } if set => {
                replace(document.sets.as_mut(), &mark.path, Node::List(Vec::new()));
                return Ok(());
            }
            _ => {}
        }
        if let Some(parent) = uncertain_parent(document, &mark.path) {
            return Err(match set {
                true => PatchError::SetAndDeleted(told(&mark)),
                false => PatchError::ParentSet { place: told(&mark), parent },
            });
        }
        remove(document.sets.as_mut(), &mark);
    } else if set {
        return Err(PatchError::SetAndDeleted(told(&mark)));
    } else {
        // Null says nothing, but would stand where the mark has to.
        remove(document.sets.as_mut(), &mark);
    }
    document.marks.push(mark);
    Ok(())
}

/// The object on the way to a field that the patches set and that a base may lack: a mark would not find its way there.
fn uncertain_parent(document: &Document, path: &[String]) -> Option<String> {
    (1..path.len()).map(|end| &path[..end]).find_map(|parent| {
        let may_lack = match place(document.id.fields(), parent) {
            Place::Field(field) => field.rule == Rule::Object,
            _ => true,
        };
        let shown = display(parent);
        let always = document.id.is_main() && ALWAYS_THERE.contains(&shown.as_str());
        let given = find(document.sets.as_ref(), parent).is_some_and(|node| !node.is_null());
        (may_lack && !always && given).then_some(shown)
    })
}

/// Whether the objects on the way are given with the document, or by it.
fn parents_given(document: &Document, path: &[String]) -> bool {
    (1..path.len()).map(|end| &path[..end]).all(|parent| {
        place(document.id.fields(), parent).rule() == Some(Rule::Part)
            || find(document.sets.as_ref(), parent).is_some_and(|node| !node.is_null())
    })
}

/// Whether a mark that looks for this field and text might take this element, or one that it has merged into.
fn may_be(element: &Node, key: &Scalar, value: &Scalar, list: Place) -> bool {
    let Some(given) = element.get(key.key()).filter(|node| !node.is_null()) else { return false };
    let merged_by = match list.rule() {
        Some(Rule::By(name)) => Some(name),
        Some(Rule::Interfaces) => Some("interface"),
        Some(Rule::Images) => Some("image"),
        _ => None,
    };
    // Elements that merge by another field can give or take what the mark looks for.
    if merged_by.is_some_and(|name| name != key.key()) {
        return true;
    }
    let text = given.text().unwrap_or_default();
    text == value.text || matches!((spelling(text), spelling(&value.text)), (Some(a), Some(b)) if a == b)
}

/// One spelling of an address, a prefix or a number, which Talos compares as it writes them.
fn spelling(text: &str) -> Option<String> {
    let (address, bits) = text.split_once('/').unwrap_or((text, ""));
    match address.parse::<std::net::IpAddr>() {
        Ok(address) => Some(format!("{address}/{bits}")),
        Err(_) => match serde_json::Value::from(Node::Scalar(Scalar::plain(text))) {
            serde_json::Value::Number(number) => Some(number.to_string()),
            _ => None,
        },
    }
}

/// The value at this path.
fn find<'n>(entries: Option<&'n Entries>, path: &[String]) -> Option<&'n Node> {
    let (first, rest) = path.split_first()?;
    let (_, value) = entries?.iter().find(|(key, _)| key.key() == first)?;
    match (rest.is_empty(), value) {
        (true, value) => Some(value),
        (false, Node::Map(inner)) => find(Some(inner), rest),
        _ => None,
    }
}

fn find_mut<'n>(entries: Option<&'n mut Entries>, path: &[String]) -> Option<&'n mut Node> {
    let (first, rest) = path.split_first()?;
    let (_, value) = entries?.iter_mut().find(|(key, _)| key.key() == first)?;
    match (rest.is_empty(), value) {
        (true, value) => Some(value),
        (false, Node::Map(inner)) => find_mut(Some(inner), rest),
        _ => None,
    }
}

fn replace(entries: Option<&mut Entries>, path: &[String], value: Node) {
    if let Some(old) = find_mut(entries, path) {
        *old = value;
    }
}

/// Removes what a mark names, and says whether it was there.
fn remove(entries: Option<&mut Entries>, mark: &Mark) -> bool {
    if let Some((key, value)) = &mark.element {
        let Some(Node::List(elements)) = find_mut(entries, &mark.path) else { return false };
        let is = |element: &Node| element.get(key.key()).and_then(Node::text) == Some(&value.text);
        return match elements.iter().position(is) {
            Some(at) => {
                elements.remove(at);
                true
            }
            None => false,
        };
    }
    let Some((last, parents)) = mark.path.split_last() else { return false };
    let holder = match (parents.is_empty(), entries) {
        (true, entries) => entries,
        (false, entries) => match find_mut(entries, parents) {
            Some(Node::Map(inner)) => Some(inner),
            _ => None,
        },
    };
    holder.is_some_and(|entries| {
        let before = entries.len();
        entries.retain(|(key, _)| key.key() != last);
        entries.len() < before
    })
}

/// The documents of a patch that does this.
fn written(document: Document) -> Result<Vec<Node>, PatchError> {
    let Document { id, cleared, marks, sets } = document;
    let mut documents = Vec::new();
    if cleared {
        let entry = |key: &str, text: &str| (Scalar::plain(key), Node::Scalar(Scalar::quoted(text)));
        let name = (!id.name.is_empty()).then(|| entry("name", &id.name));
        let head = [entry("apiVersion", &id.version), entry("kind", &id.kind)];
        documents.push(Node::Map(head.into_iter().chain(name).chain([marked()]).collect()));
    }
    if marks.is_empty() {
        // A main document that says nothing is none.
        documents.extend(sets.filter(|sets| !sets.is_empty()).map(Node::Map));
        return Ok(documents);
    }
    let mut whole = sets.clone().unwrap_or_default();
    if marks.iter().all(|mark| insert(&mut whole, mark)) {
        documents.push(Node::Map(whole));
        return Ok(documents);
    }
    if !id.is_main() {
        documents.push(Node::Map(squeezed(&id, &marks, sets.unwrap_or_default())?));
        return Ok(documents);
    }
    // Documents of nothing but marks act first, each one after the other.
    let mut group = Entries::new();
    for mark in &marks {
        if !insert(&mut group, mark) {
            documents.push(Node::Map(std::mem::take(&mut group)));
            insert(&mut group, mark);
        }
    }
    documents.push(Node::Map(group));
    documents.extend(sets.filter(|sets| !sets.is_empty()).map(Node::Map));
    Ok(documents)
}

/// Marks and values in one document of a kind, of which a patch may have no second one:
/// a mark goes where the value overwrites whatever there is.
fn squeezed(id: &Id, marks: &[Mark], sets: Entries) -> Result<Entries, PatchError> {
    let mut whole = sets;
    for mark in marks {
        if insert(&mut whole, mark) {
            continue;
        }
        let overwrites = mark.element.is_none()
            && find(Some(&whole), &mark.path).is_some_and(|value| match place(id.fields(), &mark.path) {
                Place::Field(field) => match field.rule {
                    Rule::Text | Rule::Number | Rule::Mode | Rule::Duration | Rule::Word(_) => {
                        !is_zero(field.rule, value)
                    }
                    Rule::Limit => value.text().is_some_and(|text| !text.is_empty() && !text.ends_with('%')),
                    Rule::Given | Rule::Always | Rule::Pair | Rule::List { replaced: true } => !value.is_null(),
                    _ => false,
                },
                Place::Entry(map) => match map.rule {
                    Rule::Texts => !is_zero(Rule::Text, value),
                    Rule::Args | Rule::Flags => true,
                    _ => false,
                },
                _ => false,
            });
        if !overwrites {
            return Err(PatchError::DeletedAndSet(told(mark, id)));
        }
    }
    Ok(whole)
}

fn marked() -> (Scalar, Node) {
    (Scalar::plain(MARK), Node::Scalar(Scalar::plain("delete")))
}

/// Puts a mark where the place is free, and says whether it was.
fn insert(entries: &mut Entries, mark: &Mark) -> bool {
    let Some((first, rest)) = mark.path.split_first() else { return false };
    insert_at(entries, first, rest, mark.element.as_ref())
}

fn insert_at(entries: &mut Entries, key: &str, rest: &[String], element: Option<&(Scalar, Scalar)>) -> bool {
    let leaf = |element: Option<&(Scalar, Scalar)>| match element {
        None => Node::Map(vec![marked()]),
        Some((key, value)) => Node::List(vec![Node::Map(vec![(key.clone(), Node::Scalar(value.clone())), marked()])]),
    };
    let old = entries.iter_mut().find(|(name, _)| name.key() == key).map(|(_, value)| value);
    match (old, rest.split_first()) {
        (Some(Node::Map(inner)), Some((next, rest))) => {
            // An empty map is no loss: a mark needs one in the base.
            !inner.iter().any(|(key, value)| read::is_mark(key, value)) && insert_at(inner, next, rest, element)
        }
        (Some(Node::List(elements)), None) if element.is_some() && !elements.is_empty() => {
            if let Node::List(mark) = leaf(element) {
                // Marks first, as they act.
                let at = elements.iter().take_while(|element| element.get(MARK).is_some()).count();
                elements.splice(at..at, mark);
            }
            true
        }
        (Some(_), _) => false,
        (None, next) => {
            let value = match next {
                None => leaf(element),
                Some((next, rest)) => {
                    let mut inner = Entries::new();
                    insert_at(&mut inner, next, rest, element);
                    Node::Map(inner)
                }
            };
            entries.push((Scalar::quoted(key), value));
            true
        }
    }
}
