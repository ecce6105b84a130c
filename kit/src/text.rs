//! Foreign text in messages: quoted, escaped for terminals, and of limited length; the known word that is closest to a mistyped one;
//! and the limit of the length of a message.

/// The most bytes that the text of an error has, whatever input it repeats.
pub const ERROR_LIMIT: usize = 4096;

/// The most characters of a text that a message repeats.
const LONGEST: usize = 120;

/// `text` in backticks, for a message: control characters are escaped, and what is longer than 120 characters is cut short.
///
/// `a<newline>b` becomes `` `a\nb` ``; a text of 200 characters becomes its beginning, and how long it is.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut shown = String::new();
    for (index, c) in text.chars().enumerate() {
        if index == LONGEST {
            return format!("`{shown}…` ({} bytes)", text.len());
        }
        if is_unseen(c) { escape(&mut shown, c) } else { shown.push(c) }
    }
    format!("`{shown}`")
}

/// A text that may come from anywhere, as a terminal may show it: characters that are not seen are escaped, tabs and line breaks excepted.
#[must_use]
pub fn escaped(text: impl Into<String>) -> String {
    let text = text.into();
    let foreign = |c: &char| is_unseen(*c) && !matches!(c, '\n' | '\t');
    if !text.chars().any(|c| foreign(&c)) {
        return text;
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if foreign(&c) { escape(&mut shown, c) } else { shown.push(c) }
    }
    shown
}

/// The text of a message that may repeat anything: as [`escaped`] shows it, and cut at [`ERROR_LIMIT`] bytes.
///
/// Every text that leaves the provider for a person goes through here; what a server said does so as it comes in.
#[must_use]
pub fn printable(text: impl Into<String>) -> String {
    capped(escaped(text))
}

/// Whether the character is not seen where it is printed, or changes how what follows is printed: control and format characters.
///
/// A text that holds one reads as another text: no id or name may hold one, and messages escape it.
#[must_use]
pub fn is_unseen(c: char) -> bool {
    c.is_control() || is_format(c)
}

/// Whether the character only says how its neighbours are to be written: in which direction, joined or not, or not at all.
fn is_format(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e007f}')
}

/// Adds the character as Rust writes it: `\n`, `\u{202e}`.
fn escape(out: &mut String, c: char) {
    if c.is_control() { out.extend(c.escape_debug()) } else { out.extend(c.escape_unicode()) }
}

/// The text of a message, cut at [`ERROR_LIMIT`] bytes with a note of what is missing.
#[must_use]
pub fn capped(text: impl Into<String>) -> String {
    let mut text = text.into();
    let whole = text.len();
    if whole > ERROR_LIMIT {
        let note = format!(" … (cut, {whole} bytes in all)");
        text.truncate(text.floor_char_boundary(ERROR_LIMIT - note.len()));
        text.push_str(&note);
        text.shrink_to_fit();
    }
    text
}

/// The word of `known` that `text` is most likely a misspelling of: upper and lower case, dashes, underscores and spaces do not
/// count, and one letter in four may be wrong. `None` when none is close, or when two are equally close.
#[must_use]
pub fn closest<'a>(text: &str, known: &[&'a str]) -> Option<&'a str> {
    let bare = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(LONGEST).collect()
    };
    let wanted = bare(text);
    let mut best: Option<(usize, &str)> = None;
    let mut tie = false;
    for word in known {
        let distance = strsim::damerau_levenshtein(&wanted, &bare(word));
        let allowed = word.chars().count().div_ceil(4);
        if wanted.is_empty() || distance > allowed {
            continue;
        }
        match best {
            Some((least, _)) if distance > least => {}
            Some((least, _)) if distance == least => tie = true,
            _ => (best, tie) = (Some((distance, *word)), false),
        }
    }
    best.filter(|_| !tie).map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_texts_stay_on_their_line() {
        assert_eq!(quoted("a b"), "`a b`");
        assert_eq!(quoted("é `x`"), "`é `x``");
        assert_eq!(quoted("a\nb\u{1b}[31m\u{85}"), r"`a\nb\u{1b}[31m\u{85}`");
        let long = "x".repeat(1_000_000);
        assert_eq!(quoted(&long), format!("`{}…` (1000000 bytes)", "x".repeat(LONGEST)));
    }

    #[test]
    fn what_a_terminal_would_act_on_is_escaped() {
        for (text, shown) in [
            ("plain\n\ttext é", "plain\n\ttext é"),
            ("\u{1b}[2J\u{1b}]0;owned\u{7}", r"\u{1b}[2J\u{1b}]0;owned\u{7}"),
            ("a\rb\u{9b}31m\0", r"a\rb\u{9b}31m\0"),
            ("safe\u{202e}txt.exe", r"safe\u{202e}txt.exe"),
            ("\u{2066}a\u{2069}\u{200f}", r"\u{2066}a\u{2069}\u{200f}"),
            ("prod\u{200b}-1\u{feff}\u{ad}\u{3164}", r"prod\u{200b}-1\u{feff}\u{ad}\u{3164}"),
            ("x\u{e0041}\u{2028}y", r"x\u{e0041}\u{2028}y"),
            ("Größe 日本 נמל مرفأ \u{fe0f} e\u{301}", "Größe 日本 נמל مرفأ \u{fe0f} e\u{301}"),
        ] {
            assert_eq!(printable(text), shown);
        }
        let long = printable("\u{1b}".repeat(1 << 20));
        assert!(long.len() <= ERROR_LIMIT && long.starts_with(r"\u{1b}\u{1b}"), "{}", long.len());
        assert!(!long.contains('\u{1b}'));
        assert!(printable(format!("\u{1b}{}", "x".repeat(5000))).len() <= ERROR_LIMIT);
    }

    #[test]
    fn an_error_has_at_most_so_many_bytes() {
        for (text, whole) in [("short".to_owned(), true), ("x".repeat(4096), true), ("x".repeat(4097), false)] {
            let cut = capped(text.clone());
            assert!(cut.len() <= ERROR_LIMIT && (cut == text) == whole, "{}", text.len());
        }
        let cut = capped("é".repeat(1 << 20));
        assert!(cut.len() <= ERROR_LIMIT && cut.ends_with("é … (cut, 2097152 bytes in all)"), "{}", cut.len());
    }

    #[test]
    fn the_closest_word() {
        let roles = ["None", "InfraProvider", "Reader", "Auditor", "Operator", "Admin"];
        for (text, known, expected) in [
            ("worker", &["controlplane", "workers"][..], Some("workers")),
            ("control-plane", &["controlplane", "workers"], Some("controlplane")),
            ("controlplanes", &["controlplane", "workers"], Some("controlplane")),
            ("master", &["controlplane", "workers"], None),
            ("admin", &roles, Some("Admin")),
            ("infra_provider", &roles, Some("InfraProvider")),
            ("raeder", &roles, Some("Reader")),
            ("", &roles, None),
            ("x", &["a", "b"], None),
            ("rolling", &["Unset", "Rolling"], Some("Rolling")),
            ("om", &["on", "no"], Some("on")),
            ("ox", &["on", "oz"], None),
        ] {
            assert_eq!(closest(text, known), expected, "{text}");
        }
    }
}
