resource "omni_user" "jane" {
  email = "Jane.Doe@example.org"
  role  = "Operator"
}

# Several users with the same role.
resource "omni_user" "reader" {
  for_each = toset(["joe@example.org", "kim@example.org"])

  email = each.value
  role  = "Reader"
}
