//! Refreshes of many objects share their reads, and hide no write.

use crate::defects::{changed, made};
use crate::fixture::Given;
use crate::host::{Host, Instance, errors};
use crate::lifecycle::block;
use kit::clock::TestClock;
use libtest_mimic::{Failed, Trial};
use omni_proto::specs::{IdentitySpec, UserSpec};
use omni_sim::Options;
use omni_sim::object::Object;
use prost::Message as _;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::Duration;
use terraform_provider_omni::tf::value::Value;

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("many_objects_share_one_watch", many_objects_share_one_watch),
        ("writes_of_others_are_in_the_next_refresh", writes_of_others_are_in_the_next_refresh),
        ("our_writes_are_in_the_next_refresh", our_writes_are_in_the_next_refresh),
        ("our_writes_are_in_the_refresh_of_a_later_run", our_writes_are_in_the_refresh_of_a_later_run),
        ("a_write_between_refresh_and_apply_is_a_conflict", a_write_between_refresh_and_apply_is_a_conflict),
        ("removals_are_in_the_next_refresh", removals_are_in_the_next_refresh),
        ("who_may_not_watch_reads_one_by_one", who_may_not_watch_reads_one_by_one),
        ("joined_objects_share_one_watch", joined_objects_share_one_watch),
        ("users_share_one_list", users_share_one_list),
        ("plans_of_creates_share_their_reads", plans_of_creates_share_their_reads),
        ("an_apply_looks_once_at_a_target", an_apply_looks_once_at_a_target),
        ("plans_by_class_share_one_list", plans_by_class_share_one_list),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("sweeps::{name}"), test)).collect()
}

const PATCH: &str = "omni_config_patch";
const TOKEN: &str = "omni_join_token";
const USER: &str = "omni_user";
/// So many reads of a type are sent one by one.
const FEW: usize = 20;
const MANY: usize = 2 * FEW;
/// One that a snapshot answers for.
const LATE: usize = MANY - 1;

fn data(value: &str) -> String {
    format!("machine:\n  sysctls: {{a: {value}}}\n")
}

fn id(n: usize) -> String {
    format!("400-demo-p{n}")
}

fn config(n: usize, value: &str) -> Json {
    json!({ "name": format!("p{n}"), "cluster": "demo", "data": data(value) })
}

/// Patches as their states show them, and a run that has not read any.
async fn patches(host: &Host) -> Vec<Instance> {
    let mut patches = Vec::new();
    for n in 0..MANY {
        host.give(&Given {
            kind: "ConfigPatches".into(),
            id: id(n),
            spec: json!({ "data": data("one") }),
            labels: [("omni.sidero.dev/cluster".to_owned(), "demo".to_owned())].into(),
        });
    }
    for n in 0..MANY {
        patches.push(host.import(PATCH, &id(n), None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d))));
    }
    next_run(host).await;
    patches
}

async fn next_run(host: &Host) {
    host.next_run().await;
    host.sim.forget_requests();
}

async fn read(host: &Host, name: &str, instance: &Instance) -> Option<Instance> {
    host.read(name, instance).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)))
}

/// What a refresh of all shows of an attribute.
async fn refresh(host: &Host, patches: &[Instance]) -> Vec<Value> {
    let mut shown = Vec::new();
    for patch in patches {
        shown.push(read(host, PATCH, patch).await.expect("it is there").state.get("data").clone());
    }
    shown
}

fn write(host: &Host, n: usize, value: &str) {
    host.edit("ConfigPatches", &id(n), |patch: &mut Object| {
        let spec = omni_proto::specs::ConfigPatchSpec { data: data(value), ..Default::default() };
        patch.spec = spec.encode_to_vec();
    });
}

/// How often these were called.
fn calls<const N: usize>(host: &Host, names: [&str; N]) -> [usize; N] {
    let requests = host.sim.requests();
    names.map(|name| requests.iter().filter(|request| request.name() == name).count())
}

fn many_objects_share_one_watch() -> Result<(), Failed> {
    block(async {
        let host = Host::with(Options::stepped(), &[]).await;
        let patches = patches(&host).await;
        read(&host, PATCH, &patches[0]).await;
        assert_eq!(calls(&host, ["Get", "List", "Watch"]), [1, 0, 0], "one object");
        next_run(&host).await;
        for patch in &patches {
            assert_eq!(read(&host, PATCH, patch).await.expect("it is there").state, patch.state);
        }
        assert_eq!(calls(&host, ["Get", "List", "Watch"]), [FEW, 0, 1], "many objects");
    })
}

