//! What names other objects: short names of machine sets, which mean the same as ids and are shown as they were written,
//! names that lead elsewhere or nowhere, and ids of patches that something else chose.

use crate::defects::{cluster, made};
use crate::host::{Host, Instance, errors};
use crate::lifecycle::{block, settled};
use libtest_mimic::{Failed, Trial};
use omni_proto::specs;
use omni_sim::{inventory, kinds};
use prost::Message;
use serde_json::{Value as Json, json};
use terraform_provider_omni::tf::value::Value;

type Test = fn() -> Result<(), Failed>;

const CLUSTER: &str = "omni_cluster";
const SET: &str = "omni_machine_set";
const NODE: &str = "omni_machine_set_node";
const PATCH: &str = "omni_config_patch";
const SET_LABEL: &str = "omni.sidero.dev/machine-set";

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("a_short_name_of_a_set_is_shown_as_written", a_short_name_of_a_set_is_shown_as_written),
        ("a_node_of_a_short_name_is_of_the_role", a_node_of_a_short_name_is_of_the_role),
        ("an_import_fits_a_short_name", an_import_fits_a_short_name),
        ("a_state_of_ids_fits_short_names", a_state_of_ids_fits_short_names),
        ("a_label_with_a_short_name_is_corrected", a_label_with_a_short_name_is_corrected),
        ("a_set_of_another_cluster_is_refused", a_set_of_another_cluster_is_refused),
        ("a_name_that_looks_like_an_id_is_told", a_name_that_looks_like_an_id_is_told),
        ("a_set_without_a_name_shows_its_id", a_set_without_a_name_shows_its_id),
        ("a_name_that_goes_with_its_set_does_not_stay", a_name_that_goes_with_its_set_does_not_stay),
        ("what_leads_nowhere_is_told", what_leads_nowhere_is_told),
        ("what_the_run_plans_is_there", what_the_run_plans_is_there),
        ("an_imported_id_stays", an_imported_id_stays),
        ("an_import_of_any_id_replaces_nothing", an_import_of_any_id_replaces_nothing),
        ("only_another_id_replaces", only_another_id_replaces),
        ("an_import_fits_an_empty_selector_and_none", an_import_fits_an_empty_selector_and_none),
        ("machines_are_found_in_any_case", machines_are_found_in_any_case),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("references::{name}"), test)).collect()
}

fn workers(cluster: &str) -> Json {
    json!({ "cluster": cluster, "role": "workers" })
}

fn patch(set: &str) -> Json {
    json!({ "name": "x", "cluster": "demo", "selector": { "machine_set": set }, "data": "machine: {}" })
}

fn node(set: &str) -> Json {
    json!({ "cluster": "demo", "machine_set": set, "machine_id": inventory::id(1) })
}

async fn with_workers() -> Host {
    let host = Host::start(&[]).await;
    made(&host, CLUSTER, &cluster()).await;
    made(&host, SET, &workers("demo")).await;
    host
}

fn label(host: &Host, kind: &str, id: &str) -> String {
    host.object(kind, id).unwrap().labels[SET_LABEL].clone()
}

async fn unchanged(host: &Host, kind: &str, instance: &Instance, config: &Json) {
    host.next_run().await;
    let plan = host.plan(kind, Some(instance), &host.config(kind, config)).await;
    let plan = plan.unwrap_or_else(|d| panic!("{kind}: {:?}", errors(&d)));
    assert_eq!(plan.planned, instance.state, "{kind}: {config}");
    assert_eq!((plan.replace, plan.warnings), (vec![], vec![]), "{kind}: {config}");
}

