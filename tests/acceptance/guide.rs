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

tests![
    modules_are_tested_as_the_page_says,
    secrets_are_kept_out_as_the_page_says,
    a_state_is_moved_as_the_page_says,
    a_cluster_lives_as_the_page_says,
    the_readme_is_followed_as_it_stands,
];

const MODULES: &str = include_str!("../../docs/guides/test-your-modules.md");
const SECRETS: &str = include_str!("../../docs/guides/secrets.md");
const CLUSTER: &str = include_str!("../../docs/guides/a-whole-cluster.md");
const README: &str = include_str!("../../README.md");
const MOVING: &str = include_str!("../../docs/guides/moving-from-siderolabs.md");

/// Our address as pages write it: each CLI puts its default host before it.
const SHORT_ADDRESS: &str = "omnirs/omni";

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
        symlink(crate::built::program("omni-sim")?, programs.path().join("omni-sim"))?;
        Ok(Self { folder: tempfile::Builder::new().prefix("guide-").tempdir()?, programs, env: Vec::new() })
    }

    /// One whose CLI finds the provider, which reaches this Omni.
    fn of(context: &Context, omni: &Omni) -> Outcome<Self> {
        let mut reader = Self::new(context)?;
        let config = reader.programs.path().join("cli.tfrc");
        let overrides = format!("dev_overrides {{\n    {SHORT_ADDRESS:?} = {:?}\n  }}\n  direct {{}}", context.plugins);
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

/// The page as users of this CLI read it: it asks those of OpenTofu to put another host into our address.
fn for_users_of(context: &Context, page: &str) -> String {
    page.replace(PROVIDER_ADDRESS, &format!("{}/{SHORT_ADDRESS}", context.cli.default_host()))
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
    assert_eq!(said.len(), 3, "{said:?}");
    for output in &said[..2] {
        assert!(output.contains("No secret was found."), "{output}");
    }
    assert!(said[2].contains("3 destroyed"), "{}", said[2]);
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
    let said = reader.follow(&for_users_of(context, MOVING))?;
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(said[2].contains("No changes."), "{}", said[2]);
    assert!(said[3].contains("0 added, 0 changed, 0 destroyed"), "{}", said[3]);
    assert_eq!(omni.writes(), before, "something was written");
    Ok(())
}

fn a_cluster_lives_as_the_page_says(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    omni.work();
    let said = Reader::of(context, &omni)?.follow(CLUSTER)?;
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(said[0].contains("7 added, 0 changed") && said[0].contains("No changes."), "{}", said[0]);
    for (output, expected) in said[1..].iter().zip(["1 changed", "1 changed", "7 destroyed"]) {
        assert!(output.contains(expected), "{expected}: {output}");
    }
    assert_eq!(omni.ids("Clusters"), [""; 0]);
    Ok(())
}

/// The example of the README is planned with the provider that its own commands have put in place.
fn the_readme_is_followed_as_it_stands(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let mut reader = Reader::of(context, &omni)?;
    // What was built for this test stands for the release build.
    let made = reader.programs.path().join("make");
    let provider = env!("CARGO_BIN_EXE_terraform-provider-omni");
    fs::write(&made, format!("#!/bin/sh\nmkdir -p target/release && cp {provider} target/release/\n"))?;
    fs::set_permissions(&made, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let home = reader.folder.path().join("home");
    fs::create_dir(&home)?;
    reader.env.push(("HOME", home.clone().into()));
    let page = for_users_of(context, README);
    let blocks: Vec<(&str, &str)> = page.split("\n```").skip(1).step_by(2).filter_map(|b| b.split_once('\n')).collect();
    // The last one runs the simulator until it is stopped.
    let commands: Vec<_> = blocks.iter().filter(|(language, _)| *language == "shell").map(|(_, text)| *text).collect();
    let (simulator, install) = commands.split_last().ok_or("no commands")?;
    assert!(simulator.starts_with("target/release/omni-sim "), "{simulator}");
    for commands in install {
        reader.run(commands)?.success()?;
    }
    let settings: Vec<_> = blocks.iter().filter(|(_, text)| text.starts_with("provider_installation")).collect();
    let main = blocks.iter().find(|(_, text)| text.starts_with("terraform {")).ok_or("no example")?.1;
    assert_eq!(settings.len(), 2, "one for each way to install");
    for (index, (_, text)) in settings.iter().enumerate() {
        let folder = format!("way-{index}");
        reader.write("cli.tfrc", &text.replace("/home/you", &home.to_string_lossy()))?;
        reader.write(&format!("{folder}/main.tf"), main)?;
        // Only a mirror is installed from.
        let init = if text.contains("filesystem_mirror") { "terraform init -input=false\n" } else { "" };
        let commands =
            format!("export TF_CLI_CONFIG_FILE=\"$PWD/cli.tfrc\"\ncd {folder}\n{init}terraform plan -input=false");
        let output = reader.run(&commands)?.success()?;
        assert!(output.stdout.contains("3 to add"), "{output}");
    }
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
