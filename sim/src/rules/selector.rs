//! Label selectors: the grammar of machine classes, and whether labels satisfy it.

use std::collections::BTreeMap;

/// Terms that must all hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector(pub Vec<Term>);

/// One condition on one label.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The label.
    pub key: String,
    /// What it is held against.
    pub test: Test,
    /// Whether the opposite is asked for.
    pub inverted: bool,
}

/// What a label is held against.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// The label is there.
    Exists,
    /// It has one of these values.
    In(Vec<String>),
    /// Its number is less.
    Less(String),
    /// Its number is less or the same.
    AtMost(String),
}

impl Selector {
    /// Reads one selector.
    ///
    /// # Errors
    /// The server's text for what it did not expect.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut cursor = Cursor { rest: text };
        let mut terms = Vec::new();
        match cursor.peek() {
            "" => return Ok(Self(terms)),
            "!" => {}
            first if is_special(first) => {
                return Err(format!("found '{first}', expected: !, identifier, or 'end of string'"));
            }
            _ => {}
        }
        loop {
            terms.push(cursor.term()?);
            match cursor.next() {
                "" => return Ok(Self(terms)),
                "," => match cursor.peek() {
                    next if next != "!" && (next.is_empty() || is_special(next)) => {
                        return Err(format!("found '{next}', expected: identifier after ','"));
                    }
                    _ => {}
                },
                other => return Err(format!("found '{other}', expected: ',' or 'end of string'")),
            }
        }
    }

    /// Whether labels satisfy every term.
    #[must_use]
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|term| term.matches(labels))
    }
}

impl Term {
    fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        // A comparison with nothing, or with what is no number, never holds, not even the other way round.
        let compare = |limit: &str, holds: fn(f64, f64) -> bool| {
            let (Some(value), Some(limit)) = (value.and_then(|v| number(v)), number(limit)) else { return false };
            holds(value, limit) != self.inverted
        };
        match &self.test {
            Test::Exists => value.is_some() != self.inverted,
            Test::In(values) => value.is_some_and(|v| values.contains(v)) != self.inverted,
            Test::Less(limit) => compare(limit, |a, b| a < b),
            Test::AtMost(limit) => compare(limit, |a, b| a <= b),
        }
    }
}

fn is_special(token: &str) -> bool {
    token.starts_with(|c| "!=<>(),".contains(c))
}

fn unexpected(found: &str, expected: &str) -> String {
    format!("unable to parse term: found '{found}', expected: {expected}")
}

const OPERATORS: [&str; 7] = ["==", "!=", ">=", "<=", "=", ">", "<"];

struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    /// The next token and what follows it; an empty token is the end.
    fn split(&self) -> (&'a str, &'a str) {
        let rest = self.rest.trim_start();
        if let Some(operator) = OPERATORS.iter().find(|operator| rest.starts_with(**operator)) {
            return rest.split_at(operator.len());
        }
        let special = |c: char| "!=<>(),".contains(c);
        let length = match rest.chars().next() {
            Some(c) if special(c) => c.len_utf8(),
            _ => rest.find(|c: char| special(c) || c.is_whitespace()).unwrap_or(rest.len()),
        };
        rest.split_at(length)
    }

    fn peek(&self) -> &'a str {
        self.split().0
    }

    fn next(&mut self) -> &'a str {
        let (token, rest) = self.split();
        self.rest = rest;
        token
    }

    fn term(&mut self) -> Result<Term, String> {
        let denied = self.peek() == "!";
        if denied {
            self.next();
        }
        let key = self.identifier()?.to_owned();
        let term = |test, inverted| Ok(Term { key: key.clone(), test, inverted });
        match self.peek() {
            "" | "," => return term(Test::Exists, denied),
            // The server names nothing here.
            _ if denied => return Err("unable to parse term: expected EOF or ',', found ".to_owned()),
            _ => {}
        }
        match self.next() {
            "=" | "==" => term(Test::In(vec![self.value()?]), false),
            "!=" => term(Test::In(vec![self.value()?]), true),
            "<" => term(Test::Less(self.value()?), false),
            "<=" => term(Test::AtMost(self.value()?), false),
            ">" => term(Test::AtMost(self.value()?), true),
            ">=" => term(Test::Less(self.value()?), true),
            "in" => term(Test::In(self.list()?), false),
            "notin" => term(Test::In(self.list()?), true),
            other => Err(unexpected(other, "==, =, !=, >=, >, in, notin, <=, <")),
        }
    }

    fn identifier(&mut self) -> Result<&'a str, String> {
        match self.next() {
            token if token.is_empty() || is_special(token) => Err(unexpected(token, "identifier")),
            token => Ok(token),
        }
    }

    /// A value runs to the next comma, bracket or sign of equality, spaces included.
    fn value(&mut self) -> Result<String, String> {
        let rest = self.rest.trim_start();
        if rest.starts_with(|c| "=!<>()".contains(c)) {
            return Err(unexpected(self.peek(), "identifier"));
        }
        let (value, rest) = rest.split_at(rest.find([',', '(', ')', '=']).unwrap_or(rest.len()));
        self.rest = rest;
        Ok(value.trim_end().to_owned())
    }

    fn list(&mut self) -> Result<Vec<String>, String> {
        match self.next() {
            "(" => {}
            other => return Err(format!("unable to parse term: found '{other}' expected: '('")),
        }
        let mut values = Vec::new();
        if self.peek() == ")" {
            self.next();
            return Ok(values);
        }
        loop {
            values.push(self.value()?);
            match self.next() {
                "," => {}
                ")" => return Ok(values),
                other => return Err(unexpected(other, "',' or ')'")),
            }
        }
    }
}

