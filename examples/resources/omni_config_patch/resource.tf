variable "registry_password" {
  type      = string
  sensitive = true
  ephemeral = true
}

resource "omni_cluster" "prod" {
  name               = "prod"
  kubernetes_version = "1.36.2"
  talos_version      = "1.13.5"
}

resource "omni_machine_set" "storage" {
  cluster = omni_cluster.prod.id
  role    = "workers"
  name    = "storage"
}

# For all machines of a cluster.
resource "omni_config_patch" "time" {
  name    = "time"
  cluster = omni_cluster.prod.id
  data = yamlencode({
    machine = {
      time = {
        servers = ["time.example.org"]
      }
    }
  })
}

# For the machines of one machine set, after patches with a lower weight.
resource "omni_config_patch" "storage" {
  name    = "storage"
  weight  = 450
  cluster = omni_cluster.prod.id
  selector = {
    machine_set = omni_machine_set.storage.id
  }
  data = <<-EOT
    machine:
      sysctls:
        vm.max_map_count: "262144"
  EOT
}

# For one machine, in any cluster. The password is not written to state or plan.
resource "omni_config_patch" "registry" {
  name = "registry"
  selector = {
    machine = "00000000-0000-4000-8000-000000000001"
  }
  data_wo = yamlencode({
    machine = {
      registries = {
        config = {
          "registry.example.org" = {
            auth = {
              username = "talos"
              password = var.registry_password
            }
          }
        }
      }
    }
  })
}
