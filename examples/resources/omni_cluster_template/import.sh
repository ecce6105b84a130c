# The import ID is the name of the cluster.
terraform import omni_cluster_template.prod prod
