//! A simulated Omni for one test: in this process, to look into and to change, or as a process of its own, to kill.
//! It knows no CLI.

use crate::Outcome;
use crate::process::{Isolated, Output, Running};
use omni_sim::store::Store;
use omni_sim::{Mode, Options, Sim, kinds};
use serde_json::Value;
use std::collections::BTreeSet;
use std::ops::Deref;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Long enough that only a fault lasts longer.
const RUN_TIMEOUT: Duration = Duration::from_secs(60);

/// Faster than a machine would be, and slow enough for many at a time.
pub const TICK: Duration = Duration::from_millis(20);

/// What a provider needs to reach an Omni.
pub trait Server {
    /// Where it listens.
    fn endpoint(&self) -> &str;
    /// The key of an Admin.
    fn key(&self) -> &str;
}

/// What Omni writes down for itself, whoever calls and whatever becomes of the objects.
const RECORDS: [&str; 4] = [
    "IdentityLastActives.omni.sidero.dev",
    "JWTPublicKeys.system.sidero.dev",
    "MachineConfigDiffs.omni.sidero.dev",
    "PublicKeyLastActives.omni.sidero.dev",
];

/// A simulator in this process; [`Sim`]'s own methods work on it.
pub struct Omni {
    sim: Arc<Sim>,
    runtime: Runtime,
}

impl Omni {
    /// Six machines, and controllers that work by themselves, quickly.
    pub fn start() -> Outcome<Self> {
        Self::with(Options { mode: Mode::Auto { tick: TICK }, ..Options::default() })
    }

    /// One with other options.
    pub fn with(options: Options) -> Outcome<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let sim = Arc::new(runtime.block_on(Sim::start(options))?);
        Ok(Self { sim, runtime })
    }

    /// Lets controllers work by themselves from now on that so far took a step only when told to.
    pub fn work(&self) {
        let sim = self.sim.clone();
        self.runtime.spawn(async move {
            let mut timer = tokio::time::interval(TICK);
            loop {
                timer.tick().await;
                sim.step();
            }
        });
    }

    /// Steps until something holds.
    ///
    /// # Errors
    /// When the controllers come to rest before that.
    pub fn step_until(&self, what: &str, holds: impl Fn(&Store) -> bool) -> Outcome {
        while !holds(self.store()) {
            if !self.step() {
                return Err(format!("the controllers came to rest before {what}").into());
            }
        }
        Ok(())
    }

    /// Type and id of every object there is.
    pub fn objects(&self) -> BTreeSet<String> {
        let all = self.store().view().all().into_iter().filter(|o| !RECORDS.contains(&o.key.kind.as_str()));
        all.map(|o| format!("{}/{}", o.key.kind, o.key.id)).collect()
    }

    /// The same, once the controllers have nothing more to do.
    pub fn settled_objects(&self) -> Outcome<BTreeSet<String>> {
        self.settle()?;
        Ok(self.objects())
    }

    /// How many calls tried to change something.
    pub fn writes(&self) -> usize {
        let changes = ["Create", "Update", "Destroy", "Teardown", "TeardownAndDestroy"];
        self.requests().iter().filter(|request| changes.contains(&request.name())).count()
    }

    /// The ids of all objects of a type, such as `Clusters`.
    pub fn ids(&self, kind: &str) -> Vec<String> {
        self.store().list(&full(kind)).iter().map(|o| o.key.id.clone()).collect()
    }

    /// The spec of an object; what is not there counts as empty.
    pub fn spec<M: prost::Message + Default>(&self, kind: &str, id: &str) -> M {
        self.store().get(&kinds::key(&full(kind), id)).map(|o| o.spec()).unwrap_or_default()
    }

    /// Changes the spec of an object, as somebody else would.
    ///
    /// # Errors
    /// When there is no such object.
    pub fn change<M: prost::Message + Default>(&self, kind: &str, id: &str, edit: impl FnOnce(&mut M)) -> Outcome {
        let changed = self.store().modify(&kinds::key(&full(kind), id), |object| {
            let mut spec = object.spec();
            edit(&mut spec);
            object.spec = spec.encode_to_vec();
        });
        changed.map(drop).ok_or_else(|| format!("there is no {kind} {id:?}").into())
    }

    /// Removes an object at once, as nothing of Omni's would; says whether it was there.
    pub fn remove(&self, kind: &str, id: &str) -> bool {
        self.store().remove(&kinds::key(&full(kind), id)).is_some()
    }

    /// Waits until something holds, looking again after every change.
    ///
    /// # Errors
    /// When it still does not hold after a long time.
    pub fn wait_until(&self, what: &str, holds: impl Fn(&Store) -> bool) -> Outcome {
        let wait = async {
            let mut changes = self.store().subscribe();
            while !holds(self.store()) {
                if changes.next().await.is_err() {
                    changes = self.store().subscribe();
                }
            }
        };
        let waited = self.runtime.block_on(async { tokio::time::timeout(RUN_TIMEOUT, wait).await });
        waited.map_err(|_| format!("it never came to pass that {what}").into())
    }

    /// Waits until exactly these objects are there.
    ///
    /// # Errors
    /// With those that are left over or missing.
    pub fn wait_for_objects(&self, wanted: &BTreeSet<String>) -> Outcome {
        self.wait_until("the objects are as before", |_| self.objects() == *wanted).map_err(|_| {
            let now = self.objects();
            let (over, gone) =
                (now.difference(wanted).collect::<Vec<_>>(), wanted.difference(&now).collect::<Vec<_>>());
            format!("left over: {over:#?}\nmissing: {gone:#?}").into()
        })
    }
}

