//! `omni_machine_join_config`: the configuration that a machine needs to join Omni.

use crate::omni::spec::Spec;
use crate::omni::spec::join_token::JoinTokenSpec;
use crate::omni::{Call, ErrorKind};
use crate::provider::dual::{DualForm, DualSource};
use crate::provider::errors::Operation;
use crate::provider::session::{Session, at};
use crate::tf::check::not_empty;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::schema::{Attribute, boolean, plain, string};
use crate::tf::value::{Type, Value};
use async_trait::async_trait;
use kit::secret::{ExposeSecret, SecretString};
use std::sync::Arc;

pub(in crate::provider) struct MachineJoinConfig;

#[async_trait]
impl DualSource for MachineJoinConfig {
    const TYPE: &'static str = "omni_machine_join_config";

    fn about(form: DualForm) -> &'static str {
        match form {
            DualForm::Stored => {
                "Reads what a machine needs to join Omni: kernel arguments and Talos machine configuration. Both contain the join token, which is therefore stored in state; to keep it out, use the ephemeral resource `omni_machine_join_config`."
            }
            DualForm::Ephemeral => {
                "Reads what a machine needs to join Omni: kernel arguments and Talos machine configuration. Both contain the join token. Never written to state or plan."
            }
        }
    }

    fn attributes() -> Vec<Attribute> {
        vec![
            boolean("use_grpc_tunnel").default(false).doc(
                "Whether the machine tunnels its WireGuard traffic through gRPC, for networks that block UDP. An instance that enforces the tunnel overrides this.",
            ),
            string("join_token").sensitive().check(not_empty()).doc(
                "Join token to use. Defaults to the default token. It must exist; the provider does not check whether it is revoked or expired.",
            ),
            plain("kernel_args", Type::list(Type::String))
                .computed()
                .sensitive()
                .doc("Kernel arguments to boot Talos with; the first one contains the join token."),
            string("config").computed().sensitive().doc(
                "Documents of the Talos machine configuration, in YAML; they contain the join token.",
            ),
        ]
    }

    async fn fetch(session: &Arc<Session>, call: &Call, mut config: Value) -> Result<Value, Diagnostics> {
        if let Some(token) = config.get("join_token").as_str() {
            token_exists(session, call, token).await?;
        }
        let operation = Operation { verb: "get", noun: "a join configuration for machines", id: "", id_attribute: "" };
        let tunnel = config.get("use_grpc_tunnel").as_bool().unwrap_or_default();
        let token = config.get("join_token").as_str().map(SecretString::from);
        let join = session.client.machine_join_config(call, tunnel, token.as_ref()).await;
        let join = join.map_err(|error| Diagnostics::from(operation.explain(&error)))?;
        let arguments = join.kernel_args.iter().map(|argument| argument.expose_secret().into()).collect();
        config.set("kernel_args", Value::List(arguments));
        config.set("config", join.config.expose_secret().into());
        Ok(config)
    }
}

/// Holds that the token exists: Omni itself makes a configuration for any text, with which no machine would get in.
async fn token_exists(session: &Session, call: &Call, token: &str) -> Result<(), Diagnostics> {
    let operation = Operation { verb: "read", noun: "the join token", id: "", id_attribute: "" };
    match session.client.get(call, &JoinTokenSpec::KIND.key(token)).await {
        Ok(_) => Ok(()),
        Err(error) if error.is(ErrorKind::NotFound) => Err(Diagnostic::error(
            "Join token does not exist",
            "Omni has no such join token (its value is secret and not shown).",
        )
        .hint("Check that the token belongs to this instance. Remove `join_token` to use the default one.")
        .at(at("join_token"))
        .into()),
        Err(error) => Err(operation.explain(&error).into()),
    }
}
