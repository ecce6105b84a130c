//! Cluster templates: a sync that is cut off is carried on, drift shows and is repaired, and nothing of others is touched.

use crate::defects::made;
use crate::host::{Host, Instance, Plan, errors};
use crate::lifecycle::{block, settled};
use libtest_mimic::{Failed, Trial};
use omni_proto::specs::{ConfigPatchSpec, MachineSetSpec};
use omni_proto::tfplugin6 as pb;
use omni_proto::tfplugin6::provider_server::Provider as _;
use omni_sim::kinds;
use omni_sim::{Options, Release};
use prost::Message as _;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::time::Duration;
use terraform_provider_omni::tf::value::Value;
use tonic::Request;

type Test = fn() -> Result<(), Failed>;

pub const TEMPLATE: &str = "omni_cluster_template";
pub const PATCH: &str = "200-cluster-tmpl-ntp";
pub const PART_OF: &str = "omnirs/part-of";
const UNFINISHED: &str = "omnirs/unfinished";
pub const MANAGED_BY: &str = "omni.sidero.dev/managed-by-gitops-tools";

/// The writes of a first sync, and how they may go wrong.
const WRITES: [&str; 4] =
    ["Create of Clusters", "Create of ConfigPatches", "Create of MachineSets", "Create of MachineSetNodes"];
const PASSING: [&str; 3] = ["lose", "cut", "refuse Unavailable"];

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("a_sync_that_is_cut_off_is_carried_on", a_sync_that_is_cut_off_is_carried_on),
        ("a_create_that_was_killed_is_carried_on", a_create_that_was_killed_is_carried_on),
        ("an_update_that_was_killed_is_carried_on", an_update_that_was_killed_is_carried_on),
        ("a_cluster_of_another_state_stays", a_cluster_of_another_state_stays),
        ("objects_of_other_resources_stay", objects_of_other_resources_stay),
        ("objects_of_nobody_go", objects_of_nobody_go),
        ("drift_shows_and_is_repaired", drift_shows_and_is_repaired),
        ("keys_of_others_stay", keys_of_others_stay),
        ("a_machine_that_moves_takes_one_apply", a_machine_that_moves_takes_one_apply),
        ("a_plan_shows_what_the_diff_shows", a_plan_shows_what_the_diff_shows),
        ("a_conflict_is_told_at_plan", a_conflict_is_told_at_plan),
        ("a_diff_is_told_while_the_cluster_goes", a_diff_is_told_while_the_cluster_goes),
        ("a_renamed_cluster_is_not_in_its_own_way", a_renamed_cluster_is_not_in_its_own_way),
        ("parts_are_checked_like_their_resources", parts_are_checked_like_their_resources),
        ("a_wait_names_the_disk_that_is_missing", a_wait_names_the_disk_that_is_missing),
        ("a_change_since_the_plan_stops_the_apply", a_change_since_the_plan_stops_the_apply),
        ("a_text_that_means_the_same_changes_nothing_else", a_text_that_means_the_same_changes_nothing_else),
        ("an_import_of_another_text_plans_nothing", an_import_of_another_text_plans_nothing),
        ("templates_of_other_providers_move", templates_of_other_providers_move),
        ("disconnected_machines_are_left_behind", disconnected_machines_are_left_behind),
        ("old_releases_have_templates", old_releases_have_templates),
        ("a_name_that_reads_as_another_is_refused", a_name_that_reads_as_another_is_refused),
        ("a_kubernetes_object_is_no_patch", a_kubernetes_object_is_no_patch),
        ("a_template_that_is_known_after_apply_waits", a_template_that_is_known_after_apply_waits),
    ];
    let passing = WRITES.iter().flat_map(|write| PASSING.iter().map(move |way| (*write, *way)));
    let passing = passing.map(|(write, way)| {
        let name = format!("{}_{}", write.rsplit(' ').next().unwrap_or_default(), way.replace(' ', "_"));
        Trial::test(format!("cluster_templates::a_sync_survives::{name}"), move || a_sync_survives(write, way))
    });
    passing.chain(all.iter().map(|(name, test)| Trial::test(format!("cluster_templates::{name}"), test))).collect()
}

/// A provider that repeats without long waits.
pub async fn start() -> Host {
    start_as(Release::NEWEST, &[]).await
}

