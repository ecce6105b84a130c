//! `omni_default_join_token`: which join token Omni uses where none is named.

use super::setting;
use crate::omni::spec::Spec;
use crate::omni::spec::join_token::JoinTokenStatusSpec;
use crate::omni::{Call, Error, spec};
use crate::provider::lookup::Singleton;
use crate::provider::lookup::computed::text;
use crate::provider::session::Session;
use crate::tf::schema::{Attribute, string};
use crate::tf::value::Value;
use async_trait::async_trait;

pub(super) struct DefaultToken;

#[async_trait]
impl Singleton for DefaultToken {
    const NAME: &'static str = "omni_default_join_token";
    const NOUN: &'static str = "the default join token";
    const ABOUT: &'static str = "Reads the default join token. The token is a secret and is stored in state; use the ephemeral resource `omni_join_token` to avoid that.";

    fn attributes() -> Vec<Attribute> {
        vec![
            string("token_id").computed().sensitive().doc("The `id` of the token, which is the token itself."),
            text("name", "Name of the token."),
        ]
    }

    async fn fill(session: &Session, call: &Call, value: &mut Value) -> Result<(), Error> {
        let id = setting::default_id(&session.client, call).await?;
        let status = session.client.get(call, &JoinTokenStatusSpec::KIND.key(&*id)).await?;
        value.set("name", spec::decode::<JoinTokenStatusSpec>(&status)?.name.into());
        value.set("token_id", id.into());
        Ok(())
    }
}
