data "omni_version" "current" {}

locals {
  # Major and minor version, such as [1, 10].
  omni = [for part in slice(split(".", data.omni_version.current.version), 0, 2) : tonumber(part)]
}

check "omni_is_new_enough" {
  assert {
    condition     = local.omni[0] > 1 || local.omni[0] == 1 && local.omni[1] >= 10
    error_message = "This configuration requires Omni 1.10 or later; the instance runs ${data.omni_version.current.backend_version}."
  }
}
