//! Objects of any COSI type, named by type and ID.

mod data_source;
mod delete_by_selector;
mod document;
mod goal;
mod managed;
mod moved;
mod twin;
mod type_name;
mod wait;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types
        .cosi::<managed::AnyResource>()
        .single::<data_source::Resources>()
        .list::<data_source::Resources>()
        .action(wait::Wait)
        .action(delete_by_selector::DeleteBySelector);
}
