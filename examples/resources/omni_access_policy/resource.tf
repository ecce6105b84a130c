resource "omni_access_policy" "this" {
  user_groups = {
    support = {
      users = [
        { match = "*@support.example.org" },
        { name = "ann@example.org" },
      ]
    }
  }

  cluster_groups = {
    staging = {
      clusters = [{ match = "staging-*" }]
    }
  }

  rules = [
    {
      users    = ["group/support"]
      clusters = ["group/staging"]
      role     = "Operator"
      kubernetes = {
        impersonate_groups = ["support"]
      }
    },
  ]

  tests = [
    {
      name    = "support operates staging"
      user    = { name = "bob@support.example.org" }
      cluster = { name = "staging-1" }
      expected = {
        role = "Operator"
        kubernetes = {
          impersonate_groups = ["support"]
        }
      }
    },
  ]
}
