//! The types in a disk selector: what each part gives, and what goes together.
//! Omni checks expressions like this before it has a disk, so what is wrong here is refused for every disk.
//!
//! What this file does not know, such as messages, may be anything and is left to Omni.

use super::selector::Token;
use kit::text::{closest, quoted};
use std::fmt;

/// What a disk has.
const FIELDS: &[(&str, Type)] = &[
    ("size", Type::Uint),
    ("io_size", Type::Uint),
    ("sector_size", Type::Uint),
    ("readonly", Type::Bool),
    ("model", Type::Text),
    ("serial", Type::Text),
    ("modalias", Type::Text),
    ("wwid", Type::Text),
    ("bus_path", Type::Text),
    ("sub_system", Type::Text),
    ("transport", Type::Text),
    ("rotational", Type::Bool),
    ("cdrom", Type::Bool),
    ("dev_path", Type::Text),
    ("pretty_size", Type::Text),
    ("secondary_disks", Type::Texts),
    ("uuid", Type::Text),
    ("symlinks", Type::Texts),
    ("firmware_version", Type::Text),
];

/// Methods that name the elements that they look at.
const MACROS: &[&str] = &["all", "exists", "exists_one", "existsOne", "map", "filter"];
/// Methods of strings that take one.
const TEXT_METHODS: &[&str] = &["contains", "endsWith", "matches", "startsWith"];
/// Methods of times, and the one of all that has a size.
const OTHER_METHODS: &[&str] = &[
    "size",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
];
/// Functions, and what they give.
const FUNCTIONS: &[(&str, Type)] = &[
    ("has", Type::Bool),
    ("glob", Type::Bool),
    ("matches", Type::Bool),
    ("size", Type::Int),
    ("int", Type::Int),
    ("uint", Type::Uint),
    ("double", Type::Double),
    ("string", Type::Text),
    ("bool", Type::Bool),
    ("bytes", Type::Bytes),
    ("type", Type::Any),
    ("dyn", Type::Any),
    ("timestamp", Type::Any),
    ("duration", Type::Any),
];
/// How deep an expression may be nested to be read: none that is meant is nested as deep.
const DEEPEST: usize = 100;

/// What a part of an expression gives.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Type {
    Bool,
    Int,
    Uint,
    Double,
    Text,
    Bytes,
    Null,
    /// A list of strings.
    Texts,
    /// A list of anything.
    List,
    Map,
    Disk,
    /// It is not known.
    Any,
}

impl Type {
    /// Whether both can be the same.
    fn fits(self, other: Self) -> bool {
        let lists = [Self::List, Self::Texts];
        self == other || [self, other].contains(&Self::Any) || (lists.contains(&self) && lists.contains(&other))
    }

    fn is_among(self, all: &[Self]) -> bool {
        all.iter().any(|other| self.fits(*other))
    }

    /// What a list holds.
    fn element(self) -> Self {
        if self == Self::Texts { Self::Text } else { Self::Any }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::Text => "string",
            Self::Bytes => "bytes",
            Self::Null => "null",
            Self::Texts => "list(string)",
            Self::List => "list",
            Self::Map => "map",
            Self::Disk => "disk",
            Self::Any => "dyn",
        })
    }
}

/// A part that was read: what it gives, and, where it is a whole number, how that is written.
#[derive(Clone, Copy)]
struct Part<'a> {
    of: Type,
    number: Option<&'a str>,
}

impl From<Type> for Part<'_> {
    fn from(of: Type) -> Self {
        Self { of, number: None }
    }
}

/// Why nothing more is read of an expression.
enum Stop {
    /// It is wrong, as a sentence.
    Wrong(String),
    /// It has a form that this file does not know.
    Unknown,
}

type Read<T> = Result<T, Stop>;