fn a_short_name_of_a_set_is_shown_as_written() -> Result<(), Failed> {
    block(async {
        let host = with_workers().await;
        let of_patch = made(&host, PATCH, &patch("workers")).await;
        assert_eq!(of_patch.state.get("selector").get("machine_set").as_str(), Some("workers"));
        assert_eq!(of_patch.state.get("id").as_str(), Some("400-demo-workers-x"));
        assert_eq!(label(&host, "ConfigPatches", "400-demo-workers-x"), "demo-workers");
        let of_node = made(&host, NODE, &node("workers")).await;
        assert_eq!(of_node.state.get("machine_set").as_str(), Some("workers"));
        assert_eq!(label(&host, "MachineSetNodes", &inventory::id(1)), "demo-workers");
        for (kind, instance, config) in [(PATCH, &of_patch, patch as fn(&str) -> Json), (NODE, &of_node, node)] {
            let read = settled(&host, kind, instance, &host.config(kind, &config("workers")), "create").await;
            unchanged(&host, kind, &read, &config("demo-workers")).await;
            let other = host.plan(kind, Some(&read), &host.config(kind, &config("demo-others"))).await.unwrap();
            assert_eq!(other.replace.len(), 1, "{kind}: another set is another place");
        }
    })
}

fn a_node_of_a_short_name_is_of_the_role() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, CLUSTER, &cluster()).await;
        made(&host, SET, &json!({ "cluster": "demo", "role": "controlplane" })).await;
        let made = made(&host, NODE, &node("control-planes")).await;
        let object = host.object("MachineSetNodes", &inventory::id(1)).unwrap();
        assert!(object.labels.contains_key("omni.sidero.dev/role-controlplane"), "{:?}", object.labels);
        settled(&host, NODE, &made, &host.config(NODE, &node("control-planes")), "create").await;
        let mut locked = node("control-planes");
        locked["locked"] = json!(true);
        let said = host.plan(NODE, Some(&made), &host.config(NODE, &locked)).await.map_err(|d| errors(&d)).unwrap_err();
        assert!(said[0].contains("Control planes cannot be locked"), "{said:?}");
    })
}

fn an_import_fits_a_short_name() -> Result<(), Failed> {
    block(async {
        let host = with_workers().await;
        made(&host, PATCH, &patch("demo-workers")).await;
        made(&host, NODE, &node("demo-workers")).await;
        let imported = host.import(PATCH, "400-demo-workers-x", None).await.map_err(|d| errors(&d)).unwrap();
        unchanged(&host, PATCH, &imported, &patch("workers")).await;
        let imported = host.import(NODE, &inventory::id(1), None).await.map_err(|d| errors(&d)).unwrap();
        unchanged(&host, NODE, &imported, &node("workers")).await;
    })
}

/// As the official provider left it: its `name` of a set was the id.
fn a_state_of_ids_fits_short_names() -> Result<(), Failed> {
    block(async {
        let host = with_workers().await;
        made(&host, PATCH, &patch("demo-workers")).await;
        let selector = json!({ "machine_set": "demo-workers", "cluster_machine": null, "machine": null });
        let state = json!({ "id": "400-demo-workers-x", "name": "x", "weight": 400, "data": "machine: {}", "cluster": "demo", "selector": selector });
        let taken = host.upgrade(PATCH, &state).await;
        let read = host.read(PATCH, &taken).await.unwrap().unwrap();
        unchanged(&host, PATCH, &read, &patch("workers")).await;
    })
}

