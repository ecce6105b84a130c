//! What is ours and what is not: conflicts, drift, labels of others, fields of another version, objects of others.

use crate::defects::{cluster, made};
use crate::fixture::merged;
use crate::host::{Host, errors};
use crate::lifecycle::{block, settled};
use libtest_mimic::{Failed, Trial};
use omni_proto::specs;
use omni_sim::Options;
use omni_sim::driver::Mode;
use omni_sim::faults::{Action, Fault};
use omni_sim::inventory;
use prost::Message;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use std::time::Duration;
use terraform_provider_omni::tf::value::Value;

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("a_change_between_plan_and_apply_is_refused", a_change_between_plan_and_apply_is_refused),
        ("overwriting_is_a_choice", overwriting_is_a_choice),
        ("what_controllers_touch_is_no_conflict", what_controllers_touch_is_no_conflict),
        ("drift_is_shown_field_by_field", drift_is_shown_field_by_field),
        ("unknown_fields_survive_an_update", unknown_fields_survive_an_update),
        ("labels_of_others_stay", labels_of_others_stay),
        ("a_duplicate_says_how_to_import", a_duplicate_says_how_to_import),
        ("adopting_is_a_choice", adopting_is_a_choice),
        ("two_resources_of_one_state_are_told", two_resources_of_one_state_are_told),
        ("a_create_waits_for_another_address_to_let_go", a_create_waits_for_another_address_to_let_go),
        ("what_moves_to_another_address_is_there_afterwards", what_moves_to_another_address_is_there_afterwards),
        ("what_would_be_replaced_is_not_taken_over", what_would_be_replaced_is_not_taken_over),
        ("what_is_managed_is_never_taken_over", what_is_managed_is_never_taken_over),
        ("a_create_waits_for_its_predecessor_to_go", a_create_waits_for_its_predecessor_to_go),
        ("a_lost_answer_makes_nothing_twice", a_lost_answer_makes_nothing_twice),
        ("reads_that_lag_are_waited_for", reads_that_lag_are_waited_for),
        ("a_locked_cluster_is_named_in_the_plan", a_locked_cluster_is_named_in_the_plan),
        ("every_object_is_marked", every_object_is_marked),
        ("a_secret_patch_leaves_no_trace", a_secret_patch_leaves_no_trace),
        ("a_hash_of_an_earlier_version_is_no_change", a_hash_of_an_earlier_version_is_no_change),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("ownership::{name}"), test)).collect()
}

fn patch(server: &str) -> Json {
    json!({ "name": "time", "cluster": "demo", "data": format!("machine:\n  time:\n    servers: [{server}]\n") })
}

const PATCH: &str = "400-demo-time";

fn set_data(host: &Host, server: &str) {
    host.edit("ConfigPatches", PATCH, |object| {
        let data = format!("machine:\n  time:\n    servers: [{server}]\n");
        object.spec = specs::ConfigPatchSpec { data, compressed_data: Vec::new() }.encode_to_vec();
    });
}

fn data(host: &Host) -> String {
    host.object("ConfigPatches", PATCH).unwrap().spec::<specs::ConfigPatchSpec>().data
}

fn a_change_between_plan_and_apply_is_refused() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let made = made(&host, "omni_config_patch", &patch("a")).await;
        let config = host.config("omni_config_patch", &patch("b"));
        let plan = host.plan("omni_config_patch", Some(&made), &config).await.unwrap();
        set_data(&host, "x");
        let (diags, kept) =
            host.apply_plan("omni_config_patch", Some(&made), &config, plan).await.expect_err("changed in between");
        let said = errors(&diags).join("\n");
        assert!(said.starts_with("data: "), "{said}");
        for part in ["version 1", "version 2", "[a]", "[x]", "Plan again", "on_conflict"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert_eq!(kept.unwrap().state, made.state, "the state is as it was");
        assert!(data(&host).contains("[x]"), "nothing was written");
    })
}