/// What is wrong with the types of an expression, as a sentence.
pub(super) fn problem(tokens: &[Token<'_>]) -> Option<String> {
    let mut reader = Reader { tokens, at: 0, scope: Vec::new(), depth: 0 };
    match reader.expression() {
        Err(Stop::Wrong(problem)) => Some(problem),
        Ok(part) if reader.at == tokens.len() && !part.of.fits(Type::Bool) => Some(format!(
            "The expression gives {} ({}), and has to give true or false (bool): compare it with a value.",
            with_article(part.of),
            display(tokens)
        )),
        Ok(_) | Err(Stop::Unknown) => None,
    }
}

fn with_article(of: Type) -> String {
    match of {
        Type::Int => format!("an {of}"),
        Type::Bytes | Type::Null => of.to_string(),
        _ => format!("a {of}"),
    }
}

/// The expression in a sentence.
fn display(tokens: &[Token<'_>]) -> String {
    let words: Vec<_> = tokens.iter().map(|token| token.text()).collect();
    quoted(&words.concat())
}

/// Reads an expression from the left to the right.
struct Reader<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
    /// The names that macros give to what they look at.
    scope: Vec<(&'a str, Type)>,
    depth: usize,
}

impl<'a> Reader<'_, 'a> {
    fn peek(&self, ahead: usize) -> Option<Token<'a>> {
        self.tokens.get(self.at + ahead).copied()
    }

    /// Steps over this operator or word, if it is next.
    fn take(&mut self, operator: &str) -> bool {
        let found = self.peek(0).is_some_and(|token| token.is(operator));
        self.at += usize::from(found);
        found
    }

    /// Steps over one of these operators, if it is next.
    fn take_any(&mut self, operators: &[&'static str]) -> Option<&'static str> {
        operators.iter().copied().find(|operator| self.take(operator))
    }

    fn expect(&mut self, operator: &str) -> Read<()> {
        if self.take(operator) { Ok(()) } else { Err(Stop::Unknown) }
    }

    fn name(&mut self) -> Read<&'a str> {
        match self.peek(0) {
            Some(Token::Name(name)) => {
                self.at += 1;
                Ok(name)
            }
            _ => Err(Stop::Unknown),
        }
    }

    fn expression(&mut self) -> Read<Part<'a>> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Stop::Unknown);
        }
        let whole = self.choice();
        self.depth -= 1;
        whole
    }

    fn choice(&mut self) -> Read<Part<'a>> {
        let condition = self.or()?;
        if !self.take("?") {
            return Ok(condition);
        }
        operand("?", condition.of, &[Type::Bool])?;
        let yes = self.or()?;
        self.expect(":")?;
        let no = self.expression()?;
        same(":", yes, no)?;
        Ok(yes.of.into())
    }

    fn or(&mut self) -> Read<Part<'a>> {
        self.chain(&["||"], Self::and)
    }

    fn and(&mut self) -> Read<Part<'a>> {
        self.chain(&["&&"], Self::relation)
    }

    fn relation(&mut self) -> Read<Part<'a>> {
        self.chain(&["<=", ">=", "==", "!=", "<", ">", "in"], Self::sum)
    }

    fn sum(&mut self) -> Read<Part<'a>> {
        self.chain(&["+", "-"], Self::product)
    }

    fn product(&mut self) -> Read<Part<'a>> {
        self.chain(&["*", "/", "%"], Self::unary)
    }

    /// Operands of one level with operators between them.
    fn chain(&mut self, operators: &[&'static str], next: fn(&mut Self) -> Read<Part<'a>>) -> Read<Part<'a>> {
        let mut left = next(self)?;
        while let Some(operator) = self.take_any(operators) {
            let right = next(self)?;
            left = binary(operator, left, right)?.into();
        }
        Ok(left)
    }

    fn unary(&mut self) -> Read<Part<'a>> {
        let Some(operator) = self.take_any(&["!", "-"]) else { return self.member() };
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Stop::Unknown);
        }
        let part = self.unary()?;
        self.depth -= 1;
        match operator {
            "!" => operand("!", part.of, &[Type::Bool])?,
            _ => operand("-", part.of, &[Type::Int, Type::Double])?,
        }
        Ok(part.of.into())
    }

    /// An operand with what is selected of it.
    fn member(&mut self) -> Read<Part<'a>> {
        let mut part = self.primary()?;
        loop {
            if self.take(".") {
                let optional = self.take("?");
                let name = self.name()?;
                part = match self.take("(") {
                    true => self.method(part.of, name)?.into(),
                    false if optional => Type::Any.into(),
                    false => field(part.of, name)?.into(),
                };
            } else if self.take("[") {
                let optional = self.take("?");
                let index = self.expression()?;
                self.expect("]")?;
                part = if optional { Type::Any.into() } else { indexed(part.of, index.of)?.into() };
            } else if part.of == Type::Any && self.take("{") {
                self.fields()?;
            } else {
                return Ok(part);
            }
        }
    }

    fn primary(&mut self) -> Read<Part<'a>> {
        self.take(".");
        let Some(token) = self.peek(0) else { return Err(Stop::Unknown) };
        match token {
            Token::Literal(text) => {
                self.at += 1;
                Ok(literal(text))
            }
            Token::Name(name) => {
                self.at += 1;
                match self.take("(") {
                    true => self.function(name).map(Part::from),
                    false => Ok(self.variable(name).into()),
                }
            }
            Token::Operator("(") => {
                self.at += 1;
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Operator("[") => {
                self.at += 1;
                let elements = self.list("]")?;
                let texts = !elements.is_empty() && elements.iter().all(|of| *of == Type::Text);
                Ok(if texts { Type::Texts } else { Type::List }.into())
            }
            Token::Operator("{") => {
                self.at += 1;
                self.entries()?;
                Ok(Type::Map.into())
            }
            Token::Operator(_) => Err(Stop::Unknown),
        }
    }

    /// Expressions with commas between them; a comma may stand before the end.
    fn list(&mut self, end: &str) -> Read<Vec<Type>> {
        let mut all = Vec::new();
        while !self.take(end) {
            self.take("?");
            all.push(self.expression()?.of);
            if !self.take(",") {
                self.expect(end)?;
                break;
            }
        }
        Ok(all)
    }

    /// The entries of a map.
    fn entries(&mut self) -> Read<()> {
        while !self.take("}") {
            self.take("?");
            self.expression()?;
            self.expect(":")?;
            self.expression()?;
            if !self.take(",") {
                return self.expect("}");
            }
        }
        Ok(())
    }

    /// The fields of a message.
    fn fields(&mut self) -> Read<()> {
        while !self.take("}") {
            self.take("?");
            self.name()?;
            self.expect(":")?;
            self.expression()?;
            if !self.take(",") {
                return self.expect("}");
            }
        }
        Ok(())
    }

    fn variable(&self, name: &str) -> Type {
        match name {
            _ if let Some((_, of)) = self.scope.iter().rfind(|(known, _)| *known == name) => *of,
            "disk" => Type::Disk,
            "system_disk" | "true" | "false" => Type::Bool,
            "null" => Type::Null,
            // Units are the only other variables.
            unit if unit.ends_with('B') && unit.len() <= 3 => Type::Uint,
            _ => Type::Any,
        }
    }

    fn function(&mut self, name: &'a str) -> Read<Type> {
        let args = self.list(")")?;
        let Some((_, gives)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
            let known: Vec<_> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
            return Err(no_such("function", name, &known));
        };
        let takes = match name {
            "glob" | "matches" => vec![Type::Text; 2],
            _ => vec![Type::Any],
        };
        arguments(name, &args, &takes)?;
        if name == "size" {
            sized(&args)?;
        }
        Ok(*gives)
    }

    fn method(&mut self, of: Type, name: &'a str) -> Read<Type> {
        let before = self.scope.len();
        if MACROS.contains(&name) || of == Type::Any {
            self.bind(of.element());
        }
        let args = self.list(")");
        self.scope.truncate(before);
        let args = args?;
        match name {
            // Namespaces have functions, and what is not known may have any method.
            _ if of == Type::Any => Ok(Type::Any),
            _ if MACROS.contains(&name) => {
                let lists = [Type::Texts, Type::List, Type::Map];
                if !of.is_among(&lists) {
                    return Err(Stop::Wrong(format!(
                        "`{name}` looks at the elements of a list, and not at {}.",
                        with_article(of)
                    )));
                }
                Ok(match name {
                    "map" => Type::List,
                    "filter" => of,
                    _ => {
                        if let Some(condition) = args.last() {
                            operand(name, *condition, &[Type::Bool])?;
                        }
                        Type::Bool
                    }
                })
            }
            _ if TEXT_METHODS.contains(&name) => {
                operand(name, of, &[Type::Text])?;
                arguments(name, &args, &[Type::Text])?;
                Ok(Type::Bool)
            }
            "size" => {
                arguments(name, &args, &[])?;
                sized(&[of])?;
                Ok(Type::Int)
            }
            _ if OTHER_METHODS.contains(&name) => Ok(Type::Int),
            _ => Err(no_such("method", name, &[MACROS, TEXT_METHODS, OTHER_METHODS].concat())),
        }
    }

    /// The names that begin the arguments of a macro, each followed by a comma; the first one is an element.
    fn bind(&mut self, element: Type) {
        let mut at = self.at;
        let mut of = element;
        while let (Some(Token::Name(name)), Some(comma)) = (self.tokens.get(at).copied(), self.tokens.get(at + 1))
            && comma.is(",")
        {
            if !["true", "false", "null"].contains(&name) {
                self.scope.push((name, of));
            }
            (at, of) = (at + 2, Type::Any);
        }
    }
}

