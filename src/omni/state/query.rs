//! Queries of lists and watches: by labels and by ID.

use kit::text::quoted;
use omni_proto::cosi::resource as pb;
use omni_proto::cosi::resource::label_term::Operation;
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A query; the empty one matches every object.
///
/// ```
/// use std::collections::BTreeMap;
/// use terraform_provider_omni::omni::{LabelQuery, Query};
///
/// let labels = BTreeMap::from([("team".to_owned(), "web".to_owned()), ("memory".to_owned(), "16 GiB".to_owned())]);
/// for (selector, matches) in [
///     ("", true),
///     ("team", true),
///     ("!team", false),
///     ("team == web, memory >= 8 GiB", true),
///     ("team in (db, web)", true),
///     ("team notin (db, web)", false),
///     // A label that is missing is not equal to anything.
///     ("zone != a", true),
///     // Units differ, and are compared.
///     ("memory < 16 GB", false),
/// ] {
///     assert_eq!(Query::parse_selector(selector).unwrap().takes_labels(&labels), matches, "{selector}");
/// }
/// assert!(Query::parse_selector("team = web and zone = a").is_err());
///
/// // Conditions of one `LabelQuery` must all hold; one `LabelQuery` of a `Query` is enough.
/// let either = Query::label("team", "db").or(LabelQuery::new().exists("memory"));
/// assert!(either.takes_labels(&labels));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// An object matches if one of these matches, or if there are none.
    pub labels: Vec<LabelQuery>,
    /// A regular expression that must match a part of the ID.
    pub id_regexp: Option<String>,
}

/// Conditions on the labels of an object; all of them must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelQuery {
    terms: Vec<pb::LabelTerm>,
}

/// Why a selector is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is not a condition on a label: {problem}", quoted(.term))]
pub struct SelectorError {
    /// The part of the selector.
    pub term: String,
    /// What is wrong with it and, if known, what to write instead.
    pub problem: String,
}

impl Query {
    /// Matches every object.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Matches the objects whose label `key` has this value.
    pub fn label(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self::from(LabelQuery::new().equal(key, value))
    }

    /// Matches the objects of whose ID a part matches this regular expression.
    pub fn id(regexp: impl Into<String>) -> Self {
        Self { labels: Vec::new(), id_regexp: Some(regexp.into()) }
    }

    /// Also matches the objects that `labels` matches. A query without labels so far is restricted by it.
    #[must_use]
    pub fn or(mut self, labels: LabelQuery) -> Self {
        self.labels.push(labels);
        self
    }

    /// Parses a label selector: conditions separated by commas, all of which must hold.
    ///
    /// `key`, `!key`, `key = v`, `key == v`, `key != v`, `key < n`, `key <= n`, `key > n`, `key >= n`,
    /// `key in (a, b)`, `key notin (a, b)`.
    /// Numbers may have units: `8`, `16 GiB`.
    ///
    /// # Errors
    /// When a part is not a condition; also when its value is clearly another condition, as in `a = b and c = d`:
    /// Omni would search for the value `b and c = d`, and find nothing.
    pub fn parse_selector(selector: &str) -> Result<Self, SelectorError> {
        let mut labels = LabelQuery::new();
        for term in split(selector) {
            labels = parse_term(labels, term)?;
        }
        Ok(if labels.terms.is_empty() { Self::all() } else { Self::from(labels) })
    }

    /// Whether an object with these labels matches, by the rules of the server. It ignores [`Query::id_regexp`].
    #[must_use]
    pub fn takes_labels(&self, labels: &BTreeMap<String, String>) -> bool {
        self.labels.is_empty() || self.labels.iter().any(|query| query.terms.iter().all(|term| holds(term, labels)))
    }

    pub(crate) fn label_queries(&self) -> Vec<pb::LabelQuery> {
        self.labels.iter().map(|q| pb::LabelQuery { terms: q.terms.clone() }).collect()
    }

    pub(crate) fn id_query(&self) -> Option<pb::IdQuery> {
        self.id_regexp.clone().map(|regexp| pb::IdQuery { regexp })
    }
}

