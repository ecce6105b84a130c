//! Messages that nobody would send: every field at random, out of texts that have broken servers before.

use crate::inventory;
use omni_proto as pb;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};
use std::sync::LazyLock;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| DescriptorPool::decode(pb::DESCRIPTORS).unwrap());

/// Deeper messages would be all nesting and no contents.
const DEEPEST: usize = 4;

const TEXTS: &[&str] = &[
    "",
    " ",
    "x",
    "undefined",
    "running",
    "tearingDown",
    "1",
    "-1",
    "99999999999999999999",
    "1.13.8",
    "v1.36.3",
    "null",
    "default",
    "virtual",
    "ephemeral",
    "current",
    "prod",
    "a = b",
    "!a",
    "a in (b",
    "é\u{0}\n\u{202e}",
    "../..",
    "%s%n",
    "2026-02-30",
    "Admin",
    "me@example.org",
    "{",
    "{}",
    "{{{",
    "a: &a [*a]",
    "- !!binary x",
    "machine: {}",
    "---\n---\n",
    "{\"type\": \"object\", \"$ref\": \"#\"}",
    "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n=\n-----END",
    "[a-",
    "*",
    "(?",
    "/dev/nvme0n1",
    "omni.sidero.dev/cluster",
];

const KINDS: &[&str] = &[
    "Clusters",
    "MachineSets",
    "MachineSetNodes",
    "ConfigPatches",
    "MachineClasses",
    "KernelArgs",
    "MachineLabels",
    "ExtensionsConfigurations",
    "JoinTokens",
    "DefaultJoinTokens",
    "Links",
    "CurrentUsers",
    "MachineStatuses",
    "AccessPolicies",
    "KubernetesManifestGroups",
    "EtcdManualBackups",
    "Users",
];

/// Numbers that look random and are the same for the same seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number below this one.
    pub fn below(&mut self, end: usize) -> usize {
        // Xorshift: nothing here has to be unpredictable.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    pub fn text(&mut self) -> String {
        match self.below(8) {
            0 | 1 => format!("{}.omni.sidero.dev", KINDS[self.below(KINDS.len())]),
            2 => inventory::id(1),
            3 => TEXTS[self.below(TEXTS.len())].repeat(self.below(3000)),
            4 => (0..self.below(9)).map(|_| char::from_u32(self.below(0x3000) as u32).unwrap_or('x')).collect(),
            _ => TEXTS[self.below(TEXTS.len())].to_owned(),
        }
    }

    fn number(&mut self) -> i64 {
        [0, 1, -1, 2, 7, 1000, i64::from(i32::MAX), i64::MIN, i64::MAX][self.below(9)]
    }
}

/// A message of this name.
pub fn message(name: &str, dice: &mut Dice) -> Vec<u8> {
    use prost::Message;
    let message = filled(&POOL.get_message_by_name(name).unwrap(), dice, 0).encode_to_vec();
    match dice.below(10) {
        // Cut off, or with one byte that is another.
        0 => message[..dice.below(message.len() + 1)].to_vec(),
        1 if !message.is_empty() => {
            let mut bent = message;
            let at = dice.below(bent.len());
            bent[at] = dice.below(256) as u8;
            bent
        }
        _ => message,
    }
}

fn filled(of: &MessageDescriptor, dice: &mut Dice, depth: usize) -> DynamicMessage {
    let mut message = DynamicMessage::new(of.clone());
    for field in of.fields() {
        let is_deep = matches!(field.kind(), Kind::Message(_)) && depth == DEEPEST;
        // Most are set: what is missing everything is refused at once.
        if dice.below(5) > 0 && !is_deep {
            let value = value(&field, dice, depth);
            message.set_field(&field, value);
        }
    }
    message
}

fn value(field: &FieldDescriptor, dice: &mut Dice, depth: usize) -> Value {
    if field.is_map() {
        let Kind::Message(entry) = field.kind() else { panic!("a map without entries") };
        let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
        let key = |dice: &mut Dice| match key.kind() {
            Kind::String => MapKey::String(dice.text()),
            Kind::Uint32 => MapKey::U32(dice.below(16) as u32),
            Kind::Int32 => MapKey::I32(dice.below(16) as i32),
            kind => panic!("keys of another kind: {kind:?}"),
        };
        return Value::Map((0..dice.below(3)).map(|_| (key(dice), one(&value, dice, depth))).collect());
    }
    if field.is_list() {
        return Value::List((0..dice.below(3)).map(|_| one(field, dice, depth)).collect());
    }
    one(field, dice, depth)
}

fn one(field: &FieldDescriptor, dice: &mut Dice, depth: usize) -> Value {
    match field.kind() {
        Kind::Message(of) => Value::Message(filled(&of, dice, depth + 1)),
        Kind::Enum(_) => Value::EnumNumber(dice.below(12) as i32 - 1),
        Kind::Bool => Value::Bool(dice.below(2) == 0),
        Kind::String => Value::String(dice.text()),
        Kind::Bytes if field.name() == "proto_spec" => {
            let specs: Vec<_> = POOL.all_messages().filter(|m| m.full_name().starts_with("specs.")).collect();
            let name = specs[dice.below(specs.len())].full_name().to_owned();
            Value::Bytes(message(&name, dice).into())
        }
        Kind::Bytes => Value::Bytes(dice.text().into_bytes().into()),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(dice.number() as i32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(dice.number()),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(dice.number() as u32),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(dice.number() as u64),
        Kind::Float => Value::F32(f32::NAN),
        Kind::Double => Value::F64(f64::INFINITY),
    }
}
