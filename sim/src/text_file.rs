//! Text files that people name. A path can lead to anything, so no more is read than such a file ever has.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// More than any world, list of faults or certificate has.
const LARGEST: u64 = 16 << 20;

/// The content of the file. A pipe is waited for.
///
/// # Errors
/// When it cannot be read, is not text, or is too large.
pub fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("it has more than {} MiB", LARGEST >> 20)));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_end_is_not_read_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("world.yaml");
        std::fs::write(&path, "machines: []\n").unwrap();
        assert_eq!(read(&path).unwrap(), "machines: []\n");
        std::fs::write(&path, vec![b'x'; (16 << 20) + 1]).unwrap();
        assert_eq!(read(&path).unwrap_err().to_string(), "it has more than 16 MiB");
        #[cfg(unix)]
        assert_eq!(read(Path::new("/dev/zero")).unwrap_err().to_string(), "it has more than 16 MiB");
    }
}
