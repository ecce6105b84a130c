output "interval" {
  # 1h30m0s
  value = provider::omni::duration_normalize("90m")
}
