//! How each field of a Talos configuration is merged, from a table of all document kinds.
//! It must not know how merging applies a rule.
//!
//! The table is derived from Talos 1.14; a field that is not in it has no rule.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The kind that the table gives to the main document.
pub(super) const MAIN: &str = "-";

/// How a later patch merges into a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Text, an address or a prefix: overwrites unless empty.
    Text,
    /// Overwrites unless zero.
    Number,
    /// The mode of a file: overwrites unless zero.
    Mode,
    /// Overwrites unless zero.
    Duration,
    /// An enumeration: overwrites unless it is this word, its zero.
    Word(&'static str),
    /// Overwrites whenever it is given.
    Given,
    /// Overwrites wherever its object is given, with nothing if it is absent.
    Always,
    /// A size or a share: a share never overwrites a size.
    Limit,
    /// Merges part by part.
    Url,
    /// Cannot be merged at all.
    Once,
    /// Replaced as a whole.
    Pair,
    /// Grows, or is replaced.
    List { replaced: bool },
    /// A list whose elements are merged by this field.
    By(&'static str),
    /// Network interfaces: by name, else by selector.
    Interfaces,
    /// By number.
    Vlans,
    /// Rules for images: an element replaces the last one of its pattern.
    Images,
    /// A map of texts: by key, empty does not overwrite.
    Texts,
    /// A map of truth values: by key.
    Flags,
    /// A map of arguments: by key, each replaced as a whole.
    Args,
    /// A map of anything: by key and deep, or replaced.
    Free { replaced: bool },
    /// A map of objects: by key, then by field.
    Objects,
    /// By field; it may be missing.
    Object,
    /// By field; it is always there.
    Part,
}

impl Rule {
    fn parse(text: &'static str) -> Option<Self> {
        let (name, what) = text.split_once(' ').unwrap_or((text, ""));
        Some(match name {
            "text" => Self::Text,
            "number" => Self::Number,
            "mode" => Self::Mode,
            "duration" => Self::Duration,
            "word" => Self::Word(what),
            "given" => Self::Given,
            "always" => Self::Always,
            "limit" => Self::Limit,
            "url" => Self::Url,
            "once" => Self::Once,
            "pair" => Self::Pair,
            "list" => Self::List { replaced: false },
            "list!" => Self::List { replaced: true },
            "by" => Self::By(what),
            "interfaces" => Self::Interfaces,
            "vlans" => Self::Vlans,
            "images" => Self::Images,
            "texts" => Self::Texts,
            "flags" => Self::Flags,
            "args" => Self::Args,
            "free" => Self::Free { replaced: false },
            "free!" => Self::Free { replaced: true },
            "objects" => Self::Objects,
            "object" => Self::Object,
            "part" => Self::Part,
            _ => return None,
        })
    }

    /// Whether it is a list.
    pub(super) fn is_list(self) -> bool {
        matches!(self, Self::List { .. } | Self::By(_) | Self::Interfaces | Self::Vlans | Self::Images)
    }

    /// Whether it is a map whose keys anybody chooses.
    pub(super) fn is_open(self) -> bool {
        matches!(self, Self::Texts | Self::Flags | Self::Args | Self::Free { .. } | Self::Objects)
    }

    /// Whether it has fields of its own.
    pub(super) fn is_object(self) -> bool {
        matches!(self, Self::Object | Self::Part)
    }

    /// Whether an element of a list can be found by a field like this: Talos compares texts.
    pub(super) fn is_found_by_text(self) -> bool {
        matches!(self, Self::Text | Self::Mode | Self::Duration | Self::Word(_) | Self::Url)
    }
}

/// A field, and the fields inside it: of an object, of the elements of a list, or of the values of a map.
#[derive(Debug)]
pub(super) struct Field {
    /// How it merges.
    pub(super) rule: Rule,
    /// What is inside.
    pub(super) fields: Fields,
}

/// Fields by their names.
pub(super) type Fields = HashMap<&'static str, Field>;

static TABLE: LazyLock<HashMap<&'static str, Fields>> = LazyLock::new(|| {
    let mut table: HashMap<&str, Fields> = HashMap::new();
    let mut kind = MAIN;
    for line in include_str!("fields.tsv").lines().filter(|line| !line.starts_with('#')) {
        let Some((path, rule)) = line.split_once('\t') else {
            kind = line;
            continue;
        };
        // Parents stand before what is inside them; a test holds the table to it.
        if let Some(rule) = Rule::parse(rule) {
            let (parents, name) = path.rsplit_once('.').unwrap_or(("", path));
            let mut fields = Some(table.entry(kind).or_default());
            for parent in parents.split('.').filter(|parent| !parent.is_empty()) {
                let parent = parent.trim_end_matches("[]").trim_end_matches("{}");
                fields = fields.and_then(|fields| fields.get_mut(parent)).map(|field| &mut field.fields);
            }
            if let Some(fields) = fields {
                fields.insert(name, Field { rule, fields: Fields::new() });
            }
        }
    }
    table
});

