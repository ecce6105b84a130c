//! Objects that the server only takes note of: lists of extensions.

use super::desk::Desk;
use crate::names::{controller, kind};

const EXTENSIONS_HELD_BY: &[&str] = &[controller::MACHINE_EXTENSIONS];

pub(super) fn extensions(desk: &Desk<'_>) {
    for list in desk.list(kind::EXTENSIONS_CONFIGURATION) {
        if list.tearing_down {
            desk.release(&list, EXTENSIONS_HELD_BY);
        } else {
            desk.hold(&list, EXTENSIONS_HELD_BY);
        }
    }
}
