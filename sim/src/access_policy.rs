//! What an access policy grants: to which identity, with which labels, on which cluster.
//! It only reads the policy; its rules validate it.

use super::kinds::Role;
use super::rules::selector::Selector;
use omni_proto::specs::AccessPolicySpec;
use omni_proto::specs::access_policy_cluster_group::Cluster;
use omni_proto::specs::access_policy_user_group::User;
use regex::Regex;
use std::collections::BTreeMap;

/// The id that the one policy of an instance has.
pub const ID: &str = "access-policy";
/// How a rule refers to a group instead of a name.
const GROUP: &str = "group/";
/// The pattern that stands for every cluster, those of tomorrow included.
const EVERY_CLUSTER: &str = "*";

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// Its name: `ci@serviceaccount.omni.sidero.dev`.
    pub name: &'a str,
    /// The labels of its identity, as a single sign-on may have set them.
    pub labels: &'a BTreeMap<String, String>,
}

/// What a policy adds to what an identity may do anyway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The highest role of all rules that match; `None` when none does.
    pub role: Role,
    /// The Kubernetes groups of all of them, in the order of the rules; one that several rules give is there as often.
    pub groups: Vec<String>,
}

/// What the policy grants on one cluster.
#[must_use]
pub fn on_cluster(policy: &AccessPolicySpec, identity: Identity<'_>, cluster: &str) -> Grant {
    grant(policy, identity, |entry| is_cluster(entry, cluster), |name| name == cluster)
}

/// The role that the policy grants on every cluster there may be, as a list over all of them needs it.
#[must_use]
pub fn on_every_cluster(policy: &AccessPolicySpec, identity: Identity<'_>) -> Role {
    grant(policy, identity, |entry| entry.r#match == EVERY_CLUSTER, |_| false).role
}

fn grant(
    policy: &AccessPolicySpec,
    identity: Identity<'_>,
    in_group: impl Fn(&Cluster) -> bool,
    by_name: impl Fn(&str) -> bool,
) -> Grant {
    let mut granted = Grant { role: Role::None, groups: Vec::new() };
    for rule in &policy.rules {
        let of_user = rule.users.iter().any(|user| match user.strip_prefix(GROUP) {
            Some(group) => {
                policy.user_groups.get(group).is_some_and(|g| g.users.iter().any(|entry| is_user(entry, identity)))
            }
            None => user == identity.name,
        });
        let of_cluster = rule.clusters.iter().any(|cluster| match cluster.strip_prefix(GROUP) {
            Some(group) => policy.cluster_groups.get(group).is_some_and(|g| g.clusters.iter().any(&in_group)),
            None => by_name(cluster),
        });
        if !of_user || !of_cluster {
            continue;
        }
        granted.role = granted.role.max(Role::parse(&rule.role).unwrap_or(Role::None));
        let groups = rule.kubernetes.as_ref().and_then(|k| k.impersonate.as_ref());
        granted.groups.extend(groups.into_iter().flat_map(|impersonate| impersonate.groups.iter().cloned()));
    }
    granted
}

fn is_user(entry: &User, identity: Identity<'_>) -> bool {
    if !entry.name.is_empty() {
        return entry.name == identity.name;
    }
    if !entry.r#match.is_empty() {
        return pattern(&entry.r#match).is_ok_and(|pattern| pattern.is_match(identity.name));
    }
    // Several selectors are one: all of their terms have to hold.
    let all = entry.label_selectors.join(",");
    !entry.label_selectors.is_empty() && Selector::parse(&all).is_ok_and(|all| all.matches(identity.labels))
}

fn is_cluster(entry: &Cluster, cluster: &str) -> bool {
    match (entry.name.as_str(), entry.r#match.as_str()) {
        ("", "") => false,
        ("", glob) => pattern(glob).is_ok_and(|pattern| pattern.is_match(cluster)),
        (name, _) => name == cluster,
    }
}

/// The pattern is not well-formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern")]
pub struct BadPattern;

/// A shell pattern as Go's `filepath.Match` reads it: neither `*` nor `?` stands for a `/`.
///
/// # Errors
/// When a class or an escape has no end.
pub fn pattern(glob: &str) -> Result<Regex, BadPattern> {
    let mut out = String::from(r"\A(?s:");
    let mut chars = glob.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '[' => {
                let denied = chars.next_if_eq(&'^').is_some();
                let mut members = String::new();
                let mut ranges = 0;
                while ranges == 0 || chars.next_if_eq(&']').is_none() {
                    let from = class_char(&mut chars)?;
                    let to = match chars.next_if_eq(&'-') {
                        Some(_) => class_char(&mut chars)?,
                        None => from,
                    };
                    // A range that runs backwards holds nothing; it is no error.
                    if from <= to {
                        members.push_str(&format!(r"\x{{{:x}}}-\x{{{:x}}}", u32::from(from), u32::from(to)));
                    }
                    ranges += 1;
                }
                out.push_str(&match (denied, members.is_empty()) {
                    (false, false) => format!("[{members}]"),
                    (true, false) => format!("[^{members}]"),
                    (false, true) => r"[^\s\S]".to_owned(),
                    (true, true) => r"[\s\S]".to_owned(),
                });
            }
            '\\' => out.push_str(&regex::escape(&chars.next().ok_or(BadPattern)?.to_string())),
            other => out.push_str(&regex::escape(&other.to_string())),
        }
    }
    out.push_str(r")\z");
    Regex::new(&out).map_err(|_| BadPattern)
}

