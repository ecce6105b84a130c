import {
  to = omni_machine_set.workers
  id = "prod-storage"
}
