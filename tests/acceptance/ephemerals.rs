//! Ephemeral resources, as hosts use them: opened in plan and apply, looked after while something waits, and closed;
//! what they hold reaches write-only attributes, and nothing that is kept.

use crate::leaks::{self, Scan};
use crate::omni::{Omni, Server};
use crate::process::Output;
use crate::workspace::{ONE_MACHINE, Workspace};
use crate::{Context, Outcome, tests};
use kit::yaml;
use omni_proto::specs::ConfigPatchSpec;
use omni_sim::world;
use serde_json::Value;
use std::fs;

tests![
    values_reach_write_only_attributes_and_nothing_else,
    a_token_that_ends_before_the_run_is_told_of,
    a_crash_tells_no_secret,
    a_cluster_that_does_not_exist_is_named,
];

/// The types, and the part of the patch that takes a value of each.
const TYPES: [(&str, &str); 4] = [
    ("omni_kubeconfig", "KUBECONFIG_TEXT"),
    ("omni_talosconfig", "TALOSCONFIG_TEXT"),
    ("omni_omniconfig", "OMNICONFIG_TEXT"),
    ("omni_machine_join_config", "JOIN_CONFIG_TEXT"),
];

fn values_reach_write_only_attributes_and_nothing_else(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let start = leaks::start_of_every_token(Workspace::of(context, &omni)?)?;
    let join_token = omni.ids("JoinTokens").pop().ok_or("no join token")?;
    let mut scan = Scan::of([("a token", start.as_str()), ("the join token", join_token.as_str())])?;
    let workspace = scan.listen(Workspace::of(context, &omni)?);
    workspace.write("main.tf", EVERY_TYPE)?;
    scan.make(&workspace)?;

    let patch = environment(&omni)?;
    let text = |name: &str| patch[name].as_str().map(str::to_owned).ok_or_else(|| format!("no {name} in {patch}"));
    assert!(text("KUBECONFIG_TEXT")?.contains(&start));
    assert!(text("TOKEN")?.starts_with(&start));
    assert!(text("JOIN_CONFIG_TEXT")?.contains(&join_token));
    assert!(text("KERNEL_ARGS")?.contains(&join_token));
    assert!(text("TALOSCONFIG_TEXT")?.contains("cluster: demo"));
    assert!(text("OMNICONFIG_TEXT")?.contains("siderov1:"));
    for (kind, part) in TYPES {
        // These two hold no secret; their texts as wholes are kept nowhere all the same.
        let text = text(part)?;
        let beginning: String = text.chars().take(60).collect();
        scan.look_for(kind, &beginning)?;
    }
    scan.run(&workspace, &["plan", "-json", "-input=false", "-out=second.tfplan"])?;
    scan.destroy(&workspace)?;
    scan.expect_nothing(&workspace)?;

    // What was opened was closed, every time.
    let log = fs::read_to_string(workspace.path().join(leaks::LOG))?;
    for (kind, _) in TYPES {
        let calls = |rpc: &str| {
            let parts =
                [format!("tf_rpc={rpc}"), format!("tf_ephemeral_resource_type={kind}"), "received a call".to_owned()];
            log.lines().filter(|line| parts.iter().all(|part| line.contains(part))).count()
        };
        let opened = calls("OpenEphemeralResource");
        // In the apply, and in the second plan and the destroy at least; the first plan knows of no cluster yet.
        assert!(opened >= 2, "{kind} was opened {opened} times");
        assert_eq!(calls("CloseEphemeralResource"), opened, "{kind}");
    }
    Ok(())
}

/// The environment that the patch gives its machines.
fn environment(omni: &Omni) -> Outcome<Value> {
    let spec: ConfigPatchSpec = omni.spec("ConfigPatches", "400-demo-secrets");
    let documents = yaml::parse_documents(&spec.data).map_err(|error| error.to_string())?;
    Ok(documents.first().map_or(Value::Null, |patch| patch["machine"]["env"].clone()))
}

fn a_token_that_ends_before_the_run_is_told_of(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    // Its node is waited for, for as long as the machine is away.
    let machine = omni.ids("MachineStatuses").into_iter().min().ok_or("no machine")?;
    world::disconnect_machine(omni.store(), &machine);
    let mut scan = Scan::of([("a token", leaks::start_of_every_token(Workspace::of(context, &omni)?)?)])?;
    let workspace = Workspace::of(context, &omni)?.env("TF_LOG", "trace");
    workspace.write("main.tf", &format!("{ONE_MACHINE}{SHORT_TOKEN}"))?;
    let mut apply = workspace.spawn(["apply", "-no-color", "-input=false", "-auto-approve"])?;
    // The host comes back for it while the node is waited for, and once more when its life is over.
    apply.wait_for("has expired and is still in use")?;
    world::reconnect_machine(omni.store(), &machine);
    let output: Output = apply.finish()?.success()?;
    let renewals = output.stderr.lines().filter(|line| line.contains("tf_rpc=RenewEphemeralResource")).count();
    assert!(renewals > 0, "{output}");
    for part in ["Token for cluster `one` expired before the end of the run", "`ttl` is `1s`", "Set `ttl` to more than"]
    {
        assert!(output.stdout.contains(part), "no {part:?} in {output}");
    }
    scan.heard(output);
    scan.expect_nothing(&workspace)
}

