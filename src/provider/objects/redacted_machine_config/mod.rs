//! `omni_redacted_machine_config`: the Talos configuration of a machine, without its secrets.

use crate::omni::labels;
use crate::omni::spec::compressed;
use crate::provider::engine::{Bind, Joined, KeyCodec, Object, Row, Table};
use crate::provider::lookup::computed::text;
use crate::provider::lookup::{Objects, View};
use crate::provider::types::Types;
use crate::tf::diag::Diagnostic;
use crate::tf::value::Value;
use omni_proto::specs::RedactedClusterMachineConfigSpec;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.single::<Objects<RedactedMachineConfig>>();
}

struct RedactedMachineConfig;

impl Table for RedactedMachineConfig {
    type Spec = RedactedClusterMachineConfigSpec;

    const NAME: &'static str = "omni_redacted_machine_config";
    const NOUN: &'static str = "machine configuration";
    const ID: &'static str = "machine_id";

    fn rows() -> Vec<Row> {
        vec![
            text("machine_id", "ID (UUID) of the machine.").id(),
            text("cluster", "Name of the cluster that the machine is in.").label(labels::CLUSTER, KeyCodec::Text),
            text("machine_set", "ID of the machine set that the machine is in.")
                .label(labels::MACHINE_SET, KeyCodec::Text),
            text("data", "Talos machine configuration, in YAML; secrets are replaced by asterisks.").derived(),
        ]
    }

    fn derive(
        object: &Object<RedactedClusterMachineConfigSpec>,
        _joined: &Joined,
        _prior: &Value,
        shown: &mut Value,
    ) -> Result<(), Diagnostic> {
        let text = compressed::text::<RedactedClusterMachineConfigSpec>(&object.stored);
        let text = text.map_err(|error| Diagnostic::from_error("Could not read the machine configuration", &error))?;
        shown.set("data", text.into());
        Ok(())
    }
}

impl View for RedactedMachineConfig {
    const NOUNS: &'static str = "machine configurations";
    const PLURAL: &'static str = "";
    const ABOUT: &'static str =
        "Reads the Talos machine configuration of a cluster machine, with all patches applied and secrets redacted.";
    const ABOUT_ID: &'static str = "ID (UUID) of a machine of a cluster.";
}
