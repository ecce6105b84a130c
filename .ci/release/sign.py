"""Sums over the files of a release, and the signature over the sums.
The key comes from the environment alone and lives in a key ring that goes away again."""

import contextlib
import hashlib
import os
import subprocess
import tempfile

from facts import PROVIDER, SIMULATOR, Refused, say

KEY = "GPG_PRIVATE_KEY"
PASSPHRASE = "GPG_PASSPHRASE"
THROW_AWAY = "throw-away key, trust nothing that it signed"
# Algorithms of OpenPGP that the Terraform registry takes: RSA and DSA.
TAKEN = {"1": "RSA", "17": "DSA"}


def assemble(facts, throw_away):
    """Adds manifest, sums and signatures to the archives in the folder."""
    if not list(facts.dist.glob(f"{facts.prefix}_*.zip")):
        raise Refused(f"{facts.dist} has no archive of {facts.version}; build one first")
    if not os.environ.get(KEY) and not throw_away:
        raise Refused(f"{KEY} is not set, so nothing can be signed; put the armored private key there")
    (facts.dist / facts.manifest_name).write_bytes(facts.manifest)
    for program in [PROVIDER, SIMULATOR]:
        (facts.dist / facts.sums(program)).write_text(sums_of(covered(facts, program)))
    with ring() as gpg:
        if os.environ.get(KEY):
            gpg("--import", text=os.environ[KEY])
        else:
            say(f"{KEY} is not set: signed with a key that is thrown away, for trying out and not for publishing")
            gpg("--passphrase", "", "--quick-generate-key", THROW_AWAY, "rsa3072", "sign", "never")
        (facts.dist / facts.key_name).write_bytes(gpg("--armor", "--export"))
        for program in [PROVIDER, SIMULATOR]:
            signature = facts.dist / (facts.sums(program) + ".sig")
            signature.unlink(missing_ok=True)
            gpg("--passphrase-fd", "0", "--digest-algo", "SHA512", "--output", signature, "--detach-sign",
                signature.with_suffix(""), text=os.environ.get(PASSPHRASE, ""))  # fmt: skip


def covered(facts, program):
    """The files that a program's sums speak of."""
    files = sorted(facts.dist.glob(f"{program}_{facts.version}_*.zip"))
    return files + ([facts.dist / facts.manifest_name] if program == PROVIDER else [])


def sums_of(files):
    """Lines as `sha256sum` writes them, sorted by name."""
    return "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(files))


def signer(sums, signature, key):
    """Who signed: the key's fingerprint, algorithm and name; refuses a signature that the registries would."""
    if not signature.exists():
        raise Refused(f"{signature.name} is missing; assemble the release again")
    if signature.read_bytes()[:1] < b"\x80":
        raise Refused(f"{signature.name} is not a binary signature, as the registries want it; sign without --armor")
    with ring() as gpg:
        gpg("--import", key)
        try:
            said = gpg("--status-fd", "1", "--verify", signature, sums).decode()
        except Refused as error:
            raise Refused(f"{signature.name} does not fit {sums.name}, or another key than {key.name} made it: {error}") from None
        fields = next(line.split() for line in said.splitlines() if " VALIDSIG " in line)
        fingerprint, algorithm = fields[2], fields[8]
        name = next(line.split(" ", 3)[3] for line in said.splitlines() if " GOODSIG " in line)
    if algorithm not in TAKEN:
        raise Refused(f"{signature.name} is of a key of OpenPGP's kind {algorithm}; the Terraform registry takes RSA and DSA only")
    return fingerprint, TAKEN[algorithm], name


@contextlib.contextmanager
def ring():
    """A key ring of its own: the user's keys neither count nor change."""
    with tempfile.TemporaryDirectory(prefix="omni-keys-") as home:
        common = ["gpg", "--homedir", home, "--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--trust-model", "always"]

        def gpg(*arguments, text=""):
            try:
                done = subprocess.run([*common, *map(str, arguments)], input=text.encode(), capture_output=True)
            except FileNotFoundError:
                raise Refused("there is no gpg on the PATH; install GnuPG") from None
            if done.returncode != 0:
                # gpg names keys and files here, and never what a key holds.
                said = done.stderr.decode(errors="replace").strip().splitlines()
                raise Refused(f"gpg could not: {said[-1] if said else done.returncode}")
            return done.stdout

        try:
            yield gpg
        finally:
            # The agent would outlive its folder.
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], capture_output=True)