impl From<LabelQuery> for Query {
    fn from(labels: LabelQuery) -> Self {
        Self { labels: vec![labels], id_regexp: None }
    }
}

impl LabelQuery {
    /// Without conditions, which matches every object.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The label is set.
    #[must_use]
    pub fn exists(self, key: impl Into<String>) -> Self {
        self.term(key, Operation::Exists, Vec::new(), false)
    }

    /// The label is not set.
    #[must_use]
    pub fn absent(self, key: impl Into<String>) -> Self {
        self.term(key, Operation::Exists, Vec::new(), true)
    }

    /// The label has this value.
    #[must_use]
    pub fn equal(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.term(key, Operation::Equal, vec![value.into()], false)
    }

    /// The label has another value, or is not set.
    #[must_use]
    pub fn not_equal(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.term(key, Operation::Equal, vec![value.into()], true)
    }

    /// The label has one of these values.
    #[must_use]
    pub fn one_of(self, key: impl Into<String>, values: Vec<String>) -> Self {
        self.term(key, Operation::In, values, false)
    }

    /// The label has none of these values, or is not set.
    #[must_use]
    pub fn none_of(self, key: impl Into<String>, values: Vec<String>) -> Self {
        self.term(key, Operation::In, values, true)
    }

    /// The label is a number less than this one.
    #[must_use]
    pub fn below(self, key: impl Into<String>, number: impl Into<String>) -> Self {
        self.term(key, Operation::LtNumeric, vec![number.into()], false)
    }

    /// The label is a number less than or equal to this one.
    #[must_use]
    pub fn at_most(self, key: impl Into<String>, number: impl Into<String>) -> Self {
        self.term(key, Operation::LteNumeric, vec![number.into()], false)
    }

    /// The label is a number greater than this one.
    #[must_use]
    pub fn above(self, key: impl Into<String>, number: impl Into<String>) -> Self {
        self.term(key, Operation::LteNumeric, vec![number.into()], true)
    }

    /// The label is a number greater than or equal to this one.
    #[must_use]
    pub fn at_least(self, key: impl Into<String>, number: impl Into<String>) -> Self {
        self.term(key, Operation::LtNumeric, vec![number.into()], true)
    }

    fn term(mut self, key: impl Into<String>, op: Operation, value: Vec<String>, invert: bool) -> Self {
        self.terms.push(pb::LabelTerm { key: key.into(), op: op.into(), value, invert });
        self
    }
}

/// Whether a condition holds by the rules of the server.
fn holds(term: &pb::LabelTerm, labels: &BTreeMap<String, String>) -> bool {
    let value = labels.get(&term.key);
    let wanted = term.value.first().map(String::as_str).unwrap_or_default();
    let numbers = || Some((number(value?)?, number(wanted)?));
    let found = match term.op() {
        Operation::Exists => value.is_some(),
        Operation::NotExists => value.is_none(),
        Operation::Equal => value.is_some_and(|value| value == wanted),
        Operation::In => value.is_some_and(|value| term.value.contains(value)),
        // A value that is not a number fulfils neither the condition nor its inverse.
        Operation::Lt | Operation::Lte | Operation::LtNumeric | Operation::LteNumeric => {
            let less = match (term.op(), value) {
                (Operation::Lt, Some(value)) => Some(value.as_str() < wanted),
                (Operation::Lte, Some(value)) => Some(value.as_str() <= wanted),
                (Operation::LtNumeric, _) => numbers().map(|(value, limit)| value < limit),
                (Operation::LteNumeric, _) => numbers().map(|(value, limit)| value <= limit),
                _ => None,
            };
            return less.is_some_and(|less| less != term.invert);
        }
    };
    found != term.invert
}

/// A whole number with a unit: `Ki`, `Mi` and so on for powers of 1024, `k`, `M` and so on for powers of 1000.
/// Of what follows the number, only the beginning counts: `16 GiB` is `16Gi`.
fn number(text: &str) -> Option<i128> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: i128 = number.parse().ok()?;
    let unit = unit.trim_start().to_ascii_lowercase();
    let Some(power) = unit.chars().next().map(|c| "kmgtp".find(c)) else { return Some(number) };
    let exponent = u32::try_from(power? + 1).ok()?;
    let base: i128 = if unit[1..].starts_with('i') { 1024 } else { 1000 };
    number.checked_mul(base.checked_pow(exponent)?)
}