async fn start_as(release: Release, extra: &[(&str, Value)]) -> Host {
    let retry = Value::object([
        ("max_attempts", Value::Null),
        ("base_delay", "20ms".into()),
        ("max_delay", "50ms".into()),
        ("jitter", Value::Null),
    ]);
    let limits = Value::object(["create", "read", "update", "delete"].map(|name| (name, "30s".into())));
    let settings = [("retry", retry), ("request_timeout", "1s".into()), ("default_timeouts", limits)];
    let options = Options { release, ..Host::options(Duration::from_millis(5)) };
    Host::with(options, &[&settings[..], extra].concat()).await
}

pub const HEAD: &str = "kind: Cluster\nname: tmpl\nkubernetes: {version: v1.35.1}\ntalos: {version: v1.13.5}\n";

pub fn ntp(server: &str) -> String {
    format!("patches:\n  - name: ntp\n    inline: {{machine: {{time: {{servers: [{server}]}}}}}}\n")
}

/// A cluster with a patch, a control plane and workers.
pub fn template(host: &Host, server: &str) -> String {
    let machines = host.machines();
    format!(
        "{HEAD}{}---\nkind: ControlPlane\nmachines: [{}]\n---\nkind: Workers\nmachines: [{}]\n",
        ntp(server),
        machines[0],
        machines[1]
    )
}

pub fn config(host: &Host, text: &str) -> Value {
    host.config(TEMPLATE, &json!({ "template": text }))
}

pub async fn created(host: &Host, text: &str) -> Instance {
    let made = host.apply(TEMPLATE, None, &config(host, text)).await;
    made.unwrap_or_else(|(d, _)| panic!("create: {:?}", errors(&d)))
}

pub async fn updated(host: &Host, prior: &Instance, text: &str) -> Instance {
    host.next_run().await;
    let made = host.apply(TEMPLATE, Some(prior), &config(host, text)).await;
    made.unwrap_or_else(|(d, _)| panic!("update: {:?}", errors(&d)))
}

pub async fn read(host: &Host, instance: &Instance) -> Instance {
    let read = host.read(TEMPLATE, instance).await.unwrap_or_else(|d| panic!("read: {:?}", errors(&d)));
    read.expect("it is there")
}

pub async fn planned(host: &Host, prior: &Instance, text: &str) -> Plan {
    host.next_run().await;
    let plan = host.plan(TEMPLATE, Some(prior), &config(host, text)).await;
    plan.unwrap_or_else(|d| panic!("plan: {:?}", errors(&d)))
}

fn strike(host: &Host, fault: &str) {
    host.sim.faults().add(fault.parse().unwrap());
}

fn names(state: &Value) -> BTreeSet<String> {
    state.get("rendered").entries().into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

/// The objects that differ between two states.
fn changed(before: &Value, after: &Value) -> BTreeSet<String> {
    let of = |state: &Value, name: &str| state.get("rendered").entries().and_then(|all| all.get(name)).cloned();
    names(before).union(&names(after)).filter(|name| of(before, name) != of(after, name)).cloned().collect()
}

fn set(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|name| (*name).to_owned()).collect()
}

pub fn data(host: &Host, id: &str) -> String {
    host.object("ConfigPatches", id).map(|patch| patch.spec::<ConfigPatchSpec>().data).unwrap_or_default()
}

pub fn has(host: &Host, kind: &str, id: &str, annotation: &str) -> bool {
    host.object(kind, id).is_some_and(|object| object.annotations.contains_key(annotation))
}

/// A fault that passes is not seen at all, and no object is written twice.
fn a_sync_survives(write: &'static str, way: &'static str) -> Result<(), Failed> {
    block(async move {
        let host = start().await;
        let text = template(&host, "a.example");
        strike(&host, &format!("{write} {way}"));
        let made = created(&host, &text).await;
        assert_eq!(host.sim.faults().left(), 0, "it struck");
        let made = settled(&host, TEMPLATE, &made, &config(&host, &text), write).await;
        assert_eq!(names(&made.state).len(), 6, "{:?}", names(&made.state));
        assert!(!has(&host, "Clusters", "tmpl", UNFINISHED), "the create has ended");
        assert!(has(&host, "Clusters", "tmpl", MANAGED_BY) && has(&host, "MachineSets", "tmpl-workers", PART_OF));
        for kind in ["ConfigPatches", "MachineSets", "MachineSetNodes"] {
            strike(&host, &format!("Update of {kind} {way}"));
        }
        let text = template(&host, "b.example");
        let made = updated(&host, &made, &text).await;
        assert!(data(&host, PATCH).contains("b.example"));
        host.sim.faults().clear();
        let made = settled(&host, TEMPLATE, &made, &config(&host, &text), "an update").await;
        strike(&host, &format!("Teardown of Clusters {way}"));
        host.destroy(TEMPLATE, &made).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(host.object("Clusters", "tmpl").is_none());
    })
}

