//! A guide as a reader takes it: its files are written and its commands run, as they stand on the page.

use crate::process::{Isolated, Running};
use crate::{Context, Outcome, tests};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

tests![modules_are_tested_as_the_page_says];

const PAGE: &str = include_str!("../../docs/guides/test-your-modules.md");

/// What a page asks for.
#[derive(Debug, PartialEq)]
enum Step {
    /// Text in a file of this name.
    Write(String, String),
    /// Commands in a shell.
    Run(String),
}

fn modules_are_tested_as_the_page_says(context: &Context) -> Outcome {
    let folder = tempfile::Builder::new().prefix("guide-").tempdir()?;
    // Below the target folder, where a link is enough.
    let programs = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    symlink(&context.cli.path, programs.path().join("terraform"))?;
    crate::place(Path::new(env!("CARGO_BIN_EXE_terraform-provider-omni")), programs.path(), crate::PLUGIN)?;
    symlink(env!("CARGO_BIN_EXE_omni-sim"), programs.path().join("omni-sim"))?;
    let mut said = Vec::new();
    for step in steps(PAGE)? {
        match step {
            Step::Write(name, text) => {
                let file = folder.path().join(name);
                file.parent().map(fs::create_dir_all).transpose()?;
                fs::write(file, text)?;
            }
            Step::Run(commands) => said.push(run(&commands, folder.path(), programs.path())?),
        }
    }
    assert_eq!(said.len(), 3, "{said:?}");
    for output in &said {
        assert!(output.contains("3 passed, 0 failed."), "{output}");
    }
    Ok(())
}

fn run(commands: &str, folder: &Path, programs: &Path) -> Outcome<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([programs.to_owned()].into_iter().chain(std::env::split_paths(&path)))?;
    let mut shell = Command::new("sh");
    shell.isolated().args(["-euc", commands]).current_dir(folder).env("PATH", path);
    Ok(Running::start(&mut shell)?.finish()?.success()?.stdout)
}

/// Each block of a page that is a file, by the sentence before it, or commands; others only show something.
fn steps(page: &str) -> Outcome<Vec<Step>> {
    let mut steps = Vec::new();
    let mut lines = page.lines();
    let mut before = "";
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text: String = lines.by_ref().take_while(|l| *l != "```").map(|l| format!("{l}\n")).collect();
            let file = before.split_once(" to `").and_then(|(_, rest)| rest.strip_suffix("`:"));
            match (file, language) {
                (Some(name), _) => steps.push(Step::Write(name.to_owned(), text)),
                (None, "shell") => steps.push(Step::Run(text)),
                (None, other) => return Err(format!("nobody says what this block of {other} is for: {text}").into()),
            }
        } else if !line.is_empty() {
            before = line;
        }
    }
    Ok(steps)
}
