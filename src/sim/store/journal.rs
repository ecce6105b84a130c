//! Keeps objects and secrets on disk: a journal of checksummed records, rewritten when most of it is history.
//! A record that was cut off by a kill ends the journal; everything before it counts.

use crate::pb::cosi::resource as pb;
use crate::sim::object::{Key, Object};
use crate::sim::wire;
use prost::Message;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MAGIC: &[u8] = b"omni-sim journal 1\n";
const HEADER: usize = 4 + 8;
/// History below this size is not worth a rewrite.
const SLACK: u64 = 4 << 20;

const PUT: u8 = 1;
const REMOVE: u8 = 2;
const SECRET: u8 = 3;

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system refuses.
    #[error("cannot use {} as data folder", .path.display())]
    Io {
        /// What was touched.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// Another simulator runs on it.
    #[error("{} is in use by another simulator; stop that one, or name another folder", .path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
    },
    /// It was not written by this program.
    #[error("{} is not a journal of this simulator; name an empty folder", .path.display())]
    Foreign {
        /// The journal.
        path: PathBuf,
    },
}

/// What a journal held.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) objects: Vec<Object>,
    pub(super) secrets: BTreeMap<String, Vec<u8>>,
}

pub(super) struct Journal {
    folder: PathBuf,
    file: File,
    /// Held for as long as the journal is: no second simulator may write here.
    _lock: File,
    length: u64,
    compacted: u64,
    unsynced: bool,
    failure: Option<Arc<io::Error>>,
}

impl Journal {
    pub(super) fn open(folder: &Path) -> Result<(Self, Contents), JournalError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| JournalError::Io { path, source }
        };
        fs::create_dir_all(folder).map_err(at(folder))?;
        let lock_path = folder.join("lock");
        let lock = private().create(true).truncate(false).open(&lock_path).map_err(at(&lock_path))?;
        if lock.try_lock().is_err() {
            return Err(JournalError::Locked { path: lock_path });
        }
        let path = folder.join("journal");
        let mut file = private().read(true).create(true).truncate(false).open(&path).map_err(at(&path))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(at(&path))?;
        // A kill right after the file was made leaves a part of the first line.
        if MAGIC.starts_with(&bytes) {
            file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(MAGIC)).map_err(at(&path))?;
            bytes = MAGIC.to_vec();
        }
        let records = bytes.strip_prefix(MAGIC).ok_or_else(|| JournalError::Foreign { path: path.clone() })?;
        let (contents, good) = replay(records);
        let length = (MAGIC.len() + good) as u64;
        file.set_len(length).and_then(|()| file.seek(SeekFrom::Start(length))).map_err(at(&path))?;
        sync_folder(folder).map_err(at(folder))?;
        let journal = Self {
            folder: folder.to_owned(),
            file,
            _lock: lock,
            length,
            compacted: length,
            unsynced: true,
            failure: None,
        };
        Ok((journal, contents))
    }

    pub(super) fn put(&mut self, object: &Object) {
        self.append(PUT, &wire::metadata_and_spec(object).encode_to_vec());
    }

    pub(super) fn remove(&mut self, key: &Key) {
        self.append(REMOVE, &named(key).encode_to_vec());
    }

    pub(super) fn secret(&mut self, name: &str, bytes: &[u8]) {
        self.append(SECRET, &secret(name, bytes).encode_to_vec());
    }

    /// Why nothing is written any more.
    pub(super) fn failure(&self) -> Option<Arc<io::Error>> {
        self.failure.clone()
    }

    /// Stops writing for good: what is on disk is not certain any more.
    pub(super) fn fail(&mut self, error: io::Error) {
        self.failure = Some(Arc::new(error));
    }

    /// The file to sync, if something was written since the last time.
    pub(super) fn unsynced(&mut self) -> Option<File> {
        if !std::mem::take(&mut self.unsynced) {
            return None;
        }
        match self.file.try_clone() {
            Ok(file) => Some(file),
            Err(error) => {
                self.fail(error);
                None
            }
        }
    }

    pub(super) fn wants_compaction(&self) -> bool {
        self.failure.is_none() && self.length > self.compacted.saturating_mul(2).saturating_add(SLACK)
    }

    /// Writes what counts to a new file and puts it in the place of the old one.
    pub(super) fn compact(&mut self, objects: &[Arc<Object>], secrets: &BTreeMap<String, Vec<u8>>) {
        let mut bytes = MAGIC.to_vec();
        for (name, value) in secrets {
            record(&mut bytes, SECRET, &secret(name, value).encode_to_vec());
        }
        for object in objects {
            record(&mut bytes, PUT, &wire::metadata_and_spec(object).encode_to_vec());
        }
        match self.replace(&bytes) {
            Ok(file) => {
                self.file = file;
                self.length = bytes.len() as u64;
                self.compacted = self.length;
            }
            Err(error) => self.fail(error),
        }
    }

    fn replace(&self, bytes: &[u8]) -> io::Result<File> {
        let fresh = self.folder.join("journal.new");
        let mut file = private().create(true).truncate(true).open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, self.folder.join("journal"))?;
        sync_folder(&self.folder)?;
        Ok(file)
    }

    fn append(&mut self, tag: u8, payload: &[u8]) {
        if self.failure.is_some() {
            return;
        }
        let mut bytes = Vec::with_capacity(HEADER + 1 + payload.len());
        record(&mut bytes, tag, payload);
        match self.file.write_all(&bytes) {
            Ok(()) => {
                self.length += bytes.len() as u64;
                self.unsynced = true;
            }
            // Half a record may be on disk; what would follow it could not be read, so nothing may follow.
            Err(error) => self.fail(error),
        }
    }
}

