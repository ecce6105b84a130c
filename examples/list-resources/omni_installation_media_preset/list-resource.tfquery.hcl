# Every object that this Omni has; `include_resource` adds the attributes.
list "omni_installation_media_preset" "all" {
  provider = omni
}
