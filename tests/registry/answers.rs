//! The plan, held against what the validators of the 1.11 line were seen to answer: what the server takes, no plan refuses.
//! The other way round a plan may be laxer, as long as the list below says where.

use crate::host::{Host, errors, warnings};
use crate::lifecycle::block;
use libtest_mimic::Trial;
use omni_sim::object::Key;
use omni_sim::{Options, kinds};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Map, Value as Json, json};

const RULES: &str = include_str!("../fixtures/observed/1.11-rules.jsonl");

const LABEL: &str = "omni.sidero.dev/";

pub fn trials() -> Vec<Trial> {
    let family = |name: &'static str, cases: &'static [&'static str], least: usize| {
        Trial::test(format!("answers::{name}"), move || block(hold(cases, least)))
    };
    vec![
        family("clusters", &["cluster", "cluster_embedded_off", "cluster_update", "cluster_lock"], 60),
        family("machine_sets", &["machine_set"], 30),
        family("machine_set_nodes", &["machine_set_node"], 30),
        family("join_tokens", &["join_token"], 8),
    ]
}

/// What the server takes and a plan refuses, by case and question, and why that is right.
const STRICTER: &[(&str, &str, &str)] = &[
    ("machine_set", "id is the bare prefix", "a set without a name is never meant"),
    ("machine_set", "worker becomes control plane", "a set of another role has another id: it is another set"),
    ("machine_set_node", "set of another cluster", "such a node never comes up, and nothing tells why"),
    (
        "join_token",
        "too long a name that was there stays, revoked",
        "a configuration is judged without its object; only releases before the limit made such names",
    ),
];

/// What the server refuses and no plan tells of, by case and question, and why.
const SILENT: &[(&str, &str, &str)] = &[
    ("cluster", "talos version with v", WRITTEN_OTHERWISE),
    ("cluster", "kubernetes version with v", WRITTEN_OTHERWISE),
    ("cluster_update", "encryption on", REPLACES),
    ("cluster_lock", "locked: nothing changes", "nothing is written then"),
    ("machine_set", "cluster missing: label", CONTAINER),
    ("machine_set_node", "other set", REPLACES),
    ("machine_set_node", "other cluster", REPLACES),
    ("machine_set_node", "cluster tearing down: label", CONTAINER),
    ("machine_set_node", "set tearing down: label", CONTAINER),
    ("machine_set_node", "set missing: label", CONTAINER),
    ("machine_set_node", "cluster missing: label", CONTAINER),
    ("machine_set_node", "machine whose status has no talos-version label", "its version is known from the spec"),
    ("machine_set_node", "machine whose talos-version label is no semver", "its version is known from the spec"),
    ("join_token", "by an Admin", WRITTEN_OTHERWISE),
];
const WRITTEN_OTHERWISE: &str = "the resource writes it in the form that the server takes";
const REPLACES: &str = "the plan replaces the object";
const CONTAINER: &str = "only creating checks what the object is part of; a refused update names it";

/// What a resource calls an object of Omni.
fn resource(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "Clusters" => "omni_cluster",
        "MachineSets" => "omni_machine_set",
        "MachineSetNodes" => "omni_machine_set_node",
        "JoinTokens" => "omni_join_token",
        _ => return None,
    })
}

