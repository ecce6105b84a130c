//! Data sources together, as a configuration uses them: versions by constraint, and a machine that registers while the
//! apply runs.

use crate::omni::{Omni, TICK};
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use omni_sim::Options;
use omni_sim::driver::Mode;
use omni_sim::store::Store;
use omni_sim::world::add_machine;
use serde_json::json;

tests!(a_machine_registers_during_the_apply, nodes_are_built_from_a_list, what_is_not_there_is_told_at_plan_time);

const SEVENTH: &str = "00000000-0000-4000-8000-000000000007";

fn a_machine_registers_during_the_apply(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", CONFIGURATION)?;
    let mut apply = workspace.spawn(["apply", "-no-color", "-input=false", "-auto-approve"])?;
    apply.wait_for("data.omni_machine.late: Reading...")?;
    let waits = || omni.requests().iter().any(|r| r.name() == "Watch" && r.kind == "MachineStatuses.omni.sidero.dev");
    while !waits() {
        std::thread::yield_now();
    }
    add_machine(omni.store(), 7);
    let output = apply.finish()?.success()?;
    assert!(output.stdout.contains("data.omni_machine.late: Read complete"), "{output}");

    assert_eq!(workspace.values("data.omni_machine.late")?["id"], json!(SEVENTH));
    assert_eq!(workspace.output("versions")?, json!(["1.13.8", "1.35.1"]));
    assert_eq!(workspace.output("omni")?, json!("v1.11.0"));
    assert_eq!(workspace.output("cluster")?, json!("demo of 1.13.8 and 1.35.1"));
    assert_eq!(omni.ids("MachineSetNodes"), [SEVENTH]);
    // The cluster runs by now. A plan reads all of it again, at once, and finds nothing to do.
    workspace.refresh()?;
    assert_eq!(workspace.output("sets")?, json!(["demo-control-planes"]));
    assert_eq!(workspace.output("reachable")?, json!(["1.36.2", "1.36.3"]));
    workspace.plan()?.must_be_empty()?;
    workspace.destroy()?;
    let free = |store: &Store| store.list("ClusterMachines.omni.sidero.dev").is_empty();
    omni.wait_until("the machine is free again", free)
}

fn nodes_are_built_from_a_list(context: &Context) -> Outcome {
    let omni = Omni::with(Options { machines: 0, mode: Mode::Auto { tick: TICK }, ..Options::default() })?;
    (2..=8).for_each(|number| add_machine(omni.store(), number));
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", NODES)?;
    for workers in ["2", "3"] {
        workspace.write("terraform.tfvars", &format!("workers = {workers}\n"))?;
        workspace.apply()?;
        workspace.plan()?.must_be_empty()?;
    }
    // Another machine, whose id comes before all others, is free.
    add_machine(omni.store(), 1);
    workspace.refresh()?;
    workspace.plan()?.must_be_empty()?;
    // It is the next one to join, and keeps the others where they are.
    workspace.write("terraform.tfvars", "workers = 4\n")?;
    workspace.apply()?;
    assert_eq!(omni.ids("MachineSetNodes").len(), 7);
    workspace.plan()?.must_be_empty()
}

fn what_is_not_there_is_told_at_plan_time(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    let table: [(&str, &str, &str, &[&str]); 3] = [
        (
            "omni_cluster",
            r#"name = "prod""#,
            "name",
            &["Cluster `prod` does not exist", "It has no clusters", "`depends_on`"],
        ),
        (
            "omni_machine",
            r#"mac_address = "52:54:00:00:07:00""#,
            "mac_address",
            &["No machine matches", "machine-1", "wait_for_registration"],
        ),
        (
            "omni_talos_version",
            r#"constraint = "~> 1.8.0""#,
            "constraint",
            &["No Talos version matches", "`~> 1.8.0`", "omni_talos_versions"],
        ),
    ];
    for (kind, argument, attribute, parts) in table {
        workspace.write("main.tf", &format!("data \"{kind}\" \"x\" {{\n  {argument}\n}}\n"))?;
        workspace.plan_error()?.says(&format!("data.{kind}.x"), attribute, parts);
    }
    Ok(())
}

const NODES: &str = r#"
variable "workers" {
  type = number
}

locals {
  cluster = "demo"
}

data "omni_machines" "demo" {
  available_to = local.cluster
  connected    = true
}

resource "omni_cluster" "demo" {
  name               = local.cluster
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
}

resource "omni_machine_set" "set" {
  for_each = toset(["controlplane", "workers"])
  cluster  = omni_cluster.demo.id
  role     = each.key
}

resource "omni_machine_set_node" "control_plane" {
  count       = 3
  cluster     = omni_cluster.demo.id
  machine_set = omni_machine_set.set["controlplane"].id
  machine_id  = data.omni_machines.demo.ids[count.index]
}

resource "omni_machine_set_node" "worker" {
  for_each    = toset(slice(data.omni_machines.demo.ids, 3, 3 + var.workers))
  cluster     = omni_cluster.demo.id
  machine_set = omni_machine_set.set["workers"].id
  machine_id  = each.value
}
"#;

const CONFIGURATION: &str = r#"
data "omni_version" "omni" {}

data "omni_talos_version" "newest" {
  constraint = "~> 1.13"
}

data "omni_kubernetes_version" "newest" {
  talos_version = data.omni_talos_version.newest.version
  constraint    = "< 1.36"
}

# Stands for what another provider makes: its address is known only after apply.
resource "terraform_data" "virtual_machine" {
  input = { mac_address = "52:54:00:00:07:01" }
}

data "omni_machine" "late" {
  mac_address           = upper(terraform_data.virtual_machine.output.mac_address)
  wait_for_registration = true
  timeout               = "5m"
}

resource "omni_cluster" "demo" {
  name               = "demo"
  talos_version      = data.omni_talos_version.newest.version
  kubernetes_version = data.omni_kubernetes_version.newest.version
}

resource "omni_machine_set" "control_planes" {
  cluster = omni_cluster.demo.name
  role    = "controlplane"
}

resource "omni_machine_set_node" "late" {
  cluster     = omni_cluster.demo.name
  machine_set = omni_machine_set.control_planes.id
  machine_id  = data.omni_machine.late.id
  wait_for    = "running"
}

data "omni_cluster" "demo" {
  name = omni_cluster.demo.id
}

data "omni_machine_sets" "all" {
  cluster = omni_cluster.demo.id
}

output "omni" {
  value = data.omni_version.omni.backend_version
}

output "versions" {
  value = [data.omni_talos_version.newest.version, data.omni_kubernetes_version.newest.version]
}

output "cluster" {
  value = "${data.omni_cluster.demo.name} of ${data.omni_cluster.demo.talos_version} and ${data.omni_cluster.demo.kubernetes_version}"
}

output "sets" {
  value = data.omni_machine_sets.all.ids
}

output "reachable" {
  value = data.omni_cluster.demo.kubernetes_upgrade_versions
}
"#;
