//! The built provider as a process: what a host sees of it before, between and after the calls.
//! What the calls mean is tested in process, beside the server.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on stops")]

mod certificates;
mod end;
mod handshake;
mod people;
mod process;
mod trust;
