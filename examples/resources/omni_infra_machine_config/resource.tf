resource "omni_infra_machine_config" "rack1" {
  machine_id        = "00000000-0000-4000-8000-000000000001"
  acceptance        = "accepted"
  extra_kernel_args = "console=ttyS1,115200"

  lifecycle {
    prevent_destroy = true
  }
}
