data "omni_user" "jane" {
  email = "jane.doe@example.org"
}

output "jane_is_admin" {
  value = data.omni_user.jane.role == "Admin"
}
