//! What an access policy gives a user on a cluster.
//! It reads the policy only; whether it may be written as it is, the rules say.

use crate::pb::specs::access_policy_user_group::User;
use crate::pb::specs::{AccessPolicyRule, AccessPolicySpec};
use crate::sim::kinds::Role;
use crate::sim::rules::selector::Selector;
use regex::Regex;
use std::collections::BTreeMap;

/// How rules mark the names of groups.
const GROUP: &str = "group/";

/// A user, as policies see one: an identity with its labels.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The id of the identity.
    pub identity: &'a str,
    /// The labels of the identity.
    pub labels: &'a BTreeMap<String, String>,
}

/// What a policy gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The role on the cluster; `None` when no rule says anything.
    pub role: Role,
    /// Whether a rule is about all clusters there may ever be.
    pub every_cluster: bool,
    /// The groups of Kubernetes that the user acts in, in the order of the rules.
    pub groups: Vec<String>,
}

/// What the policy gives this user on this cluster.
#[must_use]
pub fn grant(policy: &AccessPolicySpec, subject: Subject<'_>, cluster: &str) -> Grant {
    let mut grant = Grant { role: Role::None, every_cluster: false, groups: Vec::new() };
    for rule in policy.rules.iter().filter(|rule| names_user(policy, rule, subject)) {
        let (named, every) = names_cluster(policy, rule, cluster);
        grant.every_cluster |= every;
        if !named {
            continue;
        }
        grant.role = grant.role.max(Role::parse(&rule.role).unwrap_or(Role::None));
        let impersonate = rule.kubernetes.iter().filter_map(|k| k.impersonate.as_ref());
        grant.groups.extend(impersonate.flat_map(|i| i.groups.iter().cloned()));
    }
    grant
}

fn names_user(policy: &AccessPolicySpec, rule: &AccessPolicyRule, subject: Subject<'_>) -> bool {
    rule.users.iter().any(|name| {
        let group = name.strip_prefix(GROUP).and_then(|group| policy.user_groups.get(group));
        name == subject.identity || group.is_some_and(|group| group.users.iter().any(|user| is_user(user, subject)))
    })
}

