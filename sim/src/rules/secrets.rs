//! Rules for the secrets of clusters: one change at a time, and imported secrets must be complete.

use super::Change;
use crate::catalogue::Feature;
use crate::names::kind;
use crate::object::Reader;
use crate::settings;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kit::yaml;
use omni_proto::specs::secret_rotation_spec::Phase;
use omni_proto::specs::{ClusterSecretsRotationStatusSpec, ImportedClusterSecretsSpec};
use serde_json::Value;

/// The pairs of certificate and key in a bundle of secrets, and those that are a key alone.
const CERTS: &[(&str, bool)] =
    &[("etcd", true), ("k8s", true), ("k8saggregator", true), ("k8sserviceaccount", false), ("os", true)];

/// The problems with a change of a request for new authorities.
pub(super) fn rotation(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    let (verb, key) = match change {
        Change::Create(_) => return Vec::new(),
        // What is torn down is judged by the rules for destruction alone.
        Change::Update(_, new) if new.tearing_down => return Vec::new(),
        Change::Update(_, new) => ("modify", &new.key),
        Change::Destroy(old) => ("delete", &old.key),
    };
    let status = view.get(kind::CLUSTER_SECRETS_ROTATION_STATUS, &key.id);
    let running = status.is_some_and(|s| s.spec::<ClusterSecretsRotationStatusSpec>().phase() != Phase::Ok);
    let problem = format!("cannot {verb} the {} {:?} while a secret rotation is in progress", key.kind, key.id);
    running.then_some(problem).into_iter().collect()
}

/// The problems with a change of secrets that a cluster brings along.
pub(super) fn imported(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    let may_change = super::release(view).has(Feature::ImportsMayChange);
    let new = match change {
        Change::Create(_) if settings::get(view, settings::CLUSTER_IMPORT).as_deref() == Some(settings::OFF) => {
            return vec!["cluster import feature is not enabled".into()];
        }
        Change::Create(new) => new,
        Change::Update(_, new) if may_change => new,
        _ => return Vec::new(),
    };
    if view.get(kind::CLUSTER, &new.key.id).is_some() {
        let id = &new.key.id;
        let verbs = if may_change { "create/update" } else { "create" };
        return vec![format!(
            "cannot {verbs} an ImportedClusterSecrets, as there is already an existing cluster with name: {id:?}"
        )];
    }
    match bundle(&new.spec::<ImportedClusterSecretsSpec>().data) {
        Err(problem) => vec![format!("failed to unmarshal imported cluster secret: {problem}")],
        Ok(problems) if problems.is_empty() => Vec::new(),
        Ok(problems) => vec![format!("failed to validate imported cluster secret: {}", super::joined(&problems))],
    }
}

/// What a bundle lacks; a whole part that is not there is told once.
fn bundle(text: &str) -> Result<Vec<String>, String> {
    let bundle = yaml::parse_documents(text).map_err(|error| error.to_string())?.into_iter().next().unwrap_or_default();
    if !(bundle.is_object() || bundle.is_null()) {
        return Err(format!("yaml: cannot read {bundle} as secrets"));
    }
    let part = |name: &str| bundle.get(name).filter(|part| !part.is_null());
    let has = |part: &Value, field: &str| part.get(field).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    let mut found = Vec::new();
    for (name, fields) in
        [("cluster", &["id", "secret"][..]), ("secrets", &["bootstraptoken"]), ("trustdinfo", &["token"])]
    {
        let Some(part) = part(name) else {
            found.push(format!("{name} is required"));
            continue;
        };
        found
            .extend(fields.iter().filter(|field| !has(part, field)).map(|field| format!("{name}.{field} is required")));
        if name == "secrets" {
            // Older clusters encrypt with the one, newer ones with the other.
            let either = "[secrets.secretboxencryptionsecret, secrets.aescbcencryptionsecret]";
            match (has(part, "secretboxencryptionsecret"), has(part, "aescbcencryptionsecret")) {
                (false, false) => found.push(format!("one of {either} is required")),
                (true, true) => found.push(format!("only one of {either} is allowed")),
                _ => {}
            }
        }
    }
    let Some(certs) = part("certs") else {
        found.push("certs is required".into());
        return Ok(found);
    };
    for (name, is_pair) in CERTS {
        let Some(cert) = certs.get(name).filter(|cert| !cert.is_null()) else {
            found.push(format!("certs.{name} is required"));
            continue;
        };
        let certificate = if *is_pair { pem(cert, "crt")?.map(drop) } else { Ok(()) };
        let what = if *is_pair { format!("certs.{name}") } else { format!("certs.{name}.key") };
        let key = pem(cert, "key")?;
        found.extend(
            certificate.and(key.and_then(private)).err().map(|problem| format!("{what} is invalid: {problem}")),
        );
    }
    Ok(found)
}

