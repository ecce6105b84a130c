//! Converts failed calls to diagnostics.
//! This is the only place with texts for such errors. The hint depends on the error kind;
//! only refusals of Omni are distinguished by their text, with the table in [`refusals`].

use super::refusals;
use super::refusals::Advice;
use super::refusals::templates::OBJECT;
use crate::omni::spec::Spec;
use crate::omni::{Error, ErrorKind};
use crate::tf::diag::{Diagnostic, Diagnostics, sentence};
use crate::tf::path::Path;
use omni_proto::specs::ClusterSpec;

/// The kind of object that has a lock, in words.
const CLUSTER: &str = "cluster";

/// The call that changes an object.
pub(super) const UPDATE: &str = "/cosi.resource.State/Update";

/// What was being done when a call failed.
#[derive(Clone, Debug)]
pub(crate) struct Operation<'a> {
    /// The verb: `create`.
    pub(crate) verb: &'a str,
    /// The kind of object, in words: `cluster`.
    pub(crate) noun: &'a str,
    /// The id of the object.
    pub(crate) id: &'a str,
    /// The attribute that names the object.
    pub(crate) id_attribute: &'a str,
}

impl Operation<'_> {
    /// The line that says what failed.
    pub(crate) fn summary(&self) -> String {
        if self.id.is_empty() {
            return format!("Could not {} {}", self.verb, self.noun);
        }
        format!("Could not {} {} `{}`", self.verb, self.noun, self.id)
    }

    /// The object in words.
    pub(crate) fn what(&self) -> String {
        if self.id.is_empty() {
            return self.noun.to_owned();
        }
        format!("{} `{}`", self.noun, self.id)
    }

    /// What to read when `error` ended it, as one diagnostic.
    pub(crate) fn explain(&self, error: &Error) -> Diagnostic {
        if let Some(cluster) = self.refused_lock(error) {
            return self.explain_lock(error, cluster);
        }
        let diagnostic = Diagnostic::error(self.summary(), detail(error));
        if let Some(refused) = self.refused(error) {
            let hints = distinct(refused.iter().map(|(_, advice)| text_of(advice.as_ref())));
            let blamed = refused.iter().find_map(|(_, advice)| self.path(advice.as_ref()?));
            let diagnostic = diagnostic.hint(hints.join("\n"));
            return match blamed {
                Some(path) => diagnostic.at(path),
                None => diagnostic,
            };
        }
        let diagnostic = match hint(error) {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        };
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::AlreadyExists | ErrorKind::OwnerConflict | ErrorKind::PhaseConflict
                if !self.id_attribute.is_empty() =>
            {
                diagnostic.at(Path::of(self.id_attribute))
            }
            _ => diagnostic,
        }
    }

    /// The same where the call did not touch the content that was refused: Omni checks the whole object again with
    /// every update, by the rules and the settings of today, and refuses what it has taken before.
    pub(crate) fn explain_stale(&self, error: &Error) -> Diagnostic {
        if let Some(cluster) = self.refused_lock(error) {
            return self.explain_lock(error, cluster);
        }
        let then = format!("Do this in the same apply or in an earlier one, then {} the {}.", self.verb, self.noun);
        self.stale(error, &then)
    }

    /// What is refused, that the object holds it already, and what to do before `then`.
    fn stale(&self, error: &Error, then: &str) -> Diagnostic {
        let mut diagnostic = self.explain(error);
        let place = diagnostic.path.as_ref().map(|path| format!(" in `{path}`")).unwrap_or_default();
        diagnostic.detail.push_str(&format!(
            "\nThis is not changed by the plan: {} already has it{place}. Omni validates the whole object with \
             every update, and no longer accepts it.",
            self.what()
        ));
        let advice = diagnostic.hint.take().unwrap_or_default();
        diagnostic.hint(format!("{advice}\n{then}"))
    }

    /// The cluster whose lock was to be changed for the sake of another object, if that is what Omni refused.
    fn refused_lock<'e>(&self, error: &'e Error) -> Option<&'e str> {
        match error.cause() {
            Error::Status { kind: ErrorKind::Validation, key: Some(key), method: UPDATE, .. }
                if key.kind == ClusterSpec::KIND && ![CLUSTER, OBJECT].contains(&self.noun) =>
            {
                Some(&key.id)
            }
            _ => None,
        }
    }

    /// What to read when the lock of the cluster could not be changed for this: the lock is one part of the cluster, and
    /// what Omni refuses is another one, which is there already.
    fn explain_lock(&self, error: &Error, cluster: &str) -> Diagnostic {
        let operation = Operation { verb: "change the lock of", noun: CLUSTER, id: cluster, id_attribute: "name" };
        let told = operation.stale(
            error,
            "Apply this change to the `omni_cluster` only, with `-target`, or make it in Omni; then apply again.",
        );
        let detail = format!("This requires changing the lock of cluster `{cluster}`. {}", told.detail);
        Diagnostic { summary: self.summary(), detail, path: None, ..told }
    }

    /// What to read when `error` ended it: one diagnostic for each attribute that Omni refuses.
    pub(crate) fn explain_each(&self, error: &Error) -> Diagnostics {
        let several = self.refused(error).filter(|refused| refused.len() > 1 && self.refused_lock(error).is_none());
        let Some(refused) = several else {
            return self.explain(error).into();
        };
        let paths = distinct(refused.iter().map(|(_, advice)| advice.as_ref().and_then(|advice| self.path(advice))));
        let about = |path: &Option<Path>| {
            let these = refused.iter().filter(|(_, advice)| &advice.as_ref().and_then(|a| self.path(a)) == path);
            let (problems, advice): (Vec<_>, Vec<_>) = these.map(|(problem, advice)| (*problem, advice)).unzip();
            let hints = distinct(advice.into_iter().map(|advice| text_of(advice.as_ref())));
            let diagnostic = Diagnostic::error(self.summary(), listed(&problems)).hint(hints.join("\n"));
            match path {
                Some(path) => diagnostic.at(path.clone()),
                None => diagnostic,
            }
        };
        paths.iter().map(about).collect()
    }

    /// The problems that Omni has with the content, each with what is known about it; `None` for any other failure.
    fn refused<'e>(&self, error: &'e Error) -> Option<Vec<(&'e str, Option<Advice>)>> {
        let Error::Status { kind: ErrorKind::Validation, problems, message, .. } = error else { return None };
        let all: Vec<&str> =
            if problems.is_empty() { vec![message] } else { problems.iter().map(String::as_str).collect() };
        Some(all.into_iter().map(|problem| (problem, refusals::advice(self.noun, problem))).collect())
    }

    /// The attribute that the advice is about.
    fn path(&self, advice: &Advice) -> Option<Path> {
        let name = if advice.attribute == refusals::ID { self.id_attribute } else { advice.attribute };
        (!name.is_empty()).then(|| Path::of(name))
    }

    /// The same for what leaves nothing in the state, so that nobody is told to look there.
    pub(crate) fn explain_unstored(&self, error: &Error) -> Diagnostic {
        let diagnostic = self.explain(error);
        match error.kind() {
            ErrorKind::Unavailable => {
                diagnostic.hint("Check `endpoint`, the network and any proxy between here and Omni, then run it again.")
            }
            ErrorKind::Timeout => diagnostic.hint(
                "Check whether Omni is overloaded, then run it again; `default_timeouts` in the provider block limits how long it may take.",
            ),
            ErrorKind::Cancelled => diagnostic.hint("Run it again."),
            _ => diagnostic,
        }
    }

    /// The same for a list: the limit of a read applies to it, and a query that failed left nothing in a state.
    pub(crate) fn explain_listed(&self, error: &Error) -> Diagnostic {
        let diagnostic = self.explain(error);
        match error.kind() {
            ErrorKind::Unavailable => diagnostic
                .hint("Check `endpoint`, the network and any proxy between here and Omni, then run the query again."),
            ErrorKind::Timeout => {
                diagnostic.hint("Run the query again, or increase `read` of `default_timeouts` in the provider block.")
            }
            _ => diagnostic,
        }
    }

    /// The same for an action, which is invoked again where a resource is applied again.
    pub(crate) fn explain_invoked(&self, error: &Error) -> Diagnostic {
        let diagnostic = self.explain(error);
        let hint = match error.kind() {
            ErrorKind::NotFound if self.id_attribute.is_empty() => {
                "Check the configuration, and that `endpoint` is the right Omni instance.".to_owned()
            }
            ErrorKind::NotFound => format!(
                "Check `{}`, and that `endpoint` is the right Omni instance. If the same apply creates the object, trigger the action after that.",
                self.id_attribute
            ),
            ErrorKind::AlreadyExists => "Check in Omni whether somebody else has asked for the same.".to_owned(),
            ErrorKind::Conflict => {
                "Another client is writing to the object at the same time. Invoke the action again.".to_owned()
            }
            ErrorKind::OwnerConflict => {
                "The object is owned by a controller of Omni and cannot be changed by users. Choose another one."
                    .to_owned()
            }
            ErrorKind::PhaseConflict => "The object is being destroyed, and cannot be changed any more.".to_owned(),
            ErrorKind::Unavailable => {
                "Check `endpoint`, the network and any proxy between here and Omni, then invoke the action again."
                    .to_owned()
            }
            ErrorKind::Unimplemented => "Upgrade Omni, or remove the action from the configuration.".to_owned(),
            ErrorKind::Finalizers | ErrorKind::Timeout => {
                "Check in Omni what holds it up, or increase `timeout`, then invoke the action again.".to_owned()
            }
            ErrorKind::Cancelled => "Invoke the action again to continue.".to_owned(),
            _ => {
                let hint = diagnostic
                    .hint
                    .clone()
                    .map(|hint| hint.replace("then apply again", "then invoke the action again"));
                return Diagnostic { hint, ..diagnostic };
            }
        };
        diagnostic.hint(hint)
    }
}

