//! What must not be read where it does not belong: keys, tokens and write-only texts; and what logs do tell.
//! Secrets are looked for byte by byte, in all that a run leaves behind.

use crate::omni::{Omni, Server};
use crate::process::Output;
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use terraform_provider_omni::pb::specs::ConfigPatchSpec;

tests![nothing_secret_is_written, a_wrong_key_is_not_quoted, logs_tell_of_every_call];

/// The file that the CLI and the provider log to.
const LOG: &str = "trace.log";

/// A run of the CLI at its most talkative, and what it wrote.
struct Talk {
    what: String,
    output: Output,
    log: String,
}

fn talk(workspace: &Workspace, arguments: &[&str]) -> Outcome<Talk> {
    let output = workspace.run(arguments)?;
    let log = std::fs::read_to_string(workspace.path().join(LOG))?;
    workspace.remove(LOG)?;
    Ok(Talk { what: arguments.join(" "), output, log })
}

impl Talk {
    fn succeeded(self) -> Outcome<Self> {
        Ok(Self { output: self.output.success()?, ..self })
    }

    /// Where one of the secrets stands.
    fn leaks(&self, secrets: &[(&str, String)]) -> Vec<String> {
        let places = [("stdout", &self.output.stdout), ("stderr", &self.output.stderr), ("the log", &self.log)];
        let found = places.iter().flat_map(|(place, text)| {
            let all = secrets.iter().filter(|(_, secret)| text.contains(secret.as_str()));
            all.map(move |(name, secret)| {
                let line = text.lines().find(|l| l.contains(secret.as_str())).unwrap_or_default();
                let start: String = line.chars().take(300).collect();
                format!("{name} is in {place} of `{}`: {start}…", self.what)
            })
        });
        found.collect()
    }
}

/// The key as it is handed over, what it holds, and pieces of either: a log may break lines.
fn pieces_of_a_key(key: &str) -> Outcome<Vec<(&'static str, String)>> {
    let json: Value = serde_json::from_slice(&STANDARD.decode(key)?)?;
    let armored = json["pgp_key"].as_str().ok_or("no key in the key")?;
    let mut pieces = vec![("the whole key", key.to_owned())];
    let inside = key.len() / 2;
    pieces.push(("a piece of the key", key.get(inside..inside + 40).ok_or("a short key")?.to_owned()));
    let lines = armored.lines().filter(|line| line.len() >= 40);
    pieces.extend(lines.map(|line| ("a line of the private key", line.to_owned())));
    assert!(pieces.len() > 4, "{} pieces", pieces.len());
    Ok(pieces)
}

/// The files of a kept plan, which is an archive.
fn unpacked(plan: &Path) -> Outcome<Vec<(PathBuf, Vec<u8>)>> {
    let folder = tempfile::tempdir()?;
    let output = Command::new("python3").args(["-m", "zipfile", "-e"]).arg(plan).arg(folder.path()).output()?;
    if !output.status.success() {
        return Err(format!("{} is no archive: {}", plan.display(), String::from_utf8_lossy(&output.stderr)).into());
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder.path())? {
        let path = entry?.path();
        if path.is_file() {
            files.push((path.clone(), std::fs::read(&path)?));
        }
    }
    assert!(files.iter().any(|(path, _)| path.ends_with("tfplan")), "{files:?}");
    Ok(files)
}

/// Where one of the secrets stands in files.
fn leaks_in(files: &[(PathBuf, Vec<u8>)], secrets: &[(&str, String)]) -> Vec<String> {
    let found = files.iter().flat_map(|(path, bytes)| {
        let holds = |secret: &str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        let all = secrets.iter().filter(move |(_, secret)| holds(secret));
        all.map(move |(name, _)| format!("{name} is in {}", path.display()))
    });
    found.collect()
}

