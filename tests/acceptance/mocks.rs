//! Modules that use every type, tested by their authors with a mocked provider: no Omni, no key, and values that mean nothing.

use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use terraform_provider_omni::provider;

tests![a_module_of_every_type_is_applied_and_torn_down];

fn a_module_of_every_type_is_applied_and_torn_down(context: &Context) -> Outcome {
    let provider = provider::new();
    for name in provider.resources().iter().map(|r| r.type_name()) {
        assert!(MODULE.contains(&format!("resource \"{name}\"")), "{name} is missing in the module");
    }
    for name in provider.data_sources().iter().map(|d| d.type_name()) {
        assert!(MODULE.contains(&format!("data \"{name}\"")), "{name} is missing in the module");
    }
    let workspace = Workspace::new(context)?;
    workspace.write("main.tf", MODULE)?;
    std::fs::create_dir(workspace.path().join("tests"))?;
    workspace.write("tests/mocked.tftest.hcl", TEST)?;
    let output = workspace.run(["test", "-no-color"])?.success()?;
    assert!(output.stdout.contains("2 passed, 0 failed"), "{output}");
    Ok(())
}

const TEST: &str = r#"
mock_provider "omni" {}

run "plan" {
  command = plan
}

run "apply" {
  assert {
    condition     = omni_machine_set_node.worker.machine_set == omni_machine_set.workers.id
    error_message = "The node belongs to the set."
  }
}
"#;

/// Whatever one object gives goes into another one.
const MODULE: &str = r#"
data "omni_cluster" "this" {
  name = omni_cluster.this.id
}

data "omni_clusters" "all" {}

data "omni_cluster_template_diff" "this" {
  template = omni_cluster_template.this.template
}

data "omni_cluster_template_export" "this" {
  cluster = omni_cluster.this.id
}

data "omni_resource" "this" {
  type = "Clusters"
  id   = omni_cluster.this.id
}

data "omni_resources" "all" {
  type = omni_resource.this.type
}

data "omni_current_user" "me" {}

data "omni_join_token" "this" {
  id = omni_join_token.this.id
}

data "omni_join_tokens" "all" {}

data "omni_kubeconfig" "this" {
  cluster = omni_cluster.this.id
  user    = data.omni_current_user.me.identity
}

data "omni_kubernetes_version" "newest" {}

data "omni_kubernetes_versions" "all" {}

data "omni_machine" "one" {
  hostname = "one"
}

data "omni_machines" "all" {
  cluster = omni_cluster.this.id
}

data "omni_machine_join_config" "this" {
  join_token = omni_join_token.this.id
}

data "omni_machine_set" "workers" {
  id = omni_machine_set.workers.id
}

data "omni_machine_sets" "all" {
  cluster = omni_cluster.this.id
}

data "omni_omniconfig" "this" {}

data "omni_service_account" "ci" {
  name = omni_service_account.ci.name
}

data "omni_service_accounts" "all" {}

data "omni_talos_version" "newest" {}

data "omni_talos_versions" "all" {}

data "omni_talosconfig" "this" {
  cluster = omni_cluster.this.id
}

data "omni_user" "ada" {
  email = omni_user.ada.email
}

data "omni_users" "all" {}

data "omni_version" "this" {}

resource "omni_cluster" "this" {
  name               = "this"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
}

resource "omni_machine_set" "control_planes" {
  cluster = omni_cluster.this.id
  role    = "controlplane"
}

resource "omni_machine_set" "workers" {
  cluster = omni_cluster.this.id
  role    = "workers"
  name    = "pool"

  machine_class = {
    name = "pool"
    size = 1
  }
}

resource "omni_machine_set_node" "control_plane" {
  cluster     = omni_cluster.this.id
  machine_set = omni_machine_set.control_planes.id
  machine_id  = data.omni_machine.one.id
}

resource "omni_machine_set_node" "worker" {
  cluster     = omni_cluster.this.id
  machine_set = omni_machine_set.workers.id
  machine_id  = data.omni_machine_set.workers.id
  locked      = true
}

resource "omni_config_patch" "cluster" {
  name    = "cluster"
  cluster = omni_cluster.this.id
  data    = yamlencode({ machine = { nodeLabels = { host = data.omni_machine.one.hostname } } })
}

resource "omni_config_patch" "set" {
  name     = "set"
  cluster  = omni_cluster.this.id
  selector = { machine_set = omni_machine_set.workers.id }
  data     = "machine: {}"
}

resource "omni_config_patch" "machine" {
  name     = "machine"
  selector = { machine = data.omni_machine.one.id }
  data     = "machine: {}"
}

resource "omni_join_token" "this" {
  name = "this"
}

resource "omni_default_join_token" "this" {
  token_id = omni_join_token.this.id
}

resource "omni_infra_provider" "this" {
  name = "this"
}

resource "omni_service_account" "ci" {
  name = "ci"
}

resource "omni_user" "ada" {
  email = "ada@example.org"
  role  = "Reader"
}

data "omni_advertised_endpoints" "this" {}

data "omni_audit_log" "this" {
  cluster = omni_cluster.this.id
}

data "omni_cluster_health" "this" {
  cluster = omni_cluster.this.id
}

