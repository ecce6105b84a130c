//! The built simulator as a process: what it says, how it ends, and what a kill leaves behind.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;
use terraform_provider_omni::kit::clock::SystemClock;
use terraform_provider_omni::kit::secret::SecretString;
use terraform_provider_omni::omni::{Call, Client, Config, Credentials, Kind, Metadata, Query, Resource, TlsOptions};
use tokio_util::sync::CancellationToken;

const LABELS: Kind = Kind { namespace: "default", name: "MachineLabels.omni.sidero.dev" };

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_omni-sim"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn output(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

/// A running simulator; killed when dropped.
struct Simulator {
    child: Child,
    stdout: BufReader<ChildStdout>,
    ready: serde_json::Value,
}

impl Simulator {
    fn start(arguments: &[&str]) -> Self {
        let mut child = program().args(arguments).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        Self { child, stdout, ready: serde_json::from_str(&line).unwrap() }
    }

    fn says(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap()
    }

    fn client(&self) -> Client {
        let key = SecretString::from(self.says("service_account_key").to_owned());
        let mut config = Config::new(self.says("endpoint"), Credentials::ServiceAccountKey(key));
        let ca_pem = self.ready["ca_file"].as_str().map(|file| std::fs::read_to_string(file).unwrap());
        config.tls = TlsOptions { ca_pem, ..TlsOptions::default() };
        Client::new(&config, Arc::new(SystemClock)).unwrap()
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

fn call() -> Call {
    Call::within(Duration::from_secs(30), &CancellationToken::new())
}

async fn ids(client: &Client) -> Vec<String> {
    let listed = client.list(&call(), LABELS, &Query::default()).await.unwrap();
    listed.into_iter().map(|resource| resource.key.id).collect()
}

#[test]
fn it_explains_itself() {
    let help = output(&["--help"]);
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("--env-file"));
    let version = output(&["--version"]);
    assert_eq!(String::from_utf8_lossy(&version.stdout), concat!("omni-sim ", env!("CARGO_PKG_VERSION"), "\n"));
    for arguments in [&["--nonsense"][..], &["--machines", "many"], &["--listen", "here"]] {
        let refused = output(arguments);
        assert!(!refused.status.success() && refused.stdout.is_empty(), "{arguments:?}");
        assert!(!refused.stderr.is_empty(), "{arguments:?}");
    }
}

#[tokio::test]
async fn it_says_where_it_is_and_ends_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let env_file = folder.path().join("omni.env");
    for signal in ["-TERM", "-INT"] {
        let sim = Simulator::start(&["--tls", "--machines", "2", "--env-file", env_file.to_str().unwrap()]);
        let client = sim.client();
        let links = Kind { namespace: "default", name: "Links.omni.sidero.dev" };
        assert_eq!(client.list(&call(), links, &Query::default()).await.unwrap().len(), 2);
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

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let arguments = ["--data", data.to_str().unwrap(), "--machines", "1"];
    let mut acknowledged: Vec<String> = Vec::new();
    let mut key = None;
    for round in 0..3 {
        let mut sim = Simulator::start(&arguments);
        assert_eq!(sim.says("service_account_key"), key.get_or_insert(sim.says("service_account_key").to_owned()));
        let client = sim.client();
        let there = ids(&client).await;
        assert!(acknowledged.iter().all(|id| there.contains(id)), "round {round}: {acknowledged:?} {there:?}");

        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (client, sender) = (client.clone(), sender.clone());
                tokio::spawn(async move {
                    for n in 0.. {
                        let id = format!("{round}-{writer}-{n}");
                        let new = Resource {
                            key: LABELS.key(id.clone()),
                            metadata: Metadata::default(),
                            spec: Vec::new(),
                            yaml: String::new(),
                        };
                        let limit = Call::within(Duration::from_secs(2), &CancellationToken::new());
                        if client.create(&limit, new).await.is_err() || sender.send(id).is_err() {
                            return;
                        }
                    }
                })
            })
            .collect();
        drop(sender);
        for _ in 0..40 {
            acknowledged.push(receiver.recv().await.unwrap());
        }
        sim.child.kill().unwrap();
        while let Some(id) = receiver.recv().await {
            acknowledged.push(id);
        }
        for writer in writers {
            writer.await.unwrap();
        }
    }
}
