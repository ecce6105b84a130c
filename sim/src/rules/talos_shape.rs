//! The fields of the documents of a Talos configuration, and whether a value fits.
//! It reads the table of all kinds; it knows neither patches nor the fields that Omni controls.

use kit::go_duration;
use kit::yaml::{Node, Reading, Scalar};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::LazyLock;

const TABLE: &str = include_str!("talos_fields.txt");
/// The main document, as the table calls it.
pub const MAIN: &str = "main";

/// What may stand at one place.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Anything.
    Any,
    /// A text; numbers and truth values are read as texts.
    Text,
    /// A truth value.
    Bool,
    /// A whole number between these.
    Number(&'static str, i128, i128),
    /// A length of time as Go writes it.
    Duration,
    /// An address.
    Address,
    /// A network: an address and the length of its prefix.
    Prefix,
    /// An address and a port.
    Endpoint,
    /// A text or a list of texts.
    Argument,
    /// A map with these keys only.
    Object(Vec<(&'static str, Shape)>),
    /// A list of things that are alike.
    List(Box<Shape>),
    /// A map with any keys, whose values are alike.
    Map(Box<Shape>),
}

static KINDS: LazyLock<HashMap<&'static str, Shape>> = LazyLock::new(|| {
    let mut lines = TABLE.lines().filter(|line| !line.starts_with('#')).peekable();
    let mut kinds = HashMap::new();
    while let Some(kind) = lines.next() {
        kinds.insert(kind, Shape::Object(fields(&mut lines, 1)));
    }
    kinds
});

/// The shape of a kind of document; none when there is no such kind.
#[must_use]
pub fn of(kind: &str) -> Option<&'static Shape> {
    KINDS.get(kind)
}

/// The fields at this depth, up to the first line that is less deep.
fn fields(
    lines: &mut std::iter::Peekable<impl Iterator<Item = &'static str>>,
    depth: usize,
) -> Vec<(&'static str, Shape)> {
    let mut found = Vec::new();
    while let Some(line) = lines.next_if(|line| line.len() - line.trim_start_matches('\t').len() == depth) {
        let (name, form) = line.trim_start_matches('\t').split_once(' ').unwrap_or((line, "any"));
        let inner = fields(lines, depth + 1);
        found.push((name, shape(form, inner)));
    }
    found
}

fn shape(form: &'static str, inner: Vec<(&'static str, Shape)>) -> Shape {
    if let Some(items) = form.strip_prefix("[]") {
        return Shape::List(Box::new(shape(items, inner)));
    }
    if let Some(values) = form.strip_prefix("{}") {
        return Shape::Map(Box::new(shape(values, inner)));
    }
    let unsigned = |max: u64| Shape::Number(form, 0, i128::from(max));
    match form {
        "text" => Shape::Text,
        "bool" => Shape::Bool,
        "int" => Shape::Number(form, i128::from(i64::MIN), i128::from(i64::MAX)),
        "int32" => Shape::Number(form, i128::from(i32::MIN), i128::from(i32::MAX)),
        "uint8" => unsigned(u8::MAX.into()),
        "uint16" => unsigned(u16::MAX.into()),
        "uint32" => unsigned(u32::MAX.into()),
        "uint" | "uint64" => unsigned(u64::MAX),
        "duration" => Shape::Duration,
        "address" => Shape::Address,
        "prefix" => Shape::Prefix,
        "endpoint" => Shape::Endpoint,
        "args" => Shape::Map(Box::new(Shape::Argument)),
        "object" => Shape::Object(inner),
        _ => Shape::Any,
    }
}

/// A value that does not fit where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The keys on the way to it.
    pub path: Vec<String>,
    /// What is wrong, in the words of the decoder.
    pub problem: String,
}

/// The first value that does not fit.
#[must_use]
pub fn misfit(node: &Node, shape: &Shape) -> Option<Misfit> {
    let mut path = Vec::new();
    let problem = within(node, shape, &mut path)?;
    Some(Misfit { path, problem })
}

fn within(node: &Node, shape: &Shape, path: &mut Vec<String>) -> Option<String> {
    let inside = |key: &Scalar, value: &Node, shape: &Shape, path: &mut Vec<String>| {
        path.push(key.text.clone());
        let found = within(value, shape, path);
        if found.is_none() {
            path.pop();
        }
        found
    };
    match (shape, node) {
        (Shape::Any, _) => None,
        (_, Node::Scalar(scalar)) if scalar.is_null() => None,
        (Shape::Object(fields), Node::Map(entries)) => entries.iter().find_map(|(key, value)| {
            let (_, shape) = fields.iter().find(|(name, _)| *name == key.text)?;
            inside(key, value, shape, path)
        }),
        (Shape::Map(values), Node::Map(entries)) => {
            entries.iter().find_map(|(key, value)| inside(key, value, values, path))
        }
        (Shape::List(items), Node::List(list)) => list.iter().find_map(|item| within(item, items, path)),
        (Shape::Argument, Node::List(list)) => list.iter().find_map(|item| within(item, &Shape::Text, path)),
        (_, Node::Scalar(scalar)) if reads(scalar, shape) => None,
        _ => Some(format!("cannot construct {} into {}", told(node), go(shape, path))),
    }
}

