//! Has the provider linked with packed relocations where the system loads these: without them, a megabyte of addresses is read
//! at every start, and a host starts the provider up to five times for one command.
//!
//! It is the build script of the provider. GNU's C library loads them since 2.36; an older one refuses the program, so the
//! library of the machine that builds decides, and a program for another machine is linked as usual.

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "how Cargo and a build script talk")]

use std::process::Command;

/// The first GNU C library that loads packed relocations.
const FIRST: (u32, u32) = (2, 36);

fn main() {
    println!("cargo:rerun-if-changed=.cargo/link.rs");
    let variable = |name| std::env::var(name).unwrap_or_default();
    let is_native = variable("TARGET") == variable("HOST");
    let is_gnu = variable("CARGO_CFG_TARGET_OS") == "linux" && variable("CARGO_CFG_TARGET_ENV") == "gnu";
    if is_native && is_gnu && library().is_some_and(|version| version >= FIRST) {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The version of the C library of this machine: `getconf` prints `glibc 2.36`.
fn library() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    let minor = minor.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
