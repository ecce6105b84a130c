//! Machines on their way out: those that cannot be wiped because they are out of reach, and those that only move.

use crate::diagnostic::Diagnostic;
use crate::omni::Omni;
use crate::plan::Action;
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use omni_proto::specs::{ClusterMachineStatusSpec, MachineSetNodeSpec};
use omni_sim::{inventory, kinds, world};
use serde_json::json;

tests![
    a_machine_out_of_reach_is_named_and_comes_back,
    a_machine_out_of_reach_is_given_up,
    a_cluster_of_machines_out_of_reach_is_destroyed,
    a_node_that_somebody_holds,
    a_machine_moves_to_another_set,
    the_only_machine_of_a_set_moves,
    a_machine_moves_to_another_address,
];

const NODE: &str = "MachineSetNodes.omni.sidero.dev";

/// A cluster that runs, with two workers; the second is machine number 3.
fn running(context: &Context) -> Outcome<(Omni, Workspace)> {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", &format!("{CLUSTER}{WORKER}"))?;
    workspace.apply()?;
    Ok((omni, workspace))
}

/// A host names no address for what has left the configuration, so the summary has to name the object.
const SUMMARY: &str = "Could not destroy machine set node `00000000-0000-4000-8000-000000000003`";

#[track_caller]
fn assert_says(error: &Diagnostic, parts: &[&str]) {
    assert_eq!(error.summary, SUMMARY, "{error:#?}");
    for part in parts {
        assert!(error.text().contains(part), "{part:?} is not in: {}", error.text());
    }
}

fn a_machine_out_of_reach_is_named_and_comes_back(context: &Context) -> Outcome {
    let (omni, workspace) = running(context)?;
    let machine = inventory::id(3);
    world::disconnect_machine(omni.store(), &machine);
    workspace.write("main.tf", CLUSTER)?;
    let error = workspace.apply_error()?;
    let parts = [&machine, "not connected", "force_destroy_on_timeout"];
    assert_says(&error, &parts);
    assert_eq!(workspace.values("omni_machine_set_node.leaving")?["machine_id"], json!(machine));
    assert_eq!(
        workspace.plan()?.actions().into_iter().collect::<Vec<_>>(),
        [("omni_machine_set_node.leaving", Action::Delete)]
    );

    world::reconnect_machine(omni.store(), &machine);
    workspace.apply()?;
    workspace.plan()?.must_be_empty()?;
    assert_eq!(omni.ids("MachineSetNodes"), [inventory::id(1), inventory::id(2)]);
    assert!(!omni.ids("ClusterMachines").contains(&machine));
    Ok(())
}

fn a_machine_out_of_reach_is_given_up(context: &Context) -> Outcome {
    let (omni, workspace) = running(context)?;
    let machine = inventory::id(3);
    world::disconnect_machine(omni.store(), &machine);
    workspace.write("main.tf", CLUSTER)?;
    workspace.apply_error()?;

    // What the message says can be done now, though the node is on its way out.
    let forced = WORKER.replace("\n}", "\n  force_destroy_on_timeout = true\n}");
    workspace.write("main.tf", &format!("{CLUSTER}{forced}"))?;
    workspace.apply()?;
    workspace.write("main.tf", CLUSTER)?;
    workspace.apply()?;
    workspace.plan()?.must_be_empty()?;
    assert_eq!(omni.ids("MachineSetNodes"), [inventory::id(1), inventory::id(2)]);
    assert!(!omni.ids("ClusterMachines").contains(&machine));
    assert_eq!(omni.ids("NodeForceDestroyRequests"), Vec::<String>::new());
    Ok(())
}

fn a_cluster_of_machines_out_of_reach_is_destroyed(context: &Context) -> Outcome {
    let (omni, workspace) = running(context)?;
    let machine = inventory::id(3);
    world::disconnect_machine(omni.store(), &machine);
    let output = workspace.run(["destroy", "-json", "-input=false", "-auto-approve"])?.failure()?;
    let errors = Diagnostic::errors(&output)?;
    assert!(errors.iter().any(|e| e.text().contains(&machine) && e.text().contains("not connected")), "{errors:#?}");
    assert!(workspace.addresses()?.contains(&"omni_cluster.c".to_owned()));

    // Other objects may be gone by now; the rest goes once the cluster is told to let go of the machine.
    let told = CLUSTER.replacen("\n}", "\n  delete_options     = { destroy_disconnected_machines = true }\n}", 1);
    workspace.write("main.tf", &told)?;
    workspace.run(["apply", "-no-color", "-input=false", "-auto-approve", "-target=omni_cluster.c"])?.success()?;
    workspace.destroy()?;
    assert_eq!(workspace.addresses()?, Vec::<String>::new());
    for kind in ["Clusters", "MachineSets", "MachineSetNodes", "ClusterMachines"] {
        assert_eq!(omni.ids(kind), Vec::<String>::new(), "{kind}");
    }
    Ok(())
}

