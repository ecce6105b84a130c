"""What a release is about: its version, its files' names, its manifest and its section of the changelog.
It reads the tree only; it knows nothing of builds."""

import dataclasses
import json
import os
import pathlib
import re
import subprocess
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROVIDER = "terraform-provider-omni"
SIMULATOR = "omni-sim"
# What every archive holds besides its program.
DOCUMENTS = ["CHANGELOG.md", "LICENSE", "README.md"]
SOURCE = "omnirs/omni"
HOSTS = {"terraform": "registry.terraform.io", "tofu": "registry.opentofu.org"}
# Folders of docs/ with one page per type.
KINDS = ["data-sources", "ephemeral-resources", "list-resources", "resources"]
# Versions as the registries take them; they order by semantic versioning.
VERSION = r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?"


class Refused(Exception):
    """Something that keeps this from being a release; the text says what to do."""


@dataclasses.dataclass(frozen=True)
class Facts:
    root: pathlib.Path
    version: str
    manifest: bytes

    @property
    def dist(self):
        """Where the files of the release are put together."""
        return self.root / "target" / "dist"

    @property
    def prefix(self):
        return f"{PROVIDER}_{self.version}"

    def archive(self, program, platform):
        return f"{program}_{self.version}_{platform}.zip"

    def sums(self, program):
        return f"{program}_{self.version}_SHA256SUMS"

    @property
    def manifest_name(self):
        return f"{self.prefix}_manifest.json"

    @property
    def key_name(self):
        return f"{self.prefix}_signing-key.asc"

    def protocol(self):
        """The major version of the plugin protocol that the manifest names."""
        versions = json.loads(self.manifest)["metadata"]["protocol_versions"]
        if len(versions) != 1:
            raise Refused(f"terraform-registry-manifest.json names {versions}; the plugin serves one protocol")
        return versions[0].split(".")[0]

    def notes(self):
        """The version's section of the changelog, without its heading, and whether it is closed."""
        text = (self.root / "CHANGELOG.md").read_text()
        heading = re.search(rf"^## {re.escape(self.version)}(?: \((.*)\))?$", text, re.M)
        if not heading:
            raise Refused(f"CHANGELOG.md has no section `## {self.version}`; write what is new in it")
        body = re.split(r"^## ", text[heading.end() :], maxsplit=1, flags=re.M)[0].strip()
        if not body:
            raise Refused(f"the section of {self.version} in CHANGELOG.md is empty; write what is new in it")
        return body, heading.group(1) != "unreleased"

    def fits(self, tag):
        """Refuses a tag that is not this version's, or whose changelog is still open."""
        if tag != f"v{self.version}":
            raise Refused(f"the tag is {tag}, and Cargo.toml says {self.version}; tag v{self.version}, or change Cargo.toml")
        if not self.notes()[1]:
            raise Refused(f"CHANGELOG.md still calls {self.version} unreleased; put the date there, and tag that commit")
        self.tells_all()

    def tells_all(self):
        """Refuses a changelog that leaves out a type, or tells of one that there is not."""
        text = (self.root / "CHANGELOG.md").read_text()
        named = set(re.findall(r"`(omni_\w+)`", text))
        ours = set(re.findall(r"`(omni_\w+)`", self.notes()[0]))
        pages = {f"omni_{page.stem}" for kind in KINDS for page in (self.root / "docs" / kind).glob("*.md")}
        if pages - named:
            raise Refused(f"CHANGELOG.md tells nothing of {', '.join(sorted(pages - named))}; name it where it came")
        if ours - pages:
            raise Refused(f"CHANGELOG.md tells of {', '.join(sorted(ours - pages))} in {self.version}, and docs/ has no such page")


def read(root=ROOT):
    version = tomllib.loads((root / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    if not re.fullmatch(VERSION, version):
        raise Refused(f"Cargo.toml says version {version}; registries take MAJOR.MINOR.PATCH, with -PRERELEASE at most")
    return Facts(root, version, (root / "terraform-registry-manifest.json").read_bytes())


def moment(root=ROOT):
    """The time that stands in archives: SOURCE_DATE_EPOCH, else that of the commit."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    done = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=root, capture_output=True, text=True)
    if done.returncode != 0:
        raise Refused("this is no git checkout; say in SOURCE_DATE_EPOCH which time the archives shall name")
    return int(done.stdout)


def say(text=""):
    print(text, flush=True)


def run(command, **options):
    """Runs a command, shows it, and refuses to go on when it fails."""
    command = [str(part) for part in command]
    say(f"$ {' '.join(command)}")
    done = subprocess.run(command, **options)
    if done.returncode != 0:
        raise Refused(f"`{' '.join(command)}` ended with {done.returncode}; what it said above is why")
    return done
