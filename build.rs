//! Compiles `proto/` with a compiler written in Rust: no protoc and no network.
//! It is the build script of the member in that folder, and runs there.
//! The descriptor set of Omni is kept beside the code, for writes that preserve fields this build does not know.

use anyhow::{Context, Result};
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use std::path::{Path, PathBuf};

const ROOT: &str = ".";

fn main() -> Result<()> {
    let mut files = Vec::new();
    collect(Path::new(ROOT), &mut files)?;
    files.sort();
    println!("cargo:rerun-if-changed={ROOT}");

    let descriptors = protox::compile(&files, [ROOT]).context("compiling proto/")?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").context("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), prost::Message::encode_to_vec(&without_comments(&descriptors)))
        .context("writing descriptors.bin")?;

    tonic_prost_build::configure()
        .build_client(true)
        .build_server(true)
        // RPCs that a server leaves out answer Unimplemented.
        .generate_default_stubs(true)
        .include_file("packages.rs")
        .compile_fds(descriptors)
        .context("generating code from proto/")
}

/// The definitions of Omni as programs hold them in memory: comments would be most of it, and those of Terraform are not asked for.
fn without_comments(descriptors: &FileDescriptorSet) -> FileDescriptorSet {
    let terraforms = |file: &&FileDescriptorProto| ["plugin", "tfplugin6"].contains(&file.package());
    let bare = |file: &FileDescriptorProto| FileDescriptorProto { source_code_info: None, ..file.clone() };
    FileDescriptorSet { file: descriptors.file.iter().filter(|file| !terraforms(file)).map(bare).collect() }
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