/// The object of a row, in the words of its resource; none where no configuration means it.
fn config(row: &Json, kind: &str) -> Option<Json> {
    let spec = &row["spec"];
    let label = |name: &str| row["labels"][format!("{LABEL}{name}")].as_str();
    let annotated = |name: &str| !row["annotations"][format!("{LABEL}{name}")].is_null();
    let users = |field: &str| {
        let all = row[field].as_object().cloned().unwrap_or_default();
        Json::Object(all.into_iter().filter(|(key, _)| !key.starts_with(LABEL)).collect::<Map<_, _>>())
    };
    let id = &*id(row, kind);
    let mut config = match kind {
        "Clusters" => {
            let backup = &spec["backup_configuration"];
            if !backup.is_null() && backup["enabled"] != true || annotated("cluster-import-is-in-progress") {
                return None;
            }
            json!({
                "name": id,
                "kubernetes_version": spec["kubernetes_version"].as_str()?,
                "talos_version": spec["talos_version"].as_str()?,
                "features": spec["features"],
                "backup_interval": backup["interval"],
                "locked": annotated("cluster-locked"),
            })
        }
        "MachineSets" => {
            let cluster = label("cluster")?;
            let (plane, worker) = (label("role-controlplane").is_some(), label("role-worker").is_some());
            let (class, unlimited) = (&spec["machine_allocation"], "Unlimited");
            // The resource never sends a count with all that match, nor the field that came before the allocation.
            let counted = class["allocation_type"] == unlimited && !class["machine_count"].is_null();
            if plane == worker || counted || spec["machine_class"].is_object() || spec["update_strategy"].is_number() {
                return None;
            }
            let name = id.strip_prefix(cluster)?.strip_prefix('-')?;
            let class = class.is_object().then(|| match class["allocation_type"] == unlimited {
                true => json!({ "name": class["name"], "allocation_type": unlimited }),
                false => json!({ "name": class["name"], "size": class["machine_count"].as_u64().unwrap_or(0) }),
            });
            json!({
                "cluster": cluster,
                "role": if plane { "controlplane" } else { "workers" },
                "name": name,
                "machine_class": class,
                "bootstrap_spec": spec["bootstrap_spec"],
            })
        }
        "MachineSetNodes" => json!({
            "machine_id": id,
            "cluster": label("cluster")?,
            "machine_set": label("machine-set")?,
            "locked": annotated("locked"),
        }),
        "JoinTokens" => json!({
            "name": spec["name"].as_str().map(full).unwrap_or_default(),
            "revoked": spec["revoked"].as_bool().unwrap_or(false),
            "expiration_time": spec["expiration_time"].is_object().then_some("2001-01-01T00:00:00Z"),
        }),
        _ => return None,
    };
    config["labels"] = users("labels");
    config["annotations"] = users("annotations");
    Some(config)
}

/// The id of an object; machines of the questions have short names, and in a configuration they have to be UUIDs.
fn id(row: &Json, kind: &str) -> String {
    let id = row["id"].as_str().unwrap();
    if !["MachineSetNodes", "MachineStatuses", "ClusterMachines"].contains(&kind) {
        return full(id);
    }
    let digits: String = id.bytes().map(|byte| format!("{byte:02x}")).collect();
    let digits = format!("{digits:0<20.20}");
    format!("{}-{}-4000-8000-{}0000", &digits[..8], &digits[8..12], &digits[12..])
}

/// A text in which `{x*3}` stands for `xxx`.
fn full(text: &str) -> String {
    let repeated = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).and_then(|text| text.split_once('*'));
    repeated.map_or_else(|| text.to_owned(), |(letter, times)| letter.repeat(times.parse().unwrap()))
}

/// Puts an object there, whatever the rules say.
fn give(host: &Host, pool: &DescriptorPool, row: &Json) -> Key {
    let kind = row["given"].as_str().unwrap();
    let key = kinds::key(&format!("{kind}.omni.sidero.dev"), id(row, kind));
    let message = kinds::find(&key.kind).and_then(|kind| kind.message).unwrap();
    let descriptor = pool.get_message_by_name(&format!("specs.{message}")).unwrap();
    let mut spec = if row["spec"].is_null() { json!({}) } else { row["spec"].clone() };
    if let Some(name) = spec["name"].as_str().map(full) {
        spec["name"] = json!(name);
    }
    let entries = |field: &str| {
        let all = row[field].as_object().cloned().unwrap_or_default();
        all.into_iter().map(|(key, value)| (key, value.as_str().unwrap().to_owned())).collect()
    };
    host.sim.store().put("", &key, |object| {
        object.spec = DynamicMessage::deserialize(descriptor, &spec).unwrap().encode_to_vec();
        object.labels = entries("labels");
        object.annotations = entries("annotations");
        object.tearing_down = row["phase"] == "tearingDown";
    });
    key
}

