//! `omni_machine_class` and `omni_machine_classes`: machine classes, and what they take.

use super::resource::MachineClass;
use crate::provider::lookup::View;

impl View for MachineClass {
    const NOUNS: &'static str = "machine classes";
    const PLURAL: &'static str = "omni_machine_classes";
    const ABOUT: &'static str = "Reads a machine class. It does not have to be managed by Terraform.";
    const ABOUT_ALL: &'static str = "Lists machine classes. All filters that are set must match.";
    const ABOUT_ID: &'static str = "Name of the machine class.";
}
