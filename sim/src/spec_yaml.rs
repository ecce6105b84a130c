//! Specs as readable text, in the form that Go's YAML encoder gives to Omni's structures.
//! It knows specs by their descriptors only.

use super::descriptors::POOL;
use super::object::Object;
use super::release::Release;
use super::{compression, kinds, meta, older_specs};
use jiff::Timestamp;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, Value};
use std::collections::BTreeMap;

/// Whether the bytes are a spec of this type; types without a known message take anything.
///
/// # Errors
/// When they are not.
pub(super) fn check(kind: &str, spec: &[u8]) -> Result<(), prost::DecodeError> {
    match message(kind) {
        Some(descriptor) => DynamicMessage::decode(descriptor, spec).map(drop),
        None => Ok(()),
    }
}

/// The readable form of a spec; empty when the message of the type is not known.
pub(super) fn render(kind: &str, spec: &[u8]) -> String {
    render_by(Release::NEWEST, kind, spec)
}

/// The same, as a server of this release renders it.
pub(super) fn render_by(release: Release, kind: &str, spec: &[u8]) -> String {
    if kinds::namespace(kind) == meta::NAMESPACE {
        return meta::render(kind, spec);
    }
    let mut message = match message(kind).map(|descriptor| DynamicMessage::decode(descriptor, spec)) {
        Some(Ok(message)) => message,
        // A type without a spec shows an empty one: `omnictl` reads no object whose text is missing.
        None if kinds::find(kind).is_some() => return text(Node::Inline("{}".to_owned())),
        _ => return String::new(),
    };
    unpack(&mut message);
    text(node(&Value::Message(message), release))
}

