//! Keys that we make, in the hands of others: GnuPG and rPGP read them and sign with them, and a simulated Omni accepts
//! what they sign; and a key works from the moment on at which it was registered.
//! A test of a program that is not there does not run, and its line says so.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

mod gnupg;
mod omni;
mod renewal;
mod rpgp;

use libtest_mimic::Arguments;

fn main() {
    let trials = [gnupg::trials(), renewal::trials(), rpgp::trials()].into_iter().flatten().collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
