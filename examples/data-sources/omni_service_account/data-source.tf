data "omni_service_account" "ci" {
  name = "ci"
}

check "key_lasts" {
  assert {
    condition     = timecmp(data.omni_service_account.ci.expiration, timeadd(plantimestamp(), "720h")) > 0
    error_message = "The last key of the service account expires within 30 days."
  }
}
