variable "registry_password" {
  type      = string
  sensitive = true
  ephemeral = true
}

# For all machines of a cluster.
resource "omni_config_patch" "time" {
  name    = "time"
  cluster = "prod"
  data = yamlencode({
    machine = {
      time = {
        servers = ["time.example.org"]
      }
    }
  })
}

# For the machines of one set, after the patches with a lower weight.
resource "omni_config_patch" "storage" {
  name    = "storage"
  weight  = 450
  cluster = "prod"
  selector = {
    machine_set = "prod-storage"
  }
  data = <<-EOT
    machine:
      sysctls:
        vm.max_map_count: "262144"
  EOT
}

# For one machine, in whatever cluster it is. The password reaches Omni, and neither plan nor state keep it.
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
