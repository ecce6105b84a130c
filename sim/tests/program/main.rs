//! The built simulator as a process: what it says, how it ends, and what goes wrong in it when told to.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on stops")]

mod client;
mod kills;
#[allow(dead_code, reason = "not every step of signing is needed here")]
#[path = "../../src/tests/signer.rs"]
mod signer;

use client::{Client, LABELS, object};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::time::Duration;
use tonic::Code;

const LINKS: &str = "Links.omni.sidero.dev";

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_omni-sim"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn output(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

/// A running simulator; killed when dropped.
pub struct Simulator {
    child: Child,
    stdout: BufReader<ChildStdout>,
    ready: serde_json::Value,
}

impl Simulator {
    /// Starts it, and waits until it is ready.
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = program();
        command.args(arguments);
        Self::run(command)
    }

    fn run(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        Self { child, stdout, ready: serde_json::from_str(&line).unwrap() }
    }

    /// A part of its line.
    pub fn says(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap()
    }

    /// A client with its key.
    pub fn client(&self) -> Client {
        let ca_pem = self.ready["ca_file"].as_str().map(|file| std::fs::read_to_string(file).unwrap());
        Client::new(self.says("endpoint"), self.says("service_account_key"), ca_pem)
    }

    /// Kills it, as a crash would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it with a signal, and returns how it ended and what else it said.
    fn end(mut self, signal: &str) -> (ExitStatus, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.stdout, &mut rest).unwrap();
        (self.child.wait().unwrap(), rest)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn it_explains_itself() {
    let help = output(&["--help"]);
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("--env-file"));
    let version = output(&["--version"]);
    assert_eq!(String::from_utf8_lossy(&version.stdout), concat!("omni-sim ", env!("CARGO_PKG_VERSION"), "\n"));
    for (arguments, why) in [
        (&["--nonsense"][..], "invalid option"),
        (&["--machines"], "missing argument"),
        (&["--machines", "many"], "invalid digit"),
        (&["--machines", "-1"], "invalid digit"),
        (&["--machines", "100000000"], "100000000 machines are too many; there may be 100000"),
        (&["--advertise", "ftp://x"], "begins with"),
        (&["--advertise", ""], "names no host"),
        (&["--max-users=-1"], "invalid digit"),
        (&["--tick", "soon"], "invalid digit"),
        (&["--listen", "here"], "invalid socket address"),
        (&["--omni-version", "3"], "no Omni version"),
        (&["--world", "/nowhere"], "No such file"),
        (&["--fault", "Create"], "CALL [of TYPE] WHAT"),
        (&["--faults", "/nowhere"], "No such file"),
    ] {
        let refused = program().args(arguments).env("RUST_BACKTRACE", "1").output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(refused.status.code() == Some(2) && refused.stdout.is_empty(), "{arguments:?}: {refused:?}");
        let flag = arguments[0].split('=').next().unwrap();
        assert!(said.starts_with("omni-sim: ") && said.contains(flag) && said.contains(why), "{arguments:?}: {said}");
        assert_eq!(said.matches(why).count(), 1, "{arguments:?}: {said}");
        assert!(!said.contains("backtrace"), "{arguments:?}: {said}");
    }
}

#[test]
fn it_says_in_one_line_why_it_cannot_run() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let failed = program().args(["--listen", &address]).env("RUST_BACKTRACE", "1").output().unwrap();
    let said = String::from_utf8_lossy(&failed.stderr);
    assert_eq!((failed.status.code(), said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.starts_with("omni-sim: cannot start the simulator: ") && said.contains("in use"), "{said}");
}

/// The names that begin with two dashes, from the lines that begin so.
fn flags(text: &str, begin: &str) -> BTreeSet<String> {
    let lines =
        text.lines().filter(|line| line.starts_with(begin)).filter_map(|line| line.split('|').nth(1).or(Some(line)));
    let words = lines.flat_map(|line| line.split(|c: char| c != '-' && !c.is_alphanumeric()));
    words.filter(|word| word.starts_with("--")).map(str::to_owned).collect()
}

#[test]
fn its_page_has_every_flag() {
    let help = String::from_utf8(output(&["--help"]).stdout).unwrap();
    assert_eq!(flags(include_str!("../../../docs/guides/omni-sim.md"), "| `--"), flags(&help, "  --"));
}

#[tokio::test]
async fn it_says_where_it_is_and_ends_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let env_file = folder.path().join("omni.env");
    for signal in ["-TERM", "-INT"] {
        let sim = Simulator::start(&["--tls", "--machines", "2", "--env-file", env_file.to_str().unwrap()]);
        let client = sim.client();
        assert_eq!(client.list(LINKS).await.unwrap().len(), 2);
        let text = std::fs::read_to_string(&env_file).unwrap();
        let (endpoint, key) = (sim.says("endpoint"), sim.says("service_account_key"));
        assert_eq!(text, format!("OMNI_ENDPOINT={endpoint}\nOMNI_SERVICE_ACCOUNT_KEY={key}\n"));
        let ca_file = sim.says("ca_file").to_owned();
        let (status, rest) = sim.end(signal);
        assert!(status.success(), "{signal}: {status}");
        assert_eq!(rest, "", "one line and no more");
        assert!(!Path::new(&ca_file).exists(), "it leaves nothing behind");
    }
}

