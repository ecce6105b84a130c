import {
  to = omni_infra_provider.aws
  id = "aws-1"
}
