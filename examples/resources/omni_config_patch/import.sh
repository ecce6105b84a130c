# The import ID is <weight>-<target>-<name>.
terraform import omni_config_patch.time 400-prod-time