fn a_sync_that_is_cut_off_is_carried_on() -> Result<(), Failed> {
    block(async {
        for write in &WRITES[1..] {
            let host = start().await;
            let text = template(&host, "a.example");
            strike(&host, &format!("{write} refuse Internal always: the disk is full"));
            let (diags, kept) = host.apply(TEMPLATE, None, &config(&host, &text)).await.expect_err("refused");
            let said = errors(&diags).join("\n");
            assert!(said.contains("The disk is full") && said.contains("not wholly written"), "{write}: {said}");
            let kept = kept.expect("what was made is kept");
            assert!(names(&kept.state).contains("Clusters/tmpl"), "{write}: {:?}", names(&kept.state));
            assert!(names(&kept.state).len() < 6, "{write}: {:?}", names(&kept.state));
            host.sim.faults().clear();
            host.next_run().await;
            let kept = read(&host, &kept).await;
            let before = names(&kept.state);
            let plan = planned(&host, &kept, &text).await;
            assert_eq!(names(&plan.planned).difference(&before).count(), 6 - before.len(), "{write}");
            let whole = host.apply_plan(TEMPLATE, Some(&kept), &config(&host, &text), plan).await;
            let whole = whole.unwrap_or_else(|(d, _)| panic!("{write}: {:?}", errors(&d)));
            settled(&host, TEMPLATE, &whole, &config(&host, &text), write).await;
            assert!(!has(&host, "Clusters", "tmpl", UNFINISHED), "{write}");
            assert_eq!(host.object("ConfigPatches", PATCH).unwrap().version, 1, "{write}: written once");
        }
    })
}

/// A provider that is killed leaves no state: the create that follows goes on where it ended.
fn a_create_that_was_killed_is_carried_on() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let text = template(&host, "a.example");
        strike(&host, "Create of MachineSets refuse Internal always");
        drop(host.apply(TEMPLATE, None, &config(&host, &text)).await.expect_err("it does not end"));
        assert!(has(&host, "Clusters", "tmpl", UNFINISHED));
        host.sim.faults().clear();
        host.next_run().await;
        let plan =
            host.plan(TEMPLATE, None, &config(&host, &text)).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!(plan.warnings, [""; 0]);
        let whole = host.apply_plan(TEMPLATE, None, &config(&host, &text), plan).await;
        let whole = whole.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        settled(&host, TEMPLATE, &whole, &config(&host, &text), "the second create").await;
        assert!(!has(&host, "Clusters", "tmpl", UNFINISHED));
        assert_eq!(host.object("ConfigPatches", PATCH).unwrap().version, 1);
    })
}

/// A provider that is killed in an update leaves the state of before.
fn an_update_that_was_killed_is_carried_on() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let text = template(&host, "a.example");
        let before = created(&host, &text).await;
        let more = text.replace("    inline", "    labels: {a: b}\n    inline")
            + "---\nkind: Workers\nname: edge\nlabels: {tier: edge}\nmachines: []\n";
        let more = more.replace(
            "---\nkind: ControlPlane",
            "  - name: more\n    inline: {machine: {sysctls: {a: b}}}\n---\nkind: ControlPlane",
        );
        strike(&host, "Create of MachineSets refuse Internal always");
        drop(host.apply(TEMPLATE, Some(&before), &config(&host, &more)).await.expect_err("it does not end"));
        assert!(host.object("ConfigPatches", "201-cluster-tmpl-more").is_some());
        host.sim.faults().clear();
        host.next_run().await;
        let before = read(&host, &before).await;
        // What was made is shown, since it would go otherwise.
        assert!(names(&before.state).contains("ConfigPatches/201-cluster-tmpl-more"), "{:?}", names(&before.state));
        let whole = updated(&host, &before, &more).await;
        settled(&host, TEMPLATE, &whole, &config(&host, &more), "the second update").await;
        assert_eq!(host.object("ConfigPatches", "201-cluster-tmpl-more").unwrap().version, 1);
        assert!(host.object("MachineSets", "tmpl-edge").is_some());
    })
}

