//! `omni_resource`: each type that users may write, and what it does that no other resource does.

use crate::fixture::{self, Given, Need, merged};
use crate::host::{Host, Instance, errors};
use crate::lifecycle::{block, prepare, settled};
use libtest_mimic::{Failed, Trial};
use omni_proto::specs;
use omni_proto::tfplugin6 as pb;
use omni_proto::tfplugin6::provider_server::Provider as _;
use omni_sim::Options;
use omni_sim::object::Object;
use prost::Message as _;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use terraform_provider_omni::omni::Kind;
use terraform_provider_omni::omni::spec::access::{CHANGED, MANAGED};
use terraform_provider_omni::tf::value::Value;
use terraform_provider_omni::tf::wire;
use tonic::Request;

const NAME: &str = "omni_resource";

/// Field 99 with the text `later`: something that this build does not know.
const UNKNOWN: &[u8] = b"\x9a\x06\x05later";

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("every_type_is_tried", every_type_is_tried),
        ("what_others_set_stays", what_others_set_stays),
        ("what_is_not_configured_any_more_is_cleared", what_is_not_configured_any_more_is_cleared),
        ("drift_is_shown_where_something_is_configured", drift_is_shown_where_something_is_configured),
        ("what_others_may_change_is_no_drift", what_others_may_change_is_no_drift),
        ("an_import_manages_nothing_yet", an_import_manages_nothing_yet),
        ("a_change_in_between_is_refused", a_change_in_between_is_refused),
        ("a_wait_that_runs_out_is_owed", a_wait_that_runs_out_is_owed),
        ("a_typed_resource_is_told_once", a_typed_resource_is_told_once),
        ("a_type_of_a_later_omni_is_told_at_plan", a_type_of_a_later_omni_is_told_at_plan),
        ("a_wrong_type_to_wait_for_is_told_once", a_wrong_type_to_wait_for_is_told_once),
        ("two_resources_of_one_object_are_told", two_resources_of_one_object_are_told),
        ("state_of_another_provider_moves_here", state_of_another_provider_moves_here),
        ("unknown_values_wait", unknown_values_wait),
        ("a_type_without_a_description_is_read", a_type_without_a_description_is_read),
    ];
    let rules = all.iter().map(|(name, test)| Trial::test(format!("any_resource::{name}"), test));
    let kinds = MANAGED
        .iter()
        .chain(CHANGED)
        .map(|kind| Trial::test(format!("any_resource::writes::{}", short(*kind)), move || writes(*kind)));
    rules.chain(kinds).collect()
}

/// How objects of a type are made and changed.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(default)]
    needs: Vec<Need>,
    #[serde(default)]
    objects: Vec<Given>,
    id: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// The spec to create with; types without fields have none.
    #[serde(default)]
    spec: Json,
    /// A merge patch of the spec.
    #[serde(default)]
    update: Json,
    /// The part of the spec that holds secrets.
    #[serde(default)]
    secret: Json,
}

fn cases(text: &str) -> BTreeMap<String, Case> {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("kinds.json: {e}"))
}

fn text() -> String {
    std::fs::read_to_string(fixture::folder(NAME).join("kinds.json")).expect("kinds.json")
}

fn short(kind: Kind) -> &'static str {
    kind.name.split('.').next().unwrap_or(kind.name)
}

fn every_type_is_tried() -> Result<(), Failed> {
    let tried: Vec<_> = cases(&text()).into_keys().collect();
    let mut known: Vec<_> = MANAGED.iter().chain(CHANGED).map(|kind| short(*kind).to_owned()).collect();
    known.sort();
    assert_eq!(tried, known);
    Ok(())
}

