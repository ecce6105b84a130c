//! What one apply does to a cluster and to what is in it at the same time: the order is the CLI's, and the outcome must be the configuration's.

use crate::omni::Omni;
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use libtest_mimic::Failed;
use omni_sim::inventory;

tests![
    a_cluster_is_created_locked_and_unlocked_with_a_removal,
    a_replaced_cluster_takes_along_what_names_it,
    a_renamed_cluster_is_replaced_with_all_that_is_in_it,
    a_wrong_set_does_not_stop_a_destroy,
];

fn is_locked(omni: &Omni) -> bool {
    let cluster = omni.store().list("Clusters.omni.sidero.dev").into_iter().next();
    cluster.is_some_and(|cluster| cluster.annotations.contains_key("omni.sidero.dev/cluster-locked"))
}

fn a_cluster_is_created_locked_and_unlocked_with_a_removal(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    let set = |locked: bool, nodes: u32| {
        let values = format!("locked = {locked}\nnodes = {nodes}\n");
        workspace.write("terraform.tfvars", &values)
    };
    workspace.write("main.tf", PARTS)?;
    set(true, 2)?;
    workspace.apply()?;
    assert!(is_locked(&omni));
    assert_eq!(omni.ids("MachineSetNodes").len(), 2);
    workspace.plan()?.must_be_empty()?;
    // The CLI removes the node before it unlocks the cluster.
    set(false, 1)?;
    workspace.apply()?;
    assert!(!is_locked(&omni));
    assert_eq!(omni.ids("MachineSetNodes"), [inventory::id(1)]);
    workspace.plan()?.must_be_empty()?;
    set(true, 1)?;
    workspace.apply()?;
    assert!(is_locked(&omni));
    workspace.plan()?.must_be_empty()
}

fn a_replaced_cluster_takes_along_what_names_it(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", PARTS)?;
    workspace.write("terraform.tfvars", "nodes = 1\n")?;
    workspace.apply()?;
    let kinds = ["Clusters", "MachineSets", "MachineSetNodes"];
    let before = kinds.map(|kind| omni.ids(kind));
    workspace.write("terraform.tfvars", "nodes = 1\nencrypted = true\n")?;
    let output = workspace.apply()?;
    assert!(output.stdout.contains("wipes its machines"), "{output}");
    assert!(output.stdout.contains("4 added, 0 changed, 4 destroyed"), "{output}");
    assert_eq!(before, kinds.map(|kind| omni.ids(kind)));
    // Omni adds one of its own, which has the disks encrypted.
    assert!(omni.ids("ConfigPatches").contains(&"400-demo-all".to_owned()));
    workspace.plan()?.must_be_empty()
}

/// Every address changes, as with a renamed module. Its sets get ids that the plan does not know, so they go; a cluster that stayed
/// would be left without its control plane, and Omni refuses to give it another one.
fn a_renamed_cluster_is_replaced_with_all_that_is_in_it(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    let whole = WHOLE.replace("MACHINE", &inventory::id(1));
    workspace.write("main.tf", &whole)?;
    workspace.apply()?;
    let uuid = |name: &str| Ok::<_, Failed>(workspace.values(&format!("omni_cluster.{name}"))?["uuid"].clone());
    let before = uuid("old")?;
    workspace.write("main.tf", &whole.replace("old", "new"))?;
    workspace.apply()?;
    assert_ne!(uuid("new")?, before);
    assert_eq!(omni.ids("MachineSets"), ["demo-control-planes", "demo-workers"]);
    assert_eq!(omni.ids("MachineSetNodes"), [inventory::id(1)]);
    workspace.plan()?.must_be_empty()
}

/// What Omni refuses of one resource is no reason to keep all others.
fn a_wrong_set_does_not_stop_a_destroy(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", &format!("{PARTS}{WRONG}"))?;
    let error = workspace.apply_error()?;
    error.says(
        "omni_machine_set.wrong",
        "machine_class",
        &["machine class with name \"nosuch\" doesn't exist", "create machine class `nosuch`"],
    );
    assert_eq!(omni.ids("Clusters"), ["demo"]);
    workspace.destroy()?;
    assert_eq!(omni.ids("Clusters"), Vec::<String>::new());
    Ok(())
}

const WHOLE: &str = r#"
resource "omni_cluster" "old" {
  name               = "demo"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
}

resource "omni_machine_set" "control_planes_old" {
  cluster = omni_cluster.old.id
  role    = "controlplane"
}

resource "omni_machine_set" "workers_old" {
  cluster = omni_cluster.old.id
  role    = "workers"
}

resource "omni_machine_set_node" "old" {
  machine_id  = "MACHINE"
  machine_set = omni_machine_set.control_planes_old.id
  cluster     = omni_cluster.old.id
  wait_for    = "running"
}
"#;

const PARTS: &str = r#"
variable "locked" {
  type    = bool
  default = null
}

variable "encrypted" {
  type    = bool
  default = false
}

variable "nodes" {
  type    = number
  default = 0
}

resource "omni_cluster" "demo" {
  name               = "demo"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
  locked             = var.locked

  features = {
    disk_encryption = var.encrypted
  }
}

resource "omni_machine_set" "workers" {
  cluster = omni_cluster.demo.name
  role    = "workers"

  update_strategy = {
    type            = "Rolling"
    max_parallelism = var.nodes + 1
  }
}

resource "omni_machine_set_node" "worker" {
  count       = var.nodes
  cluster     = omni_cluster.demo.name
  machine_set = omni_machine_set.workers.id
  machine_id  = "00000000-0000-4000-8000-00000000000${count.index + 1}"
}

resource "omni_config_patch" "all" {
  name    = "all"
  cluster = omni_cluster.demo.name
  data    = "machine: {}"
}
"#;

const WRONG: &str = r#"
resource "omni_machine_set" "wrong" {
  cluster = omni_cluster.demo.name
  role    = "workers"
  name    = "wrong"

  machine_class = {
    name = "nosuch"
    size = 1
  }
}
"#;
