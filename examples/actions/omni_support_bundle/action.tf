action "omni_support_bundle" "prod" {
  config {
    cluster = "prod"
    path    = "${path.root}/prod-support.zip"
  }
}

# Only the holder of this key can read the bundle.
action "omni_support_bundle" "encrypted" {
  config {
    cluster            = "prod"
    path               = "${path.root}/prod-support.zip.age"
    encrypt            = true
    default_recipients = false
    recipients         = ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"]
  }
}
