# A file that "omnictl apply -f" takes.
output "manifest" {
  value = provider::omni::resource_encode({
    metadata = {
      namespace = "default"
      type      = "MachineClasses.omni.sidero.dev"
      id        = "large"
    }
    spec = {
      matchlabels = ["cores > 8"]
    }
  })
}