fn a_cluster_of_another_state_stays() -> Result<(), Failed> {
    block(async {
        let host = start_as(Release::NEWEST, &[("adopt_existing", true.into())]).await;
        let text = template(&host, "a.example");
        created(&host, &text).await;
        host.next_run().await;
        let plan =
            host.plan(TEMPLATE, None, &config(&host, &text)).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(plan.warnings.iter().any(|w| w.contains("shows that it is managed")), "{:?}", plan.warnings);
        let version = host.object("Clusters", "tmpl").unwrap().version;
        let said = host.apply_plan(TEMPLATE, None, &config(&host, &text), plan).await.expect_err("it is somebody's").0;
        assert!(errors(&said).join("\n").contains("Another configuration or state manages it"), "{said:?}");
        assert_eq!(host.object("Clusters", "tmpl").unwrap().version, version, "nothing is written");
        // One that nobody manages is adopted.
        for (kind, id) in [("Clusters", "tmpl"), ("MachineSets", "tmpl-workers")] {
            host.edit(kind, id, |object| {
                object.annotations.remove(MANAGED_BY);
                object.annotations.remove(PART_OF);
            });
        }
        host.next_run().await;
        let adopted = created(&host, &text).await;
        settled(&host, TEMPLATE, &adopted, &config(&host, &text), "the adoption").await;
    })
}

fn objects_of_other_resources_stay() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let text = template(&host, "a.example");
        let instance = created(&host, &text).await;
        let patch = json!({ "name": "own", "cluster": "tmpl", "data": "machine: {sysctls: {a: b}}\n" });
        made(&host, "omni_config_patch", &patch).await;
        host.next_run().await;
        settled(&host, TEMPLATE, &instance, &config(&host, &text), "a patch of another resource").await;
        let diff = host.look("omni_cluster_template_diff", &json!({ "template": text })).await;
        assert_eq!(diff.unwrap_or_else(|d| panic!("{:?}", errors(&d))).get("changed").as_bool(), Some(false));
        // One that the template describes too is told.
        let twice = text.replace(
            "  - name: ntp",
            "  - idOverride: 400-tmpl-own\n    inline: {machine: {sysctls: {a: c}}}\n  - name: ntp",
        );
        let plan = planned(&host, &read(&host, &instance).await, &twice).await;
        assert!(
            plan.warnings.iter().any(|w| w.contains("400-tmpl-own") && w.contains("another resource")),
            "{:?}",
            plan.warnings
        );
    })
}

pub fn put(host: &Host, kind: &str, id: &str, cluster: &str, spec: &impl prost::Message) {
    host.sim.store().put("", &omni_sim::kinds::key(&format!("{kind}.omni.sidero.dev"), id), |object| {
        object.spec = spec.encode_to_vec();
        object.labels.insert("omni.sidero.dev/cluster".into(), cluster.into());
    });
}

pub fn patch_spec() -> ConfigPatchSpec {
    ConfigPatchSpec { data: "machine:\n  sysctls:\n    a: b\n".into(), ..ConfigPatchSpec::default() }
}

/// As omnictl does it: what carries the label of the cluster and is nobody's goes.
fn objects_of_nobody_go() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let text = template(&host, "a.example");
        let instance = created(&host, &text).await;
        put(&host, "ConfigPatches", "500-by-hand", "tmpl", &patch_spec());
        let instance = read(&host, &instance).await;
        assert!(names(&instance.state).contains("ConfigPatches/500-by-hand"));
        let plan = planned(&host, &instance, &text).await;
        assert_eq!(changed(&instance.state, &plan.planned), set(&["ConfigPatches/500-by-hand"]));
        let instance = updated(&host, &instance, &text).await;
        assert!(host.object("ConfigPatches", "500-by-hand").is_none());
        settled(&host, TEMPLATE, &instance, &config(&host, &text), "the removal").await;
    })
}

fn a_name_that_reads_as_another_is_refused() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        for (from, to) in [
            ("kind: Workers\n", "kind: Workers\nlabels: {\"tier\\u202e\": web}\n"),
            ("kind: Workers\n", "kind: Workers\nname: \"gpu\\u202e\"\n"),
            ("name: ntp", "name: \"ntp\\u202e\""),
        ] {
            let text = template(&host, "a.example").replace(from, to);
            host.next_run().await;
            let said = errors(&host.plan(TEMPLATE, None, &config(&host, &text)).await.expect_err("refused"));
            assert!(said.len() == 1 && said[0].contains("contains the character U+202E: IDs"), "{to}: {said:?}");
        }
    })
}

