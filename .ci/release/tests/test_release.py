"""A release that is right passes, and each way of being wrong is refused with its reason.
The programs in it are headers only; the signatures are gpg's own."""

import os
import shutil
import tempfile
import unittest
import zipfile
from unittest import mock

import archive
import fake
import sign
import verify
from facts import PROVIDER, Refused


PASSPHRASE = "for tests"


def key(kind="rsa2048", passphrase=""):
    """An armored private key."""
    with sign.ring() as gpg:
        gpg("--passphrase", passphrase, "--quick-generate-key", "a test", kind, "sign", "never")
        return gpg("--passphrase", passphrase, "--armor", "--export-secret-keys").decode()


def quiet(call, *arguments, key=""):
    """Calls without a word, with this key in the environment and no other."""
    with mock.patch("builtins.print"), mock.patch.dict(os.environ, {sign.KEY: key, sign.PASSPHRASE: PASSPHRASE if key else ""}):
        return call(*arguments)


@unittest.skipUnless(shutil.which("gpg"), "there is no gpg on the PATH")
class OfFiles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.pristine = fake.tree(folder.name)
        cls.key = key()
        fake.fill(cls.pristine)
        quiet(sign.assemble, cls.pristine, False, key=cls.key)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        root = os.path.join(folder.name, "tree")
        shutil.copytree(self.pristine.root, root)
        self.facts = type(self.pristine)(type(self.pristine.root)(root), self.pristine.version, self.pristine.manifest)
        self.zip = self.facts.dist / self.facts.archive(PROVIDER, "linux_amd64")
        self.sums = self.facts.dist / self.facts.sums(PROVIDER)
        self.signature = self.sums.with_name(self.sums.name + ".sig")

    def refused(self, why):
        with self.assertRaisesRegex(Refused, why):
            quiet(verify.files, self.facts)

    def sign_again(self):
        """Sums that fit, so that only what is in the archives can be wrong."""
        quiet(sign.assemble, self.facts, False, key=self.key)

    def test_what_is_right_passes(self):
        quiet(verify.files, self.facts)

    def test_an_archive_with_one_other_byte(self):
        data = bytearray(self.zip.read_bytes())
        data[100] ^= 1
        self.zip.write_bytes(data)
        self.refused("linux_amd64.zip is not what .*SHA256SUMS says")

    def test_sums_that_fit_but_were_not_signed(self):
        data = self.zip.read_bytes() + b"\0"
        self.zip.write_bytes(data)
        self.sums.write_text(sign.sums_of(sign.covered(self.facts, PROVIDER)))
        self.refused("sig does not fit")

    def test_a_signature_of_another_key(self):
        other = self.signature.read_bytes()
        quiet(sign.assemble, self.facts, True)
        self.signature.write_bytes(other)
        self.refused("sig does not fit")

    def test_a_key_of_a_kind_that_the_registry_does_not_take(self):
        quiet(sign.assemble, self.facts, False, key=key("ed25519", PASSPHRASE))
        self.refused("takes RSA and DSA only")

    def test_an_armored_signature(self):
        self.signature.write_text("-----BEGIN PGP SIGNATURE-----\n")
        self.refused("not a binary signature")

    def test_no_signature(self):
        self.signature.unlink()
        self.refused("sig is missing")

    def test_a_file_without_a_sum(self):
        lines = self.sums.read_text().splitlines(keepends=True)
        self.sums.write_text("".join(line for line in lines if "manifest" not in line))
        self.refused("no sum for .*_manifest.json")

    def test_a_sum_without_a_file(self):
        self.zip.unlink()
        self.refused("has no archive of")

    def test_a_line_that_is_no_sum(self):
        self.sums.write_text(self.sums.read_text().replace("  ", " ", 1))
        self.refused("a line that is no sum")

    def test_another_manifest_than_the_trees(self):
        path = self.facts.dist / self.facts.manifest_name
        path.write_bytes(fake.MANIFEST.replace(b"6.0", b"5.0"))
        with self.assertRaisesRegex(Refused, "is not terraform-registry-manifest.json"):
            quiet(verify.manifest, self.facts)

    def test_a_manifest_of_a_version_that_registries_do_not_know(self):
        other = fake.MANIFEST.replace(b'"version": 1', b'"version": 2')
        self.facts = type(self.facts)(self.facts.root, self.facts.version, other)
        (self.facts.dist / self.facts.manifest_name).write_bytes(other)
        with self.assertRaisesRegex(Refused, "is of version 2; the registries know 1"):
            quiet(verify.manifest, self.facts)

    def test_contents_that_should_not_be_so(self):
        provider = f"{PROVIDER}_v1.2.3"
        for why, change in [
            (f"{provider} has mode 100644", {"modes": {provider: 0o644}}),
            ("LICENSE has mode 100755", {"modes": {"LICENSE": 0o755}}),
            ("loads /lib64/ld.so.* it has to be static", {"provider": fake.elf(interpreter=b"/lib64/ld.so")}),
            ("loads libc.so.6 .* it has to be static", {"provider": fake.elf(library=b"libc.so.6")}),
            ("has its symbols still", {"provider": fake.elf(symbols=True)}),
            ("is a program for linux_arm64", {"provider": fake.elf(machine=183)}),
            ("is a program for freebsd_amd64", {"provider": fake.elf(system=9)}),
            ("neither ELF nor Mach-O nor PE", {"provider": b"#!/bin/sh\n"}),
            ("headers cannot be read", {"provider": fake.elf()[:80]}),
            ("names .* of the machine that built it", {"provider": fake.elf(tail=b"/home/a/.cargo/registry/src/x")}),
            ("plan9_amd64 is none of", {"platform": "plan9_amd64"}),
        ]:
            with self.subTest(why):
                fake.fill(self.facts, **change)
                path = self.facts.dist / self.facts.archive(PROVIDER, change.get("platform", "linux_amd64"))
                with self.assertRaisesRegex(Refused, why):
                    quiet(verify.zipped, self.facts, PROVIDER, path)

    def test_the_simulator_is_looked_at_like_the_provider(self):
        fake.fill(self.facts, simulator=fake.elf(symbols=True))
        self.sign_again()
        self.refused("omni-sim_1.2.3_linux_amd64.zip: omni-sim has its symbols still")

    def test_a_document_of_another_tree(self):
        (self.facts.root / "README.md").write_text("another\n")
        self.refused("README.md is not the one of this tree")

    def test_a_platform_that_is_not_there(self):
        with self.assertRaisesRegex(Refused, "lacks terraform-provider-omni for darwin_amd64, .*windows_arm64"):
            verify.complete(self.facts)

    def test_one_file_too_many(self):
        with zipfile.ZipFile(self.zip, "a") as more:
            more.writestr("notes.txt", "x")
        with self.assertRaisesRegex(Refused, "it should hold"):
            quiet(verify.zipped, self.facts, PROVIDER, self.zip)

    def test_without_a_key_nothing_is_signed_unless_asked_for(self):
        with self.assertRaisesRegex(Refused, "GPG_PRIVATE_KEY is not set"):
            quiet(sign.assemble, self.facts, False)


