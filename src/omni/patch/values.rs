//! Merges what one patch sets into what an earlier one sets, field by field.
//! It must not know deletions: they are applied before.
//!
//! The result on any base is that of both patches in order: every rule here is associative,
//! and where one is not, there is an error.

use super::PatchError;
use super::fields::{Field, Fields, Rule};
use super::read::{Entries, display};
use kit::gather::Gather as _;
use kit::go_duration;
use kit::yaml::{Node, Reading, Scalar};
use std::collections::HashMap;

/// A merge under way, and where it is.
#[derive(Default)]
pub(super) struct Merge {
    path: Vec<String>,
}

type Done = Result<(), PatchError>;

impl Merge {
    /// Merges the fields of an object that both patches have.
    pub(super) fn object(&mut self, left: &mut Entries, right: Entries, fields: Option<&'static Fields>) -> Done {
        if let Some(fields) = fields {
            forget(left, &right, fields);
        }
        self.entries(
            left,
            right,
            |merge, key, old, new| match fields.and_then(|fields| fields.get(key)) {
                Some(field) => merge.field(old, new, field),
                None => merge.unknown(old, new),
            },
            |merge, key, new| match fields.and_then(|fields| fields.get(key)) {
                // The elements of a list that joins an object are merged among themselves.
                Some(field) if matches!(field.rule, Rule::By(_) | Rule::Interfaces | Rule::Vlans) => match new {
                    Node::List(elements) => {
                        let mut list = Vec::new();
                        merge.keyed(&mut list, elements, field)?;
                        Ok(Node::List(list))
                    }
                    other => Ok(other),
                },
                _ => Ok(new),
            },
        )
    }

    /// Goes through the later entries: `both` merges into one that is there, `alone` prepares one that is not.
    fn entries(
        &mut self,
        left: &mut Entries,
        right: Entries,
        both: impl Fn(&mut Self, &str, &mut Node, Node) -> Done,
        alone: impl Fn(&mut Self, &str, Node) -> Result<Node, PatchError>,
    ) -> Done {
        let places: HashMap<String, usize> =
            left.iter().enumerate().map(|(at, (key, _))| (key.key().to_owned(), at)).gathered();
        for (key, value) in right {
            self.path.push(key.key().to_owned());
            match places.get(key.key()) {
                Some(at) if !left[*at].1.is_null() => both(self, key.key(), &mut left[*at].1, value)?,
                Some(at) => left[*at].1 = if value.is_null() { value } else { alone(self, key.key(), value)? },
                None => {
                    let value = alone(self, key.key(), value)?;
                    left.push((key, value));
                }
            }
            self.path.pop();
        }
        Ok(())
    }

    /// Merges a field that the earlier patch gives.
    fn field(&mut self, old: &mut Node, new: Node, field: &'static Field) -> Done {
        let rule = field.rule;
        match rule {
            // Without a rest, so that a new rule is a decision here.
            Rule::Always => *old = new,
            Rule::Text | Rule::Number | Rule::Mode | Rule::Duration | Rule::Word(_) => {
                let new = self.scalar(old, new)?;
                if !is_zero(rule, &new) {
                    *old = Node::Scalar(new);
                }
            }
            _ if new.is_null() => {}
            Rule::Given => *old = Node::Scalar(self.scalar(old, new)?),
            Rule::Limit => {
                let new = self.scalar(old, new)?;
                let share = |text: &str| text.ends_with('%');
                let keeps = new.text.is_empty() || (share(&new.text) && !old.text().is_some_and(share));
                if !keeps {
                    *old = Node::Scalar(new);
                }
            }
            Rule::Url => {
                let new = self.scalar(old, new)?;
                let text = join_urls(old.text().unwrap_or_default(), &new.text)
                    .map_err(|why| PatchError::Url(display(&self.path), why))?;
                *old = Node::Scalar(if text == new.text { new } else { Scalar::quoted(text) });
            }
            Rule::Once => return Err(PatchError::Once(display(&self.path))),
            Rule::Pair => *old = new,
            Rule::List { replaced: false } => self.lists(old, new)?.extend_list(old),
            Rule::List { replaced: true } => *old = Node::List(self.lists(old, new)?.0),
            Rule::By(_) | Rule::Interfaces | Rule::Vlans => {
                let new = self.lists(old, new)?.0;
                if let Node::List(old) = old {
                    self.keyed(old, new, field)?;
                }
            }
            Rule::Images => {
                let new = self.lists(old, new)?.0;
                if let Node::List(old) = old {
                    images(old, new);
                }
            }
            Rule::Texts => self.maps(old, new, |_, _, old, new| {
                if !is_zero(Rule::Text, &new) {
                    *old = new;
                }
                Ok(())
            })?,
            Rule::Flags | Rule::Args => self.maps(old, new, |_, _, old, new| {
                *old = new;
                Ok(())
            })?,
            Rule::Free { replaced: true } => {
                if new.entries().is_none_or(|entries| !entries.is_empty()) {
                    *old = new;
                }
            }
            Rule::Free { replaced: false } => self.maps(old, new, |merge, _, old, new| merge.anything(old, new))?,
            Rule::Objects => self.maps(old, new, |merge, _, old, new| match (old, new) {
                (_, new) if new.is_null() => Ok(()),
                (Node::Map(old), Node::Map(new)) => merge.object(old, new, Some(&field.fields)),
                _ => Err(merge.differs()),
            })?,
            Rule::Object | Rule::Part => match (old, new) {
                (Node::Map(old), Node::Map(new)) => self.object(old, new, Some(&field.fields))?,
                _ => return Err(self.differs()),
            },
        }
        Ok(())
    }

