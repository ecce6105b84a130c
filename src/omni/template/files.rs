//! The files that a template names. It knows nothing of what is in them.

use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// The most bytes of a file: the largest request that Omni takes is smaller.
const LARGEST: u64 = 32 << 20;

/// Why a file of a template cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It is not there.
    #[error("no such file or directory")]
    Missing,
    /// It is not in the folder of the template.
    #[error("path escapes from parent")]
    Outside,
    /// It is a folder.
    #[error("is a directory")]
    Folder,
    /// It is no text.
    #[error("it is not encoded in UTF-8")]
    Encoding,
    /// It is too large for any object.
    #[error("it is larger than {} MiB", LARGEST >> 20)]
    TooLarge,
    /// Files are not read here, so that nothing is known of it. Validation passes it over; rendering needs it.
    #[error("files are not read here")]
    NotRead,
    /// The system does not let it be read.
    #[error("{0}")]
    System(String),
}

/// Where a template's files are.
pub trait Files: Send + Sync {
    /// The text of the file at this path, which the template gives.
    ///
    /// # Errors
    /// When it cannot be read, or must not be.
    fn read(&self, path: &str) -> Result<String, FileError>;
}

/// Files of a folder, and of no other: a path that leads out of it is refused, even through a link.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Files relative to this folder; empty for the working directory.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self(if path.as_os_str().is_empty() { PathBuf::from(".") } else { path })
    }

    /// Where a file of the folder is, with every link followed.
    fn resolve(&self, path: &str) -> Result<PathBuf, FileError> {
        let root = self.0.canonicalize().map_err(|error| system(&error))?;
        let given = Path::new(path);
        // What the text of the path says comes first: nothing outside is even looked at.
        let relative = if given.is_absolute() {
            let normal = normalized(given).ok_or(FileError::Outside)?;
            let absolute = std::path::absolute(&self.0).map_err(|error| system(&error))?;
            let inside = normal.strip_prefix(&root).ok().or_else(|| normal.strip_prefix(&absolute).ok());
            inside.map(Path::to_path_buf).ok_or(FileError::Outside)?
        } else {
            normalized(given).ok_or(FileError::Outside)?
        };
        let found = root.join(relative).canonicalize().map_err(|error| system(&error))?;
        if found.starts_with(&root) { Ok(found) } else { Err(FileError::Outside) }
    }
}

impl Files for Folder {
    fn read(&self, path: &str) -> Result<String, FileError> {
        let found = self.resolve(path)?;
        let file = std::fs::File::open(found).map_err(|error| system(&error))?;
        let about = file.metadata().map_err(|error| system(&error))?;
        if about.is_dir() {
            return Err(FileError::Folder);
        }
        if !about.is_file() {
            return Err(FileError::System("it is no regular file".to_owned()));
        }
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| system(&error))?;
        if bytes.len() as u64 > LARGEST {
            return Err(FileError::TooLarge);
        }
        String::from_utf8(bytes).map_err(|_| FileError::Encoding)
    }
}

/// The text of a file in UTF-8, or in UTF-16 with a mark of its order of bytes.
///
/// # Errors
/// [`FileError::Encoding`].
pub fn text_of(bytes: &[u8]) -> Result<String, FileError> {
    let units = |read: fn([u8; 2]) -> u16, bytes: &[u8]| -> Result<String, FileError> {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| read(*pair)).collect();
        String::from_utf16(&units).ok().filter(|_| rest.is_empty()).ok_or(FileError::Encoding)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => units(u16::from_le_bytes, rest),
        [0xfe, 0xff, rest @ ..] => units(u16::from_be_bytes, rest),
        _ => String::from_utf8(bytes.to_vec()).map_err(|_| FileError::Encoding),
    }
}

/// No files: for a template that is checked away from its folder. Its files count as right.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _path: &str) -> Result<String, FileError> {
        Err(FileError::NotRead)
    }
}

fn system(error: &std::io::Error) -> FileError {
    match error.kind() {
        std::io::ErrorKind::NotFound => FileError::Missing,
        std::io::ErrorKind::IsADirectory => FileError::Folder,
        _ => FileError::System(error.to_string()),
    }
}

/// A path without `.` and `..`; `None` if it leads above where it begins.
fn normalized(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    let mut depth = 0_usize;
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                depth = depth.checked_sub(1)?;
                normal.pop();
            }
            Component::Normal(name) => {
                depth += 1;
                normal.push(name);
            }
            Component::RootDir | Component::Prefix(_) => normal.push(component),
        }
    }
    Some(normal)
}
