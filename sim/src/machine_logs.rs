//! Machine logs: the kernel log that each machine sends to the server, generated from its simulated lifecycle.

use super::names::kind;
use super::object::{Key, Object};
use super::store::{Observer, Store};
use jiff::Timestamp;
use omni_proto::specs::cluster_machine_status_spec::Stage;
use omni_proto::specs::{ClusterMachineConfigStatusSpec, ClusterMachineStatusSpec, MachineStatusSpec, SiderolinkSpec};
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How many lines are kept of each machine.
const KEPT: usize = 10_000;

/// The logs of all machines of one server; clones share them.
#[derive(Clone)]
pub struct MachineLogs(Arc<Inner>);

struct Inner {
    logs: Mutex<BTreeMap<String, Log>>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Log {
    lines: VecDeque<Vec<u8>>,
    /// How many lines there ever were.
    written: u64,
    /// A machine that is cut off goes on, but nobody hears of it.
    connected: bool,
    booted: Duration,
}

impl Default for MachineLogs {
    fn default() -> Self {
        Self(Arc::new(Inner { logs: Mutex::default(), changed: watch::Sender::new(()) }))
    }
}

impl MachineLogs {
    /// Logs of the machines of this store: of those that it holds, and of those that come.
    #[must_use]
    pub fn of(store: &Store) -> Self {
        let logs = Self::default();
        store.tell(Arc::new(logs.clone()));
        for kind in [kind::LINK, kind::MACHINE_STATUS, kind::CLUSTER_MACHINE_STATUS] {
            for object in store.list(kind) {
                logs.saw(store.time(), &object.key, None, Some(&object));
            }
        }
        logs
    }

    /// A reader of the log of a machine, from its last lines on; without a number, from its first. None without a log.
    #[must_use]
    pub fn reader(&self, machine: &str, tail: Option<usize>) -> Option<LogReader> {
        let logs = self.lock();
        let log = logs.get(machine)?;
        let kept = log.lines.len();
        let next = log.written - tail.map_or(kept, |tail| tail.min(kept)) as u64;
        Some(LogReader { logs: self.clone(), machine: machine.to_owned(), next, changed: self.0.changed.subscribe() })
    }

    /// Adds a line to the log of a machine, if it has one and is heard.
    pub fn write(&self, now: Duration, machine: &str, text: &str) {
        if let Some(log) = self.lock().get_mut(machine)
            && log.connected
        {
            log.write(now, text);
            self.0.changed.send_replace(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Log>> {
        self.0.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn link(&self, now: Duration, id: &str, new: Option<&Object>) {
        let mut logs = self.lock();
        let Some(link) = new else {
            logs.remove(id);
            return;
        };
        let connected = link.spec::<SiderolinkSpec>().connected;
        let is_new = !logs.contains_key(id);
        let log = logs.entry(id.to_owned()).or_insert_with(|| Log { booted: now, ..Log::default() });
        let back = connected && !log.connected;
        log.connected = connected;
        match (is_new, back) {
            (true, true) => {
                log.write(now, "Linux version 6.18.9-talos (@buildkitsandbox)");
                log.write(now, "[talos] [initramfs] booting Talos");
                log.write(now, "[talos] entering maintenance service");
                log.write(now, "[talos] siderolink connection established");
            }
            (false, true) => log.write(now, "[talos] siderolink connection reestablished"),
            _ => {}
        }
    }
}

impl Log {
    fn write(&mut self, now: Duration, text: &str) {
        let time = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
        let time = Timestamp::from_nanosecond(time.into()).unwrap_or_default();
        let clock = u64::try_from(now.saturating_sub(self.booted).as_micros()).unwrap_or(u64::MAX);
        let line = json!({
            "clock": clock,
            "facility": if text.starts_with("[talos]") { "user" } else { "kern" },
            "msg": text,
            "priority": "info",
            "seq": self.written,
            "talos-level": "info",
            "talos-time": time.to_string(),
        });
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_string().into_bytes());
        self.written += 1;
    }
}

impl Observer for MachineLogs {
    fn saw(&self, now: Duration, key: &Key, old: Option<&Object>, new: Option<&Object>) {
        if key.kind == kind::LINK {
            self.link(now, &key.id, new);
        } else if let Some(new) = new {
            for line in lines(&key.kind, old, new) {
                self.write(now, &key.id, &line);
            }
        }
        self.0.changed.send_replace(());
    }
}

/// What a machine says when this becomes of it.
fn lines(kind_name: &str, old: Option<&Object>, new: &Object) -> Vec<String> {
    match kind_name {
        kind::MACHINE_STATUS => {
            let before: MachineStatusSpec = old.map(Object::spec).unwrap_or_default();
            let after: MachineStatusSpec = new.spec();
            if before.talos_version == after.talos_version { Vec::new() } else { boot(&after) }
        }
        kind::CLUSTER_MACHINE_STATUS => {
            let before: ClusterMachineStatusSpec = old.map(Object::spec).unwrap_or_default();
            let after: ClusterMachineStatusSpec = new.spec();
            let stage = (before.stage != after.stage).then(|| stage(after.stage()));
            stage.into_iter().filter(|text| !text.is_empty()).map(|text| format!("[talos] {text}")).collect()
        }
        kind::CLUSTER_MACHINE_CONFIG_STATUS => {
            let before: ClusterMachineConfigStatusSpec = old.map(Object::spec).unwrap_or_default();
            let after: ClusterMachineConfigStatusSpec = new.spec();
            if before.cluster_machine_config_sha256 == after.cluster_machine_config_sha256 {
                return Vec::new();
            }
            vec!["[talos] apply config request: mode auto".into(), "[talos] machine configuration applied".into()]
        }
        _ => Vec::new(),
    }
}

fn boot(status: &MachineStatusSpec) -> Vec<String> {
    let platform = status.platform_metadata.as_ref().map(|metadata| metadata.platform.as_str()).unwrap_or_default();
    vec![format!("[talos] this machine runs Talos {} on platform {platform}", status.talos_version)]
}

fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Unknown => "",
        Stage::Booting => "phase startEverything: boot sequence",
        Stage::Installing => "installing Talos to disk",
        Stage::Configuring => "phase applyConfig: reconfiguring",
        Stage::Running => "machine is running and ready",
        Stage::Destroying => "phase reset: wiping the system disk",
        Stage::Upgrading => "upgrade request received",
        Stage::Rebooting => "reboot sequence: starting",
        Stage::ShuttingDown => "shutdown sequence: starting",
        Stage::BeforeDestroy => "leaving etcd and Kubernetes",
        Stage::PoweringOn => "powering on",
        Stage::PoweredOff => "powered off",
    }
}

/// Reads the log of one machine line by line.
pub struct LogReader {
    logs: MachineLogs,
    machine: String,
    next: u64,
    changed: watch::Receiver<()>,
}

impl LogReader {
    /// The next line that there is; none at the end.
    pub fn try_next(&mut self) -> Option<Vec<u8>> {
        self.step().flatten()
    }

