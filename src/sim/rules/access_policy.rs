//! Rules for the access policy: there is one, its entries say one thing each, and its own tests pass.

use super::Change;
use super::people::GRANTED;
use super::selector::Selector;
use crate::pb::specs::access_policy_user_group::User;
use crate::pb::specs::{AccessPolicySpec, AccessPolicyTest};
use crate::sim::access_policy::{self as policy, Identity};
use crate::sim::kinds::Role;
use std::collections::BTreeMap;

/// The problems with a change of a policy.
pub(super) fn problems(change: Change<'_>) -> Vec<String> {
    let (Change::Create(new) | Change::Update(_, new)) = change else { return Vec::new() };
    let mut found = Vec::new();
    if new.key.id != policy::ID {
        found.push(format!("access policy ID must be {:?}, found {:?}", policy::ID, new.key.id));
    }
    if new.key.namespace != "default" {
        found.push(format!("access policy namespace must be \"default\", found {:?}", new.key.namespace));
    }
    let spec: AccessPolicySpec = new.spec();
    let form = form(&spec);
    // Tests of a policy that cannot be read would say nothing.
    let tests = if form.is_empty() { tests(&spec) } else { Vec::new() };
    found.into_iter().chain(form).chain(tests).collect()
}

fn form(spec: &AccessPolicySpec) -> Vec<String> {
    let mut found = Vec::new();
    for (name, group) in spec.user_groups.iter().collect::<BTreeMap<_, _>>() {
        let problems = group.users.iter().filter_map(user);
        found.extend(problems.map(|problem| format!("user group {name:?}: {problem}")));
    }
    for (name, group) in spec.cluster_groups.iter().collect::<BTreeMap<_, _>>() {
        let problems =
            group.clusters.iter().filter_map(|cluster| match (cluster.name.is_empty(), cluster.r#match.is_empty()) {
                (true, false) => pattern(&cluster.r#match),
                (false, true) => None,
                _ => Some("a cluster must have either name or match set".to_owned()),
            });
        found.extend(problems.map(|problem| format!("cluster group {name:?}: {problem}")));
    }
    found.extend(spec.rules.iter().filter_map(|rule| role(&rule.role)));
    found
}

fn user(user: &User) -> Option<String> {
    match (user.name.is_empty(), user.r#match.is_empty(), user.label_selectors.as_slice()) {
        (false, true, []) => None,
        (true, false, []) => pattern(&user.r#match),
        (true, true, selectors) if !selectors.is_empty() => selectors
            .iter()
            .find_map(|text| Selector::parse(text).err())
            .map(|problem| format!("invalid label selector: {problem}")),
        _ => Some("a user must have exactly one of name, match or label selectors set".to_owned()),
    }
}

fn pattern(glob: &str) -> Option<String> {
    policy::pattern(glob).err().map(|error| format!("invalid match {glob:?}: {error}"))
}

/// A rule without a role only gives groups.
fn role(name: &str) -> Option<String> {
    if name.is_empty() {
        return None;
    }
    match Role::parse(name) {
        None => Some(format!("unknown role to parse: {name:?}")),
        Some(role) if !GRANTED.contains(&role) => Some(format!("role {name:?} cannot be assigned by an access policy")),
        Some(_) => None,
    }
}

fn tests(spec: &AccessPolicySpec) -> Vec<String> {
    spec.tests.iter().flat_map(|test| run(spec, test)).collect()
}

fn run(spec: &AccessPolicySpec, test: &AccessPolicyTest) -> Vec<String> {
    let user = test.user.as_ref().map(|user| user.name.as_str()).unwrap_or_default();
    let cluster = test.cluster.as_ref().map(|cluster| cluster.name.as_str()).unwrap_or_default();
    let missing: Vec<String> = [("name", test.name.as_str()), ("user.name", user), ("cluster.name", cluster)]
        .into_iter()
        .filter(|(_, value)| value.is_empty())
        .map(|(field, _)| format!("test {:?}: {field} must be set", test.name))
        .collect();
    if !missing.is_empty() {
        return missing;
    }
    let labels = test.user.iter().flat_map(|user| user.labels.clone()).collect();
    let granted = policy::on_cluster(spec, Identity { name: user, labels: &labels }, cluster);
    let expected = test.expected.clone().unwrap_or_default();
    let groups = expected.kubernetes.and_then(|k| k.impersonate).map(|i| i.groups).unwrap_or_default();
    let mut found = Vec::new();
    // What a test leaves out is expected not to be granted.
    let role = if expected.role.is_empty() { Role::None.name() } else { expected.role.as_str() };
    if role != granted.role.name() {
        found.push(format!("test {:?} failed: expected role {role:?}, got {:?}", test.name, granted.role.name()));
    }
    if groups != granted.groups {
        found.push(format!(
            "test {:?} failed: expected Kubernetes groups {groups:?}, got {:?}",
            test.name, granted.groups
        ));
    }
    found
}

#[cfg(test)]
mod unit {
    use super::super::fixture::object;
    use super::*;
    use crate::pb::specs::access_policy_cluster_group::Cluster;
    use crate::pb::specs::access_policy_test::{self as case, Expected};
    use crate::pb::specs::{AccessPolicyClusterGroup, AccessPolicyRule, AccessPolicyUserGroup};
    use crate::sim::names::kind;

    fn check(spec: &AccessPolicySpec) -> Vec<String> {
        problems(Change::Create(&object(kind::ACCESS_POLICY, policy::ID, spec)))
    }

    #[test]
    fn entries_say_one_thing() {
        let user_of = |name: &str, glob: &str, selector: &str| User {
            name: name.into(),
            r#match: glob.into(),
            label_selectors: if selector.is_empty() { vec![] } else { vec![selector.into()] },
        };
        let several = "user group \"g\": a user must have exactly one of name, match or label selectors set";
        for (user, expected) in [
            (user_of("a", "", ""), None),
            (user_of("", "a*", ""), None),
            (user_of("", "", "a = b"), None),
            (user_of("", "", ""), Some(several)),
            (user_of("a", "a*", ""), Some(several)),
            (user_of("a", "", "a"), Some(several)),
            (user_of("", "[", ""), Some("user group \"g\": invalid match \"[\": syntax error in pattern")),
            (
                user_of("", "", "a b"),
                Some(
                    "user group \"g\": invalid label selector: unable to parse term: found 'b', expected: ==, =, !=, \
                     >=, >, in, notin, <=, <",
                ),
            ),
        ] {
            let group = AccessPolicyUserGroup { users: vec![user] };
            let spec = AccessPolicySpec { user_groups: [("g".to_owned(), group)].into(), ..Default::default() };
            assert_eq!(check(&spec), expected.into_iter().collect::<Vec<_>>());
        }
        let several = "cluster group \"g\": a cluster must have either name or match set";
        for (name, glob, expected) in [
            ("a", "", None),
            ("", "a*", None),
            ("", "", Some(several)),
            ("a", "a*", Some(several)),
            ("", "[", Some("cluster group \"g\": invalid match \"[\": syntax error in pattern")),
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
    fn there_is_one() {
        let other = object(kind::ACCESS_POLICY, "other", &AccessPolicySpec::default());
        assert_eq!(problems(Change::Create(&other)), ["access policy ID must be \"access-policy\", found \"other\""]);
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
            ("t", "a", "c", "Operator", vec!["test \"t\" failed: expected role \"Operator\", got \"Reader\""]),
            ("t", "a", "c", "", vec!["test \"t\" failed: expected role \"None\", got \"Reader\""]),
            (
                "",
                "",
                "",
                "",
                vec![
                    "test \"\": name must be set",
                    "test \"\": user.name must be set",
                    "test \"\": cluster.name must be set",
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
    }
}
