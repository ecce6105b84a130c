output "is_big" {
  # true
  value = provider::omni::label_selector_matches("omni.sidero.dev/mem >= 16 GiB", {
    "omni.sidero.dev/mem" = "32GiB"
  })
}
