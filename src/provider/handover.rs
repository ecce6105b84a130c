//! Notes of a plan for the apply of the same Terraform process: objects that move to another address, or are replaced with the same ID.
//!
//! Terraform passes nothing of the plan to a create, and destroys run in any order. If a key of `for_each` is renamed,
//! the create may run before the destroy, and finds an object that is managed by an unknown resource. A plan that sees both
//! sides notes the object, by digest, in a small file of the Terraform process. With the note, the create adopts the object,
//! or replaces one that cannot be adopted, and the destroy at the old address does nothing. Without it, for example with a saved plan, the create waits and then fails.
//! A create before the destroy of an object with the same ID is too early: the note says that the destroy comes later.
//!
//! Objects are destroyed with their owner. Therefore no object is adopted if parts of it are destroyed for good, such as a cluster
//! whose machine sets get another ID that is not planned yet, or if it is part of such an object: the owner would lose its parts.
//! This file knows nothing of objects but their keys.

use super::ledger::ObjectKey;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// What a plan has found of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// It goes at one address, and comes at another one.
    Made,
    /// It goes at one address, and is there at another one already.
    Kept,
    /// It is replaced by one of the same id.
    Remade,
    /// It goes at one address, and is not known to come at another one.
    Gone,
    /// Something that is part of it goes like that.
    Losing,
}

/// The notes of one host process.
#[derive(Default)]
pub(crate) struct Handover {
    /// Where they are; `None` where the host's process cannot be told from others.
    file: Option<PathBuf>,
    /// What was noted before this run, as digests.
    before: BTreeSet<String>,
    /// What this run has noted.
    noted: Mutex<Noted>,
}

/// What a run has noted, as digests.
#[derive(Default)]
struct Noted {
    /// What changes its address, or is replaced.
    moves: BTreeSet<String>,
    /// What goes for good, with the owners that lose it.
    going: BTreeMap<String, Going>,
    /// The owners that lose something, and how much.
    losing: BTreeMap<String, usize>,
    /// What the file holds.
    written: String,
}

struct Going {
    owners: Vec<String>,
    /// Whether other objects can be part of it; nobody asks for any other.
    is_owner: bool,
}

impl Noted {
    /// The object stays after all.
    fn stays(&mut self, key: &ObjectKey) {
        for owner in self.going.remove(&line(key, Note::Gone)).into_iter().flat_map(|going| going.owners) {
            if let Some(parts) = self.losing.get_mut(&owner) {
                *parts -= 1;
            }
        }
        self.losing.retain(|_, parts| *parts > 0);
    }

    /// The lines of the file; where nothing moves there is nothing to tell.
    fn text(&self) -> String {
        let gone = self.going.iter().filter(|(_, going)| going.is_owner).map(|(line, _)| line);
        let lines = self.moves.iter().chain(self.losing.keys()).chain(gone);
        lines.filter(|_| !self.moves.is_empty()).map(|line| format!("{line}\n")).collect()
    }
}

impl Handover {
    /// The notes in `folder` that belong to this process' parent and `scope`, such as the server's address.
    pub(crate) fn open(folder: PathBuf, scope: &str) -> Self {
        let file = host().map(|host| folder.join(format!("terraform-provider-omni-{}", digest(&[&host, scope]))));
        let text = file.as_ref().and_then(|file| read(file)).unwrap_or_default();
        Self { file, before: text.lines().map(str::to_owned).collect(), noted: Mutex::default() }
    }

    /// A plan has found this of the object.
    pub(crate) fn note(&self, key: &ObjectKey, what: Note) {
        self.change(|noted| {
            noted.stays(key);
            noted.moves.insert(line(key, what));
        });
    }

    /// A plan removes the object, and no other one is known to have it; `is_owner` is whether objects can be part of it.
    pub(crate) fn note_gone(&self, key: &ObjectKey, owners: &[ObjectKey], is_owner: bool) {
        self.change(|noted| {
            noted.stays(key);
            let owners: Vec<String> = owners.iter().map(|owner| line(owner, Note::Losing)).collect();
            for owner in &owners {
                *noted.losing.entry(owner.clone()).or_default() += 1;
            }
            noted.going.insert(line(key, Note::Gone), Going { owners, is_owner });
        });
    }

    fn change(&self, change: impl FnOnce(&mut Noted)) {
        let Some(file) = &self.file else { return };
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut noted);
        let text = noted.text();
        if text == noted.written {
            return;
        }
        match write(file, &text) {
            Ok(()) => noted.written = text,
            Err(error) => tracing::debug!(%error, "the apply will not know which objects change their address"),
        }
    }

    /// Whether a create may take the object over by a note: it changes its address together with its owners and its parts.
    pub(crate) fn may_take_over(&self, key: &ObjectKey, owners: &[ObjectKey]) -> bool {
        let goes = |owner: &ObjectKey| self.before.contains(&line(owner, Note::Gone));
        self.is_noted(key) && !self.before.contains(&line(key, Note::Losing)) && !owners.iter().any(goes)
    }

    /// Whether the object changes its address, by a plan of the same host process.
    pub(crate) fn is_noted(&self, key: &ObjectKey) -> bool {
        self.before.contains(&line(key, Note::Made)) || self.is_kept(key)
    }

    /// Whether another address has the object already, so that its removal leaves it.
    pub(crate) fn is_kept(&self, key: &ObjectKey) -> bool {
        self.before.contains(&line(key, Note::Kept))
    }

    /// Whether the object is replaced by one of the same id.
    pub(crate) fn is_remade(&self, key: &ObjectKey) -> bool {
        self.before.contains(&line(key, Note::Remade))
    }
}