/// The CLI and the provider are made to crash while the values of all types are in the memory of both.
fn a_crash_tells_no_secret(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let machine = omni.ids("MachineStatuses").into_iter().min().ok_or("no machine")?;
    world::disconnect_machine(omni.store(), &machine);
    let mut scan = Scan::of([("a token", leaks::start_of_every_token(Workspace::of(context, &omni)?)?)])?;
    scan.look_for("a piece of the key", &omni.key()[40..80])?;
    let workspace = Workspace::of(context, &omni)?.env("TF_LOG", "trace");
    workspace.write("main.tf", &format!("{ONE_MACHINE}{SHORT_TOKEN}{ALL_OPEN}"))?;
    let mut apply = workspace.spawn(["apply", "-no-color", "-input=false", "-auto-approve"])?;
    apply.wait_for("has expired and is still in use")?;
    assert_eq!(omni.ids("JoinTokens").len(), 2, "the token of the run is open");
    assert!(omni.ids("Identities").iter().any(|id| id.starts_with("run@")), "the account of the run is open");
    for token in omni.ids("JoinTokens") {
        scan.look_for("a join token", &token)?;
    }
    for (part, secret) in leaks::parts_of_every_key() {
        scan.look_for(part, &secret)?;
    }
    apply.signal("ABRT")?;
    let output = apply.finish()?.failure()?;
    // A CLI that is a program of its own prints its stacks; as a library it is just gone.
    assert!(output.stderr.contains("goroutine ") || output.code == -1, "{output}");
    scan.heard(output);
    scan.expect_nothing(&workspace)
}

fn a_cluster_that_does_not_exist_is_named(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    for kind in ["omni_kubeconfig", "omni_talosconfig"] {
        workspace.write("main.tf", &format!("ephemeral \"{kind}\" \"k\" {{\n  cluster = \"nowhere\"\n}}\n"))?;
        let error = workspace.plan_error()?;
        assert_eq!(error.attribute(), "cluster", "{error:?}");
        assert!(error.text().contains("`nowhere` does not exist"), "{error:?}");
    }
    workspace
        .write("main.tf", "ephemeral \"omni_kubeconfig\" \"k\" {\n  cluster = \"a\"\n  ttl     = \"87601h\"\n}\n")?;
    let error = crate::diagnostic::Diagnostic::only_error(&workspace.run(["validate", "-json"])?.failure()?)?;
    assert_eq!(error.attribute(), "ttl", "{error:?}");
    Ok(())
}

const EVERY_TYPE: &str = r#"
resource "omni_cluster" "demo" {
  name               = "demo"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
}

ephemeral "omni_kubeconfig" "k" {
  cluster = omni_cluster.demo.id
}

ephemeral "omni_talosconfig" "t" {
  cluster = omni_cluster.demo.id
}

ephemeral "omni_omniconfig" "o" {}

ephemeral "omni_machine_join_config" "j" {}

resource "omni_config_patch" "secrets" {
  name    = "secrets"
  cluster = omni_cluster.demo.name
  data_wo = yamlencode({
    machine = {
      env = {
        KUBECONFIG_TEXT  = ephemeral.omni_kubeconfig.k.kubeconfig
        TOKEN            = ephemeral.omni_kubeconfig.k.token
        TALOSCONFIG_TEXT = ephemeral.omni_talosconfig.t.talosconfig
        OMNICONFIG_TEXT  = ephemeral.omni_omniconfig.o.omniconfig
        JOIN_CONFIG_TEXT = ephemeral.omni_machine_join_config.j.config
        KERNEL_ARGS      = join(" ", ephemeral.omni_machine_join_config.j.kernel_args)
      }
    }
  })
}
"#;

/// What comes on top of a cluster of one machine.
const SHORT_TOKEN: &str = r#"
ephemeral "omni_kubeconfig" "short" {
  cluster = omni_cluster.one.id
  ttl     = "1s"
}

resource "omni_config_patch" "late" {
  name       = "late"
  cluster    = omni_cluster.one.name
  data_wo    = yamlencode({ machine = { env = { TOKEN = ephemeral.omni_kubeconfig.short.token } } })
  depends_on = [omni_machine_set_node.one]
}
"#;

/// What stays open until the machine runs, beside the token for Kubernetes.
const ALL_OPEN: &str = r#"
ephemeral "omni_service_account_key" "run" {
  name = "run"
}

ephemeral "omni_join_token" "run" {
  name = "run"
  ttl  = "1h"
}

ephemeral "omni_machine_join_config" "run" {}

resource "omni_config_patch" "all" {
  name    = "all"
  cluster = omni_cluster.one.name
  data_wo = yamlencode({
    machine = {
      env = {
        KEY         = ephemeral.omni_service_account_key.run.key
        JOIN_TOKEN  = ephemeral.omni_join_token.run.id
        JOIN_CONFIG = ephemeral.omni_machine_join_config.run.config
      }
    }
  })
  depends_on = [omni_machine_set_node.one]
}
"#;