fn overwriting_is_a_choice() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[("on_conflict", "overwrite".into())]).await;
        let made = made(&host, "omni_config_patch", &patch("a")).await;
        let config = host.config("omni_config_patch", &patch("b"));
        let plan = host.plan("omni_config_patch", Some(&made), &config).await.unwrap();
        set_data(&host, "x");
        host.apply_plan("omni_config_patch", Some(&made), &config, plan)
            .await
            .unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert!(data(&host).contains("[b]"));
    })
}

fn what_controllers_touch_is_no_conflict() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let made = made(&host, "omni_config_patch", &patch("a")).await;
        let config = host.config("omni_config_patch", &patch("b"));
        let plan = host.plan("omni_config_patch", Some(&made), &config).await.unwrap();
        host.edit("ConfigPatches", PATCH, |object| {
            object.finalizers.push("Controller".into());
            object.labels.insert("omni.sidero.dev/seen".into(), "yes".into());
        });
        host.apply_plan("omni_config_patch", Some(&made), &config, plan)
            .await
            .unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        let object = host.object("ConfigPatches", PATCH).unwrap();
        assert_eq!(object.finalizers, ["Controller"]);
        assert_eq!(object.label("omni.sidero.dev/seen"), Some("yes"));
        assert!(data(&host).contains("[b]"));
    })
}

fn drift_is_shown_field_by_field() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let made = made(&host, "omni_config_patch", &patch("a")).await;
        set_data(&host, "x");
        let read = host.read("omni_config_patch", &made).await.unwrap().unwrap();
        let differs: Vec<_> = made
            .state
            .entries()
            .unwrap()
            .iter()
            .filter(|(k, v)| read.state.get(k) != *v)
            .map(|(k, _)| k.as_str())
            .collect();
        assert_eq!(differs, ["data", "resource_version"]);
        let config = host.config("omni_config_patch", &patch("a"));
        host.apply("omni_config_patch", Some(&read), &config).await.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert!(data(&host).contains("[a]"), "repaired");
    })
}

fn unknown_fields_survive_an_update() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let made = made(&host, "omni_cluster", &cluster()).await;
        // Field 1000, a text, in the spec and in its features.
        let unknown = [0xc2, 0x3e, 3, b'n', b'e', b'w'];
        host.edit("Clusters", "demo", |object| {
            object.spec.extend(unknown);
            let nested = [&[0x22, 6][..], &unknown].concat();
            object.spec.extend(nested);
        });
        let read = host.read("omni_cluster", &made).await.unwrap().unwrap();
        let mut config = cluster();
        config["features"] = json!({ "enable_workload_proxy": true });
        config["kubernetes_version"] = json!("1.36.2");
        host.apply("omni_cluster", Some(&read), &host.config("omni_cluster", &config))
            .await
            .unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        let object = host.object("Clusters", "demo").unwrap();
        let found = object.spec.windows(unknown.len()).filter(|w| *w == unknown).count();
        assert_eq!(found, 2, "{:?}", object.spec);
        let spec: specs::ClusterSpec = object.spec();
        assert_eq!(spec.kubernetes_version, "1.36.2");
        assert!(spec.features.unwrap().enable_workload_proxy);
    })
}

fn labels_of_others_stay() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let labelled = |labels: Json| {
            let mut config = patch("a");
            config["labels"] = labels;
            host.config("omni_config_patch", &config)
        };
        let first = labelled(json!({ "ours": "1", "also": "2" }));
        let made =
            host.apply("omni_config_patch", None, &first).await.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        host.edit("ConfigPatches", PATCH, |object| drop(object.labels.insert("theirs".into(), "x".into())));
        let read = settled(&host, "omni_config_patch", &made, &first, "somebody else's label").await;
        let after = host
            .apply("omni_config_patch", Some(&read), &labelled(json!({ "ours": "3" })))
            .await
            .unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        let object = host.object("ConfigPatches", PATCH).unwrap();
        assert_eq!((object.label("ours"), object.label("also"), object.label("theirs")), (Some("3"), None, Some("x")));
        assert_eq!(object.label("omni.sidero.dev/cluster"), Some("demo"));
        let bare = host.config("omni_config_patch", &patch("a"));
        let after = host
            .apply("omni_config_patch", Some(&after), &bare)
            .await
            .unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        let object = host.object("ConfigPatches", PATCH).unwrap();
        assert_eq!((object.label("ours"), object.label("theirs")), (None, Some("x")));
        settled(&host, "omni_config_patch", &after, &bare, "taking the labels out").await;
    })
}

