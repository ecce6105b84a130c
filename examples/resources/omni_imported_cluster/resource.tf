# The output of `talosctl gen secrets`, or of `talosctl gen secrets --from-controlplane-config`.
variable "secrets_bundle" {
  type      = string
  ephemeral = true
}

resource "omni_imported_cluster" "prod" {
  cluster           = "prod"
  secrets_bundle_wo = var.secrets_bundle
}

# Created with the imported secrets.
resource "omni_cluster" "prod" {
  name               = omni_imported_cluster.prod.cluster
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
}
