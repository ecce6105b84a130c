# The ID is the name, or cluster-<cluster>-<name>, as Omni lists it.
terraform import omni_kubernetes_healthcheck.dns cluster-prod-dns
