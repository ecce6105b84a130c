//! Rules for the secrets of clusters: one change at a time, and what is brought along is complete.

use super::Change;
use crate::names::kind;
use crate::object::Reader;
use crate::settings;
use kit::yaml;
use omni_proto::specs::secret_rotation_spec::Phase;
use omni_proto::specs::{ClusterSecretsRotationStatusSpec, ImportedClusterSecretsSpec};
use serde_json::Value;

/// The parts of a bundle of secrets, and what each must hold.
const PARTS: &[(&str, &[&str])] = &[
    ("cluster", &["id", "secret"]),
    ("secrets", &["bootstraptoken"]),
    ("trustdinfo", &["token"]),
    (
        "certs",
        &[
            "etcd/crt",
            "etcd/key",
            "k8s/crt",
            "k8s/key",
            "k8saggregator/crt",
            "k8saggregator/key",
            "k8sserviceaccount/key",
            "os/crt",
            "os/key",
        ],
    ),
];

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
    let Change::Create(new) = change else { return Vec::new() };
    if settings::get(view, settings::CLUSTER_IMPORT).as_deref() == Some(settings::OFF) {
        return vec!["cluster import feature is not enabled".into()];
    }
    let mut found = Vec::new();
    if view.get(kind::CLUSTER, &new.key.id).is_some() {
        found.push(format!("cannot import secrets for the cluster {:?}: it already exists", new.key.id));
    }
    let problems = bundle(&new.spec::<ImportedClusterSecretsSpec>().data);
    if !problems.is_empty() {
        found.push(format!("failed to validate imported cluster secret: {}", super::joined(&problems)));
    }
    found
}

/// What a bundle lacks; a whole part that is not there is told once.
fn bundle(text: &str) -> Vec<String> {
    let bundle = match yaml::parse_documents(text) {
        Err(error) => return vec![format!("failed to read the secrets bundle: {error}")],
        Ok(documents) => documents.into_iter().next().unwrap_or(Value::Null),
    };
    let present = |path: &str| bundle.pointer(path).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    let mut missing = Vec::new();
    for (part, paths) in PARTS {
        if bundle.get(part).is_none_or(Value::is_null) {
            missing.push(format!("{part} is required"));
            continue;
        }
        let name = |path: &str| format!("{part}.{} is required", path.replace('/', "."));
        missing.extend(paths.iter().filter(|path| !present(&format!("/{part}/{path}"))).map(|path| name(path)));
        // Older clusters encrypt with the one, newer ones with the other.
        if *part == "secrets"
            && !present("/secrets/secretboxencryptionsecret")
            && !present("/secrets/aescbcencryptionsecret")
        {
            missing.push(name("secretboxencryptionsecret"));
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, leaving, object};
    use super::*;
    use omni_proto::specs::{ClusterSpec, RotateTalosCaSpec};

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
        let pair = "{crt: a, key: b}";
        let good = format!(
            "cluster: {{id: a, secret: b}}\nsecrets: {{bootstraptoken: a, secretboxencryptionsecret: b}}\n\
             trustdinfo: {{token: a}}\ncerts: {{etcd: {pair}, k8s: {pair}, k8saggregator: {pair}, \
             k8sserviceaccount: {{key: a}}, os: {pair}}}\n"
        );
        let import =
            |data: &str| object(kind::IMPORTED_CLUSTER_SECRETS, "c", &ImportedClusterSecretsSpec { data: data.into() });
        let view = Fixture::default();
        assert_eq!(imported(&view, Change::Create(&import(&good))), [""; 0]);
        assert_eq!(
            imported(&view, Change::Create(&import(&good.replace("id: a, ", "")))),
            ["failed to validate imported cluster secret: 1 error occurred:\n\t* cluster.id is required\n\n"]
        );
        assert_eq!(
            imported(&view, Change::Create(&import(""))),
            [
                "failed to validate imported cluster secret: 4 errors occurred:\n\t* cluster is required\n\t* secrets is \
              required\n\t* trustdinfo is required\n\t* certs is required\n\n"
            ]
        );
        assert_eq!(imported(&view, Change::Create(&import("a: ["))).len(), 1);
        let taken = view.with(object(kind::CLUSTER, "c", &ClusterSpec::default()));
        assert_eq!(
            imported(&taken, Change::Create(&import(&good))),
            ["cannot import secrets for the cluster \"c\": it already exists"]
        );
    }
}
