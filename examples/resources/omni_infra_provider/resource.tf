# The key is the OMNI_SERVICE_ACCOUNT_KEY of the infrastructure provider.
resource "omni_infra_provider" "aws" {
  name         = "aws-1"
  ttl          = "2160h"
  renew_before = "720h"
}

output "aws_provider_key" {
  value     = omni_infra_provider.aws.key
  sensitive = true
}
