data "omni_omniconfig" "self" {}

output "omniconfig" {
  value     = data.omni_omniconfig.self.omniconfig
  sensitive = true
}
