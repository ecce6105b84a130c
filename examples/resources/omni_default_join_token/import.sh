# There is one, so any text will do.
terraform import omni_default_join_token.this default