/// What a number or a text is.
fn literal(text: &str) -> Part<'_> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        let prefix = text.find(['"', '\'']).and_then(|end| text.get(..end)).unwrap_or_default();
        let bytes = prefix.contains(['b', 'B']);
        return if bytes { Type::Bytes } else { Type::Text }.into();
    }
    let hex = text.starts_with("0x") || text.starts_with("0X");
    let of = match text {
        _ if text.ends_with(['u', 'U']) => Type::Uint,
        _ if !hex && text.contains(['.', 'e', 'E']) => Type::Double,
        _ => Type::Int,
    };
    Part { of, number: (of == Type::Int).then_some(text) }
}

fn field(of: Type, name: &str) -> Read<Type> {
    match of {
        Type::Disk if name.starts_with('`') => Ok(Type::Any),
        Type::Disk => match FIELDS.iter().find(|(known, _)| *known == name) {
            Some((_, of)) => Ok(*of),
            None => {
                let known: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
                let meant = closest(name, &known).map(|word| format!(" Did you mean `{word}`?")).unwrap_or_default();
                let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                Err(Stop::Wrong(format!("`disk` has no field {}.{meant} It has {list}.", quoted(name))))
            }
        },
        Type::Map | Type::Any => Ok(Type::Any),
        other => {
            Err(Stop::Wrong(format!("{} is selected of {}, which has no fields.", quoted(name), with_article(other))))
        }
    }
}

