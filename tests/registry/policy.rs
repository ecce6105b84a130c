//! What a person makes of a cluster whose only rights are those of an access policy for it: Omni denies to such a one what others
//! are told is missing.

use crate::defects::made;
use crate::host::{Host, Instance, errors};
use crate::lifecycle::block;
use libtest_mimic::{Failed, Trial};
use omni_proto::specs::{AccessPolicyRule, AccessPolicySpec};
use omni_sim::Release;
use omni_sim::kinds::{self, Tie};
use prost::Message;
use serde_json::{Value as Json, json};
use terraform_provider_omni::omni::spec::KINDS;

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("what_is_gone_leaves_the_state", what_is_gone_leaves_the_state),
        ("what_is_gone_can_be_destroyed", what_is_gone_can_be_destroyed),
        ("what_is_there_is_made_changed_and_removed", what_is_there_is_made_changed_and_removed),
        ("a_node_is_made_and_removed", a_node_is_made_and_removed),
        ("a_denial_that_stays_one_is_told", a_denial_that_stays_one_is_told),
        ("the_types_with_the_label_are_known", the_types_with_the_label_are_known),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("policy::{name}"), test)).collect()
}

pub const JANE: &str = "jane@example.org";
const CLUSTER: &str = "omni_cluster";

/// What belongs to a cluster, by type, with the kind of the object behind it.
fn parts() -> [(&'static str, &'static str, Json); 2] {
    [
        ("omni_machine_set", "MachineSets", json!({ "cluster": "demo", "role": "workers" })),
        (
            "omni_config_patch",
            "ConfigPatches",
            json!({ "cluster": "demo", "name": "p", "data": "machine:\n  sysctls: {a: b}\n" }),
        ),
    ]
}

/// Lets Jane do this much on the cluster, and nothing else.
pub fn grant(host: &Host, cluster: &str, role: &str) {
    let rule = AccessPolicyRule {
        users: vec![JANE.to_owned()],
        clusters: vec![cluster.to_owned()],
        role: role.to_owned(),
        ..AccessPolicyRule::default()
    };
    let policy = AccessPolicySpec { rules: vec![rule], ..AccessPolicySpec::default() };
    let key = kinds::key("AccessPolicies.omni.sidero.dev", "access-policy");
    host.sim.store().put("", &key, |object| object.spec = policy.encode_to_vec());
}

/// A cluster and its parts, seen by Jane.
async fn start() -> (Host, Vec<Instance>) {
    let host = Host::start(&[]).await;
    made(&host, "omni_user", &json!({ "email": JANE, "role": "None" })).await;
    let cluster = json!({ "name": "demo", "talos_version": "1.13.5", "kubernetes_version": "1.36.2" });
    made(&host, CLUSTER, &cluster).await;
    let mut instances = Vec::new();
    for (name, _, config) in parts() {
        instances.push(made(&host, name, &config).await);
    }
    grant(&host, "demo", "Operator");
    host.work_as(JANE).await;
    (host, instances)
}

/// Takes the object away, as somebody else would.
fn take_away(host: &Host, kind: &str, instance: &Instance) {
    let id = instance.state.get("id").as_str().unwrap().to_owned();
    host.sim.store().remove(&kinds::key(&format!("{kind}.omni.sidero.dev"), &id)).unwrap();
}

fn what_is_gone_leaves_the_state() -> Result<(), Failed> {
    block(async {
        let (host, instances) = start().await;
        for ((name, kind, _), instance) in parts().into_iter().zip(&instances) {
            assert!(host.read(name, instance).await.unwrap_or_else(|d| panic!("{:?}", errors(&d))).is_some(), "{name}");
            take_away(&host, kind, instance);
            let read = host.read(name, instance).await.unwrap_or_else(|d| panic!("{name}: {:?}", errors(&d)));
            assert!(read.is_none(), "{name}");
        }
    })
}

