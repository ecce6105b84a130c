# Every object that this Omni has; `include_resource` adds the attributes.
list "omni_kubernetes_manifest" "all" {
  provider = omni
}
