//! The provider as a program: everything it does is in the library.

use std::process::ExitCode;
use terraform_provider_omni::tf::plugin::{self, Program};
use terraform_provider_omni::{PROVIDER_ADDRESS, provider};

const PROGRAM: Program = Program {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
    address: PROVIDER_ADDRESS,
    modules: &[("omni", "client"), ("tf", "plugin")],
};

fn main() -> ExitCode {
    plugin::run(&PROGRAM, std::env::args_os().skip(1), &|name| std::env::var_os(name), provider::new)
}
