import {
  to = omni_machine.rack
  id = "00000000-0000-4000-8000-000000000003"
}