data "omni_config_patches" "all" {
  cluster = omni_cluster.this.id
}

data "omni_default_join_token" "this" {}

data "omni_etcd_backup_status" "this" {
  cluster = omni_cluster.this.id
}

data "omni_etcd_backups" "this" {
  cluster = omni_cluster.this.id
}

data "omni_exposed_services" "this" {
  cluster = omni_cluster.this.id
}

data "omni_features" "this" {}

data "omni_infra_provider" "this" {
  name = omni_infra_provider.this.name
}

data "omni_infra_providers" "all" {}

data "omni_installation_media" "this" {
  preset = omni_installation_media_preset.this.name
}

data "omni_installation_media_preset" "this" {
  name = omni_installation_media_preset.this.name
}

data "omni_installation_media_presets" "all" {}

data "omni_kubernetes_upgrade_prechecks" "this" {
  cluster            = omni_cluster.this.id
  kubernetes_version = "1.36.3"
}

data "omni_machine_class" "this" {
  name = omni_machine_class.this.name
}

data "omni_machine_classes" "all" {}

data "omni_machine_config_diffs" "all" {
  machine_id = data.omni_machine.one.id
}

data "omni_machine_set_nodes" "workers" {
  machine_set = omni_machine_set.workers.id
}

data "omni_ongoing_tasks" "all" {}

data "omni_pending_machines" "all" {}

data "omni_redacted_machine_config" "this" {
  machine_id = data.omni_machine.one.id
}

data "omni_saml_label_rule" "this" {
  name = omni_saml_label_rule.this.name
}

data "omni_saml_label_rules" "all" {}

data "omni_talos_extensions" "all" {
  talos_version = "1.13.5"
}

resource "omni_access_policy" "this" {
  rules = [{ users = [omni_user.ada.email], clusters = [omni_cluster.this.id], role = "Operator" }]
}

resource "omni_etcd_backup_s3_config" "this" {
  bucket = "backups"
  region = "eu-central-1"
}

resource "omni_infra_machine_bmc_config" "this" {
  machine_id = data.omni_machine.one.id
  api        = { address = "10.0.0.1:50000" }
}

resource "omni_infra_machine_config" "this" {
  machine_id = data.omni_machine.one.id
  acceptance = "accepted"
}

resource "omni_installation_media_preset" "this" {
  name          = "this"
  talos_version = "1.13.5"
  join_token    = omni_join_token.this.id
}

resource "omni_kernel_args" "this" {
  machine_id = data.omni_machine.one.id
  args       = ["console=ttyS0"]
}

resource "omni_kubernetes_healthcheck" "this" {
  name    = "this"
  cluster = omni_cluster.this.id
  job = yamlencode({
    apiVersion = "batch/v1"
    kind       = "Job"
    spec       = { template = { spec = { containers = [{ name = "check", image = "busybox" }] } } }
  })
}

resource "omni_kubernetes_manifest" "this" {
  name    = "this"
  mode    = "full"
  cluster = omni_cluster.this.id
  data = yamlencode({
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "this", labels = { cluster = omni_cluster.this.id } }
  })
}

resource "omni_machine_class" "this" {
  name         = "this"
  match_labels = ["pool"]
}

resource "omni_machine_extensions" "this" {
  cluster    = omni_cluster.this.id
  selector   = { machine_set = omni_machine_set.workers.id }
  extensions = ["siderolabs/gvisor"]
}

resource "omni_cluster_template" "this" {
  template = <<-EOT
    kind: Cluster
    name: prod
    kubernetes:
      version: v1.36.2
    talos:
      version: v1.13.5
    ---
    kind: ControlPlane
    machines: []
  EOT
}

resource "omni_resource" "this" {
  type = "MachineClasses"
  id   = "large"

  spec = {
    match_labels = ["omni.sidero.dev/cpu == 8"]
  }
}

resource "omni_machine_grpc_tunnel" "this" {
  machine_id = data.omni_machine.one.id
  enabled    = true
}

resource "omni_machine_install_disk" "this" {
  machine_id = data.omni_machine.one.id
  disk       = "/dev/vda"
}

resource "omni_machine_labels" "this" {
  machine_id = data.omni_machine.one.id
  labels     = { pool = omni_cluster.this.id }
}

resource "omni_machine_request_set" "this" {
  name          = "this"
  provider_id   = omni_infra_provider.this.name
  machine_count = 1
  talos_version = "1.13.5"
}

resource "omni_saml_label_rule" "this" {
  name         = "this"
  match_labels = ["groups/admins"]
  assign_role  = "Admin"
}

resource "omni_schematic" "this" {
  talos_version = "1.13.5"
  extensions    = ["siderolabs/gvisor"]
}

resource "omni_kubeconfig" "this" {
  cluster = omni_cluster.this.id
  user    = data.omni_current_user.me.identity
}

resource "omni_eula_acceptance" "this" {
  name  = "Jane Doe"
  email = omni_user.ada.email
}

resource "omni_imported_cluster" "this" {
  cluster        = "imported"
  secrets_bundle = omni_config_patch.cluster.data
}

resource "omni_machine" "this" {
  hostname = data.omni_machine.one.hostname
}
"#;