fn a_kubernetes_object_is_no_patch() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let object = "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}";
        let text = template(&host, "a.example").replace("{machine: {time: {servers: [a.example]}}}", object);
        let said = errors(&host.plan(TEMPLATE, None, &config(&host, &text)).await.expect_err("refused"));
        let place = "belong in an `omni_kubernetes_manifest`";
        assert!(said.len() == 1 && said[0].contains(PATCH) && said[0].contains(place), "{said:?}");
    })
}

fn drift_shows_and_is_repaired() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let text = template(&host, "a.example").replace("kind: Workers\n", "kind: Workers\nlabels: {tier: web}\n");
        let instance = created(&host, &text).await;
        host.edit("ConfigPatches", PATCH, |object| object.spec = patch_spec().encode_to_vec());
        host.edit("MachineSets", "tmpl-workers", |object| {
            object.labels.insert("tier".into(), "db".into());
        });
        host.sim.store().remove(&omni_sim::kinds::key("MachineSetNodes.omni.sidero.dev", &host.machines()[1]));
        let drifted = read(&host, &instance).await;
        let plan = planned(&host, &drifted, &text).await;
        let node = format!("MachineSetNodes/{}", host.machines()[1]);
        let expected = ["ConfigPatches/200-cluster-tmpl-ntp", "MachineSets/tmpl-workers", &node];
        assert_eq!(changed(&drifted.state, &plan.planned), set(&expected));
        let instance = updated(&host, &drifted, &text).await;
        settled(&host, TEMPLATE, &instance, &config(&host, &text), "the repair").await;
        assert!(data(&host, PATCH).contains("a.example"));
        assert_eq!(host.object("MachineSets", "tmpl-workers").unwrap().labels["tier"], "web");
    })
}

/// Labels and locks that the template does not set are left to others; those that it sets no more go.
fn keys_of_others_stay() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let text = template(&host, "a.example").replace("kind: Workers\n", "kind: Workers\nlabels: {tier: web}\n");
        let instance = created(&host, &text).await;
        host.edit("MachineSets", "tmpl-workers", |object| {
            object.labels.insert("others".into(), "x".into());
        });
        let worker = host.machines()[1].clone();
        host.edit("MachineSetNodes", &worker, |object| {
            object.annotations.insert("omni.sidero.dev/locked".into(), String::new());
        });
        let instance = settled(&host, TEMPLATE, &instance, &config(&host, &text), "keys of others").await;
        let text = text.replace("labels: {tier: web}", "labels: {rack: a}");
        let instance = updated(&host, &instance, &text).await;
        let labels = host.object("MachineSets", "tmpl-workers").unwrap().labels.clone();
        assert_eq!(labels.get("others").map(String::as_str), Some("x"));
        assert_eq!((labels.get("rack").map(String::as_str), labels.get("tier")), (Some("a"), None));
        assert!(has(&host, "MachineSetNodes", &worker, "omni.sidero.dev/locked"));
        settled(&host, TEMPLATE, &instance, &config(&host, &text), "other labels").await;
    })
}

fn a_machine_that_moves_takes_one_apply() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let machine = host.machines()[1].clone();
        let sets = |first: &str, second: &str| {
            let cp = &host.machines()[0];
            format!(
                "{HEAD}---\nkind: ControlPlane\nmachines: [{cp}]\n---\nkind: Workers\nname: a\nmachines: [{first}]\n---\nkind: Workers\nname: b\nmachines: [{second}]\n"
            )
        };
        let instance = created(&host, &sets(&machine, "")).await;
        let text = sets("", &machine);
        let instance = updated(&host, &read(&host, &instance).await, &text).await;
        settled(&host, TEMPLATE, &instance, &config(&host, &text), "the move").await;
        let node = host.object("MachineSetNodes", &machine).unwrap();
        assert_eq!(node.labels["omni.sidero.dev/machine-set"], "tmpl-b");
    })
}

