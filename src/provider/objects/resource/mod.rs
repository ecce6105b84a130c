//! Objects of any COSI type, named by type and ID.

mod delete_by_selector;
mod type_name;
mod wait;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.action(wait::Wait).action(delete_by_selector::DeleteBySelector);
}
