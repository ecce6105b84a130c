# Machines whose ID begins with 00000000; `include_resource` adds their hardware and network.
list "omni_machine" "rack" {
  provider         = omni
  include_resource = true

  config {
    id_regexp = "^00000000-"
  }
}