    /// The next line, once there is one; none when the machine is gone.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            // Marked first, so that a line after the look below wakes the wait.
            self.changed.mark_unchanged();
            if let Some(line) = self.step()? {
                return Some(line);
            }
            self.changed.changed().await.ok()?;
        }
    }

    /// None when the machine is gone, and then none when there is no more line.
    fn step(&mut self) -> Option<Option<Vec<u8>>> {
        let logs = self.logs.lock();
        let log = logs.get(&self.machine)?;
        let oldest = log.written - log.lines.len() as u64;
        // A reader that is too slow goes on with the oldest line that is left.
        let at = self.next.max(oldest);
        let line = usize::try_from(at - oldest).ok().and_then(|index| log.lines.get(index)).cloned();
        self.next = if line.is_some() { at + 1 } else { at };
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::Release;
    use crate::{inventory, kinds, world};
    use kit::clock::TestClock;
    use prost::Message;
    use serde_json::Value;

    fn store() -> (Store, MachineLogs) {
        let store = Store::new(Arc::new(TestClock::at(1_790_000_000)));
        world::seed(&store, 1, Release::NEWEST);
        let logs = MachineLogs::of(&store);
        (store, logs)
    }

    fn texts(logs: &MachineLogs, tail: Option<usize>) -> Vec<String> {
        let mut reader = logs.reader(&inventory::id(1), tail).unwrap();
        let text = |line: Vec<u8>| serde_json::from_slice::<Value>(&line).unwrap()["msg"].as_str().unwrap().to_owned();
        std::iter::from_fn(|| reader.try_next()).map(text).collect()
    }

    fn stage(store: &Store, stage: Stage) {
        let status = ClusterMachineStatusSpec { stage: stage.into(), ..Default::default() };
        let key = kinds::key(kind::CLUSTER_MACHINE_STATUS, inventory::id(1));
        store.put("", &key, |object| object.spec = status.encode_to_vec());
    }

    #[test]
    fn a_machine_tells_of_its_life() {
        let (store, logs) = store();
        let joined = texts(&logs, None);
        assert_eq!(joined.last().unwrap(), "[talos] this machine runs Talos v1.13.5 on platform metal");
        stage(&store, Stage::Installing);
        stage(&store, Stage::Installing);
        assert_eq!(texts(&logs, Some(2)), [joined.last().unwrap(), "[talos] installing Talos to disk"]);
        assert!(texts(&logs, Some(0)).is_empty());
        assert_eq!(texts(&logs, Some(1000)).len(), joined.len() + 1);
    }

    #[test]
    fn nobody_hears_a_machine_that_is_cut_off() {
        let (store, logs) = store();
        let before = texts(&logs, None).len();
        world::disconnect_machine(&store, &inventory::id(1));
        stage(&store, Stage::Rebooting);
        assert_eq!(texts(&logs, None).len(), before);
        world::reconnect_machine(&store, &inventory::id(1));
        assert_eq!(texts(&logs, Some(1)), ["[talos] siderolink connection reestablished"]);
    }

    #[test]
    fn long_logs_lose_their_beginning() {
        let (store, logs) = store();
        let mut slow = logs.reader(&inventory::id(1), None).unwrap();
        for number in 0..KEPT {
            logs.write(store.time(), &inventory::id(1), &format!("line {number}"));
        }
        let first: Value = serde_json::from_slice(&slow.try_next().unwrap()).unwrap();
        assert_eq!(first["msg"], "line 0");
        assert_eq!(texts(&logs, None).len(), KEPT);
    }

    #[tokio::test]
    async fn a_log_ends_with_its_machine() {
        let (store, logs) = store();
        let mut reader = logs.reader(&inventory::id(1), Some(0)).unwrap();
        stage(&store, Stage::Running);
        assert!(reader.next().await.is_some());
        store.remove(&kinds::key(kind::LINK, inventory::id(1)));
        assert!(reader.next().await.is_none());
        assert!(logs.reader(&inventory::id(1), None).is_none());
    }
}