/// Creates, changes, imports and destroys an object of the type; a field that this build does not know stays.
fn writes(kind: Kind) -> Result<(), Failed> {
    block(async move {
        let mut options = Host::options(Duration::from_millis(5));
        options.mode = Options::stepped().mode;
        let host = Host::with(options, &[]).await;
        host.sim.settle().expect("the world comes to rest");
        let at = |seconds| {
            let time = host.now() + Duration::from_secs(seconds);
            prost_types::Timestamp { seconds: i64::try_from(time.as_secs()).unwrap(), nanos: 0 }.to_string()
        };
        let text = host.localized(&text()).replace("NOW", &at(0)).replace("SOON", &at(10));
        let case = cases(&text).remove(short(kind)).expect("a case");
        prepare(&host, &case.needs).await;
        case.objects.iter().for_each(|given| host.give(given));
        let kept = CHANGED.contains(&kind);

        let mut json =
            json!({ "type": short(kind), "id": case.id, "labels": case.labels, "annotations": { "note": "x" } });
        for (name, value) in [("spec", &case.spec), ("spec_wo", &case.secret)] {
            if !value.is_null() {
                json[name] = value.clone();
            }
        }
        let (made, config) = applied(&host, None, &json).await;
        let made = settled(&host, NAME, &made, &config, "create").await;
        let object = || host.object_of(kind, &case.id).unwrap_or_else(|| panic!("{kind:?} is not there"));
        assert_eq!(object().annotations.get("note").map(String::as_str), Some("x"));
        let secrets = texts(&case.secret);
        let hidden = |instance: &Instance| {
            let held = format!("{:?} {}", instance.state, String::from_utf8_lossy(&instance.private));
            assert_eq!(
                secrets.iter().find(|secret| held.contains(*secret)),
                None,
                "{kind:?}: a secret is in the state"
            );
        };
        hidden(&made);

        // Something that a newer Omni has.
        host.edit_of(kind, &case.id, |object| object.spec.extend_from_slice(UNKNOWN));
        let before = object().version;
        let made = settled(&host, NAME, &made, &config, "a change that nobody here knows").await;
        let mut changed = json.clone();
        match case.update.is_null() {
            true => changed["annotations"] = json!({ "note": "y" }),
            false => changed["spec"] = merged(&case.spec, &case.update),
        }
        let (made, config) = applied(&host, Some(&made), &changed).await;
        let made = settled(&host, NAME, &made, &config, "update").await;
        hidden(&made);
        assert!(object().version > before, "{kind:?}: nothing was written");
        assert!(object().spec.windows(UNKNOWN.len()).any(|part| part == UNKNOWN), "{kind:?}: a field is lost");

        // What is imported is what is configured.
        let open = crate::lifecycle::without(&changed, "spec_wo");
        let config = host.config(NAME, &open);
        let id = format!("{}/{}/{}", kind.namespace, kind.name, case.id);
        for (id, identity) in [(id, None), (format!("{}/{}", short(kind), case.id), made.identity.clone())] {
            let imported = host.import(NAME, &id, identity).await;
            let imported = imported.unwrap_or_else(|d| panic!("{kind:?}: import: {:?}", errors(&d)));
            assert_eq!(imported.identity, made.identity, "{kind:?}");
            hidden(&imported);
            settled(&host, NAME, &imported, &config, "import").await;
        }

        host.next_run().await;
        host.destroy(NAME, &made).await.unwrap_or_else(|d| panic!("{kind:?}: destroy: {:?}", errors(&d)));
        assert_eq!(host.object_of(kind, &case.id).is_some(), kept, "{kind:?}");
    })
}