/// How often objects of a type were read one by one, and were watched.
fn reads_of(host: &Host, kind: &str) -> [usize; 2] {
    let requests = host.sim.requests();
    ["Get", "Watch"]
        .map(|name| requests.iter().filter(|request| request.name() == name && request.kind.starts_with(kind)).count())
}

/// A patch for a machine, in whatever cluster.
fn for_machine(n: usize, machine: &str) -> Json {
    json!({ "name": format!("p{n}"), "selector": { "machine": machine }, "data": data("one") })
}

fn plans_of_creates_share_their_reads() -> Result<(), Failed> {
    block(async {
        let host = Host::with(Options::stepped(), &[]).await;
        next_run(&host).await;
        for n in 0..MANY {
            let config = host.config(PATCH, &for_machine(n, "00000000-0000-4000-8000-000000000001"));
            let plan = host.plan(PATCH, None, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
            assert_eq!(plan.warnings, Vec::<String>::new());
        }
        assert_eq!(reads_of(&host, "ConfigPatches"), [FEW, 1], "whether they are there");
        let [machine, watches] = reads_of(&host, "MachineStatuses");
        assert!((1..FEW).contains(&machine) && watches == 0, "one machine for all is read {machine} times");
    })
}

/// Its plans repeat those before it, but for targets that were not known then.
fn an_apply_looks_once_at_a_target() -> Result<(), Failed> {
    block(async {
        let host = Host::with(Options::stepped(), &[]).await;
        made(&host, PATCH, &config(0, "one")).await;
        for (n, told) in [(1, true), (2, false), (3, false)] {
            let lost = host.config(PATCH, &for_machine(n, "00000000-0000-4000-8000-00000000dead"));
            let plan = host.plan(PATCH, None, &lost).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
            assert_eq!(plan.warnings.concat().contains("is not known to Omni"), told, "{n}: {:?}", plan.warnings);
            assert_eq!(reads_of(&host, "MachineStatuses"), [1, 0], "{n}");
        }
    })
}

/// The machines of an instance may be very many, and so may the sets of a plan.
fn plans_by_class_share_one_list() -> Result<(), Failed> {
    const SET: &str = "omni_machine_set";
    block(async {
        let host = Host::with(Options::stepped(), &[]).await;
        made(&host, "omni_machine_class", &json!({ "name": "none", "match_labels": ["nosuch"] })).await;
        next_run(&host).await;
        for n in 0..10 {
            let set = json!({
                "cluster": "demo", "role": "workers", "name": format!("s{n}"), "machine_class": { "name": "none", "size": 1 },
            });
            let plan =
                host.plan(SET, None, &host.config(SET, &set)).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
            let told = plan.warnings.iter().filter(|said| said.contains("Not enough machines match")).count();
            assert_eq!(told, 1, "{n}: {:?}", plan.warnings);
        }
        let requests = host.sim.requests();
        let lists = requests.iter().filter(|asked| asked.name() == "List" && asked.kind.starts_with("MachineStatuses"));
        assert!((1..5).contains(&lists.count()), "one list for all");
    })
}

fn writes_of_others_are_in_the_next_refresh() -> Result<(), Failed> {
    block(async {
        let host = Host::with(Options::stepped(), &[]).await;
        let patches = patches(&host).await;
        for round in ["one", "two", "three"] {
            (0..MANY).for_each(|n| write(&host, n, round));
            assert_eq!(refresh(&host, &patches).await, vec![Value::from(data(round)); MANY]);
        }
        // The next read of one object, too.
        write(&host, LATE, "four");
        assert_eq!(refresh(&host, &patches[LATE..]).await, [Value::from(data("four"))]);
    })
}

fn our_writes_are_in_the_next_refresh() -> Result<(), Failed> {
    block(async {
        let host = Host::with(Options::stepped(), &[]).await;
        let patches = patches(&host).await;
        refresh(&host, &patches).await;
        let ours = changed(&host, PATCH, &patches[LATE], &config(LATE, "two")).await;
        assert_eq!(refresh(&host, &[ours]).await, [Value::from(data("two"))]);
        let shown = refresh(&host, &patches).await;
        assert_eq!(shown[LATE], Value::from(data("two")));
        assert_eq!(shown[0], Value::from(data("one")));
    })
}

/// A server whose cached reads are behind, for as long as the test lasts.
fn our_writes_are_in_the_refresh_of_a_later_run() -> Result<(), Failed> {
    block(async {
        let (clock, lag) = (Arc::new(TestClock::at(1_790_000_000)), Duration::from_secs(60));
        let options = Options { lag, clock: Arc::<TestClock>::clone(&clock), ..Options::stepped() };
        let host = Host::with(options, &[]).await;
        let mut patches = patches(&host).await;
        clock.advance(2 * lag);
        for n in [0, LATE] {
            patches[n] = changed(&host, PATCH, &patches[n], &config(n, "two")).await;
        }
        next_run(&host).await;
        let shown = refresh(&host, &patches).await;
        assert_eq!([&shown[0], &shown[LATE]], [&Value::from(data("two")); 2]);
        // The first one is read past the cache; the snapshot is not behind.
        assert_eq!(calls(&host, ["Get", "List", "Watch"]), [FEW, 0, 2]);
    })
}

fn a_write_between_refresh_and_apply_is_a_conflict() -> Result<(), Failed> {
    block(async {
        let host = Host::with(Options::stepped(), &[]).await;
        let patches = patches(&host).await;
        refresh(&host, &patches).await;
        write(&host, LATE, "theirs");
        let ours = host.config(PATCH, &config(LATE, "ours"));
        let (refused, _) = host.apply(PATCH, Some(&patches[LATE]), &ours).await.expect_err("somebody else wrote it");
        assert!(errors(&refused).join("\n").contains("Another client changed"), "{:?}", errors(&refused));
    })
}

fn removals_are_in_the_next_refresh() -> Result<(), Failed> {
    block(async {
        let host = Host::with(Options::stepped(), &[]).await;
        let patches = patches(&host).await;
        refresh(&host, &patches).await;
        host.sim.store().remove(&omni_sim::kinds::key("ConfigPatches.omni.sidero.dev", id(LATE)));
        for (n, patch) in patches.iter().enumerate() {
            assert_eq!(read(&host, PATCH, patch).await.is_some(), n != LATE, "{n}");
        }
    })
}

fn who_may_not_watch_reads_one_by_one() -> Result<(), Failed> {
    block(async {
        let host = Host::with(Options::stepped(), &[]).await;
        let patches = patches(&host).await;
        host.sim.faults().add("Watch refuse PermissionDenied always: no".parse().unwrap());
        refresh(&host, &patches).await;
        assert_eq!(calls(&host, ["Get", "Watch"]), [MANY, 1]);
    })
}

/// The read of a token is followed by reads of its status, and of the choice of the default one.
fn joined_objects_share_one_watch() -> Result<(), Failed> {
    block(async {
        let host = Host::with(Options::stepped(), &[]).await;
        let mut tokens = Vec::new();
        for n in 0..MANY {
            tokens.push(made(&host, TOKEN, &json!({ "name": format!("t{n}") })).await);
        }
        host.sim.settle().unwrap();
        next_run(&host).await;
        for token in &tokens {
            let read = read(&host, TOKEN, token).await.expect("it is there");
            assert_eq!(read.state.get("name"), token.state.get("name"));
        }
        assert_eq!(calls(&host, ["Get", "List", "Watch"]), [3 * FEW, 0, 3]);
    })
}

fn users_share_one_list() -> Result<(), Failed> {
    block(async {
        let host = Host::with(Options::stepped(), &[]).await;
        let mut users = Vec::new();
        for name in ["ann", "bob", "cid"] {
            users.push(made(&host, USER, &json!({ "email": format!("{name}@example.org"), "role": "Reader" })).await);
        }
        next_run(&host).await;
        for user in &users {
            assert_eq!(read(&host, USER, user).await.expect("it is there").state, user.state);
        }
        assert_eq!(calls(&host, ["ListUsers"]), [1]);
        let identity = host.object("Identities", "cid@example.org").unwrap().spec::<IdentitySpec>();
        host.edit("Users", &identity.user_id, |user: &mut Object| {
            user.spec = UserSpec { role: "Operator".into(), ..Default::default() }.encode_to_vec();
        });
        let cid = read(&host, USER, &users[2]).await.expect("it is there");
        assert_eq!(cid.state.get("role"), &Value::from("Operator"));
        let ours = changed(&host, USER, &cid, &json!({ "email": "cid@example.org", "role": "Admin" })).await;
        let cid = read(&host, USER, &ours).await.expect("it is there");
        assert_eq!(cid.state.get("role"), &Value::from("Admin"));
    })
}
