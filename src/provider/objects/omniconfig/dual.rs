//! `omni_omniconfig`: an omniconfig for the account of the provider.

use super::file as omniconfig;
use crate::omni::Call;
use crate::provider::dual::{DualForm, DualSource};
use crate::provider::errors::Operation;
use crate::provider::session::Session;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::schema::{Attribute, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use kit::secret::ExposeSecret;
use std::sync::Arc;

pub(in crate::provider) struct Omniconfig;

#[async_trait]
impl DualSource for Omniconfig {
    const TYPE: &'static str = "omni_omniconfig";

    fn about(form: DualForm) -> &'static str {
        match form {
            DualForm::Stored => {
                "Reads an omniconfig for the provider's account. It contains no key: `omnictl` uses the key in `OMNI_SERVICE_ACCOUNT_KEY`."
            }
            DualForm::Ephemeral => {
                "Reads an omniconfig for the provider's account. Never written to state or plan. It contains no key: `omnictl` uses the key in `OMNI_SERVICE_ACCOUNT_KEY`."
            }
        }
    }

    fn attributes() -> Vec<Attribute> {
        vec![
            string("omniconfig").computed().sensitive().doc("The omniconfig, in YAML."),
            string("endpoint").computed().doc("Address of Omni, as advertised by Omni."),
            string("identity")
                .computed()
                .doc("Identity that `omnictl` authenticates as: that of the provider's account."),
        ]
    }

    async fn fetch(session: &Arc<Session>, call: &Call, mut config: Value) -> Result<Value, Diagnostics> {
        let operation = Operation { verb: "get", noun: "an omniconfig", id: "", id_attribute: "" };
        let answer = session.client.omniconfig(call).await;
        let answer = answer.map_err(|error| Diagnostics::from(operation.explain(&error)))?;
        let text = answer.expose_secret();
        // What is wrong with it is no fault of an attribute.
        let parts = omniconfig::Omniconfig::load(text, None)
            .map_err(|why| Diagnostics::from(Diagnostic::error("Omniconfig of Omni cannot be used", why.detail)))?;
        config.set("omniconfig", text.into());
        config.set("endpoint", parts.url.into());
        config.set("identity", parts.identity.into());
        Ok(config)
    }
}
