# The import ID is the name, if it is unique, or the ID of the token, which is a secret.
terraform import omni_join_token.berlin berlin
