# A token for this run: renewed while the run lasts, and removed at its end.
ephemeral "omni_join_token" "run" {
  ttl = "15m"
}

# An existing token.
ephemeral "omni_join_token" "berlin" {
  name = "berlin"
}

# The command gets the token from its environment; it is not written to state or plan.
resource "terraform_data" "edge" {
  input = "edge-1"

  provisioner "local-exec" {
    command = "./start-machine ${self.input}"

    environment = {
      JOIN_TOKEN = ephemeral.omni_join_token.run.id
    }
  }
}

# The token is removed at the end of the run, so wait until the machine has joined.
data "omni_machine" "edge" {
  hostname              = terraform_data.edge.output
  wait_for_registration = true
}