fn a_node_that_somebody_holds(context: &Context) -> Outcome {
    let (omni, workspace) = running(context)?;
    let key = kinds::key(NODE, inventory::id(3));
    omni.store().add_finalizer(&key, "SomebodyElsesController").ok_or("no node")?;
    workspace.write("main.tf", CLUSTER)?;
    let error = workspace.apply_error()?;
    assert_says(&error, &["SomebodyElsesController", "`timeouts.delete`"]);
    assert!(!error.text().contains("not connected"), "{error:#?}");
    assert_eq!(workspace.values("omni_machine_set_node.leaving")?["machine_id"], json!(inventory::id(3)));

    omni.store().remove_finalizer(&key, "SomebodyElsesController").ok_or("no node")?;
    workspace.apply()?;
    assert_eq!(omni.ids("MachineSetNodes"), [inventory::id(1), inventory::id(2)]);
    workspace.plan()?.must_be_empty()
}

/// Where a machine belongs, and that it runs there.
#[track_caller]
fn assert_runs_in(omni: &Omni, machine: &str, set: &str) {
    let label = "omni.sidero.dev/machine-set";
    let node = omni.store().get(&kinds::key(NODE, machine)).expect("a node");
    assert_eq!((node.label(label), node.tearing_down), (Some(set), false));
    assert_eq!(node.spec::<MachineSetNodeSpec>(), MachineSetNodeSpec::default());
    let status = omni.store().get(&kinds::key("ClusterMachineStatuses.omni.sidero.dev", machine)).expect("a status");
    assert_eq!(status.label(label), Some(set));
    let spec: ClusterMachineStatusSpec = status.spec();
    assert!(spec.ready, "{spec:?}");
}

/// The sets that machines move to.
fn with_other_sets(nodes: &str) -> String {
    format!("{CLUSTER}{OTHERS}{nodes}")
}

fn moves(context: &Context, before: &str, after: &str, address: &str) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", &with_other_sets(before))?;
    workspace.apply()?;
    workspace.write("main.tf", &with_other_sets(after))?;
    let plan = workspace.plan_out("move.tfplan")?;
    assert_eq!(plan.actions().into_iter().collect::<Vec<_>>(), [(address, Action::Replace)]);
    assert_eq!(plan.replace_paths(address), ["machine_set"]);
    workspace.apply_plan("move.tfplan")?.success()?;
    assert_runs_in(&omni, &inventory::id(3), "c-second");
    workspace.plan()?.must_be_empty()
}

fn a_machine_moves_to_another_set(context: &Context) -> Outcome {
    let after = WORKER.replace("omni_machine_set.workers", "omni_machine_set.second");
    moves(context, WORKER, &after, "omni_machine_set_node.leaving")
}

fn the_only_machine_of_a_set_moves(context: &Context) -> Outcome {
    let before = WORKER.replace("omni_machine_set.workers", "omni_machine_set.first");
    let after = WORKER.replace("omni_machine_set.workers", "omni_machine_set.second");
    moves(context, &before, &after, "omni_machine_set_node.leaving")
}

fn a_machine_moves_to_another_address(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", &with_other_sets(WORKER))?;
    workspace.apply()?;
    let after =
        WORKER.replace("omni_machine_set.workers", "omni_machine_set.second").replace("\"leaving\"", "\"arriving\"");
    workspace.write("main.tf", &with_other_sets(&after))?;
    let plan = workspace.plan_out("move.tfplan")?;
    assert_eq!(
        plan.actions().into_iter().collect::<Vec<_>>(),
        [("omni_machine_set_node.arriving", Action::Create), ("omni_machine_set_node.leaving", Action::Delete),]
    );
    // Nothing orders the two for the host: the create has to wait for the other to begin, and then to end.
    workspace.apply_plan("move.tfplan")?.success()?;
    assert_runs_in(&omni, &inventory::id(3), "c-second");
    workspace.plan()?.must_be_empty()
}

const CLUSTER: &str = r#"
resource "omni_cluster" "c" {
  name               = "c"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
}

resource "omni_machine_set" "control_planes" {
  cluster  = omni_cluster.c.name
  role     = "controlplane"
  timeouts = { delete = "20s" }
}

resource "omni_machine_set" "workers" {
  cluster  = omni_cluster.c.name
  role     = "workers"
  timeouts = { delete = "2s" }
}

resource "omni_machine_set_node" "control_plane" {
  cluster     = omni_cluster.c.name
  machine_set = omni_machine_set.control_planes.id
  machine_id  = "00000000-0000-4000-8000-000000000001"
  wait_for    = "running"
}

resource "omni_machine_set_node" "worker" {
  cluster     = omni_cluster.c.name
  machine_set = omni_machine_set.workers.id
  machine_id  = "00000000-0000-4000-8000-000000000002"
  wait_for    = "running"
}
"#;

const WORKER: &str = r#"
resource "omni_machine_set_node" "leaving" {
  cluster     = omni_cluster.c.name
  machine_set = omni_machine_set.workers.id
  machine_id  = "00000000-0000-4000-8000-000000000003"
  wait_for    = "running"
  timeouts    = { create = "30s", delete = "2s" }
}
"#;

const OTHERS: &str = r#"
resource "omni_machine_set" "first" {
  cluster = omni_cluster.c.name
  role    = "workers"
  name    = "first"
}

resource "omni_machine_set" "second" {
  cluster = omni_cluster.c.name
  role    = "workers"
  name    = "second"
}
"#;