fn a_duplicate_says_how_to_import() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, "omni_cluster", &cluster()).await;
        unmark(&host, "Clusters", "demo");
        host.next_run().await;
        let config = host.config("omni_cluster", &cluster());
        let plan = host.plan("omni_cluster", None, &config).await.unwrap();
        let foretold = plan.warnings.join("\n");
        assert!(foretold.starts_with("name: The apply cannot create cluster `demo`"), "{foretold}");
        let (diags, kept) = host.apply_plan("omni_cluster", None, &config, plan).await.expect_err("a duplicate");
        let said = errors(&diags).join("\n");
        assert!(kept.is_none() && said.starts_with("name: "), "{said}");
        for part in ["terraform import omni_cluster.<NAME> demo", "import {", "id = \"demo\"", "adopt_existing"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    })
}

fn adopting_is_a_choice() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[("adopt_existing", true.into())]).await;
        made(&host, "omni_cluster", &cluster()).await;
        made(&host, "omni_config_patch", &patch("a")).await;
        unmark(&host, "ConfigPatches", PATCH);
        host.next_run().await;
        let config = host.config("omni_config_patch", &patch("b"));
        let plan = host.plan("omni_config_patch", None, &config).await.unwrap();
        let [told] = plan.warnings.as_slice() else { panic!("{plan:?}") };
        for part in ["name: Existing config patch `400-demo-time` is adopted", "`data`: ", "[a]", "[b]"] {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert_eq!(told.matches("\n  - `").count(), 1, "nothing else changes: {told}");
        let (adopted, again) = host.applied("omni_config_patch", None, &config, plan).await.unwrap();
        assert_eq!(again, Vec::<String>::new(), "it was told");
        assert!(data(&host).contains("[b]"));
        assert_eq!(adopted.state.get("resource_version"), &Value::from("3"));
        // The removal of its former address comes late in the same apply.
        host.destroy("omni_config_patch", &adopted).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(host.object("ConfigPatches", PATCH).is_some(), "it has another owner by now");
        host.next_run().await;
        host.destroy("omni_config_patch", &adopted).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(host.object("ConfigPatches", PATCH).is_none());
    })
}

fn what_is_managed_is_never_taken_over() -> Result<(), Failed> {
    block(async {
        for (adopt, extra) in [(false, json!({})), (true, json!({ "data": "machine: {}" }))] {
            let host = Host::start(&[("adopt_existing", adopt.into())]).await;
            made(&host, "omni_config_patch", &patch("a")).await;
            host.next_run().await;
            let config = merged(&merged(&patch("b"), &extra), &json!({ "timeouts": { "create": "1s" } }));
            let config = host.config("omni_config_patch", &config);
            let (diags, kept) = host.apply("omni_config_patch", None, &config).await.expect_err("it is managed");
            let said = errors(&diags).join("\n");
            assert!(kept.is_none() && said.starts_with("name: Could not create config patch"), "{said}");
            for part in ["managed-by-gitops-tools = \"Terraform\"", "another state", "create_before_destroy", "`moved`"]
            {
                assert!(said.contains(part), "{part}: {said}");
            }
            assert!(data(&host).contains("[a]"), "it is as it was");
        }
    })
}

