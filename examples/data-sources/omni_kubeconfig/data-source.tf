resource "omni_cluster" "prod" {
  name               = "prod"
  kubernetes_version = "1.36.2"
  talos_version      = "1.13.5"
}

# The reference to the ID makes Terraform create the cluster first.
data "omni_kubeconfig" "prod" {
  cluster = omni_cluster.prod.id
  user    = "deployer"
  groups  = ["system:masters"]
  ttl     = "1h"
}

output "kubeconfig" {
  value     = data.omni_kubeconfig.prod.kubeconfig
  sensitive = true
}
