//! A folder with a configuration, in which a CLI runs with the built provider.

use crate::cli::{OPENTOFU_HOST, TERRAFORM_HOST};
use crate::diagnostic::Diagnostic;
use crate::omni::Server;
use crate::plan::Plan;
use crate::process::{Isolated, Output, Running};
use crate::{Context, Outcome};
use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use terraform_provider_omni::PROVIDER_ADDRESS;

/// The file with the settings of the CLI.
const CLI_CONFIG: &str = "cli.tfrc";

/// A folder with a configuration and a state.
pub struct Workspace {
    folder: tempfile::TempDir,
    cli: PathBuf,
    /// The providers that are at hand, and the folder of each.
    plugins: Vec<(String, PathBuf)>,
    env: Vec<(OsString, OsString)>,
}

impl Workspace {
    /// An empty one, whose provider has neither endpoint nor key.
    pub fn new(context: &Context) -> Outcome<Self> {
        let mut folder = tempfile::Builder::new().prefix("acceptance-").tempdir()?;
        if std::env::var_os("KEEP_WORKSPACES").is_some_and(|v| !v.is_empty() && v != "0") {
            folder.disable_cleanup(true);
            println!("keeping {}", folder.path().display());
        }
        let config = folder.path().join(CLI_CONFIG);
        // In full, because OpenTofu completes a short address with a host of its own.
        let source = quoted(PROVIDER_ADDRESS);
        let workspace = Self { folder, cli: context.cli.path.clone(), plugins: Vec::new(), env: Vec::new() };
        let workspace = workspace.with_plugin(PROVIDER_ADDRESS, &context.plugins)?;
        workspace.write(
            "versions.tf",
            &format!("terraform {{\n  required_providers {{\n    omni = {{ source = {source} }}\n  }}\n}}\n"),
        )?;
        Ok(workspace.env("TF_CLI_CONFIG_FILE", config))
    }

    /// An empty one, whose provider reaches this Omni.
    pub fn of(context: &Context, omni: &impl Server) -> Outcome<Self> {
        let workspace = Self::new(context)?.env("OMNI_ENDPOINT", omni.endpoint());
        Ok(workspace.env("OMNI_SERVICE_ACCOUNT_KEY", omni.key()))
    }

    /// The same with one more provider at hand, whose binary lies in the folder.
    pub fn with_plugin(mut self, address: &str, folder: &Path) -> Outcome<Self> {
        self.plugins.push((address.to_owned(), folder.to_owned()));
        // OpenTofu means its own host where an example names none, and where a state of Terraform's names Terraform's.
        self.plugins.push((address.replacen(TERRAFORM_HOST, OPENTOFU_HOST, 1), folder.to_owned()));
        let lines = self
            .plugins
            .iter()
            .map(|(address, folder)| format!("    {} = {}\n", quoted(address), quoted(&folder.to_string_lossy())));
        let overrides = format!("  dev_overrides {{\n{}  }}\n  direct {{}}\n", lines.collect::<String>());
        self.write(CLI_CONFIG, &format!("provider_installation {{\n{overrides}}}\n"))?;
        Ok(self)
    }

    /// The same with a variable set for every command.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        let name = name.into();
        self.env.retain(|(n, _)| *n != name);
        self.env.push((name, value.into()));
        self
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of the configuration, in the place of an older one.
    pub fn write(&self, name: &str, text: &str) -> Outcome {
        Ok(std::fs::write(self.path().join(name), text)?)
    }

    /// Removes a file of the configuration.
    pub fn remove(&self, name: &str) -> Outcome {
        Ok(std::fs::remove_file(self.path().join(name))?)
    }

    /// What changes.
    pub fn plan(&self) -> Outcome<Plan> {
        self.plan_out("check.tfplan")
    }

    /// What changes, kept in a file for [`Workspace::apply_plan`].
    pub fn plan_out(&self, file: &str) -> Outcome<Plan> {
        self.plan_with(file, &[])
    }

    /// What changes with further arguments, such as `-destroy`.
    pub fn plan_with(&self, file: &str, arguments: &[&str]) -> Outcome<Plan> {
        let out = format!("-out={file}");
        let fixed = ["plan", "-no-color", "-input=false", &out];
        self.run(fixed.iter().chain(arguments))?.success()?;
        Ok(Plan(self.show(Some(file))?))
    }

