# The import ID is the e-mail address; case is ignored.
terraform import omni_user.jane jane.doe@example.org