#[test]
fn only_its_owner_reads_a_file_with_a_key() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (env_file, ready_file, data) =
        (folder.path().join("omni.env"), folder.path().join("ready.json"), folder.path().join("data"));
    // Whatever the mask of the shell lets others read.
    let script = "umask 000; exec \"$0\" --tls --data \"$1\" --env-file \"$2\" --ready-file \"$3\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_omni-sim")]).args([&data, &env_file, &ready_file]);
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let started = std::time::Instant::now();
    while !ready_file.exists() && started.elapsed() < Duration::from_secs(30) && process.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    process.kill().unwrap();
    let printed = process.wait_with_output().unwrap().stdout;
    assert_eq!(String::from_utf8_lossy(&printed), "", "the key shows up in no log");
    let line: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&ready_file).unwrap()).unwrap();
    assert!(std::fs::read_to_string(&env_file).unwrap().contains(line["service_account_key"].as_str().unwrap()));
    for file in [&env_file, &ready_file, &data.join("journal")] {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
}

fn heavy(id: &str) -> omni_proto::cosi::resource::Resource {
    object(id, None, &[("weight", "x".repeat(10_000))])
}

/// The size that a file may reach stands for a disk that is full: both make a write fail in its middle.
#[tokio::test]
async fn a_full_disk_fails_the_call_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    drop(Simulator::start(&["--data", data]));
    let size = std::fs::metadata(folder.path().join("journal")).unwrap().len();
    // In blocks of 512 bytes; more than what the controllers write by themselves after a restart.
    let blocks = size.max(std::fs::metadata(folder.path().join("audit-log")).unwrap().len()) / 512 + 512;
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" --data \"$1\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_omni-sim"), data]);
    let sim = Simulator::run(command);
    let client = sim.client();
    let (mut made, mut refused) = (Vec::new(), Vec::new());
    for number in 0..100 {
        let id = format!("object-{number}");
        match client.create(heavy(&id)).await {
            Ok(()) => made.push(id),
            Err(status) => {
                let text = status.message();
                assert!(text.contains("cannot write to the data folder, so nothing was changed"), "{text}");
                refused.push(id);
            }
        }
    }
    assert!(made.len() > 2 && refused.len() > 2, "{} made, {} refused", made.len(), refused.len());
    for id in &refused {
        assert_eq!(client.get(LABELS, id).await.unwrap_err().code(), Code::NotFound, "{id}");
    }
    // What needs less room still has it.
    client.create(object("small", None, &[])).await.unwrap();
    drop(sim);
    let sim = Simulator::start(&["--data", data]);
    let client = sim.client();
    made.push("small".to_owned());
    made.sort();
    let listed = client.list(LABELS).await.unwrap();
    let listed: Vec<_> = listed
        .into_iter()
        .map(|found| found.metadata.unwrap().id)
        .filter(|id| made.contains(id) || id.starts_with("object"))
        .collect();
    assert_eq!(listed, made);
    client.create(heavy("with room again")).await.unwrap();
}

#[test]
fn damaged_data_stop_the_start_and_torn_ones_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let journal = folder.path().join("journal");
    drop(Simulator::start(&["--data", data]));
    let whole = std::fs::read(&journal).unwrap();
    let mut bytes = whole.clone();
    bytes[whole.len() / 2] ^= 1;
    std::fs::write(&journal, &bytes).unwrap();
    let refused = output(&["--data", data]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && refused.stdout.is_empty(), "{said}");
    assert!(said.contains("is damaged at byte ") && said.contains("the file was left as it is"), "{said}");
    assert_eq!(std::fs::read(&journal).unwrap(), bytes);

    std::fs::write(&journal, &whole[..whole.len() - 3]).unwrap();
    let mut sim = Simulator::start(&["--data", data]);
    sim.kill();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut sim.child.stderr.take().unwrap(), &mut said).unwrap();
    assert!(said.contains("omni-sim: warning: the last write to ") && said.contains("bytes were cut off"), "{said}");
}

/// A pipe that nobody writes to must not be waited for.
#[test]
fn pipes_and_devices_are_no_data() {
    for name in ["journal", "lock", "audit-log"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let refused = output(&["--data", folder.path().to_str().unwrap()]);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains("is no regular file"), "{name}: {said}");
    }
}

#[test]
fn a_fault_that_is_not_understood_is_explained() {
    let refused = output(&["--fault", "Create explode"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && refused.stdout.is_empty(), "{said}");
    for part in ["`explode` is not something that goes wrong", "CALL [of TYPE] WHAT", "refuse CODE"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("faults");
    std::fs::write(&file, "# All is well.\nList break\n").unwrap();
    let refused = output(&["--faults", file.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&refused.stderr);
    for part in [file.to_str().unwrap(), "line 2", "`break` is followed by a number"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[tokio::test]
async fn faults_strike_as_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("faults");
    std::fs::write(&file, "List of Links refuse Internal skip 1: from the file\n").unwrap();
    let sim = Simulator::start(&["--faults", file.to_str().unwrap(), "--fault", "Get refuse Internal: from the line"]);
    let client = sim.client();
    assert_eq!(client.list(LINKS).await.unwrap().len(), 6);
    let error = client.list(LINKS).await.unwrap_err();
    assert!(error.to_string().contains("from the file"), "{error}");
    let error = client.get(LINKS, "any").await.unwrap_err();
    assert!(error.to_string().contains("from the line"), "{error}");
}
