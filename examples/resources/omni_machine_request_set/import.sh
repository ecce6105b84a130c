# The ID is the name.
terraform import omni_machine_request_set.burst burst
