//! The same refusals for an object of a cluster template, which has keys in the place of attributes, and no lock of its cluster.

use super::{Row, row};

/// What an object of a document is called, whatever its type: a message names it as the document's resource shows it.
pub(crate) const OBJECT: &str = "object";

const OBJECTS: &[&str] = &[OBJECT];

/// What a template can be in.
const TEMPLATE: &str = "template";

pub(crate) const UNLOCK: &str = "Unlock the cluster in Omni, or with the action `omni_cluster_unlock`.";
pub(crate) const UNLOCK_MACHINE: &str = "Unlock the machine first: in a separate apply, set `locked: false` in its document of the template, or use the action `omni_machine_unlock` if the template has not locked it.";
pub(crate) const EMPTY_FIRST: &str = "Remove the machines first, in a separate apply with `machines: []`, which wipes them, and switch in the next one. \
     Or add a machine set with the machine class, and remove this one later.";
pub(crate) const EMPTY_CLASS_FIRST: &str = "Remove the machines first, in a separate apply with `size: 0` in `machineClass`, which wipes them, and switch in the next one. \
     Or add a machine set without a machine class, and remove this one later.";

pub(super) const ROWS: &[Row] = &[
    row(OBJECTS, r#"updating cluster configuration is not allowed: the cluster "*" is locked"#, TEMPLATE, UNLOCK),
    row(OBJECTS, r#"deletion is not allowed: the cluster "*" is locked"#, TEMPLATE, UNLOCK),
    row(OBJECTS, r#"* machine set "*" * the cluster "*" is not allowed: the cluster is locked"#, TEMPLATE, UNLOCK),
    row(
        OBJECTS,
        r#"* machine set node * the machine set "*" is not allowed: the cluster "*" is locked"#,
        TEMPLATE,
        UNLOCK,
    ),
    row(
        OBJECTS,
        r#"removing machine set node from the machine set "*" is not allowed: machine set node is locked"#,
        TEMPLATE,
        UNLOCK_MACHINE,
    ),
    row(OBJECTS, "machine set is not empty and is using manual nodes management, *", TEMPLATE, EMPTY_FIRST),
    row(OBJECTS, "machine set is not empty and is using machine class *", TEMPLATE, EMPTY_CLASS_FIRST),
];
