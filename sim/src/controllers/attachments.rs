//! Objects on which the server only sets finalizers: extensions configurations.

use super::context::ControllerContext;
use crate::names::{controller, kind};

const EXTENSIONS_HELD_BY: &[&str] = &[controller::MACHINE_EXTENSIONS];

pub(super) fn extensions(ctx: &ControllerContext<'_>) {
    for list in ctx.list(kind::EXTENSIONS_CONFIGURATION) {
        if list.tearing_down {
            ctx.release(&list, EXTENSIONS_HELD_BY);
        } else {
            ctx.hold(&list, EXTENSIONS_HELD_BY);
        }
    }
}
