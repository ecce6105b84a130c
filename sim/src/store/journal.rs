//! Persists objects and secrets: a journal of records with checksums, compacted when most of it is outdated.
//! An incomplete record, after a kill or a loss of power, ends the journal; everything before it is valid.
//! A modified record is damage: records after it would be lost, so the files are not changed then.

use crate::object::{Key, Object};
use crate::wire;
use omni_proto::cosi::resource as pb;
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
    /// It is a pipe, a device or a folder, which cannot be read back.
    #[error("{} is no regular file; take it away, or name another folder", .path.display())]
    Irregular {
        /// What is there.
        path: PathBuf,
    },
    /// It was changed by something else than this program.
    #[error(
        "{} is damaged at byte {offset}: {what}; the file was left as it is. Put a copy in its place, name another \
         folder, or cut the file there, with which its last {lost} bytes are lost: truncate -s {offset} {}",
        .path.display(), .path.display()
    )]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// Where the record begins that cannot be read.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
        /// How many bytes there are from there on.
        lost: u64,
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
    /// What was cut off at the end, if anything.
    pub(super) torn: Option<Torn>,
}

/// The last record of a journal was not whole, as a kill leaves it, and was taken off.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the last write to {} was not finished when the simulator ended; its {bytes} bytes were cut off, and everything \
     before it counts", .path.display()
)]
pub struct Torn {
    path: PathBuf,
    bytes: u64,
}

/// A write did not reach the disk.
pub(super) type Failed = Arc<io::Error>;

pub(super) struct Journal {
    folder: PathBuf,
    file: File,
    /// Held for as long as the journal is: no second simulator may write here.
    _lock: File,
    length: u64,
    compacted: u64,
    unsynced: bool,
    /// Why nothing is written any more.
    failure: Option<Failed>,
    /// Why the last write is not there, although others may follow.
    refused: Option<Failed>,
}

impl Journal {
    pub(super) fn open(folder: &Path) -> Result<(Self, Contents), JournalError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| JournalError::Io { path, source }
        };
        fs::create_dir_all(folder).map_err(at(folder))?;
        let lock_path = folder.join("lock");
        regular(&lock_path)?;
        let lock = private().create(true).truncate(false).open(&lock_path).map_err(at(&lock_path))?;
        if lock.try_lock().is_err() {
            return Err(JournalError::Locked { path: lock_path });
        }
        let path = folder.join("journal");
        regular(&path)?;
        let mut file = private().read(true).create(true).truncate(false).open(&path).map_err(at(&path))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(at(&path))?;
        // A kill right after the file was made leaves a part of the first line.
        if MAGIC.starts_with(&bytes) {
            file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(MAGIC)).map_err(at(&path))?;
            bytes = MAGIC.to_vec();
        }
        let records = bytes.strip_prefix(MAGIC).ok_or_else(|| JournalError::Foreign { path: path.clone() })?;
        let (mut contents, good, end) = replay(records);
        let (length, whole) = ((MAGIC.len() + good) as u64, bytes.len() as u64);
        match end {
            End::Whole => {}
            End::Torn => contents.torn = Some(Torn { path: path.clone(), bytes: whole - length }),
            End::Damaged(what) => {
                return Err(JournalError::Damaged { path, offset: length, what, lost: whole - length });
            }
        }
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
            refused: None,
        };
        Ok((journal, contents))
    }

    pub(super) fn put(&mut self, object: &Object) -> Result<(), Failed> {
        self.append(PUT, &wire::metadata_and_spec(object).encode_to_vec())
    }

    pub(super) fn remove(&mut self, key: &Key) -> Result<(), Failed> {
        self.append(REMOVE, &named(key).encode_to_vec())
    }

    /// A server that has a secret of which the disk knows nothing is not the same after a restart, so it ends then.
    pub(super) fn secret(&mut self, name: &str, bytes: &[u8]) {
        if let Err(error) = self.append(SECRET, &secret(name, bytes).encode_to_vec()) {
            self.failure.get_or_insert(error);
        }
    }

    /// Why nothing is written any more.
    pub(super) fn failure(&self) -> Option<Failed> {
        self.failure.clone()
    }

    /// Why the last write is not there.
    pub(super) fn refused(&self) -> Option<Failed> {
        self.failure().or_else(|| self.refused.clone())
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
    /// Without room for it the old one goes on; it holds the same and more.
    pub(super) fn compact(&mut self, objects: &[Arc<Object>], secrets: &BTreeMap<String, Vec<u8>>) {
        if let Err(error) = self.rewrite(objects, secrets) {
            tracing::warn!(%error, "the journal cannot be made smaller for now");
            self.compacted = self.length;
        }
    }

    /// The same, for when the old one must not go on.
    pub(super) fn replace(&mut self, objects: &[Arc<Object>], secrets: &BTreeMap<String, Vec<u8>>) {
        if let Err(error) = self.rewrite(objects, secrets) {
            self.fail(error);
        }
    }

    fn rewrite(&mut self, objects: &[Arc<Object>], secrets: &BTreeMap<String, Vec<u8>>) -> io::Result<()> {
        let mut bytes = MAGIC.to_vec();
        for (name, value) in secrets {
            record(&mut bytes, SECRET, &secret(name, value).encode_to_vec());
        }
        for object in objects {
            record(&mut bytes, PUT, &wire::metadata_and_spec(object).encode_to_vec());
        }
        let fresh = self.folder.join("journal.new");
        let written = write_new(&fresh, &bytes).and_then(|file| {
            fs::rename(&fresh, self.folder.join("journal"))?;
            Ok(file)
        });
        let file = written.inspect_err(|_| drop(fs::remove_file(&fresh)))?;
        self.file = file;
        self.length = bytes.len() as u64;
        self.compacted = self.length;
        // From here on only the new file is there, but perhaps not yet after a loss of power.
        if let Err(error) = sync_folder(&self.folder) {
            self.fail(error);
        }
        Ok(())
    }

    fn append(&mut self, tag: u8, payload: &[u8]) -> Result<(), Failed> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        let mut bytes = Vec::with_capacity(HEADER + 1 + payload.len());
        record(&mut bytes, tag, payload);
        match self.file.write_all(&bytes) {
            Ok(()) => {
                self.length += bytes.len() as u64;
                self.unsynced = true;
                self.refused = None;
                Ok(())
            }
            Err(error) => Err(self.take_back(error)),
        }
    }

    /// Takes off what a failed write has left of its record: what would follow it could not be read.
    fn take_back(&mut self, error: io::Error) -> Failed {
        let error = Arc::new(error);
        let taken = self.file.set_len(self.length).and_then(|()| self.file.seek(SeekFrom::Start(self.length)));
        if taken.is_err() {
            self.failure = Some(error.clone());
        }
        self.refused = Some(error.clone());
        error
    }
}

