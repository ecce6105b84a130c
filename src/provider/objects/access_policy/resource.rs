//! `omni_access_policy`: what people may do on which clusters, beyond their roles.

use super::document::{self, PARTS};
use super::evaluate;
use crate::provider::engine::{Bind, CosiObject, Cx, Failure, Joined, Object, OneKind, ResourceType, Row, Table};
use crate::provider::roles;
use crate::provider::session::at;
use crate::tf::check::{Rule, not_empty, one_of};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::resource::Plan;
use crate::tf::schema::{Attribute, IdentitySchema, Schema, maps, object, objects, plain, string};
use crate::tf::value::{Type, Value};
use async_trait::async_trait;
use omni_proto::specs::AccessPolicySpec;

pub(super) struct AccessPolicy;

/// The id of the one policy that there is.
const ID: &str = "access-policy";
const YAML: &str = "yaml";

fn texts(name: &'static str) -> Attribute {
    plain(name, Type::list(Type::String)).check(not_empty().of_each())
}

/// The Kubernetes groups that go with a role.
fn kubernetes() -> Attribute {
    let groups = texts("impersonate_groups").required().doc("Kubernetes groups that the user impersonates.");
    object("kubernetes", vec![groups]).doc("Access to Kubernetes.")
}

fn role() -> Attribute {
    string("role").check(one_of(&roles::GRANTED))
}

fn name(doc: &str) -> Attribute {
    string("name").check(not_empty()).doc(doc)
}

fn pattern(doc: &str) -> Attribute {
    string("match").check(not_empty()).doc(doc)
}

impl Table for AccessPolicy {
    type Spec = AccessPolicySpec;

    const NAME: &'static str = "omni_access_policy";
    const NOUN: &'static str = "access policy";
    const ID: &'static str = "id";

    fn rows() -> Vec<Row> {
        let user = vec![
            name("E-mail address, or full name of a service account."),
            pattern("Shell pattern of the name, such as `*@example.org`."),
            texts("label_selectors").doc("Selectors of the labels of the identity, all of which must hold."),
        ];
        let cluster = vec![name("Name of the cluster."), pattern("Shell pattern of the name, such as `test-*`.")];
        let rule = vec![
            texts("users").required().doc("Names, or `group/<name>` for a group of `user_groups`."),
            texts("clusters").required().doc("Names, or `group/<name>` for a group of `cluster_groups`."),
            role().doc(
                "Role on the clusters: `None`, `Reader`, `Operator` or `Admin`. If several rules match, the highest role applies.",
            ),
            kubernetes(),
        ];
        let test = vec![
            string("name").required().check(not_empty()).doc("Name of the test."),
            object(
                "user",
                vec![
                    string("name").required().check(not_empty()).doc("Name of the person."),
                    plain("labels", Type::map(Type::String)).doc("Labels of the identity."),
                ],
            )
            .required()
            .doc("Who asks."),
            object("cluster", vec![string("name").required().check(not_empty()).doc("Name of the cluster.")])
                .required()
                .doc("On which cluster."),
            object(
                "expected",
                vec![role().doc("Role that the rules must give; unset leaves it untested."), kubernetes()],
            )
            .required()
            .doc("What the rules must give; without `kubernetes`, no Kubernetes groups."),
        ];
        vec![
            string("id").computed().stays().doc("Always `access-policy`.").id(),
            maps("user_groups", vec![objects("users", user).required().doc("Its members; each sets one of `name`, `match` and `label_selectors`.")])
                .or_nothing().doc("Groups of people, by name.").coded("user_groups", document::USER_GROUPS),
            maps("cluster_groups", vec![objects("clusters", cluster).required().doc("Its members; each sets one of `name` and `match`.")])
                .or_nothing().doc("Groups of clusters, by name.").coded("cluster_groups", document::CLUSTER_GROUPS),
            objects("rules", rule).or_nothing().doc("Rules that grant users roles on clusters.").coded("rules", document::RULES),
            objects("tests", test).or_nothing().doc("Tests that the rules must pass; a plan runs them.").coded("tests", document::TESTS),
            string(YAML).document().same_if(same).doc(
                "The whole policy in YAML, as Omni documents it: its `spec`, or the object as `omnictl get accesspolicies -o yaml` prints it. Conflicts with the other attributes.",
            ).derived(),
        ]
    }