/// Why the call failed, in sentences.
pub(crate) fn detail(error: &Error) -> String {
    match error.cause() {
        Error::Status { kind: ErrorKind::Validation, problems, .. } if !problems.is_empty() => {
            listed(&problems.iter().map(String::as_str).collect::<Vec<_>>())
        }
        Error::Status { kind: ErrorKind::Denied, problems, message, .. } => {
            let said = problems.first().unwrap_or(message);
            format!("Omni denied access.\nMessage of Omni: {}", sentence(said))
        }
        Error::Status { problems, .. } if !problems.is_empty() => {
            let list = problems.iter().map(|p| format!("  - {p}")).collect::<Vec<_>>().join("\n");
            format!("Omni answered:\n{list}")
        }
        Error::Unauthenticated { reason } => {
            let base = "Omni did not accept the signature of the request, and gives no reason.";
            match reason {
                Some(reason) => format!("{base}\n{}", sentence(reason)),
                None => base.to_owned(),
            }
        }
        _ => crate::tf::diag::chain(error),
    }
}

/// What to do about a refusal that no row of the table knows.
const UNKNOWN_REFUSAL: &str = "Correct the value that Omni names, in this configuration or in Omni, then apply again.";

fn text_of(advice: Option<&Advice>) -> String {
    advice.map_or_else(|| UNKNOWN_REFUSAL.to_owned(), |advice| advice.text.clone())
}

