resource "omni_machine_grpc_tunnel" "edge" {
  machine_id = "00000000-0000-4000-8000-000000000001"
  enabled    = true
}
