//! The syntax of a disk selector, which is an expression in the Common Expression Language (CEL).
//!
//! It refuses only what no CEL parser reads, and names that no expression about a disk has; [`super::typed`] holds its
//! parts against each other.

use super::typed;
use crate::tf::check::Check;
use kit::text::{closest, quoted};

/// The variables that Omni defines, beside the names of the language.
const VARIABLES: &[&str] =
    &["disk", "system_disk", "kB", "MB", "GB", "TB", "PB", "EB", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// Names that are not variables: values, types, and the namespaces of libraries.
const NAMES: &[&str] = &[
    "true",
    "false",
    "null",
    "int",
    "uint",
    "double",
    "bool",
    "string",
    "bytes",
    "list",
    "map",
    "null_type",
    "type",
    "dyn",
    "google",
    "cel",
    "math",
    "optional",
    "optional_type",
    "sets",
    "strings",
    "lists",
    "regex",
    "base64",
    "talos",
];

/// The longest first.
const OPERATORS: &[&str] = &[
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",", "(", ")", "[", "]",
    "{", "}",
];

/// What an expression cannot end with.
const UNFINISHED: &[&str] =
    &["&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",", "in"];

/// A part of an expression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// A variable, a field, a function, or a word of the language.
    Name(&'a str),
    /// A number or a text, as written.
    Literal(&'a str),
    /// An operator, or a bracket.
    Operator(&'a str),
}

impl<'a> Token<'a> {
    /// As it is written.
    pub(super) fn text(self) -> &'a str {
        match self {
            Self::Name(text) | Self::Literal(text) | Self::Operator(text) => text,
        }
    }

    /// Whether it is this operator or word.
    pub(super) fn is(self, operator: &str) -> bool {
        self.text() == operator && !matches!(self, Self::Literal(_))
    }

    /// Whether an operand ends here.
    fn ends_operand(self) -> bool {
        match self {
            Self::Name(name) => name != "in",
            Self::Literal(_) => true,
            Self::Operator(operator) => matches!(operator, ")" | "]" | "}"),
        }
    }

    /// Whether it can only begin an operand.
    fn begins_operand(self) -> bool {
        match self {
            Self::Name(name) => name != "in",
            Self::Literal(_) => true,
            Self::Operator(_) => false,
        }
    }
}

/// The text is an expression about a disk.
pub(super) fn is_selector() -> Check {
    Check::text(|text| problem(text).map_or(Ok(()), Err))
}

/// What is wrong with an expression, as a sentence.
fn problem(text: &str) -> Option<String> {
    let tokens = match tokens(text) {
        Ok(tokens) => tokens,
        Err(problem) => return Some(problem),
    };
    let Some(last) = tokens.last() else { return Some("The expression is empty.".to_owned()) };
    unbalanced(&tokens)
        .or_else(|| {
            UNFINISHED.iter().any(|end| last.is(end)).then(|| {
                format!("The expression ends with {}, after which an operand is missing.", quoted(last.text()))
            })
        })
        .or_else(|| {
            let side = tokens.windows(2).find(|pair| pair[0].ends_operand() && pair[1].begins_operand())?;
            let [left, right] = [side[0], side[1]].map(|token| quoted(token.text()));
            Some(format!("There is no operator between {left} and {right}: write `10u * GB` for a size, for example."))
        })
        .or_else(|| unknown(&tokens))
        .or_else(|| typed::problem(&tokens))
}

/// The parts of an expression, in order.
///
/// # Errors
/// When a part has no meaning, as a sentence.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_whitespace() {
            first.len_utf8()
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some((length, end)) = string(rest) {
            if !end {
                return Err(format!("The text that begins with {} does not end.", quoted(first_line(rest))));
            }
            found.push(Token::Literal(&rest[..length]));
            length
        } else if first == '`' {
            let length =
                rest[1..].find('`').map(|end| end + 2).ok_or("The name that begins with a backtick does not end.")?;
            found.push(Token::Name(&rest[..length]));
            length
        } else if first.is_ascii_digit() {
            let length = number(rest);
            found.push(Token::Literal(&rest[..length]));
            length
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            found.push(Token::Name(&rest[..length]));
            length
        } else if let Some(operator) = OPERATORS.iter().find(|operator| rest.starts_with(**operator)) {
            // A number may begin with its point.
            if *operator == "." && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
                let length = 1 + number(&rest[1..]);
                found.push(Token::Literal(&rest[..length]));
                length
            } else {
                found.push(Token::Operator(operator));
                operator.len()
            }
        } else {
            let meant = match first {
                '=' => " Did you mean `==`?",
                '&' => " Did you mean `&&`?",
                '|' => " Did you mean `||`?",
                _ => "",
            };
            return Err(format!("{} has no meaning in an expression.{meant}", quoted(&first.to_string())));
        };
        rest = &rest[length..];
    }
    Ok(found)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The length of the text literal that begins here, and whether it ends.
fn string(text: &str) -> Option<(usize, bool)> {
    let prefix = text.bytes().take(3).position(|byte| matches!(byte, b'"' | b'\''))?;
    let (prefix, body) = text.split_at(prefix);
    let raw = match prefix.to_ascii_lowercase().as_str() {
        "" | "b" => false,
        "r" | "br" | "rb" => true,
        _ => return None,
    };
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| body.starts_with(quote))?;
    let mut at = quote.len();
    while let Some(next) = body[at..].chars().next() {
        if body[at..].starts_with(quote) {
            return Some((prefix.len() + at + quote.len(), true));
        }
        if matches!(next, '\n' | '\r') && quote.len() == 1 {
            break;
        }
        at += next.len_utf8();
        if next == '\\' && !raw {
            at += body[at..].chars().next().map_or(0, char::len_utf8);
        }
    }
    Some((prefix.len() + at, false))
}

