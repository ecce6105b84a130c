//! The types of the simulated server: namespace, access, how they are read and removed.
//! It reads them from the catalogue, and knows no stored objects or calls.

use super::catalogue::{self, Feature, Span};
use super::object::Key;
use super::release::Release;
use std::collections::HashMap;
use std::sync::LazyLock;

/// What a caller may do, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Nothing beyond proving who it is.
    None,
    /// What a provider of machines needs.
    InfraProvider,
    /// Reading.
    Reader,
    /// Reading, and the audit log.
    Auditor,
    /// Managing clusters and machines.
    Operator,
    /// Everything.
    Admin,
}

impl Role {
    /// All roles, from least to most.
    pub const ALL: [Self; 6] =
        [Self::None, Self::InfraProvider, Self::Reader, Self::Auditor, Self::Operator, Self::Admin];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::InfraProvider => "InfraProvider",
            Self::Reader => "Reader",
            Self::Auditor => "Auditor",
            Self::Operator => "Operator",
            Self::Admin => "Admin",
        }
    }

    /// The role of this name; case counts.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// Who passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessRule {
    /// Who has less hears that its role does not suffice; none lets in who did not sign, too.
    pub floor: Option<Role>,
    /// Who has at least this passes; none lets nobody pass.
    pub from: Option<Role>,
    /// What those hear who have the floor and do not pass; `<type>` stands for the type.
    pub why: &'static str,
}

impl AccessRule {
    /// The rule of what no caller sees.
    pub const HIDDEN: Self = Self { floor: None, from: None, why: NOTHING };

    /// Reads a cell of the table of access: `ROLE`, `FLOOR/WORD` or `FLOOR/ROLE/WORD`.
    fn read(cell: &str) -> Option<Self> {
        let least = |name: &str| if name == "-" { Some(None) } else { Role::parse(name).map(Some) };
        match cell.split('/').collect::<Vec<_>>()[..] {
            ["-"] => Some(Self { floor: None, from: Some(Role::None), why: "" }),
            [role] => Role::parse(role).map(|role| Self { floor: Some(role), from: Some(role), why: "" }),
            [floor, word] => Some(Self { floor: least(floor)?, from: None, why: catalogue::text(word)? }),
            [floor, role, word] => {
                Some(Self { floor: least(floor)?, from: Some(Role::parse(role)?), why: catalogue::text(word)? })
            }
            _ => None,
        }
    }
}

/// Who may do what with the types of one class.
#[derive(Clone, Copy, Debug)]
struct Access {
    name: &'static str,
    read: AccessRule,
    create: AccessRule,
    update: AccessRule,
    destroy: AccessRule,
}

impl Access {
    fn of_row(row: &[&'static str]) -> Option<Self> {
        match *row {
            [name, read, create, update, destroy] => Some(Self {
                name,
                read: AccessRule::read(read)?,
                create: AccessRule::read(create)?,
                update: AccessRule::read(update)?,
                destroy: AccessRule::read(destroy)?,
            }),
            _ => None,
        }
    }

    fn access_rule(&self, verb: AccessVerb) -> AccessRule {
        match verb {
            AccessVerb::Read => self.read,
            AccessVerb::Create => self.create,
            AccessVerb::Update => self.update,
            AccessVerb::Destroy => self.destroy,
        }
    }
}

/// What a caller wants with a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessVerb {
    /// To get, list or watch.
    Read,
    /// To create.
    Create,
    /// To update.
    Update,
    /// To tear down or destroy.
    Destroy,
}

impl AccessVerb {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Read, Self::Create, Self::Update, Self::Destroy];
}

/// How an object tells which cluster it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// Not at all: policies do not apply to it.
    None,
    /// It has the cluster's id.
    Id,
    /// It has the cluster's label.
    Label,
}

/// What a provider of machines may do with the objects that are its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provided {
    /// Whether it makes and changes them, and not only their finalizers.
    pub write: bool,
    /// Whether they carry its own id.
    pub own_id: bool,
}

