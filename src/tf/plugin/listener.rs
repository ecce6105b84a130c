//! Where the process listens: a Unix socket where there are such, else a port on the loopback address.
//! It knows neither TLS nor gRPC.

use std::io;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
#[cfg(unix)]
use std::path::Path;
use std::path::PathBuf;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;

/// The longest path of a socket on the strictest system, macOS.
#[cfg(unix)]
const LONGEST_PATH: usize = 103;

/// Why the process cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The socket could not be made.
    #[error("could not listen on `{0}`")]
    Bind(String, #[source] io::Error),
    /// No port of the range is free.
    #[error("none of the ports {} to {} can be listened on", .0.start(), .0.end())]
    NoPort(RangeInclusive<u16>, #[source] io::Error),
    /// The access rights of the socket could not be set.
    #[error("could not set who may use the socket `{0}`")]
    Access(String, #[source] io::Error),
    /// The group that the host names is not there.
    #[error("there is no group `{0}`, which PLUGIN_UNIX_SOCKET_GROUP names")]
    NoGroup(String),
}

/// A connection as bytes.
pub trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// Takes connections.
pub enum Listener {
    /// On a Unix socket.
    #[cfg(unix)]
    Unix(UnixListener),
    /// On a port.
    Tcp(TcpListener),
}

/// Where a listener is reached.
#[derive(Debug)]
pub struct Address {
    /// `unix` or `tcp`.
    pub network: &'static str,
    /// The path, or the address and port.
    pub address: String,
    /// Removes the socket's file when dropped.
    _file: Option<SocketFile>,
}

/// The file of a Unix socket; dropping it removes the file.
#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Nothing is to be done about a file that is gone already.
        std::fs::remove_file(&self.0).ok();
    }
}

impl Listener {
    /// Listens on a fresh Unix socket in `dir`, or in the system's folder for temporary files.
    /// Only the owner and `group`, if set, may connect.
    ///
    /// # Errors
    /// When the socket cannot be made.
    #[cfg(unix)]
    pub fn unix(dir: Option<&Path>, group: Option<&str>) -> Result<(Self, Address), ListenError> {
        use std::os::unix::fs::{PermissionsExt as _, chown};

        let path = match dir {
            Some(dir) => socket_path(dir),
            None => {
                let path = socket_path(&std::env::temp_dir());
                if path.as_os_str().len() > LONGEST_PATH { socket_path(Path::new("/tmp")) } else { path }
            }
        };
        let address = path.display().to_string();
        let listener = UnixListener::bind(&path).map_err(|e| ListenError::Bind(address.clone(), e))?;
        let file = SocketFile(path.clone());

        let mode = match group {
            None => 0o600,
            Some(group) => {
                let id = group_id(group).ok_or_else(|| ListenError::NoGroup(group.to_owned()))?;
                chown(&path, None, Some(id)).map_err(|e| ListenError::Access(address.clone(), e))?;
                0o660
            }
        };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))
            .map_err(|e| ListenError::Access(address.clone(), e))?;
        Ok((Self::Unix(listener), Address { network: "unix", address, _file: Some(file) }))
    }

    /// Listens on the first free port of `ports` on the loopback address; port 0 is any.
    ///
    /// # Errors
    /// When no port is free.
    pub fn tcp(ports: RangeInclusive<u16>) -> Result<(Self, Address), ListenError> {
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for port in ports.clone() {
            match bind_tcp(port) {
                Ok((listener, address)) => {
                    return Ok((Self::Tcp(listener), Address { network: "tcp", address, _file: None }));
                }
                Err(error) => last = error,
            }
        }
        Err(ListenError::NoPort(ports, last))
    }

    /// The next connection.
    ///
    /// # Errors
    /// When the system hands out none; the next attempt may succeed.
    pub async fn accept(&self) -> io::Result<Box<dyn Bytes>> {
        Ok(match self {
            #[cfg(unix)]
            Self::Unix(listener) => Box::new(listener.accept().await?.0),
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
        })
    }
}

fn bind_tcp(port: u16) -> io::Result<(TcpListener, String)> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?.to_string();
    Ok((TcpListener::from_std(listener)?, address))
}

/// A short name: the whole path must fit into about a hundred bytes.
#[cfg(unix)]
fn socket_path(dir: &Path) -> PathBuf {
    let random = uuid::Uuid::new_v4().simple().to_string();
    dir.join(format!("plugin{}", &random[..10]))
}

/// The number of a group, from its name or from the number itself.
#[cfg(unix)]
fn group_id(group: &str) -> Option<u32> {
    group.parse().ok().or_else(|| find_group(&std::fs::read_to_string("/etc/group").ok()?, group))
}

#[cfg(unix)]
fn find_group(table: &str, name: &str) -> Option<u32> {
    table
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|f| f.first() == Some(&name))?
        .get(2)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[tokio::test]
    async fn the_socket_is_the_owners_alone_and_goes_with_its_guard() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let (_listener, address) = Listener::unix(Some(dir.path()), None).unwrap();
        let path = PathBuf::from(&address.address);
        assert_eq!(path.parent(), Some(dir.path()));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(address);
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_group_may_connect_when_it_is_named() {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
        let dir = tempfile::tempdir().unwrap();
        let own = std::fs::metadata(dir.path()).unwrap().gid().to_string();
        let (_listener, address) = Listener::unix(Some(dir.path()), Some(&own)).unwrap();
        let meta = std::fs::metadata(&address.address).unwrap();
        assert_eq!((meta.permissions().mode() & 0o777, meta.gid().to_string()), (0o660, own));
        assert!(matches!(Listener::unix(Some(dir.path()), Some("no such group")), Err(ListenError::NoGroup(_))));
    }

    #[cfg(unix)]
    #[test]
    fn groups_are_found_by_name() {
        let table = "root:x:0:\nbad\nstaff:x:50:alice,bob\n";
        assert_eq!(find_group(table, "staff"), Some(50));
        assert_eq!(find_group(table, "bad"), None);
        assert_eq!(find_group(table, "alice"), None);
    }

    #[tokio::test]
    async fn tcp_takes_the_first_free_port_of_the_range() {
        let (_first, taken) = Listener::tcp(0..=0).unwrap();
        let port: u16 = taken.address.rsplit(':').next().unwrap().parse().unwrap();
        assert!(matches!(Listener::tcp(port..=port), Err(ListenError::NoPort(..))));
        if let Ok((_second, next)) = Listener::tcp(port..=port.saturating_add(50)) {
            assert_eq!(next.network, "tcp");
            assert!(next.address.starts_with("127.0.0.1:") && next.address != taken.address);
        }
    }

    #[tokio::test]
    async fn tcp_connections_are_taken() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (listener, address) = Listener::tcp(0..=0).unwrap();
        let mut client = tokio::net::TcpStream::connect(&address.address).await.unwrap();
        let mut server = listener.accept().await.unwrap();
        client.write_all(b"x").await.unwrap();
        assert_eq!(server.read_u8().await.unwrap(), b'x');
    }
}