/// Splits at commas that do not stand in brackets.
fn split(selector: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (mut start, mut depth) = (0, 0_i32);
    for (at, c) in selector.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth <= 0 => {
                terms.push(&selector[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(&selector[start..]);
    // An empty selector has no terms; an empty term between commas is a mistake and is reported as one.
    if terms.len() == 1 && selector.trim().is_empty() { Vec::new() } else { terms }
}

fn parse_term(labels: LabelQuery, text: &str) -> Result<LabelQuery, SelectorError> {
    let term = text.trim();
    let wrong = |problem: &str| SelectorError { term: term.to_owned(), problem: problem.to_owned() };
    if let Some(problem) = run_together(term) {
        return Err(wrong(&problem));
    }
    if let Some(key) = term.strip_prefix('!') {
        return Ok(labels.absent(key_of(key).map_err(wrong)?));
    }
    let end = term.find(|c: char| c.is_whitespace() || "=!<>()".contains(c)).unwrap_or(term.len());
    let (key, rest) = term.split_at(end);
    let key = key_of(key).map_err(wrong)?;
    let rest = rest.trim();
    if rest.is_empty() {
        return Ok(labels.exists(key));
    }
    // The longer signs first: `<=` also begins with `<`.
    for sign in ["==", "!=", "<=", ">=", "=", "<", ">"] {
        let Some(value) = rest.strip_prefix(sign) else { continue };
        let value = value.trim();
        if value.is_empty() {
            return Err(wrong("there is no value"));
        }
        if value.starts_with(['=', '<', '>', '!']) {
            return Err(wrong("there is no such comparison"));
        }
        return Ok(match sign {
            "=" | "==" => labels.equal(key, value),
            "!=" => labels.not_equal(key, value),
            "<" => labels.below(key, value),
            "<=" => labels.at_most(key, value),
            ">" => labels.above(key, value),
            _ => labels.at_least(key, value),
        });
    }
    let (word, list) = rest.split_once('(').ok_or_else(|| match rest.split_once(char::is_whitespace) {
        Some((word @ ("in" | "notin"), values)) => wrong(&format!(
            "the values must be in parentheses; write {}",
            quoted(&format!("{key} {word} ({})", values.trim()))
        )),
        _ => wrong("there is no such comparison"),
    })?;
    let list = list.strip_suffix(')').ok_or_else(|| wrong("the list has no end"))?;
    let values: Vec<String> = list.split(',').map(|v| v.trim().to_owned()).collect();
    if values.iter().any(|v| v.is_empty() || v.contains(['(', ')'])) {
        return Err(wrong("the list contains something that is not a value"));
    }
    match word.trim() {
        "in" => Ok(labels.one_of(key, values)),
        "notin" => Ok(labels.none_of(key, values)),
        _ => Err(wrong("there is no such comparison")),
    }
}

/// What separates conditions in other languages: signs, line breaks, and words between spaces.
const SEPARATOR: &str = r"\s*(?:&&|\|\||;|\n|&|\|)\s*|\s+(?i:and|or)\s+";

/// Two conditions with nothing but a space between them: `a = b c = d`.
const SIDE_BY_SIDE: &str = r"^([^\s=!<>()]+\s*(?:[=!<>]=|[=<>])\s*.+?)\s+([^\s=!<>()]+\s*(?:[=!<>]=|[=<>]).*)$";

/// How a condition on several values begins: `a notin (`.
const LIST: &str = r"^\S+\s+(not)?in\s*\(";

/// Compiled once: a selector may have many conditions.
static SEPARATORS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(SEPARATOR).ok());
static PAIRS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(SIDE_BY_SIDE).ok());
static LISTS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(LIST).ok());

