# Deletes what a closed preview has left. More than ten patches would be a mistake, and nothing is deleted then.
action "omni_delete_by_selector" "preview" {
  config {
    type           = "ConfigPatches"
    label_selector = "team = web, preview = 42"
    max_count      = 10
  }
}
