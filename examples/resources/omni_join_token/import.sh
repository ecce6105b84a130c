# By name, as long as no other token has it. The id works too, but it is the secret, and the command line shows it.
terraform import omni_join_token.berlin berlin
