"""Installs a release with a real CLI, from a mirror and from a registry, and builds a cluster with it.
What the CLI has to refuse is tried as well: a check that refuses nothing shows nothing."""

import base64
import hashlib
import json
import pathlib
import re
import shutil
import zipfile

import archive
import registry
from cli import demo
from facts import HOSTS, PROVIDER, ROOT, SOURCE, Refused, say

PLATFORMS = re.compile(r"_([a-z]+)_([a-z0-9]+)\.zip$")


def check(facts, here, program, ready, work):
    """All of it with one CLI, in folders of its own."""
    work.mkdir()
    config = work / "cli.tfrc"
    config.write_text("")
    cli = demo.Cli(program, config, ready)
    version = cli.json(work, "version", "-json")["terraform_version"]
    host = HOSTS["tofu" if pathlib.Path(program).name == "tofu" else "terraform"]
    say(f"\nWith {program}, version {version}:")
    from_mirror(facts, here, cli, host, work, config)
    config.write_text("")
    from_registry(facts, here, cli, work)


def from_mirror(facts, here, cli, host, work, config):
    mirror = work / "mirror"
    packages = mirror / host / SOURCE
    packages.mkdir(parents=True)
    archives = sorted(facts.dist.glob(f"{facts.prefix}_*.zip"))
    for path in archives:
        shutil.copy(path, packages)
    config.write_text(mirrored(mirror))
    folder = work / "cluster"
    folder.mkdir()
    # A cluster of its own for each CLI, since all of them share one simulator.
    shutil.copy(ROOT / "examples" / "demo" / "main.tf", folder)

    cli.run(folder, "init", "-no-color")
    lock = (folder / ".terraform.lock.hcl").read_text()
    ours = hash_of(facts.dist / facts.archive(PROVIDER, here))
    demo.expect(f'"{facts.version}"' in lock and ours in lock, "init takes it from the mirror and locks its version and hash")

    platforms = ["-platform={}_{}".format(*PLATFORMS.search(path.name).groups()) for path in archives]
    cli.run(folder, "providers", "lock", f"-fs-mirror={mirror}", "-no-color", *platforms)
    lock = (folder / ".terraform.lock.hcl").read_text()
    demo.expect(all(hash_of(path) in lock for path in archives), f"providers lock has the hashes of {len(archives)} platforms")

    cluster(cli, folder)

    with_other_bytes(packages / facts.archive(PROVIDER, here))
    shutil.rmtree(folder / ".terraform")
    _, text = cli.run(folder, "init", "-no-color", codes=(1,))
    demo.expect("checksum" in text, "init refuses an archive with other bytes than those in the lock file")


def mirrored(folder):
    # No `direct`: what the mirror has not is to fail, not to come from elsewhere.
    return f"provider_installation {{\n  filesystem_mirror {{\n    path = {json.dumps(str(folder))}\n  }}\n}}\n"


def cluster(cli, folder):
    """From plan to destroy; `-detailed-exitcode` tells whether a plan is empty."""
    code, plan = cli.plan(folder)
    demo.expect(code == demo.CHANGES, f"the plan makes {len(demo.changed(plan))} objects")
    cli.apply_planned(folder, shown=False)
    cli.plan_is_empty(folder, "the plan after the apply is empty")
    cli.run(folder, "destroy", "-no-color", "-auto-approve")
    demo.expect(not demo.resources(cli.json(folder, "show", "-json")), "the destroy leaves nothing")


def from_registry(facts, here, cli, work):
    files = work / "files"
    shutil.copytree(facts.dist, files)
    pristine = {path.name: path.read_bytes() for path in files.iterdir()}
    with registry.serve(facts, files, work) as (address, authority):
        cli.environment["SSL_CERT_FILE"] = str(authority)

        def init(name, code):
            folder = work / name
            folder.mkdir()
            wanted = f'source = "{address}/{SOURCE}"\n      version = "{facts.version}"'
            (folder / "main.tf").write_text(f"terraform {{\n  required_providers {{\n    omni = {{\n      {wanted}\n    }}\n  }}\n}}\n")
            return cli.run(folder, "init", "-no-color", codes=(code,))[1]

        text = init("registry", 0)
        demo.expect("signed" in text and "unauthenticated" not in text, "init takes it from a registry, and the signature counts")

        def refused(name, change, words, claim):
            change()
            text = " ".join(init(name, 1).split())
            for file, data in pristine.items():
                (files / file).write_bytes(data)
            if not any(word in text for word in words):
                raise Refused(f"init from a registry failed for another reason than that {claim}: {text}")
            say(f"   ok: init refuses it when {claim}")

        sums = files / facts.sums(PROVIDER)
        manifest = files / facts.manifest_name
        refused("zip", lambda: with_other_bytes(files / facts.archive(PROVIDER, here)), ["checksum"], "the archive is not the one of the sums")
        refused("sums", lambda: sums.write_text(sums.read_text() + "\n"), ["signature"], "the sums are not those that were signed")
        other = json.dumps({"version": 1, "metadata": {"protocol_versions": ["7.0"]}})
        refused("protocol", lambda: manifest.write_text(other), ["Incompatible provider version"], "the manifest names a protocol that no CLI speaks")


def with_other_bytes(path):
    """The same archive, but for a line at the end of its licence."""
    with zipfile.ZipFile(path) as old:
        files = {e.filename: (old.read(e), (e.external_attr >> 16) & 0o777) for e in old.infolist()}
    text, mode = files["LICENSE"]
    path.write_bytes(archive.packed(files | {"LICENSE": (text + b"\n", mode)}, 0))


def hash_of(path):
    """A package's hash as lock files have it: over names and contents, whatever the archive around them is."""
    with zipfile.ZipFile(path) as packed:
        lines = "".join(f"{hashlib.sha256(packed.read(name)).hexdigest()}  {name}\n" for name in sorted(packed.namelist()))
    return "h1:" + base64.b64encode(hashlib.sha256(lines.encode()).digest()).decode()
