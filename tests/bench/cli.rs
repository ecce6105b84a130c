//! What a person waits for: whole commands of the CLI on the PATH, or of the one that `TF_CLI` names.

use crate::folder::Folder;
use crate::host;
use crate::load::{DELAYS, World};
use crate::many::{machine, patch_data};
use crate::report::line;
use anyhow::{Context, Result, ensure};
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PATCHES: usize = 1_000;
const COMMANDS: [(&str, &[&str]); 2] = [
    ("apply", &["apply", "-auto-approve", "-input=false", "-no-color"]),
    ("plan", &["plan", "-input=false", "-no-color"]),
];

pub async fn report() -> Result<()> {
    let cli = std::env::var_os("TF_CLI").filter(|v| !v.is_empty()).unwrap_or_else(|| "terraform".into());
    let Ok(version) = Command::new(&cli).arg("version").stdin(Stdio::null()).output() else {
        return line(&format!("{} cannot be started: nothing was measured", Path::new(&cli).display()));
    };
    let version = String::from_utf8_lossy(&version.stdout).lines().next().unwrap_or_default().to_owned();
    for delay in DELAYS {
        let folder = Folder::new()?;
        let world = World::start(1, delay).await?;
        write(folder.path())?;
        line(&format!("{PATCHES} patches with {version}, server delay {} ms", delay.as_millis()))?;
        for (name, arguments) in COMMANDS {
            world.sim.forget_requests();
            let took = tokio::task::block_in_place(|| run(&cli, arguments, folder.path(), &world))?;
            let bytes = match std::fs::metadata(folder.path().join("terraform.tfstate")) {
                Ok(file) if name == "apply" => format!("; {} bytes of state for each", file.len() / PATCHES as u64),
                _ => String::new(),
            };
            line(&format!("  {:<9}{:>8.2} s  {}{bytes}", format!("{name}:"), took.as_secs_f64(), world.counted().1))?;
        }
        world.sim.stop().await;
    }
    Ok(())
}

/// Writes the configuration, and the one of the CLI.
fn write(folder: &Path) -> Result<()> {
    let provider = host::program()?;
    let here = provider.parent().context("the folder of the provider")?;
    let overrides = format!(
        "provider_installation {{\n  dev_overrides {{\n    \"omnirs/omni\" = {:?}\n  }}\n  direct {{}}\n}}\n",
        here.display().to_string()
    );
    std::fs::write(folder.join("cli.tfrc"), overrides)?;
    let mut text =
        String::from("terraform {\n  required_providers {\n    omni = { source = \"omnirs/omni\" }\n  }\n}\n");
    for number in 0..PATCHES {
        let (data, machine) = (patch_data(number), machine(1));
        text.push_str(&format!(
            "resource \"omni_config_patch\" \"p{number}\" {{\n  name = \"patch-{number:05}\"\n  data = {data:?}\n  \
             selector = {{ machine = {machine:?} }}\n}}\n"
        ));
    }
    Ok(std::fs::write(folder.join("main.tf"), text)?)
}

fn run(cli: &OsStr, arguments: &[&str], folder: &Path, world: &World) -> Result<Duration> {
    let begin = Instant::now();
    let output = Command::new(cli)
        .args(arguments)
        .current_dir(folder)
        .env("TF_CLI_CONFIG_FILE", folder.join("cli.tfrc"))
        .env("CHECKPOINT_DISABLE", "1")
        .env("OMNI_ENDPOINT", world.sim.endpoint())
        .env("OMNI_SERVICE_ACCOUNT_KEY", world.sim.service_account_key())
        .stdin(Stdio::null())
        .output()?;
    let took = begin.elapsed();
    ensure!(output.status.success(), "{arguments:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(took)
}
