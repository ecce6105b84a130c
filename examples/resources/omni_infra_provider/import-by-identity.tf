import {
  to = omni_infra_provider.aws
  identity = {
    name = "aws-1"
  }
}
