# This is a singleton: any ID will do.
terraform import omni_access_policy.this access-policy
