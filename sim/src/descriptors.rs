//! The descriptors of all messages and services: those of the definitions, with the fields that older releases had.

use super::catalogue;
use omni_proto as pb;
use prost::Message as _;
use prost_reflect::DescriptorPool;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{FieldDescriptorProto, FileDescriptorSet};
use std::sync::LazyLock;

/// Everything that a server of any release can send.
pub(super) static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let mut files = FileDescriptorSet::decode(pb::DESCRIPTORS).unwrap_or_default();
    for (message, name, number, kind) in catalogue::former_fields() {
        let messages = files.file.iter_mut().filter(|file| file.package() == "specs").flat_map(|f| &mut f.message_type);
        let found = messages.into_iter().find(|found| found.name() == message);
        if let (Some(message), Some(kind)) = (found, Type::from_str_name(&format!("TYPE_{}", kind.to_uppercase()))) {
            // Specs are printed in the order of their definition, which is that of the numbers here.
            let at = message.field.iter().position(|field| field.number() > number).unwrap_or(message.field.len());
            let mut field =
                FieldDescriptorProto { name: Some(name.to_owned()), number: Some(number), ..Default::default() };
            field.set_label(Label::Optional);
            field.set_type(kind);
            message.field.insert(at, field);
        }
    }
    DescriptorPool::from_file_descriptor_set(files).unwrap_or_default()
});