/// The journal holds keys, so only its owner may read it.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A new name in a folder is on disk only once the folder is.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn named(key: &Key) -> pb::Resource {
    let metadata = pb::Metadata {
        namespace: key.namespace.clone(),
        r#type: key.kind.clone(),
        id: key.id.clone(),
        ..pb::Metadata::default()
    };
    pb::Resource { metadata: Some(metadata), spec: None }
}

fn secret(name: &str, bytes: &[u8]) -> pb::Resource {
    let metadata = pb::Metadata { id: name.to_owned(), ..pb::Metadata::default() };
    pb::Resource {
        metadata: Some(metadata),
        spec: Some(pb::Spec { proto_spec: bytes.to_vec(), yaml_spec: String::new() }),
    }
}

/// Length, checksum, tag, payload.
fn record(bytes: &mut Vec<u8>, tag: u8, payload: &[u8]) {
    let length = u32::try_from(payload.len() + 1).unwrap_or(u32::MAX);
    bytes.extend(length.to_be_bytes());
    bytes.extend(checksum(tag, payload));
    bytes.push(tag);
    bytes.extend(payload);
}

fn checksum(tag: u8, payload: &[u8]) -> [u8; 8] {
    let digest = Sha256::new().chain_update([tag]).chain_update(payload).finalize();
    let mut short = [0; 8];
    short.copy_from_slice(&digest[..8]);
    short
}

/// What the records say, and how many bytes of them are good.
fn replay(bytes: &[u8]) -> (Contents, usize) {
    let mut objects = BTreeMap::new();
    let mut secrets = BTreeMap::new();
    let mut good = 0;
    while let Some((tag, payload, end)) = next_record(bytes, good) {
        let Ok(resource) = pb::Resource::decode(payload) else { break };
        let spec = resource.spec.clone().unwrap_or_default().proto_spec;
        match (tag, wire::stored(&resource)) {
            (PUT, Some(object)) => {
                objects.insert(object.key.clone(), object);
            }
            (REMOVE, Some(object)) => {
                objects.remove(&object.key);
            }
            (SECRET, Some(object)) => {
                secrets.insert(object.key.id, spec);
            }
            _ => break,
        }
        good = end;
    }
    (Contents { objects: objects.into_values().collect(), secrets }, good)
}