fn a_plan_shows_what_the_diff_shows() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let instance = read(&host, &created(&host, &template(&host, "a.example")).await).await;
        let edge = "---\nkind: Workers\nname: edge\nmachines: []\n";
        let text = template(&host, "b.example").replace("v1.35.1", "v1.36.2") + edge;
        let text =
            text.replace(&format!("kind: Workers\nmachines: [{}]", host.machines()[1]), "kind: Workers\nmachines: []");
        let plan = planned(&host, &instance, &text).await;
        let diff = host.look("omni_cluster_template_diff", &json!({ "template": text })).await;
        let diff = diff.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let name = |change: &Value| {
            let kind = change.get("type").as_str().unwrap_or_default().trim_end_matches(".omni.sidero.dev").to_owned();
            format!("{kind}/{}", change.get("id").as_str().unwrap_or_default())
        };
        let listed: BTreeSet<String> = diff.get("changes").elements().iter().map(name).collect();
        assert_eq!(changed(&instance.state, &plan.planned), listed);
        assert_eq!(listed.len(), 4, "{listed:?}");
        let shown = diff.get("diff").as_str().unwrap_or_default();
        assert!(shown.contains("b.example") && !shown.contains("omnirs/") && !shown.contains(MANAGED_BY), "{shown}");
        assert_eq!(diff.get("changed").as_bool(), Some(true));
        let instance = updated(&host, &instance, &text).await;
        settled(&host, TEMPLATE, &instance, &config(&host, &text), "the diff").await;
        let diff = host.look("omni_cluster_template_diff", &json!({ "template": text })).await;
        assert_eq!(diff.unwrap_or_else(|d| panic!("{:?}", errors(&d))).get("changed").as_bool(), Some(false));
    })
}

fn a_conflict_is_told_at_plan() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        put(&host, "ConfigPatches", "900-shared", "other", &patch_spec());
        let text = template(&host, "a.example").replace("  - name: ntp", "  - idOverride: 900-shared");
        let plan =
            host.plan(TEMPLATE, None, &config(&host, &text)).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(plan.warnings.iter().any(|w| w.contains("900-shared") && w.contains("other")), "{:?}", plan.warnings);
        let (diags, kept) =
            host.apply_plan(TEMPLATE, None, &config(&host, &text), plan).await.expect_err("it is not free");
        assert!(errors(&diags).join("\n").contains("900-shared") && kept.is_none(), "{diags:?}");
        assert!(host.object("Clusters", "tmpl").is_none(), "nothing is written");
    })
}

fn a_diff_is_told_while_the_cluster_goes() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let text = template(&host, "a.example");
        created(&host, &text).await;
        let key = kinds::key("Clusters.omni.sidero.dev", "tmpl");
        host.sim.store().add_finalizer(&key, "Test").unwrap();
        host.sim.store().teardown(&key).expect("it is there");
        host.next_run().await;
        let diff = host.look("omni_cluster_template_diff", &json!({ "template": text })).await;
        let diff = diff.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let actions: BTreeSet<_> =
            diff.get("changes").elements().iter().filter_map(|change| change.get("action").as_str()).collect();
        assert_eq!(actions, ["create"].into(), "what a sync does after it has gone");
    })
}

fn a_renamed_cluster_is_not_in_its_own_way() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let before = read(&host, &created(&host, &template(&host, "a.example")).await).await;
        let text = template(&host, "a.example").replace("name: tmpl", "name: other");
        let is_told = |plan: &Plan| plan.warnings.iter().any(|w| w.contains("wipes the disks of its machines"));
        let about_parts = |plan: &Plan| -> Vec<String> {
            let told = plan.warnings.iter().filter(|w| w.contains("Machine") || w.contains("does not exist"));
            told.cloned().collect()
        };
        let first = planned(&host, &before, &text).await;
        assert_eq!(first.replace, ["cluster"]);
        assert_eq!(about_parts(&first), [""; 0]);
        assert!(is_told(&first), "{:?}", first.warnings);
        let second = host.plan_replacement(TEMPLATE, &first, &config(&host, &text)).await;
        let second = second.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!(about_parts(&second), [""; 0]);
        // Whoever else has the machines is still in the way.
        host.next_run().await;
        let other =
            host.plan(TEMPLATE, None, &config(&host, &text)).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(other.warnings.iter().any(|w| w.contains("belongs to cluster \"tmpl\"")), "{:?}", other.warnings);
    })
}

