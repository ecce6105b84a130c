import {
  to = omni_machine_set.workers
  identity = {
    id = "prod-storage"
  }
}