/// The length of the number that begins here: whole, hexadecimal or with a point, an exponent, and a sign for its type.
fn number(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if text.starts_with("0x") || text.starts_with("0X") {
        let end = 2 + bytes[2..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        return end + usize::from(matches!(bytes.get(end), Some(b'u' | b'U')));
    }
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if bytes.get(sign).is_some_and(u8::is_ascii_digit) {
            end = digits(sign);
        }
    }
    end + usize::from(matches!(bytes.get(end), Some(b'u' | b'U')))
}

/// The first bracket without its partner.
fn unbalanced(tokens: &[Token<'_>]) -> Option<String> {
    let mut open = Vec::new();
    for token in tokens {
        let Token::Operator(bracket) = *token else { continue };
        match bracket {
            "(" | "[" | "{" => open.push(bracket),
            ")" | "]" | "}" => {
                let partner = match bracket {
                    ")" => "(",
                    "]" => "[",
                    _ => "{",
                };
                match open.pop() {
                    Some(last) if last == partner => {}
                    Some(last) => return Some(format!("The bracket `{last}` is closed with `{bracket}`.")),
                    None => return Some(format!("The bracket `{bracket}` has no `{partner}` before it.")),
                }
            }
            _ => {}
        }
    }
    open.pop().map(|bracket| format!("The bracket `{bracket}` is not closed."))
}

/// The first variable that is not known. Names of functions, fields, messages and macro variables are left out.
fn unknown(tokens: &[Token<'_>]) -> Option<String> {
    let at = |place: Option<usize>| place.and_then(|place| tokens.get(place)).copied();
    let is = |token: Option<Token<'_>>, operators: &[&str]| {
        token.is_some_and(|token| operators.iter().any(|operator| token.is(operator)))
    };
    // A macro such as `exists(x, …)` names its variables.
    let bound: Vec<&str> = (0..tokens.len())
        .filter(|place| is(at(place.checked_sub(1)), &["(", ","]) && is(at(Some(place + 1)), &[","]))
        .map(|place| tokens[place].text())
        .collect();
    let name = (0..tokens.len()).find_map(|place| {
        let Token::Name(name) = tokens[place] else { return None };
        let field = is(at(place.checked_sub(1)), &["."])
            || (is(at(place.checked_sub(1)), &["?"]) && is(at(place.checked_sub(2)), &["."]));
        let free = !field && !is(at(Some(place + 1)), &["(", "{", ":"]);
        let known = name == "in" || VARIABLES.contains(&name) || NAMES.contains(&name) || bound.contains(&name);
        (free && !known && !name.starts_with('`')).then_some(name)
    })?;
    let meant = closest(name, VARIABLES).map(|word| format!(" Did you mean `{word}`?")).unwrap_or_default();
    Some(format!(
        "`{name}` is not a variable of a disk selector: these are `disk`, `system_disk`, and units such as `GB` and `GiB`.{meant}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_omni_reads_passes() {
        for text in [
            "true",
            "disk.size > 10u * GB && !disk.rotational",
            "disk.size >= uint(10) * GiB",
            "disk.transport == 'nvme' || '/dev/disk/by-id/x' in disk.symlinks",
            "glob('QEMU*', disk.model) && !system_disk",
            "disk.serial.startsWith('S3') ? disk.readonly : disk.cdrom",
            "disk.symlinks.exists(link, link.contains('nvme'))",
            "disk.symlinks.all(link, size(link) > 3) && disk.symlinks.size() == 2",
            "disk.secondary_disks[3] == 'sdb'",
            "disk.model in ['a', 'b',]",
            "has(disk.serial)",
            "disk.size > 0x1Fu // large\n && true",
            "double(disk.size) > 1.5e+9 || double(disk.size) < .5",
            r#"disk.model == "a \" quote ) (" || disk.model == 'it"s'"#,
            r"disk.model.matches(r'^\w+\')",
            "disk.model == '''two\nlines''' || b'x' == b\"x\" || R\"\\\" == ''",
            "cel.bind(limit, 10u * GB, disk.size > limit)",
            "disk.symlinks.map(a, b, a).exists(c, c == '')",
            "{'a': system_disk}['a'] && {1: disk.cdrom}[1]",
            "type(disk.size) == uint && timestamp('2024-01-01T00:00:00Z') < timestamp('2025-01-01T00:00:00Z')",
            "google.protobuf.Duration{seconds: 1} == duration('1s')",
            "-1 < 2 && !(-size(disk.model) > 1)",
            "disk.`odd-name` == 1",
            "disk.?serial.orValue('') == ''",
        ] {
            assert_eq!(problem(text), None, "{text}");
        }
    }

    #[test]
    fn what_nobody_can_read_is_refused() {
        for (text, expected) in [
            (" \n // nothing\n", "The expression is empty."),
            ("disk.model == 'nvme", "The text that begins with `'nvme` does not end."),
            ("disk.model == \"a\nb\"", "The text that begins with `\"a` does not end."),
            ("glob('a', disk.model", "The bracket `(` is not closed."),
            ("disk.symlinks[0)", "The bracket `[` is closed with `)`."),
            ("disk.size > 1u)", "The bracket `)` has no `(` before it."),
            ("disk.size >", "The expression ends with `>`, after which an operand is missing."),
            ("disk.", "The expression ends with `.`, after which an operand is missing."),
            (
                "disk.size > 10 GB",
                "There is no operator between `10` and `GB`: write `10u * GB` for a size, for example.",
            ),
            (
                "disk.size > 10GB",
                "There is no operator between `10` and `GB`: write `10u * GB` for a size, for example.",
            ),
            ("disk.model = 'a'", "`=` has no meaning in an expression. Did you mean `==`?"),
            ("disk.cdrom & true", "`&` has no meaning in an expression. Did you mean `&&`?"),
            ("#disk", "`#` has no meaning in an expression."),
            (
                "disks.size > 1u",
                "`disks` is not a variable of a disk selector: these are `disk`, `system_disk`, and units such as `GB` and `GiB`. Did you mean `disk`?",
            ),
            (
                "disk.size > 1",
                "`>` has a uint on its left and an int on its right, and takes two of one type: write `1u`.",
            ),
            (
                "disk.size > 1u * Gb",
                "`Gb` is not a variable of a disk selector: these are `disk`, `system_disk`, and units such as `GB` and `GiB`. Did you mean `GB`?",
            ),
        ] {
            assert_eq!(problem(text).as_deref(), Some(expected), "{text}");
        }
    }
}