/// Whether a single value fits.
fn reads(scalar: &Scalar, shape: &Shape) -> bool {
    let text = scalar.text.as_str();
    match shape {
        // Go reads a date as a date, which is no text.
        Shape::Text | Shape::Argument => scalar.reading() != Reading::Time,
        Shape::Bool => match scalar.plain {
            true => is_bool(text) || is_old_bool(text),
            false => is_old_bool(text),
        },
        Shape::Number(_, min, max) => scalar.plain && number(text).is_some_and(|n| (*min..=*max).contains(&n)),
        Shape::Duration => text == "0" || !is_number(scalar) && go_duration::parse(text).is_ok(),
        Shape::Address => text.is_empty() || text.parse::<IpAddr>().is_ok(),
        Shape::Prefix => text.is_empty() || is_prefix(text),
        Shape::Endpoint => text.is_empty() || text.parse::<SocketAddr>().is_ok(),
        Shape::Object(_) | Shape::List(_) | Shape::Map(_) => false,
        Shape::Any => true,
    }
}

fn is_number(scalar: &Scalar) -> bool {
    matches!(scalar.reading(), Reading::Int | Reading::Uint | Reading::Float)
}

fn is_bool(text: &str) -> bool {
    ["true", "True", "TRUE", "false", "False", "FALSE"].contains(&text)
}

/// The words of YAML 1.1, which Go takes where it expects a truth value.
fn is_old_bool(text: &str) -> bool {
    let one_case = text.chars().all(char::is_lowercase) || text.chars().all(char::is_uppercase);
    let capital = text.chars().next().is_some_and(char::is_uppercase) && text.chars().skip(1).all(char::is_lowercase);
    (one_case || capital) && ["yes", "no", "on", "off", "y", "n"].contains(&text.to_lowercase().as_str())
}

/// A whole number in the spellings of YAML 1.1 and 1.2; a fraction that is none counts too.
fn number(text: &str) -> Option<i128> {
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let lower = digits.to_lowercase();
    let in_base = |prefix: &str, base| lower.strip_prefix(prefix).and_then(|d| i128::from_str_radix(d, base).ok());
    let whole = in_base("0x", 16).or_else(|| in_base("0o", 8)).or_else(|| in_base("0b", 2)).or_else(|| {
        let octal = digits.len() > 1 && digits.starts_with('0');
        let old = octal.then(|| i128::from_str_radix(digits, 8).ok()).flatten();
        old.or_else(|| digits.parse().ok().filter(|_| digits.chars().all(|c| c.is_ascii_digit())))
    });
    if let Some(whole) = whole {
        return Some(sign * whole);
    }
    let starts = digits.starts_with(|c: char| c.is_ascii_digit());
    let value: f64 = plain.parse().ok().filter(|value: &f64| starts && value.is_finite())?;
    #[allow(clippy::cast_possible_truncation, reason = "Go cuts the fraction off, too")]
    Some(value as i128)
}

fn is_prefix(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let max = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    !(length.len() > 1 && length.starts_with('0')) && length.parse::<u8>().is_ok_and(|length| length <= max)
}

/// A value as the decoder names it.
fn told(node: &Node) -> String {
    match node {
        Node::Map(_) => "!!map".to_owned(),
        Node::List(_) => "!!seq".to_owned(),
        Node::Scalar(scalar) => {
            let tag = match scalar.reading() {
                Reading::Bool => "!!bool",
                Reading::Int | Reading::Uint => "!!int",
                Reading::Float => "!!float",
                Reading::Time => "!!timestamp",
                _ => "!!str",
            };
            format!("{tag} `{}`", scalar.text)
        }
    }
}