fn what_would_be_replaced_is_not_taken_over() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[("adopt_existing", true.into())]).await;
        made(&host, "omni_cluster", &cluster()).await;
        unmark(&host, "Clusters", "demo");
        host.next_run().await;
        let config = merged(&cluster(), &json!({ "features": { "disk_encryption": true } }));
        let config = host.config("omni_cluster", &config);
        let (diags, kept) = host.apply("omni_cluster", None, &config).await.expect_err("it cannot be encrypted");
        let said = errors(&diags).join("\n");
        assert!(kept.is_none() && said.starts_with("features: "), "{said}");
        assert!(said.contains("`features.disk_encryption`: false becomes true"), "{said}");
        let object = host.object("Clusters", "demo").unwrap();
        assert!(!object.annotations.contains_key("omni.sidero.dev/managed-by-gitops-tools"), "it is as it was");
    })
}

fn a_create_waits_for_another_address_to_let_go() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let old = made(&host, "omni_config_patch", &patch("a")).await;
        host.next_run().await;
        let config = host.config("omni_config_patch", &patch("b"));
        let remove = async {
            while !host.sim.requests().iter().any(|r| r.name() == "Watch") {
                tokio::task::yield_now().await;
            }
            host.destroy("omni_config_patch", &old).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        };
        let (made, ()) = tokio::join!(host.apply("omni_config_patch", None, &config), remove);
        made.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert!(data(&host).contains("[b]"));
    })
}

/// A host creates and removes in any order, or at the same time, also what has no annotation to tell whose it is.
fn what_moves_to_another_address_is_there_afterwards() -> Result<(), Failed> {
    block(async {
        let types = [
            ("omni_config_patch", patch("a")),
            ("omni_user", json!({ "email": "jane@example.org", "role": "Reader" })),
            ("omni_service_account", json!({ "name": "ci", "role": "Reader" })),
            ("omni_infra_provider", json!({ "name": "aws" })),
            // Omni does not let this one go.
            ("omni_infra_machine_config", json!({ "machine_id": inventory::id(1), "acceptance": "accepted" })),
        ];
        for (kind, config) in types {
            for order in ["created first", "removed first", "at once"] {
                let host = Host::start(&[]).await;
                let old = made(&host, kind, &config).await;
                host.next_run().await;
                let old = host.read(kind, &old).await.unwrap().unwrap();
                let config = host.config(kind, &config);
                host.plan_destroy(kind, &old).await.unwrap_or_else(|d| panic!("{kind}: {:?}", errors(&d)));
                let plan = host.plan(kind, None, &config).await;
                let plan = plan.unwrap_or_else(|d| panic!("{kind}: {:?}", errors(&d)));
                host.next_run().await;
                let create = host.apply_plan(kind, None, &config, plan);
                let remove = host.destroy(kind, &old);
                let (created, removed) = match order {
                    "created first" => {
                        let created = create.await;
                        (created, remove.await)
                    }
                    "removed first" => {
                        let removed = remove.await;
                        (create.await, removed)
                    }
                    _ => tokio::join!(create, remove),
                };
                removed.unwrap_or_else(|d| panic!("{kind}, {order}: {:?}", errors(&d)));
                let created = created.unwrap_or_else(|(d, _)| panic!("{kind}, {order}: {:?}", errors(&d)));
                host.next_run().await;
                settled(&host, kind, &created, &config, order).await;
            }
        }
    })
}

fn two_resources_of_one_state_are_told() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let held = made(&host, "omni_config_patch", &patch("a")).await;
        host.next_run().await;
        let [one, two] = [patch("a"), patch("b")].map(|config| host.config("omni_config_patch", &config));
        assert_eq!(host.plan("omni_config_patch", Some(&held), &one).await.unwrap().warnings, Vec::<String>::new());
        let plan = host.plan("omni_config_patch", Some(&held), &two).await.unwrap();
        let said = plan.warnings.join("\n");
        assert!(said.contains("is managed twice") && said.contains("differ in `data`"), "{said}");
    })
}

