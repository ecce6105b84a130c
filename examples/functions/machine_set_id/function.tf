output "workers" {
  value = provider::omni::machine_set_id("production", "workers", null)
}
