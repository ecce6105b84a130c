# Singleton; the import ID is ignored.
terraform import omni_eula_acceptance.this eula
