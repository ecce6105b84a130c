//! What refers to the id of a new cluster or machine set waits for it, and its plan is judged all the same:
//! the id is foretold with the value that is not known yet.

use crate::defects::cluster;
use crate::host::{Host, Plan, errors, warnings};
use crate::lifecycle::block;
use libtest_mimic::{Failed, Trial};
use omni_sim::inventory;
use serde_json::{Value as Json, json};
use terraform_provider_omni::tf::value::{Refinements, Value};

type Test = fn() -> Result<(), Failed>;

const CLUSTER: &str = "omni_cluster";
const SET: &str = "omni_machine_set";
const NODE: &str = "omni_machine_set_node";
const PATCH: &str = "omni_config_patch";

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("what_is_planned_twice_in_a_new_cluster", what_is_planned_twice_in_a_new_cluster),
        ("what_nobody_foretells_is_not_judged", what_nobody_foretells_is_not_judged),
        ("a_locked_control_plane_named_by_a_new_id", a_locked_control_plane_named_by_a_new_id),
        ("a_machine_that_does_not_fit_a_new_cluster", a_machine_that_does_not_fit_a_new_cluster),
        ("a_class_that_is_made_in_the_same_run_is_there", a_class_that_is_made_in_the_same_run_is_there),
        ("what_is_foretold_comes_true", what_is_foretold_comes_true),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("foreseen::{name}"), test)).collect()
}

fn text(value: &str) -> Value {
    Value::from(value)
}

/// A new run in which these clusters are to be made.
struct Run {
    host: Host,
    /// The ids of the clusters, as what refers to them gets them.
    ids: Vec<Value>,
}

impl Run {
    async fn of(names: &[&str]) -> Self {
        let mut run = Self { host: Host::start(&[]).await, ids: Vec::new() };
        for name in names {
            let mut config = run.host.config(CLUSTER, &cluster());
            config.set("name", text(name));
            let id = run.host.plan(CLUSTER, None, &config).await.unwrap().planned.get("id").clone();
            assert!(id.is_unknown() && id.foreseen() == Some(name), "{id:?}");
            run.ids.push(id);
        }
        run
    }

    fn config(&self, kind: &str, json: &Json, more: &[(&str, &Value)]) -> Value {
        let mut config = self.host.config(kind, json);
        for (name, value) in more {
            config.set(name, (*value).clone());
        }
        config
    }

    async fn plan(&self, kind: &str, json: &Json, more: &[(&str, &Value)]) -> Result<Plan, Vec<String>> {
        self.host.plan(kind, None, &self.config(kind, json, more)).await.map_err(|diags| errors(&diags))
    }

    async fn planned(&self, kind: &str, json: &Json, more: &[(&str, &Value)]) -> Plan {
        self.plan(kind, json, more).await.unwrap_or_else(|said| panic!("{kind}: {said:?}"))
    }
}

fn workers() -> Json {
    json!({ "role": "workers" })
}

fn what_is_planned_twice_in_a_new_cluster() -> Result<(), Failed> {
    block(async {
        let run = Run::of(&["demo", "other"]).await;
        let [demo, other] = [&run.ids[0], &run.ids[1]];
        let (machine, patch) = (inventory::id(1), json!({ "name": "x", "data": "machine: {}" }));
        let set = run.planned(SET, &workers(), &[("cluster", demo)]).await.planned;
        assert_eq!(set.get("id").foreseen(), Some("demo-workers"));
        assert_eq!(set.get("name"), set.get("id"));
        let node = json!({ "machine_set": "workers", "machine_id": machine });
        run.planned(NODE, &node, &[("cluster", demo)]).await;
        run.planned(PATCH, &patch, &[("cluster", demo)]).await;
        let selects = |set: &Value| Value::object([("machine_set", set.clone())]);
        let selector = selects(set.get("id"));
        run.planned(PATCH, &patch, &[("cluster", demo), ("selector", &selector)]).await;
        // Once more, however the cluster is named.
        let known = (text("demo"), selects(&text("workers")));
        for (kind, json, more, says) in [
            (SET, &workers(), vec![("cluster", demo)], "Machine set `demo-workers` is planned twice"),
            (SET, &workers(), vec![("cluster", &known.0)], "Machine set `demo-workers` is planned twice"),
            (NODE, &node, vec![("cluster", demo)], "is planned twice"),
            (PATCH, &patch, vec![("cluster", demo)], "Config patch `400-demo-x` is planned twice"),
            (PATCH, &patch, vec![("cluster", demo), ("selector", &selector)], "Config patch `400-demo-workers-x` is"),
            (
                PATCH,
                &patch,
                vec![("cluster", &known.0), ("selector", &known.1)],
                "Config patch `400-demo-workers-x` is",
            ),
        ] {
            let said = run.plan(kind, json, &more).await.err().unwrap_or_default();
            assert!(said.len() == 1 && said[0].contains(says), "{kind} {more:?}: {said:?}");
        }
        let said = run.plan(NODE, &node, &[("cluster", other)]).await.err().unwrap_or_default();
        assert!(said[0].contains("They differ in `cluster`."), "{said:?}");
        // Others beside them.
        run.planned(SET, &workers(), &[("cluster", other)]).await;
        run.planned(SET, &json!({ "role": "workers", "name": "gpu" }), &[("cluster", demo)]).await;
        run.planned(PATCH, &patch, &[("cluster", other)]).await;
    })
}