impl Deref for Omni {
    type Target = Sim;

    fn deref(&self) -> &Sim {
        &self.sim
    }
}

impl Server for Omni {
    fn endpoint(&self) -> &str {
        self.sim.endpoint()
    }

    fn key(&self) -> &str {
        self.sim.service_account_key()
    }
}

/// A simulator in a process of its own.
pub struct OmniProcess {
    process: Running,
    arguments: Vec<String>,
    endpoint: String,
    key: String,
}

impl OmniProcess {
    /// One that keeps its state in the folder, with further arguments of `omni-sim`.
    pub fn start(data: &Path, arguments: &[&str]) -> Outcome<Self> {
        let data = ["--data".to_owned(), data.to_string_lossy().into_owned()];
        let more = arguments.iter().map(|a| (*a).to_owned());
        Self::run(data.into_iter().chain(more).collect(), "127.0.0.1:0")
    }

    /// Kills it, as a power cut would.
    pub fn kill(self) -> Outcome<Killed> {
        let address = self.endpoint.rsplit('/').next().unwrap_or_default().to_owned();
        self.process.kill()?;
        Ok(Killed { arguments: self.arguments, address })
    }

    /// Stops it in good order.
    pub fn stop(self) -> Outcome<Output> {
        self.process.signal("TERM")?;
        self.process.finish()?.success()
    }

    fn run(arguments: Vec<String>, address: &str) -> Outcome<Self> {
        let mut command = Command::new(crate::built::program("omni-sim")?);
        let mut process = Running::start(command.isolated().args(["--listen", address]).args(&arguments))?;
        let ready: Value = serde_json::from_str(&process.wait_for("endpoint")?)?;
        let text = |name: &str| ready[name].as_str().map(str::to_owned).ok_or_else(|| format!("no {name} in {ready}"));
        Ok(Self { process, arguments, endpoint: text("endpoint")?, key: text("service_account_key")? })
    }
}

impl Server for OmniProcess {
    fn endpoint(&self) -> &str {
        &self.endpoint
    }

    fn key(&self) -> &str {
        &self.key
    }
}

/// A simulator that was killed.
pub struct Killed {
    arguments: Vec<String>,
    address: String,
}

impl Killed {
    /// Starts it again, at the same address and from what it kept.
    pub fn restart(self) -> Outcome<OmniProcess> {
        OmniProcess::run(self.arguments, &self.address)
    }
}

/// Types of Omni are named without the part that they share.
fn full(kind: &str) -> String {
    if kind.contains('.') { kind.to_owned() } else { format!("{kind}.omni.sidero.dev") }
}
