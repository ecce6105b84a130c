import {
  to = omni_machine_class.storage
  identity = {
    name = "storage"
  }
}
