# A token for one site, rotated every quarter; valid a little longer than that.
resource "terraform_data" "quarter" {
  input = "2027-1"
}

resource "omni_join_token" "berlin" {
  name = "berlin"
  ttl  = "2400h"
  labels = {
    site = "berlin"
  }

  lifecycle {
    create_before_destroy = true
    replace_triggered_by  = [terraform_data.quarter]
  }
}

# The default token for installation media and join configurations.
resource "omni_join_token" "media" {
  name            = "media"
  expiration_time = "2099-12-31T00:00:00Z"
  default         = true
}