fn parts_are_checked_like_their_resources() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let machine = host.machines()[0].clone();
        let workers = "---\nkind: Workers\nmachines: []\n";
        let one = format!("{HEAD}---\nkind: ControlPlane\nmachines: [{machine}]\n{workers}");
        let unknown = "11111111-2222-4333-8444-555555555555";
        for (text, told) in [
            (one.clone(), ""),
            (one.replace(&machine, unknown), "Machine `11111111-2222-4333-8444-555555555555` is not known to Omni"),
            (one.replace("machines: []", "machineClass: {name: nope, size: 1}"), "`nope` does not exist"),
            (
                one.clone() + &format!("---\nkind: Machine\nname: {machine}\ninstall: {{disk: /dev/none}}\n"),
                "Talos cannot be installed on `/dev/none`",
            ),
            (one.replace("v1.35.1", "v1.12.0"), "Set `kubernetes.version`"),
            (one.replace(workers, "systemExtensions: [siderolabs/gvizor]\n"), "siderolabs/gvisor"),
        ] {
            let planned = host.plan(TEMPLATE, None, &config(&host, &text)).await;
            let said = planned.map_or_else(|diags| errors(&diags), |plan| plan.warnings);
            match told {
                "" => assert_eq!(said, [""; 0]),
                told => assert!(
                    said.len() == 1 && said[0].contains(told) && said[0].starts_with("template: "),
                    "{told}: {said:#?}"
                ),
            }
            host.next_run().await;
        }
    })
}

fn a_wait_names_the_disk_that_is_missing() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let machine = host.machines()[0].clone();
        let text = format!(
            "{HEAD}---\nkind: ControlPlane\nmachines: [{machine}]\n---\nkind: Workers\nmachines: []\n---\nkind: Machine\nname: {machine}\ninstall: {{disk: /dev/none}}\n"
        );
        let json = json!({ "template": text, "wait_for": "running", "timeouts": { "create": "1s" } });
        let config = host.config(TEMPLATE, &json);
        let plan = host.plan(TEMPLATE, None, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let (_, told) =
            host.applied(TEMPLATE, None, &config, plan).await.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        let told = told.join("\n");
        assert!(told.contains(&machine) && told.contains("/dev/none is not present"), "{told}");
    })
}

fn a_change_since_the_plan_stops_the_apply() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let instance = read(&host, &created(&host, &template(&host, "a.example")).await).await;
        let text = template(&host, "b.example");
        let plan = planned(&host, &instance, &text).await;
        host.edit("ConfigPatches", PATCH, |object| object.spec = patch_spec().encode_to_vec());
        let said =
            host.apply_plan(TEMPLATE, Some(&instance), &config(&host, &text), plan).await.expect_err("a conflict").0;
        let said = errors(&said).join("\n");
        assert!(said.contains("was changed in Omni since the plan") && said.contains(PATCH), "{said}");
        assert!(!data(&host, PATCH).contains("b.example"));
    })
}

fn a_text_that_means_the_same_changes_nothing_else() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let text = template(&host, "a.example");
        let instance = read(&host, &created(&host, &text).await).await;
        let other = format!("# a note\n{text}");
        let plan = planned(&host, &instance, &other).await;
        let differ = |state: &Value| {
            let all = state.entries().into_iter().flatten();
            all.filter(|(name, value)| instance.state.get(name) != *value)
                .map(|(name, _)| name.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(differ(&plan.planned), ["template"]);
        host.sim.forget_requests();
        let instance = host.apply_plan(TEMPLATE, Some(&instance), &config(&host, &other), plan).await;
        let instance = instance.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        let is_write = |name: &str| name.starts_with("Create") || name.starts_with("Update");
        let writes = host.sim.requests().into_iter().filter(|r| is_write(r.name())).count();
        assert_eq!(writes, 0);
        settled(&host, TEMPLATE, &instance, &config(&host, &other), "a note").await;
    })
}

fn an_import_of_another_text_plans_nothing() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let text = template(&host, "a.example");
        created(&host, &text).await;
        host.next_run().await;
        let imported = host.import(TEMPLATE, "tmpl", None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let exported = imported.state.get("template").as_str().unwrap_or_default().to_owned();
        assert_ne!(exported, text);
        let imported = settled(&host, TEMPLATE, &imported, &config(&host, &exported), "an import").await;
        let imported = settled(&host, TEMPLATE, &imported, &config(&host, &text), "an import of another text").await;
        // From the first change on, the state has what is configured.
        let text = template(&host, "b.example");
        let changed = updated(&host, &imported, &text).await;
        assert_eq!(changed.state.get("template").as_str(), Some(text.as_str()));
        settled(&host, TEMPLATE, &changed, &config(&host, &text), "a change").await;
        let export = host.look("omni_cluster_template_export", &json!({ "cluster": "tmpl" })).await;
        let export = export.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(export.get("template").as_str().unwrap_or_default().contains("b.example"));
    })
}

