//! What a policy grants, and what is wrong with it, by the rules of Omni. It knows no attributes but their names.

use crate::omni::Query;
use crate::provider::roles;
use kit::text::quoted;
use omni_proto::specs::access_policy_cluster_group::Cluster;
use omni_proto::specs::access_policy_user_group::User;
use omni_proto::specs::{AccessPolicySpec, AccessPolicyTest};
use std::collections::{BTreeMap, HashMap};

/// How a rule refers to a group.
const GROUP: &str = "group/";

/// A fault of a policy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The attribute that it is in.
    pub(super) part: &'static str,
    /// What is wrong, as a sentence.
    pub(super) why: String,
    /// Whether Omni refuses the policy for it; otherwise something has no effect.
    pub(super) refused: bool,
}

fn refused(part: &'static str, why: String) -> Fault {
    Fault { part, why, refused: true }
}

/// All that is wrong with a policy, in the order of its parts.
pub(super) fn faults(policy: &AccessPolicySpec) -> Vec<Fault> {
    let mut found = Vec::new();
    for (name, group) in sorted(&policy.user_groups) {
        for (at, user) in group.users.iter().enumerate() {
            let set = [!user.name.is_empty(), !user.r#match.is_empty(), !user.label_selectors.is_empty()];
            let place = format!("User {at} of group {}", quoted(name));
            if set.into_iter().filter(|set| *set).count() != 1 {
                found.push(refused(
                    "user_groups",
                    format!("{place} needs exactly one of `name`, `match` and `label_selectors`."),
                ));
            }
            if Glob::parse(&user.r#match).is_none() {
                found.push(refused(
                    "user_groups",
                    format!(
                        "{place} has the pattern {}, in which a class or an escape has no end.",
                        quoted(&user.r#match)
                    ),
                ));
            }
            for selector in &user.label_selectors {
                if let Err(error) = Query::parse_selector(selector) {
                    found.push(refused("user_groups", format!("{place}: {error}.")));
                }
            }
        }
    }
    for (name, group) in sorted(&policy.cluster_groups) {
        for (at, cluster) in group.clusters.iter().enumerate() {
            let place = format!("Cluster {at} of group {}", quoted(name));
            if cluster.name.is_empty() == cluster.r#match.is_empty() {
                found.push(refused("cluster_groups", format!("{place} needs exactly one of `name` and `match`.")));
            }
            if Glob::parse(&cluster.r#match).is_none() {
                found.push(refused(
                    "cluster_groups",
                    format!(
                        "{place} has the pattern {}, in which a class or an escape has no end.",
                        quoted(&cluster.r#match)
                    ),
                ));
            }
        }
    }
    for (at, rule) in policy.rules.iter().enumerate() {
        if !rule.role.is_empty() && !roles::GRANTED.contains(&rule.role.as_str()) {
            let all = roles::GRANTED.map(|role| format!("`{role}`")).join(", ");
            found.push(refused(
                "rules",
                format!("Rule {at} grants the role {}, and a policy can grant only {all}.", quoted(&rule.role)),
            ));
        }
        let users = rule.users.iter().map(|user| (user, policy.user_groups.keys().collect::<Vec<_>>(), "user_groups"));
        let clusters =
            rule.clusters.iter().map(|name| (name, policy.cluster_groups.keys().collect::<Vec<_>>(), "cluster_groups"));
        for (name, known, groups) in users.chain(clusters) {
            let Some(group) = name.strip_prefix(GROUP) else { continue };
            if !known.iter().any(|known| *known == group) {
                let why = format!(
                    "Rule {at} refers to {}, and `{groups}` has no such group: Omni ignores the reference.",
                    quoted(name)
                );
                found.push(Fault { part: "rules", why, refused: false });
            }
        }
    }
    // What is granted by a policy that cannot be read, nobody can say.
    if found.iter().all(|fault| !fault.refused) {
        found.extend(policy.tests.iter().enumerate().flat_map(|(at, test)| run(policy, at, test)));
    }
    found
}

fn sorted<T>(groups: &HashMap<String, T>) -> BTreeMap<&String, &T> {
    groups.iter().collect()
}

/// What is wrong with a test, or what it finds.
fn run(policy: &AccessPolicySpec, at: usize, test: &AccessPolicyTest) -> Vec<Fault> {
    let user = test.user.clone().unwrap_or_default();
    let cluster = test.cluster.as_ref().map(|cluster| cluster.name.as_str()).unwrap_or_default();
    let missing: Vec<_> = [("name", test.name.as_str()), ("user.name", &user.name), ("cluster.name", cluster)]
        .into_iter()
        .filter(|(_, text)| text.is_empty())
        .map(|(name, _)| refused("tests", format!("Test {at} needs `{name}`.")))
        .collect();
    if !missing.is_empty() {
        return missing;
    }
    let labels = user.labels.into_iter().collect();
    let (role, mut groups) = granted(policy, &user.name, &labels, cluster);
    let expected = test.expected.clone().unwrap_or_default();
    let mut wanted = expected.kubernetes.and_then(|k| k.impersonate).map(|i| i.groups).unwrap_or_default();
    groups.sort();
    wanted.sort();
    let mut found = Vec::new();
    let failed = format!("Test {} fails", quoted(&test.name));
    if !expected.role.is_empty() && expected.role != role {
        found.push(refused(
            "tests",
            format!("{failed}: it expects the role `{}`, and the rules give `{role}`.", expected.role),
        ));
    }
    if wanted != groups {
        let listed = |groups: &[String]| match groups {
            [] => "none".to_owned(),
            some => some.iter().map(|group| quoted(group)).collect::<Vec<_>>().join(", "),
        };
        found.push(refused(
            "tests",
            format!(
                "{failed}: it expects the Kubernetes groups {}, and the rules give {}.",
                listed(&wanted),
                listed(&groups)
            ),
        ));
    }
    found
}

/// The role and the Kubernetes groups that somebody gets on a cluster.
fn granted<'p>(
    policy: &'p AccessPolicySpec,
    user: &str,
    labels: &BTreeMap<String, String>,
    cluster: &str,
) -> (&'p str, Vec<String>) {
    let in_users = |name: &str| {
        policy.user_groups.get(name).is_some_and(|group| group.users.iter().any(|entry| is_user(entry, user, labels)))
    };
    let in_clusters = |name: &str| {
        policy
            .cluster_groups
            .get(name)
            .is_some_and(|group| group.clusters.iter().any(|entry| is_cluster(entry, cluster)))
    };
    let (mut role, mut groups) = ("None", Vec::new());
    for rule in &policy.rules {
        let is_for = rule.users.iter().any(|name| name.strip_prefix(GROUP).map_or(name == user, in_users))
            && rule.clusters.iter().any(|name| name.strip_prefix(GROUP).map_or(name == cluster, in_clusters));
        if !is_for {
            continue;
        }
        if roles::rank(&rule.role) > roles::rank(role) {
            role = &rule.role;
        }
        let impersonate = rule.kubernetes.as_ref().and_then(|kubernetes| kubernetes.impersonate.as_ref());
        groups.extend(impersonate.into_iter().flat_map(|impersonate| impersonate.groups.clone()));
    }
    (role, groups)
}

fn is_user(entry: &User, user: &str, labels: &BTreeMap<String, String>) -> bool {
    if !entry.name.is_empty() {
        return entry.name == user;
    }
    if !entry.r#match.is_empty() {
        return Glob::parse(&entry.r#match).is_some_and(|glob| glob.matches(user));
    }
    let holds = |selector: &String| Query::parse_selector(selector).is_ok_and(|query| query.takes_labels(labels));
    !entry.label_selectors.is_empty() && entry.label_selectors.iter().all(holds)
}

fn is_cluster(entry: &Cluster, cluster: &str) -> bool {
    match entry.r#match.as_str() {
        "" => entry.name == cluster,
        pattern => Glob::parse(pattern).is_some_and(|glob| glob.matches(cluster)),
    }
}

