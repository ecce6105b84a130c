data "omni_version" "current" {}

locals {
  # The first two numbers, such as [1, 10].
  omni = [for part in slice(split(".", data.omni_version.current.version), 0, 2) : tonumber(part)]
}

check "omni_is_new_enough" {
  assert {
    condition     = local.omni[0] > 1 || local.omni[0] == 1 && local.omni[1] >= 10
    error_message = "This configuration needs Omni 1.10 or later, and the instance is ${data.omni_version.current.backend_version}."
  }
}
