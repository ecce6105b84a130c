//! `omni_default_join_token`: selects the default join token.
//! It is a singleton that always exists: a create adopts it, and a destroy leaves it unchanged.

use super::setting;
use crate::omni::spec::Spec;
use crate::omni::spec::join_token::{DEFAULT_ID, DefaultJoinTokenSpec, JoinTokenSpec};
use crate::omni::{Key, Phase, Resource as Stored, labels};
use crate::provider::engine::{Bind, CosiObject, Cx, Failure, OneKind, Origin, ResourceType, Row, Table};
use crate::provider::errors::Operation;
use crate::provider::ledger::{ObjectKey, Ticket};
use crate::provider::objects::join_token::tokens;
use crate::provider::roles;
use crate::provider::session::at;
use crate::provider::timestamp;
use crate::tf::check::not_empty;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::resource::Plan;
use crate::tf::schema::{IdentitySchema, Schema, string};
use crate::tf::value::Value;
use async_trait::async_trait;

pub(super) struct DefaultJoinToken;

impl Table for DefaultJoinToken {
    type Spec = DefaultJoinTokenSpec;

    const NAME: &'static str = "omni_default_join_token";
    const NOUN: &'static str = "default join token";
    const ID: &'static str = "id";

    fn rows() -> Vec<Row> {
        vec![
            string("id").computed().stays().doc("Always `default`.").id(),
            string("token_id").required().sensitive().check(not_empty()).doc(
                "`id` of the join token, which is a secret. The token must exist. `terraform plan -generate-config-out` writes `null` here, as for every sensitive attribute: replace it with a reference to the token, such as `data.omni_join_token.site.id`.",
            ).field("token_id"),
        ]
    }
}

#[async_trait]
impl ResourceType for DefaultJoinToken {
    // There is one, so it needs no name.
    const DISPLAY: &'static str = "";

    fn about() -> Schema {
        Schema::new(
            "Selects the default join token, which Omni uses for installation media and join configurations that do not select a token. \
             This is a singleton: creating it adopts and changes the existing setting, and destroying it only removes it from the state. \
             If the selected token is an `omni_join_token` and is destroyed, the previous default token is the default again if it is still usable; otherwise the destroy fails. \
             For a token of the same configuration, `default = true` of the `omni_join_token` is simpler; do not use both.",
        )
    }

    fn identity() -> IdentitySchema {
        IdentitySchema::of("id", "Always `default`: this is a singleton.")
    }

    fn id(_state: &Value) -> Option<String> {
        Some(DEFAULT_ID.to_owned())
    }

    async fn resolve_import(_cx: Option<&Cx>, _text: &str) -> Result<String, Failure> {
        Ok(DEFAULT_ID.to_owned())
    }

    fn check_run(cx: &Cx, ticket: &Ticket, plan: &mut Plan<'_>) {
        let id = plan.planned.get("token_id").clone();
        setting::warn_of_rivals(cx, ticket, Some((&id, "")), plan);
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        let operation = Operation { verb: "select", noun: Self::NOUN, id: "", id_attribute: "token_id" };
        roles::warn(cx, &operation, roles::TOKENS, &mut plan.diags).await;
        let Some(id) = plan.planned.get("token_id").as_str().filter(|id| !id.is_empty()) else { return Ok(()) };
        let Some(token) = tokens::find(cx, id).await? else {
            plan.diags.push(
                Diagnostic::warning(
                    "The join token does not exist",
                    "Omni has no join token with the ID in `token_id`: the apply will fail unless it is created by then.",
                )
                .hint("Refer to the `id` of an `omni_join_token`. The value is an ID, not a name.")
                .at(at("token_id")),
            );
            return Ok(());
        };
        let (name, state) = (&token.spec.name, tokens::state_of(&token.spec, cx.session.clock.now()));
        if state != "active" {
            let since = tokens::expiration(&token.spec).filter(|_| state == "expired").map(timestamp::show);
            let since = since.map(|end| format!(" since {end}")).unwrap_or_default();
            plan.diags.push(
                Diagnostic::warning(
                    format!("The default join token `{name}` is {state}"),
                    format!("It is {state}{since}, so machines that boot from new installation media cannot join."),
                )
                .hint("Select an active token.")
                .at(at("token_id")),
            );
        }
        Ok(())
    }

    async fn check_delete(cx: &Cx, prior: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        // The plan of a token that goes with the choice says what becomes of the default.
        let token = prior.get("token_id").as_str().map(|id| ObjectKey::from(&JoinTokenSpec::KIND.key(id)));
        if token.is_some_and(|token| cx.session.ledger.goes(&token)) {
            return Ok(());
        }
        diags.push(
            Diagnostic::warning(
                "This alone does not change the default join token",
                "Omni always has a default join token: destroying an `omni_default_join_token` only removes it from the state. \
                 If the `omni_join_token` is destroyed too, its plan says which token becomes the default.",
            )
            .hint("To keep the token and change the default, select another token first, or do so in Omni."),
        );
        Ok(())
    }
}

#[async_trait]
impl CosiObject for DefaultJoinToken {
    type Kinds = OneKind;

    const ORIGIN: Origin = Origin::Omni;

    /// The token that is selected remembers the one before it, to which the place returns when it is destroyed.
    async fn before_write(cx: &Cx, wanted: &mut Value) -> Result<(), Failure> {
        let Some(token) = wanted.get("token_id").as_str() else { return Ok(()) };
        Ok(setting::note_former(cx, token).await?)
    }

    /// What is left is Omni's own again, and no longer marked as managed from here.
    async fn remove(cx: &Cx, _state: &Value, key: &Key) -> Result<(), Failure> {
        let mut ours = true;
        let change = |current: &mut Stored| {
            // After a conflict somebody else is at it, and may well manage it from now on.
            if std::mem::take(&mut ours) {
                current.metadata.annotations.remove(labels::MANAGED_BY);
            }
            Ok(())
        };
        Ok(cx.client().modify(&cx.call, key, Some(Phase::Running), change).await.map(drop)?)
    }
}