fn line(key: &ObjectKey, what: Note) -> String {
    let [kind, id] = key.parts();
    let what = match what {
        Note::Made => "made",
        Note::Kept => "kept",
        Note::Remade => "remade",
        Note::Gone => "gone",
        Note::Losing => "losing",
    };
    digest(&[kind, id, what])
}

fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect()
}

/// The host's process, told from all others of this machine: its number, when it began, whose it is, and where it works.
#[cfg(target_os = "linux")]
fn host() -> Option<String> {
    let parent = std::os::unix::process::parent_id();
    let stat = std::fs::read_to_string(format!("/proc/{parent}/stat")).ok()?;
    // The name of the program, in brackets, may hold anything.
    let began = stat.rsplit(')').next()?.split_whitespace().nth(19)?.to_owned();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let folder = std::env::current_dir().ok()?;
    Some(format!("{} {parent} {began} {} {}", boot.trim(), user()?, folder.display()))
}

#[cfg(not(target_os = "linux"))]
fn host() -> Option<String> {
    None
}

#[cfg(target_os = "linux")]
fn user() -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").ok().map(|m| m.uid())
}

/// The notes, if they are a file of this user's that nobody else may write.
#[cfg(target_os = "linux")]
fn read(file: &std::path::Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let meta = std::fs::symlink_metadata(file).ok()?;
    let ours = meta.is_file() && Some(meta.uid()) == user() && meta.mode() & 0o077 == 0 && meta.len() < 1 << 20;
    ours.then(|| std::fs::read_to_string(file).ok())?
}

#[cfg(not(target_os = "linux"))]
fn read(_file: &std::path::Path) -> Option<String> {
    None
}

/// Puts the whole file in its place at once, readable for this user only.
#[cfg(target_os = "linux")]
fn write(file: &std::path::Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let new = file.with_extension(uuid::Uuid::new_v4().to_string());
    let mut made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    let done = made.write_all(text.as_bytes()).and_then(|()| std::fs::rename(&new, file));
    if done.is_err() {
        drop(std::fs::remove_file(&new));
    }
    done
}

#[cfg(not(target_os = "linux"))]
fn write(_file: &std::path::Path, _text: &str) -> std::io::Result<()> {
    Ok(())
}

/// An apply's process is the last one that needs them.
impl Drop for Handover {
    fn drop(&mut self) {
        if let Some(file) = self.file.as_ref().filter(|_| !self.before.is_empty()) {
            drop(std::fs::remove_file(file));
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn an_apply_knows_what_its_plan_has_noted() {
        let folder = tempfile::tempdir().unwrap();
        let open = |scope: &str| Handover::open(folder.path().to_owned(), scope);
        let [key, other, kept, again] = ["a", "b", "c", "d"].map(|id| ObjectKey::called("omni_user", id));
        let plan = open("one");
        plan.note(&key, Note::Made);
        plan.note(&key, Note::Made);
        plan.note(&kept, Note::Kept);
        plan.note(&again, Note::Remade);
        assert!(!plan.is_noted(&key), "a plan takes nothing over");
        drop(plan);
        assert!(!open("two").is_noted(&key), "another server");
        let apply = open("one");
        assert!(apply.is_noted(&key) && !apply.is_kept(&key) && !apply.is_noted(&other) && apply.is_kept(&kept));
        assert!(apply.is_remade(&again) && !apply.is_noted(&again) && !apply.is_remade(&key));
        drop(apply);
        assert!(!open("one").is_noted(&key), "once only");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_loses_its_parts_or_its_owner_is_not_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Handover::open(folder.path().to_owned(), "one");
        let [cluster, set, node, other] = ["c", "s", "n", "o"].map(|id| ObjectKey::called("omni_user", id));
        let owners = [cluster.clone(), set.clone()];
        // What the plan finds first does not matter.
        for (what, gone, back) in [
            ("a set goes", vec![(&set, &owners[..1])], None),
            ("a set and its node go", vec![(&node, &owners[..]), (&set, &owners[..1])], None),
            ("the set comes back", vec![(&set, &owners[..1])], Some(&set)),
            ("nothing goes", vec![], None),
        ] {
            let plan = open();
            plan.note(&cluster, Note::Made);
            for (key, owners) in &gone {
                plan.note_gone(key, owners, *key == &set);
            }
            plan.note(&node, Note::Made);
            if let Some(key) = back {
                plan.note(key, Note::Made);
            }
            drop(plan);
            let apply = open();
            let stays = gone.is_empty() || back.is_some();
            assert_eq!(apply.may_take_over(&cluster, &[]), stays, "{what}");
            assert_eq!(apply.may_take_over(&node, &owners), stays, "{what}");
            assert!(!apply.may_take_over(&other, &[]), "{what}");
        }
    }

    #[test]
    fn a_plan_that_moves_nothing_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let plan = Handover::open(folder.path().to_owned(), "one");
        plan.note_gone(&ObjectKey::called("omni_user", "a"), &[], true);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_others_may_write_is_not_believed() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let key = ObjectKey::called("omni_user", "a");
        let plan = Handover::open(folder.path().to_owned(), "one");
        plan.note(&key, Note::Made);
        let file = plan.file.clone().unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
        assert!(!Handover::open(folder.path().to_owned(), "one").is_noted(&key));
    }
}
