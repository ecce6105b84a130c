# Uses the default join token, and stores it in state.
data "omni_machine_join_config" "default" {
  use_grpc_tunnel = true
}

output "kernel_args" {
  value     = join(" ", data.omni_machine_join_config.default.kernel_args)
  sensitive = true
}
