//! Files that are named by the provider block or the environment.
//! A path can lead to anything, so only regular files are opened, and their size is limited.

use std::io;
use std::io::Read as _;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// The most bytes of a file that are read.
const LARGEST: u64 = 1024 * 1024;
/// The most bytes of a list of authorities, of which the system reads all.
const LARGEST_LIST: u64 = 16 * 1024 * 1024;
/// How long reading may take: a file system behind a network may not answer.
const LIMIT: Duration = Duration::from_secs(30);

/// Why a file was not read; the text stands behind its name.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it is {0}; only a regular file is read")]
    NotRegular(&'static str),
    #[error("it has more than {} MiB, which no such file has", .0 / 1024 / 1024)]
    TooLarge(u64),
    #[error("it was not read within {} s", LIMIT.as_secs())]
    TooSlow,
    #[error("reading was stopped")]
    Stopped,
}

/// The content of the file.
pub(super) async fn read(cancel: &CancellationToken, path: &str) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let path = path.to_owned();
    beside(cancel, move || {
        check(&path, LARGEST)?;
        let mut content = Zeroizing::new(Vec::new());
        std::fs::File::open(&path)?.take(LARGEST + 1).read_to_end(&mut content)?;
        // It may have grown since, and some files do not tell their size.
        if content.len() as u64 > LARGEST { Err(FileError::TooLarge(LARGEST)) } else { Ok(content) }
    })
    .await
}

/// Whether the file is one that a library may read whole.
pub(super) async fn readable(cancel: &CancellationToken, path: &str) -> Result<(), FileError> {
    let path = path.to_owned();
    beside(cancel, move || check(&path, LARGEST_LIST)).await
}

/// Does `work` beside what else goes on. A thread that hangs in the system is left behind.
async fn beside<T: Send + 'static>(
    cancel: &CancellationToken,
    work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
) -> Result<T, FileError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(FileError::Stopped),
        done = tokio::time::timeout(LIMIT, tokio::task::spawn_blocking(work)) => match done {
            Ok(Ok(result)) => result,
            Ok(Err(ended)) => Err(io::Error::other(ended).into()),
            Err(_) => Err(FileError::TooSlow),
        },
    }
}

/// Looks at the file before it is opened: to open a pipe waits for whoever writes to it.
fn check(path: &str, largest: u64) -> Result<(), FileError> {
    let metadata = std::fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(FileError::NotRegular("a folder"));
    }
    if !metadata.is_file() {
        return Err(FileError::NotRegular("a pipe, a socket or a device"));
    }
    if metadata.len() > largest { Err(FileError::TooLarge(largest)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn said(path: &str) -> String {
        match read(&CancellationToken::new(), path).await {
            Ok(content) => format!("{} bytes", content.len()),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn only_regular_files_of_a_sensible_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let made = |name: &str, size: usize| {
            std::fs::write(path(name), vec![b'x'; size]).unwrap();
            path(name)
        };
        assert_eq!(said(&made("small", 10)).await, "10 bytes");
        assert_eq!(said(&made("largest", 1 << 20)).await, "1048576 bytes");
        assert_eq!(said(&made("larger", (1 << 20) + 1)).await, "it has more than 1 MiB, which no such file has");
        assert_eq!(said(&path(".")).await, "it is a folder; only a regular file is read");
        assert!(said(&path("none")).await.contains("No such file"), "{}", said(&path("none")).await);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn pipes_and_devices_are_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let other = "it is a pipe, a socket or a device; only a regular file is read";
        for path in [pipe.to_str().unwrap(), "/dev/zero", "/dev/tty"] {
            let said = said(path).await;
            assert!(said == other || (path == "/dev/tty" && said.contains("No such")), "{path}: {said}");
            assert!(readable(&CancellationToken::new(), path).await.is_err(), "{path}");
        }
    }

    #[tokio::test]
    async fn reading_can_be_stopped() {
        let cancel = CancellationToken::new();
        let (started, hangs) = std::sync::mpsc::channel::<()>();
        let reading = beside(&cancel, move || hangs.recv().map_err(io::Error::other).map_err(FileError::from));
        let stop = async { cancel.cancel() };
        let (read, ()) = tokio::join!(reading, stop);
        assert!(matches!(read, Err(FileError::Stopped)), "{read:?}");
        drop(started);
    }
}
