# The import ID is the name. `key` is null until `renew_trigger` changes, because Omni does not have the private key.
terraform import omni_infra_provider.aws aws-1