    /// A field that the table lacks: by its form, as Talos merges most fields.
    fn unknown(&mut self, old: &mut Node, new: Node) -> Done {
        match (old, new) {
            (_, new) if new.is_null() => {}
            (Node::Map(old), Node::Map(new)) => self.object(old, new, None)?,
            (Node::List(old), Node::List(new)) if old.is_empty() || new.is_empty() => old.extend(new),
            (Node::List(_), Node::List(_)) => return Err(PatchError::UnknownList(display(&self.path))),
            (old @ Node::Scalar(_), Node::Scalar(new)) if !new.text.is_empty() => *old = Node::Scalar(new),
            (Node::Scalar(_), Node::Scalar(_)) => {}
            _ => return Err(self.differs()),
        }
        Ok(())
    }

    /// A value in a map of anything: the types have to agree.
    fn anything(&mut self, old: &mut Node, new: Node) -> Done {
        if new.is_null() {
            return Err(PatchError::NullOverValue(display(&self.path)));
        }
        let (before, after) = (kind_of(old), kind_of(&new));
        if before != after {
            return Err(PatchError::TypesDiffer(display(&self.path), before, after));
        }
        match (old, new) {
            (Node::Map(old), Node::Map(new)) => {
                self.entries(old, new, |merge, _, old, new| merge.anything(old, new), |_, _, new| Ok(new))?;
            }
            (Node::List(old), Node::List(new)) => old.extend(new),
            _ if before == TIME => return Err(PatchError::Time(display(&self.path))),
            (old, new) if before == BOOL || !is_zero(if before == TEXT { Rule::Text } else { Rule::Number }, &new) => {
                *old = new
            }
            _ => {}
        }
        Ok(())
    }

    fn maps(&mut self, old: &mut Node, new: Node, both: impl Fn(&mut Self, &str, &mut Node, Node) -> Done) -> Done {
        match (old, new) {
            (Node::Map(old), Node::Map(new)) => self.entries(old, new, both, |_, _, new| Ok(new)),
            _ => Err(self.differs()),
        }
    }

    fn lists(&self, old: &Node, new: Node) -> Result<Elements, PatchError> {
        match (old, new) {
            (Node::List(_), Node::List(new)) => Ok(Elements(new)),
            _ => Err(self.differs()),
        }
    }

    fn scalar(&self, old: &Node, new: Node) -> Result<Scalar, PatchError> {
        match (old, new) {
            (Node::Scalar(_), Node::Scalar(new)) => Ok(new),
            _ => Err(self.differs()),
        }
    }

    fn differs(&self) -> PatchError {
        PatchError::KindsDiffer(display(&self.path))
    }

    /// Lists whose elements are merged by a key.
    fn keyed(&mut self, left: &mut Vec<Node>, right: Vec<Node>, field: &'static Field) -> Done {
        let known = left.len();
        for element in right {
            let matches = |other: &Node| match field.rule {
                Rule::By(key) => text_at(other, key) == text_at(&element, key),
                Rule::Vlans => number_at(other, "vlanId") == number_at(&element, "vlanId"),
                _ => is_interface(other, &element),
            };
            let mut found = left.iter().enumerate().filter(|(_, other)| matches(other)).map(|(at, _)| at);
            match (found.next(), found.find(|at| *at < known)) {
                // Talos takes the first of the two or merges them all, whichever base it meets.
                (Some(_), Some(_)) => return Err(PatchError::Twice(display(&self.path))),
                (Some(at), None) => match (&mut left[at], element) {
                    (Node::Map(old), Node::Map(new)) => self.object(old, new, Some(&field.fields))?,
                    _ => return Err(self.differs()),
                },
                (None, _) => left.push(element),
            }
        }
        Ok(())
    }
}

