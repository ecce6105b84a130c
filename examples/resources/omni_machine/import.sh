# The ID is that of the machine.
terraform import omni_machine.rack 00000000-0000-4000-8000-000000000003
