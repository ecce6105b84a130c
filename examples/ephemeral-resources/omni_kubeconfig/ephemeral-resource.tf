resource "omni_cluster" "prod" {
  name               = "prod"
  kubernetes_version = "1.36.2"
  talos_version      = "1.13.5"
}

# The reference to the ID makes Terraform create the cluster first.
# The token cannot be extended, so `ttl` must be longer than the longest run.
ephemeral "omni_kubeconfig" "prod" {
  cluster = omni_cluster.prod.id
  user    = "deployer"
  groups  = ["system:masters"]
  ttl     = "2h"
}

# None of these values is written to state or plan.
provider "kubernetes" {
  host                   = ephemeral.omni_kubeconfig.prod.host
  token                  = ephemeral.omni_kubeconfig.prod.token
  cluster_ca_certificate = ephemeral.omni_kubeconfig.prod.cluster_ca_certificate
}
