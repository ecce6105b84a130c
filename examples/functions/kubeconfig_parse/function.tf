variable "kubeconfig" {
  type      = string
  sensitive = true
}

output "host" {
  value     = provider::omni::kubeconfig_parse(var.kubeconfig).host
  sensitive = true
}
