import {
  to = omni_machine_labels.edge
  id = "00000000-0000-4000-8000-000000000001"
}
