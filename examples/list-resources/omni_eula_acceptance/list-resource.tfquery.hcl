# The acceptance of the EULA, if there is one.
list "omni_eula_acceptance" "all" {
  provider = omni
}
