"""From the sources to one archive per program and platform.
Paths of this machine stay out of the programs, so that a build elsewhere comes out the same."""

import os
import pathlib

import archive
import facts as about
import toolchain
from facts import DOCUMENTS, PROVIDER, SIMULATOR, run, say
from targets import TARGETS


def build(facts, platform, profile):
    """Builds both programs for a platform and packs them."""
    target = TARGETS[platform]
    programs = compiled(facts, target, profile)
    texts = {name: (facts.root / name).read_bytes() for name in DOCUMENTS}
    facts.dist.mkdir(parents=True, exist_ok=True)
    moment = about.moment(facts.root)
    for program, path in programs.items():
        # The registries want the version in the provider's file name; the simulator is started by people.
        name = f"{program}_v{facts.version}" if program == PROVIDER else program
        packed = archive.packed({name + target.suffix: (path.read_bytes(), 0o755)} | {n: (t, 0o644) for n, t in texts.items()}, moment)
        file = facts.dist / facts.archive(program, platform)
        file.write_bytes(packed)
        say(f"{file.name}: {len(packed)} bytes, with a program of {path.stat().st_size}")


def compiled(facts, target, profile):
    toolchain.standard_library(target.triple)
    environment = dict(os.environ)
    if toolchain.native(target.triple):
        cargo = ["cargo", "build"]
    else:
        environment |= toolchain.zig()
        cargo = ["cargo-zigbuild", "zigbuild"]
    environment["CARGO_ENCODED_RUSTFLAGS"] = "\x1f".join(remapped(facts.root, environment))
    folder = pathlib.Path(environment.get("CARGO_TARGET_DIR", facts.root / "target"))
    run([*cargo, "--locked", "--bins", "--profile", profile, "--target", target.triple], cwd=facts.root, env=environment)
    made = folder / target.triple / {"dev": "debug"}.get(profile, profile)
    return {program: made / (program + target.suffix) for program in [PROVIDER, SIMULATOR]}


def remapped(root, environment):
    """Flags that put neutral paths in place of this machine's, after those that the caller gave."""
    home = pathlib.Path.home()
    paths = {
        environment.get("CARGO_HOME", home / ".cargo"): "/cargo",
        environment.get("RUSTUP_HOME", home / ".rustup"): "/rustup",
        root: "/source",
    }
    if encoded := environment.get("CARGO_ENCODED_RUSTFLAGS"):
        given = encoded.split("\x1f")
    else:
        given = environment.get("RUSTFLAGS", "").split()
    return given + [f"--remap-path-prefix={old}={new}" for old, new in paths.items()]