/// The elements of a later list.
struct Elements(Vec<Node>);

impl Elements {
    fn extend_list(self, old: &mut Node) {
        if let Node::List(old) = old {
            old.extend(self.0);
        }
    }
}

/// Takes out what the later patch empties by leaving it out.
fn forget(left: &mut Entries, right: &Entries, fields: &'static Fields) {
    let later = |name: &str| right.iter().find(|(key, _)| key.key() == name).map(|(_, value)| value);
    left.retain_mut(|(key, value)| match fields.get(key.key()).map(|field| (field.rule, &field.fields)) {
        Some((Rule::Always, _)) => later(key.key()).is_some_and(|value| !value.is_null()),
        // An object that is always there is given with the document.
        Some((Rule::Part, inner)) => {
            let absent = Entries::new();
            let given = later(key.key()).filter(|value| !value.is_null());
            if let (Node::Map(entries), None) = (value, given) {
                forget(entries, &absent, inner);
            }
            true
        }
        _ => true,
    });
}

/// A rule for images replaces the last one of its pattern among those that were there.
fn images(left: &mut Vec<Node>, right: Vec<Node>) {
    let known = left.len();
    for rule in right {
        let pattern = text_at(&rule, "image");
        match left[..known].iter().rposition(|other| text_at(other, "image") == pattern) {
            Some(at) => left[at] = rule,
            None => left.push(rule),
        }
    }
}

/// The text of a field; nothing and null are empty.
fn text_at<'n>(node: &'n Node, key: &str) -> &'n str {
    node.get(key).filter(|value| !value.is_null()).and_then(Node::text).unwrap_or_default()
}

/// The number of a field; nothing is zero.
fn number_at(node: &Node, key: &str) -> String {
    match node.get(key) {
        Some(Node::Scalar(scalar)) if !scalar.is_null() => number(&scalar.text),
        _ => "0".to_owned(),
    }
}

/// A number in one spelling, or the text that is none.
fn number(text: &str) -> String {
    match serde_json::Value::from(Node::Scalar(Scalar::plain(text))) {
        serde_json::Value::Number(number) => number.as_f64().map_or_else(|| text.to_owned(), |n| n.to_string()),
        _ => text.to_owned(),
    }
}

/// Whether a network interface of a later patch goes into this one.
fn is_interface(old: &Node, new: &Node) -> bool {
    let name = text_at(new, "interface");
    if !name.is_empty() {
        return text_at(old, "interface") == name;
    }
    let selector = |node: &Node| match node.get("deviceSelector") {
        Some(Node::Map(entries)) => {
            let given = entries.iter().filter(|(_, value)| !value.is_null());
            let texts = given.map(|(key, value)| (key.text.clone(), value.text().unwrap_or_default().to_owned()));
            Some(texts.filter(|(_, text)| !text.is_empty()).collect::<std::collections::BTreeMap<_, _>>())
        }
        _ => None,
    };
    match (selector(old), selector(new)) {
        // Talos compares this one field by where it lies in memory.
        (Some(old), Some(new)) => old == new && !old.contains_key("physical"),
        _ => false,
    }
}

/// Whether a value says nothing over another one.
pub(super) fn is_zero(rule: Rule, value: &(impl AsScalar + ?Sized)) -> bool {
    let Some(scalar) = value.as_scalar() else { return false };
    let text = scalar.text.as_str();
    if text.is_empty() || scalar.is_null() {
        return true;
    }
    let zero = || number(text).parse::<f64>() == Ok(0.0);
    match rule {
        Rule::Number | Rule::Mode => zero(),
        Rule::Duration => go_duration::parse(text).is_ok_and(|duration| duration.nanos() == 0),
        Rule::Word(word) => text.eq_ignore_ascii_case(word) || zero(),
        _ => false,
    }
}

/// What may be a single value.
pub(super) trait AsScalar {
    /// The single value.
    fn as_scalar(&self) -> Option<&Scalar>;
}

impl AsScalar for Scalar {
    fn as_scalar(&self) -> Option<&Scalar> {
        Some(self)
    }
}

impl AsScalar for Node {
    fn as_scalar(&self) -> Option<&Scalar> {
        match self {
            Self::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }
}

const TEXT: &str = "text";
const BOOL: &str = "a boolean";
const TIME: &str = "a date";

/// The type that Go gives to a value of which nothing is asked.
fn kind_of(node: &Node) -> &'static str {
    match node {
        Node::List(_) => "a list",
        Node::Map(_) => "a map",
        Node::Scalar(scalar) => match scalar.reading() {
            Reading::Bool => BOOL,
            Reading::Int => "a whole number",
            Reading::Uint => "a whole number beyond 63 bits",
            Reading::Float => "a number with a fraction",
            Reading::Time => TIME,
            Reading::Null | Reading::Merge => "nothing",
            Reading::Text => TEXT,
        },
    }
}

