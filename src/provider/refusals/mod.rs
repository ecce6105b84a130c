//! Messages of Omni that refuse a write: the attribute that each one is about, and what to do.
//! One table for all types that users write; it only affects the text and the path of a diagnostic.
//! It knows no objects and makes no calls.

mod clusters;
mod instance;
pub(crate) mod templates;

/// The table; the first row that fits counts, so what holds for every object comes last.
fn rows() -> impl Iterator<Item = &'static Row> {
    clusters::ROWS.iter().chain(templates::ROWS).chain(instance::ROWS)
}

/// One refusal: for which objects, the text, the attribute, and what to do.
struct Row {
    /// The nouns of the resource types that can get it; every type when empty.
    nouns: &'static [&'static str],
    /// The text of the server, where `*` stands for anything.
    text: &'static str,
    /// The attribute that it is about, or [`ID`].
    attribute: &'static str,
    /// What to do, in sentences; `{1}` is what the first `*` stood for.
    advice: &'static str,
}

const fn row(nouns: &'static [&'static str], text: &'static str, attribute: &'static str, advice: &'static str) -> Row {
    Row { nouns, text, attribute, advice }
}

/// What to do about a version that the instance does not have.
const TALOS: &str = "Set `talos_version` to a version that the data source `omni_talos_versions` lists.";

/// In the place of an attribute: the one that names the object.
pub(crate) const ID: &str = "@id";

/// What is known about a refusal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Advice {
    /// The attribute to blame, or [`ID`].
    pub(crate) attribute: &'static str,
    /// What to do, in sentences.
    pub(crate) text: String,
}

/// What to do when Omni refuses an object of this kind with this text; `None` for a text that nobody has seen yet.
pub(crate) fn advice(noun: &str, problem: &str) -> Option<Advice> {
    rows().filter(|row| row.nouns.is_empty() || row.nouns.contains(&noun)).find_map(|row| {
        let found = captures(row.text, problem)?;
        let fill = |text: String, (i, value): (usize, &&str)| text.replace(&format!("{{{}}}", i + 1), value);
        let text = found.iter().enumerate().fold(row.advice.to_owned(), fill);
        Some(Advice { attribute: row.attribute, text })
    })
}

/// What each `*` of the pattern stands for, when the text fits; each takes as little as it can.
fn captures<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut parts = pattern.split('*');
    let mut rest = text.strip_prefix(parts.next()?)?;
    let mut found = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        let at = if last { rest.len().checked_sub(part.len())? } else { rest.find(part)? };
        let value = rest.get(..at)?;
        rest = rest.get(at..)?.strip_prefix(part)?;
        found.push(value);
    }
    rest.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of running servers: the noun, the attribute to blame, and the text, with `\n` for a line break.
    const SEEN: &str = include_str!("../../../tests/fixtures/refusals/seen.tsv");

    #[test]
    fn every_text_that_was_seen_has_its_attribute_and_advice() {
        let mut wrong = Vec::new();
        for line in SEEN.lines().filter(|line| !line.starts_with('#')) {
            let parts: Vec<_> = line.splitn(3, '\t').collect();
            let [noun, attribute, text] = parts[..] else { panic!("{line}") };
            let found = advice(noun, &text.replace("\\n", "\n"));
            let said = found.as_ref().map_or("", |advice| advice.text.as_str());
            let blamed = found.as_ref().map_or("nothing", |advice| advice.attribute);
            if blamed != attribute || !said.ends_with('.') || said.contains("{1}") || said.contains("{2}") {
                wrong.push(format!("{noun}\t{blamed}\t{text}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn each_row_is_reached_and_blames_one_attribute() {
        for (i, row) in rows().enumerate() {
            let text = row.text.replace('*', "x");
            let noun = row.nouns.first().copied().unwrap_or("cluster");
            let first = rows()
                .position(|r| (r.nouns.is_empty() || r.nouns.contains(&noun)) && captures(r.text, &text).is_some());
            assert_eq!(first, Some(i), "`{}` is never reached", row.text);
        }
    }

    #[test]
    fn what_stands_in_the_text_is_named_in_the_advice() {
        let found = advice("machine set", "machine class with name \"big\" doesn't exist").unwrap();
        assert_eq!(found.attribute, "machine_class.name");
        assert!(found.text.contains("machine class `big`"), "{}", found.text);
        assert_eq!(advice("cluster", "something new"), None);
    }

    #[test]
    fn patterns() {
        for (pattern, text, found) in [
            ("a", "a", Some(vec![])),
            ("a", "ab", None),
            ("*", "", Some(vec![""])),
            ("a \"*\" b", "a \"x\" b", Some(vec!["x"])),
            ("a * b *", "a 1 b 2 b", Some(vec!["1", "2 b"])),
            ("*b", "aab", Some(vec!["aa"])),
            ("a*", "", None),
            ("x*é", "xé", Some(vec![""])),
        ] {
            assert_eq!(captures(pattern, text), found, "{pattern} {text}");
        }
    }
}
