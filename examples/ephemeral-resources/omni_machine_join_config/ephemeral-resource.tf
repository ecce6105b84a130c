# Uses the default join token.
ephemeral "omni_machine_join_config" "default" {
  use_grpc_tunnel = true
}

# Stored for cloud machines, without writing the join token to state.
resource "aws_ssm_parameter" "join_config" {
  name             = "/talos/join-config"
  type             = "SecureString"
  value_wo         = ephemeral.omni_machine_join_config.default.config
  value_wo_version = 1
}
