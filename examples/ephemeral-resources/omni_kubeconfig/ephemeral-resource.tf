resource "omni_cluster" "prod" {
  name               = "prod"
  kubernetes_version = "1.36.2"
  talos_version      = "1.13.5"
}

# The id is known once the cluster exists, so this waits for it.
# The token cannot be made to last longer: its life has to cover the longest run.
ephemeral "omni_kubeconfig" "prod" {
  cluster = omni_cluster.prod.id
  user    = "deployer"
  groups  = ["system:masters"]
  ttl     = "2h"
}

# Nothing of it is written to the state or to a plan.
provider "kubernetes" {
  host                   = ephemeral.omni_kubeconfig.prod.host
  token                  = ephemeral.omni_kubeconfig.prod.token
  cluster_ca_certificate = ephemeral.omni_kubeconfig.prod.cluster_ca_certificate
}
