data "omni_cluster_template_export" "prod" {
  cluster             = "prod"
  include_kernel_args = true
}

output "template" {
  value = data.omni_cluster_template_export.prod.template
}