/// A short name that another tool has written into the label reaches no machine.
fn a_label_with_a_short_name_is_corrected() -> Result<(), Failed> {
    block(async {
        let host = with_workers().await;
        let key = kinds::key("ConfigPatches.omni.sidero.dev", "400-workers-x");
        let spec = specs::ConfigPatchSpec { data: "machine: {}".into(), ..Default::default() };
        host.sim.store().put("", &key, |object| {
            object.spec = spec.encode_to_vec();
            object.labels.insert("omni.sidero.dev/cluster".into(), "demo".into());
            object.labels.insert(SET_LABEL.into(), "workers".into());
            object.annotations.insert("name".into(), "x".into());
        });
        let state = json!({ "id": "400-workers-x", "name": "x", "weight": 400, "data": "machine: {}", "cluster": "demo", "selector": { "machine_set": "workers" } });
        let taken = host.read(PATCH, &host.upgrade(PATCH, &state).await).await.unwrap().unwrap();
        let imported = host.import(PATCH, "400-workers-x", None).await.map_err(|d| errors(&d)).unwrap();
        let config = host.config(PATCH, &patch("workers"));
        let plan = host.plan(PATCH, Some(&taken), &config).await.unwrap();
        assert_eq!(plan.replace, Vec::<String>::new());
        assert!(plan.planned != taken.state, "the write is planned");
        assert!(plan.warnings.iter().any(|w| w.contains("`workers` becomes `demo-workers`")), "{:?}", plan.warnings);
        let after = host.apply_plan(PATCH, Some(&taken), &config, plan).await;
        let after = after.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert_eq!(label(&host, "ConfigPatches", "400-workers-x"), "demo-workers");
        let read = host.read(PATCH, &after).await.unwrap().unwrap();
        unchanged(&host, PATCH, &read, &patch("workers")).await;
        // Whoever has imported it before sees that it is right by now.
        let read = host.read(PATCH, &imported).await.unwrap().unwrap();
        unchanged(&host, PATCH, &read, &patch("demo-workers")).await;
    })
}

fn a_set_of_another_cluster_is_refused() -> Result<(), Failed> {
    block(async {
        let host = with_workers().await;
        for name in ["other", "demo-2"] {
            let mut config = cluster();
            config["name"] = json!(name);
            made(&host, CLUSTER, &config).await;
            made(&host, SET, &workers(name)).await;
        }
        host.next_run().await;
        for set in ["other-workers", "demo-2-workers"] {
            for (kind, path, config) in [(PATCH, "selector: ", patch(set)), (NODE, "machine_set: ", node(set))] {
                let said = host.plan(kind, None, &host.config(kind, &config)).await.map(|_| ()).map_err(|d| errors(&d));
                let said = said.unwrap_err();
                assert_eq!(said.len(), 1, "{said:?}");
                assert!(said[0].starts_with(path) && said[0].contains("belongs to another cluster"), "{said:?}");
            }
        }
        // A set may be named as that of another cluster is, when there is one.
        made(&host, SET, &json!({ "cluster": "demo", "role": "workers", "name": "other-workers" })).await;
        let plan = host.plan(PATCH, None, &host.config(PATCH, &patch("other-workers"))).await.unwrap();
        assert_eq!(plan.planned.get("id").as_str(), Some("400-demo-other-workers-x"));
    })
}

fn a_name_that_looks_like_an_id_is_told() -> Result<(), Failed> {
    block(async {
        let host = with_workers().await;
        made(&host, SET, &json!({ "cluster": "demo", "role": "workers", "name": "demo-gpu" })).await;
        for (kind, config, path) in
            [(PATCH, patch("demo-gpu"), "selector: "), (NODE, node("demo-gpu"), "machine_set: ")]
        {
            let plan = host.plan(kind, None, &host.config(kind, &config)).await.unwrap();
            let told = |w: &String| w.starts_with(path) && w.contains("has the ID `demo-demo-gpu`");
            assert!(plan.warnings.iter().any(told), "{kind}: {:?}", plan.warnings);
        }
    })
}

