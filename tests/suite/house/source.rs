//! A source file as tokens: enough of the grammar of Rust to separate code from comments and strings, and tests from the rest.

use std::ops::Range;

/// What the rules look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name or a keyword.
    Name(String),
    /// `::`
    PathSep,
    /// Any other sign.
    Sign(char),
}

/// A token and its line, counted from 1.
#[derive(Clone, Debug)]
pub struct Token {
    pub kind: Kind,
    pub line: usize,
}

impl Token {
    pub fn is(&self, name: &str) -> bool {
        matches!(&self.kind, Kind::Name(n) if n == name)
    }

    pub fn is_sign(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }

    pub fn name(&self) -> Option<&str> {
        match &self.kind {
            Kind::Name(name) => Some(name),
            _ => None,
        }
    }
}

/// An item that is compiled for tests only.
#[derive(Debug)]
pub struct TestItem {
    /// Its tokens.
    tokens: Range<usize>,
    first_line: usize,
    /// How many lines it takes.
    lines: usize,
    is_module: bool,
    /// Whether its body is in this file.
    inline: bool,
}

/// A source file.
#[derive(Debug)]
pub struct Source {
    /// Its path in the package, with `/` between the parts.
    pub path: String,
    pub tokens: Vec<Token>,
    tests: Vec<TestItem>,
    header: bool,
    lines: usize,
}

impl Source {
    pub fn read(path: &str, text: &str) -> Self {
        let tokens = tokens(text);
        let tests = test_items(&tokens);
        Self { path: path.to_owned(), tests, tokens, header: text.starts_with("//! "), lines: text.lines().count() }
    }

    /// Whether it begins with a `//!` comment.
    pub fn has_header(&self) -> bool {
        self.header
    }

    /// How many lines it has, without the test modules in it.
    pub fn lines_of_code(&self) -> usize {
        let tests = self.tests.iter().filter(|t| t.inline && t.is_module).map(|t| t.lines).sum::<usize>();
        self.lines.saturating_sub(tests)
    }

    /// The lines that are code of the product: no tests, no comments, no attributes, no imports; without their indentation.
    pub fn product_lines<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let tests: Vec<_> = self.tests.iter().map(|t| t.first_line..t.first_line + t.lines).collect();
        let numbered = text.lines().enumerate().filter(|(at, _)| !tests.iter().any(|lines| lines.contains(&(at + 1))));
        let others = ["//", "#[", "use ", "pub use "];
        let code = |line: &&str| !line.is_empty() && !others.iter().any(|start| line.starts_with(start));
        numbered.map(|(_, line)| line.trim()).filter(code).collect()
    }

    /// The tokens of the product, without tests.
    pub fn product(&self) -> Vec<Token> {
        self.tokens.iter().enumerate().filter(|(at, _)| !self.is_test(*at)).map(|(_, token)| token.clone()).collect()
    }

    /// Whether the token is compiled for tests only.
    pub fn is_test(&self, token: usize) -> bool {
        self.tests.iter().any(|t| t.tokens.contains(&token))
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(&c) = chars.get(at) {
        let start = at;
        let next = chars.get(at + 1).copied();
        let kind = match c {
            '/' if next == Some('/') => {
                at = find(&chars, at, |c| c == '\n');
                None
            }
            '/' if next == Some('*') => {
                at = end_of_comment(&chars, at);
                None
            }
            '"' => {
                at = end_of_text(&chars, at + 1, '"');
                None
            }
            '\'' => {
                at = end_of_quote(&chars, at);
                None
            }
            c if c.is_alphabetic() || c == '_' => {
                at = find(&chars, at, |c| !c.is_alphanumeric() && c != '_');
                let name: String = chars[start..at].iter().collect();
                match end_of_prefixed(&chars, at, &name) {
                    Some(end) => {
                        at = end;
                        None
                    }
                    None => Some(Kind::Name(name)),
                }
            }
            // A number is no name, and its suffix neither.
            c if c.is_ascii_digit() => {
                at = find(&chars, at, |c| !c.is_alphanumeric() && c != '_');
                None
            }
            ':' if next == Some(':') => {
                at += 2;
                Some(Kind::PathSep)
            }
            c => {
                at += 1;
                (!c.is_whitespace()).then_some(Kind::Sign(c))
            }
        };
        if let Some(kind) = kind {
            tokens.push(Token { kind, line });
        }
        line += chars[start..at].iter().filter(|c| **c == '\n').count();
    }
    tokens
}

fn find(chars: &[char], from: usize, end: impl Fn(char) -> bool) -> usize {
    chars[from..].iter().position(|c| end(*c)).map_or(chars.len(), |n| from + n)
}

/// Comments in comments count.
fn end_of_comment(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match chars[at..] {
            ['/', '*', ..] => depth += 1,
            ['*', '/', ..] => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            break;
        }
    }
    at.min(chars.len())
}

fn end_of_text(chars: &[char], mut at: usize, quote: char) -> usize {
    while let Some(&c) = chars.get(at) {
        at += if c == '\\' { 2 } else { 1 };
        if c == quote {
            break;
        }
    }
    at.min(chars.len())
}

/// A character in quotes, or the name of a lifetime, which has no second quote.
fn end_of_quote(chars: &[char], at: usize) -> usize {
    match chars[at + 1..] {
        ['\\', ..] | [_, '\'', ..] => end_of_text(chars, at + 1, '\''),
        _ => find(chars, at + 1, |c| !c.is_alphanumeric() && c != '_'),
    }
}