/// The label of the block that a field holds in base64; the field cannot be read when it holds something else.
fn pem(cert: &Value, field: &str) -> Result<Result<String, String>, String> {
    let text = cert.get(field).and_then(Value::as_str).unwrap_or_default();
    let bytes = STANDARD.decode(text).map_err(|error| format!("yaml: {field}: {error}"))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let label = text.split_once("-----BEGIN ").and_then(|(_, rest)| rest.split_once("-----"));
    let whole = label.filter(|(label, rest)| rest.contains(&format!("-----END {label}-----")));
    Ok(whole.map(|(label, _)| label.to_owned()).ok_or_else(|| "failed to parse PEM block".to_owned()))
}

fn private(label: String) -> Result<(), String> {
    if label.ends_with("PRIVATE KEY") { Ok(()) } else { Err(format!("unsupported key type: {label:?}")) }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, leaving, object};
    use super::*;
    use omni_proto::specs::{ClusterSpec, RotateTalosCaSpec, SysVersionSpec};

    #[test]
    fn rotations_take_turns() {
        let status = |phase: Phase| {
            let mut spec = ClusterSecretsRotationStatusSpec::default();
            spec.set_phase(phase);
            Fixture::default().with(object(kind::CLUSTER_SECRETS_ROTATION_STATUS, "c", &spec))
        };
        let request = object(kind::ROTATE_TALOS_CA, "c", &RotateTalosCaSpec {});
        let (idle, busy) = (status(Phase::Ok), status(Phase::Rotate));
        let modify = "cannot modify the RotateTalosCAs.omni.sidero.dev \"c\" while a secret rotation is in progress";
        let delete = "cannot delete the RotateTalosCAs.omni.sidero.dev \"c\" while a secret rotation is in progress";
        let gone = leaving(request.clone());
        for (view, change, expected) in [
            (&idle, Change::Update(&request, &request), vec![]),
            (&idle, Change::Destroy(&request), vec![]),
            (&busy, Change::Create(&request), vec![]),
            (&busy, Change::Update(&request, &request), vec![modify]),
            (&busy, Change::Update(&request, &gone), vec![]),
            (&busy, Change::Destroy(&request), vec![delete]),
        ] {
            assert_eq!(rotation(view, change), expected);
        }
    }

    #[test]
    fn bundles_are_complete() {
        let block = |label: &str| STANDARD.encode(format!("-----BEGIN {label}-----\nAA==\n-----END {label}-----\n"));
        let (crt, key) = (block("CERTIFICATE"), block("ED25519 PRIVATE KEY"));
        let pair = format!("{{crt: {crt}, key: {key}}}");
        let good = format!(
            "cluster: {{id: a, secret: b}}\nsecrets: {{bootstraptoken: a, secretboxencryptionsecret: b}}\n\
             trustdinfo: {{token: a}}\ncerts: {{etcd: {pair}, k8s: {pair}, k8saggregator: {pair}, \
             k8sserviceaccount: {{key: {key}}}, os: {pair}}}\n"
        );
        let import =
            |data: &str| object(kind::IMPORTED_CLUSTER_SECRETS, "c", &ImportedClusterSecretsSpec { data: data.into() });
        let view = Fixture::default();
        let either = "[secrets.secretboxencryptionsecret, secrets.aescbcencryptionsecret]";
        for (data, expected) in [
            (good.clone(), vec![]),
            (good.replace("id: a, ", ""), vec!["cluster.id is required".to_owned()]),
            (good.replace(", secret: b", ""), vec!["cluster.secret is required".into()]),
            (good.replace("token: a}\ncerts", "token: ''}\ncerts"), vec!["trustdinfo.token is required".into()]),
            (good.replace("secretboxencryptionsecret", "other"), vec![format!("one of {either} is required")]),
            (
                good.replace("bootstraptoken: a", "aescbcencryptionsecret: a"),
                vec!["secrets.bootstraptoken is required".into(), format!("only one of {either} is allowed")],
            ),
            (good.replace("k8s: ", "other: "), vec!["certs.k8s is required".into()]),
            (
                good.replace(&format!("etcd: {pair}"), "etcd: {}"),
                vec!["certs.etcd is invalid: failed to parse PEM block".into()],
            ),
            (
                good.replace(&format!("os: {pair}"), &format!("os: {{crt: {crt}, key: {crt}}}")),
                vec!["certs.os is invalid: unsupported key type: \"CERTIFICATE\"".into()],
            ),
            (
                good.replace(&format!("{{key: {key}}}"), "{key: ''}"),
                vec!["certs.k8sserviceaccount.key is invalid: failed to parse PEM block".into()],
            ),
            (
                String::new(),
                ["cluster", "secrets", "trustdinfo", "certs"].map(|part| format!("{part} is required")).into(),
            ),
        ] {
            let expected = match expected.as_slice() {
                [] => vec![],
                some => vec![format!("failed to validate imported cluster secret: {}", super::super::joined(some))],
            };
            assert_eq!(imported(&view, Change::Create(&import(&data))), expected, "{data}");
        }
        for broken in ["a: [", "words", &*good.replace(&crt, "a*b")] {
            let found = imported(&view, Change::Create(&import(broken)));
            let [problem] = &found[..] else { panic!("{found:?}") };
            assert!(problem.starts_with("failed to unmarshal imported cluster secret: "), "{problem}");
        }
        let taken = view.with(object(kind::CLUSTER, "c", &ClusterSpec::default()));
        assert_eq!(
            imported(&taken, Change::Create(&import(""))),
            ["cannot create an ImportedClusterSecrets, as there is already an existing cluster with name: \"c\""]
        );
    }

    #[test]
    fn older_servers_judge_changes_too() {
        let server = |version: &str| {
            let spec = SysVersionSpec { backend_version: version.into(), ..Default::default() };
            Fixture::default().with(object(kind::SYS_VERSION, "current", &spec))
        };
        let taken = |version| server(version).with(object(kind::CLUSTER, "c", &ClusterSpec::default()));
        let import = object(kind::IMPORTED_CLUSTER_SECRETS, "c", &ImportedClusterSecretsSpec { data: "{}".into() });
        let gone = leaving(import.clone());
        let incomplete = imported(&server("v1.11.0"), Change::Create(&import));
        assert_eq!(incomplete.len(), 1);
        let exists = ["cannot create/update an ImportedClusterSecrets, as there is already an existing cluster with \
                       name: \"c\""];
        let change = Change::Update(&import, &import);
        for (view, change, expected) in [
            (server("v1.8.4"), change, &incomplete[..]),
            (taken("v1.8.4"), change, &exists.map(str::to_owned)),
            (taken("v1.8.4"), Change::Update(&import, &gone), &exists.map(str::to_owned)),
            (taken("v1.8.4"), Change::Create(&import), &exists.map(str::to_owned)),
            (taken("v1.8.4"), Change::Destroy(&import), &[]),
            (server("v1.9.0"), change, &[]),
            (taken("v1.9.0"), change, &[]),
        ] {
            assert_eq!(imported(&view, change), expected, "{change:?}");
        }
    }
}
