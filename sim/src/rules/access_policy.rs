//! Rules for the access policy: it is a singleton, its entries are unambiguous, and its own tests pass.

use super::Change;
use super::people::GRANTED;
use super::selector::Selector;
use crate::Release;
use crate::access_policy::{self as policy, Identity};
use crate::catalogue::Feature;
use crate::kinds::Role;
use crate::object::Reader;
use omni_proto::specs::access_policy_user_group::User;
use omni_proto::specs::{AccessPolicyRule, AccessPolicySpec, AccessPolicyTest};
use std::collections::BTreeMap;

/// The problems with a change of a policy.
pub(super) fn problems(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    let (Change::Create(new) | Change::Update(_, new)) = change else { return Vec::new() };
    let release = super::release(view);
    let mut found = Vec::new();
    if new.key.id != policy::ID {
        found.push(format!("access policy ID mismatch: expected {:?}, got {:?}", policy::ID, new.key.id));
    }
    if new.key.namespace != "default" {
        found.push(format!("access policy namespace mismatch: expected \"default\", got {:?}", new.key.namespace));
    }
    let spec: AccessPolicySpec = new.spec();
    found.extend(form(release, &spec));
    // Tests of a policy whose patterns cannot be read would say nothing new.
    if has_patterns(&spec) {
        found.extend(spec.tests.iter().flat_map(|test| run(release, &spec, test)));
    }
    found
}

