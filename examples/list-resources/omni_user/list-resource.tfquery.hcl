# The users of one domain.
list "omni_user" "example" {
  provider         = omni
  include_resource = true

  config {
    id_regexp = "@example\\.org$"
  }
}
