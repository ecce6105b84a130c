//! Specs as servers of older releases have them: without the fields that came later, and with those that went.
//! It knows specs by their descriptors only.

use super::catalogue;
use super::descriptors::POOL;
use super::kinds;
use super::release::Release;
use super::schematic::{self, Schematic};
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, ReflectMessage as _, Value};
use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

/// What the specs of machines say of their schematic.
const SCHEMATIC: &str = "specs.MachineStatusSpec.Schematic";

/// The types whose specs have other fields than the newest release knows, and the releases of which that holds.
static DIFFERING: LazyLock<HashSet<(&'static str, Release)>> = LazyLock::new(|| {
    let mut found = HashSet::new();
    for kind in kinds::ALL.iter() {
        let Some(message) = message(kind.name) else { continue };
        let mut within = BTreeSet::new();
        gather(&message, &mut within);
        for release in Release::all() {
            if within.iter().any(|name| catalogue::differs(name, release)) {
                found.insert((kind.name, release));
            }
        }
    }
    found
});

/// The names within the package of specs of a message and of all that it holds.
fn gather(message: &MessageDescriptor, found: &mut BTreeSet<String>) {
    if found.insert(name(message).to_owned()) {
        for inner in message.fields().filter_map(|field| field.kind().as_message().cloned()) {
            gather(&inner, found);
        }
    }
}

fn name(message: &MessageDescriptor) -> &str {
    message.full_name().strip_prefix("specs.").unwrap_or_default()
}

fn message(kind: &str) -> Option<MessageDescriptor> {
    POOL.get_message_by_name(&format!("specs.{}", kinds::find(kind)?.message?))
}

/// Whether a server of this release has other fields in the specs of a type than the newest.
pub(super) fn differ(kind: &str, release: Release) -> bool {
    kinds::find(kind).is_some_and(|kind| DIFFERING.contains(&(kind.name, release)))
}

/// Whether a server of this release does not have the field.
pub(super) fn lack(release: Release, field: &FieldDescriptor) -> bool {
    catalogue::field(name(field.parent_message()), field.name()).is_some_and(|span| !span.holds(release))
}

/// A spec as a server of this release writes it.
pub(super) fn written_by(release: Release, kind: &str, spec: &[u8]) -> Vec<u8> {
    let Some(Ok(mut message)) = message(kind).map(|descriptor| DynamicMessage::decode(descriptor, spec)) else {
        return spec.to_vec();
    };
    if age(&mut message, release) { message.encode_to_vec() } else { spec.to_vec() }
}

/// Adds the fields that a server of this release still has and clears those that it does not have yet; whether there
/// were any.
fn age(message: &mut DynamicMessage, release: Release) -> bool {
    let mut changed = message.descriptor().full_name() == SCHEMATIC && add_to_schematic(message, release);
    for field in message.descriptor().fields() {
        if !message.has_field(&field) {
            continue;
        }
        if lack(release, &field) {
            message.clear_field(&field);
            changed = true;
            continue;
        }
        let mut within = |value: &mut Value| {
            if let Value::Message(inner) = value {
                changed |= age(inner, release);
            }
        };
        match message.get_field_mut(&field) {
            Value::List(items) => items.iter_mut().for_each(within),
            Value::Map(entries) => entries.values_mut().for_each(within),
            value => within(value),
        }
    }
    changed
}

/// The schematic of a machine in parts, before its text alone was kept: the id of one with the same extensions and
/// nothing else, the overlay, and what stands in the META partition.
fn add_to_schematic(message: &mut DynamicMessage, release: Release) -> bool {
    let is_true = |name| message.get_field_by_name(name).and_then(|value| value.as_bool()).unwrap_or_default();
    // Of a machine that was made without an image factory, or waits for its provider, nothing is known.
    if !release.has_field("MachineStatusSpec.Schematic", "id") || is_true("invalid") || is_true("in_agent_mode") {
        return false;
    }
    let extensions = message.get_field_by_name("extensions").map(|list| texts(&list)).unwrap_or_default();
    let raw = message.get_field_by_name("raw").and_then(|raw| raw.as_str().map(str::to_owned)).unwrap_or_default();
    let whole = Schematic::parse(&raw).unwrap_or_default();
    let id = schematic::id(&schematic::text(&extensions, &[]));
    message.set_field_by_name("id", Value::String(id));
    let text = |text: &str| Value::String(text.to_owned());
    if !whole.overlay.name.is_empty() {
        let parts = [("name", text(&whole.overlay.name)), ("image", text(&whole.overlay.image))];
        if let Some(overlay) = made(message, "overlay", parts) {
            message.set_field_by_name("overlay", overlay);
        }
    }
    let entries = whole.customization.meta.iter().filter_map(|entry| {
        made(message, "meta_values", [("key", Value::U32(entry.key.into())), ("value", text(&entry.value))])
    });
    let entries: Vec<Value> = entries.collect();
    message.set_field_by_name("meta_values", Value::List(entries));
    true
}