/// Whether all patterns can be read.
fn has_patterns(spec: &AccessPolicySpec) -> bool {
    let users = spec.user_groups.values().flat_map(|group| &group.users).map(|user| &user.r#match);
    let clusters = spec.cluster_groups.values().flat_map(|group| &group.clusters).map(|cluster| &cluster.r#match);
    users.chain(clusters).all(|glob| pattern(glob).is_none())
}

/// Whether a rule that applies gives a role that is none; the server then says no more than that.
fn gives_unknown_role(release: Release, spec: &AccessPolicySpec, who: Identity<'_>, cluster: &str) -> bool {
    let unknown = spec.rules.iter().filter(|rule| !rule.role.is_empty() && release.role(&rule.role).is_none());
    let rules = unknown.map(|rule| AccessPolicyRule { role: Role::Admin.name().into(), ..rule.clone() }).collect();
    policy::on_cluster(&AccessPolicySpec { rules, ..spec.clone() }, who, cluster).role == Role::Admin
}

fn form(release: Release, spec: &AccessPolicySpec) -> Vec<String> {
    let mut found = Vec::new();
    for (name, group) in spec.user_groups.iter().collect::<BTreeMap<_, _>>() {
        found.extend(group.users.iter().flat_map(|entry| user(name, entry)));
    }
    for (name, group) in spec.cluster_groups.iter().collect::<BTreeMap<_, _>>() {
        let of = format!("access policy cluster group {name:?} contains");
        found.extend(group.clusters.iter().flat_map(|cluster| {
            let count = match (cluster.name.is_empty(), cluster.r#match.is_empty()) {
                (true, true) => Some(format!("{of} an empty cluster")),
                (false, false) => Some(format!("{of} a cluster with mutually exclusive fields set")),
                _ => None,
            };
            pattern(&cluster.r#match).into_iter().chain(count)
        }));
    }
    found.extend(spec.rules.iter().filter_map(|rule| role(release, &rule.role)));
    found
}

/// Selectors are not read here; who uses them finds out.
fn user(group: &str, user: &User) -> impl Iterator<Item = String> {
    let of = format!("access policy user group {group:?} contains");
    let set = [!user.name.is_empty(), !user.r#match.is_empty(), !user.label_selectors.is_empty()];
    let count = match set.into_iter().filter(|set| *set).count() {
        0 => Some(format!("{of} an empty user")),
        1 => None,
        _ => Some(format!("{of} a user with mutually exclusive fields set")),
    };
    pattern(&user.r#match).into_iter().chain(count)
}

fn pattern(glob: &str) -> Option<String> {
    policy::pattern(glob).err().map(|error| error.to_string())
}

/// A rule without a role only gives groups. Before there were auditors, any role could be given.
fn role(release: Release, name: &str) -> Option<String> {
    if name.is_empty() {
        return None;
    }
    match release.role(name) {
        None => Some(format!("unknown role to parse: {name:?}")),
        Some(role) if release.has(Feature::Auditors) && !GRANTED.contains(&role) => {
            Some(format!("role {name:?} cannot be assigned by an access policy"))
        }
        Some(_) => None,
    }
}

fn run(release: Release, spec: &AccessPolicySpec, test: &AccessPolicyTest) -> Vec<String> {
    let user = test.user.as_ref().map(|user| user.name.as_str()).unwrap_or_default();
    let cluster = test.cluster.as_ref().map(|cluster| cluster.name.as_str()).unwrap_or_default();
    let mut found = Vec::new();
    if test.name.is_empty() {
        found.push("invalid test: name is empty".to_owned());
    }
    // The server shows the name that is empty, which is not that of the test.
    found.extend(cluster.is_empty().then(|| "invalid test \"\": cluster name is empty".to_owned()));
    found.extend(user.is_empty().then(|| "invalid test \"\": user name is empty".to_owned()));
    // Whatever is missing, the test is run.
    if let Some(problem) = selectors(spec) {
        found.push(problem);
        return found;
    }
    let labels = test.user.iter().flat_map(|user| user.labels.clone()).collect();
    let who = Identity { name: user, labels: &labels };
    if gives_unknown_role(release, spec, who, cluster) {
        return found;
    }
    let granted = policy::on_cluster(spec, who, cluster);
    let expected = test.expected.clone().unwrap_or_default();
    let groups = expected.kubernetes.and_then(|k| k.impersonate).map(|i| i.groups).unwrap_or_default();
    let failed = format!("access policy test {:?} failed", test.name);
    let sorted = |mut groups: Vec<String>| {
        groups.sort();
        groups
    };
    let (wanted, given) = (sorted(groups), sorted(granted.groups));
    if wanted != given {
        let (wanted, given) = (listed(&wanted), listed(&given));
        found.push(format!("{failed}: kubernetes impersonate groups mismatch: expected {wanted}, got {given}"));
    }
    if !expected.role.is_empty() && expected.role != granted.role.name() {
        found.push(format!("{failed}: role mismatch: expected {:?}, got {:?}", expected.role, granted.role.name()));
    }
    found
}

/// The first problem with the selectors of groups that rules name.
fn selectors(spec: &AccessPolicySpec) -> Option<String> {
    let named =
        |name: &str| spec.rules.iter().any(|rule| rule.users.iter().any(|user| *user == format!("group/{name}")));
    let groups = spec.user_groups.iter().filter(|(name, _)| named(name)).collect::<BTreeMap<_, _>>();
    let texts = groups.values().flat_map(|group| &group.users).flat_map(|user| &user.label_selectors);
    let problem = texts.filter_map(|text| Selector::parse(text).err()).next()?;
    Some(format!("rpc error: code = InvalidArgument desc = {problem}"))
}

/// Texts as Go lists them.
fn listed(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
    format!("[{}]", texts.join(" "))
}

#[cfg(test)]
mod unit {
    use super::super::fixture::{Fixture, object};
    use super::*;
    use crate::names::kind;
    use omni_proto::specs::access_policy_cluster_group::Cluster;
    use omni_proto::specs::access_policy_test::{self as case, Expected};
    use omni_proto::specs::{AccessPolicyClusterGroup, AccessPolicyUserGroup, SysVersionSpec};

    fn check(spec: &AccessPolicySpec) -> Vec<String> {
        checked(Change::Create(&object(kind::ACCESS_POLICY, policy::ID, spec)))
    }

    fn checked(change: Change<'_>) -> Vec<String> {
        problems(&Fixture::default(), change)
    }

    #[test]
    fn entries_say_one_thing() {
        let user_of = |name: &str, glob: &str, selector: &str| User {
            name: name.into(),
            r#match: glob.into(),
            label_selectors: if selector.is_empty() { vec![] } else { vec![selector.into()] },
        };
        let several = "access policy user group \"g\" contains a user with mutually exclusive fields set";
        for (user, expected) in [
            (user_of("a", "", ""), None),
            (user_of("", "a*", ""), None),
            (user_of("", "", "a = b"), None),
            (user_of("", "", ""), Some("access policy user group \"g\" contains an empty user")),
            (user_of("a", "a*", ""), Some(several)),
            (user_of("a", "", "a"), Some(several)),
            (user_of("", "[", ""), Some("syntax error in pattern")),
            (user_of("", "", "a b"), None),
        ] {
            let group = AccessPolicyUserGroup { users: vec![user] };
            let spec = AccessPolicySpec { user_groups: [("g".to_owned(), group)].into(), ..Default::default() };
            assert_eq!(check(&spec), expected.into_iter().collect::<Vec<_>>());
        }
        let several = "access policy cluster group \"g\" contains a cluster with mutually exclusive fields set";
        for (name, glob, expected) in [
            ("a", "", None),
            ("", "a*", None),
            ("", "", Some("access policy cluster group \"g\" contains an empty cluster")),
            ("a", "a*", Some(several)),
            ("", "[", Some("syntax error in pattern")),
        ] {
            let clusters = vec![Cluster { name: name.into(), r#match: glob.into() }];
            let group = AccessPolicyClusterGroup { clusters };
            let spec = AccessPolicySpec { cluster_groups: [("g".to_owned(), group)].into(), ..Default::default() };
            assert_eq!(check(&spec), expected.into_iter().collect::<Vec<_>>());
        }
        for (role, expected) in [
            ("", None),
            ("Admin", None),
            ("Auditor", Some("role \"Auditor\" cannot be assigned by an access policy")),
            ("InfraProvider", Some("role \"InfraProvider\" cannot be assigned by an access policy")),
            ("Boss", Some("unknown role to parse: \"Boss\"")),
        ] {
            let rules = vec![AccessPolicyRule { role: role.into(), ..Default::default() }];
            let spec = AccessPolicySpec { rules, ..Default::default() };
            assert_eq!(check(&spec), expected.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_older_server_knows_fewer_roles_and_gives_all_of_them() {
        let unknown = "unknown role to parse: \"Auditor\"";
        let not_given = "role \"Auditor\" cannot be assigned by an access policy";
        let failed =
            |role: &str| format!("access policy test \"t\" failed: role mismatch: expected \"Reader\", got {role:?}");
        for (version, role, user, expected) in [
            ("v1.9.3", "Auditor", "a", vec![unknown.to_owned()]),
            ("v1.9.3", "Auditor", "b", vec![unknown.to_owned(), failed("None")]),
            ("v1.9.3", "InfraProvider", "a", vec![failed("InfraProvider")]),
            ("v1.9.3", "Reader", "a", vec![]),
            ("v1.10.0", "Auditor", "a", vec![not_given.to_owned(), failed("Auditor")]),
        ] {
            let server = SysVersionSpec { backend_version: version.into(), ..Default::default() };
            let view = Fixture::default().with(object(kind::SYS_VERSION, "current", &server));
            let rule = AccessPolicyRule {
                users: vec!["a".into()],
                clusters: vec!["c".into()],
                role: role.into(),
                kubernetes: None,
            };
            let test = AccessPolicyTest {
                name: "t".into(),
                user: Some(case::User { name: user.into(), ..Default::default() }),
                cluster: Some(case::Cluster { name: "c".into() }),
                expected: Some(Expected { role: "Reader".into(), kubernetes: None }),
            };
            let spec = AccessPolicySpec { rules: vec![rule], tests: vec![test], ..Default::default() };
            let new = object(kind::ACCESS_POLICY, policy::ID, &spec);
            assert_eq!(problems(&view, Change::Create(&new)), expected, "{version} {role} {user}");
        }
    }

    #[test]
    fn a_pattern_is_read_whatever_stands_beside_it() {
        let clusters = vec![Cluster { name: "a".into(), r#match: "[".into() }];
        let group = AccessPolicyClusterGroup { clusters };
        let spec = AccessPolicySpec { cluster_groups: [("g".to_owned(), group)].into(), ..Default::default() };
        assert_eq!(
            check(&spec),
            [
                "syntax error in pattern",
                "access policy cluster group \"g\" contains a cluster with mutually exclusive fields set"
            ]
        );
    }

    #[test]
    fn there_is_one() {
        let mut elsewhere = object(kind::ACCESS_POLICY, "other", &AccessPolicySpec::default());
        elsewhere.key.namespace = "n".into();
        assert_eq!(
            checked(Change::Create(&elsewhere)),
            [
                "access policy ID mismatch: expected \"access-policy\", got \"other\"",
                "access policy namespace mismatch: expected \"default\", got \"n\"",
            ]
        );
        let other = object(kind::ACCESS_POLICY, "other", &AccessPolicySpec::default());
        assert_eq!(
            checked(Change::Create(&other)),
            ["access policy ID mismatch: expected \"access-policy\", got \"other\""]
        );
    }

    #[test]
    fn its_tests_pass() {
        let rule = AccessPolicyRule {
            users: vec!["a".into()],
            clusters: vec!["c".into()],
            role: "Reader".into(),
            kubernetes: None,
        };
        for (name, user, cluster, role, expected) in [
            ("t", "a", "c", "Reader", vec![]),
            ("t", "b", "c", "None", vec![]),
            ("t", "b", "c", "", vec![]),
            (
                "t",
                "a",
                "c",
                "Operator",
                vec!["access policy test \"t\" failed: role mismatch: expected \"Operator\", got \"Reader\""],
            ),
            ("t", "a", "c", "", vec![]),
            (
                "t",
                "",
                "c",
                "Reader",
                vec![
                    "invalid test \"\": user name is empty",
                    "access policy test \"t\" failed: role mismatch: expected \"Reader\", got \"None\"",
                ],
            ),
            (
                "",
                "",
                "",
                "",
                vec![
                    "invalid test: name is empty",
                    "invalid test \"\": cluster name is empty",
                    "invalid test \"\": user name is empty",
                ],
            ),
        ] {
            let test = AccessPolicyTest {
                name: name.into(),
                user: Some(case::User { name: user.into(), ..Default::default() }),
                cluster: Some(case::Cluster { name: cluster.into() }),
                expected: Some(Expected { role: role.into(), kubernetes: None }),
            };
            let spec = AccessPolicySpec { rules: vec![rule.clone()], tests: vec![test], ..Default::default() };
            assert_eq!(check(&spec), expected);
        }
        let auditor = AccessPolicyRule { role: "Auditor".into(), ..rule };
        let impersonate = case::expected::kubernetes::Impersonate { groups: vec!["g".into()] };
        let kubernetes = Some(case::expected::Kubernetes { impersonate: Some(impersonate) });
        let test = AccessPolicyTest {
            name: "t".into(),
            user: Some(case::User { name: "a".into(), ..Default::default() }),
            cluster: Some(case::Cluster { name: "c".into() }),
            expected: Some(Expected { role: "Reader".into(), kubernetes }),
        };
        let spec = AccessPolicySpec { rules: vec![auditor], tests: vec![test], ..Default::default() };
        assert_eq!(
            check(&spec),
            [
                "role \"Auditor\" cannot be assigned by an access policy",
                "access policy test \"t\" failed: kubernetes impersonate groups mismatch: expected [\"g\"], got []",
                "access policy test \"t\" failed: role mismatch: expected \"Reader\", got \"Auditor\"",
            ],
            "tests run whatever else is wrong"
        );
    }
}
