//! Rules for the secrets of clusters: one change at a time, and what is brought along is complete.

use super::Change;
use crate::kit::yaml;
use crate::pb::specs::secret_rotation_spec::Phase;
use crate::pb::specs::{ClusterSecretsRotationStatusSpec, ImportedClusterSecretsSpec};
use crate::sim::names::kind;
use crate::sim::object::View;
use serde_json::Value;

/// What a bundle of secrets must hold, as paths into it.
const REQUIRED: [&str; 13] = [
    "/cluster/id",
    "/cluster/secret",
    "/secrets/bootstraptoken",
    "/trustdinfo/token",
    "/certs/etcd/crt",
    "/certs/etcd/key",
    "/certs/k8s/crt",
    "/certs/k8s/key",
    "/certs/k8saggregator/crt",
    "/certs/k8saggregator/key",
    "/certs/k8sserviceaccount/key",
    "/certs/os/crt",
    "/certs/os/key",
];

/// The problems with a change of a wish for new authorities; `what` names them.
pub(super) fn rotation(view: &dyn View, change: Change<'_>, what: &str) -> Vec<String> {
    let (verb, id) = match change {
        Change::Create(_) => return Vec::new(),
        // What is torn down is judged by the rules for destruction alone.
        Change::Update(_, new) if new.tearing_down => return Vec::new(),
        Change::Update(_, new) => ("modify", &new.key.id),
        Change::Destroy(old) => ("delete", &old.key.id),
    };
    let status = view.get(kind::CLUSTER_SECRETS_ROTATION_STATUS, id);
    let running = status.is_some_and(|s| s.spec::<ClusterSecretsRotationStatusSpec>().phase() != Phase::Ok);
    let problem = format!("cannot {verb} the {what} while a secret rotation is in progress");
    running.then_some(problem).into_iter().collect()
}

/// The problems with a change of secrets that a cluster brings along.
pub(super) fn imported(view: &dyn View, change: Change<'_>) -> Vec<String> {
    let Change::Create(new) = change else { return Vec::new() };
    let mut found = Vec::new();
    if view.get(kind::CLUSTER, &new.key.id).is_some() {
        found.push(format!("cannot import secrets for the cluster {:?}: it already exists", new.key.id));
    }
    found.extend(bundle(&new.spec::<ImportedClusterSecretsSpec>().data));
    found
}

fn bundle(text: &str) -> Vec<String> {
    let bundle = match yaml::parse_documents(text) {
        Err(error) => return vec![format!("failed to read the secrets bundle: {error}")],
        Ok(documents) => documents.into_iter().next().unwrap_or(Value::Null),
    };
    let present = |path: &str| bundle.pointer(path).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    let mut missing: Vec<&str> = REQUIRED.into_iter().filter(|path| !present(path)).collect();
    // Older clusters encrypt with the one, newer ones with the other.
    if !present("/secrets/secretboxencryptionsecret") && !present("/secrets/aescbcencryptionsecret") {
        missing.push("/secrets/secretboxencryptionsecret");
    }
    missing
        .into_iter()
        .map(|path| format!("invalid secrets bundle: {} is required", path.trim_start_matches('/').replace('/', ".")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, leaving, object};
    use super::*;
    use crate::pb::specs::{ClusterSpec, RotateTalosCaSpec};

    #[test]
    fn rotations_take_turns() {
        let status = |phase: Phase| {
            let mut spec = ClusterSecretsRotationStatusSpec::default();
            spec.set_phase(phase);
            Fixture::default().with(object(kind::CLUSTER_SECRETS_ROTATION_STATUS, "c", &spec))
        };
        let wish = object(kind::ROTATE_TALOS_CA, "c", &RotateTalosCaSpec {});
        let (idle, busy) = (status(Phase::Ok), status(Phase::Rotate));
        let modify = "cannot modify the Talos CA rotation while a secret rotation is in progress";
        let delete = "cannot delete the Talos CA rotation while a secret rotation is in progress";
        let gone = leaving(wish.clone());
        for (view, change, expected) in [
            (&idle, Change::Update(&wish, &wish), vec![]),
            (&idle, Change::Destroy(&wish), vec![]),
            (&busy, Change::Create(&wish), vec![]),
            (&busy, Change::Update(&wish, &wish), vec![modify]),
            (&busy, Change::Update(&wish, &gone), vec![]),
            (&busy, Change::Destroy(&wish), vec![delete]),
        ] {
            assert_eq!(rotation(view, change, "Talos CA rotation"), expected);
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
            ["invalid secrets bundle: cluster.id is required"]
        );
        assert_eq!(imported(&view, Change::Create(&import(""))).len(), REQUIRED.len() + 1);
        assert_eq!(imported(&view, Change::Create(&import("a: ["))).len(), 1);
        let taken = view.with(object(kind::CLUSTER, "c", &ClusterSpec::default()));
        assert_eq!(
            imported(&taken, Change::Create(&import(&good))),
            ["cannot import secrets for the cluster \"c\": it already exists"]
        );
    }
}
