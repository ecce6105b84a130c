"""Runs what is in the archives of this machine's platform: both programs alone, then with every real CLI at hand.
What it needs of a simulator and of a CLI is the demo's, which has the same to do."""

import os
import pathlib
import subprocess
import tempfile
import threading
import zipfile

import install
import targets
from cli import clis, demo
from facts import PROVIDER, SIMULATOR, Refused, say

# A host says it to show that it is none of a person's shells.
COOKIE = {"TF_PLUGIN_MAGIC_COOKIE": "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"}
PATIENCE = 20


def check(facts):
    here = targets.here()
    for program in [PROVIDER, SIMULATOR]:
        if not (facts.dist / facts.archive(program, here)).exists():
            raise Refused(f"{facts.dist} has no {facts.archive(program, here)}, the one that this machine can run; build it too")
    with tempfile.TemporaryDirectory(prefix="omni-release-") as work:
        work = pathlib.Path(work)
        provider = unpacked(facts, PROVIDER, here, work / "provider")
        simulator = unpacked(facts, SIMULATOR, here, work / "simulator")
        for program in [provider, simulator]:
            says_version(facts, program)
        serves_protocol(facts, provider)
        try:
            with demo.simulator(simulator) as ready:
                for number, program in enumerate(clis()):
                    install.check(facts, here, program, ready, work / str(number))
        except demo.NotAsSaid as claim:
            raise Refused(f"this does not hold: {claim}") from None


def unpacked(facts, program, platform, folder):
    """Unpacks an archive as the CLIs do, modes included, and returns the program."""
    with zipfile.ZipFile(facts.dist / facts.archive(program, platform)) as archive:
        for entry in archive.infolist():
            path = pathlib.Path(archive.extract(entry, folder))
            path.chmod((entry.external_attr >> 16) & 0o777)
    return next(path for path in folder.iterdir() if path.name.startswith(program))


def says_version(facts, program):
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode != 0 or facts.version not in done.stdout.split():
        raise Refused(f"{program.name} --version says {done.stdout.strip()!r}, not {facts.version}; it was built from another tree")
    say(f"ok: {program.name} runs, and says {done.stdout.strip()!r}")


def serves_protocol(facts, provider):
    """Holds the manifest against what the plugin answers to a host that offers several protocols."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("TF_", "PLUGIN_"))} | COOKIE
    process = subprocess.Popen(
        [provider], env=environment | {"PLUGIN_PROTOCOL_VERSIONS": "5,6,7"}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    guard = threading.Timer(PATIENCE, process.kill)
    guard.start()
    try:
        fields = process.stdout.readline().split("|")
    finally:
        guard.cancel()
        demo.stop(process)
    served = fields[1] if len(fields) > 5 else None
    if served != facts.protocol():
        raise Refused(f"the manifest names protocol {facts.protocol()}, and the plugin serves {served}; make the manifest say what is served")
    say(f"ok: the plugin serves protocol {served}, as the manifest says")