fn indexed(of: Type, index: Type) -> Read<Type> {
    match of {
        Type::List | Type::Texts if index.fits(Type::Int) => Ok(of.element()),
        Type::List | Type::Texts => {
            Err(Stop::Wrong(format!("The index of a list is an int, and not {}.", with_article(index))))
        }
        Type::Map | Type::Any => Ok(Type::Any),
        other => {
            Err(Stop::Wrong(format!("`[…]` selects elements of lists and maps, and not of {}.", with_article(other))))
        }
    }
}

fn binary<'a>(operator: &str, left: Part<'a>, right: Part<'a>) -> Read<Type> {
    use Type::{Any, Bool, Bytes, Double, Int, List, Map, Text, Texts, Uint};
    match operator {
        "&&" | "||" => {
            operand(operator, left.of, &[Bool])?;
            operand(operator, right.of, &[Bool])?;
            Ok(Bool)
        }
        "==" | "!=" => same(operator, left, right).map(|()| Bool),
        "in" => match right.of {
            Texts => operand("in", left.of, &[Text]).map(|()| Bool),
            List | Map | Any => Ok(Bool),
            other => {
                Err(Stop::Wrong(format!("`in` looks into a list or a map, and not into {}.", with_article(other))))
            }
        },
        _ => {
            let takes: &[Type] = match operator {
                "<" | "<=" | ">" | ">=" => &[Bool, Int, Uint, Double, Text, Bytes],
                "+" => &[Int, Uint, Double, Text, Bytes, List],
                "%" => &[Int, Uint],
                _ => &[Int, Uint, Double],
            };
            operand(operator, left.of, takes)?;
            operand(operator, right.of, takes)?;
            same(operator, left, right)?;
            let compares = operator.starts_with(['<', '>']);
            Ok(if compares {
                Bool
            } else if left.of == Any {
                right.of
            } else {
                left.of
            })
        }
    }
}

/// Both sides have to be of one type: CEL converts nothing.
fn same<'a>(operator: &str, left: Part<'a>, right: Part<'a>) -> Read<()> {
    if left.of.fits(right.of) {
        return Ok(());
    }
    let mixed = |a: Part<'a>, b: Part<'a>| (a.of == Type::Uint && b.of == Type::Int).then_some(b.number);
    let advice = match mixed(left, right).or_else(|| mixed(right, left)) {
        Some(Some(number)) => format!(": write `{number}u`"),
        Some(None) => ": convert the int with `uint(…)`".to_owned(),
        None => String::new(),
    };
    Err(Stop::Wrong(format!(
        "`{operator}` has {} on its left and {} on its right, and takes two of one type{advice}.",
        with_article(left.of),
        with_article(right.of)
    )))
}

fn operand(operator: &str, of: Type, takes: &[Type]) -> Read<()> {
    if of.is_among(takes) {
        return Ok(());
    }
    Err(Stop::Wrong(format!("`{operator}` takes {}, and not {}.", listed(takes), with_article(of))))
}

