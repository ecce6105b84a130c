//! Links between pages that work in a registry.
//!
//! A registry serves the overview without a trailing slash and does not rewrite relative links, so a browser resolves them one
//! segment too high; it also serves pages without `.md`. No relative link works both there and on GitHub.
//! Therefore the sources have relative links, and the generated pages have absolute ones.

use super::{DocsError, Page};

/// Where the registry shows the pages.
const REGISTRY: &str = "https://registry.terraform.io/providers/omnirs/omni/latest/docs";

/// Makes every link to another page absolute.
pub(super) fn absolute(pages: &mut [Page]) -> Result<(), DocsError> {
    let paths: Vec<String> = pages.iter().map(|page| page.path.clone()).collect();
    for page in pages {
        let mut text = String::with_capacity(page.text.len());
        let mut in_code = false;
        for line in page.text.split_inclusive('\n') {
            in_code ^= line.starts_with("```");
            if in_code {
                text.push_str(line);
            } else {
                text.push_str(&line_with(line, &page.path, &paths)?);
            }
        }
        page.text = text;
    }
    Ok(())
}

fn line_with(line: &str, page: &str, paths: &[String]) -> Result<String, DocsError> {
    let mut pieces = line.split("](");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        text.push_str("](");
        let Some((link, rest)) = piece.split_once(')') else {
            text.push_str(piece);
            continue;
        };
        if link.starts_with('#') || link.contains("://") {
            text.push_str(link);
        } else {
            let (target, fragment) = link.split_once('#').map_or((link, ""), |(target, fragment)| (target, fragment));
            let path = resolved(page, target);
            if !paths.contains(&path) {
                return Err(DocsError::DeadLink { page: page.to_owned(), link: link.to_owned() });
            }
            text.push_str(REGISTRY);
            let shown = path.strip_suffix(".md").unwrap_or(&path);
            if shown != "index" {
                text.push('/');
                text.push_str(shown);
            }
            if !fragment.is_empty() {
                text.push('#');
                text.push_str(fragment);
            }
        }
        text.push(')');
        text.push_str(rest);
    }
    Ok(text)
}

/// The path under `docs/` that a relative link on a page leads to.
fn resolved(page: &str, link: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_work_in_a_registry() {
        let page = |path: &str, text: &str| Page { path: path.to_owned(), text: text.to_owned() };
        let others = [page("resources/box.md", ""), page("guides/other.md", "")];
        let given = |path: &str, text: &str| {
            let mut pages = [vec![page(path, text), page("index.md", "")], others.to_vec()].concat();
            absolute(&mut pages).map(|()| pages.remove(0).text)
        };
        for (path, text, expected) in [
            ("guides/a.md", "See [b](other.md).", "See [b](REG/guides/other)."),
            (
                "guides/a.md",
                "[b](other.md#1-x) and [c](../resources/box.md)",
                "[b](REG/guides/other#1-x) and [c](REG/resources/box)",
            ),
            ("guides/a.md", "[up](../index.md#authentication)", "[up](REG#authentication)"),
            ("index.md", "- [b](guides/other.md)\n", "- [b](REG/guides/other)\n"),
            (
                "guides/a.md",
                "[here](#there) [out](https://example.org/a)",
                "[here](#there) [out](https://example.org/a)",
            ),
            ("guides/a.md", "```text\n[b](nothing.md)\n```\n", "```text\n[b](nothing.md)\n```\n"),
        ] {
            assert_eq!(given(path, text).unwrap(), expected.replace("REG", REGISTRY), "{text}");
        }
        assert!(matches!(given("guides/a.md", "[b](nothing.md)"), Err(DocsError::DeadLink { .. })));
    }
}
