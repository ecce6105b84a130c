//! What to do about a patch that sets what Omni controls. A newer release controls more than the one that accepted a patch.

use crate::omni::Error;
use crate::provider::engine::Cx;
use crate::provider::view;
use crate::tf::diag::Diagnostic;
use omni_proto::specs::MachineInstallDiskConfigSpec;

/// The disk that Talos is installed on, which has had its own type since Omni 1.11.
const DISK: &str = "machine.install.disk";

/// How a plan came to a patch that Omni refuses.
#[derive(Clone, Copy)]
pub(super) enum Change<'a> {
    /// It creates a patch of this ID; `None` while that is not known.
    Create(Option<&'a str>),
    /// It changes the content.
    Content,
    /// It changes something beside the content.
    Rest,
}

/// Explains in a plan that Omni refuses a patch because of these fields.
///
/// # Errors
/// When Omni does not answer.
pub(super) async fn explain(cx: &Cx, change: Change<'_>, fields: &[&str]) -> Result<Diagnostic, Error> {
    let list = fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ");
    if let Change::Create(Some(id)) = change
        && fields == [DISK]
        && let Some(machine) = former_machine(id)
        && let Some(config) = view::spec::<MachineInstallDiskConfigSpec>(cx, machine).await?
    {
        return Ok(replaced(machine, &config));
    }
    let mut detail = format!("It sets fields that Omni controls: {list}.");
    if matches!(change, Change::Rest) {
        detail.push_str(
            " The plan does not change them: Omni validates the whole patch with every update, \
             and controls more fields than the release that accepted the patch.",
        );
    }
    let hint = if !fields.contains(&DISK) {
        "Remove these fields from the patch."
    } else if !matches!(change, Change::Create(_)) {
        detail.push_str(&format!(" Since Omni 1.11, `{DISK}` of a patch has no effect."));
        "Remove these fields from the patch. Set the disk with an `omni_machine_install_disk` of the machine."
    } else {
        "Remove these fields from the patch. Set the disk with an `omni_machine_install_disk` of the machine: Omni 1.11 and later do not take it from patches."
    };
    Ok(Diagnostic::error("Omni refuses the patch", detail).hint(hint))
}

/// The machine of a patch with the ID that web interface and cluster templates gave to a patch for its disk.
fn former_machine(id: &str) -> Option<&str> {
    id.strip_prefix("000-cm-")?.strip_suffix("-install-disk")
}

/// The patch is gone, and an object has taken its place.
fn replaced(machine: &str, config: &MachineInstallDiskConfigSpec) -> Diagnostic {
    let choice = match config.disk.as_str() {
        "" => format!("disk_selector = {:?}", config.disk_selector),
        disk => format!("disk       = {disk:?}"),
    };
    Diagnostic::error(
        format!("The patch for the disk of machine `{machine}` is an install disk configuration now"),
        format!(
            "Omni 1.11 replaces each patch that only sets `{DISK}` of a machine with an object of another type, and refuses to create the patch again. \
             `omni_machine_install_disk` manages that object."
        ),
    )
    .hint(format!(
        "Replace the block of the patch with these, which change nothing in Omni:\n\n  \
         removed {{\n    from = omni_config_patch.<NAME>\n    lifecycle {{\n      destroy = false\n    }}\n  }}\n\n  \
         import {{\n    to = omni_machine_install_disk.<NAME>\n    id = \"{machine}\"\n  }}\n\n  \
         resource \"omni_machine_install_disk\" \"<NAME>\" {{\n    machine_id = \"{machine}\"\n    {choice}\n  }}"
    ))
}
