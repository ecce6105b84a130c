//! Terraform provider for Sidero Omni, and `omni-sim`, an in-memory Omni.
//!
//! # Map
//!
//! | module | what it is | may use |
//! |---|---|---|
//! | [`pb`] | generated wire messages | nothing |
//! | [`kit`] | small values: YAML, Go durations, clocks, secrets | nothing |
//! | [`tf`] | Terraform's plugin protocol: values, schemas, plans, the server | `pb`, `kit` |
//! | [`omni`] | client of Omni: signing, retries, COSI state | `pb`, `kit` |
//! | [`provider`] | what users see: resources, data sources, the engine behind them | `tf`, `omni`, `pb`, `kit` |
//! | [`sim`] | an Omni in memory, on real gRPC | `pb`, `kit` |
//! | [`docs`] | schema and templates to Markdown | `tf`, `provider` |
//!
//! # Invariants
//!
//! - `tf` knows no Omni, and `omni` knows no Terraform.
//! - `sim` shares no code with the client or the provider, only the generated messages: a shared encoder would hide a shared mistake.
//! - Only `tf::plugin` writes to stdout: it is the handshake channel.
//! - Only `kit::clock` reads the time.
//!
//! A test reads the sources and fails when a module reaches for one that this table does not allow.

pub mod docs;
pub mod kit;
pub mod omni;
pub mod pb;
pub mod provider;
pub mod sim;
pub mod tf;

/// The provider's source address, under which configurations name it.
pub const PROVIDER_ADDRESS: &str = "registry.terraform.io/omnirs/omni";