fn arguments(name: &str, args: &[Type], takes: &[Type]) -> Read<()> {
    if args.len() != takes.len() {
        let plural = if takes.len() == 1 { "" } else { "s" };
        return Err(Stop::Wrong(format!("`{name}` takes {} argument{plural}, and has {}.", takes.len(), args.len())));
    }
    args.iter().zip(takes).try_for_each(|(arg, takes)| operand(name, *arg, &[*takes]))
}

fn sized(args: &[Type]) -> Read<()> {
    let sized = [Type::Text, Type::Bytes, Type::List, Type::Map];
    args.iter().try_for_each(|of| operand("size", *of, &sized))
}

fn listed(types: &[Type]) -> String {
    let names: Vec<_> = types.iter().copied().map(with_article).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

fn no_such(what: &str, name: &str, known: &[&str]) -> Stop {
    let meant = closest(name, known).map(|word| format!(" Did you mean `{word}`?")).unwrap_or_default();
    Stop::Wrong(format!("There is no {what} {} in a disk selector.{meant}", quoted(name)))
}

#[cfg(test)]
mod tests {
    use super::super::selector::tokens;
    use super::*;

    /// What passes is in the tests of `selector`.
    #[test]
    fn what_does_not_go_together_is_refused() {
        for (text, says) in [
            (
                "disk.size > 100",
                "`>` has a uint on its left and an int on its right, and takes two of one type: write `100u`.",
            ),
            (
                "10 * GB < disk.size",
                "`*` has an int on its left and a uint on its right, and takes two of one type: write `10u`.",
            ),
            ("disk.size == size(disk.symlinks)", "takes two of one type: convert the int with `uint(…)`."),
            ("disk.size == 'big'", "`==` has a uint on its left and a string on its right, and takes two of one type."),
            ("disk.size", "The expression gives a uint (`disk.size`), and has to give true or false (bool)"),
            ("1 + 1", "The expression gives an int (`1+1`)"),
            ("disk.symlinks", "The expression gives a list(string)"),
            ("disk.colour == 'red'", "`disk` has no field `colour`. It has `size`, "),
            ("disk.rotation", "`disk` has no field `rotation`. Did you mean `rotational`? It has"),
            ("has(disk.colour)", "`disk` has no field `colour`."),
            ("disk.size.bytes > 1u", "`bytes` is selected of a uint, which has no fields."),
            ("disk.serial.lower() == 'a'", "There is no method `lower` in a disk selector."),
            (
                "disk.serial.startWith('a')",
                "There is no method `startWith` in a disk selector. Did you mean `startsWith`?",
            ),
            ("in_use(disk)", "There is no function `in_use` in a disk selector."),
            ("disk.serial.startsWith(1)", "`startsWith` takes a string, and not an int."),
            ("disk.size.contains('a')", "`contains` takes a string, and not a uint."),
            ("disk.serial.contains()", "`contains` takes 1 argument, and has 0."),
            ("glob('a')", "`glob` takes 2 arguments, and has 1."),
            ("disk.rotational && disk.size", "`&&` takes a bool, and not a uint."),
            ("!disk.size", "`!` takes a bool, and not a uint."),
            ("-disk.size < 1u", "`-` takes an int or a double, and not a uint."),
            ("disk.rotational ? disk.size : 1", "`:` has a uint on its left and an int on its right"),
            ("disk.size in disk.symlinks", "`in` takes a string, and not a uint."),
            ("'a' in disk.serial", "`in` looks into a list or a map, and not into a string."),
            ("disk.symlinks['a'] == 'b'", "The index of a list is an int, and not a string."),
            ("disk.serial[0] == 'b'", "`[…]` selects elements of lists and maps, and not of a string."),
            ("disk.symlinks.exists(link, link.size())", "`exists` takes a bool, and not an int."),
            ("disk.symlinks.exists(link, link > 1u)", "`>` has a string on its left and a uint on its right"),
            ("disk.serial.exists(c, true)", "`exists` looks at the elements of a list, and not at a string."),
            ("size(disk.size) > 1", "`size` takes a string, bytes, a list or a map, and not a uint."),
        ] {
            let tokens = tokens(text).unwrap();
            let said = problem(&tokens).unwrap_or_default();
            assert!(said.contains(says), "{text}: {said}");
        }
    }

    #[test]
    fn what_is_not_known_is_left_to_omni() {
        let deep = format!("{}true{}", "(".repeat(10_000), ")".repeat(10_000));
        let many = "!".repeat(10_001) + "true";
        for text in ["a b", "disk.size >", "disk.?size > 1", "x.Y{a: 1} == 2", deep.as_str(), many.as_str()] {
            assert_eq!(problem(&tokens(text).unwrap()), None, "{text:.40}");
        }
    }
}