    /// The one error that a plan fails with.
    pub fn plan_error(&self) -> Outcome<Diagnostic> {
        Diagnostic::only_error(&self.run(["plan", "-json", "-input=false"])?.failure()?)
    }

    /// The one error that an apply fails with.
    pub fn apply_error(&self) -> Outcome<Diagnostic> {
        Diagnostic::only_error(&self.run(["apply", "-json", "-input=false", "-auto-approve"])?.failure()?)
    }

    /// Plans and applies.
    pub fn apply(&self) -> Outcome<Output> {
        self.run(["apply", "-no-color", "-input=false", "-auto-approve"])?.success()
    }

    /// Applies a kept plan; it may fail.
    pub fn apply_plan(&self, file: &str) -> Outcome<Output> {
        self.run(["apply", "-json", "-input=false", file])
    }

    /// Destroys all.
    pub fn destroy(&self) -> Outcome<Output> {
        self.run(["destroy", "-no-color", "-input=false", "-auto-approve"])?.success()
    }

    /// Imports an object by its id string.
    pub fn import(&self, address: &str, id: &str) -> Outcome<Output> {
        self.run(["import", "-no-color", "-input=false", address, id])?.success()
    }

    /// Takes what there is into the state.
    pub fn refresh(&self) -> Outcome<Output> {
        self.run(["apply", "-refresh-only", "-no-color", "-input=false", "-auto-approve"])?.success()
    }

    /// The state.
    pub fn state(&self) -> Outcome<Value> {
        self.show(None)
    }

    /// The values of one resource or data source in the state; null when it is not there.
    pub fn values(&self, address: &str) -> Outcome<Value> {
        let state = self.state()?;
        let all = state["values"]["root_module"]["resources"].as_array().into_iter().flatten();
        Ok(all.into_iter().find(|r| r["address"] == address).map_or(Value::Null, |r| r["values"].clone()))
    }

    /// The addresses in the state.
    pub fn addresses(&self) -> Outcome<Vec<String>> {
        let output = self.run(["state", "list"])?;
        // Without any state there is no list either, and that is told as a failure.
        let none = output.code != 0 && output.stderr.contains("No state file");
        let output = if none { output } else { output.success()? };
        Ok(output.stdout.lines().map(str::to_owned).collect())
    }

    /// An output value.
    pub fn output(&self, name: &str) -> Outcome<Value> {
        let output = self.run(["output", "-json", name])?.success()?;
        Ok(serde_json::from_str(&output.stdout)?)
    }

    /// Runs any command to its end.
    pub fn run(&self, arguments: impl IntoIterator<Item = impl AsRef<str>>) -> Outcome<Output> {
        self.spawn(arguments)?.finish()
    }

    /// Starts any command.
    pub fn spawn(&self, arguments: impl IntoIterator<Item = impl AsRef<str>>) -> Outcome<Running> {
        let mut command = Command::new(&self.cli);
        command.isolated().current_dir(self.path()).envs(self.env.iter().map(|(n, v)| (n, v)));
        command.args(arguments.into_iter().map(|a| a.as_ref().to_owned()));
        Running::start(&mut command)
    }

    fn show(&self, file: Option<&str>) -> Outcome<Value> {
        let output = self.run(["show", "-json"].into_iter().chain(file))?.success()?;
        Ok(serde_json::from_str(&output.stdout).map_err(|e| format!("{e}: {output}"))?)
    }
}

/// Text as a string of the configuration language; for text without templates.
pub fn quoted(text: &str) -> String {
    format!("{text:?}")
}

/// A cluster of one machine, whose node waits until the machine runs.
pub const ONE_MACHINE: &str = r#"
data "omni_machines" "all" {}

resource "omni_cluster" "one" {
  name               = "one"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
}

resource "omni_machine_set" "one" {
  cluster = omni_cluster.one.name
  role    = "controlplane"
}

resource "omni_machine_set_node" "one" {
  cluster     = omni_cluster.one.name
  machine_set = omni_machine_set.one.id
  machine_id  = data.omni_machines.all.ids[0]
  wait_for    = "running"
}
"#;
