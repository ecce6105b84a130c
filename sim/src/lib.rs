//! `omni-sim`: an in-memory Omni that serves real gRPC.
//! It is a test double, a demo server, and a server for module tests.
//! It shares no code with the client or the provider, only the generated messages and `kit`.

pub mod access;
pub mod access_policy;
pub mod accounts;
mod applied_manifests;
pub mod audit;
pub mod auth;
mod bootstrap;
pub mod bootstrap_manifests;
pub mod catalogue;
mod columns;
pub mod compression;
mod confirm;
mod connection;
pub mod controllers;
mod descriptors;
pub mod driver;
mod endpoint_file;
mod external;
pub mod faults;
mod instance;
mod interceptor;
pub mod inventory;
mod join_config;
pub mod json_schema;
pub mod kinds;
mod kubeconfig;
pub mod machine_logs;
pub mod management;
mod meta;
mod methods;
pub mod names;
pub mod object;
mod options;
mod outage;
mod query;
mod release;
mod requests;
pub mod rules;
pub mod schematic;
mod server;
mod settings;
mod sign_in;
mod spec_yaml;
mod state_service;
pub mod store;
#[cfg(test)]
mod tests;
mod time;
mod tls;
mod token;
mod violations;
mod virtual_kinds;
mod watch;
mod wire;
pub mod world;
pub mod worlds;

pub use confirm::{ConfirmError, confirm};
pub use driver::Mode;
pub use endpoint_file::{EndpointFile, EndpointFileError};
pub use instance::{Sim, SimError};
pub use kinds::Role;
pub use options::Options;
pub use release::{Release, UnknownRelease};
pub use requests::Request;
