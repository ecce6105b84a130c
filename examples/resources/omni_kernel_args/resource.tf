resource "omni_kernel_args" "edge" {
  machine_id = "00000000-0000-4000-8000-000000000001"
  args       = ["console=ttyS0", "net.ifnames=0"]
}
