//! Facts about the environment, stored next to the objects of Omni: no caller can see these types.

use super::schema::{BackupStore, Instance, Provider};
use crate::kinds;
use crate::object::Object;
use crate::settings;
use crate::store::Store;
use omni_proto::specs::MachineStatusSpec;
use prost::Message;

/// Programs that offer machines.
pub const PROVIDER_PROCESS: &str = "ProviderProcesses.omni-sim";
/// Machines that were not let in yet, and what they would report.
pub const HARDWARE: &str = "Hardware.omni-sim";
/// The choices of the instance that no object of Omni holds.
pub const SETTING: &str = settings::KIND;
/// The setting that says where backups go.
pub const BACKUP_STORE: &str = "backup-store";

/// Keeps the description of a provider's program.
pub(super) fn keep_process(store: &Store, provider: &Provider) -> Result<(), serde_json::Error> {
    let spec = serde_json::to_vec(provider)?;
    store.put("", &kinds::key(PROVIDER_PROCESS, provider.name.as_str()), |object| object.spec = spec);
    Ok(())
}

/// The program that such an object describes.
pub fn process(object: &Object) -> Option<Provider> {
    serde_json::from_slice(&object.spec).ok()
}

/// Keeps what a machine would report.
pub(super) fn keep_hardware(store: &Store, id: &str, status: &MachineStatusSpec) {
    store.put("", &kinds::key(HARDWARE, id), |object| object.spec = status.encode_to_vec());
}

/// Keeps where backups go.
pub(super) fn keep_backup_store(store: &Store, chosen: BackupStore) {
    let local = chosen == BackupStore::Local;
    store.put("", &kinds::key(SETTING, BACKUP_STORE), |object| object.spec = vec![u8::from(local)]);
}

/// Keeps what the operator has chosen, and what stands outside of the instance, as far as it is not as usual.
pub(super) fn keep_settings(store: &Store, instance: &Instance) {
    let s3 = &instance.s3;
    let all = |names: &[String], name: fn(&str) -> String, value: &str| {
        names.iter().map(|of| (name(of), value.to_owned())).collect::<Vec<_>>()
    };
    let mut labels = all(&s3.missing, settings::bucket, settings::MISSING);
    labels.extend(all(&s3.denied, settings::bucket, settings::DENIED));
    labels.extend(all(&s3.silent, settings::store, "refused"));
    if s3.machine_role {
        labels.push((settings::MACHINE_ROLE.to_owned(), String::new()));
    }
    if !instance.cluster_import {
        labels.push((settings::CLUSTER_IMPORT.to_owned(), settings::OFF.to_owned()));
    }
    if !instance.eula_accepted {
        labels.push((settings::EULA.to_owned(), settings::OFF.to_owned()));
    }
    let key = kinds::key(settings::KIND, settings::ID);
    if !labels.is_empty() || store.get(&key).is_some() {
        store.put("", &key, |object| object.labels = labels.into_iter().collect());
    }
}

/// Whether that setting says that backups go to the instance's own disk.
pub fn is_local(setting: &Object) -> bool {
    setting.spec == [1]
}
