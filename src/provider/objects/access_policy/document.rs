//! The policy as attributes and as a document, and the message that both stand for. It judges nothing.

use crate::omni::spec::fields::{Field, MapKey, from_message, to_message};
use crate::omni::spec::loose;
use crate::provider::engine::Codec;
use crate::tf::model::present;
use crate::tf::value::Value;
use kit::gather::Gather as _;
use kit::yaml;
use omni_proto::specs::access_policy_cluster_group::Cluster;
use omni_proto::specs::access_policy_test::{self as case, Expected};
use omni_proto::specs::access_policy_user_group::User;
use omni_proto::specs::{
    AccessPolicyClusterGroup, AccessPolicyRule, AccessPolicySpec, AccessPolicyTest, AccessPolicyUserGroup,
    access_policy_rule,
};
use prost::Message;
use std::collections::BTreeMap;

/// The attributes that the policy is made of, each a field of the same name.
pub(super) const PARTS: [&str; 4] = ["user_groups", "cluster_groups", "rules", "tests"];

/// The type of the object, as documents name it.
const TYPE: &str = "AccessPolicies.omni.sidero.dev";

/// The home of an attribute that holds a list of messages, or messages by name.
macro_rules! part {
    ($read:ident, $write:ident, $message:literal, list) => {
        Codec::Own {
            write: |value| {
                Some(Field::List(
                    value.elements().iter().filter_map(|item| to_message($message, &$write(item))).collect(),
                ))
            },
            read: |field, _| {
                let all = field.and_then(Field::as_list).unwrap_or_default();
                Value::List(all.iter().filter_map(from_message).map(|item| $read(&item)).collect())
            },
        }
    };
    ($read:ident, $write:ident, $message:literal, map) => {
        Codec::Own {
            write: |value| {
                let all = value.entries().into_iter().flatten();
                let entry = |(name, item): (&String, &Value)| {
                    Some((MapKey::String(name.clone()), to_message($message, &$write(item))?))
                };
                Some(Field::Map(all.filter_map(entry).gathered()))
            },
            read: |field, _| {
                let all = field.and_then(Field::as_map).into_iter().flatten();
                let entry =
                    |(name, item): (&MapKey, &Field)| Some((name.as_str()?.to_owned(), $read(&from_message(item)?)));
                Value::map(all.filter_map(entry))
            },
        }
    };
}

pub(super) const USER_GROUPS: Codec = part!(show_users, users, "specs.AccessPolicyUserGroup", map);
pub(super) const CLUSTER_GROUPS: Codec = part!(show_clusters, clusters, "specs.AccessPolicyClusterGroup", map);
pub(super) const RULES: Codec = part!(show_rule, rule, "specs.AccessPolicyRule", list);
pub(super) const TESTS: Codec = part!(show_test, test, "specs.AccessPolicyTest", list);

/// The policy that the attributes of a whole value stand for.
pub(super) fn of(whole: &Value) -> AccessPolicySpec {
    let whole = present(whole);
    let named = |name: &str| whole.get(name).entries().into_iter().flatten();
    AccessPolicySpec {
        user_groups: named("user_groups").map(|(name, group)| (name.clone(), users(group))).gathered(),
        cluster_groups: named("cluster_groups").map(|(name, group)| (name.clone(), clusters(group))).gathered(),
        rules: whole.get("rules").elements().iter().map(rule).collect(),
        tests: whole.get("tests").elements().iter().map(test).collect(),
    }
}

