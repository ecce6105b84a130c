//! Guides as a reader takes them: their files are written and their commands run, as they stand on the page.

use crate::omni::{Omni, Server};
use crate::process::{Isolated, Output, Running};
use crate::takeover;
use crate::{Context, Outcome, tests};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use terraform_provider_omni::PROVIDER_ADDRESS;

tests![modules_are_tested_as_the_page_says, secrets_are_kept_out_as_the_page_says, a_state_is_moved_as_the_page_says,];

const MODULES: &str = include_str!("../../docs/guides/test-your-modules.md");
const SECRETS: &str = include_str!("../../docs/guides/secrets.md");
const MOVING: &str = include_str!("../../docs/guides/moving-from-siderolabs.md");

/// What a page asks for.
#[derive(Debug, PartialEq)]
enum Step {
    /// Text in a file of this name.
    Write(String, String),
    /// Commands in a shell.
    Run(String),
}

/// Somebody who does what a page says, in an empty folder.
struct Reader {
    folder: tempfile::TempDir,
    /// The programs that pages take for granted.
    programs: tempfile::TempDir,
    env: Vec<(&'static str, OsString)>,
}

impl Reader {
    fn new(context: &Context) -> Outcome<Self> {
        // Below the target folder, where a link is enough.
        let programs = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        symlink(&context.cli.path, programs.path().join("terraform"))?;
        crate::place(Path::new(env!("CARGO_BIN_EXE_terraform-provider-omni")), programs.path(), crate::PLUGIN)?;
        symlink(env!("CARGO_BIN_EXE_omni-sim"), programs.path().join("omni-sim"))?;
        Ok(Self { folder: tempfile::Builder::new().prefix("guide-").tempdir()?, programs, env: Vec::new() })
    }

    /// One whose CLI finds the provider, which reaches this Omni.
    fn of(context: &Context, omni: &Omni) -> Outcome<Self> {
        let mut reader = Self::new(context)?;
        let config = reader.programs.path().join("cli.tfrc");
        let overrides =
            format!("dev_overrides {{\n    {PROVIDER_ADDRESS:?} = {:?}\n  }}\n  direct {{}}", context.plugins);
        fs::write(&config, format!("provider_installation {{\n  {overrides}\n}}\n"))?;
        reader.env = vec![
            ("TF_CLI_CONFIG_FILE", config.into()),
            ("OMNI_ENDPOINT", omni.endpoint().into()),
            ("OMNI_SERVICE_ACCOUNT_KEY", omni.key().into()),
        ];
        Ok(reader)
    }

    fn write(&self, name: &str, text: &str) -> Outcome {
        let file = self.folder.path().join(name);
        file.parent().map(fs::create_dir_all).transpose()?;
        Ok(fs::write(file, text)?)
    }

    fn run(&self, commands: &str) -> Outcome<Output> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path =
            std::env::join_paths([self.programs.path().to_owned()].into_iter().chain(std::env::split_paths(&path)))?;
        let mut shell = Command::new("sh");
        shell.isolated().args(["-euc", commands]).current_dir(self.folder.path()).env("PATH", path);
        shell.envs(self.env.iter().map(|(name, value)| (name, value)));
        Running::start(&mut shell)?.finish()
    }

    /// Does all that a page says; what its commands printed.
    fn follow(&self, page: &str) -> Outcome<Vec<String>> {
        let mut said = Vec::new();
        for step in steps(page)? {
            match step {
                Step::Write(name, text) => self.write(&name, &text)?,
                Step::Run(commands) => said.push(self.run(&commands)?.success()?.stdout),
            }
        }
        Ok(said)
    }
}

fn modules_are_tested_as_the_page_says(context: &Context) -> Outcome {
    let said = Reader::new(context)?.follow(MODULES)?;
    assert_eq!(said.len(), 3, "{said:?}");
    for output in &said {
        assert!(output.contains("3 passed, 0 failed."), "{output}");
    }
    Ok(())
}

fn secrets_are_kept_out_as_the_page_says(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let reader = Reader::of(context, &omni)?;
    let said = reader.follow(SECRETS)?;
    assert_eq!(said.len(), 2, "{said:?}");
    for output in &said {
        assert!(output.contains("No secret was found."), "{output}");
    }
    assert!(said[0].contains("3 added, 0 changed"), "{}", said[0]);
    assert!(said[1].contains("0 added, 1 changed") && said[1].contains("data_hash"), "{}", said[1]);

    // The check of the page finds what it is made for.
    let main = fs::read_to_string(reader.folder.path().join("main.tf"))?;
    let careless = main.replace("  ephemeral = true\n", "").replace("data_wo =", "data =");
    assert_ne!(careless, main);
    reader.write("main.tf", &careless)?;
    let output = reader.run("TF_VAR_registry_password=battery-staple-51d0e8 sh check.sh")?.failure()?;
    assert!(output.stderr.contains("There is a secret in the lines above."), "{output}");
    Ok(())
}

fn a_state_is_moved_as_the_page_says(context: &Context) -> Outcome {
    let omni = takeover::furnished()?;
    let reader = Reader::of(context, &omni)?;
    for name in ["main.tf", "terraform.tfstate"] {
        fs::copy(takeover::fixture(name), reader.folder.path().join(name))?;
    }
    let before = omni.writes();
    let said = reader.follow(MOVING)?;
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(said[2].contains("No changes."), "{}", said[2]);
    assert!(said[3].contains("0 added, 0 changed, 0 destroyed"), "{}", said[3]);
    assert_eq!(omni.writes(), before, "something was written");
    Ok(())
}

/// Each block of a page that is a file, by the sentence before it, or commands, or of `hcl`, which only shows something.
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
                // Something for configurations of another kind.
                (None, "hcl") => {}
                (None, other) => return Err(format!("nobody says what this block of {other} is for: {text}").into()),
            }
        } else if !line.is_empty() {
            before = line;
        }
    }
    Ok(steps)
}
