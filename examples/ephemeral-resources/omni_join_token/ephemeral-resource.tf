# A token of this run: renewed as long as it lasts, and removed at its end.
ephemeral "omni_join_token" "run" {
  ttl = "15m"
}

# An existing one, which is only read.
ephemeral "omni_join_token" "berlin" {
  name = "berlin"
}

# User data that reaches the machine, and neither plan nor state.
resource "hcloud_server" "edge" {
  name        = "edge-1"
  image       = "talos"
  server_type = "cx22"
  user_data_wo = yamlencode({
    apiVersion = "v1alpha1"
    kind       = "SideroLinkConfig"
    apiUrl     = "https://omni.example.org:8090/?jointoken=${ephemeral.omni_join_token.run.id}"
  })
}

# The token goes when the run ends, so the run ends when the machine has joined.
data "omni_machine" "edge" {
  hostname              = hcloud_server.edge.name
  wait_for_registration = true
}
