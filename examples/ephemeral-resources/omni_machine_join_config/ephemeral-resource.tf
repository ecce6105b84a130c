# With the default join token.
ephemeral "omni_machine_join_config" "default" {
  use_grpc_tunnel = true
}

# A machine of a cloud gets its join token without a trace of it in the state.
resource "aws_ssm_parameter" "join_config" {
  name             = "/talos/join-config"
  type             = "SecureString"
  value_wo         = ephemeral.omni_machine_join_config.default.config
  value_wo_version = 1
}
