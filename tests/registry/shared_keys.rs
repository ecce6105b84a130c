//! Labels and annotations: those of the provider block, those of the resource, those of others;
//! and what is done when others change them, or anything else, between plan and apply.

use crate::defects::{cluster, made};
use crate::host::{Host, Instance, errors};
use crate::lifecycle::{block, settled};
use libtest_mimic::{Failed, Trial};
use omni_proto::specs;
use prost::Message;
use serde_json::{Value as Json, json};
use terraform_provider_omni::tf::value::Value;

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("labels_of_the_provider_block_are_planned", labels_of_the_provider_block_are_planned),
        ("a_key_moves_between_block_and_resource", a_key_moves_between_block_and_resource),
        ("a_null_key_is_not_set", a_null_key_is_not_set),
        ("labels_that_are_not_known_yet", labels_that_are_not_known_yet),
        ("an_import_finds_the_labels_of_the_block", an_import_finds_the_labels_of_the_block),
        ("a_key_of_the_resource_type_is_refused", a_key_of_the_resource_type_is_refused),
        ("a_key_that_the_plan_adds_is_guarded", a_key_that_the_plan_adds_is_guarded),
        ("a_key_is_guarded_after_an_import", a_key_is_guarded_after_an_import),
        ("keys_of_others_are_no_conflict", keys_of_others_are_no_conflict),
        ("the_same_change_by_others_is_no_conflict", the_same_change_by_others_is_no_conflict),
        ("stale_content_is_told_from_what_the_plan_changes", stale_content_is_told_from_what_the_plan_changes),
        ("a_lock_over_stale_content_names_the_cluster", a_lock_over_stale_content_names_the_cluster),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("shared_keys::{name}"), test)).collect()
}

const CLUSTER: &str = "omni_cluster";

fn map(entries: &[(&str, &str)]) -> Value {
    Value::Map(entries.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect())
}

fn block_of(labels: &[(&str, &str)]) -> Vec<(&'static str, Value)> {
    vec![("labels", map(labels))]
}

fn labelled(labels: Json) -> Json {
    let mut config = cluster();
    config["labels"] = labels;
    config
}

fn labels(host: &Host) -> Vec<(String, String)> {
    let object = host.object("Clusters", "demo").unwrap();
    object.labels.iter().filter(|(key, _)| !key.starts_with("omni.")).map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn pairs(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// What a plan changes.
async fn shown(host: &Host, prior: &Instance, config: &Json) -> Vec<String> {
    let plan = host.plan(CLUSTER, Some(prior), &host.config(CLUSTER, config)).await;
    let plan = plan.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
    let entries = plan.planned.entries().unwrap().iter();
    entries.filter(|(name, value)| prior.state.get(name) != *value).map(|(name, _)| name.clone()).collect()
}

async fn applied(host: &Host, prior: Option<&Instance>, config: &Json) -> Instance {
    let config = host.config(CLUSTER, config);
    let applied = host.apply(CLUSTER, prior, &config).await.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
    settled(host, CLUSTER, &applied, &config, "an apply").await
}

async fn read(host: &Host, instance: &Instance) -> Instance {
    host.read(CLUSTER, instance).await.unwrap_or_else(|d| panic!("{:?}", errors(&d))).unwrap()
}

fn labels_of_the_provider_block_are_planned() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&block_of(&[("team", "x"), ("env", "a")])).await;
        let config = labelled(json!({ "env": "b", "gpu": "" }));
        let made = applied(&host, None, &config).await;
        assert_eq!(labels(&host), pairs(&[("env", "b"), ("gpu", ""), ("team", "x")]), "the resource wins");
        assert_eq!(made.state.get("provider_labels"), &map(&[("team", "x")]));
        assert_eq!(made.state.get("labels"), &map(&[("env", "b"), ("gpu", "")]));

        // One that changes, one that comes.
        host.reconfigure(&block_of(&[("team", "y"), ("env", "a"), ("zone", "1")])).await;
        let found = read(&host, &made).await;
        assert_eq!(shown(&host, &found, &config).await, ["provider_labels"]);
        let changed = applied(&host, Some(&found), &config).await;
        assert_eq!(changed.state.get("provider_labels"), &map(&[("team", "y"), ("zone", "1")]));
        assert_eq!(labels(&host), pairs(&[("env", "b"), ("gpu", ""), ("team", "y"), ("zone", "1")]));

        // Drift is seen and repaired.
        host.edit("Clusters", "demo", |object| drop(object.labels.insert("team".into(), "drift".into())));
        let found = read(&host, &changed).await;
        assert_eq!(shown(&host, &found, &config).await, ["provider_labels"]);
        let repaired = applied(&host, Some(&found), &config).await;

        // One that leaves the block leaves the object, and those of others stay.
        host.edit("Clusters", "demo", |object| drop(object.labels.insert("theirs".into(), "1".into())));
        host.reconfigure(&[]).await;
        let found = read(&host, &repaired).await;
        assert_eq!(shown(&host, &found, &config).await, ["provider_labels"]);
        let bare = applied(&host, Some(&found), &config).await;
        assert_eq!(bare.state.get("provider_labels"), &Value::Null);
        assert_eq!(labels(&host), pairs(&[("env", "b"), ("gpu", ""), ("theirs", "1")]));
    })
}

