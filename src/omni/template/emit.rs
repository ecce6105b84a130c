//! YAML in the layout of Go's library, which omnictl and Omni write. It knows nothing of templates.

use super::Release;
use kit::yaml::{Reading, Scalar};
use std::cmp::Ordering;

/// The column after which a line is folded at the next blank.
const WIDTH: usize = 80;
/// The most bytes of a key that stands on the line of its value.
const LONGEST_KEY: usize = 128;

/// How a text is laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// The blanks of a level.
    pub(super) indent: usize,
    /// Whether long lines are folded, and words that once were truth values stand in single quotes: since 1.11.
    pub(super) folds: bool,
}

impl Layout {
    pub(super) fn new(indent: usize, release: Release) -> Self {
        Self { indent, folds: release.is_from(11) }
    }
}

/// A value to be written.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    /// A text: in quotes where it would be taken for something else.
    Text(String),
    /// A number, a truth value or null; or a text that is written without quotes wherever the syntax allows it.
    Bare(String),
    /// A text that is printed as a literal block if its characters allow it.
    Block(String),
    List(Vec<Tree>),
    Map(Vec<(Tree, Tree)>),
}

impl Tree {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn bare(text: impl Into<String>) -> Self {
        Self::Bare(text.into())
    }

    /// A map with keys that are no texts to be taken for anything else.
    pub(super) fn map<'k>(entries: impl IntoIterator<Item = (&'k str, Self)>) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (Self::bare(key), value)).collect())
    }

    pub(super) fn texts<'t>(texts: impl IntoIterator<Item = &'t String>) -> Self {
        Self::List(texts.into_iter().map(|text| Self::text(text.as_str())).collect())
    }
}

/// A document, with a newline at its end.
pub(super) fn write(tree: &Tree, layout: Layout) -> String {
    let mut writer = Writer { out: String::new(), layout };
    match tree {
        Tree::Map(entries) if !entries.is_empty() => writer.mapping(entries, 0, true),
        Tree::List(elements) if !elements.is_empty() => writer.sequence(elements, 0, true),
        other => writer.leaf(other, layout.indent, false),
    }
    writer.end_line();
    writer.out
}

/// In which way a scalar is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

struct Writer {
    out: String,
    layout: Layout,
}

