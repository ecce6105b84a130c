# The join token is in the state; the ephemeral resource of the same name keeps it out.
data "omni_machine_join_config" "default" {
  use_grpc_tunnel = true
}

output "kernel_args" {
  value     = join(" ", data.omni_machine_join_config.default.kernel_args)
  sensitive = true
}