/// What is wrong with several conditions that something else than a comma separates, with the form that was meant.
///
/// A value may hold any text. So a word, `&` or `|` separates only where a comparison follows: `a = Research and Development`
/// is one condition, and `a = b and c = d` are two. Other signs and line breaks always separate.
fn run_together(term: &str) -> Option<String> {
    let separator = SEPARATORS.as_ref()?;
    let (mut parts, mut start, mut or) = (Vec::new(), 0, false);
    for found in separator.find_iter(term) {
        let rest = &term[found.end()..];
        let next = &rest[..separator.find(rest).map_or(rest.len(), |found| found.start())];
        let sign = found.as_str().trim().to_ascii_lowercase();
        if ["&&", "||", ";", ""].contains(&sign.as_str()) || is_comparison(next) {
            or |= ["||", "|", "or"].contains(&sign.as_str());
            parts.push(&term[start..found.start()]);
            start = found.end();
        }
    }
    let side_by_side = PAIRS.as_ref()?.captures(term).map(|found| found.extract::<2>().1);
    match side_by_side {
        _ if start > 0 => parts.push(&term[start..]),
        Some(both) => parts.extend(both),
        None => return None,
    }
    let parts: Vec<_> = parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect();
    let right = quoted(&parts.join(", "));
    Some(if or {
        format!(
            "a selector has no \"or\": its conditions are separated by commas, as in {right}, and all must match; for several values of one label, write `key in (a, b)`"
        )
    } else {
        format!("conditions are separated by commas; write {right}")
    })
}

/// Whether the text compares a label with something, or asks that it be absent.
fn is_comparison(text: &str) -> bool {
    let listed = LISTS.as_ref().is_some_and(|list| list.is_match(text));
    text.starts_with('!') || text.contains(['=', '<', '>']) || listed
}