fn listed(problems: &[&str]) -> String {
    let list = problems.iter().map(|p| format!("  - {p}")).collect::<Vec<_>>().join("\n");
    format!("Omni refused the content:\n{list}")
}

/// Each of them once, in the order in which they come.
fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.fold(Vec::new(), |mut seen, next| {
        if !seen.contains(&next) {
            seen.push(next);
        }
        seen
    })
}

/// What to do about it.
pub(crate) fn hint(error: &Error) -> Option<String> {
    let text = match error.kind() {
        ErrorKind::NotFound => {
            "Check the name. If the object was removed outside of Terraform, the next apply creates it again."
        }
        ErrorKind::AlreadyExists => {
            "Import the object, choose another name, or set `adopt_existing = true` in the provider block."
        }
        ErrorKind::Conflict => "Another client is writing to the object at the same time. Plan and apply again.",
        ErrorKind::OwnerConflict => {
            "The object is owned by a controller of Omni and cannot be changed by users. Remove it from the configuration."
        }
        ErrorKind::PhaseConflict => "The object is being destroyed. Wait until it is removed, then apply again.",
        ErrorKind::Finalizers => {
            "Omni is still cleaning up after the object. Apply again later; if this persists, check the machines of the cluster in Omni."
        }
        ErrorKind::Validation => UNKNOWN_REFUSAL,
        ErrorKind::Denied => return Some(denied(error)),
        ErrorKind::Unauthenticated => {
            "Check that the service account still exists, that its key has not expired or been renewed since, that the key belongs to this instance, and that the clock of this computer is correct."
        }
        ErrorKind::Unavailable => {
            "Check `endpoint`, the network and any proxy between here and Omni, then apply again. Completed changes are in the state."
        }
        ErrorKind::Unimplemented => {
            "The server is older than this feature. Upgrade Omni, or remove the attribute from the configuration."
        }
        ErrorKind::LicenceGate => {
            "Accept the EULA of the Omni instance first: in its web interface, or with an `omni_eula_acceptance` on which the other resources depend (`depends_on`)."
        }
        ErrorKind::Timeout => {
            "Increase the limit in `timeouts`, or check in Omni what blocks the object. Completed changes are in the state; apply again to continue."
        }
        ErrorKind::Cancelled => "Apply again to continue; completed changes are in the state.",
        ErrorKind::Config => return None,
        ErrorKind::Other => "If this repeats, please report it with the output of `TF_LOG=debug`.",
    };
    Some(text.to_owned())
}

