//! A simulator that is killed again and again while several clients write: what it acknowledged is there afterwards,
//! and nothing is there that nobody sent.

use crate::Simulator;
use crate::client::{Client, LABELS, object};
use omni_proto::cosi::resource::Resource;
use std::collections::BTreeMap;
use std::error::Error as _;
use std::time::Duration;
use tokio::sync::mpsc;
use tonic::Status;

const KILLS: usize = 50;
const WRITERS: usize = 4;
/// Few, so that each is made, changed and removed often.
const OBJECTS: usize = 4;
/// Large, so that a kill finds half a record, and history is thrown away now and then.
const WEIGHT: usize = 8 << 10;

/// What an object was written to be: the number of its content and its version; nothing when it was removed.
type State = Option<(u64, u64)>;

/// What a writer knows of its objects.
#[derive(Clone, Debug, Default)]
struct Ledger {
    /// What the server has acknowledged last.
    certain: BTreeMap<String, State>,
    /// The write whose answer never came.
    open: Option<(String, State)>,
    /// Counts contents, so that no two are the same.
    contents: u64,
}

/// `KILL_SEED` repeats a run, as far as the machine allows.
#[allow(clippy::disallowed_methods, reason = "a seed is for people who look for a mistake")]
fn seed() -> u64 {
    std::env::var("KILL_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| fastrand::u64(..))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_moment_loses_nothing_that_was_acknowledged() {
    let seed = seed();
    // Shown when the test fails.
    println!("KILL_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let arguments = ["--data", data.to_str().unwrap(), "--machines", "0"];
    let mut ledgers = vec![Ledger::default(); WRITERS];
    let (mut key, mut acknowledged, mut smallest, mut largest) = (None, 0, u64::MAX, 0);
    for round in 0..KILLS {
        let mut sim = Simulator::start(&arguments);
        assert_eq!(sim.says("service_account_key"), key.get_or_insert(sim.says("service_account_key").to_owned()));
        let client = sim.client();
        settle(&mut ledgers, stored(&client).await, round);

        let (sender, mut receiver) = mpsc::unbounded_channel();
        let writers: Vec<_> = ledgers
            .drain(..)
            .enumerate()
            .map(|(number, ledger)| {
                let random = fastrand::Rng::with_seed(random.u64(..));
                tokio::spawn(write(client.clone(), number, ledger, random, sender.clone()))
            })
            .collect();
        drop(sender);
        for _ in 0..random.usize(1..=40) {
            receiver.recv().await.expect("the server takes writes");
        }
        // Not at the moment of an answer only.
        for _ in 0..random.usize(..200) {
            tokio::task::yield_now().await;
        }
        sim.kill();
        for writer in writers {
            ledgers.push(writer.await.unwrap());
        }
        acknowledged = ledgers.iter().map(|ledger| ledger.contents).sum();
        let size = std::fs::metadata(data.join("journal")).unwrap().len();
        (smallest, largest) = (smallest.min(size), largest.max(size));
    }
    let sim = Simulator::start(&arguments);
    settle(&mut ledgers, stored(&sim.client()).await, KILLS);
    println!("{acknowledged} writes, journals of {smallest} to {largest} bytes");
}

/// A write of one object.
enum Write {
    Create(Resource),
    Update(Resource),
    Destroy,
}

impl Write {
    async fn send(self, client: &Client, id: &str) -> Result<(), Status> {
        match self {
            Self::Create(new) => client.create(new).await,
            Self::Update(new) => client.update(new).await,
            Self::Destroy => client.destroy(LABELS, id).await,
        }
    }
}

/// Makes, changes and removes objects of its own until the server is gone.
async fn write(
    client: Client,
    number: usize,
    mut ledger: Ledger,
    mut random: fastrand::Rng,
    acknowledged: mpsc::UnboundedSender<()>,
) -> Ledger {
    loop {
        let id = format!("writer-{number}-{}", random.usize(..OBJECTS));
        ledger.contents += 1;
        let content = ledger.contents;
        let known = ledger.certain.get(&id).copied().flatten();
        let (state, write): (State, _) = match known {
            None => (Some((content, 1)), Write::Create(resource(&id, content, None))),
            Some(_) if random.u8(..4) == 0 => (None, Write::Destroy),
            Some((_, version)) => (Some((content, version + 1)), Write::Update(resource(&id, content, Some(version)))),
        };
        let answer = tokio::time::timeout(Duration::from_secs(10), write.send(&client, &id)).await;
        match answer {
            Ok(Ok(())) => {
                ledger.certain.insert(id, state);
                // Nobody counts any more once the server is killed.
                acknowledged.send(()).ok();
            }
            lost => {
                // An answer of the server itself has no source.
                let refused = lost.ok().and_then(Result::err).filter(|status| status.source().is_none());
                assert!(refused.is_none(), "{id}: {refused:?}");
                ledger.open = Some((id, state));
                return ledger;
            }
        }
    }
}

/// Holds what is stored against what was written, and goes on from there.
fn settle(ledgers: &mut [Ledger], mut stored: BTreeMap<String, State>, round: usize) {
    for ledger in ledgers {
        let open = ledger.open.take();
        if let Some((id, _)) = &open {
            ledger.certain.entry(id.clone()).or_default();
        }
        for (id, certain) in &mut ledger.certain {
            let found = stored.remove(id).flatten();
            let maybe = open.as_ref().filter(|(open, _)| open == id).map(|(_, state)| *state);
            assert!(
                found == *certain || Some(found) == maybe,
                "round {round}: {id} is {found:?}; acknowledged was {certain:?}, and under way {maybe:?}"
            );
            *certain = found;
        }
    }
    assert_eq!(stored, BTreeMap::new(), "round {round}: nobody wrote these");
}

async fn stored(client: &Client) -> BTreeMap<String, State> {
    let listed = client.list(LABELS).await.unwrap();
    listed.into_iter().map(read).collect()
}

/// An object whose content can be told from any other, and from a part of itself.
fn resource(id: &str, content: u64, version: Option<u64>) -> Resource {
    object(id, version, &[("content", content.to_string()), ("weight", weight(id, content))])
}

fn weight(id: &str, content: u64) -> String {
    let line = format!("{id} {content}, ");
    line.repeat(WEIGHT / line.len())
}

/// Id, number of content and version, of an object that is whole.
fn read(found: Resource) -> (String, State) {
    let metadata = found.metadata.unwrap();
    let content = metadata.annotations["content"].parse().unwrap();
    assert_eq!(metadata.annotations["weight"], weight(&metadata.id, content), "{} is torn", metadata.id);
    (metadata.id, Some((content, metadata.version.parse().unwrap())))
}
