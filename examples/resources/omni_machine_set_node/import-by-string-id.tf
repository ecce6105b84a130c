import {
  to = omni_machine_set_node.first
  id = "00000000-0000-4000-8000-000000000001"
}
