//! Secrets: where they may be, and that they are nowhere else, not even in the most talkative log.

use crate::omni::{Omni, Server};
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use terraform_provider_omni::pb::specs::ConfigPatchSpec;

tests![no_secret_leaves_a_trace];

const HIDDEN: &str = "correct-horse-battery-staple";

fn no_secret_leaves_a_trace(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?
        .env("TF_VAR_hidden", HIDDEN)
        .env("TF_LOG", "TRACE")
        .env("TF_LOG_PATH", "trace.log");
    workspace.write("main.tf", CONFIGURATION)?;
    let mut seen = String::new();
    for arguments in [
        &["plan", "-no-color", "-input=false", "-out=plan.tfplan"][..],
        &["apply", "-no-color", "-input=false", "plan.tfplan"],
        &["plan", "-no-color", "-input=false"],
    ] {
        let output = workspace.run(arguments)?.success()?;
        seen.push_str(&output.stdout);
        seen.push_str(&output.stderr);
    }
    let read =
        |name: &str| std::fs::read(workspace.path().join(name)).map(|b| String::from_utf8_lossy(&b).into_owned());
    let (log, plan, state) = (read("trace.log")?, read("plan.tfplan")?, read("terraform.tfstate")?);

    // The secrets are what they should be, or the search below finds nothing for the wrong reason.
    let patch: ConfigPatchSpec = omni.spec("ConfigPatches", "400-demo-secret");
    assert!(patch.data.contains(HIDDEN), "the patch did not reach Omni");
    let token = workspace.values("data.omni_kubeconfig.demo")?["token"].as_str().unwrap_or_default().to_owned();
    assert!(token.len() > 100 && state.contains(&token), "the state keeps the token of the data source");
    let key: serde_json::Value = serde_json::from_slice(&STANDARD.decode(omni.key())?)?;
    let armor = key["pgp_key"].as_str().unwrap_or_default();
    let line = armor.lines().find(|l| l.len() == 64).unwrap_or_default().to_owned();
    assert_eq!(line.len(), 64, "a line of the private key");

    for (what, secret, places) in [
        ("the write-only patch", HIDDEN, &[("output", &seen), ("log", &log), ("plan", &plan), ("state", &state)][..]),
        ("the account's key", omni.key(), &[("output", &seen), ("log", &log), ("plan", &plan), ("state", &state)]),
        ("the private key in it", &line, &[("output", &seen), ("log", &log), ("plan", &plan), ("state", &state)]),
        ("the kubeconfig's token", &token, &[("output", &seen), ("log", &log)]),
    ] {
        for (place, text) in places {
            assert!(!text.contains(secret), "{what} is in the {place}");
        }
    }
    // The log is there to be read: each call of the host shows with its type.
    for part in ["tf_rpc=ApplyResourceChange", "tf_resource_type=omni_config_patch", "tf_req_id="] {
        assert!(log.contains(part), "{part} is not in the log");
    }
    Ok(())
}

const CONFIGURATION: &str = r#"
variable "hidden" {
  type      = string
  sensitive = true
}

resource "omni_cluster" "demo" {
  name               = "demo"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
}

resource "omni_config_patch" "secret" {
  name    = "secret"
  cluster = omni_cluster.demo.name
  data_wo = yamlencode({ machine = { sysctls = { "kernel.hidden" = var.hidden } } })
}

data "omni_kubeconfig" "demo" {
  cluster = omni_cluster.demo.id
}
"#;