/// The parts of a URL that merge one by one.
#[derive(Default)]
struct Url<'t> {
    scheme: &'t str,
    user: &'t str,
    host: &'t str,
    path: &'t str,
    query: &'t str,
    fragment: &'t str,
}

/// Each part of the later URL, or the one of the earlier.
fn join_urls(old: &str, new: &str) -> Result<String, &'static str> {
    if new.is_empty() || old.is_empty() {
        return Ok(if new.is_empty() { old } else { new }.to_owned());
    }
    let (Some(old), Some(new)) = (Url::split(old), Url::split(new)) else {
        return Err("one of them has no `//`");
    };
    if !old.user.is_empty() && !new.user.is_empty() {
        return Err("both have a user");
    }
    let either = |old: &str, new: &str| if new.is_empty() { old.to_owned() } else { new.to_owned() };
    let mut out = either(old.scheme, new.scheme);
    let (user, host, path) = (either(old.user, new.user), either(old.host, new.host), either(old.path, new.path));
    out.push_str(if out.is_empty() { "" } else { ":" });
    if !user.is_empty() || !host.is_empty() {
        out.push_str("//");
        out.push_str(&user);
        out.push_str(if user.is_empty() { "" } else { "@" });
        out.push_str(&host);
        out.push_str(if path.is_empty() || path.starts_with('/') { "" } else { "/" });
    }
    out.push_str(&path);
    for (mark, part) in [('?', either(old.query, new.query)), ('#', either(old.fragment, new.fragment))] {
        if !part.is_empty() {
            out.push(mark);
            out.push_str(&part);
        }
    }
    Ok(out)
}

impl<'t> Url<'t> {
    /// `None` for a URL that is not made of these parts, such as `mailto:a`.
    fn split(text: &'t str) -> Option<Self> {
        let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (scheme, rest) = match rest.split_once(':') {
            Some((scheme, rest))
                if scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                    && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) =>
            {
                (scheme, rest)
            }
            _ => ("", rest),
        };
        let mut url = Self { scheme, query, fragment, ..Self::default() };
        match rest.strip_prefix("//") {
            Some(rest) => {
                let end = rest.find('/').unwrap_or(rest.len());
                let (authority, path) = rest.split_at(end);
                (url.user, url.host) = authority.rsplit_once('@').unwrap_or(("", authority));
                url.path = path;
            }
            None if !scheme.is_empty() && !rest.is_empty() && !rest.starts_with('/') => return None,
            None => url.path = rest,
        }
        Some(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_merge_part_by_part() {
        for (old, new, expected) in [
            ("https://a:1/p?q=1", "https://b", Ok("https://b/p?q=1")),
            ("https://u:p@a/x#f", "http://b", Ok("http://u:p@b/x#f")),
            ("https://a/?jointoken=x&grpc_tunnel=true", "https://b:2/?jointoken=y", Ok("https://b:2/?jointoken=y")),
            ("tcp://a:1/x", "/z", Ok("tcp://a:1/z")),
            ("tcp://a:1/x", "z", Ok("tcp://a:1/z")),
            ("tcp://a:1/x%2Fy", "tcp://b", Ok("tcp://b/x%2Fy")),
            ("https://a", "", Ok("https://a")),
            ("https://u@a", "https://v@b", Err("both have a user")),
            ("mailto:a", "https://b", Err("one of them has no `//`")),
        ] {
            assert_eq!(join_urls(old, new), expected.map(str::to_owned), "{old} {new}");
        }
    }

    #[test]
    fn zero_depends_on_the_rule() {
        for (rule, text, zero) in [
            (Rule::Text, "", true),
            (Rule::Text, "0", false),
            (Rule::Number, "0", true),
            (Rule::Number, "0x0", true),
            (Rule::Number, "-0", true),
            (Rule::Number, "0.0", true),
            (Rule::Number, "010", false),
            (Rule::Mode, "0o0", true),
            (Rule::Mode, "0o644", false),
            (Rule::Duration, "0s", true),
            (Rule::Duration, "0", true),
            (Rule::Duration, "1ns", false),
            (Rule::Word("accept"), "Accept", true),
            (Rule::Word("accept"), "block", false),
            (Rule::Word("unspec"), "0", true),
            (Rule::Word(""), "tcp", false),
        ] {
            assert_eq!(is_zero(rule, &Scalar::plain(text)), zero, "{rule:?} {text}");
        }
        assert!(is_zero(Rule::Number, &Scalar::plain("~")));
        assert!(!is_zero(Rule::Text, &Scalar::quoted("~")));
    }
}