/// A whole object as text, as a tool shows it that reads it: metadata, then the spec.
pub(super) fn resource(object: &Object) -> String {
    let time = |(seconds, nanos): (i64, i32)| {
        let time = Timestamp::new(seconds, nanos).unwrap_or_default();
        Node::Inline(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    };
    let texts = |entries: &BTreeMap<String, String>| {
        mapping(entries.iter().map(|(name, value)| (key(&MapKey::String(name.clone())), scalar(value))))
    };
    let mut metadata = vec![
        ("namespace", scalar(&object.key.namespace)),
        ("type", scalar(&object.key.kind)),
        ("id", scalar(&object.key.id)),
        ("version", Node::Inline(object.version.to_string())),
        ("owner", Node::Inline(object.owner.clone())),
        ("phase", Node::Inline(if object.tearing_down { "tearingDown" } else { "running" }.into())),
        ("created", time(object.created)),
        ("updated", time(object.updated)),
    ];
    if !object.labels.is_empty() {
        metadata.push(("labels", texts(&object.labels)));
    }
    if !object.annotations.is_empty() {
        metadata.push(("annotations", texts(&object.annotations)));
    }
    if !object.finalizers.is_empty() {
        metadata.push(("finalizers", list(object.finalizers.iter().map(|name| scalar(name)))));
    }
    let metadata = mapping(metadata.into_iter().map(|(name, value)| (name.to_owned(), value)));
    let spec = render(&object.key.kind, &object.spec);
    let spec = match spec.trim_end() {
        "" => Node::Inline("{}".into()),
        spec if spec.starts_with('{') => Node::Inline(spec.to_owned()),
        spec => Node::Block(spec.lines().map(ToOwned::to_owned).collect()),
    };
    text(mapping([("metadata".to_owned(), metadata), ("spec".to_owned(), spec)].into_iter()))
}

/// A whole document.
pub(super) fn text(node: Node) -> String {
    let mut text = String::new();
    match node {
        Node::Block(lines) => lines.iter().for_each(|line| {
            text.push_str(line);
            text.push('\n');
        }),
        Node::Inline(line) => {
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}

/// Fields that hold a text compressed, and those that hold it plain.
const PACKED: &[(&str, &str)] = &[
    ("compressed_data", "data"),
    ("compressed_patches", "patches"),
    ("compressed_diff", "diff"),
    ("compressed_config_diff", "config_diff"),
    ("compressed_redacted_machine_config", "redacted_current_machine_config"),
];

/// Puts plain texts in the place of compressed ones, as far as they can be read.
fn unpack(spec: &mut DynamicMessage) {
    let fields = spec.descriptor();
    for (packed, plain) in PACKED {
        let (Some(packed), Some(plain)) = (fields.get_field_by_name(packed), fields.get_field_by_name(plain)) else {
            continue;
        };
        if spec.has_field(&packed)
            && let Some(text) = unpacked(&spec.get_field(&packed), plain.kind() == Kind::Bytes)
            && spec.try_set_field(&plain, text).is_ok()
        {
            spec.clear_field(&packed);
        }
    }
}

/// A compressed text, or a list of them, as what the plain field takes.
fn unpacked(value: &Value, as_bytes: bool) -> Option<Value> {
    match value {
        Value::Bytes(packed) => {
            let text = compression::unpack(packed).ok()?;
            Some(if as_bytes { Value::Bytes(text.into_bytes().into()) } else { Value::String(text) })
        }
        Value::List(items) => items.iter().map(|item| unpacked(item, as_bytes)).collect::<Option<_>>().map(Value::List),
        _ => None,
    }
}

fn message(kind: &str) -> Option<MessageDescriptor> {
    let name = kinds::find(kind)?.message?;
    POOL.get_message_by_name(&format!("specs.{name}"))
}

/// A value as text: on the line of its key, or on lines below it.
pub(super) enum Node {
    Inline(String),
    Block(Vec<String>),
}

fn node(value: &Value, release: Release) -> Node {
    match value {
        Value::Bool(v) => Node::Inline(v.to_string()),
        Value::I32(v) => Node::Inline(v.to_string()),
        Value::I64(v) => Node::Inline(v.to_string()),
        Value::U32(v) => Node::Inline(v.to_string()),
        Value::U64(v) => Node::Inline(v.to_string()),
        Value::F32(v) => Node::Inline(v.to_string()),
        Value::F64(v) => Node::Inline(v.to_string()),
        Value::EnumNumber(v) => Node::Inline(v.to_string()),
        Value::String(v) => scalar(v),
        Value::Bytes(v) => list(v.iter().map(|byte| Node::Inline(byte.to_string()))),
        Value::List(v) => list(v.iter().map(|item| node(item, release))),
        Value::Map(v) => {
            let mut entries: Vec<(&MapKey, &Value)> = v.iter().collect();
            entries.sort_by(|a, b| a.0.cmp(b.0));
            mapping(entries.into_iter().map(|(k, v)| (key(k), node(v, release))))
        }
        Value::Message(v) => mapping(declared(&v.descriptor()).into_iter().filter_map(|field| {
            if older_specs::lack(release, &field) {
                return None;
            }
            let known = v.has_field(&field);
            // Of several alternatives only the one that is set is there at all.
            if !known && field.containing_oneof().is_some_and(|o| !o.is_synthetic()) {
                return None;
            }
            let name = field.name().replace('_', "").to_lowercase();
            let value = if !known && is_pointer(&field) {
                Node::Inline("null".into())
            } else {
                node(&v.get_field(&field), release)
            };
            Some((name, value))
        })),
    }
}

/// The fields in the order of the definition, which is Go's, and not in that of their numbers.
fn declared(message: &MessageDescriptor) -> Vec<FieldDescriptor> {
    let fields = message.descriptor_proto().field.iter();
    fields.filter_map(|field| message.get_field(u32::try_from(field.number()).ok()?)).collect()
}

/// Whether Go keeps the field behind a pointer, so that it can be absent.
fn is_pointer(field: &FieldDescriptor) -> bool {
    !field.is_list() && !field.is_map() && field.supports_presence()
}

fn key(key: &MapKey) -> String {
    match key {
        MapKey::String(text) => match scalar(text) {
            Node::Inline(text) => text,
            // A key has to stay on its line.
            Node::Block(_) => double_quoted(text),
        },
        MapKey::Bool(v) => v.to_string(),
        MapKey::I32(v) => v.to_string(),
        MapKey::I64(v) => v.to_string(),
        MapKey::U32(v) => v.to_string(),
        MapKey::U64(v) => v.to_string(),
    }
}

pub(super) fn list(items: impl Iterator<Item = Node>) -> Node {
    let mut lines = Vec::new();
    for item in items {
        match item {
            Node::Inline(text) => lines.push(format!("- {text}")),
            Node::Block(block) => {
                // The text of a literal stands further in than its mark, and its mark stays beside the dash.
                let (first, indent) =
                    if block.first().is_some_and(|l| l.starts_with('|')) { ("- ", "    ") } else { ("- ", "  ") };
                let is_literal = indent.len() == 4;
                lines.extend(block.into_iter().enumerate().map(|(i, l)| match (i, l.is_empty()) {
                    (0, _) => format!("{first}{l}"),
                    (_, true) => l,
                    // What stands below a key of this item keeps to every fourth column, two of which the dash took.
                    (_, false) if !is_literal && l.starts_with("    ") => l,
                    (_, false) => format!("{indent}{l}"),
                }));
            }
        }
    }
    if lines.is_empty() { Node::Inline("[]".into()) } else { Node::Block(lines) }
}

pub(super) fn mapping(entries: impl Iterator<Item = (String, Node)>) -> Node {
    let mut lines = Vec::new();
    for (key, value) in entries {
        match value {
            Node::Inline(text) => lines.push(format!("{key}: {text}")),
            Node::Block(block) => {
                let mut block = block.into_iter().peekable();
                match block.next_if(|line| line.starts_with('|')) {
                    Some(mark) => lines.push(format!("{key}: {mark}")),
                    None => lines.push(format!("{key}:")),
                }
                lines.extend(block.map(|l| if l.is_empty() { l } else { format!("    {l}") }));
            }
        }
    }
    if lines.is_empty() { Node::Inline("{}".into()) } else { Node::Block(lines) }
}

/// A text in the plainest style that reads back as the same text.
pub(super) fn scalar(text: &str) -> Node {
    if text.chars().any(|c| (c.is_control() && c != '\n' && c != '\t') || c == '\u{feff}') {
        return Node::Inline(double_quoted(text));
    }
    if text.contains('\n') {
        return literal(text);
    }
    if is_plain(text) {
        Node::Inline(text.to_owned())
    } else if text.is_empty() || reads_as_another_type(text) {
        Node::Inline(double_quoted(text))
    } else {
        Node::Inline(format!("'{}'", text.replace('\'', "''")))
    }
}

fn literal(text: &str) -> Node {
    // Without other lines, or with blanks before the first, only the quoted form is safe to read back.
    if text.trim().is_empty() || text.starts_with([' ', '\n', '\t']) {
        return Node::Inline(double_quoted(text));
    }
    let body = text.trim_end_matches('\n');
    let mark = match text.len() - body.len() {
        0 => "|-",
        1 => "|",
        _ => "|+",
    };
    let kept = if mark == "|+" { text.strip_suffix('\n').unwrap_or(text) } else { body };
    Node::Block(std::iter::once(mark).chain(kept.split('\n')).map(ToOwned::to_owned).collect())
}

fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let follows_blank = |c: Option<char>| c.is_none_or(char::is_whitespace);
    let starts_well = match first {
        '-' | '?' | ':' => !follows_blank(text.chars().nth(1)),
        c => !"#,[]{}&*!|>'\"%@`".contains(c),
    };
    starts_well
        && !text.starts_with("---")
        && !text.starts_with("...")
        && text.trim() == text
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.contains('\t')
        && !text.ends_with(':')
        && !reads_as_another_type(text)
}

fn reads_as_another_type(text: &str) -> bool {
    const WORDS: [&str; 12] = ["null", "~", "true", "false", "yes", "no", "on", "off", "y", "n", ".nan", "<<"];
    let lower = text.to_ascii_lowercase();
    let number = lower.trim_start_matches(['+', '-']).replace('_', "");
    let is_radix =
        |prefix: &str, radix| number.strip_prefix(prefix).is_some_and(|d| u64::from_str_radix(d, radix).is_ok());
    WORDS.contains(&lower.as_str())
        || number == ".inf"
        || is_radix("0x", 16)
        || is_radix("0o", 8)
        || is_radix("0b", 2)
        || (number.starts_with(|c: char| c.is_ascii_digit() || c == '.') && number.parse::<f64>().is_ok())
        || is_date(text)
}

/// Dates read as times, with or without a time of day.
fn is_date(text: &str) -> bool {
    let day = text.split(['T', 't', ' ']).next().unwrap_or_default();
    let parts: Vec<&str> = day.split('-').collect();
    matches!(parts[..], [year, month, day]
        if year.len() == 4 && [year, month, day].iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit())))
}