fn key_of(key: &str) -> Result<&str, &'static str> {
    let key = key.trim();
    if key.is_empty() {
        return Err("there is no label");
    }
    if key.chars().any(|c| c.is_whitespace() || "=!<>()".contains(c)) {
        return Err("the label has characters that a label cannot have");
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_selector_is_read_at_once() {
        // Were the expressions compiled for each condition, this would take a minute.
        let parsed = Query::parse_selector(&format!("{}a = b", "a = b,".repeat(19_999))).unwrap();
        assert_eq!(parsed.labels[0].terms.len(), 20_000);
    }

    fn parsed(selector: &str) -> LabelQuery {
        let query = Query::parse_selector(selector).unwrap_or_else(|e| panic!("{selector}: {e}"));
        assert_eq!(query.labels.len(), 1, "{selector}");
        query.labels[0].clone()
    }

    #[test]
    fn selectors() {
        let l = LabelQuery::new;
        let values = |v: &[&str]| v.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let table = [
            ("a", l().exists("a")),
            ("!a", l().absent("a")),
            ("! a ", l().absent("a")),
            ("omni.sidero.dev/arch = amd64", l().equal("omni.sidero.dev/arch", "amd64")),
            ("a==b", l().equal("a", "b")),
            ("a=b c d", l().equal("a", "b c d")),
            ("a != b", l().not_equal("a", "b")),
            ("a < 8", l().below("a", "8")),
            ("mem <= 16 GiB", l().at_most("mem", "16 GiB")),
            ("a > 8", l().above("a", "8")),
            ("a>=8", l().at_least("a", "8")),
            ("a in (x, y z)", l().one_of("a", values(&["x", "y z"]))),
            ("a notin(x)", l().none_of("a", values(&["x"]))),
            ("a, b=1 , c in (x,y), !d", l().exists("a").equal("b", "1").one_of("c", values(&["x", "y"])).absent("d")),
        ];
        for (selector, expected) in table {
            assert_eq!(parsed(selector), expected, "{selector}");
        }
        assert_eq!(Query::parse_selector(" ").unwrap(), Query::all());
    }

    #[test]
    fn labels_are_held_against_selectors() {
        let labels: BTreeMap<String, String> =
            [("a", "b"), ("cores", "8"), ("mem", "16GiB"), ("flag", ""), ("word", "lots")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into();
        for (selector, expected) in [
            ("a", true),
            ("!a", false),
            ("!z", true),
            ("a = b", true),
            ("a != b", false),
            ("z != b", true),
            ("a in (x, b)", true),
            ("a notin (x, b)", false),
            ("z notin (x)", true),
            ("flag", true),
            ("cores < 8", false),
            ("cores <= 8", true),
            ("cores > 7", true),
            ("cores >= 9", false),
            ("mem >= 16 GiB", true),
            ("mem > 16 GB", true),
            ("mem < 1 TiB", true),
            ("mem > 16 gib", false),
            // What is missing or no number is neither below nor above.
            ("z > 1", false),
            ("z <= 1", false),
            ("word > 1", false),
            ("word <= 1", false),
            ("a = b, cores > 7", true),
            ("a = b, cores > 8", false),
        ] {
            assert_eq!(Query::parse_selector(selector).unwrap().takes_labels(&labels), expected, "{selector}");
        }
    }

    #[test]
    fn conditions_that_no_comma_separates_are_told_with_the_right_form() {
        for (selector, right) in [
            ("a=b;c=d", "`a=b, c=d`"),
            ("a = b and c = d", "`a = b, c = d`"),
            ("a = b AND c in (d, e)", "`a = b, c in (d, e)`"),
            ("a = b && c = d && !e", "`a = b, c = d, !e`"),
            ("a && b", "`a, b`"),
            ("a;b", "`a, b`"),
            ("a & !b", "`a, !b`"),
            ("!a and !b", "`!a, !b`"),
            ("a in (b) and c = d", "`a in (b), c = d`"),
            ("a = b\nc = d", "`a = b, c = d`"),
            ("a = b c = d", "`a = b, c = d`"),
            ("a = b c != d", "`a = b, c != d`"),
            ("a = b and c = d and e = f", "`a = b, c = d, e = f`"),
            ("a = b || a = c", "`key in (a, b)`"),
            ("a = b or a = c", "`key in (a, b)`"),
            ("a = b;", "`a = b`"),
        ] {
            let error = Query::parse_selector(selector).unwrap_err().to_string();
            assert!(error.contains("separated by commas") && error.contains(right), "{selector}: {error}");
        }
    }

    #[test]
    fn values_may_hold_what_could_separate() {
        for (selector, value) in [
            ("a = Research and Development", "Research and Development"),
            ("a = this or that", "this or that"),
            ("a = Q&A", "Q&A"),
            ("a = YWJj==", "YWJj=="),
            ("a = orange and", "orange and"),
        ] {
            assert_eq!(parsed(selector), LabelQuery::new().equal("a", value), "{selector}");
        }
    }

    #[test]
    fn mistakes() {
        let table = [
            ("a,", "there is no label"),
            ("=b", "there is no label"),
            ("!", "there is no label"),
            ("!a = b", "characters"),
            ("a =", "no value"),
            ("a === b", "no such comparison"),
            ("a b", "no such comparison"),
            ("a like (b)", "no such comparison"),
            ("a in (b", "no end"),
            ("a in ()", "not a value"),
            ("a in (b,,c)", "not a value"),
        ];
        for (selector, part) in table {
            let error = Query::parse_selector(selector).unwrap_err();
            assert!(error.problem.contains(part), "{selector}: {error}");
        }
    }

    #[test]
    fn wire_form() {
        let query = Query::label("a", "1").or(LabelQuery::new().at_least("m", "8").absent("b"));
        let wire = query.label_queries();
        let term = |key: &str, op: Operation, value: &[&str], invert| pb::LabelTerm {
            key: key.into(),
            op: op.into(),
            value: value.iter().map(|v| (*v).to_owned()).collect(),
            invert,
        };
        assert_eq!(wire[0].terms, [term("a", Operation::Equal, &["1"], false)]);
        assert_eq!(
            wire[1].terms,
            [term("m", Operation::LtNumeric, &["8"], true), term("b", Operation::Exists, &[], true)]
        );
        assert_eq!(Query::id("^a$").id_query().unwrap().regexp, "^a$");
    }
}
