# Clusters that were made by a template, with the template of each.
list "omni_cluster_template" "all" {
  provider         = omni
  include_resource = true
}