/// One end of a range within a class.
fn class_char(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<char, BadPattern> {
    match chars.next().ok_or(BadPattern)? {
        '-' | ']' => Err(BadPattern),
        '\\' => chars.next().ok_or(BadPattern),
        c => Ok(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use omni_proto::specs::access_policy_rule::{Kubernetes, kubernetes::Impersonate};
    use omni_proto::specs::{AccessPolicyClusterGroup, AccessPolicyRule, AccessPolicyUserGroup};

    fn user(name: &str, glob: &str, selectors: &[&str]) -> User {
        User {
            name: name.into(),
            r#match: glob.into(),
            label_selectors: selectors.iter().map(|s| (*s).to_owned()).collect(),
        }
    }

    fn cluster(name: &str, glob: &str) -> Cluster {
        Cluster { name: name.into(), r#match: glob.into() }
    }

    fn rule(users: &str, clusters: &str, role: &str, groups: &[&str]) -> AccessPolicyRule {
        let impersonate = Some(Impersonate { groups: groups.iter().map(|g| (*g).to_owned()).collect() });
        AccessPolicyRule {
            users: vec![users.into()],
            clusters: vec![clusters.into()],
            kubernetes: Some(Kubernetes { impersonate }),
            role: role.into(),
        }
    }

    fn policy() -> AccessPolicySpec {
        let users = |users: Vec<User>| AccessPolicyUserGroup { users };
        let clusters = |clusters: Vec<Cluster>| AccessPolicyClusterGroup { clusters };
        AccessPolicySpec {
            user_groups: [
                ("named".to_owned(), users(vec![user("ann@example.org", "", &[])])),
                ("matched".to_owned(), users(vec![user("", "dev-*", &[])])),
                ("labelled".to_owned(), users(vec![user("", "", &["level = 2", "boss"])])),
            ]
            .into(),
            cluster_groups: [
                ("test".to_owned(), clusters(vec![cluster("sandbox", ""), cluster("", "test-*")])),
                ("all".to_owned(), clusters(vec![cluster("", "*")])),
            ]
            .into(),
            rules: vec![
                rule("group/named", "group/test", "Reader", &["view"]),
                rule("group/named", "sandbox", "Operator", &["view", "edit"]),
                rule("group/matched", "group/all", "Operator", &[]),
                rule("group/labelled", "group/test", "Admin", &[]),
                rule("bob@example.org", "prod", "Reader", &[]),
                rule("group/nobody", "group/nowhere", "Admin", &[]),
            ],
            tests: vec![],
        }
    }

    #[test]
    fn rules_add_up() {
        let none = BTreeMap::new();
        let second = BTreeMap::from([("level".to_owned(), "2".to_owned())]);
        let boss = BTreeMap::from([("level".to_owned(), "2".to_owned()), ("boss".to_owned(), String::new())]);
        for (name, labels, cluster, role, groups) in [
            ("ann@example.org", &none, "test-1", Role::Reader, &["view"][..]),
            ("ann@example.org", &none, "sandbox", Role::Operator, &["view", "view", "edit"]),
            ("ann@example.org", &none, "prod", Role::None, &[]),
            ("dev-1@example.org", &none, "prod", Role::Operator, &[]),
            ("carl@example.org", &second, "test-1", Role::None, &[]),
            ("carl@example.org", &boss, "test-1", Role::Admin, &[]),
            ("carl@example.org", &none, "test-1", Role::None, &[]),
            ("bob@example.org", &none, "prod", Role::Reader, &[]),
            ("bob@example.org", &none, "prod-2", Role::None, &[]),
        ] {
            let grant = on_cluster(&policy(), Identity { name, labels }, cluster);
            assert_eq!((grant.role, grant.groups), (role, groups.iter().map(|g| (*g).to_owned()).collect()), "{name}");
        }
        let everywhere = |name| on_every_cluster(&policy(), Identity { name, labels: &none });
        assert_eq!(everywhere("dev-1@example.org"), Role::Operator);
        assert_eq!(everywhere("ann@example.org"), Role::None);
        assert_eq!(everywhere("bob@example.org"), Role::None);
    }

    #[test]
    fn patterns() {
        for (glob, text, expected) in [
            ("*", "anything", Ok(true)),
            ("*", "a/b", Ok(false)),
            ("dev-*", "dev-", Ok(true)),
            ("dev-*", "prod-dev-1", Ok(false)),
            ("a?c", "abc", Ok(true)),
            ("a?c", "a/c", Ok(false)),
            ("[a-c]x", "bx", Ok(true)),
            ("[^a-c]x", "bx", Ok(false)),
            ("[^a-c]x", "dx", Ok(true)),
            ("[c-a]x", "bx", Ok(false)),
            ("[^c-a]x", "bx", Ok(true)),
            ("[c-ab]x", "bx", Ok(true)),
            (r"\*", "*", Ok(true)),
            (r"\*", "a", Ok(false)),
            ("a.b", "axb", Ok(false)),
            (r"[\]]", "]", Ok(true)),
            ("[", "a", Err(BadPattern)),
            ("[]a]", "]", Err(BadPattern)),
            ("[a", "a", Err(BadPattern)),
            ("[-x]", "x", Err(BadPattern)),
            (r"a\", "a", Err(BadPattern)),
        ] {
            assert_eq!(pattern(glob).map(|p| p.is_match(text)), expected, "{glob} {text}");
        }
    }
}
