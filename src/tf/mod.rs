//! Terraform's plugin layer: values, schemas, plans, diagnostics, and the server that speaks protocol 6.
//! It knows no Omni: everything provider-specific comes through the traits in [`resource`], [`data_source`] and [`provider`].

pub mod action;
pub mod check;
pub mod crash;
pub mod data_source;
pub mod described;
pub mod diag;
pub mod done;
pub mod ephemeral;
pub mod function;
pub mod list_resource;
pub mod log;
pub mod model;
pub mod path;
pub mod plan;
pub mod plugin;
pub mod provider;
pub mod resource;
pub mod schema;
pub mod server;
pub mod value;
pub mod wire;
pub mod write_only;