fn double_quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if c.is_control() || c == '\u{feff}' => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use omni_proto::specs;
    use prost::Message;

    #[test]
    fn specs_look_as_omni_shows_them() {
        let cluster = specs::ClusterSpec {
            kubernetes_version: "1.36.3".into(),
            talos_version: "1.13.8".into(),
            features: None,
            backup_configuration: Some(specs::EtcdBackupConf {
                interval: Some(prost_types::Duration { seconds: 5400, nanos: 0 }),
                enabled: true,
            }),
        };
        let class = specs::MachineClassSpec { match_labels: vec!["a = b".into()], ..Default::default() };
        let patch =
            specs::ConfigPatchSpec { data: "machine:\n  time:\n    servers: [\"a\"]\n".into(), ..Default::default() };
        let flow = specs::ConfigPatchSpec { data: "machine: {install: {wipe: true}}".into(), ..Default::default() };
        let balancer = specs::LoadBalancerConfigSpec {
            bind_port: "10001".into(),
            siderolink_endpoint: "https://[fdae::1]:10001".into(),
            ..Default::default()
        };
        let status =
            specs::ClusterStatusSpec { machines: Some(specs::Machines::default()), phase: 1, ..Default::default() };
        for (kind, spec, expected) in [
            (
                "Clusters",
                cluster.encode_to_vec(),
                "kubernetesversion: 1.36.3\ntalosversion: 1.13.8\nfeatures: null\nbackupconfiguration:\n    interval:\n        seconds: 5400\n        nanos: 0\n    enabled: true\n",
            ),
            ("MachineClasses", class.encode_to_vec(), "matchlabels:\n    - a = b\nautoprovision: null\n"),
            (
                "ConfigPatches",
                patch.encode_to_vec(),
                "data: |\n    machine:\n      time:\n        servers: [\"a\"]\ncompresseddata: []\n",
            ),
            ("ConfigPatches", flow.encode_to_vec(), "data: 'machine: {install: {wipe: true}}'\ncompresseddata: []\n"),
            (
                "LoadBalancerConfigs",
                balancer.encode_to_vec(),
                "bindport: \"10001\"\nsiderolinkendpoint: https://[fdae::1]:10001\nendpoints: []\n",
            ),
            ("MachineLabels", Vec::new(), "{}\n"),
        ] {
            assert_eq!(render(&format!("{kind}.omni.sidero.dev"), &spec), expected, "{kind}");
        }
        let status = render("ClusterStatuses.omni.sidero.dev", &status.encode_to_vec());
        assert!(status.starts_with("available: false\nmachines:\n    total: 0\n    healthy: 0\n"), "{status}");
        assert!(status.contains("\nphase: 1\n"), "{status}");
    }

    #[test]
    fn a_type_without_a_spec_shows_an_empty_one() {
        for (kind, expected) in [("MachineStatusLabels.omni.sidero.dev", "{}\n"), ("Unheard.of", "")] {
            assert_eq!(render(kind, &[]), expected, "{kind}");
        }
    }

    #[test]
    fn whole_objects_read_back() {
        let class = specs::MachineClassSpec { match_labels: vec!["a = b".into()], ..Default::default() };
        let object = Object {
            key: kinds::key("MachineClasses.omni.sidero.dev", "small"),
            version: 3,
            owner: String::new(),
            tearing_down: true,
            finalizers: vec!["F".into()],
            labels: [("n".to_owned(), "1".to_owned())].into(),
            annotations: BTreeMap::new(),
            created: (1_790_000_000, 0),
            updated: (1_790_000_001, 0),
            spec: class.encode_to_vec(),
        };
        let text = resource(&object);
        let read = kit::yaml::parse_documents(&text).unwrap().remove(0);
        assert_eq!(read["metadata"]["phase"], "tearingDown");
        assert_eq!(read["metadata"]["labels"]["n"], "1", "{text}");
        assert_eq!(read["metadata"]["finalizers"][0], "F");
        assert_eq!(read["spec"]["matchlabels"][0], "a = b");
        let bare = Object { spec: Vec::new(), key: kinds::key("Unheard.of", "x"), ..object };
        assert!(resource(&bare).ends_with("spec: {}\n"));
    }

    #[test]
    fn what_stands_below_a_key_in_a_list_keeps_to_every_fourth_column() {
        let policy = specs::AccessPolicyRule { users: vec!["a".into()], ..Default::default() };
        let policy = specs::AccessPolicySpec { rules: vec![policy], ..Default::default() };
        let descriptor = POOL.get_message_by_name("specs.AccessPolicySpec").unwrap();
        let policy = DynamicMessage::decode(descriptor, policy.encode_to_vec().as_slice()).unwrap();
        let Node::Block(lines) = node(&Value::Message(policy), Release::NEWEST) else { panic!("no block") };
        let at = lines.iter().position(|line| line == "rules:").unwrap();
        assert_eq!(lines[at + 1..at + 3], ["    - users:", "        - a"]);
    }

    #[test]
    fn compressed_texts_are_shown_plain() {
        let text = "machine: {}\n";
        let packed = ruzstd::encoding::compress_to_vec(text.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest);
        let show = |compressed_data| {
            let spec = specs::ConfigPatchSpec { data: "cluster: {}".into(), compressed_data };
            render("ConfigPatches.omni.sidero.dev", &spec.encode_to_vec())
        };
        assert_eq!(show(packed), "data: |\n    machine: {}\ncompresseddata: []\n");
        // As omnictl writes long patches.
        let packed = include_bytes!("../tests/fixtures/compression/patch.zst").to_vec();
        let text = include_str!("../tests/fixtures/compression/patch.yaml");
        let shown = show(packed);
        let read = kit::yaml::parse_documents(&shown).unwrap().remove(0);
        assert_eq!((read["data"].as_str(), &read["compresseddata"]), (Some(text), &serde_json::json!([])), "{shown}");
        assert_eq!(show(vec![1, 2]), "data: 'cluster: {}'\ncompresseddata:\n    - 1\n    - 2\n");
    }

    /// Every type that holds a text in two forms, as a list or not, as bytes or as text.
    #[test]
    fn no_type_hides_a_text_that_is_compressed() {
        let packed = ruzstd::encoding::compress_to_vec(&b"the text"[..], ruzstd::encoding::CompressionLevel::Fastest);
        let mut found = std::collections::BTreeSet::new();
        for kind in kinds::ALL.iter() {
            let Some(descriptor) = message(kind.name) else { continue };
            let packed_fields = descriptor.fields().filter(|field| field.name().starts_with("compressed_"));
            for field in packed_fields {
                let mut spec = DynamicMessage::new(descriptor.clone());
                let value = Value::Bytes(packed.clone().into());
                spec.set_field(&field, if field.is_list() { Value::List(vec![value]) } else { value });
                let shown = render(kind.name, &spec.encode_to_vec());
                let bytes = format!("- {}", b't');
                assert!(shown.contains("the text") || shown.contains(&bytes), "{}: {shown}", kind.name);
                assert!(!shown.contains(&format!("- {}", packed[0])), "{}: {shown}", kind.name);
                found.insert(kind.name);
            }
        }
        assert!(found.len() >= 8, "{found:?}");
    }

    #[test]
    fn texts_take_the_plainest_style_that_is_safe() {
        for (text, expected) in [
            ("a b", "a b"),
            ("", "\"\""),
            ("10001", "\"10001\""),
            ("1.13", "\"1.13\""),
            ("1.13.8", "1.13.8"),
            ("0x1f", "\"0x1f\""),
            ("true", "\"true\""),
            ("No", "\"No\""),
            ("2026-01-02", "\"2026-01-02\""),
            ("- a", "'- a'"),
            ("-a", "-a"),
            ("it's", "it's"),
            ("'q'", "'''q'''"),
            ("a: b", "'a: b'"),
            ("a\u{1}b", "\"a\\u0001b\""),
            (" a", "' a'"),
        ] {
            let Node::Inline(line) = scalar(text) else { panic!("{text:?} takes several lines") };
            assert_eq!(line, expected, "{text:?}");
        }
        for (text, expected) in
            [("a\nb", vec!["|-", "a", "b"]), ("a\nb\n", vec!["|", "a", "b"]), ("a\n\n", vec!["|+", "a", ""])]
        {
            let Node::Block(lines) = scalar(text) else { panic!("{text:?} is on one line") };
            assert_eq!(lines, expected, "{text:?}");
        }
    }

    #[test]
    fn garbage_is_no_spec() {
        assert!(check("MachineClasses.omni.sidero.dev", &[0xff, 0xff, 0xff]).is_err());
        assert!(check("MachineClasses.omni.sidero.dev", &[]).is_ok());
        assert!(check("Unheard.of", &[0xff]).is_ok());
    }
}