fn what_nobody_foretells_is_not_judged() -> Result<(), Failed> {
    block(async {
        let run = Run::of(&["demo"]).await;
        let built = Refinements { nullness: Some(false), prefix: Some("demo".into()), ..Refinements::default() };
        let built = Value::Unknown(Some(Box::new(built)));
        let stranger = Value::foretold("dem");
        let patch = json!({ "name": "x", "cluster": "demo", "data": "machine: {}" });
        for cluster in [&Value::UNKNOWN, &built, &stranger] {
            for _ in 0..2 {
                let set = run.planned(SET, &workers(), &[("cluster", cluster)]).await.planned;
                assert_eq!(set.get("id"), &Value::UNKNOWN, "{cluster:?}");
                let selector = Value::object([("machine_set", cluster.clone())]);
                run.planned(PATCH, &patch, &[("selector", &selector)]).await;
            }
        }
        // Nor is a set whose name is not known the usual one.
        for _ in 0..2 {
            run.planned(SET, &json!({ "cluster": "demo", "role": "workers" }), &[("name", &Value::UNKNOWN)]).await;
        }
    })
}

fn a_locked_control_plane_named_by_a_new_id() -> Result<(), Failed> {
    block(async {
        let run = Run::of(&["demo"]).await;
        let new = &run.ids[0];
        let locked = json!({ "machine_id": inventory::id(1), "locked": true });
        let ids = async |role: &str| run.planned(SET, &json!({ "role": role }), &[("cluster", new)]).await.planned;
        let (control_planes, workers) = (ids("controlplane").await, ids("workers").await);
        let known = (text("demo"), text("demo-control-planes"));
        for (cluster, set) in [
            (new, control_planes.get("id")),
            (new, control_planes.get("name")),
            (new, &known.1),
            (&known.0, control_planes.get("id")),
            (&known.0, &known.1),
        ] {
            let said = run.plan(NODE, &locked, &[("cluster", cluster), ("machine_set", set)]).await.err();
            let said = said.unwrap_or_default();
            let told = said.len() == 1 && said[0].starts_with("locked: Control planes cannot be locked");
            assert!(told, "{cluster:?} {set:?}: {said:?}");
        }
        run.planned(NODE, &locked, &[("cluster", new), ("machine_set", workers.get("id"))]).await;
    })
}

fn a_machine_that_does_not_fit_a_new_cluster() -> Result<(), Failed> {
    block(async {
        let run = Run::of(&["demo", "other"]).await;
        let set = run.planned(SET, &workers(), &[("cluster", &run.ids[1])]).await.planned;
        let node = json!({ "machine_id": inventory::id(1) });
        let config = run.config(NODE, &node, &[("cluster", &run.ids[0]), ("machine_set", set.get("id"))]);
        let said = run.host.diagnostics(NODE, None, &config).await;
        assert!(errors(&said)[0].contains("Machine set `other-workers` belongs to another cluster"), "{said:?}");
        let class = json!({ "role": "workers", "name": "big", "machine_class": { "name": "big", "size": 1 } });
        let set = run.planned(SET, &class, &[("cluster", &run.ids[0])]).await;
        let missing = set.warnings.iter().any(|line| line.contains("Machine class `big` does not exist"));
        assert!(missing, "{:?}", set.warnings);
        let config = run.config(NODE, &node, &[("cluster", &run.ids[0]), ("machine_set", set.planned.get("id"))]);
        let said = run.host.diagnostics(NODE, None, &config).await;
        assert!(
            errors(&said)[0].contains("allocates its machines from a machine class"),
            "{said:?} {:?}",
            warnings(&said)
        );
    })
}

fn a_class_that_is_made_in_the_same_run_is_there() -> Result<(), Failed> {
    block(async {
        let run = Run::of(&["demo"]).await;
        let by_labels = json!({ "name": "big", "match_labels": ["a = b"] });
        let by_provider = json!({ "name": "made", "auto_provision": { "provider_id": "vms" } });
        for class in [&by_labels, &by_provider] {
            run.planned("omni_machine_class", class, &[]).await;
        }
        for (name, allocation, told) in [
            ("big", json!({ "size": 1 }), None),
            ("big", json!({ "allocation_type": "Unlimited" }), None),
            ("made", json!({ "size": 1 }), None),
            ("made", json!({ "allocation_type": "Unlimited" }), Some("Machine class `made` provisions machines")),
            ("none", json!({ "size": 1 }), Some("Machine class `none` does not exist")),
        ] {
            let mut class = allocation.clone();
            class["name"] = json!(name);
            let set = json!({ "role": "workers", "name": "set", "machine_class": class });
            let config = run.config(SET, &set, &[("cluster", &run.ids[0])]);
            let said = warnings(&run.host.diagnostics(SET, None, &config).await);
            let said: Vec<_> = said.iter().filter(|line| line.contains("Machine class")).collect();
            assert_eq!(said.len(), usize::from(told.is_some()), "{name} {allocation}: {said:?}");
            assert!(told.is_none_or(|told| said[0].contains(told)), "{name} {allocation}: {said:?}");
        }
    })
}

fn what_is_foretold_comes_true() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let whole = host.config(CLUSTER, &cluster());
        let plan = host.plan(CLUSTER, None, &whole).await.unwrap();
        let mut config = host.config(SET, &workers());
        config.set("cluster", plan.planned.get("id").clone());
        let set = host.plan(SET, None, &config).await.unwrap();
        assert_eq!(set.warnings, Vec::<String>::new());
        let foretold = set.planned.get("id").clone();
        host.next_run().await;
        let made = host.apply_plan(CLUSTER, None, &whole, plan).await.unwrap_or_else(|(d, _)| panic!("{d:?}"));
        config.set("cluster", made.state.get("id").clone());
        let made = host.apply(SET, None, &config).await.unwrap_or_else(|(d, _)| panic!("{d:?}"));
        assert_eq!(made.state.get("id").as_str(), foretold.foreseen());
    })
}
