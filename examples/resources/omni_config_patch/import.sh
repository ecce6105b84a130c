# The id is <weight>-<target>-<name>, as Omni lists it.
terraform import omni_config_patch.time 400-prod-time