/// A whole number with an optional unit: `16 GiB`, `4G`, `-1`.
fn number(text: &str) -> Option<f64> {
    let text = text.trim().to_lowercase();
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '-')).unwrap_or(text.len());
    let (value, unit) = text.split_at(digits);
    let value: i64 = value.parse().ok()?;
    let unit = unit.trim();
    let exponent = match unit.chars().next() {
        None => 0,
        Some('k') => 1,
        Some('m') => 2,
        Some('g') => 3,
        Some('t') => 4,
        Some('p') => 5,
        Some(_) => return None,
    };
    let base: f64 = if unit.chars().nth(1) == Some('i') { 1024.0 } else { 1000.0 };
    #[allow(clippy::cast_precision_loss, reason = "sizes are compared, not computed with")]
    let value = value as f64;
    Some(value * base.powi(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn matches_as_the_server_does() {
        let machine = labels(&[("a", "b"), ("cpu", "AMD EPYC"), ("mem", "8GiB"), ("cores", "4")]);
        for (selector, expected) in [
            ("", true),
            ("a", true),
            ("!a", false),
            ("!x", true),
            ("a = b", true),
            ("a == b, cores", true),
            ("a == b, x", false),
            ("a != b", false),
            ("x != b", true),
            ("a in (b, c)", true),
            ("a in (c)", false),
            ("a notin (c)", true),
            ("x notin (c)", true),
            ("cpu = AMD EPYC", true),
            ("mem > 4GiB", true),
            ("mem >= 8GiB", true),
            ("mem >= 9 GiB", false),
            ("mem < 9G", true),
            ("mem <= 8G", false),
            ("x > 1", false),
            ("x <= 1", false),
            ("cpu > 1", false),
            ("cores <= 4", true),
        ] {
            let parsed = Selector::parse(selector).unwrap();
            assert_eq!(parsed.matches(&machine), expected, "{selector}");
        }
    }

    #[test]
    fn refuses_as_the_server_does() {
        for (selector, expected) in [
            ("a ==== b", "unable to parse term: found '==', expected: identifier"),
            ("a b c", "unable to parse term: found 'b', expected: ==, =, !=, >=, >, in, notin, <=, <"),
            (", a", "found ',', expected: !, identifier, or 'end of string'"),
            ("a,", "found '', expected: identifier after ','"),
            ("!a = b", "unable to parse term: expected EOF or ',', found "),
            ("a = b = c", "found '=', expected: ',' or 'end of string'"),
            ("a in b", "unable to parse term: found 'b' expected: '('"),
            ("a in (b", "unable to parse term: found '', expected: ',' or ')'"),
            ("a = b )", "found ')', expected: ',' or 'end of string'"),
        ] {
            assert_eq!(Selector::parse(selector), Err(expected.to_owned()), "{selector}");
        }
    }
}