fn a_key_moves_between_block_and_resource() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&block_of(&[("team", "x")])).await;
        let plain = applied(&host, None, &cluster()).await;
        assert_eq!(
            (plain.state.get("labels"), plain.state.get("provider_labels")),
            (&Value::Null, &map(&[("team", "x")]))
        );
        let own = applied(&host, Some(&plain), &labelled(json!({ "team": "own" }))).await;
        assert_eq!(own.state.get("provider_labels"), &Value::Null);
        assert_eq!(labels(&host), pairs(&[("team", "own")]));
        let back = applied(&host, Some(&own), &cluster()).await;
        assert_eq!(
            (back.state.get("labels"), back.state.get("provider_labels")),
            (&Value::Null, &map(&[("team", "x")]))
        );
        assert_eq!(labels(&host), pairs(&[("team", "x")]));
        // From the block into the resource in one go, with the same value.
        host.reconfigure(&[]).await;
        let moved = applied(&host, Some(&back), &labelled(json!({ "team": "x" }))).await;
        assert_eq!(
            (moved.state.get("labels"), moved.state.get("provider_labels")),
            (&map(&[("team", "x")]), &Value::Null)
        );
        assert_eq!(labels(&host), pairs(&[("team", "x")]));
    })
}

fn a_null_key_is_not_set() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&block_of(&[("env", "a")])).await;
        let made = applied(&host, None, &labelled(json!({ "env": null, "team": "t" }))).await;
        assert_eq!(labels(&host), pairs(&[("env", "a"), ("team", "t")]), "null leaves the one of the block");
        let gone = applied(&host, Some(&made), &labelled(json!({ "env": null, "team": null }))).await;
        assert_eq!(labels(&host), pairs(&[("env", "a")]));
        host.edit("Clusters", "demo", |object| drop(object.labels.insert("team".into(), "theirs".into())));
        let found = read(&host, &gone).await;
        assert_eq!(shown(&host, &found, &labelled(json!({ "env": null, "team": null }))).await, [""; 0]);
    })
}

fn labels_that_are_not_known_yet() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&block_of(&[("team", "x")])).await;
        let made = applied(&host, None, &cluster()).await;
        for labels in
            [Value::UNKNOWN, Value::Map([("team".to_owned(), Value::UNKNOWN), ("env".to_owned(), "e".into())].into())]
        {
            host.reconfigure(&[("labels", labels.clone())]).await;
            for prior in [None, Some(&made)] {
                host.next_run().await;
                let plan = host.plan(CLUSTER, prior, &host.config(CLUSTER, &cluster())).await;
                let plan = plan.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
                assert_eq!(plan.planned.get("provider_labels"), &labels);
            }
        }
        // A key of the resource that may still be null may leave room for one of the block.
        host.reconfigure(&block_of(&[("team", "x")])).await;
        let mut config = host.config(CLUSTER, &cluster());
        config.set("labels", Value::Map([("team".to_owned(), Value::UNKNOWN)].into()));
        let plan = host.plan(CLUSTER, Some(&made), &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(plan.planned.get("provider_labels").is_unknown());
    })
}

fn an_import_finds_the_labels_of_the_block() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&block_of(&[("team", "x")])).await;
        applied(&host, None, &labelled(json!({ "env": "b" }))).await;
        for config in [labelled(json!({ "env": "b" })), labelled(json!({ "env": "b", "team": "x" }))] {
            let imported = host.import(CLUSTER, "demo", None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
            assert_eq!(imported.state.get("provider_labels"), &map(&[("team", "x")]));
            assert_eq!(imported.state.get("labels"), &map(&[("env", "b")]));
            assert_eq!(shown(&host, &imported, &config).await, [""; 0], "{config}");
        }
    })
}

