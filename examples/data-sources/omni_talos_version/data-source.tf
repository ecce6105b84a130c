# The newest patch release of a minor version that has been tried out.
data "omni_talos_version" "tried" {
  constraint = "~> 1.13.0"
}

# The newest Kubernetes that it runs, and no newer than this.
data "omni_kubernetes_version" "tried" {
  talos_version = data.omni_talos_version.tried.version
  constraint    = "< 1.37"
}

resource "omni_cluster" "prod" {
  name               = "prod"
  talos_version      = data.omni_talos_version.tried.version
  kubernetes_version = data.omni_kubernetes_version.tried.version
}