/// The attributes that show a policy, by name.
pub(super) fn attributes(policy: &AccessPolicySpec) -> [(&'static str, Value); 4] {
    let user_groups = policy.user_groups.iter().map(|(name, group)| (name.clone(), show_users(group))).gathered();
    let cluster_groups =
        policy.cluster_groups.iter().map(|(name, group)| (name.clone(), show_clusters(group))).gathered();
    let [a, b, c, d] = PARTS;
    [
        (a, Value::Map(user_groups)),
        (b, Value::Map(cluster_groups)),
        (c, Value::List(policy.rules.iter().map(show_rule).collect())),
        (d, Value::List(policy.tests.iter().map(show_test).collect())),
    ]
}

/// The policy that a document holds: the spec alone, or the whole object as `omnictl get -o yaml` prints it.
///
/// # Errors
/// When it is no such document: why, as a sentence.
pub(super) fn parse(text: &str) -> Result<AccessPolicySpec, String> {
    let documents = yaml::parse_documents(text).map_err(|error| format!("Reading it failed: {error}."))?;
    let [document] = documents.as_slice() else {
        return Err(format!("It holds {} documents, and a policy is one.", documents.len()));
    };
    let spec = match document.get("metadata") {
        None => document,
        Some(metadata) => {
            let of = metadata.get("type").and_then(serde_json::Value::as_str).unwrap_or(TYPE);
            if of != TYPE {
                return Err(format!("It holds an object of the type `{of}`, and not `{TYPE}`."));
            }
            document.get("spec").ok_or("It has no `spec`.")?
        }
    };
    loose::read(spec)
}

/// The document of a policy.
pub(super) fn write(policy: &AccessPolicySpec) -> String {
    yaml::to_string(&loose::show(policy))
}

/// Whether two policies say the same.
pub(super) fn same(a: &AccessPolicySpec, b: &AccessPolicySpec) -> bool {
    // Maps have no order, so that their encodings may differ.
    attributes(a) == attributes(b) && a.encoded_len() == b.encoded_len()
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value, name: &str) -> Vec<String> {
    value.get(name).elements().iter().filter_map(|item| Some(item.as_str()?.to_owned())).collect()
}

fn show_text(text: &str) -> Value {
    Some(text).filter(|text| !text.is_empty()).into()
}

fn show_texts(texts: &[String]) -> Value {
    Value::List(texts.iter().map(|text| text.as_str().into()).collect())
}

fn or_null(value: Value, is_empty: bool) -> Value {
    if is_empty { Value::Null } else { value }
}

fn users(group: &Value) -> AccessPolicyUserGroup {
    let user = |user: &Value| User {
        name: text(user, "name"),
        r#match: text(user, "match"),
        label_selectors: texts(user, "label_selectors"),
    };
    AccessPolicyUserGroup { users: group.get("users").elements().iter().map(user).collect() }
}

fn show_users(group: &AccessPolicyUserGroup) -> Value {
    let user = |user: &User| {
        Value::object([
            ("name", show_text(&user.name)),
            ("match", show_text(&user.r#match)),
            ("label_selectors", or_null(show_texts(&user.label_selectors), user.label_selectors.is_empty())),
        ])
    };
    Value::object([("users", Value::List(group.users.iter().map(user).collect()))])
}

fn clusters(group: &Value) -> AccessPolicyClusterGroup {
    let cluster = |cluster: &Value| Cluster { name: text(cluster, "name"), r#match: text(cluster, "match") };
    AccessPolicyClusterGroup { clusters: group.get("clusters").elements().iter().map(cluster).collect() }
}

fn show_clusters(group: &AccessPolicyClusterGroup) -> Value {
    let cluster =
        |cluster: &Cluster| Value::object([("name", show_text(&cluster.name)), ("match", show_text(&cluster.r#match))]);
    Value::object([("clusters", Value::List(group.clusters.iter().map(cluster).collect()))])
}

fn show_groups(groups: Option<&[String]>) -> Value {
    groups.map_or(Value::Null, |groups| Value::object([("impersonate_groups", show_texts(groups))]))
}

fn rule(value: &Value) -> AccessPolicyRule {
    use access_policy_rule::{Kubernetes, kubernetes::Impersonate};
    let kubernetes = value.get("kubernetes");
    let impersonate = || Some(Impersonate { groups: texts(kubernetes, "impersonate_groups") });
    AccessPolicyRule {
        users: texts(value, "users"),
        clusters: texts(value, "clusters"),
        kubernetes: kubernetes.is_set().then(|| Kubernetes { impersonate: impersonate() }),
        role: text(value, "role"),
    }
}

fn show_rule(rule: &AccessPolicyRule) -> Value {
    let groups = rule.kubernetes.as_ref().and_then(|k| k.impersonate.as_ref()).map(|i| i.groups.as_slice());
    Value::object([
        ("users", show_texts(&rule.users)),
        ("clusters", show_texts(&rule.clusters)),
        ("kubernetes", show_groups(groups)),
        ("role", show_text(&rule.role)),
    ])
}

fn test(value: &Value) -> AccessPolicyTest {
    use case::expected::{Kubernetes, kubernetes::Impersonate};
    let (user, expected) = (value.get("user"), value.get("expected"));
    let kubernetes = expected.get("kubernetes");
    let labels = user.get("labels").entries().into_iter().flatten();
    let impersonate = || Some(Impersonate { groups: texts(kubernetes, "impersonate_groups") });
    AccessPolicyTest {
        name: text(value, "name"),
        user: Some(case::User {
            name: text(user, "name"),
            labels: labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).gathered(),
        }),
        cluster: Some(case::Cluster { name: text(value.get("cluster"), "name") }),
        expected: Some(Expected {
            kubernetes: kubernetes.is_set().then(|| Kubernetes { impersonate: impersonate() }),
            role: text(expected, "role"),
        }),
    }
}

fn show_test(test: &AccessPolicyTest) -> Value {
    let (user, expected) = (test.user.clone().unwrap_or_default(), test.expected.clone().unwrap_or_default());
    let labels: BTreeMap<_, _> = user.labels.iter().map(|(key, value)| (key.clone(), value.as_str().into())).gathered();
    let groups = expected.kubernetes.as_ref().and_then(|k| k.impersonate.as_ref()).map(|i| i.groups.as_slice());
    let cluster = test.cluster.as_ref().map(|cluster| cluster.name.as_str()).unwrap_or_default();
    let no_labels = labels.is_empty();
    Value::object([
        ("name", test.name.as_str().into()),
        (
            "user",
            Value::object([("name", user.name.as_str().into()), ("labels", or_null(Value::Map(labels), no_labels))]),
        ),
        ("cluster", Value::object([("name", Value::from(cluster))])),
        ("expected", Value::object([("role", show_text(&expected.role)), ("kubernetes", show_groups(groups))])),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "usergroups:\n  support:\n    users:\n      - match: '*@example.org'\n      - labelselectors: [a]\nclustergroups:\n  test:\n    clusters:\n      - name: sandbox\nrules:\n  - users: [group/support]\n    clusters: [group/test]\n    role: Operator\n    kubernetes:\n      impersonate:\n        groups: [view]\ntests:\n  - name: t\n    user: {name: ann@example.org, labels: {a: b}}\n    cluster: {name: sandbox}\n    expected: {role: Operator}\n";

    #[test]
    fn a_document_and_attributes_are_the_same_policy() {
        let policy = parse(TEXT).unwrap();
        let whole = Value::object(attributes(&policy));
        assert_eq!(of(&whole), policy);
        assert_eq!(parse(&write(&policy)).unwrap(), policy);
        assert!(same(&policy, &policy.clone()));
        assert_eq!(policy.rules[0].kubernetes.as_ref().unwrap().impersonate.as_ref().unwrap().groups, ["view"]);
        let object = format!("metadata:\n  type: {TYPE}\nspec:\n  {}", TEXT.trim_end().replace('\n', "\n  "));
        assert_eq!(parse(&object).unwrap(), policy);
    }

    #[test]
    fn what_is_no_policy_is_told() {
        for (text, part) in [
            ("a: [", "Reading it failed"),
            ("a: 1\n---\nb: 2\n", "2 documents"),
            ("metadata: {type: Clusters.omni.sidero.dev}\nspec: {}\n", "`Clusters.omni.sidero.dev`"),
            ("rulez: []\n", "`rulez`"),
            ("rules: x\n", "`rules`"),
            ("rules: [{users: [1]}]\n", "`users`"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }
}