/// A shell pattern by the rules of Go: `*` and `?` stand for anything but `/`, `[a-c]` and `[^a-c]` for one character.
struct Glob(Vec<Token>);

enum Token {
    Many,
    One,
    Exactly(char),
    Among { ranges: Vec<(char, char)>, negated: bool },
}

impl Glob {
    /// `None` for a pattern that is not well-formed.
    fn parse(pattern: &str) -> Option<Self> {
        let mut rest = pattern.chars().peekable();
        let mut tokens = Vec::new();
        while let Some(c) = rest.next() {
            tokens.push(match c {
                '*' => Token::Many,
                '?' => Token::One,
                '[' => class(&mut rest)?,
                '\\' => Token::Exactly(rest.next()?),
                c => Token::Exactly(c),
            });
        }
        Some(Self(tokens))
    }

    fn matches(&self, text: &str) -> bool {
        // The ends of what the tokens so far can stand for.
        let text: Vec<char> = text.chars().collect();
        let mut ends = vec![true];
        ends.resize(text.len() + 1, false);
        for token in &self.0 {
            let mut next = vec![false; text.len() + 1];
            for at in (0..=text.len()).filter(|at| ends[*at]) {
                match (token, text.get(at)) {
                    (Token::Many, _) => {
                        let reach = text[at..].iter().take_while(|c| **c != '/').count();
                        next[at..=at + reach].fill(true);
                    }
                    (token, Some(c)) if token.takes(*c) => next[at + 1] = true,
                    _ => {}
                }
            }
            ends = next;
        }
        ends.last() == Some(&true)
    }
}

