//! Names that the project once had for things which Terraform, COSI, Omni or Rust have a word for.

use super::measure::Code;

/// The name, and what to say. A name counts where an item is defined under it.
const OLD: [(&str, &str); 59] = [
    ("ACCEPTED", "<what>_TIMEOUT"),
    ("Backed", "CosiResource"),
    ("Called", "RpcObject"),
    ("CalledBacked", "RpcResource"),
    ("Class", "ErrorKind"),
    ("DEPARTURE", "<what>_TIMEOUT"),
    ("Desk", "<what>Context"),
    ("Doing", "Operation"),
    ("Extra", "Joined"),
    ("FORCED", "<what>_TIMEOUT"),
    ("Fate", "Delivery"),
    ("Fetched", "DualSource"),
    ("Fleeting", "EphemeralEntry"),
    ("Frame", "ResourceBase"),
    ("GRACE", "<what>_TIMEOUT"),
    ("INTRODUCTION", "<what>_TIMEOUT"),
    ("LAG", "VISIBLE_TIMEOUT"),
    ("LAST_LOOK", "<what>_TIMEOUT"),
    ("LEAVING", "DELETING"),
    ("LISTING", "<what>_TIMEOUT"),
    ("LOST", "<what>_TIMEOUT"),
    ("Left", "Expect"),
    ("Managed", "CosiObject"),
    ("NOTICE", "<what>_INTERVAL"),
    ("Office", "ServiceContext"),
    ("PATIENCE", "<what>_TIMEOUT"),
    ("Patience", "Timeouts"),
    ("Recent", "RecentWrites"),
    ("Repeat", "Idempotency"),
    ("Restless", "NotConverged"),
    ("SUCCESSION", "<what>_TIMEOUT"),
    ("Scissors", "disconnect"),
    ("Seen", "Observed"),
    ("TAKING_BACK", "<what>_TIMEOUT"),
    ("Turn", "KeyLock"),
    ("UNCERTAIN", "<what>_TIMEOUT"),
    ("Wire", "TransportState"),
    ("Wish", "WriteRequest"),
    ("Witness", "Observer"),
    ("accompany", "after_write"),
    ("arrival", "machine_join"),
    ("complain", "eprint"),
    ("crud", "engine"),
    ("drift", "conflict"),
    ("due", "plan_existing"),
    ("furniture", "instance_settings"),
    ("import_id", "parse_import"),
    ("kept", "what is stored, or unchanged"),
    ("let_go", "before_delete"),
    ("lingers", "is_deleting"),
    ("locate", "resolve_import"),
    ("outdates", "is_stale"),
    ("predict", "modify_plan"),
    ("read_back", "consistency"),
    ("seeds", "bootstrap"),
    ("shown", "display, visible or state"),
    ("sketch", "Outcome::partial"),
    ("stamp", "before_create"),
    ("turns", "key_lock"),
];

/// The definitions that have such a name.
pub fn old(code: &Code) -> Vec<String> {
    let mut found = Vec::new();
    let tests = |path: &str| path.contains("/tests/") || path.ends_with("tests.rs");
    for (source, tokens) in code.product.iter().filter(|(source, _)| !tests(&source.path)) {
        for pair in tokens.windows(2) {
            let defines = ["const", "enum", "fn", "mod", "static", "struct", "trait", "type"];
            let Some((old, new)) = OLD.iter().find(|(old, _)| pair[1].is(old)) else { continue };
            if defines.iter().any(|keyword| pair[0].is(keyword)) {
                found.push(format!("{}:{}: {old}, say {new}", source.path, pair[1].line));
            }
        }
    }
    found
}

#[test]
fn definitions_are_found_and_uses_are_not() {
    let code =
        Code::of(&[("src/a.rs", "fn stamp() { shown(); }\nstruct Shown; // struct Wish\nimpl A { fn shown() {} }")]);
    assert_eq!(
        old(&code),
        ["src/a.rs:1: stamp, say before_create", "src/a.rs:3: shown, say display, visible or state"]
    );
}