/// The name of the type in Talos. Those of structures are not in the table; most are called after their key.
fn go(shape: &Shape, path: &[String]) -> String {
    match shape {
        Shape::Any => "interface {}".to_owned(),
        Shape::Text | Shape::Argument => "string".to_owned(),
        Shape::Bool => "bool".to_owned(),
        Shape::Number(name, ..) => (*name).to_owned(),
        Shape::Duration => "time.Duration".to_owned(),
        Shape::Address => "netip.Addr".to_owned(),
        Shape::Prefix => "netip.Prefix".to_owned(),
        Shape::Endpoint => "netip.AddrPort".to_owned(),
        Shape::Object(_) => {
            let key = path.last().map_or("", String::as_str);
            let mut letters = key.chars();
            let name: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
            format!("v1alpha1.{}", if name.ends_with("Config") { name } else { format!("{name}Config") })
        }
        Shape::List(items) => format!("[]{}", go(items, path)),
        Shape::Map(values) => format!("map[string]{}", go(values, path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::yaml::{Budget, parse_nodes};

    fn problem(kind: &str, text: &str) -> Option<String> {
        let node = parse_nodes(text, &mut Budget::default()).unwrap().remove(0);
        misfit(&node, of(kind).unwrap()).map(|misfit| format!("{}: {}", misfit.path.join("."), misfit.problem))
    }

    #[test]
    fn the_table_is_read() {
        assert_eq!(KINDS.len(), 90);
        let Some(Shape::Object(fields)) = of(MAIN) else { panic!("no main document") };
        assert_eq!(
            fields.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
            ["version", "debug", "persist", "machine", "cluster"]
        );
        for (kind, shape) in KINDS.iter() {
            assert!(matches!(shape, Shape::Object(_)), "{kind}");
        }
    }

    #[test]
    fn values_fit_their_places() {
        for (kind, text, expected) in [
            (MAIN, "machine: {time: {servers: [a, 5, true]}}", None),
            (
                MAIN,
                "machine: {time: {servers: a}}",
                Some("machine.time.servers: cannot construct !!str `a` into []string"),
            ),
            (MAIN, "machine: {time: 5}", Some("machine.time: cannot construct !!int `5` into v1alpha1.TimeConfig")),
            (MAIN, "machine: {certSANs: {a: b}}", Some("machine.certSANs: cannot construct !!map into []string")),
            (MAIN, "machine: {time: null, certSANs: ~}", None),
            (
                MAIN,
                "machine: {network: {interfaces: [{mtu: 9000}, {mtu: big}]}}",
                Some("machine.network.interfaces.mtu: cannot construct !!str `big` into int"),
            ),
            (MAIN, "machine: {kubelet: {extraArgs: {a: [b, c], d: 1}}}", None),
            (MAIN, "machine: {kubelet: {extraConfig: {a: {b: [1]}}}}", None),
            ("LinkConfig", "mtu: 4294967296", Some("mtu: cannot construct !!int `4294967296` into uint32")),
            ("LinkConfig", "addresses: [{address: 10.0.0.1/24}]", None),
            (
                "LinkConfig",
                "addresses: [{address: 10.0.0.1}]",
                Some("addresses.address: cannot construct !!str `10.0.0.1` into netip.Prefix"),
            ),
            ("TimeSyncConfig", "bootTimeout: 5m", None),
            (
                "TimeSyncConfig",
                "bootTimeout: 300",
                Some("bootTimeout: cannot construct !!int `300` into time.Duration"),
            ),
        ] {
            assert_eq!(problem(kind, text).as_deref(), expected, "{kind} {text}");
        }
    }

    /// What Talos was seen to make of texts; where it judges the meaning of a text, only the form is looked at here.
    #[test]
    fn texts_are_read_as_talos_reads_them() {
        const SCALARS: &str = include_str!("../../../tests/fixtures/talos/scalars.tsv");
        let forms = [
            ("machine.nodeLabels{}", "text"),
            ("machine.install.image", "text"),
            ("machine.install.wipe (bool)", "bool"),
            ("machine.network.interfaces[].mtu (int)", "int"),
            ("machine.network.interfaces[].vlans[].vlanId (uint16)", "uint16"),
            ("LinkConfig mtu (uint32)", "uint32"),
            ("machine.time.bootTimeout (duration)", "duration"),
            ("LinkConfig addresses[].address", "prefix"),
            ("WireguardConfig peers[].endpoint", "endpoint"),
        ];
        let mut form = None;
        let mut held = 0;
        for line in SCALARS.lines().filter(|line| !line.starts_with('#')) {
            let Some((text, read)) = line.split_once('\t') else {
                let first = line.split(';').next().unwrap_or_default().trim();
                form = forms.iter().find(|(field, _)| *field == first).map(|(_, form)| shape(form, Vec::new()));
                continue;
            };
            let Some(form) = &form else { continue };
            let text: String = serde_json::from_str(text).unwrap();
            let Ok(nodes) = parse_nodes(&format!("a: {text}\n"), &mut Budget::default()) else { continue };
            let Some(node) = nodes.first().and_then(|node| node.get("a")) else { continue };
            let tagged = matches!(node, Node::Scalar(Scalar { tag: Some(_), .. }));
            if tagged {
                continue;
            }
            assert_eq!(misfit(node, form).is_none(), !read.starts_with("ERR"), "{text:?} as {form:?}");
            held += 1;
        }
        assert!(held > 250, "{held} texts were held against the table");
    }
}
