//! The client of Omni: signed gRPC calls with retries, COSI resources, and management RPCs.
//!
//! It knows no Terraform, and reads no environment: [`Config`] has all settings. A [`Client`] is made once for each endpoint
//! and key; every operation passes a [`Call`] with its deadline, and decides by [`ErrorKind`] when it fails.

pub mod auth;
pub mod call;
mod channel;
pub mod client;
pub mod config;
mod endpoint;
pub mod error;
mod fresh_key;
pub mod labels;
pub mod management;
mod once;
pub(crate) mod patch;
pub mod pem;
mod plain;
mod problems;
mod proxy;
pub mod resources;
mod retry;
pub mod spec;
pub mod state;
mod status;
mod sweep;
pub mod template;
#[cfg(test)]
mod testing;
mod tls;
mod transport;
pub mod version;

pub use call::Call;
pub use channel::{MAX_REQUEST, open as open_channel};
pub use client::Client;
pub use config::{Config, Credentials, ProxyOptions, RetryPolicy, TlsOptions};
pub use endpoint::ignored;
pub use error::{Error, ErrorKind};
pub use management::{AccountKey, AccountRole, JoinConfig, KubeconfigRequest, NewKey, PreChecks, ServiceAccount, User};
pub(crate) use state::modify::{Current, MayConflict};
pub use state::query::{LabelQuery, Query};
pub use state::watch::{Event, Watch};
pub use state::{Key, Kind, Listing, Metadata, Phase, Resource};
pub use sweep::Sweep;
