//! A whole cluster: three control planes, two workers, and patches at every level, from the first apply to nothing left.

use crate::omni::Omni;
use crate::plan::Action;
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use omni_proto::specs::{ClusterSpec, ConfigPatchSpec};
use serde_json::json;

tests![a_cluster_from_apply_to_destroy];

const CLUSTER_PATCH: &str = "400-demo-time";

fn a_cluster_from_apply_to_destroy(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let at_first = omni.settled_objects()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", CLUSTER)?;

    // Everything is made.
    let plan = workspace.plan_out("create.tfplan")?;
    let created = plan.actions().into_values().filter(|a| *a == Action::Create).count();
    assert_eq!((created, plan.action("data.omni_kubeconfig.demo")), (12, Action::Read), "{:?}", plan.actions());
    assert_eq!(plan.actions().len(), 13);
    workspace.apply_plan("create.tfplan")?.success()?;
    assert_eq!(omni.ids("Clusters"), ["demo"]);
    assert_eq!(omni.ids("MachineSets"), ["demo-control-planes", "demo-workers"]);
    assert_eq!(omni.ids("MachineSetNodes").len(), 5);
    assert_eq!(omni.ids("ConfigPatches").len(), 3);
    let spec: ClusterSpec = omni.spec("Clusters", "demo");
    assert_eq!((spec.talos_version.as_str(), spec.kubernetes_version.as_str()), ("1.13.5", "1.36.2"));
    let kubeconfig = workspace.output("kubeconfig")?;
    assert!(kubeconfig.as_str().is_some_and(|k| k.contains("clusters:")), "{kubeconfig}");
    let status = workspace.values("omni_machine_set_node.worker[1]")?;
    assert_eq!(status["wait_for"], json!("running"));

    // What was applied needs no further change, nor does another way to write the same.
    let plan = workspace.plan()?;
    plan.must_be_empty()?;
    let reformatted =
        CLUSTER.replace("\"1.13.5\"", "\"v1.13.5\"").replace("\"1h\"", "\"60m\"").replace(PATCH, SAME_PATCH);
    workspace.write("main.tf", &reformatted)?;
    workspace.plan()?.must_be_empty()?;

    // Somebody changes two objects and removes a third; the plan shows exactly that.
    workspace.write("main.tf", CLUSTER)?;
    omni.change("ConfigPatches", CLUSTER_PATCH, |spec: &mut ConfigPatchSpec| {
        spec.compressed_data.clear();
        "machine:\n  time:\n    servers: [elsewhere.example.org]\n".clone_into(&mut spec.data);
    })?;
    omni.change("Clusters", "demo", |spec: &mut ClusterSpec| {
        spec.features.get_or_insert_default().enable_workload_proxy = false;
    })?;
    assert!(omni.remove("ConfigPatches", "450-demo-workers-sysctls"), "{:?}", omni.ids("ConfigPatches"));
    let plan = workspace.plan_out("repair.tfplan")?;
    assert_eq!(
        plan.actions().into_iter().collect::<Vec<_>>(),
        [
            // Its cluster changes, so the host reads it afterwards.
            ("data.omni_kubeconfig.demo", Action::Read),
            ("omni_cluster.demo", Action::Update),
            ("omni_config_patch.cluster", Action::Update),
            ("omni_config_patch.workers", Action::Create),
        ]
    );
    let drift = plan.drift();
    assert_eq!(drift.get("omni_cluster.demo"), Some(&Action::Update));
    assert_eq!(drift.get("omni_config_patch.cluster"), Some(&Action::Update));
    assert_eq!(drift.get("omni_config_patch.workers"), Some(&Action::Delete));
    assert_eq!(drift.get("omni_config_patch.first"), None);
    let before = plan.before("omni_config_patch.cluster")["data"].as_str().unwrap_or_default();
    assert!(before.contains("elsewhere.example.org"), "{before}");
    assert_eq!(plan.before("omni_cluster.demo")["features"]["enable_workload_proxy"], json!(false));
    assert_eq!(plan.after("omni_cluster.demo")["features"]["enable_workload_proxy"], json!(true));

    // Applying repairs it.
    workspace.apply_plan("repair.tfplan")?.success()?;
    workspace.plan()?.must_be_empty()?;
    assert!(omni.spec::<ClusterSpec>("Clusters", "demo").features.is_some_and(|f| f.enable_workload_proxy));
    assert_eq!(omni.ids("ConfigPatches").len(), 3);

    // Nothing is left, and the machines are free again.
    workspace.destroy()?;
    assert_eq!(workspace.addresses()?, Vec::<String>::new());
    omni.wait_for_objects(&at_first)
}

const PATCH: &str = r#"data = yamlencode({ machine = { time = { servers = ["time.example.org"] } } })"#;

const SAME_PATCH: &str = r##"data = "# By hand.\nmachine: {time: {servers: [time.example.org]}}\n""##;

const CLUSTER: &str = r#"
data "omni_machines" "all" {}

locals {
  ids            = sort(data.omni_machines.all.ids)
  control_planes = slice(local.ids, 0, 3)
  workers        = slice(local.ids, 3, 5)
}

resource "omni_cluster" "demo" {
  name               = "demo"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
  backup_interval    = "1h"
  features           = { enable_workload_proxy = true }
  labels             = { purpose = "demo" }
}

resource "omni_machine_set" "control_planes" {
  cluster = omni_cluster.demo.name
  role    = "controlplane"
}

resource "omni_machine_set" "workers" {
  cluster         = omni_cluster.demo.name
  role            = "workers"
  update_strategy = { type = "Rolling", max_parallelism = 2 }
}

resource "omni_machine_set_node" "control_plane" {
  count       = 3
  cluster     = omni_cluster.demo.name
  machine_set = omni_machine_set.control_planes.id
  machine_id  = local.control_planes[count.index]
  wait_for    = "running"
}

resource "omni_machine_set_node" "worker" {
  count       = 2
  cluster     = omni_cluster.demo.name
  machine_set = omni_machine_set.workers.id
  machine_id  = local.workers[count.index]
  wait_for    = "running"
}

resource "omni_config_patch" "cluster" {
  name    = "time"
  cluster = omni_cluster.demo.name
  data = yamlencode({ machine = { time = { servers = ["time.example.org"] } } })
}

resource "omni_config_patch" "workers" {
  name     = "sysctls"
  weight   = 450
  cluster  = omni_cluster.demo.name
  selector = { machine_set = omni_machine_set.workers.id }
  data     = <<-EOT
    machine:
      sysctls:
        vm.max_map_count: "262144"
  EOT
}

resource "omni_config_patch" "first" {
  name     = "first"
  weight   = 500
  cluster  = omni_cluster.demo.name
  selector = { cluster_machine = omni_machine_set_node.control_plane[0].machine_id }
  data     = <<-EOT
    machine:
      nodeLabels:
        example.org/first: "true"
  EOT
}

data "omni_kubeconfig" "demo" {
  cluster = omni_cluster.demo.id
  user    = "demo"
  ttl     = "1h"
}

# Every read makes a new token; this keeps the first one.
resource "terraform_data" "kubeconfig" {
  input = data.omni_kubeconfig.demo.kubeconfig

  lifecycle {
    ignore_changes = [input]
  }
}

output "kubeconfig" {
  value     = terraform_data.kubeconfig.output
  sensitive = true
}
"#;
