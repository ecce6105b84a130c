//! The descriptors of all messages and services: those of the definitions, with the fields that older releases had.

use super::catalogue;
use omni_proto as pb;
use prost::Message as _;
use prost_reflect::DescriptorPool;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet, MessageOptions};
use std::sync::LazyLock;

/// The package of all specs.
const SPECS: &str = "specs";

/// Everything that a server of any release can send.
pub(super) static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let mut files = FileDescriptorSet::decode(pb::DESCRIPTORS).unwrap_or_default();
    for (message, name, number, shape) in catalogue::former_fields() {
        if let Some(found) = message_mut(&mut files, message) {
            add(found, &format!("{SPECS}.{message}"), name, number, shape);
        }
    }
    DescriptorPool::from_file_descriptor_set(files).unwrap_or_default()
});

/// The message with this name within the package of specs: `MachineStatusSpec.Schematic`.
fn message_mut<'a>(files: &'a mut FileDescriptorSet, name: &str) -> Option<&'a mut DescriptorProto> {
    let mut names = name.split('.');
    let first = names.next()?;
    let messages = files.file.iter_mut().filter(|file| file.package() == SPECS).flat_map(|f| &mut f.message_type);
    let outer = messages.into_iter().find(|found| found.name() == first)?;
    names.try_fold(outer, |message, name| message.nested_type.iter_mut().find(|found| found.name() == name))
}

/// Adds a field to a message, by its full name; the shape is `string`, `MetaValue`, `repeated MetaValue` or
/// `map<string, int32>`.
fn add(message: &mut DescriptorProto, full_name: &str, name: &str, number: i32, shape: &str) {
    let mut new = field(name, number);
    if let Some((key, value)) = shape.strip_prefix("map<").and_then(|of| of.strip_suffix('>')?.split_once(", ")) {
        let entry = format!("{name}_entry");
        let fields = [("key", 1, key), ("value", 2, value)].map(|(name, number, kind)| {
            let mut field = field(name, number);
            set_type(&mut field, kind);
            field
        });
        new.set_label(Label::Repeated);
        new.set_type(Type::Message);
        new.type_name = Some(format!(".{full_name}.{entry}"));
        message.nested_type.push(DescriptorProto {
            name: Some(entry),
            field: fields.into(),
            options: Some(MessageOptions { map_entry: Some(true), ..Default::default() }),
            ..Default::default()
        });
    } else if let Some(kind) = shape.strip_prefix("repeated ") {
        new.set_label(Label::Repeated);
        set_type(&mut new, kind);
    } else {
        set_type(&mut new, shape);
    }
    // Specs are printed in the order of their definition, which is that of the numbers here.
    let at = message.field.iter().position(|field| field.number() > number).unwrap_or(message.field.len());
    message.field.insert(at, new);
}

fn field(name: &str, number: i32) -> FieldDescriptorProto {
    let mut field = FieldDescriptorProto { name: Some(name.to_owned()), number: Some(number), ..Default::default() };
    field.set_label(Label::Optional);
    field
}

fn set_type(field: &mut FieldDescriptorProto, kind: &str) {
    match Type::from_str_name(&format!("TYPE_{}", kind.to_uppercase())) {
        Some(scalar) => field.set_type(scalar),
        None => {
            field.set_type(Type::Message);
            field.type_name = Some(format!(".{SPECS}.{kind}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn former_fields_have_their_shapes() {
        for (message, name, number, shape) in catalogue::former_fields() {
            let found = POOL.get_message_by_name(&format!("{SPECS}.{message}")).expect(message);
            let field = found.get_field_by_name(name).unwrap_or_else(|| panic!("{message}.{name}"));
            assert_eq!(i32::try_from(field.number()), Ok(number), "{message}.{name}");
            assert_eq!(field.is_map(), shape.starts_with("map<"), "{message}.{name}");
            assert_eq!(field.is_list(), shape.starts_with("repeated "), "{message}.{name}");
        }
    }
}
