import {
  to = omni_kernel_args.edge
  id = "00000000-0000-4000-8000-000000000001"
}