fn what_is_gone_can_be_destroyed() -> Result<(), Failed> {
    block(async {
        let (host, instances) = start().await;
        for ((name, kind, _), instance) in parts().into_iter().zip(&instances) {
            take_away(&host, kind, instance);
            host.destroy(name, instance).await.unwrap_or_else(|d| panic!("{name}: {:?}", errors(&d)));
        }
    })
}

fn what_is_there_is_made_changed_and_removed() -> Result<(), Failed> {
    block(async {
        let (host, instances) = start().await;
        for ((name, kind, config), instance) in parts().into_iter().zip(&instances) {
            host.destroy(name, instance).await.unwrap_or_else(|d| panic!("{name}: {:?}", errors(&d)));
            let mut config = config;
            let again = made(&host, name, &config).await;
            config["labels"] = json!({ "a": "b" });
            let changed = host.apply(name, Some(&again), &host.config(name, &config)).await;
            let changed = changed.unwrap_or_else(|(d, _)| panic!("{name}: {:?}", errors(&d)));
            // A controller that has not finished is waited for.
            let id = changed.state.get("id").as_str().unwrap().to_owned();
            let key = kinds::key(&format!("{kind}.omni.sidero.dev"), &id);
            host.sim.store().add_finalizer(&key, "Test").unwrap();
            let store = host.sim.store();
            let release = async {
                while !store.get(&key).is_some_and(|object| object.tearing_down) {
                    tokio::task::yield_now().await;
                }
                store.remove_finalizer(&key, "Test");
            };
            let (removed, ()) = tokio::join!(host.destroy(name, &changed), release);
            removed.unwrap_or_else(|d| panic!("{name}: {:?}", errors(&d)));
            assert!(store.get(&key).is_none(), "{name}");
        }
    })
}

/// The nodes of a set are listed by the label of their cluster too, and machines are not asked, which no policy reaches.
fn a_node_is_made_and_removed() -> Result<(), Failed> {
    block(async {
        let (host, _) = start().await;
        let name = "omni_machine_set_node";
        let config = json!({ "cluster": "demo", "machine_set": "demo-workers", "machine_id": host.machines()[0] });
        for is_gone in [false, true] {
            let node = made(&host, name, &config).await;
            if is_gone {
                take_away(&host, "MachineSetNodes", &node);
            }
            host.destroy(name, &node).await.unwrap_or_else(|d| panic!("{is_gone}: {:?}", errors(&d)));
            assert!(host.object("MachineSetNodes", &host.machines()[0]).is_none(), "{is_gone}");
        }
    })
}

fn a_denial_that_stays_one_is_told() -> Result<(), Failed> {
    block(async {
        let (host, instances) = start().await;
        let said = |diags: &[_]| errors(diags).join("\n");
        for ((name, kind, _), instance) in parts().into_iter().zip(&instances) {
            grant(&host, "demo", "Reader");
            let told = said(&host.destroy(name, instance).await.unwrap_err());
            assert!(told.contains("insufficient role: \"Reader\""), "{name}: {told}");
            // Who may not see the cluster cannot tell what is missing in it.
            grant(&host, "other", "Operator");
            take_away(&host, kind, instance);
            let told = said(&host.read(name, instance).await.err().unwrap());
            assert!(told.contains("insufficient role: \"None\""), "{name}: {told}");
            let told = said(&host.destroy(name, instance).await.unwrap_err());
            assert!(told.contains("insufficient role: \"None\""), "{name}: {told}");
        }
    })
}

/// The client and the simulator know the same types by their label.
fn the_types_with_the_label_are_known() -> Result<(), Failed> {
    for kind in KINDS {
        let tie = kinds::find(kind.name).map(|found| found.tie(Release::NEWEST));
        assert_eq!(kind.is_labelled_with_cluster(), tie == Some(Tie::Label), "{}", kind.name);
        assert_eq!(kind.is_of_cluster(), matches!(tie, Some(Tie::Id | Tie::Label)), "{}", kind.name);
    }
    Ok(())
}