fn a_key_of_the_resource_type_is_refused() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let config = json!({ "name": "p", "cluster": "demo", "data": "machine: {}\n", "annotations": { "name": "x" } });
        let refused = host.plan("omni_config_patch", None, &host.config("omni_config_patch", &config)).await;
        let said = errors(&refused.expect_err("the patch writes it"));
        assert!(said[0].starts_with("annotations[\"name\"]: ") && said[0].contains("Remove `name`"), "{said:?}");
    })
}

/// Plans a change, lets somebody else change the object, and applies.
async fn raced(
    host: &Host,
    prior: &Instance,
    config: &Json,
    edit: impl FnOnce(&mut omni_sim::object::Object),
) -> Result<Instance, String> {
    let config = host.config(CLUSTER, config);
    let plan = host.plan(CLUSTER, Some(prior), &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
    host.edit("Clusters", "demo", edit);
    let applied = host.apply_plan(CLUSTER, Some(prior), &config, plan).await;
    applied.map_err(|(diags, _)| errors(&diags).join("\n"))
}

fn a_key_that_the_plan_adds_is_guarded() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let made = made(&host, CLUSTER, &labelled(json!({ "env": "b" }))).await;
        for (config, before, says) in [
            // One that was not there.
            (labelled(json!({ "env": "b", "team": "ours" })), "team", "had nothing, version"),
            // One that is there and is to change.
            (labelled(json!({ "env": "c" })), "env", "had \"b\", version"),
            // One that goes.
            (cluster(), "env", "had \"b\", version"),
        ] {
            let said = raced(&host, &made, &config, |o| drop(o.labels.insert(before.into(), "theirs".into()))).await;
            let said = said.expect_err("somebody was faster");
            assert!(said.starts_with(&format!("labels[\"{before}\"]: ")), "{said}");
            for part in [says, "has \"theirs\"", "Plan again", "on_conflict"] {
                assert!(said.contains(part), "{part}: {said}");
            }
            assert!(labels(&host).contains(&(before.to_owned(), "theirs".to_owned())), "nothing was written");
            host.edit("Clusters", "demo", |object| {
                object.labels.remove("team");
                object.labels.insert("env".into(), "b".into());
            });
        }
    })
}

fn a_key_is_guarded_after_an_import() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, CLUSTER, &labelled(json!({ "env": "b" }))).await;
        let imported = host.import(CLUSTER, "demo", None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let mut config = labelled(json!({ "env": "b" }));
        config["annotations"] = json!({ "note": "ours" });
        let said = raced(&host, &imported, &config, |object| {
            object.labels.insert("env".into(), "theirs".into());
            object.annotations.insert("note".into(), "theirs".into());
        });
        let said = said.await.expect_err("somebody was faster");
        for part in ["`labels[\"env\"]`: version", "had \"b\"", "`annotations[\"note\"]`: version", "had nothing"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    })
}

fn keys_of_others_are_no_conflict() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let made = made(&host, CLUSTER, &labelled(json!({ "env": "b" }))).await;
        let config = labelled(json!({ "env": "c" }));
        let after = raced(&host, &made, &config, |object| {
            object.labels.insert("theirs".into(), "1".into());
            object.annotations.insert("theirs".into(), "1".into());
        });
        after.await.unwrap_or_else(|said| panic!("{said}"));
        assert_eq!(labels(&host), pairs(&[("env", "c"), ("theirs", "1")]));
    })
}