/// The end of a text whose kind is named before its quote: bytes, raw, or both.
fn end_of_prefixed(chars: &[char], at: usize, prefix: &str) -> Option<usize> {
    match (prefix, chars.get(at)?) {
        ("b" | "c", '"') => Some(end_of_text(chars, at + 1, '"')),
        ("b", '\'') => Some(end_of_text(chars, at + 1, '\'')),
        ("r" | "br" | "cr", '"' | '#') => {
            let quote = find(chars, at, |c| c != '#');
            if chars.get(quote) != Some(&'"') {
                // A raw name, such as `r#type`: the name follows as a separate token.
                return None;
            }
            let hashes = quote - at;
            let mut end = quote + 1;
            loop {
                end = find(chars, end, |c| c == '"') + 1;
                if end >= chars.len() || chars[end..].iter().take_while(|c| **c == '#').count() >= hashes {
                    return Some((end + hashes).min(chars.len()));
                }
            }
        }
        _ => None,
    }
}

/// Every item under `#[cfg(test)]`, outermost ones only.
fn test_items(tokens: &[Token]) -> Vec<TestItem> {
    let mut items = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let Some(after) = end_of_test_attribute(tokens, at) else {
            at += 1;
            continue;
        };
        let mut start = after;
        while let Some(end) = end_of_attribute(tokens, start) {
            start = end;
        }
        let end = end_of_item(tokens, start);
        let is_module = tokens.get(start).is_some_and(|t| t.is("mod"));
        let inline = tokens.get(end - 1).is_some_and(|t| t.is_sign('}'));
        let lines = tokens[end - 1].line - tokens[at].line + 1;
        let first_line = tokens[at].line;
        items.push(TestItem { tokens: at..end, first_line, lines, is_module, inline });
        at = end;
    }
    items
}

fn end_of_attribute(tokens: &[Token], at: usize) -> Option<usize> {
    if !(tokens.get(at)?.is_sign('#') && tokens.get(at + 1)?.is_sign('[')) {
        return None;
    }
    Some(end_of_brackets(tokens, at + 1, '[', ']'))
}

fn end_of_test_attribute(tokens: &[Token], at: usize) -> Option<usize> {
    let end = end_of_attribute(tokens, at)?;
    let inside = &tokens[at + 2..end];
    let has = |name| inside.iter().any(|t| t.is(name));
    (inside.first()?.is("cfg") && has("test") && !has("not")).then_some(end)
}

fn end_of_item(tokens: &[Token], start: usize) -> usize {
    let is_use = tokens.get(start).is_some_and(|t| t.is("use"));
    for (at, token) in tokens.iter().enumerate().skip(start) {
        if token.is_sign(';') {
            return at + 1;
        }
        if token.is_sign('{') && !is_use {
            return end_of_brackets(tokens, at, '{', '}');
        }
    }
    tokens.len()
}

/// The place behind the bracket that closes the one at `at`.
pub fn end_of_brackets(tokens: &[Token], at: usize, open: char, close: char) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(at) {
        if token.is_sign(open) {
            depth += 1;
        } else if token.is_sign(close) {
            depth -= 1;
            if depth == 0 {
                return at + 1;
            }
        }
    }
    tokens.len()
}

mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        tokens(text).iter().filter_map(Token::name).map(str::to_owned).collect()
    }

    #[test]
    fn comments_and_text_are_no_code() {
        for (text, expected) in [
            ("a // b\nc", vec!["a", "c"]),
            ("a /* b /* c */ d */ e", vec!["a", "e"]),
            (r#"a "b \" c" d"#, vec!["a", "d"]),
            ("a r\"b\" c", vec!["a", "c"]),
            ("a r#\"b \" c\"# d", vec!["a", "d"]),
            ("a br##\"b \"# c\"## d", vec!["a", "d"]),
            (r#"a b"c" b'd' e"#, vec!["a", "e"]),
            ("a 'b' c '\\'' d", vec!["a", "c", "d"]),
            ("fn a<'b>(c: &'b str)", vec!["fn", "a", "c", "str"]),
            ("r#type b", vec!["r", "type", "b"]),
            ("1u8 2_000usize 0xff a", vec!["a"]),
            ("a \"b", vec!["a"]),
            ("a /* b", vec!["a"]),
        ] {
            assert_eq!(names(text), expected, "{text}");
        }
    }

    #[test]
    fn lines_are_counted_through_comments_and_text() {
        let tokens = tokens("a\n/* \n */ b \"\n\n\" c\n// d\ne");
        let lines: Vec<_> = tokens.iter().map(|t| t.line).collect();
        assert_eq!(lines, [1, 3, 5, 7]);
    }

    #[test]
    fn tests_are_told_from_the_rest() {
        let text = "//! A.\nuse a;\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n    fn b() {}\n}\n#[cfg(test)]\nmod other;\n\
                    #[cfg(not(test))]\nfn c() {}\n#[cfg(test)]\nuse d::{e};\n";
        let source = Source::read("src/x.rs", text);
        let test = |name: &str| source.is_test(source.tokens.iter().position(|t| t.is(name)).expect(name));
        assert_eq!(["a", "b", "c", "e", "other"].map(test), [false, true, false, true, true]);
        assert_eq!(source.lines_of_code(), 13 - 5);
        assert!(source.has_header());
        assert_eq!(source.product_lines(text), ["fn c() {}"]);
        assert!(!source.product().iter().any(|t| t.is("b")));
    }
}
