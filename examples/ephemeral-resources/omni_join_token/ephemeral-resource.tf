# A token of this run: renewed as long as it lasts, and removed at its end.
ephemeral "omni_join_token" "run" {
  ttl = "15m"
}

# An existing one, which is only read.
ephemeral "omni_join_token" "berlin" {
  name = "berlin"
}

# A command that starts a machine gets the token in its environment; neither plan nor state keep it.
resource "terraform_data" "edge" {
  input = "edge-1"

  provisioner "local-exec" {
    command = "./start-machine ${self.input}"

    environment = {
      JOIN_TOKEN = ephemeral.omni_join_token.run.id
    }
  }
}

# The token goes when the run ends, so the run ends when the machine has joined.
data "omni_machine" "edge" {
  hostname              = terraform_data.edge.output
  wait_for_registration = true
}
