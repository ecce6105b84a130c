# The ID is schematic-<target>, as Omni lists it.
terraform import omni_machine_extensions.prod schematic-prod
