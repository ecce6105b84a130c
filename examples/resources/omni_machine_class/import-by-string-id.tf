import {
  to = omni_machine_class.storage
  id = "storage"
}