fn is_user(user: &User, subject: Subject<'_>) -> bool {
    let selected = || Selector::parse(&user.label_selectors.join(",")).is_ok_and(|s| s.matches(subject.labels));
    is_named(&user.name, &user.r#match, subject.identity) || (!user.label_selectors.is_empty() && selected())
}

/// Whether the rule is about the cluster, and whether it is about every cluster.
fn names_cluster(policy: &AccessPolicySpec, rule: &AccessPolicyRule, cluster: &str) -> (bool, bool) {
    let (mut named, mut every) = (false, false);
    for name in &rule.clusters {
        if name == cluster {
            return (true, every);
        }
        let group = name.strip_prefix(GROUP).and_then(|group| policy.cluster_groups.get(group));
        for entry in group.iter().flat_map(|group| &group.clusters) {
            every |= entry.r#match == "*";
            named |= entry.r#match == "*" || is_named(&entry.name, &entry.r#match, cluster);
        }
    }
    (named, every)
}

fn is_named(name: &str, pattern: &str, id: &str) -> bool {
    (!name.is_empty() && name == id) || (!pattern.is_empty() && glob(pattern).is_some_and(|g| g.is_match(id)))
}

/// A pattern as Go's `filepath.Match` reads it; none when it is malformed.
#[must_use]
pub fn glob(pattern: &str) -> Option<Regex> {
    let mut text = String::from("(?s)^");
    let mut chars = pattern.chars();
    let literal = |c: char| regex::escape(c.encode_utf8(&mut [0; 4]));
    while let Some(c) = chars.next() {
        match c {
            '*' => text.push_str("[^/]*"),
            '?' => text.push_str("[^/]"),
            '\\' => text.push_str(&literal(chars.next()?)),
            '[' => text.push_str(&class(&mut chars)?),
            c => text.push_str(&literal(c)),
        }
    }
    text.push('$');
    Regex::new(&text).ok()
}

/// What stands between brackets: characters and ranges, at least one, all of them turned round by a first `^`.
fn class(chars: &mut std::str::Chars<'_>) -> Option<String> {
    let mut text = String::from("[");
    let mut next = chars.next()?;
    if next == '^' {
        text.push('^');
        next = chars.next()?;
    }
    let mut any = false;
    loop {
        if next == ']' && any {
            text.push(']');
            return Some(text);
        }
        let low = member(next, chars)?;
        text.push_str(&low);
        any = true;
        next = chars.next()?;
        if next == '-' {
            let first = chars.next()?;
            text.push('-');
            text.push_str(&member(first, chars)?);
            next = chars.next()?;
        }
    }
}

/// One character between brackets, as a regular expression writes it.
fn member(c: char, chars: &mut std::str::Chars<'_>) -> Option<String> {
    let c = match c {
        '\\' => chars.next()?,
        '-' | ']' => return None,
        c => c,
    };
    Some(format!("\\x{{{:x}}}", u32::from(c)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb::specs::access_policy_cluster_group::Cluster;
    use crate::pb::specs::access_policy_rule::{Kubernetes, kubernetes::Impersonate};
    use crate::pb::specs::{AccessPolicyClusterGroup, AccessPolicyUserGroup};

    fn rule(users: &[&str], clusters: &[&str], role: &str) -> AccessPolicyRule {
        let texts = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect();
        AccessPolicyRule { users: texts(users), clusters: texts(clusters), role: role.into(), kubernetes: None }
    }

    fn policy(rules: Vec<AccessPolicyRule>) -> AccessPolicySpec {
        let users = vec![
            User { name: "named@x".into(), ..Default::default() },
            User { r#match: "*@ops.x".into(), ..Default::default() },
            User { label_selectors: vec!["team = storage".into(), "level >= 2".into()], ..Default::default() },
        ];
        let entry = |name: &str, pattern: &str| Cluster { name: name.into(), r#match: pattern.into() };
        AccessPolicySpec {
            user_groups: [("people".to_owned(), AccessPolicyUserGroup { users })].into(),
            cluster_groups: [
                (
                    "lab".to_owned(),
                    AccessPolicyClusterGroup { clusters: vec![entry("lab-main", ""), entry("", "lab-?")] },
                ),
                ("all".to_owned(), AccessPolicyClusterGroup { clusters: vec![entry("", "*")] }),
            ]
            .into(),
            rules,
            tests: vec![],
        }
    }

    #[test]
    fn rules_name_users_and_clusters() {
        for (rule, identity, labels, cluster, role, every) in [
            (rule(&["a@x"], &["c"], "Operator"), "a@x", &[][..], "c", Role::Operator, false),
            (rule(&["a@x"], &["c"], "Operator"), "a@x", &[], "d", Role::None, false),
            (rule(&["a@x"], &["c"], "Operator"), "b@x", &[], "c", Role::None, false),
            (rule(&["group/people"], &["c"], "Reader"), "named@x", &[], "c", Role::Reader, false),
            (rule(&["group/people"], &["c"], "Reader"), "a@ops.x", &[], "c", Role::Reader, false),
            (rule(&["group/people"], &["c"], "Reader"), "a@ops/x", &[], "c", Role::None, false),
            (
                rule(&["group/people"], &["c"], "Reader"),
                "a@x",
                &[("team", "storage"), ("level", "2")],
                "c",
                Role::Reader,
                false,
            ),
            (rule(&["group/people"], &["c"], "Reader"), "a@x", &[("team", "storage")], "c", Role::None, false),
            (rule(&["group/unknown"], &["c"], "Reader"), "a@x", &[], "c", Role::None, false),
            (rule(&["a@x"], &["group/lab"], "Operator"), "a@x", &[], "lab-main", Role::Operator, false),
            (rule(&["a@x"], &["group/lab"], "Operator"), "a@x", &[], "lab-1", Role::Operator, false),
            (rule(&["a@x"], &["group/lab"], "Operator"), "a@x", &[], "lab-12", Role::None, false),
            (rule(&["a@x"], &["group/all"], "Reader"), "a@x", &[], "any", Role::Reader, true),
            (rule(&["b@x"], &["group/all"], "Reader"), "a@x", &[], "any", Role::None, false),
        ] {
            let labels = labels.iter().map(|(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned())).collect();
            let found = grant(&policy(vec![rule.clone()]), Subject { identity, labels: &labels }, cluster);
            assert_eq!((found.role, found.every_cluster), (role, every), "{rule:?} {identity} {cluster}");
        }
    }

    #[test]
    fn the_highest_role_counts_and_groups_add_up() {
        let mut first = rule(&["a@x"], &["c"], "Operator");
        let impersonate = Some(Impersonate { groups: vec!["admins".into()] });
        first.kubernetes = Some(Kubernetes { impersonate });
        let mut second = rule(&["a@x"], &["c"], "Reader");
        second.kubernetes = Some(Kubernetes { impersonate: Some(Impersonate { groups: vec!["readers".into()] }) });
        let labels = BTreeMap::new();
        let found = grant(&policy(vec![first, second]), Subject { identity: "a@x", labels: &labels }, "c");
        assert_eq!(
            found,
            Grant { role: Role::Operator, every_cluster: false, groups: vec!["admins".into(), "readers".into()] }
        );
    }

    #[test]
    fn patterns_are_those_of_go() {
        for (pattern, id, expected) in [
            ("prod-*", "prod-1", Some(true)),
            ("prod-*", "prod-", Some(true)),
            ("*", "a/b", Some(false)),
            ("a?c", "abc", Some(true)),
            ("a.c", "abc", Some(false)),
            ("[a-c]1", "b1", Some(true)),
            ("[^a-c]1", "b1", Some(false)),
            ("[^a-c]1", "d1", Some(true)),
            ("[]a]", "]", None),
            ("[a", "a", None),
            ("[]", "a", None),
            ("[a-]", "a", None),
            ("\\*", "*", Some(true)),
            ("a\\", "a", None),
        ] {
            assert_eq!(glob(pattern).map(|g| g.is_match(id)), expected, "{pattern} {id}");
        }
    }
}