/// What a plan that asks this says; none where no configuration asks it.
async fn said(host: &Host, row: &Json) -> Option<(Vec<String>, Vec<String>)> {
    let verb = ["create", "update", "destroy"].into_iter().find(|verb| row[*verb].is_string())?;
    let kind = row[verb].as_str()?;
    let name = resource(kind)?;
    if row["role"].is_string() || row["version"].is_string() || row["phase"].is_string() {
        return None;
    }
    host.next_run().await;
    let prior = match verb {
        "create" => None,
        // What was never there, or belongs to a machine class, is in no state.
        _ => Some(host.import(name, &id(row, kind), None).await.ok()?),
    };
    let diags = match (verb, &prior) {
        ("destroy", Some(prior)) => host.destroy_diagnostics(name, prior).await,
        _ => host.diagnostics(name, prior.as_ref(), &host.config(name, &config(row, kind)?)).await,
    };
    Some((errors(&diags), warnings(&diags)))
}

/// Asks every question of these cases that a configuration can ask.
async fn hold(cases: &'static [&'static str], least: usize) {
    let pool = DescriptorPool::decode(omni_proto::DESCRIPTORS).unwrap();
    let host = Host::with(Options::stepped(), &[]).await;
    for version in host.sim.store().list("TalosVersions.omni.sidero.dev") {
        host.sim.store().remove(&version.key);
    }
    let rows: Vec<Json> = RULES.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (mut case, mut base, mut there) = ("", Vec::new(), Vec::new());
    let (mut held, mut stricter, mut silent) = (0, Vec::new(), Vec::new());
    for row in &rows {
        if let Some(name) = row["case"].as_str() {
            for key in std::mem::take(&mut there) {
                host.sim.store().remove(&key);
            }
            case = name;
            base.iter().for_each(|row| there.push(give(&host, &pool, row)));
        } else if case == "base" || cases.contains(&case) && row["given"].is_string() {
            there.push(give(&host, &pool, row));
            base.extend((case == "base").then(|| row.clone()));
        } else if cases.contains(&case) {
            let asked = row["asked"].as_str().unwrap();
            let Some((refused, warned)) = said(&host, row).await else { continue };
            held += 1;
            match row["code"] == "OK" {
                true if !refused.is_empty() => stricter.push((case, asked, refused.join("; "))),
                false if refused.is_empty() && warned.is_empty() => silent.push((case, asked)),
                _ => {}
            }
        }
    }
    let found: Vec<_> = stricter.iter().map(|(case, asked, _)| (*case, *asked)).collect();
    compare("refused by the plan and taken by the server", &found, STRICTER, cases, &stricter);
    compare("refused by the server without a word in the plan", &silent, SILENT, cases, &silent);
    assert!(held >= least, "only {held} questions were asked");
}

/// What was found has to be what the list says, no less and no more.
fn compare(
    what: &str,
    found: &[(&str, &str)],
    known: &[(&str, &str, &str)],
    cases: &[&str],
    details: &impl std::fmt::Debug,
) {
    let known: Vec<_> = known.iter().filter(|(case, _, _)| cases.contains(case)).collect();
    let listed = |(case, asked): &(&str, &str)| known.iter().any(|(of, question, _)| (of, question) == (case, asked));
    assert!(found.iter().all(listed), "{what}: {details:#?}");
    let gone: Vec<_> = known.iter().filter(|(case, asked, _)| !found.contains(&(*case, *asked))).collect();
    assert!(gone.is_empty(), "no longer {what}: {gone:#?}");
}
