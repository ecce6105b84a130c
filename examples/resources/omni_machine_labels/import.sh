# The ID is that of the machine.
terraform import omni_machine_labels.edge 00000000-0000-4000-8000-000000000001