fn texts(list: &Value) -> BTreeSet<String> {
    list.as_list().into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

/// A message for a field, with these fields.
fn made<const N: usize>(of: &DynamicMessage, field: &str, parts: [(&str, Value); N]) -> Option<Value> {
    let descriptor = of.descriptor().get_field_by_name(field)?.kind().as_message()?.clone();
    let mut new = DynamicMessage::new(descriptor);
    for (name, value) in parts {
        new.set_field_by_name(name, value);
    }
    Some(Value::Message(new))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::kind;
    use crate::spec_yaml;
    use omni_proto::specs::machine_status_spec::HardwareStatus;
    use omni_proto::specs::machine_status_spec::Schematic as Described;
    use omni_proto::specs::machine_status_spec::hardware_status::BlockDevice;
    use omni_proto::specs::{ClusterSpec, MachineStatusLinkSpec, MachineStatusSpec};

    fn render(release: Release, kind: &str, spec: &[u8]) -> String {
        spec_yaml::render_by(release, kind, &written_by(release, kind, spec))
    }

    #[test]
    fn schematics_were_told_in_parts() {
        let raw = "overlay:\n  image: siderolabs/sbc-raspberrypi\n  name: rpi_generic\ncustomization:\n  \
                   extraKernelArgs: [quiet]\n  meta:\n    - key: 12\n      value: a\n  systemExtensions:\n    \
                   officialExtensions:\n      - siderolabs/qemu-guest-agent\n";
        let described = Described {
            extensions: vec!["siderolabs/qemu-guest-agent".into()],
            full_id: "full".into(),
            kernel_args: vec!["quiet".into()],
            raw: raw.into(),
            ..Default::default()
        };
        let status = |schematic: Described| MachineStatusSpec { schematic: Some(schematic), ..Default::default() };
        let spec = status(described.clone()).encode_to_vec();
        let plain = "ce4c980550dd2ab1b17bbf2b08801c7eb59418eafe8f279833297925d67c7515";
        let before = render(Release::V1_8, kind::MACHINE_STATUS, &spec);
        let parts = format!(
            "schematic:\n    id: {plain}\n    invalid: false\n    extensions:\n        - siderolabs/qemu-guest-agent\n    \
             initialschematic: \"\"\n    overlay:\n        name: rpi_generic\n        image: \
             siderolabs/sbc-raspberrypi\n    kernelargs:\n        - quiet\n    metavalues:\n        - key: 12\n          \
             value: a\n    fullid: full\n"
        );
        assert!(before.contains(&parts), "{before}");
        // Those that look at a machine from elsewhere see the same.
        let link = MachineStatusLinkSpec { message_status: Some(status(described.clone())), ..Default::default() };
        let link = render(Release::V1_8, kind::MACHINE_STATUS_LINK, &link.encode_to_vec());
        assert!(link.contains(plain), "{link}");
        let now = render(Release::V1_9, kind::MACHINE_STATUS, &spec);
        assert!(now.contains("schematic:\n    invalid: false\n") && !now.contains("metavalues"), "{now}");
        for unknown in
            [Described { invalid: true, ..described.clone() }, Described { in_agent_mode: true, ..Default::default() }]
        {
            let text = render(Release::V1_8, kind::MACHINE_STATUS, &status(unknown).encode_to_vec());
            assert!(text.contains("schematic:\n    id: \"\"\n"), "{text}");
            assert!(text.contains("    overlay: null\n") && text.contains("    metavalues: []\n"), "{text}");
        }
    }

    #[test]
    fn what_came_later_is_left_out_however_deep() {
        let disk = BlockDevice { dev_path: "/dev/sda".into(), linux_name: "/dev/sda".into(), ..Default::default() };
        let hardware = Some(HardwareStatus { blockdevices: vec![disk], ..Default::default() });
        let status = Some(MachineStatusSpec { hardware, ..Default::default() });
        let link = MachineStatusLinkSpec { message_status: status, ..Default::default() }.encode_to_vec();
        assert!(render(Release::V1_10, kind::MACHINE_STATUS_LINK, &link).contains("linuxname: /dev/sda\n"));
        assert!(!render(Release::V1_10, kind::MACHINE_STATUS_LINK, &link).contains("devpath"));
        assert!(render(Release::NEWEST, kind::MACHINE_STATUS_LINK, &link).contains("devpath: /dev/sda\n"));
    }

    #[test]
    fn types_differ_between_releases() {
        for (kind, release, expected) in [
            (kind::CLUSTER, Release::V1_6, true),
            (kind::CLUSTER, Release::NEWEST, false),
            (kind::MACHINE_STATUS, Release::V1_8, true),
            (kind::MACHINE_STATUS, Release::NEWEST, false),
            (kind::MACHINE_STATUS_LINK, Release::V1_10, true),
            (kind::MACHINE_LABELS, Release::V1_2, false),
            ("Unheard.omni.sidero.dev", Release::V1_2, false),
        ] {
            assert_eq!(differ(kind, release), expected, "{kind} {release}");
        }
    }

    #[test]
    fn the_image_of_a_cluster_was_a_field() {
        // Field 1, as a client of an old server sends it.
        let spec = [
            &[0x0a, 3][..],
            b"img",
            &ClusterSpec { kubernetes_version: "1.30.0".into(), ..Default::default() }.encode_to_vec(),
        ]
        .concat();
        let printed = |release| spec_yaml::render_by(release, kind::CLUSTER, &spec);
        assert!(printed(Release::of_minor(4)).starts_with("installimage: img\n"), "{}", printed(Release::of_minor(4)));
        assert!(printed(Release::V1_5).starts_with("kubernetesversion: 1.30.0\n"), "{}", printed(Release::V1_5));
    }
}