/// What is known of a type.
#[derive(Clone, Debug)]
pub struct Kind {
    /// Its name: `Clusters.omni.sidero.dev`.
    pub name: &'static str,
    /// The namespace that its objects live in on the newest server.
    pub namespace: &'static str,
    /// The same, and where they lived before the releases that stand there.
    namespaces: Vec<(Option<Release>, &'static str)>,
    /// The message of its spec, within package `specs`; none when the definitions here leave it out.
    pub message: Option<&'static str>,
    /// Whether its specs can be sent at all.
    pub on_wire: bool,
    /// Whether reads go through the cache, which lags.
    pub cached: bool,
    /// What providers of machines may do with it; none when it is none of their business.
    pub provided: Option<Provided>,
    /// Who may do what, and who might before the releases that stand there.
    access: Vec<(Option<Release>, Access)>,
    /// Since when the server takes its objects away once they are torn down and nobody holds them.
    removed_since: Option<Release>,
    /// How its objects belong to clusters, and since when policies look at that.
    tie: (Tie, Release),
    span: Span,
}

impl Kind {
    /// Whether the server takes objects of this type away by itself.
    #[must_use]
    pub fn removed_by_server(&self, release: Release) -> bool {
        self.removed_since.is_some_and(|since| release >= since)
    }

    /// Whether its objects are users' own, which the server takes away by itself at least in newer releases.
    #[must_use]
    pub fn is_managed(&self) -> bool {
        self.removed_since.is_some()
    }

    /// Whether a server of this release has it.
    #[must_use]
    pub fn is_in(&self, release: Release) -> bool {
        self.span.holds(release)
    }

    /// How its objects belong to clusters, on a server of this release.
    #[must_use]
    pub fn tie(&self, release: Release) -> Tie {
        let (tie, since) = self.tie;
        if release >= since { tie } else { Tie::None }
    }

    /// Who may do this on a server of this release.
    #[must_use]
    pub fn access_rule(&self, verb: AccessVerb, release: Release) -> AccessRule {
        in_force(&self.access, release).map_or(AccessRule::HIDDEN, |access| access.access_rule(verb))
    }

    /// The namespace that its objects live in on a server of this release.
    #[must_use]
    pub fn namespace_in(&self, release: Release) -> &'static str {
        in_force(&self.namespaces, release).map_or(self.namespace, |namespace| *namespace)
    }

    fn of_row(row: &[&'static str], classes: &[Access]) -> Option<Self> {
        let &[name, namespace, spec, access, reads, removal, tie, provider, since, until] = row else { return None };
        let class = |name: &str| classes.iter().find(|class| class.name == name).copied();
        let namespaces = back_in_time(namespace, Some)?;
        let (tie, tied_since) = tie.split_once('@').unwrap_or((tie, "1.0"));
        let removed_since = match removal.split_once('@') {
            Some(("server", since)) => Some(Release::of_version(since)?),
            None if removal == "server" => Some(Release::V1_2),
            None if removal == "call" => None,
            _ => return None,
        };
        Some(Self {
            name,
            namespace: namespaces.first()?.1,
            namespaces,
            message: (!["-", "!"].contains(&spec)).then_some(spec),
            on_wire: spec != "!",
            cached: match reads {
                "cached" => true,
                "fresh" => false,
                _ => return None,
            },
            provided: match provider {
                "-" => None,
                "read" => Some(Provided { write: false, own_id: false }),
                "write" => Some(Provided { write: true, own_id: false }),
                "own" => Some(Provided { write: true, own_id: true }),
                _ => return None,
            },
            access: back_in_time(access, class)?,
            removed_since,
            tie: match tie {
                "-" => (Tie::None, Release::V1_2),
                "id" => (Tie::Id, Release::of_version(tied_since)?),
                "label" => (Tie::Label, Release::of_version(tied_since)?),
                _ => return None,
            },
            span: catalogue::span(since, until)?,
        })
    }
}

/// Reads a cell that goes back in time: `now,<1.8:before,<1.6:even before`.
fn back_in_time<T>(cell: &'static str, read: impl Fn(&'static str) -> Option<T>) -> Option<Vec<(Option<Release>, T)>> {
    let part = |part: &'static str| match part.strip_prefix('<').and_then(|part| part.split_once(':')) {
        Some((before, value)) => Some((Some(Release::of_version(before)?), read(value)?)),
        None => Some((None, read(part)?)),
    };
    cell.split(',').map(part).collect()
}

/// What such a cell says of a release: the last that was in force before its release counts.
fn in_force<T>(parts: &[(Option<Release>, T)], release: Release) -> Option<&T> {
    let valid = |(before, _): &&(Option<Release>, T)| before.is_none_or(|before| release < before);
    parts.iter().rfind(valid).map(|(_, value)| value)
}

/// The answer to a caller who may see nothing of a type.
pub const NOTHING: &str = "no access is permitted";