class OfPrograms(unittest.TestCase):
    def test_each_system_has_programs_that_pass(self):
        for platform, program in [
            ("linux_amd64", fake.elf()),
            ("linux_arm64", fake.elf(machine=183)),
            ("freebsd_amd64", fake.elf(system=9, interpreter=b"/libexec/ld-elf.so.1", library=b"libc.so.7")),
            ("freebsd_amd64", fake.elf(system=0, interpreter=b"/libexec/ld-elf.so.1", library=b"libc.so.7")),
            ("windows_amd64", fake.pe(0x8664, b"KERNEL32.dll")),
            ("windows_arm64", fake.pe(0xAA64, b"api-ms-win-crt-heap-l1-1-0.dll")),
            ("darwin_amd64", fake.mach(0x01000007, b"/usr/lib/libSystem.B.dylib")),
            ("darwin_arm64", fake.mach(0x0100000C, b"/usr/lib/libSystem.B.dylib", signed=True)),
        ]:
            with self.subTest(platform):
                verify.program_fits("it", platform, program)

    def test_each_system_has_programs_that_are_refused(self):
        for platform, program, why in [
            ("freebsd_amd64", fake.elf(system=9, library=b"libssl.so.30"), "libssl.so.30 .* freebsd brings only"),
            ("windows_amd64", fake.pe(0x8664, b"libgcc_s_seh-1.dll"), "libgcc_s_seh-1.dll .* windows brings only"),
            ("windows_amd64", fake.pe(0xAA64, b"KERNEL32.dll"), "is a program for windows_arm64"),
            ("windows_amd64", fake.pe(0x8664, b"KERNEL32.dll", symbols=7), "has its symbols still"),
            ("darwin_amd64", fake.mach(0x01000007, b"/opt/homebrew/lib/libz.dylib"), "libz.dylib .* darwin brings only"),
            ("darwin_amd64", fake.mach(0x01000007, b"/usr/lib/libz.dylib", symbols=9), "has its symbols still"),
            ("darwin_arm64", fake.mach(0x0100000C, b"/usr/lib/libz.dylib"), "has no code signature"),
        ]:
            with self.subTest(why), self.assertRaisesRegex(Refused, why):
                verify.program_fits("it", platform, program)


class OfArchives(unittest.TestCase):
    def test_order_and_surroundings_do_not_show(self):
        one = archive.packed({"a": (b"1", 0o644), "b": (b"2", 0o755)}, 1_700_000_000)
        two = archive.packed({"b": (b"2", 0o755), "a": (b"1", 0o644)}, 1_700_000_000)
        self.assertEqual(one, two)


if __name__ == "__main__":
    unittest.main()
