//! The pages under `docs/` are those that the schemas, the examples and the guides give.

use crate::golden;
use std::path::Path;
use terraform_provider_omni::{docs, provider};

#[test]
fn pages_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = match docs::render(provider::new().as_ref(), &root.join("examples")) {
        Ok(pages) => pages,
        Err(e) => panic!("{e}"),
    };
    golden::assert_folder(&root.join("docs"), &pages.into_iter().map(|p| (p.path, p.text)).collect());
}
