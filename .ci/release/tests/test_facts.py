"""The version, the tag and the changelog, one against the other.
Nothing is built or signed here."""

import tempfile
import unittest

import fake
import facts
import targets
from facts import Refused


class OfATree(unittest.TestCase):
    def tree(self, changelog=fake.OPEN):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return fake.tree(folder.name, changelog)

    def test_the_notes_are_the_versions_own_section(self):
        self.assertEqual(self.tree().notes(), ("- New: `omni_thing`.", False))

    def test_a_dated_section_takes_its_tag(self):
        self.tree(fake.OPEN.replace("unreleased", "2026-02-03")).fits("v1.2.3")

    def test_what_keeps_a_tag_from_being_a_release(self):
        closed = fake.OPEN.replace("unreleased", "2026-02-03")
        for tag, changelog, why in [
            ("v1.2.4", closed, "tag v1.2.3, or change Cargo.toml"),
            ("1.2.3", closed, "the tag is 1.2.3"),
            ("v1.2.3", fake.OPEN, "unreleased"),
            ("v1.2.3", closed.replace("## 1.2.3", "## 1.2.30"), "no section `## 1.2.3`"),
            ("v1.2.3", closed.replace("- New: `omni_thing`.", ""), "empty"),
            ("v1.2.3", closed.replace("omni_thing", "thing"), "tells nothing of omni_thing"),
            ("v1.2.3", closed.replace("- New", "- `omni_other`, new"), "tells of omni_other in 1.2.3"),
        ]:
            with self.subTest(why), self.assertRaisesRegex(Refused, why):
                self.tree(changelog).fits(tag)

    def test_a_version_that_registries_do_not_take(self):
        tree = self.tree()
        (tree.root / "Cargo.toml").write_text('[workspace.package]\nversion = "1.2.3+local"\n')
        with self.assertRaisesRegex(Refused, "PRERELEASE at most"):
            facts.read(tree.root)

    def test_this_tree_can_be_read(self):
        known = facts.read()
        self.assertTrue(known.notes()[0])
        self.assertEqual(known.protocol(), "6")


class OfPlatforms(unittest.TestCase):
    def test_what_cannot_be_built_says_why(self):
        for name, why in [("freebsd_arm64", "no ready standard library"), ("plan9_amd64", "it is none of")]:
            with self.subTest(name), self.assertRaisesRegex(Refused, why):
                targets.chosen([name])

    def test_all_leaves_nothing_out_without_a_word(self):
        built, left_out = targets.chosen(["all"])
        self.assertEqual(sorted([*built, *left_out]), sorted([*targets.TARGETS, *targets.NOT_BUILT]))
        self.assertIn("linux_amd64", built)


if __name__ == "__main__":
    unittest.main()
