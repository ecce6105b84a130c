//! What interrupts an apply: Ctrl-C while it waits, and an Omni that is killed under it.

use crate::omni::{Omni, OmniProcess};
use crate::workspace::{ONE_MACHINE, Workspace};
use crate::{Context, Outcome, tests};
use omni_sim::Options;

tests![ctrl_c_while_waiting_leaves_a_usable_state, a_killed_omni_is_caught_up_with];

fn ctrl_c_while_waiting_leaves_a_usable_state(context: &Context) -> Outcome {
    // Its controllers stand still, so that the machine never runs.
    let omni = Omni::with(Options::stepped())?;
    let at_first = omni.settled_objects()?;
    let workspace = Workspace::of(context, &omni)?.env("TF_LOG_PROVIDER", "DEBUG");
    workspace.write("main.tf", ONE_MACHINE)?;
    let mut apply = workspace.spawn(["apply", "-no-color", "-input=false", "-auto-approve"])?;
    omni.wait_until("the node is there", |store| !store.list("MachineSetNodes.omni.sidero.dev").is_empty())?;
    omni.step_until("the machine has a status", |store| {
        !store.list("ClusterMachineStatuses.omni.sidero.dev").is_empty()
    })?;
    apply.wait_for("waiting for the machine")?;
    apply.interrupt()?;
    let output = apply.finish()?.failure()?;
    assert!(output.stdout.contains("Interrupt received"), "{output}");
    assert_eq!(
        workspace.addresses()?,
        ["data.omni_machines.all", "omni_cluster.one", "omni_machine_set.one", "omni_machine_set_node.one"]
    );

    // The next apply goes on from there, whether or not the host made the node anew.
    omni.work();
    workspace.apply()?;
    assert_eq!(omni.ids("MachineSetNodes").len(), 1);
    workspace.plan()?.must_be_empty()?;
    workspace.destroy()?;
    omni.wait_for_objects(&at_first)
}

fn a_killed_omni_is_caught_up_with(context: &Context) -> Outcome {
    let data = tempfile::tempdir()?;
    // Every call takes a while, so that the kill comes in the midst of many.
    let omni = OmniProcess::start(data.path(), &["--tick", "20", "--delay", "100"])?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", PATCHES)?;
    let mut apply = workspace.spawn(["apply", "-no-color", "-input=false", "-auto-approve", "-parallelism=2"])?;
    // Which of them comes first is the host's choice.
    apply.wait_for("]: Creation complete")?;
    let omni = omni.kill()?;
    let output = apply.finish()?.failure()?;
    assert!(output.stderr.contains("many["), "{output}");

    let omni = omni.restart()?;
    workspace.apply()?;
    workspace.plan()?.must_be_empty()?;
    // What was created twice, or by a call whose answer was lost, would be left behind.
    workspace.destroy()?;
    omni.stop()?;
    let left = Omni::with(Options { data: Some(data.path().to_owned()), ..Options::stepped() })?;
    assert_eq!(left.ids("ConfigPatches"), Vec::<String>::new());
    assert_eq!(left.ids("Clusters"), Vec::<String>::new());
    Ok(())
}

const PATCHES: &str = r#"
resource "omni_cluster" "many" {
  name               = "many"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
}

resource "omni_config_patch" "many" {
  count   = 12
  name    = "patch-${count.index}"
  cluster = omni_cluster.many.name
  data    = yamlencode({ machine = { sysctls = { "kernel.pid_max" = "${100000 + count.index}" } } })
}
"#;
