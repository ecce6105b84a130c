//! Keeps what write-only attributes contain out of diagnostics: a server quotes what it refuses.

use super::super::diag::{Diagnostic, Diagnostics};
use super::super::schema::Schema;
use super::super::value::Value;
use serde_json::Value as Json;

/// What is said instead.
const INSTEAD: &str = "(sensitive value)";

/// Anything shorter is found by chance.
const SHORTEST: usize = 6;

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
pub struct Concealed(Vec<String>);

impl Concealed {
    /// Each secret as a whole and, of a document, its values.
    #[must_use]
    pub fn of(schema: &Schema, config: &Value) -> Self {
        let mut found = Vec::new();
        for text in schema.write_only.iter().filter_map(|secret| secret.get(config, secret.secret).as_str()) {
            add(text, &mut found);
            for document in kit::yaml::parse_documents(text).unwrap_or_default() {
                values(&document, &mut found);
            }
        }
        // The longest first, for one may be a part of another.
        found.sort_by_key(|text| std::cmp::Reverse(text.len()));
        found.dedup();
        Self(found)
    }

    /// The diagnostics without them.
    #[must_use]
    pub fn in_all(&self, diags: Diagnostics) -> Diagnostics {
        if self.0.is_empty() {
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
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), INSTEAD))
    }
}

/// The values of a document: keys say what is wrong with it, and are no secrets.
fn values(document: &Json, found: &mut Vec<String>) {
    match document {
        Json::String(text) => add(text, found),
        Json::Number(number) => add(&number.to_string(), found),
        Json::Array(elements) => elements.iter().for_each(|element| values(element, found)),
        Json::Object(entries) => {
            let secret = |(key, value): &(&String, &Json)| !(value.is_string() && NAMES.contains(&key.as_str()));
            entries.iter().filter(secret).for_each(|(_, value)| values(value, found));
        }
        Json::Null | Json::Bool(_) => {}
    }
}

/// Lines are quoted with other indentation, and what is quoted within a line may be escaped.
fn add(text: &str, found: &mut Vec<String>) {
    let lines = text.lines().map(str::trim);
    let parts = text.split(['"', '\'', '\\', '\n']).map(str::trim);
    let whole = text.trim();
    let pieces =
        std::iter::once(whole).chain(lines.filter(|_| is_plain(whole))).chain(parts.filter(|_| is_plain(whole)));
    found.extend(pieces.filter(|piece| piece.len() >= SHORTEST).map(str::to_owned));
}

/// Whether a text is one value: of a document, lines and parts are more than its values.
fn is_plain(text: &str) -> bool {
    !kit::yaml::parse_documents(text).is_ok_and(|all| all.iter().any(|one| one.is_object() || one.is_array()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tf::schema::string;
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
            ("a: 'say \"open sesame\" now'", r#""say \"open sesame\" now""#, r#""say \"(sensitive value)\" now""#),
        ] {
            assert_eq!(told(secret, said), expected, "{secret}");
        }
    }

    #[test]
    fn what_a_document_is_called_is_told() {
        let secret = "kind: ConfigMap\nmetadata: {name: settings}\ndata: {a: on}";
        let said = "`ConfigMap` `settings` of machine is on its way";
        assert_eq!(told(secret, said), said);
    }
}
