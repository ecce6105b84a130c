import {
  to = omni_cluster_template.prod
  id = "prod"
}
