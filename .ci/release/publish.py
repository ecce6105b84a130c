"""The last step of a release: a list of what went in, and the page with its files.
Only here is something said to GitHub, through its own CLI."""

import shutil

from facts import PROVIDER, SIMULATOR, Refused, run, say


def sbom(facts):
    """Writes what the programs are made of, for every platform, as CycloneDX."""
    if not shutil.which("cargo-cyclonedx"):
        raise Refused("cargo-cyclonedx is not installed; `cargo install --locked --version 0.5.9 cargo-cyclonedx` does that")
    folder = facts.root / "target" / "sbom"
    folder.mkdir(parents=True, exist_ok=True)
    # It writes beside each Cargo.toml of the workspace and nowhere else.
    run(["cargo", "cyclonedx", "--format", "json", "--describe", "crate", "--target", "all", "--no-build-deps"], cwd=facts.root)
    for made in [*facts.root.glob("*.cdx.json"), *facts.root.glob("*/*.cdx.json")]:
        if made.name in materials().values():
            shutil.move(made, folder / made.name)
            say(f"{folder / made.name}: {(folder / made.name).stat().st_size} bytes")
        else:
            made.unlink()


def materials():
    """The names of the lists, one per program."""
    return {program: f"{program}.cdx.json" for program in [PROVIDER, SIMULATOR]}


def publish(facts, tag):
    """Makes the page. The files are all there before anybody sees it, since registries look once."""
    facts.fits(tag)
    notes = facts.root / "target" / "notes.md"
    notes.write_text(facts.notes()[0] + "\n")
    files = sorted(facts.dist.iterdir())
    for program, name in materials().items():
        listed = facts.root / "target" / "sbom" / name
        if not listed.exists():
            raise Refused(f"{listed} is missing; write it with `.ci/release sbom` first")
        files.append(f"{listed}#SBOM of {program} (CycloneDX)")
    kind = ["--prerelease"] if "-" in facts.version else []
    run(["gh", "release", "create", tag, "--draft", "--verify-tag", "--title", tag, "--notes-file", notes, *kind, *files], cwd=facts.root)
    run(["gh", "release", "edit", tag, "--draft=false"], cwd=facts.root)