fn what_leads_nowhere_is_told() -> Result<(), Failed> {
    block(async {
        let host = with_workers().await;
        let for_machine =
            |selector: Json| json!({ "name": "x", "cluster": "demo", "selector": selector, "data": "machine: {}" });
        let free = json!({ "name": "x", "selector": { "machine": inventory::id(77) }, "data": "machine: {}" });
        for (config, says) in [
            (patch("workers"), None),
            (patch("wrokers"), Some("selector: Machine set `demo-wrokers` does not exist: ")),
            (
                json!({ "name": "x", "cluster": "damo", "data": "machine: {}" }),
                Some("cluster: Cluster `damo` does not exist: "),
            ),
            (for_machine(json!({ "cluster_machine": inventory::id(1) })), None),
            (for_machine(json!({ "cluster_machine": inventory::id(77) })), Some("is not known to Omni: ")),
            (free, Some("is not known to Omni: ")),
        ] {
            host.next_run().await;
            let plan = host.plan(PATCH, None, &host.config(PATCH, &config)).await.map_err(|d| errors(&d)).unwrap();
            assert_eq!(plan.warnings.len(), usize::from(says.is_some()), "{config}: {:?}", plan.warnings);
            assert!(plan.warnings.iter().all(|w| w.contains(says.unwrap_or_default())), "{:?}", plan.warnings);
        }
    })
}

fn what_the_run_plans_is_there() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let mut set = workers("demo");
        set["name"] = json!("pool");
        for (kind, config) in [(CLUSTER, cluster()), (SET, set), (NODE, node("pool")), (PATCH, patch("pool"))] {
            let plan = host.plan(kind, None, &host.config(kind, &config)).await.map_err(|d| errors(&d)).unwrap();
            assert_eq!(plan.warnings, Vec::<String>::new(), "{kind}");
        }
    })
}

const MADE_ELSEWHERE: &str = "000-cm-00000000-0000-4000-8000-000000000002-install-disk";

/// A patch as a cluster template makes it, imported.
async fn imported() -> (Host, Json, Instance) {
    let host = with_workers().await;
    let key = kinds::key("ConfigPatches.omni.sidero.dev", MADE_ELSEWHERE);
    let spec = specs::ConfigPatchSpec { data: "machine: {}".into(), ..Default::default() };
    host.sim.store().put("", &key, |object| {
        object.spec = spec.encode_to_vec();
        object.labels.insert("omni.sidero.dev/cluster".into(), "demo".into());
        object.labels.insert("omni.sidero.dev/cluster-machine".into(), inventory::id(2));
    });
    let config = json!({ "name": "install-disk", "weight": 0, "cluster": "demo", "selector": { "cluster_machine": inventory::id(2) }, "data": "machine: {}" });
    let instance = host.import(PATCH, MADE_ELSEWHERE, None).await.map_err(|d| errors(&d)).unwrap();
    (host, config, instance)
}

fn an_imported_id_stays() -> Result<(), Failed> {
    block(async {
        let (host, mut config, instance) = imported().await;
        assert_eq!(instance.state.get("id_override").as_str(), Some(MADE_ELSEWHERE));
        unchanged(&host, PATCH, &instance, &config).await;
        config["data"] = json!("machine: {sysctls: {a: b}}");
        let given = host.config(PATCH, &config);
        let plan = host.plan(PATCH, Some(&instance), &given).await.unwrap();
        assert_eq!(plan.replace, Vec::<String>::new());
        assert_eq!(plan.planned.get("id").as_str(), Some(MADE_ELSEWHERE));
        let after = host.apply_plan(PATCH, Some(&instance), &given, plan).await;
        let after = after.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        settled(&host, PATCH, &after, &given, "update").await;
        assert!(host.object("ConfigPatches", MADE_ELSEWHERE).is_some());
    })
}

