import {
  to = omni_cluster_template.prod
  identity = {
    cluster = "prod"
  }
}
