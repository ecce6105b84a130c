data "omni_users" "admins" {
  role = "Admin"
}

data "omni_users" "platform" {
  label_selector = "department = platform"
  email_regexp   = "@example\\.org$"
}

output "admins" {
  value = data.omni_users.admins.users[*].email
}
