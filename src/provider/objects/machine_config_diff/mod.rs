//! `omni_machine_config_diffs`: how the Talos configurations of machines have changed.

use crate::omni::labels;
use crate::omni::spec::compressed;
use crate::provider::engine::{Bind, Joined, KeyCodec, Object, Row, Table};
use crate::provider::lookup::computed::text;
use crate::provider::lookup::{Filter, Objects, View};
use crate::provider::timestamp;
use crate::provider::types::Types;
use crate::tf::diag::Diagnostic;
use crate::tf::schema::string;
use crate::tf::value::Value;
use omni_proto::specs::MachineConfigDiffSpec;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.list::<Objects<MachineConfigDiff>>();
}

struct MachineConfigDiff;

impl Table for MachineConfigDiff {
    type Spec = MachineConfigDiffSpec;

    const NAME: &'static str = "omni_machine_config_diff";
    const NOUN: &'static str = "change of a machine configuration";
    const ID: &'static str = "id";

    fn rows() -> Vec<Row> {
        vec![
            text("id", "ID of the change.").id(),
            text("machine_id", "ID (UUID) of the machine.").label(labels::MACHINE, KeyCodec::Text),
            text("created_at", "Time of the change (RFC 3339).").derived(),
            text("diff", "The change, as a unified diff; secrets are replaced by asterisks.").derived(),
        ]
    }

    fn derive(
        object: &Object<MachineConfigDiffSpec>,
        _joined: &Joined,
        _prior: &Value,
        shown: &mut Value,
    ) -> Result<(), Diagnostic> {
        let diff = compressed::text::<MachineConfigDiffSpec>(&object.stored);
        let diff = diff.map_err(|error| Diagnostic::from_error("Could not read the change", &error))?;
        shown.set("diff", diff.into());
        let created = object.stored.metadata.created.as_ref();
        shown.set("created_at", created.map(|at| timestamp::show(timestamp::from_proto(at))).into());
        Ok(())
    }
}

impl View for MachineConfigDiff {
    const NOUNS: &'static str = "changes of machine configurations";
    const PLURAL: &'static str = "omni_machine_config_diffs";
    const ABOUT_ALL: &'static str = "Lists recent changes of the Talos machine configurations; Omni keeps a limited number for each machine. All filters that are set must match.";

    fn filters() -> Vec<Filter> {
        let machine = string("machine_id").doc("Only changes of this machine, by ID (UUID).");
        vec![Filter::label(machine, labels::MACHINE)]
    }
}
