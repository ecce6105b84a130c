data "omni_version" "this" {}

output "has_installation_media" {
  value = provider::omni::version_matches(data.omni_version.this.version, ">= 1.11")
}
