"""Makes a release of the provider and of the simulator, and checks one.

    python3 .ci/release facts [--tag TAG]                  the version; refuses a tag that does not fit it
    python3 .ci/release build [PLATFORM ... | all]         archives into target/dist; this machine's platform unless told
    python3 .ci/release assemble [--throw-away-key]        manifest, sums and signatures beside them
    python3 .ci/release check [--every-platform]           everything that the registries and the CLIs look at
    python3 .ci/release sbom                               what the programs are made of, into target/sbom
    python3 .ci/release publish --tag TAG                  the page on GitHub, with all of it

The key for signatures is the armored one in GPG_PRIVATE_KEY, with GPG_PASSPHRASE if it has one.
"""

import argparse
import shutil
import sys

# Says what it does before it is known whether Python is new enough for the rest.
if sys.version_info < (3, 11):
    raise SystemExit("a release is made with Python 3.11 or newer")

# The sources' folders stay as they are.
sys.dont_write_bytecode = True

import build
import facts as about
import publish
import sign
import targets
import verify
from facts import Refused, say


def facts(words):
    known = about.read()
    if words.tag:
        known.fits(words.tag)
    known.notes()
    say(known.version)


def build_all(words):
    known = about.read()
    platforms, left_out = targets.chosen(words.platforms)
    if words.fresh:
        shutil.rmtree(known.dist, ignore_errors=True)
    for platform in platforms:
        build.build(known, platform, words.profile)
    for platform, reason in left_out.items():
        say(f"left out: {platform}: {reason}")


def assemble(words):
    known = about.read()
    known.notes()
    sign.assemble(known, words.throw_away_key)


def check(words):
    known = about.read()
    if words.every_platform:
        verify.complete(known)
    verify.files(known)
    if not words.files_only:
        # Only here: what it imports is the demo's, and only a whole checkout has that.
        import live

        live.check(known)
    say(f"\n{known.version} is as the registries and the CLIs want it.")


def main():
    parser = argparse.ArgumentParser(prog=".ci/release", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("facts")
    command.add_argument("--tag")
    command.set_defaults(run=facts)
    command = commands.add_parser("build")
    command.add_argument("platforms", nargs="*")
    command.add_argument("--profile", default="release")
    command.add_argument("--fresh", action="store_true", help="empty target/dist first")
    command.set_defaults(run=build_all)
    command = commands.add_parser("assemble")
    command.add_argument("--throw-away-key", action="store_true", help="make a key when the environment has none")
    command.set_defaults(run=assemble)
    command = commands.add_parser("check")
    command.add_argument("--files-only", action="store_true", help="start no program and no CLI")
    command.add_argument("--every-platform", action="store_true", help="refuse when one that can be released is not there")
    command.set_defaults(run=check)
    command = commands.add_parser("sbom")
    command.set_defaults(run=lambda words: publish.sbom(about.read()))
    command = commands.add_parser("publish")
    command.add_argument("--tag", required=True)
    command.set_defaults(run=lambda words: publish.publish(about.read(), words.tag))
    words = parser.parse_args()
    try:
        words.run(words)
    except Refused as error:
        say(f"\nRefused: {error}.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