/// Every type that the server knows.
pub static ALL: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let classes: Vec<Access> = catalogue::access().filter_map(|row| Access::of_row(&row)).collect();
    catalogue::types().filter_map(|row| Kind::of_row(&row, &classes)).collect()
});

static BY_NAME: LazyLock<HashMap<&'static str, &'static Kind>> =
    LazyLock::new(|| ALL.iter().map(|kind| (kind.name, kind)).collect());

/// What is known of a type.
#[must_use]
pub fn find(name: &str) -> Option<&'static Kind> {
    BY_NAME.get(name).copied()
}

impl Release {
    /// The role of this name, if a server of this release knows it.
    #[must_use]
    pub fn role(self, name: &str) -> Option<Role> {
        Role::parse(name).filter(|role| *role != Role::Auditor || self.has(Feature::Auditors))
    }

    /// Whether a server of this release has this type.
    #[must_use]
    pub fn has_kind(self, name: &str) -> bool {
        find(name).is_some_and(|kind| kind.is_in(self))
    }
}

/// The namespace that objects of a type live in on the newest server.
#[must_use]
pub fn namespace(name: &str) -> &'static str {
    find(name).map_or("default", |kind| kind.namespace)
}

/// The key of an object in its type's own namespace, which is the same in every release but for the few types whose
/// row says otherwise.
pub fn key(kind: &str, id: impl Into<String>) -> Key {
    Key { namespace: namespace(kind).to_owned(), kind: kind.to_owned(), id: id.into() }
}

/// The key of an object in the namespace that its type has in this release.
pub fn key_in(release: Release, kind: &str, id: impl Into<String>) -> Key {
    let namespace = find(kind).map_or("default", |kind| kind.namespace_in(release));
    Key { namespace: namespace.to_owned(), kind: kind.to_owned(), id: id.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_a_type_of_its_name() {
        assert_eq!(ALL.len(), catalogue::types().count());
        assert_eq!(BY_NAME.len(), ALL.len());
        let classes: Vec<Access> = catalogue::access().filter_map(|row| Access::of_row(&row)).collect();
        assert_eq!(classes.len(), catalogue::access().count());
        for class in &classes {
            let named = |row: Vec<&str>| row[3].split(',').any(|part| part.rsplit(':').next() == Some(class.name));
            assert!(catalogue::types().any(named), "no type has the class {}", class.name);
        }
    }

    #[test]
    fn every_message_is_defined() {
        let pool = prost_reflect::DescriptorPool::decode(omni_proto::DESCRIPTORS).unwrap();
        for kind in ALL.iter() {
            if let Some(message) = kind.message {
                assert!(pool.get_message_by_name(&format!("specs.{message}")).is_some(), "{}: {message}", kind.name);
            }
        }
    }

    #[test]
    fn some_types_have_moved() {
        for (name, release, expected) in [
            ("ImageFactoryAuths.omni.sidero.dev", Release::V1_9, "virtual"),
            ("ImageFactoryAuths.omni.sidero.dev", Release::V1_10, "default"),
            ("Schematics.omni.sidero.dev", Release::V1_5, "default"),
            ("Schematics.omni.sidero.dev", Release::V1_6, "ephemeral"),
            ("OngoingTasks.omni.sidero.dev", Release::V1_2, "ephemeral"),
            ("Clusters.omni.sidero.dev", Release::V1_2, "default"),
        ] {
            assert_eq!(find(name).unwrap().namespace_in(release), expected, "{name} {release}");
            assert_eq!(key_in(release, name, "x").namespace, expected, "{name} {release}");
        }
        assert_eq!(key("ImageFactoryAuths.omni.sidero.dev", "x").namespace, "default");
    }

    #[test]
    fn an_older_server_removes_less() {
        let removed = |release| ALL.iter().filter(|k| k.removed_by_server(release)).count();
        assert_eq!((removed(Release::V1_6), removed(Release::NEWEST)), (3, 26));
    }

    #[test]
    fn roles_are_ordered_and_named() {
        assert!(Role::ALL.is_sorted());
        for role in Role::ALL {
            assert_eq!(Role::parse(role.name()), Some(role));
        }
        assert_eq!(Role::parse("admin"), None);
        assert_eq!([Release::V1_9.role("Auditor"), Release::V1_10.role("Auditor")], [None, Some(Role::Auditor)]);
        assert_eq!(Release::V1_2.role("Operator"), Some(Role::Operator));
    }
}
