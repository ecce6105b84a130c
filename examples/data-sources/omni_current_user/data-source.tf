data "omni_current_user" "me" {}

output "working_as" {
  value = "${data.omni_current_user.me.identity} (${data.omni_current_user.me.role})"
}
