//! IDs of machines in the forms that omnictl takes; they stay as they are written.

/// Checks the form of an ID.
///
/// # Errors
/// Why it is no UUID.
pub(super) fn check(text: &str) -> Result<(), String> {
    const URN: &str = "urn:uuid:";
    let bare = match text.len() {
        32 => return if is_hex(text) { Ok(()) } else { Err("invalid UUID format".to_owned()) },
        36 => text,
        38 => text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or_default(),
        45 => match text.get(..URN.len()) {
            Some(prefix) if prefix.eq_ignore_ascii_case(URN) => &text[URN.len()..],
            _ => return Err(format!("invalid urn prefix: {:?}", text.get(..URN.len()).unwrap_or_default())),
        },
        length => return Err(format!("invalid UUID length: {length}")),
    };
    let groups: Vec<&str> = bare.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let good = lengths == [8, 4, 4, 4, 12] && groups.iter().all(|group| is_hex(group));
    if good { Ok(()) } else { Err("invalid UUID format".to_owned()) }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}
