data "omni_clusters" "of_team" {
  label_selector = "team = payments"
  ready          = true
}

output "talos_versions" {
  description = "Talos version of each cluster of the team."
  value       = { for cluster in data.omni_clusters.of_team.clusters : cluster.name => cluster.talos_version }
}
