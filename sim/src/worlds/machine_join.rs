//! How machines join: numbered ones, those of a world, and those that infrastructure providers create.

use super::records;
use crate::inventory;
use crate::kinds;
use crate::names::{annotation, controller, kind, label};
use crate::object::Object;
use crate::store::Store;
use omni_proto::specs::{KernelArgsSpec, MachineLabelsSpec, MachineStatusSpec, SiderolinkSpec};
use prost::Message;
use std::collections::BTreeMap;

/// The machine that joined with its own kernel arguments.
const WITH_KERNEL_ARGS: u32 = 2;

/// The machine whose platform came with tags.
const WITH_TAGS: u32 = 4;

/// A machine on its way in.
pub(crate) struct MachineJoin {
    /// Its UUID.
    pub id: String,
    /// Its tunnel.
    pub link: SiderolinkSpec,
    /// What it reports.
    pub status: MachineStatusSpec,
    /// The labels that users gave it.
    pub labels: BTreeMap<String, String>,
    /// The labels of its tunnel: who made it, and for what.
    pub origin: BTreeMap<String, String>,
    /// Whether it has to be accepted before it is a machine.
    pub waits: bool,
}

impl MachineJoin {
    /// Machine number `number`, counted from 1.
    pub fn numbered(number: u32) -> Self {
        Self {
            id: inventory::id(number),
            link: inventory::link(number),
            status: inventory::status(number),
            labels: BTreeMap::new(),
            origin: BTreeMap::new(),
            waits: false,
        }
    }

    /// Puts kernel arguments into its image.
    pub fn boot_with(&mut self, args: &[String]) {
        if let Some(schematic) = &mut self.status.schematic {
            schematic.kernel_args = args.to_vec();
        }
        for arg in args {
            self.status.kernel_cmdline.push(' ');
            self.status.kernel_cmdline.push_str(arg);
        }
    }

    /// Lets it in; what it already reports is left alone.
    pub fn join(self, store: &Store) {
        let id = self.id.as_str();
        store.put("", &kinds::key(kind::LINK, id), |object| {
            object.labels.clone_from(&self.origin);
            object.spec = self.link.encode_to_vec();
        });
        if self.waits {
            records::keep_hardware(store, id, &self.status);
        } else {
            report(store, id, &self.status, self.labels);
        }
    }
}

/// What a machine says of itself when it first comes up, and what the server makes of that for users.
pub(crate) fn report(store: &Store, id: &str, status: &MachineStatusSpec, mut labels: BTreeMap<String, String>) {
    let key = kinds::key(kind::MACHINE_STATUS, id);
    if store.get(&key).is_some() {
        return;
    }
    let args = status.schematic.as_ref().map(|schematic| schematic.kernel_args.clone()).unwrap_or_default();
    if !args.is_empty() {
        store.put("", &kinds::key(kind::KERNEL_ARGS, id), |object| {
            object.spec = KernelArgsSpec { args }.encode_to_vec();
        });
    }
    let tags = status.platform_metadata.as_ref().map(|platform| platform.tags.clone()).unwrap_or_default();
    let tagged = !tags.is_empty();
    labels.extend(tags);
    if !labels.is_empty() {
        store.put("", &kinds::key(kind::MACHINE_LABELS, id), |object| {
            object.spec = MachineLabelsSpec {}.encode_to_vec();
            object.labels.extend(labels);
            if tagged {
                object.annotations.insert(annotation::PLATFORM_TAG_LABELS.into(), String::new());
            }
        });
    }
    store.put(controller::MACHINE_STATUS, &key, |object| {
        object.spec = status.encode_to_vec();
        object.labels.extend(inventory::labels(status));
        object.annotations.insert(annotation::KERNEL_ARGS_INITIALIZED.into(), String::new());
    });
}

/// Lets machine number `number`, counted from 1, join; what it already reports is left alone.
pub fn add_machine(store: &Store, number: u32) {
    let mut joining = MachineJoin::numbered(number);
    if number == WITH_KERNEL_ARGS {
        joining.boot_with(&["console=ttyS0".to_owned()]);
    }
    if number == WITH_TAGS
        && let Some(platform) = &mut joining.status.platform_metadata
    {
        platform.tags.insert("team".into(), "storage".into());
    }
    joining.join(store);
}

/// Lets a machine knock only: something keeps it from joining.
pub(super) fn knock(store: &Store, joining: &MachineJoin) {
    store.put("", &kinds::key(kind::PENDING_MACHINE, joining.link.node_public_key.as_str()), |object| {
        object.labels.insert(label::MACHINE_UUID.into(), joining.id.clone());
        object.spec = joining.link.encode_to_vec();
    });
}

/// Cuts a machine off: it keeps running, but answers no more.
pub fn disconnect_machine(store: &Store, id: &str) {
    connect(store, id, false);
}

/// Lets a machine answer again.
pub fn reconnect_machine(store: &Store, id: &str) {
    connect(store, id, true);
}

fn connect(store: &Store, id: &str, connected: bool) {
    store.modify(&kinds::key(kind::LINK, id), |link: &mut Object| {
        let spec = SiderolinkSpec { connected, ..link.spec() };
        link.spec = spec.encode_to_vec();
    });
}
