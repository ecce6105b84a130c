//! A stand-in for the Kubernetes provider, served by this very program when a CLI starts it as a plugin.
//! It has the provider block and one data source of the real one, and reports what it was configured with:
//! there is no Kubernetes behind a simulated Omni that the real one could talk to.

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use terraform_provider_omni::tf::data_source::DataSource;
use terraform_provider_omni::tf::described::Described;
use terraform_provider_omni::tf::diag::{Diagnostic, Diagnostics};
use terraform_provider_omni::tf::done::Done;
use terraform_provider_omni::tf::plugin::{self, Program};
use terraform_provider_omni::tf::provider::Provider;
use terraform_provider_omni::tf::resource::{Context, Resource};
use terraform_provider_omni::tf::schema::{Schema, string};
use terraform_provider_omni::tf::value::Value;

/// The address of the provider that it stands in for.
pub const ADDRESS: &str = "registry.terraform.io/hashicorp/kubernetes";

/// The name that a CLI looks for.
pub const BINARY: &str = "terraform-provider-kubernetes";

/// What is set where a CLI starts a plugin, and nowhere else.
const COOKIE: &str = "TF_PLUGIN_MAGIC_COOKIE";

const PROGRAM: Program = Program { name: BINARY, version: "0.0.0", address: ADDRESS, modules: &[] };

/// Serves the stand-in, when that is what this process was started for.
pub fn serve_if_asked() -> Option<ExitCode> {
    std::env::var_os(COOKIE)?;
    let nothing: [OsString; 0] = [];
    Some(plugin::run(&PROGRAM, nothing, &|name| std::env::var_os(name), Kubernetes::make))
}

/// What the provider block said.
#[derive(Default)]
struct Configured(Mutex<Option<Value>>);

struct Kubernetes {
    schema: Schema,
    sources: Vec<Arc<dyn DataSource>>,
    configured: Arc<Configured>,
}

impl Kubernetes {
    fn make() -> Arc<dyn Provider> {
        let configured = Arc::<Configured>::default();
        let schema = Schema::new("A stand-in.")
            .with(string("host").doc("Address."))
            .with(string("token").document().sensitive().doc("Token."))
            .with(string("cluster_ca_certificate").document().doc("Authority."));
        let sources: Vec<Arc<dyn DataSource>> = vec![Arc::new(ServerVersion::new(configured.clone()))];
        Arc::new(Self { schema, sources, configured })
    }
}

#[async_trait]
impl Provider for Kubernetes {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn configure(&self, _: &Context, config: Value, _: &str) -> Diagnostics {
        *self.configured.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(config);
        Diagnostics::new()
    }

    fn resources(&self) -> &[Arc<dyn Resource>] {
        &[]
    }

    fn data_sources(&self) -> &[Arc<dyn DataSource>] {
        &self.sources
    }
}

/// `kubernetes_server_version`, in which each field tells of the connection instead.
struct ServerVersion {
    schema: Schema,
    configured: Arc<Configured>,
}

impl ServerVersion {
    fn new(configured: Arc<Configured>) -> Self {
        let schema = Schema::new("A stand-in.")
            .with(string("version").computed().doc("The host."))
            .with(string("git_version").computed().doc("The claims of the token."))
            .with(string("git_commit").computed().doc("The authority."));
        Self { schema, configured }
    }
}

#[async_trait]
impl Described for ServerVersion {
    fn type_name(&self) -> &'static str {
        "kubernetes_server_version"
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }
}

#[async_trait]
impl DataSource for ServerVersion {
    async fn read(&self, _: &Context, mut config: Value) -> Result<Done<Value>, Diagnostics> {
        let said = self.configured.0.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or(Value::Null);
        let text = |name: &str| said.get(name).as_str().unwrap_or_default().to_owned();
        let claims = text("token").split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let claims = claims.and_then(|bytes| String::from_utf8(bytes).ok());
        // As the real one, which would call an API without a token.
        let claims = claims.ok_or_else(|| Diagnostic::error("Unauthorized", "There is no token."))?;
        config.set("version", text("host").into());
        config.set("git_version", claims.into());
        config.set("git_commit", text("cluster_ca_certificate").into());
        Ok(config.into())
    }
}
