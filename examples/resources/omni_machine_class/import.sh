# The ID is the name of the class.
terraform import omni_machine_class.storage storage