fn next_record(bytes: &[u8], at: usize) -> Option<(u8, &[u8], usize)> {
    let (length, rest) = bytes.get(at..)?.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (tag, payload) = rest.get(..length)?.split_first()?;
    (checksum(*tag, payload) == *sum).then_some((*tag, payload, at + HEADER + length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::clock::TestClock;
    use crate::sim::kinds;
    use crate::sim::store::Store;

    fn open(folder: &Path) -> Store {
        let clock = Arc::new(TestClock::at(1_800_000_000));
        Store::open(clock, std::time::Duration::ZERO, Some(folder)).unwrap()
    }

    fn key(id: &str) -> Key {
        kinds::key("MachineLabels.omni.sidero.dev", id)
    }

    fn ids(store: &Store) -> Vec<String> {
        store.view().all().iter().map(|o| format!("{}@{}", o.key.id, o.version)).collect()
    }

    #[test]
    fn everything_of_an_object_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let written = store.put("Owner", &key("a"), |o| {
            o.labels.insert("l".into(), "1".into());
            o.annotations.insert("n".into(), "2".into());
            o.finalizers = vec!["f".into(), "e".into()];
            o.tearing_down = true;
            o.spec = vec![0, 1, 0xff];
        });
        store.keep_secret("key", vec![7, 0, 8]);
        drop(store);
        let store = open(folder.path());
        assert_eq!(store.get(&key("a")), Some(written));
        assert_eq!(store.secret("key"), Some(vec![7, 0, 8]));
        assert!(store.view().object(&key("b")).is_none());
    }

    /// A kill leaves any part of what was being written, and never more than that is lost.
    #[test]
    fn a_journal_cut_anywhere_keeps_what_came_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let store = open(folder.path());
        let mut stages = vec![(fs::metadata(&path).unwrap().len(), ids(&store))];
        let writes: [&dyn Fn(&Store); 4] = [
            &|s| drop(s.put("", &key("a"), |_| {})),
            &|s| drop(s.put("", &key("b"), |o| o.spec = vec![1; 100])),
            &|s| drop(s.modify(&key("a"), |o| o.tearing_down = true)),
            &|s| drop(s.remove(&key("b"))),
        ];
        for write in writes {
            write(&store);
            stages.push((fs::metadata(&path).unwrap().len(), ids(&store)));
        }
        drop(store);
        let whole = fs::read(&path).unwrap();
        for cut in 0..=whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let reached = stages.iter().rev().find(|(length, _)| *length <= cut as u64);
            let expected = reached.map(|(_, ids)| ids.clone()).unwrap_or_default();
            let store = open(folder.path());
            assert_eq!(ids(&store), expected, "cut at {cut} of {}", whole.len());
            // What is written after the cut is found again.
            store.put("", &key("z"), |_| {});
            drop(store);
            assert_eq!(ids(&open(folder.path())).len(), expected.len() + 1, "cut at {cut}");
        }
    }

    #[test]
    fn a_damaged_record_ends_the_journal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let store = open(folder.path());
        store.put("", &key("a"), |_| {});
        let before = fs::metadata(&path).unwrap().len();
        store.put("", &key("b"), |_| {});
        drop(store);
        let mut bytes = fs::read(&path).unwrap();
        let middle = usize::try_from(before).unwrap() + HEADER + 3;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert_eq!(ids(&open(folder.path())), ["a@1"]);
    }

    #[test]
    fn history_is_forgotten_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let store = open(folder.path());
        store.keep_secret("key", vec![1]);
        let mut largest = 0;
        for round in 0..20u8 {
            store.put("", &key("a"), |o| o.spec = vec![round; 1 << 20]);
            largest = largest.max(fs::metadata(&path).unwrap().len());
        }
        assert!(largest < 10 << 20, "{largest} bytes for one object of a megabyte");
        store.sync().unwrap();
        drop(store);
        let store = open(folder.path());
        assert_eq!(ids(&store), ["a@20"]);
        assert_eq!(store.get(&key("a")).unwrap().spec[0], 19);
        assert_eq!(store.secret("key"), Some(vec![1]));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let _store = open(folder.path());
        assert_eq!(fs::metadata(folder.path().join("journal")).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn foreign_files_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("journal"), "something else").unwrap();
        let clock = Arc::new(TestClock::at(0));
        let error = Store::open(clock, std::time::Duration::ZERO, Some(folder.path())).unwrap_err();
        assert!(matches!(error, JournalError::Foreign { .. }), "{error}");
        assert_eq!(fs::read(folder.path().join("journal")).unwrap(), b"something else");
    }
}
