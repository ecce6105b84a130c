output "talos" {
  # 1.13.8
  value = provider::omni::version_latest(["1.12.4", "1.13.5", "1.13.8", "1.14.0"], "~> 1.13.0")
}