    fn derive(
        object: &Object<AccessPolicySpec>,
        _joined: &Joined,
        prior: &Value,
        shown: &mut Value,
    ) -> Result<(), Diagnostic> {
        let Some(text) = prior.get(YAML).as_str() else { return Ok(()) };
        let is_same = document::parse(text).is_ok_and(|policy| document::same(&policy, &object.spec));
        let text = if is_same { text.to_owned() } else { document::write(&object.spec) };
        shown.set(YAML, text.into());
        for part in PARTS {
            shown.set(part, Value::Null);
        }
        Ok(())
    }
}

/// Whether two documents hold the same policy.
fn same(a: &str, b: &str) -> bool {
    match (document::parse(a), document::parse(b)) {
        (Ok(a), Ok(b)) => document::same(&a, &b),
        _ => a == b,
    }
}

#[async_trait]
impl ResourceType for AccessPolicy {
    // There is one, so it needs no name.
    const DISPLAY: &'static str = "";

    fn about() -> Schema {
        Schema::new(
            "Manages the access policy, which grants users additional roles on clusters, and Kubernetes groups that they impersonate. \
             This is a singleton: an instance has at most one, and one that exists already has to be imported. \
             Requires the role `Admin`.\n\n\
             ~> Destroying it revokes at once all access that it grants.",
        )
        .rule(Rule::ExactlyOne(&["rules", YAML]))
        .rule(Rule::AtMostOne(&["user_groups", YAML]))
        .rule(Rule::AtMostOne(&["cluster_groups", YAML]))
        .rule(Rule::AtMostOne(&["tests", YAML]))
    }

    fn identity() -> IdentitySchema {
        IdentitySchema::of("id", "Always `access-policy`: Omni has at most one.")
    }

    fn id(_state: &Value) -> Option<String> {
        Some(ID.to_owned())
    }

    async fn resolve_import(_cx: Option<&Cx>, _text: &str) -> Result<String, Failure> {
        Ok(ID.to_owned())
    }

    fn validate(config: &Value, diags: &mut Diagnostics) {
        let Some(text) = config.get(YAML).as_str() else { return };
        if let Err(why) = document::parse(text) {
            diags.push(
                Diagnostic::error("The text is no access policy", why)
                    .hint("Write the policy as Omni documents it, with `usergroups`, `clustergroups`, `rules` and `tests`.")
                    .at(at(YAML)),
            );
        }
    }

    fn modify_plan(plan: &mut Plan<'_>) {
        plan.planned.set("id", ID.into());
        let whole = &plan.planned;
        let (policy, text) = match whole.get(YAML).as_str() {
            Some(text) => (document::parse(text).ok(), true),
            None => {
                let known = PARTS.iter().all(|part| whole.get(part).is_wholly_known()) && !whole.get(YAML).is_unknown();
                (known.then(|| document::of(whole)), false)
            }
        };
        let changes = |prior: &Value| PARTS.iter().chain([&YAML]).any(|part| prior.get(part) != whole.get(part));
        let Some(policy) = policy.filter(|_| plan.prior.is_none_or(changes)) else { return };
        for fault in evaluate::faults(&policy) {
            let part = if text { YAML } else { fault.part };
            let diagnostic = match fault.refused {
                true => {
                    Diagnostic::error("Omni refuses the access policy", fault.why).hint(format!("Correct `{part}`."))
                }
                false => Diagnostic::warning("A rule refers to no group", fault.why)
                    .hint("Correct the name, or add the group."),
            };
            plan.diags.push(diagnostic.at(at(part)));
        }
    }
}

#[async_trait]
impl CosiObject for AccessPolicy {
    type Kinds = OneKind;

    /// A document is written as what it stands for.
    async fn before_write(_cx: &Cx, wanted: &mut Value) -> Result<(), Failure> {
        let Some(policy) = wanted.get(YAML).as_str().and_then(|text| document::parse(text).ok()) else { return Ok(()) };
        for (part, value) in document::attributes(&policy) {
            wanted.set(part, value);
        }
        Ok(())
    }
}
