//! Terraform provider for Sidero Omni.
//!
//! # Map
//!
//! | module | what it is | may use |
//! |---|---|---|
//! | [`tf`] | Terraform's plugin protocol: values, schemas, plans, the server | nothing |
//! | [`omni`] | client of Omni: signing, retries, COSI state | nothing |
//! | [`provider`] | what users see: resources, data sources, the engine behind them | `tf`, `omni` |
//! | [`docs`] | schema and templates to Markdown | `tf`, `provider` |
//!
//! They depend on two other members of the workspace: `omni_proto`, the generated wire messages, and `kit`,
//! small types such as YAML, Go durations, clocks and secrets. A third one, `omni_sim`, is an in-memory Omni on real
//! gRPC: it depends on the same two, and only tests use it here.
//!
//! # Invariants
//!
//! - `tf` knows no Omni, and `omni` knows no Terraform.
//! - `omni_sim` shares no code with the client or the provider, only the generated messages: a shared encoder would hide a shared mistake.
//! - Only `tf::plugin` writes to stdout: it is the handshake channel.
//! - Only `kit::clock` reads the time.
//!
//! The compiler enforces the boundaries of the members. A test reads the sources and fails if a module uses another one
//! that this table does not allow.

pub mod docs;
pub mod omni;
pub mod provider;
pub mod tf;

/// The provider's source address, under which configurations name it.
pub const PROVIDER_ADDRESS: &str = "registry.terraform.io/omnirs/omni";
