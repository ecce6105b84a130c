//! The servers that the behaviours run on: simulators in this process, or the one that the environment names.

use crate::behaviours::Need;
use crate::bench::Bench;
use crate::client::Client;
use crate::objects::SYS_VERSION;
use anyhow::Context as _;
use kit::secret::SecretString;
use omni_proto::specs::SysVersionSpec;
use omni_sim::{Mode, Options, Release, Sim, catalogue, kinds};
use prost::Message as _;
use std::time::Duration;
use terraform_provider_omni::omni::{Config, Credentials, TlsOptions, open_channel};
use tonic::Code;

/// How long a server of our own may take, and one that is far away.
const NEAR: Duration = Duration::from_secs(10);
const FAR: Duration = Duration::from_secs(30);
const TICK: Duration = Duration::from_millis(5);

/// Whether a release has a call of one of the two services, by the tables of the simulator.
fn has_call(name: &str, release: Release) -> bool {
    ["cosi.resource.State", "management.ManagementService"]
        .into_iter()
        .all(|service| catalogue::call(service, name).is_none_or(|span| span.holds(release)))
}

/// A server with what has to be known of it.
pub struct Server {
    pub bench: Bench,
    /// What it says it is: `v1.6.6`.
    pub version: String,
    release: Release,
    machines: bool,
    /// Keeps a simulator alive.
    _sim: Option<Sim>,
}

impl Server {
    /// A simulator in this process.
    pub async fn simulated(release: Release) -> anyhow::Result<Self> {
        let sim = Sim::start(Options { release, mode: Mode::Auto { tick: TICK }, ..Options::default() }).await?;
        let key = SecretString::from(sim.service_account_key().to_owned());
        let config = Config::new(sim.endpoint(), Credentials::ServiceAccountKey(key.clone()));
        Self::reach(&config, &key, NEAR, true, Some(sim)).await
    }

    /// The server that the environment names, if it does.
    #[allow(clippy::disallowed_methods, reason = "people name the server in the environment")]
    pub async fn named() -> anyhow::Result<Option<Self>> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let (Some(endpoint), Some(key)) = (variable("OMNI_ENDPOINT"), variable("OMNI_SERVICE_ACCOUNT_KEY")) else {
            return Ok(None);
        };
        let key = SecretString::from(key);
        let mut config = Config::new(endpoint, Credentials::ServiceAccountKey(key.clone()));
        let ca_pem = match variable("OMNI_CONFORMANCE_CA_FILE") {
            Some(file) => Some(std::fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?),
            None => None,
        };
        config.tls = TlsOptions { ca_pem, ..TlsOptions::default() };
        let machines = variable("OMNI_CONFORMANCE_MACHINES").is_some();
        Self::reach(&config, &key, FAR, machines, None).await.map(Some)
    }

    async fn reach(
        config: &Config,
        key: &SecretString,
        patience: Duration,
        machines: bool,
        sim: Option<Sim>,
    ) -> anyhow::Result<Self> {
        let bench = Bench::new(Client::new(open_channel(config)?, key)?, patience);
        let found = bench.get(SYS_VERSION, "current").await.context("cannot ask the server for its version")?;
        let spec = SysVersionSpec::decode(found.spec.unwrap_or_default().proto_spec.as_slice())?;
        let version = spec.backend_version;
        let minor = semver::Version::parse(version.trim_start_matches('v'))
            .with_context(|| format!("the server's version is {version:?}"))?
            .minor;
        Ok(Self { bench, version, release: Release::of_minor(minor), machines, _sim: sim })
    }

    /// Whether it still answers; a restart is waited for as long as anything else.
    pub async fn answers(&self) -> bool {
        let asked = async {
            // The first call after a loss only finds out that the connection is gone.
            for _ in 0..3 {
                match self.bench.get(SYS_VERSION, "current").await {
                    Err(status) if status.code() == Code::Unavailable || status.code() == Code::Unknown => {}
                    _ => return true,
                }
            }
            false
        };
        tokio::time::timeout(self.bench.patience, asked).await.unwrap_or(false)
    }

    /// Whether it is the release whose answers were written down.
    pub fn is_observed(&self) -> bool {
        self.release == Release::V1_6
    }

    /// Why it cannot show a behaviour that needs this.
    pub fn lacks(&self, need: Need) -> Option<String> {
        let release = self.release;
        let kind = |name: &str| kinds::find(&format!("{name}.omni.sidero.dev"));
        let refused = |path: &str| catalogue::patch_fields().any(|(known, span)| known == path && span.holds(release));
        let unless = |holds: bool, why: String| (!holds).then_some(why);
        match need {
            Need::Nothing => None,
            Need::Newest => unless(release == Release::NEWEST, format!("needs Omni {}", Release::NEWEST)),
            Need::Feature(feature) => unless(release.has(feature), format!("needs {}", feature.name())),
            Need::NoFeature(feature) => unless(!release.has(feature), format!("has {}", feature.name())),
            Need::Kind(name) => unless(kind(name).is_some_and(|kind| kind.is_in(release)), format!("needs {name}")),
            Need::NoKind(name) => unless(!kind(name).is_some_and(|kind| kind.is_in(release)), format!("has {name}")),
            Need::Call(name) => unless(has_call(name, release), format!("needs the call {name}")),
            Need::NoCall(name) => unless(!has_call(name, release), format!("has the call {name}")),
            Need::Removes(name) => {
                let removes = kind(name).is_some_and(|kind| kind.removed_by_server(release));
                unless(removes, format!("leaves the removal of {name} to clients"))
            }
            Need::NoRemoves(name) => {
                let removes = kind(name).is_some_and(|kind| kind.removed_by_server(release));
                unless(!removes, format!("removes {name} by itself"))
            }
            Need::Access(verb, name) => {
                let open = kind(name).is_some_and(|kind| kind.access_rule(verb, release).from.is_some());
                unless(open, format!("lets nobody {verb:?} {name}"))
            }
            Need::NoAccess(verb, name) => {
                let open = kind(name).is_some_and(|kind| kind.access_rule(verb, release).from.is_some());
                unless(!open, format!("lets somebody {verb:?} {name}"))
            }
            Need::PatchField(path) => unless(refused(path), format!("takes patches of {path}")),
            Need::NoPatchField(path) => unless(!refused(path), format!("refuses patches of {path}")),
            Need::Machines => unless(self.machines, "needs machines".to_owned()),
        }
    }
}