/// Takes off the mark by which the object is managed, as one that somebody made by hand.
fn unmark(host: &Host, kind: &str, id: &str) {
    host.edit(kind, id, |object| drop(object.annotations.remove("omni.sidero.dev/managed-by-gitops-tools")));
}

fn a_create_waits_for_its_predecessor_to_go() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, "omni_config_patch", &patch("a")).await;
        host.edit("ConfigPatches", PATCH, |object| {
            object.finalizers.push("Slow".into());
            object.tearing_down = true;
        });
        host.next_run().await;
        let config = host.config("omni_config_patch", &patch("b"));
        let release = async {
            // The create has met its predecessor once it watches it.
            while !host.sim.requests().iter().any(|r| r.name() == "Watch") {
                tokio::task::yield_now().await;
            }
            host.edit("ConfigPatches", PATCH, |object| object.finalizers.clear());
        };
        let (made, ()) = tokio::join!(host.apply("omni_config_patch", None, &config), release);
        made.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert!(data(&host).contains("[b]"));
    })
}

fn a_lost_answer_makes_nothing_twice() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        host.sim.faults().add(Fault::new("Create", Action::DropAfterwards));
        let instance = made(&host, "omni_config_patch", &patch("a")).await;
        assert_eq!(instance.state.get("resource_version"), &Value::from("1"), "written once");
        host.sim.faults().add(Fault::new("Update", Action::DropAfterwards));
        let config = host.config("omni_config_patch", &patch("b"));
        host.apply("omni_config_patch", Some(&instance), &config)
            .await
            .unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert_eq!(host.object("ConfigPatches", PATCH).unwrap().version, 2, "written once more");
        assert_eq!(host.sim.faults().left(), 0, "both faults struck");
    })
}

fn reads_that_lag_are_waited_for() -> Result<(), Failed> {
    block(async {
        let options = Options {
            mode: Mode::Auto { tick: Duration::from_millis(5) },
            lag: Duration::from_millis(300),
            ..Options::default()
        };
        let host = Host::with(options, &[]).await;
        made(&host, "omni_cluster", &cluster()).await;
        let set = json!({ "cluster": "demo", "role": "workers" });
        made(&host, "omni_machine_set", &set).await;
        let first = made(&host, "omni_config_patch", &patch("a")).await;
        let config = host.config("omni_config_patch", &patch("b"));
        let second = host
            .apply("omni_config_patch", Some(&first), &config)
            .await
            .unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        let read = host.read("omni_config_patch", &second).await.unwrap().unwrap();
        assert_eq!(read.state.get("data"), second.state.get("data"));
        assert_eq!(read.state.get("resource_version"), &Value::from("2"));
        host.destroy("omni_config_patch", &read).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(host.read("omni_config_patch", &read).await.unwrap().is_none());
    })
}

fn a_locked_cluster_is_named_in_the_plan() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let made = made(&host, "omni_cluster", &cluster()).await;
        host.edit("Clusters", "demo", |object| {
            drop(object.annotations.insert("omni.sidero.dev/cluster-locked".into(), String::new()))
        });
        let locked = host.read("omni_cluster", &made).await.unwrap().unwrap();
        let mut config = cluster();
        config["kubernetes_version"] = json!("1.36.2");
        // Others may unlock it before the apply, and what is wrong by then is no reason not to destroy anything.
        let plan = host.plan("omni_cluster", Some(&locked), &host.config("omni_cluster", &config)).await.unwrap();
        let said = plan.warnings.join("\n");
        assert!(said.starts_with("locked: ") && said.contains("locked = false"), "{said}");
        let (refused, _) = host
            .apply_plan("omni_cluster", Some(&locked), &host.config("omni_cluster", &config), plan)
            .await
            .expect_err("locked");
        assert!(errors(&refused)[0].starts_with("locked: Could not update"), "{:?}", errors(&refused));
        let set = host.config("omni_machine_set", &json!({ "cluster": "demo", "role": "workers" }));
        let plan = host.plan("omni_machine_set", None, &set).await.unwrap();
        assert!(plan.warnings[0].starts_with("cluster: Cluster `demo` is locked"), "{:?}", plan.warnings);
        let (refused, _) = host.apply_plan("omni_machine_set", None, &set, plan).await.expect_err("locked");
        assert!(errors(&refused)[0].starts_with("cluster: Could not create"), "{:?}", errors(&refused));
        host.next_run().await;
        config["locked"] = json!(false);
        host.apply("omni_cluster", Some(&locked), &host.config("omni_cluster", &config))
            .await
            .unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
    })
}

