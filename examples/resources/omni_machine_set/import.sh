# The import ID is <cluster>-control-planes, <cluster>-workers, or <cluster>-<name>.
terraform import omni_machine_set.workers prod-storage
