//! Applies that end early, by a kill of the server or by Ctrl-C, and what the next ones make of the rest.

use crate::omni::{Omni, OmniProcess};
use crate::plan::Action;
use crate::process::Running;
use crate::workspace::{ONE_MACHINE, Workspace};
use crate::{Context, Outcome, tests};
use omni_sim::{Options, kinds};
use serde_json::Value;
use std::collections::BTreeSet;

tests![
    an_omni_killed_at_its_first_write,
    an_omni_killed_while_the_second_wave_begins,
    an_omni_killed_among_many_writes,
    an_omni_killed_near_the_end,
    an_omni_that_is_back_at_once,
    ctrl_c_during_a_create_taints_nothing,
    ctrl_c_during_a_destroy_keeps_the_object,
];

const APPLY: [&str; 5] = ["apply", "-no-color", "-input=false", "-auto-approve", "-parallelism=3"];

/// Reads the provider's log until it has been asked for this many changes.
fn wait_for_changes(apply: &mut Running, wanted: usize) -> Outcome {
    let mut seen = 0;
    while seen < wanted {
        seen += usize::from(apply.wait_for("received a call")?.contains("ApplyResourceChange"));
    }
    Ok(())
}

/// When a killed server comes back.
#[derive(PartialEq)]
enum Back {
    AtOnce,
    AfterTheFailure,
}

/// Kills Omni as soon as the provider was asked for so many changes, the last of which has just begun.
fn kill_after(context: &Context, changes: usize, back: Back) -> Outcome {
    let data = tempfile::tempdir()?;
    // Every call takes a while, so that calls are under way when the kill comes.
    let omni = OmniProcess::start(data.path(), &["--tick", "20", "--delay", "30"])?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", CLUSTER)?;
    let logged = Workspace::of(context, &omni)?.env("TF_LOG_PROVIDER", "TRACE");
    logged.write("main.tf", CLUSTER)?;
    let mut apply = logged.spawn(APPLY)?;
    wait_for_changes(&mut apply, changes)?;
    let killed = omni.kill()?;
    let omni = if back == Back::AtOnce {
        let omni = killed.restart()?;
        // It may well have got through: a server that is back in time is no failure.
        apply.finish()?;
        omni
    } else {
        let output = apply.finish()?.failure()?;
        assert!(output.stderr.contains("Error:"), "{output}");
        killed.restart()?
    };

    // The other folder has no log to wade through, and takes the state as it is.
    std::fs::copy(logged.path().join("terraform.tfstate"), workspace.path().join("terraform.tfstate"))?;
    workspace.apply()?;
    workspace.plan()?.must_be_empty()?;
    let known = managed(&workspace.state()?);
    omni.stop()?;
    let stored = Omni::with(Options { data: Some(data.path().to_owned()), ..Options::stepped() })?;
    assert_eq!(users_objects(&stored), known);
    assert_eq!(known.len(), 14);
    Ok(())
}

/// The objects of users, of the types that the configuration makes.
fn users_objects(omni: &Omni) -> BTreeSet<String> {
    let kinds = ["Clusters", "MachineSets", "MachineSetNodes", "ConfigPatches"];
    let of = |kind: &str| omni.ids(kind).into_iter().map(move |id| format!("{kind}/{id}")).collect::<Vec<_>>();
    kinds.into_iter().flat_map(of).collect()
}

/// The same, as far as the state knows them.
fn managed(state: &Value) -> BTreeSet<String> {
    let all = state["values"]["root_module"]["resources"].as_array().into_iter().flatten();
    let name = |resource: &Value| {
        let kind = match resource["type"].as_str()? {
            "omni_cluster" => "Clusters",
            "omni_machine_set" => "MachineSets",
            "omni_machine_set_node" => "MachineSetNodes",
            "omni_config_patch" => "ConfigPatches",
            _ => return None,
        };
        Some(format!("{kind}/{}", resource["values"]["id"].as_str()?))
    };
    all.filter_map(name).collect()
}

fn an_omni_killed_at_its_first_write(context: &Context) -> Outcome {
    kill_after(context, 1, Back::AfterTheFailure)
}

fn an_omni_killed_while_the_second_wave_begins(context: &Context) -> Outcome {
    kill_after(context, 2, Back::AfterTheFailure)
}

fn an_omni_killed_among_many_writes(context: &Context) -> Outcome {
    kill_after(context, 7, Back::AfterTheFailure)
}

fn an_omni_killed_near_the_end(context: &Context) -> Outcome {
    kill_after(context, 13, Back::AfterTheFailure)
}

fn an_omni_that_is_back_at_once(context: &Context) -> Outcome {
    kill_after(context, 5, Back::AtOnce)
}

