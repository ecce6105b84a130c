//! Actions with a real CLI: invoked by hand and by the changes of a resource, and stopped.

use crate::omni::Omni;
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use std::fs;

tests![an_action_is_invoked_by_hand, an_action_follows_a_change, an_action_is_refused_at_plan, ctrl_c_stops_an_action,];

const LOCKED: &str = "omni.sidero.dev/cluster-locked";

fn is_locked(omni: &Omni) -> bool {
    let key = omni_sim::kinds::key("Clusters.omni.sidero.dev", "demo");
    omni.store().get(&key).is_some_and(|cluster| cluster.annotations.contains_key(LOCKED))
}

fn invoke(name: &str) -> [String; 5] {
    let flag = format!("-invoke=action.{name}");
    ["apply".to_owned(), "-no-color".to_owned(), "-input=false".to_owned(), "-auto-approve".to_owned(), flag]
}

fn an_action_is_invoked_by_hand(context: &Context) -> Outcome {
    if !context.cli.has_actions() {
        return Ok(());
    }
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", &format!("{CLUSTER}{LOCKS}"))?;
    workspace.apply()?;
    assert!(!is_locked(&omni));
    let output = workspace.run(invoke("omni_cluster_lock.demo"))?.success()?;
    assert!(output.stdout.contains("Cluster `demo` is locked"), "{output}");
    assert!(is_locked(&omni));
    let output = workspace.run(invoke("omni_cluster_unlock.demo"))?.success()?;
    assert!(output.stdout.contains("Cluster `demo` is unlocked") && !is_locked(&omni), "{output}");

    let output = workspace.run(invoke("omni_audit_log_export.all"))?.success()?;
    assert!(output.stdout.contains("bytes to `audit.jsonl`"), "{output}");
    let log = fs::read_to_string(workspace.path().join("audit.jsonl"))?;
    assert!(log.lines().any(|line| line.contains("Clusters.omni.sidero.dev")), "{log}");
    workspace.plan()?.must_be_empty()
}

fn an_action_follows_a_change(context: &Context) -> Outcome {
    if !context.cli.has_actions() {
        return Ok(());
    }
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", &format!("{TRIGGERED}{LOCKS}"))?;
    let output = workspace.apply()?;
    assert!(output.stdout.contains("Cluster `demo` is locked"), "{output}");
    assert!(is_locked(&omni));
    workspace.plan()?.must_be_empty()
}

fn an_action_is_refused_at_plan(context: &Context) -> Outcome {
    if !context.cli.has_actions() {
        return Ok(());
    }
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", BACKUP)?;
    let output = workspace.run(invoke("omni_etcd_backup.demo"))?.failure()?;
    assert!(output.stderr.contains("has no store for backups that works"), "{output}");
    workspace.write("main.tf", &BACKUP.replace("cluster = \"demo\"", "cluster = \"demo\"\n    timeout = \"soon\""))?;
    let output = workspace.run(["validate", "-no-color"])?.failure()?;
    assert!(output.stderr.contains("`soon` is not a duration"), "{output}");
    Ok(())
}

fn ctrl_c_stops_an_action(context: &Context) -> Outcome {
    if !context.cli.has_actions() {
        return Ok(());
    }
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", WAIT)?;
    let mut apply = workspace.spawn(invoke("omni_wait.never"))?;
    apply.wait_for("the object does not exist")?;
    apply.signal("INT")?;
    let output = apply.finish()?.failure()?;
    let all = format!("{}{}", output.stdout, output.stderr);
    for part in ["topped while waiting for", "Last state seen: the object does not exist", "Invoke the action again"] {
        assert!(
            all.split_whitespace().collect::<Vec<_>>().join(" ").replace("│ ", "").contains(part),
            "{part}: {output}"
        );
    }
    Ok(())
}

const CLUSTER: &str = r#"
resource "omni_cluster" "demo" {
  name               = "demo"
  kubernetes_version = "1.36.2"
  talos_version      = "1.13.5"
}
"#;

const TRIGGERED: &str = r#"
resource "omni_cluster" "demo" {
  name               = "demo"
  kubernetes_version = "1.36.2"
  talos_version      = "1.13.5"

  lifecycle {
    action_trigger {
      events  = [after_create]
      actions = [action.omni_cluster_lock.demo]
    }
  }
}
"#;

const LOCKS: &str = r#"
action "omni_cluster_lock" "demo" {
  config {
    cluster = "demo"
  }
}

action "omni_cluster_unlock" "demo" {
  config {
    cluster = "demo"
  }
}

action "omni_audit_log_export" "all" {
  config {
    path = "audit.jsonl"
  }
}
"#;

const BACKUP: &str = r#"
action "omni_etcd_backup" "demo" {
  config {
    cluster = "demo"
  }
}
"#;

const WAIT: &str = r#"
action "omni_wait" "never" {
  config {
    type = "Clusters"
    id   = "never"
  }
}
"#;
