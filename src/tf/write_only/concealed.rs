//! Keeps what write-only attributes contain out of diagnostics: a server quotes what it refuses.

use super::super::diag::{Diagnostic, Diagnostics};
use super::super::path::Path;
use super::super::schema::Schema;
use super::super::value::Value;
use super::super::wire::to_json;
use serde_json::Value as Json;

/// What is said instead.
const INSTEAD: &str = "(sensitive value)";

/// Anything shorter can be part of another word by chance.
const SHORTEST: usize = 6;

/// The longest text that Go's YAML library quotes as a whole, and how much of a longer one it quotes; both in bytes.
const QUOTED_BY_GO: [usize; 2] = [10, 7];
/// How many characters of a text [`kit::text::quoted`] repeats.
const QUOTED_HERE: usize = 120;

/// They name an object, and a message about it has to.
const NAMES: [&str; 4] = ["apiVersion", "kind", "name", "namespace"];

/// What the write-only attributes of a configuration contain.
///
/// ```
/// use terraform_provider_omni::tf::diag::{Diagnostic, Diagnostics};
/// use terraform_provider_omni::tf::schema::{Schema, string};
/// use terraform_provider_omni::tf::write_only::{Concealed, Fingerprint, WriteOnly};
///
/// let names = ["data", "data_wo", "data_wo_version", "data_hash"];
/// let secret = WriteOnly::new(names, Fingerprint::Salted);
/// let schema = Schema::new("A note.").with(string("data")).with_write_only(secret);
/// let mut config = schema.null_object();
/// config.set("data_wo", "kind: Note\ntext: hush-hush".into());
///
/// let refused = Diagnostics::from(Diagnostic::error("The Note is refused", "unknown field: text: hush-hush"));
/// let told = Concealed::of(&schema, &config).in_all(refused);
/// let told: Vec<_> = told.iter().map(|d| (d.summary.as_str(), d.detail.as_str())).collect();
/// assert_eq!(told, [("The Note is refused", "unknown field: text: (sensitive value)")]);
/// ```
///
/// A long value is concealed wherever it occurs. A short one could be part of any word, and concealing a word of a sentence
/// would tell that it is the secret; so a short value is concealed where it stands as a word, and one that looks like a word or
/// a number of a sentence only where the text quotes it.
#[derive(Default)]
pub struct Concealed {
    long: Vec<String>,
    short: Vec<String>,
}

impl Concealed {
    /// Each secret as a whole and, of a document, its values.
    #[must_use]
    pub fn of(schema: &Schema, config: &Value) -> Self {
        let mut found = Self::default();
        for text in schema.write_only.iter().filter_map(|secret| secret.get(config, secret.secret).as_str()) {
            found.add(text);
            for document in kit::yaml::parse_documents(text).unwrap_or_default() {
                found.add_values(&document);
            }
        }
        // Others are values of any type.
        let others =
            schema.attributes.iter().filter(|a| a.write_only && schema.write_only_at(&Path::of(a.name)).is_none());
        for attribute in others {
            found.add_values(&to_json(config.get(attribute.name).bare()));
        }
        for all in [&mut found.long, &mut found.short] {
            // The longest first, for one may be a part of another.
            all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
            all.dedup();
        }
        found
    }

    /// The diagnostics without them.
    #[must_use]
    pub fn in_all(&self, diags: Diagnostics) -> Diagnostics {
        if self.long.is_empty() && self.short.is_empty() {
            return diags;
        }
        let mut told = Diagnostics::new();
        for Diagnostic { severity, summary, detail, hint, path } in diags.iter().cloned() {
            let hint = hint.map(|hint| self.in_text(&hint));
            let (summary, detail) = (self.in_text(&summary), self.in_text(&detail));
            told.push(Diagnostic { severity, summary, detail, hint, path });
        }
        told
    }

    fn in_text(&self, text: &str) -> String {
        let text = self.long.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), INSTEAD));
        self.short.iter().fold(text, |text, secret| without(&text, secret))
    }

    /// The values of a document: keys say what is wrong with it, and are no secrets.
    fn add_values(&mut self, document: &Json) {
        match document {
            Json::String(text) => self.add(text),
            Json::Number(number) => self.add(&number.to_string()),
            Json::Array(elements) => elements.iter().for_each(|element| self.add_values(element)),
            Json::Object(entries) => {
                let secret = |(key, value): &(&String, &Json)| !(value.is_string() && NAMES.contains(&key.as_str()));
                entries.iter().filter(secret).for_each(|(_, value)| self.add_values(value));
            }
            Json::Null | Json::Bool(_) => {}
        }
    }

    /// Lines are quoted with other indentation, what is quoted within a line may be escaped, and what is long may be cut.
    fn add(&mut self, text: &str) {
        let whole = text.trim();
        let lines: Vec<&str> = if is_plain(whole) { text.lines().map(str::trim).collect() } else { Vec::new() };
        let parts = text.split(['"', '\'', '\\', '\n']).map(str::trim).filter(|_| is_plain(whole));
        for piece in std::iter::once(whole).chain(lines.iter().copied()) {
            if piece.len() >= SHORTEST {
                self.long.push(piece.to_owned());
            } else if !piece.is_empty() {
                self.short.push(piece.to_owned());
            }
            if !is_plain(whole) {
                continue;
            }
            let [most, kept] = QUOTED_BY_GO;
            if piece.len() > most {
                self.long.push(format!("{}...", &piece[..piece.floor_char_boundary(kept)]));
            }
            if let Some((cut, _)) = piece.char_indices().nth(QUOTED_HERE) {
                self.long.push(format!("{}…", &piece[..cut]));
            }
        }
        self.long.extend(parts.filter(|part| part.len() >= SHORTEST).map(str::to_owned));
    }
}