impl Token {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Many => false,
            Self::One => c != '/',
            Self::Exactly(only) => c == *only,
            Self::Among { ranges, negated } => ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated,
        }
    }
}

type Rest<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// What follows a `[`, up to its `]`.
fn class(rest: &mut Rest<'_>) -> Option<Token> {
    let negated = rest.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        let low = class_char(rest)?;
        let high = if rest.next_if_eq(&'-').is_some() { class_char(rest)? } else { low };
        ranges.push((low, high));
        if rest.next_if_eq(&']').is_some() {
            return Some(Token::Among { ranges, negated });
        }
    }
}

fn class_char(rest: &mut Rest<'_>) -> Option<char> {
    match rest.next()? {
        '-' | ']' => None,
        '\\' => rest.next(),
        c => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_go() {
        for (pattern, text, matches) in [
            ("*@example.org", "ann@example.org", Some(true)),
            ("*@example.org", "ann@example.com", Some(false)),
            ("*", "a/b", Some(false)),
            ("*/*", "a/b", Some(true)),
            ("a*b*c", "axxbyyc", Some(true)),
            ("a*b*c", "axxbyy", Some(false)),
            ("t?st", "test", Some(true)),
            ("[a-c]x", "bx", Some(true)),
            ("[^a-c]x", "bx", Some(false)),
            ("[c-a]x", "bx", Some(false)),
            (r"\*", "*", Some(true)),
            (r"\*", "a", Some(false)),
            ("", "", Some(true)),
            ("[", "", None),
            ("[]", "", None),
            ("[a", "", None),
            ("[a-]", "", None),
            (r"a\", "", None),
        ] {
            assert_eq!(Glob::parse(pattern).map(|glob| glob.matches(text)), matches, "{pattern} {text}");
        }
    }

    fn told(text: &str) -> Vec<(String, bool)> {
        let policy = super::super::document::parse(text).unwrap();
        faults(&policy).into_iter().map(|fault| (format!("{}: {}", fault.part, fault.why), fault.refused)).collect()
    }

    #[test]
    fn faults_are_those_that_omni_refuses() {
        const GOOD: &str = "user_groups: {dev: {users: [{match: 'dev-*'}, {label_selectors: [a, 'b = 1']}]}}\n\
            cluster_groups: {test: {clusters: [{match: 'test-?'}]}}\n\
            rules:\n\
            - {users: [group/dev], clusters: [group/test], role: Reader, kubernetes: {impersonate: {groups: [view]}}}\n\
            - {users: [group/dev, bob], clusters: [test-1], role: Operator, kubernetes: {impersonate: {groups: [edit]}}}\n";
        let test = |user: &str, cluster: &str, expected: &str| {
            format!("{GOOD}tests: [{{name: t, user: {user}, cluster: {{name: {cluster}}}, expected: {expected}}}]\n")
        };
        let groups =
            |role: &str, groups: &str| format!("{{role: {role}, kubernetes: {{impersonate: {{groups: [{groups}]}}}}}}");
        for (text, says) in [
            (GOOD.to_owned(), None),
            (test("{name: dev-1}", "test-1", &groups("Operator", "edit, view")), None),
            (test("{name: dev-1}", "test-2", &groups("Reader", "view")), None),
            (test("{name: eve, labels: {a: '', b: '1'}}", "test-2", &groups("Reader", "view")), None),
            (test("{name: eve, labels: {a: ''}}", "test-2", "{role: None}"), None),
            (
                test("{name: bob}", "test-1", "{role: Operator}"),
                Some(("it expects the Kubernetes groups none, and the rules give `edit`", true)),
            ),
            (
                test("{name: bob}", "test-2", "{role: Operator}"),
                Some(("it expects the role `Operator`, and the rules give `None`", true)),
            ),
            (test("{}", "test-2", "{}"), Some(("needs `user.name`", true))),
            (GOOD.replace("match: 'dev-*'", "match: '['"), Some(("no end", true))),
            (GOOD.replace("match: 'dev-*'", "match: a, name: b"), Some(("exactly one of `name`, `match`", true))),
            (GOOD.replace("match: 'test-?'", ""), Some(("exactly one of `name` and `match`", true))),
            (GOOD.replace("'b = 1'", "'b like 1'"), Some(("b like 1", true))),
            (GOOD.replace("Reader", "Auditor"), Some(("role `Auditor`", true))),
            (GOOD.replace("[group/test]", "[group/tests]"), Some(("`group/tests`", false))),
        ] {
            let found = told(&text);
            match says {
                None => assert_eq!(found, [], "{text}"),
                Some((part, refused)) => {
                    assert!(
                        found.len() == 1 && found[0].0.contains(part) && found[0].1 == refused,
                        "{text}: {found:?}"
                    );
                }
            }
        }
    }
}
