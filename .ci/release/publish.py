"""The last step of a release: a list of what went in, and the page with its files.
Only here is something said to GitHub, through its own CLI."""

import shutil

from facts import PROVIDER, Refused, run, say


def sbom(facts):
    """Writes what the programs are made of, for every platform, as CycloneDX."""
    if not shutil.which("cargo-cyclonedx"):
        raise Refused("cargo-cyclonedx is not installed; `cargo install --locked --version 0.5.9 cargo-cyclonedx` does that")
    folder = facts.root / "target" / "sbom"
    folder.mkdir(parents=True, exist_ok=True)
    # It writes beside Cargo.toml and nowhere else.
    run(["cargo", "cyclonedx", "--format", "json", "--describe", "crate", "--target", "all", "--no-build-deps"], cwd=facts.root)
    made = facts.root / f"{PROVIDER}.cdx.json"
    shutil.move(made, folder / made.name)
    say(f"{folder / made.name}: {(folder / made.name).stat().st_size} bytes")


def publish(facts, tag):
    """Makes the page. The files are all there before anybody sees it, since registries look once."""
    facts.fits(tag)
    notes = facts.root / "target" / "notes.md"
    notes.write_text(facts.notes()[0] + "\n")
    materials = facts.root / "target" / "sbom" / f"{PROVIDER}.cdx.json"
    if not materials.exists():
        raise Refused(f"{materials} is missing; write it with `.ci/release sbom` first")
    files = [*sorted(facts.dist.iterdir()), f"{materials}#SBOM (CycloneDX)"]
    kind = ["--prerelease"] if "-" in facts.version else []
    run(["gh", "release", "create", tag, "--draft", "--verify-tag", "--title", tag, "--notes-file", notes, *kind, *files], cwd=facts.root)
    run(["gh", "release", "edit", tag, "--draft=false"], cwd=facts.root)
