//! The guides: whole pages, written by hand.

use super::{DocsError, Page};

/// A guide and its title.
pub(super) struct Guide {
    name: &'static str,
    text: &'static str,
    pub(super) title: &'static str,
}

/// In the order in which the index names them.
const GUIDES: [(&str, &str); 10] = [
    ("getting-started", include_str!("guides/getting-started.md")),
    ("a-whole-cluster", include_str!("guides/a-whole-cluster.md")),
    ("secrets", include_str!("guides/secrets.md")),
    ("moving-from-siderolabs", include_str!("guides/moving-from-siderolabs.md")),
    ("an-existing-omni", include_str!("guides/an-existing-omni.md")),
    ("from-cluster-templates", include_str!("guides/from-cluster-templates.md")),
    ("drift-and-conflicts", include_str!("guides/drift-and-conflicts.md")),
    ("test-your-modules", include_str!("guides/test-your-modules.md")),
    ("omni-sim", include_str!("guides/omni-sim.md")),
    ("worlds", include_str!("guides/worlds.md")),
];

pub(super) fn all() -> Result<Vec<Guide>, DocsError> {
    GUIDES.iter().map(|(name, text)| Guide::of(name, text)).collect()
}

impl Guide {
    fn of(name: &'static str, text: &'static str) -> Result<Self, DocsError> {
        let title = front_matter(text)
            .and_then(|head| head.lines().find_map(|line| line.strip_prefix("page_title: ")))
            .map(|title| title.trim_matches('"'))
            .filter(|title| !title.is_empty())
            .ok_or(DocsError::UntitledGuide { name })?;
        Ok(Self { name, text, title })
    }

    /// Where it lies under `docs/`.
    pub(super) fn path(&self) -> String {
        format!("guides/{}.md", self.name)
    }

    pub(super) fn page(&self) -> Page {
        Page { path: self.path(), text: self.text.to_owned() }
    }
}

fn front_matter(text: &str) -> Option<&str> {
    Some(text.strip_prefix("---\n")?.split_once("\n---\n")?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guide_needs_a_title_in_its_front_matter() {
        let title = |text| Guide::of("g", text).map(|g| g.title).ok();
        assert_eq!(title("---\npage_title: \"A way\"\n---\n\n# A way\n"), Some("A way"));
        for text in [
            "# A way\n",
            "page_title: \"A way\"\n",
            "---\nsubcategory: \"\"\n---\n\npage_title: \"A way\"\n",
            "---\npage_title: \"\"\n---\n",
            "---\npage_title: \"A way\"\n",
        ] {
            assert_eq!(title(text), None, "{text:?}");
        }
    }

    #[test]
    fn guides_have_what_the_registry_asks_for() {
        for guide in all().expect("guides") {
            let head = front_matter(guide.text).expect("front matter");
            assert!(head.contains("\ndescription: |-\n  "), "{}", guide.name);
            assert!(!head.contains("layout:") && !head.contains("sidebar_current:"), "{}", guide.name);
            let headings: Vec<_> = guide.text.lines().filter(|l| l.starts_with("# ")).collect();
            // Remarks in shell examples begin alike, so only the first is looked at.
            assert_eq!(headings.first().copied(), Some(format!("# {}", guide.title).as_str()), "{}", guide.name);
        }
    }
}
