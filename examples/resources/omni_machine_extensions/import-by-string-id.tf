import {
  to = omni_machine_extensions.prod
  id = "schematic-prod"
}