impl Writer {
    fn end_line(&mut self) {
        if !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    /// Begins a line at this indentation.
    fn line(&mut self, indent: usize) {
        if !self.out.is_empty() {
            self.end_line();
        }
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    fn column(&self) -> usize {
        let start = self.out.rfind('\n').map_or(0, |at| at + 1);
        self.out[start..].chars().count()
    }

    /// The indentation of what stands below a key at this one.
    fn below(&self, indent: usize) -> usize {
        let level = self.layout.indent.max(1);
        level * ((indent + level) / level)
    }

    fn mapping(&mut self, entries: &[(Tree, Tree)], indent: usize, mut started: bool) {
        for (key, value) in entries {
            if !std::mem::take(&mut started) {
                self.line(indent);
            }
            let below = self.below(indent);
            let text = match key {
                Tree::Text(text) | Tree::Bare(text) | Tree::Block(text) => text.as_str(),
                Tree::List(_) | Tree::Map(_) => "",
            };
            if text.contains('\n') || text.len() > LONGEST_KEY {
                self.out.push('?');
                self.leaf(key, below, false);
                self.line(indent);
            } else {
                let column = self.out.len();
                self.leaf(key, below, true);
                // A key follows its indentation, or an indicator and a blank, at once.
                if self.out[column..].starts_with(' ') {
                    self.out.remove(column);
                }
            }
            self.out.push(':');
            match value {
                Tree::Map(entries) if !entries.is_empty() => self.mapping(entries, below, false),
                Tree::List(elements) if !elements.is_empty() => self.sequence(elements, below, false),
                other => self.leaf(other, below, false),
            }
        }
    }

    fn sequence(&mut self, elements: &[Tree], indent: usize, mut started: bool) {
        for element in elements {
            if !std::mem::take(&mut started) {
                self.line(indent);
            }
            self.out.push('-');
            let below = indent + 2;
            match element {
                Tree::Map(entries) if !entries.is_empty() => {
                    self.out.push(' ');
                    self.mapping(entries, below, true);
                }
                Tree::List(elements) if !elements.is_empty() => {
                    self.out.push(' ');
                    self.sequence(elements, below, true);
                }
                other => self.leaf(other, below, false),
            }
        }
    }

    /// A value on this line, behind a blank; further lines of it stand at `indent`.
    fn leaf(&mut self, tree: &Tree, indent: usize, is_key: bool) {
        match tree {
            Tree::List(_) => self.out.push_str(" []"),
            Tree::Map(_) => self.out.push_str(" {}"),
            Tree::Text(text) => self.scalar(text, wanted(text, self.layout), indent, is_key),
            Tree::Block(text) => self.scalar(text, Style::Literal, indent, is_key),
            Tree::Bare(text) => {
                let style = if text.contains('\n') { Style::Literal } else { Style::Plain };
                self.scalar(text, style, indent, is_key);
            }
        }
    }

    fn scalar(&mut self, text: &str, wanted: Style, indent: usize, is_key: bool) {
        let allowed = Allowed::of(text);
        let mut style = wanted;
        if is_key && allowed.multiline {
            style = Style::Double;
        }
        if style == Style::Plain && (!allowed.plain || (text.is_empty() && is_key)) {
            style = Style::Single;
        }
        if style == Style::Single && !allowed.single {
            style = Style::Double;
        }
        if style == Style::Literal && (!allowed.block || is_key) {
            style = Style::Double;
        }
        if text.is_empty() && style == Style::Plain {
            return;
        }
        self.out.push(' ');
        match style {
            Style::Plain => self.folded(text, indent, is_key, |out, c| out.push(c)),
            Style::Single => {
                self.out.push('\'');
                self.folded(text, indent, is_key, |out, c| {
                    out.push(c);
                    if c == '\'' {
                        out.push(c);
                    }
                });
                self.out.push('\'');
            }
            Style::Double => {
                self.out.push('"');
                self.double(text, indent, is_key);
                self.out.push('"');
            }
            Style::Literal => self.literal(text, indent),
        }
    }

    /// Text whose blanks may become ends of lines.
    fn folded(&mut self, text: &str, indent: usize, is_key: bool, push: impl Fn(&mut String, char)) {
        let folds = self.layout.folds && !is_key;
        let mut column = self.column();
        let mut after_blank = false;
        let mut chars = text.chars().peekable();
        let mut first = true;
        while let Some(c) = chars.next() {
            if c == ' ' {
                let between = !first && chars.peek().is_some_and(|next| *next != ' ');
                if folds && !after_blank && column > WIDTH && between {
                    self.line(indent);
                    column = indent;
                } else {
                    self.out.push(c);
                    column += 1;
                }
                after_blank = true;
            } else if c == '\n' {
                // Two ends of lines stand for one; only single quotes come here with any.
                self.out.push('\n');
                if !after_blank {
                    self.out.push('\n');
                }
                column = 0;
                after_blank = false;
            } else {
                if self.out.ends_with('\n') {
                    self.out.extend(std::iter::repeat_n(' ', indent));
                    column = indent;
                }
                push(&mut self.out, c);
                column += 1;
                after_blank = false;
            }
            first = false;
        }
    }

    fn double(&mut self, text: &str, indent: usize, is_key: bool) {
        let folds = self.layout.folds && !is_key;
        let mut column = self.column();
        let mut after_blank = false;
        let mut chars = text.chars().peekable();
        let mut first = true;
        while let Some(c) = chars.next() {
            if !printable(c) || is_break(c) || matches!(c, '"' | '\\' | '\u{feff}') {
                let escaped = escaped(c);
                column += escaped.len();
                self.out.push_str(&escaped);
                after_blank = false;
            } else if c == ' ' {
                if folds && !after_blank && column > WIDTH && !first && chars.peek().is_some() {
                    self.line(indent);
                    column = indent;
                    if chars.peek() == Some(&' ') {
                        self.out.push('\\');
                        column += 1;
                    }
                } else {
                    self.out.push(c);
                    column += 1;
                }
                after_blank = true;
            } else {
                self.out.push(c);
                column += 1;
                after_blank = false;
            }
            first = false;
        }
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.out.push('|');
        if text.starts_with(' ') {
            self.out.push_str(&self.layout.indent.to_string());
        }
        match text.strip_suffix('\n') {
            None => self.out.push('-'),
            Some("") => self.out.push('+'),
            Some(rest) if rest.ends_with('\n') => self.out.push('+'),
            Some(_) => {}
        }
        self.out.push('\n');
        for line in text.split_inclusive('\n') {
            if line != "\n" {
                self.out.extend(std::iter::repeat_n(' ', indent));
            }
            self.out.push_str(line);
        }
    }
}

/// How a text is written unless its characters forbid it.
fn wanted(text: &str, layout: Layout) -> Style {
    if text.contains('\n') {
        let literal = text.len() > 1 && text.chars().any(|c| !c.is_whitespace());
        return if literal { Style::Literal } else { Style::Double };
    }
    if is_old_bool(text) || is_sexagesimal(text) || text == "<<" {
        return if layout.folds { Style::Single } else { Style::Double };
    }
    if Scalar::plain(text).reading() == Reading::Text { Style::Plain } else { Style::Double }
}

/// Whether YAML 1.1 takes the word for a truth value.
pub(super) fn is_old_bool(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let capital = text.get(1..) == lower.get(1..);
    let upper = text == text.to_ascii_uppercase();
    matches!(lower.as_str(), "y" | "yes" | "on" | "n" | "no" | "off") && (capital || upper)
}

/// Whether YAML 1.1 takes it for a number to the base of sixty: `12:30`.
fn is_sexagesimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut parts = unsigned.split(':');
    let whole = parts.next().unwrap_or_default();
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    if !whole.starts_with(|c: char| c.is_ascii_digit()) || !digits(whole) {
        return false;
    }
    let rest: Vec<&str> = parts.collect();
    let Some((last, middle)) = rest.split_last() else { return false };
    let (last, fraction) = last.split_once('.').unwrap_or((last, ""));
    let sixty = |part: &&str| match part.as_bytes() {
        [d] => d.is_ascii_digit(),
        [b'0'..=b'5', d] => d.is_ascii_digit(),
        _ => false,
    };
    middle.iter().all(sixty) && sixty(&last) && digits(fraction)
}

/// The styles that the characters of a text allow.
struct Allowed {
    multiline: bool,
    plain: bool,
    single: bool,
    block: bool,
}

impl Allowed {
    fn of(text: &str) -> Self {
        if text.is_empty() {
            return Self { multiline: false, plain: true, single: true, block: false };
        }
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut breaks, mut special, mut tab) = (false, false, false);
        let (mut break_blank, mut blank_break) = (false, false);
        let (mut after_white, mut after_blank, mut after_break) = (true, false, false);
        let mut chars = text.chars().peekable();
        let mut first = true;
        while let Some(c) = chars.next() {
            let before_white = chars.peek().is_none_or(|next| matches!(next, ' ' | '\t'));
            indicators |= match c {
                '#' => first || after_white,
                ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => first,
                '?' | '-' => first && before_white,
                ':' => before_white,
                _ => false,
            };
            if c == '\t' {
                tab = true;
            } else if !printable(c) {
                special = true;
            }
            if c == ' ' {
                break_blank |= after_break;
                (after_blank, after_break) = (true, false);
            } else if is_break(c) {
                breaks = true;
                blank_break |= after_blank;
                (after_blank, after_break) = (false, true);
            } else {
                (after_blank, after_break) = (false, false);
            }
            after_white = matches!(c, ' ' | '\t') || is_break(c);
            first = false;
        }
        let edge = |c: Option<char>| c.is_some_and(|c| c == ' ' || is_break(c));
        let edged = edge(text.chars().next()) || edge(text.chars().last());
        let odd = break_blank || blank_break || tab || special;
        Self {
            multiline: breaks,
            plain: !(indicators || edged || odd || breaks),
            single: !odd,
            block: !(text.ends_with(' ') || blank_break || special),
        }
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether Go's library writes the character as it is; it escapes what needs four bytes.
fn printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

fn escaped(c: char) -> String {
    let short = match c {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            return match u32::from(c) {
                code @ ..=0xff => format!("\\x{code:02X}"),
                code @ ..=0xffff => format!("\\u{code:04X}"),
                code => format!("\\U{code:08X}"),
            };
        }
    };
    format!("\\{short}")
}

/// The order of texts as keys: numbers in them by their value, so that `x9` comes before `x10`.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(at) = a.iter().zip(&b).position(|(a, b)| a != b) else { return a.len().cmp(&b.len()) };
    let (x, y) = (a[at], b[at]);
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => return x.cmp(&y),
        (false, false) => {}
        (letter, _) => {
            // A letter comes after anything else, unless it ends a number.
            let ends_number = at > 0 && a[at - 1].is_numeric();
            return if letter == ends_number { Ordering::Less } else { Ordering::Greater };
        }
    }
    let digit = |c: &char| c.is_numeric();
    let value = |c: char| u64::from(c.to_digit(10).unwrap_or_default());
    // Zeros within a number count as digits of it, those before it do not.
    let inside = (x == '0' || y == '0') && a[..at].iter().rev().take_while(|c| digit(c)).any(|c| *c != '0');
    let number = |chars: &[char]| {
        let digits: Vec<char> = chars[at..].iter().copied().take_while(digit).collect();
        let start = u64::from(inside);
        (digits.iter().fold(start, |n, c| n.wrapping_mul(10).wrapping_add(value(*c))), digits.len())
    };
    number(&a).cmp(&number(&b)).then_with(|| x.cmp(&y))
}