/// The addresses in the state that are marked for replacement.
fn tainted(workspace: &Workspace) -> Outcome<Vec<String>> {
    let state: Value = serde_json::from_slice(&std::fs::read(workspace.path().join("terraform.tfstate"))?)?;
    let mut found = Vec::new();
    for resource in state["resources"].as_array().into_iter().flatten() {
        let marked = resource["instances"].as_array().into_iter().flatten().any(|i| i["status"] == "tainted");
        if marked {
            found.push(format!("{}.{}", resource["type"], resource["name"]));
        }
    }
    Ok(found)
}

fn ctrl_c_during_a_create_taints_nothing(context: &Context) -> Outcome {
    // Its controllers stand still, so that the machine never runs.
    let omni = Omni::with(Options::stepped())?;
    omni.settle()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", ONE_MACHINE)?;
    let mut apply = workspace.spawn(APPLY)?;
    omni.wait_until("the node is there", |store| !store.list("MachineSetNodes.omni.sidero.dev").is_empty())?;
    // By now it only waits: the host tells so after ten seconds.
    apply.wait_for("omni_machine_set_node.one: Still creating")?;
    apply.interrupt()?;
    let output = apply.finish()?.failure()?;
    assert!(output.stdout.contains("Interrupt received"), "{output}");
    assert!(!output.stderr.contains("Plugin did not respond"), "{output}");
    assert_eq!(tainted(&workspace)?, Vec::<String>::new(), "{output}");
    let machine = omni.ids("MachineSetNodes").pop().ok_or("no node")?;
    assert_eq!(workspace.values("omni_machine_set_node.one")?["id"], Value::from(machine.as_str()));

    // Nothing is made again, neither before Omni goes on nor after it.
    let version = omni.store().get(&kinds::key("MachineSetNodes.omni.sidero.dev", machine.as_str())).map(|o| o.created);
    // The wait that was stopped is owed, and nothing else is planned.
    let plan = workspace.plan()?;
    assert_eq!(plan.changed_attributes("omni_machine_set_node.one"), ["status"]);
    assert_eq!(plan.action("omni_machine_set_node.one"), Action::Update);
    omni.work();
    omni.wait_until("the cluster runs", |store| {
        store
            .list("ClusterMachineStatuses.omni.sidero.dev")
            .iter()
            .any(|object| object.spec::<omni_proto::specs::ClusterMachineStatusSpec>().ready)
    })?;
    let output = workspace.apply()?;
    assert!(output.stdout.contains("0 added, 0 changed, 0 destroyed"), "{output}");
    let now = omni.store().get(&kinds::key("MachineSetNodes.omni.sidero.dev", machine)).map(|o| o.created);
    assert_eq!(now, version);
    workspace.plan()?.must_be_empty()
}

fn ctrl_c_during_a_destroy_keeps_the_object(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", LONE_CLUSTER)?;
    workspace.apply()?;
    let key = kinds::key("Clusters.omni.sidero.dev", "one");
    omni.store().add_finalizer(&key, "SomebodyElsesController").ok_or("no cluster")?;
    let mut destroy = workspace.spawn(["destroy", "-no-color", "-input=false", "-auto-approve"])?;
    omni.wait_until("the cluster is on its way out", |store| store.get(&key).is_some_and(|o| o.tearing_down))?;
    destroy.wait_for("omni_cluster.one: Still destroying")?;
    destroy.interrupt()?;
    let output = destroy.finish()?.failure()?;
    assert!(output.stdout.contains("Interrupt received"), "{output}");
    assert_eq!(workspace.addresses()?, ["omni_cluster.one"]);
    assert_eq!(tainted(&workspace)?, Vec::<String>::new(), "{output}");

    omni.store().remove_finalizer(&key, "SomebodyElsesController").ok_or("no cluster")?;
    workspace.destroy()?;
    assert_eq!((workspace.addresses()?, omni.ids("Clusters")), (vec![], vec![]));
    Ok(())
}

const LONE_CLUSTER: &str = r#"
resource "omni_cluster" "one" {
  name               = "one"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
}
"#;

const CLUSTER: &str = r#"
data "omni_machines" "all" {}

resource "omni_cluster" "c" {
  name               = "interrupted"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
}

resource "omni_machine_set" "control_planes" {
  cluster = omni_cluster.c.name
  role    = "controlplane"
}

resource "omni_machine_set" "workers" {
  cluster = omni_cluster.c.name
  role    = "workers"
}

resource "omni_machine_set_node" "control_plane" {
  cluster     = omni_cluster.c.name
  machine_set = omni_machine_set.control_planes.id
  machine_id  = sort(data.omni_machines.all.ids)[0]
}

resource "omni_machine_set_node" "worker" {
  count       = 2
  cluster     = omni_cluster.c.name
  machine_set = omni_machine_set.workers.id
  machine_id  = sort(data.omni_machines.all.ids)[count.index + 1]
}

resource "omni_config_patch" "p" {
  count   = 8
  name    = "patch-${count.index}"
  cluster = omni_cluster.c.name
  data    = yamlencode({ machine = { sysctls = { "kernel.pid_max" = "${100000 + count.index}" } } })
}
"#;
