//! Omniconfigs.

mod dual;
pub(crate) mod file;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.dual::<dual::Omniconfig>();
}
