# Singleton; the import ID is ignored.
terraform import omni_default_join_token.this default