fn nothing_secret_is_written(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let key = omni.key().to_owned();
    let workspace = Workspace::of(context, &omni)?.env("TF_LOG", "trace").env("TF_LOG_PATH", LOG);
    workspace.write("main.tf", CONFIGURATION)?;
    // The configuration itself is the user's: the text reaches Terraform by a variable, so that no file holds it.
    let workspace = workspace.env("TF_VAR_secret", FIRST_TEXT);
    let mut talks = vec![
        talk(&workspace, &["plan", "-no-color", "-input=false", "-out=first.tfplan"])?.succeeded()?,
        talk(&workspace, &["apply", "-no-color", "-input=false", "first.tfplan"])?.succeeded()?,
    ];
    let workspace = workspace.env("TF_VAR_secret", SECOND_TEXT);
    talks.push(talk(&workspace, &["apply", "-json", "-input=false", "-auto-approve"])?.succeeded()?);
    let stored: ConfigPatchSpec = omni.spec("ConfigPatches", "400-demo-hidden");
    assert!(stored.data.contains(SECOND_TEXT), "{stored:?}");

    // The state holds the token, as its documentation says; nothing else may.
    let state: Value = serde_json::from_slice(&std::fs::read(workspace.path().join("terraform.tfstate"))?)?;
    let resources = state["resources"].as_array().into_iter().flatten();
    let kubeconfig = resources.clone().find(|r| r["type"] == "omni_kubeconfig").ok_or("no kubeconfig in the state")?;
    let token = kubeconfig["instances"][0]["attributes"]["token"].as_str().ok_or("no token")?.to_owned();
    // Every read makes a token of its own; this is what all of them begin with.
    let header = token.split('.').next().unwrap_or_default().to_owned();
    let signature = token.rsplit('.').next().unwrap_or_default().to_owned();
    assert!(signature.len() > 100, "{signature}");
    talks.push(talk(&workspace, &["plan", "-no-color", "-input=false", "-out=second.tfplan"])?.succeeded()?);
    let texts = [("the first text", FIRST_TEXT.to_owned()), ("the second text", SECOND_TEXT.to_owned())];
    let mut everywhere = pieces_of_a_key(&key)?;
    everywhere.extend(texts);
    let mut secrets = everywhere.clone();
    secrets.extend([("the token", token), ("its signature", signature), ("a token", header.clone())]);

    let mut leaks = Vec::new();
    for name in ["first.tfplan", "second.tfplan"] {
        leaks.extend(leaks_in(&unpacked(&workspace.path().join(name))?, &everywhere));
    }
    for name in ["terraform.tfstate", "terraform.tfstate.backup"] {
        let path = workspace.path().join(name);
        let file = [(path.clone(), std::fs::read(path)?)];
        leaks.extend(leaks_in(&file, &everywhere));
        // What is there is found.
        assert_eq!(leaks_in(&file, &[("a token", header.clone())]).len(), 1, "{name}");
    }
    talks.push(talk(&workspace, &["destroy", "-no-color", "-input=false", "-auto-approve"])?.succeeded()?);
    leaks.extend(talks.iter().flat_map(|talk| talk.leaks(&secrets)));
    assert_eq!(leaks, Vec::<String>::new());

    // The logs were there to be searched.
    for part in ["omni_config_patch", "omni_kubeconfig", "tf_req_id"] {
        assert!(talks.iter().any(|talk| talk.log.contains(part)), "no {part} in any log");
    }
    Ok(())
}

fn a_wrong_key_is_not_quoted(context: &Context) -> Outcome {
    let (omni, other) = (Omni::start()?, Omni::start()?);
    let key = other.key().to_owned();
    let secrets = pieces_of_a_key(&key)?;
    // Cut short, as when it was copied in a hurry; and whole, but of another instance.
    for wrong in [&key[..key.len() - 9], &key[1..], key.as_str()] {
        let workspace = Workspace::of(context, &omni)?
            .env("TF_LOG", "trace")
            .env("TF_LOG_PATH", LOG)
            .env("OMNI_SERVICE_ACCOUNT_KEY", wrong);
        workspace.write("main.tf", "data \"omni_machines\" \"all\" {}\n")?;
        let talk = talk(&workspace, &["plan", "-no-color", "-input=false"])?;
        assert_ne!(talk.output.code, 0, "{}", talk.output);
        assert!(talk.output.stderr.contains("key"), "{}", talk.output);
        assert_eq!(talk.leaks(&secrets), Vec::<String>::new());
    }
    Ok(())
}

fn logs_tell_of_every_call(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?.env("TF_LOG_PROVIDER", "debug").env("TF_LOG_PATH", LOG);
    workspace.write("main.tf", CONFIGURATION)?;
    let talk = talk(&workspace, &["apply", "-no-color", "-input=false", "-auto-approve"])?.succeeded()?;
    let ours: Vec<_> = talk.log.lines().filter(|l| l.contains("provider.terraform-provider-omni")).collect();
    let with = |parts: &[&str]| ours.iter().filter(|line| parts.iter().all(|p| line.contains(p))).count();
    for (rpc, kind) in [
        ("ConfigureProvider", ""),
        ("ValidateResourceConfig", "omni_cluster"),
        ("PlanResourceChange", "omni_cluster"),
        ("ApplyResourceChange", "omni_cluster"),
        ("ApplyResourceChange", "omni_config_patch"),
        ("ReadDataSource", "omni_kubeconfig"),
    ] {
        let name = format!("tf_rpc={rpc}");
        let kind = if kind.is_empty() { String::new() } else { format!("_type={kind}") };
        assert!(with(&[&name, &kind, "tf_req_id="]) > 0, "no {rpc} {kind} in\n{}", ours.join("\n"));
    }
    assert!(ours.iter().all(|line| !line.contains("[TRACE]")), "{}", ours.join("\n"));
    Ok(())
}

const FIRST_TEXT: &str = "hush-one-3f1c77";
const SECOND_TEXT: &str = "hush-two-9b02de";

const CONFIGURATION: &str = r#"
variable "secret" {
  type      = string
  default   = ""
  sensitive = true
  ephemeral = true
}

resource "omni_cluster" "demo" {
  name               = "demo"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
}

resource "omni_config_patch" "hidden" {
  name    = "hidden"
  cluster = omni_cluster.demo.name
  data_wo = var.secret == "" ? "machine: {}" : yamlencode({ machine = { env = { TOKEN = var.secret } } })
}

data "omni_kubeconfig" "k" {
  cluster = omni_cluster.demo.id
}
"#;
