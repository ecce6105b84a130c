data "omni_version" "current" {}

check "omni_is_new_enough" {
  assert {
    condition     = tonumber(split(".", data.omni_version.current.version)[1]) >= 10
    error_message = "This configuration needs Omni 1.10 or later, and the instance is ${data.omni_version.current.backend_version}."
  }
}
