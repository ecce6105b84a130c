# The e-mail address; upper and lower case make no difference.
terraform import omni_user.jane jane.doe@example.org
