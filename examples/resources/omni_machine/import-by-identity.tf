import {
  to = omni_machine.rack
  identity = {
    machine_id = "00000000-0000-4000-8000-000000000003"
  }
}
