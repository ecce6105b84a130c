# The ID is <weight>-<cluster>-<name>, as Omni lists it.
terraform import omni_kubernetes_manifest.monitoring 400-prod-monitoring
