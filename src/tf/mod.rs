//! The Terraform plugin framework: values, schemas, plans, diagnostics, and the server of plugin protocol 6.
//!
//! It knows no Omni. A provider implements the traits [`provider::Provider`], [`resource::Resource`],
//! [`data_source::DataSource`], [`ephemeral::Ephemeral`], [`function::Function`], [`list_resource::ListResource`] and
//! [`action::Action`]; [`schema`] describes their attributes, and [`plan`] does everything that follows from a schema alone.

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
pub(crate) mod packed;
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
