# The import ID is the ID (UUID) of the machine.
terraform import omni_machine_set_node.first 00000000-0000-4000-8000-000000000001