fn an_import_fits_an_empty_selector_and_none() -> Result<(), Failed> {
    block(async {
        let host = with_workers().await;
        let plain = json!({ "name": "x", "cluster": "demo", "data": "machine: {}" });
        let mut empty = plain.clone();
        empty["selector"] = json!({});
        let config = |json: &Json| host.config(PATCH, json);
        made(&host, PATCH, &plain).await;
        for json in [&plain, &empty] {
            let imported = host.import(PATCH, "400-demo-x", None).await.map_err(|d| errors(&d)).unwrap();
            let read = settled(&host, PATCH, &imported, &config(json), "import").await;
            settled(&host, PATCH, &read, &config(json), "another read").await;
            let narrowed = patch("workers");
            let plan = host.plan(PATCH, Some(&read), &config(&narrowed)).await.unwrap();
            assert_eq!(plan.replace, ["selector"], "{json}");
        }
        // What is narrowed and is so no more is another patch, and one without a selector begins without one.
        let narrow = made(&host, PATCH, &patch("workers")).await;
        let plan = host.plan(PATCH, Some(&narrow), &config(&plain)).await.unwrap();
        assert_eq!(
            (plan.replace.as_slice(), plan.planned.get("selector")),
            (["selector".to_owned()].as_slice(), &Value::Null)
        );
        host.next_run().await;
        let new = host.plan(PATCH, None, &config(&plain)).await.unwrap();
        assert_eq!(new.planned.get("selector"), &Value::Null);
    })
}

/// As in the official provider, so that what refers to the name has the id; a name that is configured stays as written.
fn a_set_without_a_name_shows_its_id() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, CLUSTER, &cluster()).await;
        let named = |role: &str, name: &Json| json!({ "cluster": "demo", "role": role, "name": name });
        for (role, name, id, shown) in [
            ("workers", Json::Null, "demo-workers", "demo-workers"),
            ("workers", "gpu".into(), "demo-gpu", "gpu"),
            ("controlplane", Json::Null, "demo-control-planes", "demo-control-planes"),
        ] {
            let plan = host.plan(SET, None, &host.config(SET, &named(role, &name))).await.unwrap();
            host.next_run().await;
            let set = made(&host, SET, &named(role, &name)).await;
            for state in [&plan.planned, &set.state] {
                assert_eq!((state.get("id").as_str(), state.get("name").as_str()), (Some(id), Some(shown)));
            }
            host.next_run().await;
        }
        // Its short name, written out and taken out again, is no other set.
        let set = host.import(SET, "demo-workers", None).await.map_err(|d| errors(&d)).unwrap();
        for name in [Json::Null, "workers".into(), Json::Null] {
            let plan = host.plan(SET, Some(&set), &host.config(SET, &named("workers", &name))).await.unwrap();
            assert_eq!((plan.replace, plan.planned.get("id").as_str()), (Vec::new(), Some("demo-workers")), "{name}");
        }
    })
}

/// A name that is taken out stays with the set, and is not that of the set that replaces it.
fn a_name_that_goes_with_its_set_does_not_stay() -> Result<(), Failed> {
    block(async {
        let host = with_workers().await;
        let set = made(&host, SET, &json!({ "cluster": "demo", "role": "workers", "name": "gpu" })).await;
        let mut other = cluster();
        other["name"] = "other".into();
        made(&host, CLUSTER, &other).await;
        for (cluster, stays) in [("demo", true), ("other", false)] {
            host.next_run().await;
            let plan = host.plan(SET, Some(&set), &host.config(SET, &workers(cluster))).await.unwrap();
            assert_eq!(plan.replace.is_empty(), stays, "{cluster}: {:?}", plan.replace);
            let is_told = |told: &String| told.contains("`name` is not configured any more, and stays as it is");
            assert_eq!(plan.warnings.iter().any(is_told), stays, "{cluster}: {:?}", plan.warnings);
        }
    })
}