fn every_object_is_marked() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[
            ("managed_by", "Tofu".into()),
            ("labels", Value::Map([("team".to_owned(), Value::from("a"))].into())),
        ])
        .await;
        made(&host, "omni_config_patch", &patch("a")).await;
        let object = host.object("ConfigPatches", PATCH).unwrap();
        assert_eq!(object.annotations.get("omni.sidero.dev/managed-by-gitops-tools").map(String::as_str), Some("Tofu"));
        assert_eq!(object.label("team"), Some("a"));
    })
}

fn a_secret_patch_leaves_no_trace() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let secret = |server: &str| json!({ "name": "time", "cluster": "demo", "data_wo": format!("machine:\n  time:\n    servers: [{server}]\n") });
        let config = host.config("omni_config_patch", &secret("hidden-one"));
        let plan = host.plan("omni_config_patch", None, &config).await.unwrap();
        assert!(!format!("{plan:?}").contains("hidden-one"));
        let made = host
            .apply_plan("omni_config_patch", None, &config, plan)
            .await
            .unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        let made = settled(&host, "omni_config_patch", &made, &config, "create").await;
        assert!(data(&host).contains("hidden-one"), "it reached Omni");
        assert!(!format!("{made:?}").contains("hidden-one"), "{made:?}");
        let other = host.config("omni_config_patch", &secret("hidden-two"));
        let after = host
            .apply("omni_config_patch", Some(&made), &other)
            .await
            .unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert!(data(&host).contains("hidden-two"), "a change is seen by its hash");
        set_data(&host, "somebody");
        let read = host.read("omni_config_patch", &after).await.unwrap().unwrap();
        let plan = host.plan("omni_config_patch", Some(&read), &other).await.unwrap();
        assert_ne!(plan.planned, read.state, "drift of a secret is seen by its hash");
        assert!(!format!("{:?}", read.state).contains("somebody"));
    })
}

/// Earlier versions hashed scalars by value: `0022` as 18, `True` as true.
fn a_hash_of_an_earlier_version_is_no_change() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let digest = |text: &str| Sha256::digest(text).iter().map(|b| format!("{b:02x}")).collect::<String>();
        let old = digest(r#"[{"machine":{"sysctls":{"a":18,"b":true}}}]"#);
        for (name, attribute) in [("shown", "data"), ("hidden", "data_wo")] {
            let patch = |value: &str| {
                let text = format!("machine: {{sysctls: {{a: {value}, b: True}}}}\n");
                host.config("omni_config_patch", &json!({ "name": name, "cluster": "demo", attribute: text }))
            };
            let config = patch("0022");
            let applied = host.apply("omni_config_patch", None, &config).await;
            let mut held = applied.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
            held.state.set("data_hash", Value::from(old.as_str()));
            if attribute == "data" {
                let plan = host.plan("omni_config_patch", Some(&held), &config).await.unwrap();
                assert_eq!(plan.planned, held.state, "the text beside the hash is the same");
            }
            let read = host.read("omni_config_patch", &held).await.unwrap().unwrap();
            let plan = host.plan("omni_config_patch", Some(&read), &config).await.unwrap();
            assert_eq!(plan.planned, read.state, "{attribute}: the same text is no change");
            let plan = host.plan("omni_config_patch", Some(&read), &patch("18")).await.unwrap();
            assert_ne!(plan.planned, read.state, "{attribute}: another spelling is one");
        }
    })
}
