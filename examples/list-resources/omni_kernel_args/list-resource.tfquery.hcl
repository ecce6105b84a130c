# Every object that this Omni has; `include_resource` adds the attributes.
list "omni_kernel_args" "all" {
  provider = omni
}