/// Of such an id, an import can only guess the name and the weight.
fn an_import_of_any_id_replaces_nothing() -> Result<(), Failed> {
    block(async {
        for id in ["odd-id", "500-3c1f8a2e", "noid"] {
            let host = with_workers().await;
            let key = kinds::key("ConfigPatches.omni.sidero.dev", id);
            let spec = specs::ConfigPatchSpec { data: "machine: {}".into(), ..Default::default() };
            host.sim.store().put("", &key, |object| {
                object.spec = spec.encode_to_vec();
                object.labels.insert("omni.sidero.dev/cluster".into(), "demo".into());
            });
            let instance = host.import(PATCH, id, None).await.map_err(|d| errors(&d)).unwrap();
            let config = |name: &str| json!({ "name": name, "weight": 500, "cluster": "demo", "data": "machine: {}" });
            let given = host.config(PATCH, &config("sysctls"));
            let plan = host.plan(PATCH, Some(&instance), &given).await.unwrap();
            assert_eq!(plan.replace, Vec::<String>::new(), "{id}");
            assert_eq!(plan.planned.get("id").as_str(), Some(id));
            let after = host.apply_plan(PATCH, Some(&instance), &given, plan).await;
            let after = after.unwrap_or_else(|(d, _)| panic!("{id}: {:?}", errors(&d)));
            let read = settled(&host, PATCH, &after, &given, "import").await;
            assert_eq!(host.object("ConfigPatches", id).unwrap().annotations["name"], "sysctls");
            // Now it has a name, and another one is another patch.
            let plan = host.plan(PATCH, Some(&read), &host.config(PATCH, &config("other"))).await.unwrap();
            assert_eq!(plan.replace, ["name"], "{id}");
        }
    })
}

fn only_another_id_replaces() -> Result<(), Failed> {
    block(async {
        let (host, config, instance) = imported().await;
        let with = |more: Json| {
            let mut config = config.clone();
            more.as_object().unwrap().iter().for_each(|(key, value)| config[key] = value.clone());
            host.config(PATCH, &config)
        };
        // Without an override, the composed id is another one.
        let plan = host.plan(PATCH, Some(&instance), &with(json!({ "name": "disk" }))).await.unwrap();
        assert_eq!(plan.replace, ["name"]);
        assert!(plan.planned.get("id_override").is_null());
        let plan = host.plan(PATCH, Some(&instance), &with(json!({ "id_override": "500-mine" }))).await.unwrap();
        assert_eq!(plan.replace, ["id_override"]);
        assert_eq!(plan.planned.get("id").as_str(), Some("500-mine"));
        // A weight that nobody asks for has no part in an id that is given.
        let mut given = config.clone();
        given["id_override"] = json!(MADE_ELSEWHERE);
        given.as_object_mut().unwrap().remove("weight");
        unchanged(&host, PATCH, &instance, &given).await;
        // With it, the patch stays the one that it is.
        let renamed = with(
            json!({ "id_override": MADE_ELSEWHERE, "name": "disk", "weight": 7, "selector": { "machine_set": "workers" } }),
        );
        let plan = host.plan(PATCH, Some(&instance), &renamed).await.unwrap();
        assert_eq!(plan.replace, Vec::<String>::new());
        let after = host.apply_plan(PATCH, Some(&instance), &renamed, plan).await;
        let after = after.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        let object = host.object("ConfigPatches", MADE_ELSEWHERE).unwrap();
        assert_eq!(object.labels[SET_LABEL], "demo-workers");
        assert!(!object.labels.contains_key("omni.sidero.dev/cluster-machine"));
        assert_eq!(object.annotations["name"], "disk");
        settled(&host, PATCH, &after, &renamed, "update").await;
    })
}

fn machines_are_found_in_any_case() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let id = "abcdef00-0000-4000-8000-000000000001".to_owned();
        let key = kinds::key("MachineStatuses.omni.sidero.dev", &id);
        host.sim.store().put("", &key, |object| object.spec = specs::MachineStatusSpec::default().encode_to_vec());
        for (text, found) in [(id.clone(), 1), (id.to_uppercase(), 1), (inventory::id(77), 0)] {
            let state = host.look("omni_machines", &json!({ "id": text })).await.map_err(|d| errors(&d)).unwrap();
            assert_eq!(state.get("ids").elements().len(), found, "{text}");
        }
        let said = host.look("omni_machines", &json!({ "id": "node-1" })).await.map_err(|d| errors(&d)).unwrap_err();
        assert!(said[0].starts_with("id: ") && said[0].contains("`node-1` is a host name"), "{said:?}");
    })
}