/// What is asked of the instance as a whole: no access policy has a say in it.
const OF_INSTANCE: &[&str] = &[
    "CreateJoinToken",
    "CreateSchematic",
    "CreateSchematicFromRaw",
    "CreateServiceAccount",
    "CreateUser",
    "DestroyServiceAccount",
    "DestroyUser",
    "GetInstallationMediaURL",
    "GetMachineJoinConfig",
    "ListServiceAccounts",
    "ListUsers",
    "ReadAuditLog",
    "RenewServiceAccount",
    "ResetNodeUniqueToken",
    "UpdateUser",
];

/// What to do about a role that is too low. Access policies grant rights on clusters and what belongs to them, and nothing else.
fn denied(error: &Error) -> String {
    let (also, policy) = match is_of_cluster(error) {
        Some(false) => ("", ". Access policies do not grant it"),
        Some(true) => (", or add an access policy that grants it", ""),
        None => (", or, for what belongs to a cluster, add an access policy that grants it", ""),
    };
    match is_lowered(error) {
        true => format!(
            "The service account's role is too low for this operation, or the Omni instance is suspended: then everybody has the role `Reader`. \
             Use an account with a higher role{also}{policy}. If the instance is suspended, ask its operator to lift the suspension."
        ),
        false => format!(
            "The service account's role is too low for this operation. Use an account with a higher role{also}{policy}."
        ),
    }
}

/// Whether what was denied belongs to a cluster; `None` where the call does not tell.
fn is_of_cluster(error: &Error) -> Option<bool> {
    match error.cause() {
        Error::Status { key: Some(key), .. } => Some(key.kind.is_of_cluster()),
        Error::Status { method, .. } => {
            let call = method.rsplit('/').next()?;
            OF_INSTANCE.contains(&call).then_some(false)
        }
        _ => None,
    }
}

/// Whether Omni refused with the role that a suspended instance gives to everybody.
pub(crate) fn is_lowered(error: &Error) -> bool {
    let Error::Status { problems, message, .. } = error.cause() else { return false };
    problems.iter().chain([message]).any(|said| said.contains("insufficient role: \"Reader\""))
}

/// A noun with its article: `an infrastructure provider`.
pub(crate) fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    format!("{article} {noun}")
}

