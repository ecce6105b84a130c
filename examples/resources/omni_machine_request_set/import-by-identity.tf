import {
  to = omni_machine_request_set.burst
  identity = {
    name = "burst"
  }
}
