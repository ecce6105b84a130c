//! Parsing of the lists of problems that Omni sends as one text.
//! Its results are for diagnostics; nothing is decided by them.

use kit::text::printable;

/// What a refusal says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The whole in one line or a few.
    pub(crate) message: String,
    /// Each problem by itself, if the server sent a list.
    pub(crate) problems: Vec<String>,
}

/// Reads a message of the server.
///
/// A list comes as `…: N errors occurred:`, then every problem after a line break, a tab and a star.
/// Lists within lists are not indented further, so only their counts tell where they end.
pub(crate) fn read(message: &str) -> Refusal {
    let mut pieces = message.split("\n\t* ");
    let head = pieces.next().unwrap_or_default();
    let bullets: Vec<&str> = pieces.collect();
    match count(head) {
        Some((lead, n)) if !bullets.is_empty() => {
            let mut problems = Vec::new();
            let mut rest = bullets.as_slice();
            collect(&mut rest, n, &tidy(lead), &mut problems);
            // Whatever the counts say, nothing that the server wrote gets lost.
            problems.extend(rest.iter().map(|text| tidy(text)));
            Refusal { message: problems.join("; "), problems }
        }
        _ => Refusal { message: tidy(message), problems: Vec::new() },
    }
}

fn collect(rest: &mut &[&str], n: usize, lead: &str, problems: &mut Vec<String>) {
    for _ in 0..n {
        let Some((first, tail)) = rest.split_first() else { return };
        *rest = tail;
        match count(first) {
            Some((inner, n)) => collect(rest, n, &join(lead, &tidy(inner)), problems),
            None => problems.push(join(lead, &tidy(first))),
        }
    }
}

/// Splits `lead: N errors occurred:` into the lead and the number.
fn count(text: &str) -> Option<(&str, usize)> {
    let text = text.trim_end();
    let text = text.strip_suffix("errors occurred:").or_else(|| text.strip_suffix("error occurred:"))?.trim_end();
    let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (lead, number) = text.split_at(text.len() - digits);
    Some((lead, number.parse().ok()?))
}

fn join(lead: &str, text: &str) -> String {
    if lead.is_empty() { text.to_owned() } else { format!("{lead}: {text}") }
}

/// Takes away what only says by which way the text came, and escapes what a terminal would act on.
pub(crate) fn tidy(text: &str) -> String {
    let mut out = text.trim().trim_end_matches(':').trim_end().to_owned();
    while let Some(start) = out.find("rpc error: code = ") {
        let Some(end) = out[start..].find(" desc = ") else { break };
        out.replace_range(start..start + end + " desc = ".len(), "");
    }
    for lead in ["failed to create: ", "failed to update: ", "failed to destroy: ", "failed to validate: "] {
        if let Some(rest) = out.strip_prefix(lead) {
            out = rest.to_owned();
        }
    }
    if let Some(rest) = out.strip_suffix("failed to validate") {
        out = rest.trim_end().trim_end_matches(':').to_owned();
    }
    printable(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(message: &str) -> Vec<String> {
        read(message).problems
    }

    #[test]
    fn lists() {
        assert_eq!(problems("failed to validate: 1 error occurred:\n\t* config not found\n\n"), ["config not found"]);
        assert_eq!(
            problems(
                "failed to validate: 2 errors occurred:\n\t* first\n\t* rpc error: code = InvalidArgument desc = second\n\n"
            ),
            ["first", "second"]
        );
        // Without the usual lead, as ValidateConfig sends it.
        assert_eq!(problems("1 error occurred:\n\t* bad\n\n"), ["bad"]);
        assert_eq!(
            problems(
                "failed to create Identity resource x: failed to validate: 1 error occurred:\n\t* not an address\n\n"
            ),
            ["failed to create Identity resource x: not an address"]
        );
    }

    #[test]
    fn lists_in_lists() {
        assert_eq!(
            problems(concat!(
                "failed to validate: 2 errors occurred:\n\t* error validating Talos version: 1 error occurred:\n\t",
                "* version is required\n\n\n\t* invalid talos version \"\"\n\n"
            )),
            ["error validating Talos version: version is required", "invalid talos version \"\""]
        );
    }

    #[test]
    fn problems_of_several_lines_stay_whole() {
        assert_eq!(
            problems(concat!(
                "failed to validate: 1 error occurred:\n\t* error decoding document: unknown keys found during ",
                "decoding:\nmachine:\n    nope: 1\n\n\n"
            )),
            ["error decoding document: unknown keys found during decoding:\nmachine:\n    nope: 1"]
        );
    }

    #[test]
    fn wrong_counts_lose_nothing() {
        assert_eq!(problems("1 error occurred:\n\t* a\n\t* b\n\n"), ["a", "b"]);
        assert_eq!(problems("3 errors occurred:\n\t* a\n\n"), ["a"]);
    }

    #[test]
    fn plain_texts() {
        let table = [
            ("invalid grant type \"nope\"", "invalid grant type \"nope\""),
            ("failed to validate: rpc error: code = PermissionDenied desc = no", "no"),
            ("failed to update: resource X update conflict: '\x01'", "resource X update conflict: '\\u{1}'"),
            ("", ""),
        ];
        for (message, text) in table {
            assert_eq!(read(message), Refusal { message: text.to_owned(), problems: Vec::new() });
        }
    }
}
