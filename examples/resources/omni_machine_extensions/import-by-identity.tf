import {
  to = omni_machine_extensions.prod
  identity = {
    id = "schematic-prod"
  }
}