fn the_same_change_by_others_is_no_conflict() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let made = made(&host, CLUSTER, &labelled(json!({ "env": "b" }))).await;
        let mut config = labelled(json!({ "env": "c" }));
        config["kubernetes_version"] = json!("1.36.2");
        let upgrade = |version: &'static str| {
            move |object: &mut omni_sim::object::Object| {
                object.labels.insert("env".into(), "c".into());
                let mut spec: specs::ClusterSpec = object.spec();
                spec.kubernetes_version = version.into();
                object.spec = spec.encode_to_vec();
            }
        };
        let said = raced(&host, &made, &config, upgrade("1.35.2")).await.expect_err("another version");
        assert!(said.starts_with("kubernetes_version: ") && !said.contains("labels"), "{said}");
        host.edit("Clusters", "demo", |object| {
            upgrade("1.35.1")(object);
            object.labels.insert("env".into(), "b".into());
        });
        let made = read(&host, &made).await;
        raced(&host, &made, &config, upgrade("1.36.2")).await.unwrap_or_else(|said| panic!("{said}"));
        let user = json!({ "email": "ada@example.org", "role": "Reader" });
        let ada = crate::defects::made(&host, "omni_user", &user).await;
        let other = host.config("omni_user", &json!({ "email": "ada@example.org", "role": "Operator" }));
        let plan = host.plan("omni_user", Some(&ada), &other).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let same = host.apply("omni_user", Some(&ada), &other).await;
        same.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        let again = host.apply_plan("omni_user", Some(&ada), &other, plan).await;
        again.unwrap_or_else(|(d, _)| panic!("somebody has given the role already: {:?}", errors(&d)));
    })
}

fn stale_content_is_told_from_what_the_plan_changes() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let mut config = labelled(json!({ "env": "b" }));
        config["backup_interval"] = json!("2h");
        let made = made(&host, CLUSTER, &config).await;
        config["labels"] = json!({ "env": "c" });
        let wanted = host.config(CLUSTER, &config);
        let plan = host.plan(CLUSTER, Some(&made), &wanted).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let mut both = config.clone();
        both["features"] = json!({ "enable_workload_proxy": true });
        let both = host.config(CLUSTER, &both);
        let plan_of_both = host.plan(CLUSTER, Some(&made), &both).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        // The instance has other limits by now, and checks the whole object with every update.
        host.edit("FeaturesConfigs", "features-config", |object| {
            let mut spec: specs::FeaturesConfigSpec = object.spec();
            let hours = |n: i64| Some(prost_types::Duration { seconds: n * 3600, nanos: 0 });
            let settings = spec.etcd_backup_settings.get_or_insert_default();
            (settings.min_interval, settings.max_interval) = (hours(6), hours(24));
            object.spec = spec.encode_to_vec();
        });
        let refused = host.apply_plan(CLUSTER, Some(&made), &wanted, plan).await;
        let said = errors(&refused.expect_err("the interval is too short by now").0).join("\n");
        let old = "This is not changed by the plan: cluster `demo` already has it in `backup_interval`";
        for part in ["backup interval", old, "Set `backup_interval` to", "then update the cluster"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!said.contains("Correct the configuration"), "{said}");
        // Beside another change too, what is not changed is told from what is.
        let refused = host.apply_plan(CLUSTER, Some(&made), &both, plan_of_both).await;
        let said = errors(&refused.expect_err("the interval is still too short").0).join("\n");
        assert!(said.contains("already has this `backup_interval`"), "{said}");
        config["backup_interval"] = json!("8h");
        let after = host.apply(CLUSTER, Some(&made), &host.config(CLUSTER, &config)).await;
        after.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert_eq!(labels(&host), pairs(&[("env", "c")]));
    })
}

/// A lock that the run itself has set is lifted for what comes after it; where Omni refuses that, the cluster is the reason.
fn a_lock_over_stale_content_names_the_cluster() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let mut config = labelled(json!({}));
        config["backup_interval"] = json!("2h");
        let made = made(&host, CLUSTER, &config).await;
        host.next_run().await;
        config["locked"] = json!(true);
        let locked = host.apply(CLUSTER, Some(&made), &host.config(CLUSTER, &config)).await;
        locked.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        host.edit("FeaturesConfigs", "features-config", |object| {
            let mut spec: specs::FeaturesConfigSpec = object.spec();
            let settings = spec.etcd_backup_settings.get_or_insert_default();
            settings.min_interval = Some(prost_types::Duration { seconds: 6 * 3600, nanos: 0 });
            settings.max_interval = Some(prost_types::Duration { seconds: 24 * 3600, nanos: 0 });
            object.spec = spec.encode_to_vec();
        });
        let set = host.config("omni_machine_set", &json!({ "cluster": "demo", "role": "workers" }));
        let refused = host.apply("omni_machine_set", None, &set).await;
        let said = errors(&refused.expect_err("the lock cannot be lifted").0).join("\n");
        for part in [
            "machine set",
            "requires changing the lock of cluster `demo`",
            "cluster `demo` already has it in `backup_interval`",
            "Set `backup_interval` to",
            "-target",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    })
}
