# By name. Omni does not know the private key, so `key` stays null until `renew_trigger` changes.
terraform import omni_service_account.ci ci
