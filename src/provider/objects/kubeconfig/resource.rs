//! `omni_kubeconfig` as a resource: one token that is kept in the state and renewed in time.

use super::dual::Kubeconfig;
use super::moved;
use crate::provider::dual::DualSource;
use crate::provider::engine::{Bind, Cx, Failure, ResourceType, Row, Table, UnreadableObject};
use crate::provider::session::at;
use crate::provider::{duration, references, timestamp};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::resource::Plan;
use crate::tf::schema::{Schema, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use std::time::Duration;

pub(super) struct Issued;

/// What comes with every token.
const MADE: [&str; 5] = ["kubeconfig", "host", "token", "cluster_ca_certificate", "expiration"];

impl Table for Issued {
    type Spec = ();

    const NAME: &'static str = Kubeconfig::TYPE;
    const NOUN: &'static str = "kubeconfig for cluster";
    const ID: &'static str = "cluster";

    fn rows() -> Vec<Row> {
        let shared = Kubeconfig::attributes().into_iter().map(|attribute| match attribute.name {
            "cluster" => attribute.replaces().doc(
                "Name of the cluster. If the same configuration creates the cluster, refer to the `id` of its `omni_cluster`, so that this is issued after it.",
            ),
            "ttl" => attribute.same_if(duration::same),
            name if MADE.contains(&name) => attribute.changes_with(&["user", "groups", "ttl"]),
            _ => attribute,
        });
        let renew_before = string("renew_before").check(duration::is_positive()).doc(
            "Time before `expiration` from which a plan issues another token, as a Go duration shorter than `ttl`, such as `8h`. If unset, a token is replaced only once it has expired.",
        );
        shared.map(Bind::unreadable).chain([renew_before.local()]).collect()
    }
}

#[async_trait]
impl ResourceType for Issued {
    const NOT_IMPORTED: Option<&'static str> = Some(
        "Omni does not keep the kubeconfigs that it issues. Add the resource and apply, which issues another one.",
    );

    fn about() -> Schema {
        Schema::new(
            "Issues a kubeconfig with a service account token and keeps it in the state until it is renewed. \
             Requires the role `Operator`. Prefer the ephemeral resource `omni_kubeconfig`, which keeps the token out of state and plan and can use a short `ttl`: \
             whoever reads the state has the access of the token. This resource is for consumers that need the same token between runs.\n\n\
             ~> **Tokens cannot be revoked.** Destroying the resource, replacing it, or issuing another token leaves the earlier ones valid until they expire.\n\n\
             A change of `user`, `groups` or `ttl` issues another token in place.\n\n\
             A `moved` block can take over `omni_kubeconfig` of `flpajany/omni` and `omni_cluster_kubeconfig` of `KittyKatt/omni`: the token stays the same if `user`, `groups` and `ttl` are configured as it was issued.",
        )
        .upgraded_by(moved::convert)
        .moved_from(moved::OTHER_TYPE, |state| {
            moved::convert(state);
            Ok(())
        })
    }

    fn validate(config: &Value, diags: &mut Diagnostics) {
        let default = Kubeconfig::attributes().into_iter().find(|a| a.name == "ttl").and_then(|a| a.default);
        let ttl = match config.get("ttl") {
            Value::Null => default.as_ref().and_then(given),
            configured => given(configured),
        };
        if let (Some(ttl), Some(before)) = (ttl, given(config.get("renew_before")))
            && before >= ttl
        {
            diags.push(
                Diagnostic::error(
                    "Every plan would issue another token",
                    "`renew_before` is not shorter than `ttl`, the lifetime of a token.",
                )
                .hint("Make `renew_before` shorter than `ttl`.")
                .at(at("renew_before")),
            );
        }
    }

    fn plan_existing(cx: &Cx, plan: &mut Plan<'_>) {
        let Some(ends) = plan.prior.and_then(expiration) else { return };
        let before = given(plan.planned.get("renew_before")).unwrap_or_default();
        if ends <= cx.session.clock.now() + before {
            MADE.into_iter().for_each(|name| plan.planned.set(name, Value::UNKNOWN));
        }
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        if let Some(prior) = plan.prior.filter(|_| !plan.replace.is_empty()) {
            plan.diags.extend(stays_valid(cx, prior).into_iter().collect());
        }
        let Some(cluster) = plan.planned.get("cluster").as_str() else { return Ok(()) };
        if references::is_cluster_missing(cx, cluster).await? {
            let diagnostic = Diagnostic::warning(
                format!("Cluster `{cluster}` does not exist"),
                "The apply cannot issue a kubeconfig for it.",
            );
            plan.diags.push(diagnostic.hint(references::REFER_TO_CLUSTER).at(at("cluster")));
        }
        Ok(())
    }

    async fn check_delete(cx: &Cx, prior: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        diags.extend(stays_valid(cx, prior).into_iter().collect());
        Ok(())
    }
}

#[async_trait]
impl UnreadableObject for Issued {
    async fn make(cx: &Cx, wanted: Value) -> Result<Value, Diagnostics> {
        Kubeconfig::fetch(&cx.session, &cx.call, wanted).await
    }

    /// Omni cannot revoke it.
    async fn remove(_cx: &Cx, _prior: &Value) -> Result<(), Failure> {
        Ok(())
    }
}

/// Says of a token that goes out of the state that it can be used for some time yet.
fn stays_valid(cx: &Cx, prior: &Value) -> Option<Diagnostic> {
    let ends = expiration(prior).filter(|ends| *ends > cx.session.clock.now())?;
    let cluster = prior.get("cluster").as_str().unwrap_or_default();
    Some(
        Diagnostic::warning(
            format!("The token for cluster `{cluster}` stays valid"),
            format!("Omni cannot revoke it: whoever has it can use it until {}.", timestamp::show(ends)),
        )
        .hint("Delete the copies of it that are no longer needed, earlier versions of the state included."),
    )
}

fn expiration(state: &Value) -> Option<Duration> {
    state.get("expiration").as_str().and_then(timestamp::parse)
}

fn given(value: &Value) -> Option<Duration> {
    value.as_str().and_then(duration::of)
}
