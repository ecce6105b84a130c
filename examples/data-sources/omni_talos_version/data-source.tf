# The newest patch release of a tested minor version.
data "omni_talos_version" "tested" {
  constraint = "~> 1.13.0"
}

# The newest Kubernetes version that it supports, within a limit.
data "omni_kubernetes_version" "tested" {
  talos_version = data.omni_talos_version.tested.version
  constraint    = "< 1.37"
}

resource "omni_cluster" "prod" {
  name               = "prod"
  talos_version      = data.omni_talos_version.tested.version
  kubernetes_version = data.omni_kubernetes_version.tested.version
}
