//! The form of a secrets bundle, as `talosctl gen secrets` writes it. What is wrong with one is said without quoting it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kit::yaml;
use serde_json::Value;

/// The most faults that are named.
const MOST: usize = 5;

/// The texts that a bundle must have.
const TEXTS: &[(&str, &str)] =
    &[("cluster", "id"), ("cluster", "secret"), ("secrets", "bootstraptoken"), ("trustdinfo", "token")];
/// The keys of encryption at rest, of which a bundle has exactly one.
const ENCRYPTION: [&str; 2] = ["secretboxencryptionsecret", "aescbcencryptionsecret"];
/// The certificates, each with whether it comes with its key alone.
const CERTS: &[(&str, bool)] =
    &[("etcd", false), ("k8s", false), ("k8saggregator", false), ("k8sserviceaccount", true), ("os", false)];

/// What is wrong with a bundle, as a sentence; `None` when it is complete.
pub(super) fn problem(text: &str) -> Option<String> {
    let mut faults = match faults(text) {
        Err(why) => return Some(format!("It is no secrets bundle: {why}.")),
        Ok(faults) if faults.is_empty() => return None,
        Ok(faults) => faults,
    };
    let more = faults.len().saturating_sub(MOST);
    faults.truncate(MOST);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    Some(format!("The bundle is not complete: {}{more}.", faults.join("; ")))
}

/// What is wrong with the parts of a bundle; the error is about the whole.
fn faults(text: &str) -> Result<Vec<String>, &'static str> {
    let documents = yaml::parse_documents(text).map_err(|error| match error.excess {
        None => "it is not YAML",
        Some(_) => "it is nested too deeply, or too large, for the provider",
    })?;
    let [bundle @ Value::Object(_)] = documents.as_slice() else { return Err("it is not a single YAML mapping") };
    let part = |part: &str, name: &str| bundle.get(part).and_then(|part| part.get(name)).filter(|v| !v.is_null());
    let has = |of: &str, name: &str| part(of, name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    let missing = TEXTS.iter().filter(|(of, name)| !has(of, name));
    let mut faults: Vec<_> = missing.map(|(of, name)| format!("`{of}.{name}` is missing")).collect();
    let [new, old] = ENCRYPTION;
    match ENCRYPTION.map(|name| has("secrets", name)) {
        [false, false] => faults.push(format!("one of `secrets.{new}` and `secrets.{old}` is missing")),
        [true, true] => faults.push(format!("only one of `secrets.{new}` and `secrets.{old}` may be set")),
        _ => {}
    }
    for (name, key_alone) in CERTS {
        let Some(cert) = part("certs", name) else {
            faults.push(format!("`certs.{name}` is missing"));
            continue;
        };
        let blocks: &[(&str, &str)] = &[("crt", "CERTIFICATE"), ("key", "PRIVATE KEY")];
        for (field, label) in blocks.iter().skip(usize::from(*key_alone)) {
            if !is_block(cert.get(field).and_then(Value::as_str).unwrap_or_default(), label) {
                let what = if *field == "crt" { "certificate" } else { "private key" };
                faults.push(format!("`certs.{name}.{field}` is no {what} in PEM, encoded in base64"));
            }
        }
    }
    Ok(faults)
}

/// Whether a text is the base64 of a PEM block whose label ends so.
fn is_block(text: &str, label: &str) -> bool {
    let Ok(bytes) = STANDARD.decode(text.trim()) else { return false };
    let text = String::from_utf8_lossy(&bytes);
    let found = text.split_once("-----BEGIN ").and_then(|(_, rest)| rest.split_once("-----"));
    found.is_some_and(|(found, rest)| found.ends_with(label) && rest.contains(&format!("-----END {found}-----")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle() -> String {
        let block = |label: &str| STANDARD.encode(format!("-----BEGIN {label}-----\nAA==\n-----END {label}-----\n"));
        let (crt, key) = (block("CERTIFICATE"), block("ED25519 PRIVATE KEY"));
        let pair = format!("{{crt: {crt}, key: {key}}}");
        format!(
            "cluster: {{id: a1, secret: b1}}\nsecrets: {{bootstraptoken: c1, secretboxencryptionsecret: d1}}\n\
             trustdinfo: {{token: e1}}\ncerts: {{etcd: {pair}, k8s: {pair}, k8saggregator: {pair}, \
             k8sserviceaccount: {{key: {key}}}, os: {pair}}}\n"
        )
    }

    #[test]
    fn bundles() {
        let good = bundle();
        for (text, says) in [
            (good.clone(), None),
            (good.replace("secretboxencryptionsecret", "aescbcencryptionsecret"), None),
            (good.replace("id: a1, ", ""), Some("The bundle is not complete: `cluster.id` is missing.")),
            (good.replace("secret: b1", "secret: ''"), Some("`cluster.secret` is missing")),
            (good.replace("secretboxencryptionsecret", "x"), Some("one of `secrets.secretboxencryptionsecret` and")),
            (good.replace("bootstraptoken: c1", "bootstraptoken: c1, aescbcencryptionsecret: x"), Some("only one of")),
            (good.replace("k8s: ", "k9s: "), Some("`certs.k8s` is missing")),
            (good.replace("{key: ", "{key: x"), Some("`certs.k8sserviceaccount.key` is no private key in PEM")),
            (good.replace("os: {crt: ", "os: {crt: x"), Some("`certs.os.crt` is no certificate in PEM")),
            ("{}".to_owned(), Some("; and 5 more.")),
            (String::new(), Some("it is not a single YAML mapping")),
            ("- a1".to_owned(), Some("it is not a single YAML mapping")),
            ("a1: [".to_owned(), Some("it is not YAML")),
            ("[".repeat(101) + &"]".repeat(101), Some("it is nested too deeply, or too large, for the provider")),
        ] {
            let said = problem(&text);
            assert_eq!(said.is_some(), says.is_some(), "{text}: {said:?}");
            let said = said.unwrap_or_default();
            assert!(said.contains(says.unwrap_or_default()), "{text}: {said}");
            assert!(["a1", "b1", "c1", "d1", "e1"].iter().all(|secret| !said.contains(secret)), "{said}");
        }
    }
}
