# The import ID is <namespace>/<type>/<id>; without the namespace, that of the type is meant.
terraform import omni_resource.time default/ConfigPatches.omni.sidero.dev/400-prod-time
