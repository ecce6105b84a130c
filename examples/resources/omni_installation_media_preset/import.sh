# The ID is the name of the preset.
terraform import omni_installation_media_preset.metal metal
