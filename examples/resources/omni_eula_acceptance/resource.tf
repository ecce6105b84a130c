resource "omni_eula_acceptance" "this" {
  name  = "Jane Doe"
  email = "jane@example.org"
}

# Omni refuses everything else until the EULA is accepted.
resource "omni_machine_class" "workers" {
  name         = "workers"
  match_labels = ["pool = workers"]

  depends_on = [omni_eula_acceptance.this]
}