#[cfg(test)]
impl Journal {
    pub(super) fn swap_file(&mut self, file: File) -> File {
        std::mem::replace(&mut self.file, file)
    }
}

/// Refuses what is there and is no file: reading from a pipe or a device may never end.
pub(crate) fn regular(path: &Path) -> Result<(), JournalError> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(JournalError::Irregular { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(JournalError::Io { path: path.to_owned(), source }),
    }
}

/// Writes a file that was not there before, or in the place of what an earlier try has left.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private().create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(file)
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

/// How a journal ends.
enum End {
    Whole,
    /// In the middle of its last record.
    Torn,
    /// With a record that is there but cannot be read, and why not.
    Damaged(&'static str),
}

/// What the records say, how many bytes of them are good, and what comes after those.
fn replay(bytes: &[u8]) -> (Contents, usize, End) {
    let mut objects = BTreeMap::new();
    let mut secrets = BTreeMap::new();
    let mut good = 0;
    let end = loop {
        let Some((tag, payload, end)) = next_record(bytes, good) else { break end_at(bytes, good) };
        let resource = pb::Resource::decode(payload).ok();
        match (tag, resource.as_ref().and_then(wire::stored)) {
            (PUT, Some(object)) => {
                objects.insert(object.key.clone(), object);
            }
            (REMOVE, Some(object)) => {
                objects.remove(&object.key);
            }
            (SECRET, Some(object)) => {
                secrets.insert(object.key.id, object.spec);
            }
            _ => break End::Damaged("the record there is of a kind that this version does not know"),
        }
        good = end;
    };
    (Contents { objects: objects.into_values().collect(), secrets, torn: None }, good, end)
}

/// What the bytes are from where no whole record begins.
fn end_at(bytes: &[u8], at: usize) -> End {
    let rest = bytes.get(at..).unwrap_or_default();
    if rest.is_empty() {
        return End::Whole;
    }
    // A file system that lost its power may have made room for a record and not written it.
    if rest.iter().all(|byte| *byte == 0) {
        return End::Torn;
    }
    if claimed(rest).is_some_and(|length| HEADER + length <= rest.len()) {
        return End::Damaged("the record there does not fit its checksum");
    }
    // It says that it goes on beyond the end: so does one that was cut off, but then nothing comes after it.
    let follows = (at + 1..bytes.len()).any(|later| next_record(bytes, later).is_some());
    if follows { End::Damaged("the record there does not fit its length") } else { End::Torn }
}

/// The length that a record says it has, its header left aside.
fn claimed(record: &[u8]) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(*record.first_chunk()?)).ok()
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
    use crate::kinds;
    use crate::store::{Store, StoreError, Verb};
    use kit::clock::TestClock;

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

    /// A bit that flipped anywhere stops the simulator, and never takes other records with it.
    #[test]
    fn damage_is_told_and_nothing_is_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let store = open(folder.path());
        let mut begins = vec![];
        for id in ["a", "b", "c"] {
            begins.push(fs::metadata(&path).unwrap().len());
            store.put("", &key(id), |_| {});
        }
        drop(store);
        let whole = fs::read(&path).unwrap();
        // The last record's length is left out: one that is too long looks as one that was cut off.
        let last = usize::try_from(begins[2]).unwrap();
        for at in (MAGIC.len()..last).chain(last + 4..whole.len()) {
            for bit in [0x01, 0x80] {
                let mut bytes = whole.clone();
                bytes[at] ^= bit;
                fs::write(&path, &bytes).unwrap();
                let begin = *begins.iter().rev().find(|begin| **begin <= at as u64).unwrap();
                let clock = Arc::new(TestClock::at(0));
                let error = Store::open(clock, std::time::Duration::ZERO, Some(folder.path())).unwrap_err();
                let JournalError::Damaged { offset, lost, .. } = &error else { panic!("{at}: {error}") };
                assert_eq!((*offset, *lost), (begin, whole.len() as u64 - begin), "{at}");
                assert_eq!(fs::read(&path).unwrap(), bytes, "{at}: the file is as it was");
                let text = error.to_string();
                assert!(text.contains(&format!("damaged at byte {begin}: the record there")), "{text}");
            }
        }
        // The way out that the text names.
        fs::write(&path, &whole[..last]).unwrap();
        assert_eq!(ids(&open(folder.path())), ["a@1", "b@1"]);
    }

    #[test]
    fn a_torn_end_is_cut_off_and_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let store = open(folder.path());
        store.put("", &key("a"), |_| {});
        assert_eq!(store.torn(), None);
        let before = fs::metadata(&path).unwrap().len();
        store.put("", &key("b"), |_| {});
        drop(store);
        let whole = fs::read(&path).unwrap();
        let (kept, record) = whole.split_at(usize::try_from(before).unwrap());
        for end in [&record[..2], &record[..20], &record[..record.len() - 1], &[0; 300]] {
            fs::write(&path, [kept, end].concat()).unwrap();
            let store = open(folder.path());
            assert_eq!(ids(&store), ["a@1"]);
            let said = store.torn().unwrap().to_string();
            assert!(said.contains(&format!("its {} bytes were cut off", end.len())), "{said}");
            drop(store);
            assert_eq!(fs::metadata(&path).unwrap().len(), before);
            assert_eq!(open(folder.path()).torn(), None, "said once");
        }
    }

    #[test]
    fn a_record_from_the_future_is_not_thrown_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        drop(open(folder.path()));
        let mut bytes = fs::read(&path).unwrap();
        record(&mut bytes, 9, b"what comes later");
        fs::write(&path, &bytes).unwrap();
        let clock = Arc::new(TestClock::at(0));
        let error = Store::open(clock, std::time::Duration::ZERO, Some(folder.path())).unwrap_err();
        assert!(error.to_string().contains("of a kind that this version does not know"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }

    /// What cannot be read back must not be waited for either; pipes are in the tests of the built program, as a process
    /// that is started here would hold the locks of other tests for a moment.
    #[cfg(unix)]
    #[test]
    fn devices_and_folders_are_refused() {
        for name in ["journal", "lock"] {
            for make in [&|path: &Path| std::os::unix::fs::symlink("/dev/full", path).unwrap(), &|path: &Path| {
                fs::create_dir(path).unwrap()
            }] as [&dyn Fn(&Path); 2]
            {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join(name);
                make(&path);
                let clock = Arc::new(TestClock::at(0));
                let error = Store::open(clock, std::time::Duration::ZERO, Some(folder.path())).unwrap_err();
                assert!(matches!(&error, JournalError::Irregular { path: named } if *named == path), "{error}");
            }
        }
    }

    #[test]
    fn what_a_crash_left_of_a_rewrite_is_in_nobody_s_way() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        store.put("", &key("a"), |_| {});
        #[cfg(unix)]
        std::os::unix::fs::symlink("/dev/full", folder.path().join("journal.new")).unwrap();
        #[cfg(not(unix))]
        fs::write(folder.path().join("journal.new"), "half").unwrap();
        store.reset();
        store.put("", &key("b"), |_| {});
        store.sync().unwrap();
        drop(store);
        assert_eq!(ids(&open(folder.path())), ["b@1"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_write_that_the_disk_refuses_did_not_happen() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        store.put("", &key("a"), |_| {});
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let kept = store.swap_file(full).unwrap();
        let fresh = store.fresh(key("b"), vec![]);
        let error = store.create(fresh.clone(), "").unwrap_err();
        assert!(matches!(error, StoreError::Journal(_)), "{error}");
        let status = error.status(Verb::Create);
        assert!(status.message().contains("No space left on device"), "{}", status.message());
        assert!(store.begin_teardown(&key("a"), "").is_err() && store.destroy(&key("a"), "").is_err());
        assert!(!store.put("", &key("c"), |_| {}).tearing_down && store.remove(&key("a")).is_none());
        assert_eq!(ids(&store), ["a@1"]);
        assert_eq!(store.lost(), 2, "the server has to try again what it did by itself");
        assert!(store.sync_whole().is_err());
        drop(store.swap_file(kept));
        drop(store);
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
