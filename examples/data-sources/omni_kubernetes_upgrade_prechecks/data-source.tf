data "omni_kubernetes_upgrade_prechecks" "next" {
  cluster            = "prod"
  kubernetes_version = "1.36.3"
}

check "upgrade" {
  assert {
    condition     = data.omni_kubernetes_upgrade_prechecks.next.ok
    error_message = data.omni_kubernetes_upgrade_prechecks.next.reason
  }
}
