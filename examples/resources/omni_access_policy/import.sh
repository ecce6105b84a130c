# There is one policy, so any id will do.
terraform import omni_access_policy.this access-policy
