"""Looks at the files of a release as the registries would, and a little closer.
It starts nothing but gpg, so it works for every platform."""

import hashlib
import io
import json
import re
import zipfile

import binary
import sign
from facts import DOCUMENTS, PROVIDER, SIMULATOR, Refused, say
from targets import TARGETS


def expect(holds, claim, otherwise):
    if not holds:
        raise Refused(otherwise)
    if claim:
        say(f"ok: {claim}")


def complete(facts):
    """Refuses a release that lacks a platform: who waits for it would get an error, and no word why."""
    for program in [PROVIDER, SIMULATOR]:
        missing = [name for name in TARGETS if not (facts.dist / facts.archive(program, name)).exists()]
        expect(not missing, None, f"{facts.dist} lacks {program} for {', '.join(missing)}; build it there, or take it out of targets.py")


def files(facts):
    key = facts.dist / facts.key_name
    for program in [PROVIDER, SIMULATOR]:
        archives = sums(facts, program)
        file = facts.dist / facts.sums(program)
        fingerprint, algorithm, name = sign.signer(file, file.with_name(file.name + ".sig"), key)
        say(f"ok: {file.name}.sig is binary, fits, and is of the {algorithm} key {fingerprint} ({name})")
        for archive in archives:
            zipped(facts, program, archive)
    manifest(facts)


def sums(facts, program):
    """Holds sums and folder against one another; returns the archives."""
    file = facts.dist / facts.sums(program)
    expect(file.exists(), None, f"{file} is missing; assemble the release first")
    said = {}
    for line in file.read_text().splitlines():
        match = re.fullmatch(r"([0-9a-f]{64})  (\S+)", line)
        expect(match, None, f"{file.name} has a line that is no sum: {line!r}")
        expect(match[2] not in said, None, f"{file.name} has two sums for {match[2]}")
        said[match[2]] = match[1]
    there = {path.name: path for path in sign.covered(facts, program)}
    expect(len(there) > (program == PROVIDER), None, f"{facts.dist} has no archive of {program}; build one")
    missing, unknown = sorted(set(there) - set(said)), sorted(set(said) - set(there))
    expect(not missing, None, f"{file.name} has no sum for {', '.join(missing)}; assemble the release again")
    expect(not unknown, None, f"{file.name} speaks of files that are not there: {', '.join(unknown)}")
    for name, path in there.items():
        real = hashlib.sha256(path.read_bytes()).hexdigest()
        expect(real == said[name], None, f"{name} is not what {file.name} says: its sum is {real}, and {said[name]} stands there")
    say(f"ok: {file.name} covers all {len(said)} files, and every sum is right")
    return [path for path in there.values() if path.suffix == ".zip"]


def manifest(facts):
    path = facts.dist / facts.manifest_name
    data = path.read_bytes()
    expect(data == facts.manifest, None, f"{path.name} is not terraform-registry-manifest.json; assemble the release again")
    said = json.loads(data)
    expect(said.get("version") == 1, None, f"{path.name} is of version {said.get('version')}; the registries know 1")
    expect(re.fullmatch(r"\d+", facts.protocol()), f"{path.name} names plugin protocol {facts.protocol()}", f"{path.name} names no protocol")


def zipped(facts, program, path):
    platform = path.name.removeprefix(f"{program}_{facts.version}_").removesuffix(".zip")
    expect(platform in TARGETS, None, f"{path.name}: {platform} is none of {', '.join(TARGETS)}")
    target = TARGETS[platform]
    name = (f"{program}_v{facts.version}" if program == PROVIDER else program) + target.suffix
    modes = {document: 0o644 for document in DOCUMENTS} | {name: 0o755}
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        entries = archive.infolist()
        names = [e.filename for e in entries]
        expect(names == sorted(modes), None, f"{path.name} holds {names}; it should hold {sorted(modes)}")
        for entry in entries:
            mode = entry.external_attr >> 16
            expect(
                entry.create_system == 3 and mode == 0o100000 | modes[entry.filename],
                None,
                f"{path.name}: {entry.filename} has mode {mode:o}; it should be a file with {modes[entry.filename]:o}",
            )
        expect(len({e.date_time for e in entries}) == 1, None, f"{path.name}: the times of its files differ; pack it again")
        for document in DOCUMENTS:
            same = archive.read(document) == (facts.root / document).read_bytes()
            expect(same, None, f"{path.name}: its {document} is not the one of this tree; build it again")
        data = archive.read(name)
    program_fits(f"{path.name}: {name}", platform, data)
    inside = [place for place in [str(facts.root), "/.cargo/registry", "/.rustup/"] if place.encode() in data]
    expect(not inside, None, f"{path.name}: {name} names {' and '.join(inside)} of the machine that built it; build it with .ci/release")
    needs = binary.read(data).needs
    say(f"ok: {path.name}: {len(names)} files, {len(data)} bytes of program, {'needs ' + ', '.join(needs) if needs else 'static'}, stripped")


def program_fits(what, platform, data):
    found = binary.read(data)
    allowed = TARGETS[platform].needs
    expect(found.platform == platform, None, f"{what} is a program for {found.platform}")
    strange = [need for need in found.needs if not need.startswith(allowed or ("\0",)) and not need.startswith(binary.FREEBSD_LOADER)]
    system = platform.split("_")[0]
    wanted = f"{system} brings only {', '.join(allowed)}" if allowed else "it has to be static"
    expect(not strange, None, f"{what} loads {', '.join(strange)} when it starts; {wanted}")
    expect(found.stripped, None, f"{what} has its symbols still; build it with the profile `release`")
    expect(found.signed is not False or platform != "darwin_arm64", None, f"{what} has no code signature, and Apple's processors end it at once")