/// `text` with a capital letter first.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::{Key, Kind};
    use omni_proto::specs::MachineSetSpec;
    use std::time::Duration;

    const OPERATION: Operation<'_> = Operation { verb: "update", noun: "cluster", id: "prod", id_attribute: "name" };

    fn status(kind: ErrorKind, message: &str, problems: &[&str]) -> Error {
        Error::Status {
            kind,
            message: message.to_owned(),
            problems: problems.iter().map(|p| (*p).to_owned()).collect(),
            key: None,
            method: "/cosi.resource.State/Update",
        }
    }

    /// Every way in which a call can fail.
    fn all() -> Vec<Error> {
        let key = Kind { namespace: "default", name: "Clusters.omni.sidero.dev" }.key("prod");
        let kinds = [
            ErrorKind::NotFound,
            ErrorKind::AlreadyExists,
            ErrorKind::Conflict,
            ErrorKind::OwnerConflict,
            ErrorKind::PhaseConflict,
            ErrorKind::Finalizers,
            ErrorKind::Denied,
            ErrorKind::LicenceGate,
            ErrorKind::Other,
        ];
        let mut all: Vec<_> = kinds.into_iter().map(|kind| status(kind, "the server said so", &[])).collect();
        all.extend([
            status(ErrorKind::Validation, "failed", &["the name is bad", "the version is bad"]),
            Error::Unauthenticated { reason: Some("the clock is 7 min off".into()) },
            Error::Transport {
                endpoint: "https://o".into(),
                message: "nothing listens there".into(),
                maybe_sent: true,
                setting: "endpoint",
            },
            Error::Timeout { what: "the cluster to run".into(), after: Duration::from_secs(90) },
            Error::Cancelled { what: "the cluster to run".into() },
            Error::Stuck { key, finalizers: vec!["ClusterController".into()], after: Duration::from_secs(90) },
            Error::Unsupported {
                what: "Teardown".into(),
                needs: Some("1.9"),
                server: Some("v1.6.6".into()),
                method: "",
            },
        ]);
        all
    }

    #[test]
    fn every_failure_says_what_failed_why_and_what_to_do() {
        for error in all() {
            let diagnostic = OPERATION.explain(&error);
            assert_eq!(diagnostic.summary, "Could not update cluster `prod`", "{error:?}");
            assert!(!diagnostic.detail.is_empty(), "{error:?}");
            let hint = diagnostic.hint.unwrap_or_default();
            assert!(hint.ends_with('.') && hint.contains(' '), "{error:?}: {hint}");
            for raw in ["status:", "code =", "grpc", "rpc error"] {
                assert!(!diagnostic.detail.contains(raw), "{error:?}: {}", diagnostic.detail);
            }
        }
    }

    #[test]
    fn what_is_not_stored_is_not_looked_for_in_the_state() {
        let with_state =
            |error: &Error| OPERATION.explain_unstored(error).hint.is_some_and(|hint| hint.contains("state"));
        assert_eq!(all().iter().filter(|error| with_state(error)).count(), 0);
    }

    #[test]
    fn stale_content_is_told_from_new_content() {
        let error = status(ErrorKind::Validation, "failed", &["backup interval is too short"]);
        let diagnostic = OPERATION.explain_stale(&error);
        for part in ["backup interval is too short", "cluster `prod` already has it"] {
            assert!(diagnostic.detail.contains(part), "{}", diagnostic.detail);
        }
        let hint = diagnostic.hint.unwrap();
        assert!(hint.contains("then update the cluster") && !hint.contains("Correct the configuration"), "{hint}");
    }

    #[test]
    fn a_lock_that_cannot_be_changed_names_the_old_content_of_its_cluster() {
        let refusal = |key: Key| Error::Status {
            kind: ErrorKind::Validation,
            message: "failed".to_owned(),
            problems: vec!["backup interval must be greater than 1h0m0s, actual 1m0s".to_owned(); 2],
            key: Some(key),
            method: UPDATE,
        };
        let operation = Operation { verb: "create", noun: "machine set", id: "prod-workers", id_attribute: "id" };
        let error = refusal(ClusterSpec::KIND.key("prod"));
        let each = operation.explain_each(&error);
        assert_eq!(each.iter().count(), 1);
        for told in [operation.explain(&error), operation.explain_stale(&error)].iter().chain(each.iter()) {
            assert_eq!((told.summary.as_str(), &told.path), ("Could not create machine set `prod-workers`", &None));
            for part in ["changing the lock of cluster `prod`", "cluster `prod` already has it in `backup_interval`"] {
                assert!(told.detail.contains(part), "{part}: {}", told.detail);
            }
            let hint = told.hint.clone().unwrap();
            assert!(hint.contains("Set `backup_interval` to at least 1h0m0s") && hint.contains("-target"), "{hint}");
        }
        let own = operation.explain_stale(&refusal(MachineSetSpec::KIND.key("prod-workers")));
        assert!(own.detail.contains("machine set `prod-workers` already has it"), "{}", own.detail);
    }

    /// A template writes the cluster for its own sake, and has no `locked`.
    #[test]
    fn a_cluster_that_is_an_object_of_a_template_is_not_taken_for_its_lock() {
        let error = Error::Status {
            kind: ErrorKind::Validation,
            message: "failed".to_owned(),
            problems: vec!["updating cluster configuration is not allowed: the cluster \"prod\" is locked".to_owned()],
            key: Some(ClusterSpec::KIND.key("prod")),
            method: UPDATE,
        };
        let told = Operation { verb: "update", noun: OBJECT, id: "Clusters/prod", id_attribute: "" }.explain(&error);
        assert!(!told.detail.contains("changing the lock"), "{}", told.detail);
        assert_eq!(told.hint.as_deref(), Some(crate::provider::refusals::templates::UNLOCK));
    }

    #[test]
    fn refused_content_is_a_list() {
        let detail = OPERATION
            .explain(&status(ErrorKind::Validation, "failed", &["the name is bad", "the version is bad"]))
            .detail;
        assert_eq!(detail, "Omni refused the content:\n  - the name is bad\n  - the version is bad");
    }

    #[test]
    fn each_refused_attribute_has_its_path_and_its_advice() {
        let error = status(
            ErrorKind::Validation,
            "failed",
            &[
                "backup interval must be greater than 1h0m0s, actual 1m0s",
                "something new",
                "downgrading from version \"1.13.0\" to \"1.12.0\" is not supported",
                "talos version \"1.12.0\" is no longer supported",
            ],
        );
        let each = OPERATION.explain_each(&error);
        let found: Vec<_> = each.iter().map(|d| d.path.clone().map(|p| p.to_string()).unwrap_or_default()).collect();
        assert_eq!(found, ["backup_interval", "", "talos_version"]);
        let last = each.iter().last().unwrap();
        assert_eq!(last.detail.lines().count(), 3, "{}", last.detail);
        assert_eq!(last.hint.as_ref().unwrap().lines().count(), 2, "{last:?}");
        let whole = OPERATION.explain(&error);
        assert_eq!(whole.path, Some(Path::of("backup_interval")));
        assert!(whole.hint.unwrap().starts_with("Set `backup_interval` to at least 1h0m0s"));
        let name = status(ErrorKind::Validation, "failed", &["name is required"]);
        assert_eq!(OPERATION.explain(&name).path, Some(Path::of("name")));
    }

    #[test]
    fn the_attribute_that_names_the_object_is_blamed_where_the_object_is_the_problem() {
        let path = |kind| OPERATION.explain(&status(kind, "no", &[])).path;
        assert_eq!(path(ErrorKind::AlreadyExists), Some(Path::of("name")));
        assert_eq!(path(ErrorKind::Denied), None);
    }

    #[test]
    fn a_suspended_instance_is_not_taken_for_a_low_role() {
        for (role, told) in [("Reader", true), ("None", false)] {
            let error = status(ErrorKind::Denied, &format!("access denied: insufficient role: {role:?}"), &[]);
            assert_eq!(OPERATION.explain(&error).hint.unwrap().contains("suspended"), told, "{role}");
        }
    }

    #[test]
    fn an_access_policy_is_suggested_only_where_it_can_help() {
        let of = |name: &'static str| Some(Kind { namespace: "default", name }.key("x"));
        let (update, users) = ("/cosi.resource.State/Update", "/management.ManagementService/CreateUser");
        for (key, method, told, refuted) in [
            (of("Clusters.omni.sidero.dev"), update, true, false),
            (of("ConfigPatches.omni.sidero.dev"), update, true, false),
            (of("AccessPolicies.omni.sidero.dev"), update, false, true),
            (of("EtcdBackupS3Configs.omni.sidero.dev"), update, false, true),
            (None, users, false, true),
            (None, "/management.ManagementService/Kubeconfig", true, false),
        ] {
            for role in ["Reader", "Operator"] {
                let message = format!("insufficient role: {role:?}");
                let error =
                    Error::Status { kind: ErrorKind::Denied, message, problems: Vec::new(), key: key.clone(), method };
                let hint = OPERATION.explain(&error).hint.unwrap();
                assert_eq!(hint.contains("add an access policy"), told, "{key:?} {method}: {hint}");
                assert_eq!(hint.contains("Access policies do not grant it"), refuted, "{key:?} {method}: {hint}");
            }
        }
    }

    #[test]
    fn a_removal_that_is_stuck_names_who_holds_on() {
        let stuck = all().into_iter().find(|e| matches!(e, Error::Stuck { .. })).unwrap();
        let diagnostic = OPERATION.explain(&stuck);
        assert!(diagnostic.detail.contains("`ClusterController`"), "{}", diagnostic.detail);
        assert!(diagnostic.hint.unwrap().contains("`timeouts`"));
    }
}
