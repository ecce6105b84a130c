"""What crosses from one platform to another: zig as C compiler and linker, and Rust's libraries for the target.
They are fetched once, in fixed versions, below target/."""

import os
import shutil
import subprocess
import sys
import venv

from facts import ROOT, Refused, run

# 0.17 brings the C libraries of Linux (musl), Windows and FreeBSD.
PACKAGES = ["ziglang==0.17.1", "cargo-zigbuild==0.24.0"]
FOLDER = ROOT / "target" / "release-tools"


def standard_library(triple):
    """Has rustup install Rust's library for the target; a Rust without rustup must bring it by itself."""
    libraries = subprocess.run(["rustc", "--print", "target-libdir", "--target", triple], cwd=ROOT, capture_output=True, text=True)
    if libraries.returncode == 0 and os.path.isdir(libraries.stdout.strip()):
        return
    if not shutil.which("rustup"):
        raise Refused(f"Rust's library for {triple} is not installed, and there is no rustup to install it")
    run(["rustup", "target", "add", triple], cwd=ROOT)


def zig():
    """The environment in which `cargo zigbuild` works."""
    marker = FOLDER / "installed"
    if not marker.exists() or marker.read_text().split() != PACKAGES:
        shutil.rmtree(FOLDER, ignore_errors=True)
        venv.create(FOLDER / "venv", with_pip=True)
        pip = [FOLDER / "venv" / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
        run([*pip, "install", "--no-deps", "--only-binary", ":all:", *PACKAGES])
        marker.write_text("\n".join(PACKAGES))
    return {"PATH": f"{FOLDER / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def native(triple):
    """Whether plain Cargo builds for the target: Apple's tools serve all of Apple's."""
    return sys.platform == "darwin" and "apple" in triple