/// The text without a short value, where it cannot be anything else.
fn without(text: &str, secret: &str) -> String {
    // What sentences are made of: words and numbers.
    let common = secret.chars().all(|c| c.is_ascii_lowercase())
        || secret.chars().all(|c| c.is_ascii_digit())
        || secret.chars().count() < 2
        || !secret.chars().any(char::is_alphanumeric);
    let mut told = String::new();
    let mut rest = 0;
    for (at, _) in text.match_indices(secret) {
        let (before, after) = (&text[..at], &text[at + secret.len()..]);
        let stands = if common { is_quoted(before, after) } else { is_whole(before, after) };
        if stands && at >= rest {
            told.push_str(&text[rest..at]);
            told.push_str(INSTEAD);
            rest = at + secret.len();
        }
    }
    told.push_str(&text[rest..]);
    told
}

/// Whether what stands between the two is no part of a longer word.
fn is_whole(before: &str, after: &str) -> bool {
    !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric)
}

/// Whether what stands between the two is quoted: within quotation marks, or as a value behind its key.
fn is_quoted(before: &str, after: &str) -> bool {
    let marks = ["\\\"", "\"", "'", "`"];
    if marks.iter().any(|mark| before.ends_with(mark) && after.starts_with(mark)) {
        return true;
    }
    let line = before.rsplit('\n').next().unwrap_or_default().trim_end();
    let follows = line.ends_with([':', '=']) || line.trim_start() == "-" || line.ends_with(" -");
    let ends = after.trim_start_matches([' ', '\t']);
    follows && (ends.is_empty() || ends.starts_with(['\n', '\r', ',', ';', '}', ']', '"', '`']))
}

/// Whether a text is one value: of a document, lines and parts are more than its values.
fn is_plain(text: &str) -> bool {
    !kit::yaml::parse_documents(text).is_ok_and(|all| all.iter().any(|one| one.is_object() || one.is_array()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tf::schema::{plain, string};
    use crate::tf::value::Type;
    use crate::tf::write_only::{Fingerprint, WriteOnly};

    fn told(secret: &str, detail: &str) -> String {
        let names = ["data", "data_wo", "data_wo_version", "data_hash"];
        let schema =
            Schema::new("A note.").with(string("data")).with_write_only(WriteOnly::new(names, Fingerprint::Salted));
        let mut config = schema.null_object();
        config.set("data_wo", secret.into());
        let refused = Diagnostics::from(Diagnostic::error("It is refused", detail).hint(detail));
        let told = Concealed::of(&schema, &config).in_all(refused);
        let told = told.iter().next().unwrap();
        assert_eq!(told.hint.as_ref(), Some(&told.detail));
        told.detail.clone()
    }

    #[test]
    fn what_is_quoted_of_a_secret_is_concealed() {
        for (secret, said, expected) in [
            ("correct-horse", "`correct-horse` is too long", "`(sensitive value)` is too long"),
            (
                "machine: {envv: {A: correct-horse}}",
                "machine:\n  envv:\n    A: correct-horse",
                "machine:\n  envv:\n    A: (sensitive value)",
            ),
            (
                "a: [12345678, correct-horse-2, correct-horse]",
                "12345678 correct-horse-2",
                "(sensitive value) (sensitive value)",
            ),
            (
                "a: |\n  first line\n  second line\n",
                "a: |-\n    first line\n    second line",
                "a: |-\n    (sensitive value)\n    (sensitive value)",
            ),
            // What Go and this provider quote of a long text.
            (
                "correct-horse",
                "cannot unmarshal !!str `correct...` into int",
                "cannot unmarshal !!str `(sensitive value)` into int",
            ),
            (&"x1".repeat(100), &format!("`{}…` (200 bytes)", "x1".repeat(60)), "`(sensitive value)` (200 bytes)"),
            // A short one is concealed as a word.
            ("k9x!", "parsing k9x!: not ak9x!b", "parsing (sensitive value): not ak9x!b"),
            ("T2", "\"T2\", T2.", "\"(sensitive value)\", (sensitive value)."),
            // One that a sentence may contain is concealed where it is quoted.
            (
                "a: one\nb: 22",
                "line 22: no one has the value \"one\" or `22`\n  a: one\n  - one\n  b: 22, c: one",
                "line 22: no one has the value \"(sensitive value)\" or `(sensitive value)`\n  a: (sensitive value)\n  - (sensitive value)\n  b: (sensitive value), c: (sensitive value)",
            ),
            ("x", "x: a fox; port=x", "x: a fox; port=(sensitive value)"),
            ("{a: true}", "a: true is not text", "a: true is not text"),
            ("a: 'say \"open sesame\" now'", r#""say \"open sesame\" now""#, r#""say \"(sensitive value)\" now""#),
        ] {
            assert_eq!(told(secret, said), expected, "{secret}");
        }
    }

    #[test]
    fn a_value_of_any_type_is_concealed_without_its_keys() {
        let schema = Schema::new("A note.").with(plain("more_wo", Type::Dynamic).write_only());
        let mut config = schema.null_object();
        config.set("more_wo", Value::dynamic(&serde_json::json!({ "access_key": ["correct-horse"] })));
        let refused = Diagnostics::from(Diagnostic::error("It is refused", "access_key: correct-horse"));
        let told = Concealed::of(&schema, &config).in_all(refused);
        assert_eq!(told.iter().next().unwrap().detail, "access_key: (sensitive value)");
    }

    #[test]
    fn what_a_document_is_called_is_told() {
        let secret = "kind: ConfigMap\nmetadata: {name: settings}\ndata: {a: on}";
        let said = "`ConfigMap` `settings` of machine is on its way";
        assert_eq!(told(secret, said), said);
    }
}
