//! One binary for the tests that look at the package as a whole.
#![allow(clippy::expect_used, reason = "a test that cannot read the tree has to stop")]

mod contract;
mod contributing;
mod docs;
mod figures;
mod golden;
mod house;
mod releases;
#[path = "../support/update.rs"]
mod update;
