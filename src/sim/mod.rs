//! `omni-sim`: an Omni in memory, on real gRPC.
//! It is a test double, a demo server, and something to run module tests against.
//! It shares no code with the client or the provider, only the generated messages.

pub mod access;
pub mod controllers;
pub mod driver;
pub mod inventory;
pub mod kinds;
mod kubeconfig;
pub mod management_service;
pub mod names;
pub mod object;
pub mod rules;
mod spec_yaml;
pub mod store;
mod token;
mod wire;
pub mod world;