/// The texts in a document.
fn texts(document: &Json) -> Vec<String> {
    match document {
        Json::String(text) => vec![text.clone()],
        Json::Array(all) => all.iter().flat_map(texts).collect(),
        Json::Object(all) => all.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

impl Host {
    fn object_of(&self, kind: Kind, id: &str) -> Option<Arc<Object>> {
        self.sim.store().get(&key(kind, id))
    }

    fn edit_of(&self, kind: Kind, id: &str, edit: impl FnOnce(&mut Object)) {
        self.sim.store().modify(&key(kind, id), edit).unwrap_or_else(|| panic!("no {kind:?} {id}"));
    }
}

fn key(kind: Kind, id: &str) -> omni_sim::object::Key {
    omni_sim::object::Key { namespace: kind.namespace.to_owned(), kind: kind.name.to_owned(), id: id.to_owned() }
}

async fn applied(host: &Host, prior: Option<&Instance>, json: &Json) -> (Instance, Value) {
    let config = host.config(NAME, json);
    assert_eq!(errors(&host.validate(NAME, &config).await), Vec::<String>::new(), "{json}");
    let made = host.apply(NAME, prior, &config).await;
    (made.unwrap_or_else(|(d, _)| panic!("{json}: {:?}", errors(&d))), config)
}

fn cluster(spec: &Json) -> Json {
    let versions = json!({ "talos_version": "1.13.5", "kubernetes_version": "1.36.2" });
    json!({ "type": "Clusters", "id": "demo", "spec": merged(&versions, spec) })
}

fn features(host: &Host) -> specs::cluster_spec::Features {
    host.object("Clusters", "demo").unwrap().spec::<specs::ClusterSpec>().features.unwrap_or_default()
}

fn edit_cluster(host: &Host, edit: impl FnOnce(&mut specs::ClusterSpec)) {
    host.edit("Clusters", "demo", |object| {
        let mut spec = object.spec::<specs::ClusterSpec>();
        edit(&mut spec);
        object.spec = spec.encode_to_vec();
    });
}

fn proxy(host: &Host, on: bool) {
    edit_cluster(host, |spec| spec.features.get_or_insert_default().enable_workload_proxy = on);
}

async fn stepped() -> Host {
    let host = Host::with(Options::stepped(), &[]).await;
    host.sim.settle().expect("the world comes to rest");
    host
}

fn what_others_set_stays() -> Result<(), Failed> {
    block(async {
        let host = stepped().await;
        let (made, config) = applied(&host, None, &cluster(&json!({ "features": { "disk_encryption": true } }))).await;
        proxy(&host, true);
        host.edit("Clusters", "demo", |object| {
            object.labels.insert("team".into(), "x".into());
        });
        let made = settled(&host, NAME, &made, &config, "a change of another field").await;
        let backup = json!({ "features": { "disk_encryption": true }, "backup_configuration": { "interval": "1h" } });
        let (made, config) = applied(&host, Some(&made), &cluster(&backup)).await;
        settled(&host, NAME, &made, &config, "update").await;
        let now = features(&host);
        assert!(now.enable_workload_proxy && now.disk_encryption);
        assert_eq!(host.object("Clusters", "demo").unwrap().label("team"), Some("x"));
    })
}

fn what_is_not_configured_any_more_is_cleared() -> Result<(), Failed> {
    block(async {
        let host = stepped().await;
        let both = json!({ "features": { "enable_workload_proxy": true, "use_embedded_discovery_service": false } });
        let (made, _) = applied(&host, None, &cluster(&both)).await;
        assert!(features(&host).enable_workload_proxy);
        let (made, config) = applied(&host, Some(&made), &cluster(&json!({}))).await;
        settled(&host, NAME, &made, &config, "update").await;
        let spec = host.object("Clusters", "demo").unwrap().spec::<specs::ClusterSpec>();
        assert_eq!(spec.features, None, "a message goes with the last of its fields");
        assert_eq!(spec.talos_version, "1.13.5");
    })
}

fn drift_is_shown_where_something_is_configured() -> Result<(), Failed> {
    block(async {
        let host = stepped().await;
        let json = cluster(&json!({ "features": { "enable_workload_proxy": true } }));
        let (made, config) = applied(&host, None, &json).await;
        proxy(&host, false);
        let read = host.read(NAME, &made).await.unwrap().unwrap();
        let shown = wire::to_json(read.state.get("spec").bare());
        assert_eq!(shown["features"]["enable_workload_proxy"], false);
        assert_eq!(shown["talos_version"], "1.13.5");
        let plan = host.plan(NAME, Some(&read), &config).await.unwrap();
        assert_eq!(plan.planned.get("spec"), config.get("spec"));
        host.apply_plan(NAME, Some(&read), &config, plan).await.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert!(features(&host).enable_workload_proxy);
    })
}

fn what_others_may_change_is_no_drift() -> Result<(), Failed> {
    block(async {
        let host = stepped().await;
        let with = |proxy: bool, labels: Json| {
            let mut json = cluster(&json!({ "features": { "enable_workload_proxy": proxy } }));
            json["computed_fields"] = json!(["features.enableWorkloadProxy"]);
            json["labels"] = labels;
            json
        };
        let (made, config) = applied(&host, None, &with(true, json!({}))).await;
        proxy(&host, false);
        let made = settled(&host, NAME, &made, &config, "a change of a computed field").await;
        // Other changes leave it as it is.
        let (made, _) = applied(&host, Some(&made), &with(true, json!({ "team": "x" }))).await;
        assert!(!features(&host).enable_workload_proxy);
        proxy(&host, true);
        let made = host.read(NAME, &made).await.unwrap().unwrap();
        applied(&host, Some(&made), &with(false, json!({ "team": "x" }))).await;
        assert!(!features(&host).enable_workload_proxy);
    })
}

fn an_import_manages_nothing_yet() -> Result<(), Failed> {
    block(async {
        let host = stepped().await;
        applied(&host, None, &cluster(&json!({ "features": { "enable_workload_proxy": true } }))).await;
        host.next_run().await;
        let imported = host.import(NAME, "cluster/demo", None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let shown = wire::to_json(imported.state.get("spec").bare());
        assert_eq!(shown["features"], json!({ "enable_workload_proxy": true }));
        // A part of it is no change, and another part is not removed.
        let config = host.config(NAME, &cluster(&json!({})));
        let imported = settled(&host, NAME, &imported, &config, "an import").await;
        let (made, config) = applied(&host, Some(&imported), &cluster(&json!({ "talos_version": "1.13.8" }))).await;
        settled(&host, NAME, &made, &config, "update").await;
        assert!(features(&host).enable_workload_proxy);
        let said = errors(&host.import_diagnostics(NAME, "ClusterStatuses/demo").await).join("\n");
        assert!(said.contains("cannot be managed"), "{said}");
        let said = errors(&host.import_diagnostics(NAME, "demo").await).join("\n");
        assert!(said.contains("namespace/type/id"), "{said}");
    })
}

fn a_change_in_between_is_refused() -> Result<(), Failed> {
    block(async {
        let host = stepped().await;
        let with = |on: bool| cluster(&json!({ "features": { "enable_workload_proxy": on } }));
        let (made, _) = applied(&host, None, &with(false)).await;
        let made = host.read(NAME, &made).await.unwrap().unwrap();
        let config = host.config(NAME, &cluster(&json!({ "backup_configuration": { "interval": "1h" } })));
        let plan = host.plan(NAME, Some(&made), &config).await.unwrap();
        proxy(&host, true);
        let (diags, _) = host.apply_plan(NAME, Some(&made), &config, plan).await.expect_err("changed in between");
        let said = errors(&diags).join("\n");
        assert!(said.starts_with("spec: ") && said.contains("out of date"), "{said}");
        assert!(features(&host).enable_workload_proxy);
    })
}

fn a_wait_that_runs_out_is_owed() -> Result<(), Failed> {
    block(async {
        let host = stepped().await;
        let mut json = cluster(&json!({}));
        json["wait"] = json!({ "type": "clusterstatus", "fields": { "phase": "scaling_up", "available": "false" } });
        json["timeouts"] = json!({ "create": "1s" });
        let config = host.config(NAME, &json);
        let made = host.apply(NAME, None, &config).await.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        let read = host.read(NAME, &made).await.unwrap().unwrap();
        let plan = host.plan(NAME, Some(&read), &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(plan.planned.get("status").is_unknown());
        let told =
            |w: &String| w.contains("`ClusterStatuses.omni.sidero.dev/demo` to have") && w.contains("remove `wait`");
        assert!(plan.warnings.iter().any(told), "{:?}", plan.warnings);
        let status = specs::ClusterStatusSpec {
            phase: specs::cluster_status_spec::Phase::ScalingUp.into(),
            ..Default::default()
        };
        host.sim.store().put("", &omni_sim::kinds::key("ClusterStatuses.omni.sidero.dev", "demo"), |object| {
            object.spec = status.encode_to_vec();
        });
        let read = host.read(NAME, &read).await.unwrap().unwrap();
        let plan = host.plan(NAME, Some(&read), &config).await.unwrap();
        assert_eq!(plan.planned, read.state);
    })
}

fn a_type_of_a_later_omni_is_told_at_plan() -> Result<(), Failed> {
    block(async {
        let host = Host::with(Options { release: omni_sim::Release::V1_6, ..Options::stepped() }, &[]).await;
        let json =
            json!({ "type": "MachineInstallDiskConfigs", "id": host.machines()[0], "spec": { "disk": "/dev/vda" } });
        let Err(said) = host.plan(NAME, None, &host.config(NAME, &json)).await else { panic!("1.6 does not have it") };
        let said = errors(&said).join("\n");
        assert!(said.contains("`MachineInstallDiskConfigs.omni.sidero.dev`; that needs Omni 1.11 or later"), "{said}");
    })
}

fn a_wrong_type_to_wait_for_is_told_once() -> Result<(), Failed> {
    block(async {
        let host = stepped().await;
        let json = json!({ "type": "Clusters", "id": "a", "spec": {}, "wait": { "type": "ClusterStatusses", "fields": { "phase": "running" } } });
        let said = errors(&host.validate(NAME, &host.config(NAME, &json)).await);
        assert!(said.len() == 1 && said[0].contains("Did you mean `ClusterStatuses`?"), "{said:#?}");
    })
}

fn a_typed_resource_is_told_once() -> Result<(), Failed> {
    block(async {
        let host = stepped().await;
        let config = host.config(NAME, &cluster(&json!({})));
        let plan = host.plan(NAME, None, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let told = |warnings: &[String]| warnings.iter().any(|w| w.contains("`omni_cluster`"));
        assert!(told(&plan.warnings), "{:?}", plan.warnings);
        let made = host.apply_plan(NAME, None, &config, plan).await.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        host.next_run().await;
        let plan = host.plan(NAME, Some(&made), &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!(plan.warnings, Vec::<String>::new());
    })
}

fn two_resources_of_one_object_are_told() -> Result<(), Failed> {
    block(async {
        let host = stepped().await;
        let typed = json!({ "name": "demo", "talos_version": "1.13.5", "kubernetes_version": "1.36.2" });
        let config = host.config("omni_cluster", &typed);
        host.plan("omni_cluster", None, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let said = host.plan(NAME, None, &host.config(NAME, &cluster(&json!({})))).await.expect_err("twice");
        assert!(errors(&said).join("\n").contains("is planned twice"), "{:?}", errors(&said));
    })
}

fn state_of_another_provider_moves_here() -> Result<(), Failed> {
    block(async {
        let host = stepped().await;
        let json = cluster(&json!({ "features": { "enable_workload_proxy": true } }));
        applied(&host, None, &json).await;
        host.next_run().await;
        let text = "metadata: {namespace: default, type: Clusters.omni.sidero.dev, id: demo}\n\
                    spec: {talosversion: 1.13.5, kubernetesversion: 1.36.2, features: {enableworkloadproxy: true}}\n";
        let state = json!({ "id": "0a1b", "yaml": text });
        let request = pb::move_resource_state::Request {
            source_provider_address: "registry.terraform.io/stathis-ditc/omni".into(),
            source_type_name: "omni_apply_yaml".into(),
            target_type_name: NAME.into(),
            source_state: Some(pb::RawState { json: state.to_string().into_bytes(), ..Default::default() }),
            ..Default::default()
        };
        let answer = host.server.move_resource_state(Request::new(request)).await.unwrap().into_inner();
        assert_eq!(errors(&answer.diagnostics), Vec::<String>::new());
        let of = host.schema(NAME).object_type();
        let state = wire::decode(answer.target_state.as_ref(), &of).unwrap();
        let moved = Instance { state, private: answer.target_private, identity: None };
        // However its fields are spelled.
        let config = host.config(NAME, &json);
        let moved = settled(&host, NAME, &moved, &config, "the move").await;
        assert!(moved.identity.is_some());
    })
}

fn unknown_values_wait() -> Result<(), Failed> {
    block(async {
        let host = stepped().await;
        let mut config = host.config(NAME, &cluster(&json!({})));
        for unknown in ["spec", "id", "type"] {
            let mut open = config.clone();
            open.set(unknown, Value::UNKNOWN);
            assert_eq!(errors(&host.validate(NAME, &open).await), Vec::<String>::new(), "{unknown}");
            let plan = host.plan(NAME, None, &open).await.unwrap_or_else(|d| panic!("{unknown}: {:?}", errors(&d)));
            assert!(plan.planned.get(unknown).is_unknown(), "{unknown}");
        }
        // What is known is checked all the same.
        let of = terraform_provider_omni::tf::value::Type::object([
            ("talos_version", terraform_provider_omni::tf::value::Type::String),
            ("kubernetes_verson", terraform_provider_omni::tf::value::Type::String),
        ]);
        let value = Value::object([("talos_version", Value::UNKNOWN), ("kubernetes_verson", "1.36.2".into())]);
        config.set("spec", Value::Dynamic(of, Box::new(value)));
        let said = errors(&host.validate(NAME, &config).await).join("\n");
        assert!(said.contains("Did you mean `kubernetes_version`?"), "{said}");
    })
}

fn a_type_without_a_description_is_read() -> Result<(), Failed> {
    block(async {
        let host = stepped().await;
        // No message of this build describes the first one.
        for (kind, described) in [("MachineStatusLabels", false), ("ClusterTaints", true)] {
            let name = format!("{kind}.omni.sidero.dev");
            host.sim.store().put("", &omni_sim::kinds::key(&name, "demo"), |_| {});
            let found = host.look(NAME, &json!({ "type": name, "id": "demo" })).await;
            let found = found.unwrap_or_else(|d| panic!("{kind}: {:?}", errors(&d)));
            assert_eq!(found.get("decoded").bare().is_null(), !described, "{kind}");
            assert!(found.get("yaml").as_str().is_some(), "{kind}");
            let said = errors(&host.validate(NAME, &host.config(NAME, &json!({ "type": name, "id": "a" }))).await);
            assert!(said.join("\n").contains("cannot be managed"), "{kind}: {said:?}");
        }
    })
}
