import {
  to = omni_cluster.prod
  id = "prod"
}
