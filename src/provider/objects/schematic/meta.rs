//! Values of the META partition, by the rules of Omni.

use crate::tf::check::Check;
use crate::tf::value::Value;
use kit::text::quoted;
use kit::yaml;
use serde_json::Value as Json;
use std::collections::HashMap;

/// The key of the initial labels of a machine.
const LABELS: u32 = 12;
/// The keys that are not reserved by Talos.
const FREE: [u32; 4] = [10, LABELS, 13, 14];

/// The keys are free to be set, and the labels can be read.
pub(super) fn are_values() -> Check {
    Check::by(|values| {
        for (key, value) in values.entries().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            let Some(number) = number(key) else {
                return Err(format!(
                    "{} is no key that a schematic can set: write `10`, `12`, `13` or `14`.",
                    quoted(key)
                ));
            };
            if let (LABELS, Some(text)) = (number, value.as_str()) {
                check_labels(text)?;
            }
        }
        Ok(())
    })
}

/// They as Omni is asked for them.
pub(super) fn values(values: &Value) -> HashMap<u32, String> {
    let all = values.entries().into_iter().flatten();
    all.filter_map(|(key, value)| Some((number(key)?, value.as_str()?.to_owned()))).collect()
}

fn number(key: &str) -> Option<u32> {
    FREE.into_iter().find(|number| number.to_string() == key)
}

fn check_labels(text: &str) -> Result<(), String> {
    let wrong =
        |why: &str| Err(format!("The labels in `{LABELS}` {why}: write YAML such as `machineLabels: {{rack: r1}}`."));
    let documents = match yaml::parse_documents(text) {
        Ok(documents) => documents,
        Err(error) if error.excess.is_some() => return wrong("are nested too deeply, or too large, for the provider"),
        Err(_) => return wrong("are no YAML"),
    };
    let labels = documents.first().and_then(|document| document.get("machineLabels"));
    match labels {
        None | Some(Json::Null) => wrong("are missing"),
        Some(Json::Object(labels)) if labels.values().all(|v| !v.is_array() && !v.is_object()) => Ok(()),
        Some(_) => wrong("are no mapping of texts"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_a_mapping_of_texts() {
        let deep = "[".repeat(101) + &"]".repeat(101);
        for (text, says) in [
            ("machineLabels: {rack: r1}", None),
            ("machineLabels: {}", None),
            ("{{{", Some("no YAML")),
            (deep.as_str(), Some("too deeply")),
            ("a: b", Some("missing")),
            ("machineLabels: []", Some("no mapping")),
            ("machineLabels: {a: [b]}", Some("no mapping")),
        ] {
            let said = check_labels(text).err();
            assert_eq!(said.is_some(), says.is_some(), "{text}: {said:?}");
            assert!(says.is_none_or(|says| said.unwrap_or_default().contains(says)), "{text}");
        }
    }

    #[test]
    fn keys_are_written_in_one_way() {
        assert_eq!(["10", "012", "6", "x", "14"].map(number), [Some(10), None, None, None, Some(14)]);
    }
}