/// The fields of a kind of document; none for a kind that the table lacks.
pub(super) fn of(kind: &str) -> Option<&'static Fields> {
    TABLE.get(kind)
}

/// What stands at a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// A field.
    Field(&'static Field),
    /// An entry of a map whose keys anybody chooses; the map, and for a map of objects what its values are.
    Entry(&'static Field),
    /// Something inside a map of anything.
    Inside,
    /// Nothing that the table knows.
    Unknown,
}

impl Place {
    /// What stands at this key inside it.
    pub(super) fn step(self, key: &str) -> Self {
        let inside = |fields: &'static Fields| fields.get(key).map_or(Self::Unknown, Self::Field);
        match self {
            Self::Field(field) if field.rule.is_open() => Self::Entry(field),
            Self::Field(field) if field.rule.is_object() || field.rule.is_list() => inside(&field.fields),
            Self::Entry(map) if map.rule == Rule::Objects => inside(&map.fields),
            Self::Entry(map) if matches!(map.rule, Rule::Free { .. }) => Self::Inside,
            Self::Inside => Self::Inside,
            _ => Self::Unknown,
        }
    }

    /// The first step, from the document itself.
    pub(super) fn first(fields: Option<&'static Fields>, key: &str) -> Self {
        fields.and_then(|fields| fields.get(key)).map_or(Self::Unknown, Self::Field)
    }

    /// The rule of a field.
    pub(super) fn rule(self) -> Option<Rule> {
        match self {
            Self::Field(field) => Some(field.rule),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_a_field() {
        let lines = include_str!("fields.tsv").lines().filter(|line| !line.starts_with('#'));
        let (fields, kinds): (Vec<_>, Vec<_>) = lines.partition(|line| line.contains('\t'));
        assert_eq!((fields.len(), kinds.len()), (1069, 90));
        for line in fields {
            let (path, rule) = line.split_once('\t').unwrap();
            assert!(Rule::parse(rule).is_some(), "{line}");
            assert!(path.split('.').all(|part| !part.is_empty()), "{line}");
        }
        fn count(fields: &Fields) -> usize {
            fields.values().map(|field| 1 + count(&field.fields)).sum()
        }
        assert_eq!(TABLE.len(), 90);
        assert_eq!(TABLE.values().map(count).sum::<usize>(), 1069, "each one has its parents before it");
    }

    #[test]
    fn rules_are_found_by_path() {
        for (kind, path, rule) in [
            (MAIN, "machine.network.interfaces", Rule::Interfaces),
            (MAIN, "machine.network.interfaces.vlans.vlanId", Rule::Number),
            (MAIN, "cluster.apiServer.auditPolicy", Rule::Free { replaced: true }),
            ("NetworkDefaultActionConfig", "ingress", Rule::Word("accept")),
            ("VolumeConfig", "provisioning.minSize", Rule::Always),
            ("LinkConfig", "routes.destination", Rule::Text),
        ] {
            let mut parts = path.split('.');
            let first = Place::first(of(kind), parts.next().unwrap());
            assert_eq!(parts.fold(first, Place::step).rule(), Some(rule), "{kind} {path}");
        }
        let mirror = ["registries", "mirrors", "docker.io", "endpoints"];
        let place = mirror.iter().fold(Place::first(of(MAIN), "machine"), |place, key| place.step(key));
        assert_eq!(place.rule(), Some(Rule::List { replaced: false }));
        assert!(of("NoSuchConfig").is_none());
    }
}