async fn moved(host: &Host, source: &Json) -> pb::move_resource_state::Response {
    let request = pb::move_resource_state::Request {
        source_provider_address: "registry.terraform.io/other/omni".into(),
        source_type_name: "omni_cluster".into(),
        target_type_name: TEMPLATE.into(),
        source_state: Some(pb::RawState { json: source.to_string().into_bytes(), ..Default::default() }),
        ..Default::default()
    };
    host.server.move_resource_state(Request::new(request)).await.unwrap().into_inner()
}

fn templates_of_other_providers_move() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let text = template(&host, "a.example");
        created(&host, &text).await;
        for (kind, id) in [("Clusters", "tmpl"), ("ConfigPatches", PATCH)] {
            host.edit(kind, id, |object| {
                object.annotations.remove(MANAGED_BY);
                object.annotations.remove(PART_OF);
            });
        }
        host.next_run().await;
        let source = json!({ "id": "tmpl", "template": text, "template_computed": text, "delete_machine_links": null, "force_manifest_updating": null });
        let answer = moved(&host, &source).await;
        assert_eq!(errors(&answer.diagnostics), [""; 0]);
        let of = host.schema(TEMPLATE).object_type();
        let state = terraform_provider_omni::tf::wire::decode(answer.target_state.as_ref(), &of).unwrap();
        let instance = Instance { state, private: Vec::new(), identity: None };
        let instance = settled(&host, TEMPLATE, &instance, &config(&host, &text), "a move").await;
        assert_eq!(names(&instance.state).len(), 6);
        let refused = moved(&host, &json!({ "id": "tmpl", "name": "tmpl", "talos_version": "1.13.5" })).await;
        assert!(!errors(&refused.diagnostics).is_empty());
    })
}

fn disconnected_machines_are_left_behind() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let text = template(&host, "a.example");
        let json = json!({ "template": text, "destroy_disconnected_machines": true });
        let made = host.apply(TEMPLATE, None, &host.config(TEMPLATE, &json)).await;
        let made = made.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        let worker = host.machines()[1].clone();
        // The status of a machine follows its cluster and its link a moment later.
        let status = async |label: &str, has: bool| {
            let found =
                || host.object("MachineStatuses", &worker).is_some_and(|status| status.labels.contains_key(label));
            while found() != has {
                tokio::task::yield_now().await;
            }
        };
        status("omni.sidero.dev/cluster", true).await;
        omni_sim::world::disconnect_machine(host.sim.store(), &worker);
        status("omni.sidero.dev/connected", false).await;
        host.destroy(TEMPLATE, &made).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(host.object("Clusters", "tmpl").is_none());
        assert!(host.object("Links", &worker).is_none());
    })
}

fn old_releases_have_templates() -> Result<(), Failed> {
    block(async {
        for release in [Release::V1_6, Release::V1_10] {
            let host = start_as(release, &[]).await;
            let machine = host.machines()[1].clone();
            let text = template(&host, "a.example").replace("v1.13.5", "v1.13.8")
                + &format!("---\nkind: Machine\nname: {machine}\ninstall: {{disk: /dev/vda}}\n");
            let instance = created(&host, &text).await;
            let instance = settled(&host, TEMPLATE, &instance, &config(&host, &text), "a create").await;
            assert!(names(&instance.state).contains(&format!("ConfigPatches/000-cm-{machine}-install-disk")));
            let imported = host.import(TEMPLATE, "tmpl", None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
            let exported = imported.state.get("template").as_str().unwrap_or_default().to_owned();
            settled(&host, TEMPLATE, &imported, &config(&host, &exported), "an import").await;
            host.destroy(TEMPLATE, &instance).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        }
    })
}

fn a_template_that_is_known_after_apply_waits() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let mut unknown = config(&host, "x");
        unknown.set("template", Value::UNKNOWN);
        let plan = host.plan(TEMPLATE, None, &unknown).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        for name in ["id", "cluster", "rendered", "resources"] {
            assert!(plan.planned.get(name).is_unknown(), "{name}");
        }
        assert_eq!(host.object("MachineSets", "x").map(|set| set.spec::<MachineSetSpec>()), None);
    })
}
