//! The built programs as processes: what a host sees of the provider before, between and after the calls, and what the simulator does.
//! What the calls mean is tested in process, beside the server.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on shall stop")]

mod certificates;
mod end;
mod handshake;
mod kills;
mod people;
mod process;
mod simulator;
mod trust;
