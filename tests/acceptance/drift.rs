//! What others change: shown field by field, refused between plan and apply, and kept where it is none of ours.

use crate::diagnostic::Diagnostic;
use crate::omni::Omni;
use crate::plan::{Action, Plan};
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use omni_proto::specs::{ClusterSpec, ConfigPatchSpec, MachineSetSpec, cluster_spec, machine_set_spec};
use omni_sim::kinds;
use serde_json::{Value, json};

tests![
    drift_is_shown_field_by_field,
    a_late_change_is_refused_with_values_and_versions,
    a_late_change_is_overwritten_when_told_to,
    a_late_touch_of_others_is_no_conflict,
    what_a_newer_omni_keeps_in_nested_fields_survives,
];

fn applied(context: &Context) -> Outcome<(Omni, Workspace)> {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", CLUSTER)?;
    workspace.apply()?;
    // Omni goes on working for a moment, and what it reports is shown too.
    omni.settle()?;
    workspace.refresh()?;
    Ok((omni, workspace))
}

/// The resource as the host found it, against the state.
fn drifted<'a>(plan: &'a Plan, address: &str) -> Outcome<(&'a Value, &'a Value)> {
    let all = plan.0["resource_drift"].as_array().into_iter().flatten();
    let found = all.into_iter().find(|r| r["address"] == address).ok_or_else(|| format!("no drift of {address}"))?;
    Ok((&found["change"]["before"], &found["change"]["after"]))
}

/// The attributes that differ.
fn differing(before: &Value, after: &Value) -> Vec<String> {
    let all = before.as_object().into_iter().flatten();
    all.filter(|(name, value)| &after[name.as_str()] != *value).map(|(name, _)| name.clone()).collect()
}

fn drift_is_shown_field_by_field(context: &Context) -> Outcome {
    let (omni, workspace) = applied(context)?;
    omni.change("Clusters", "demo", |spec: &mut ClusterSpec| {
        "1.36.3".clone_into(&mut spec.kubernetes_version);
        spec.features.get_or_insert_default().enable_workload_proxy = true;
    })?;
    let key = kinds::key("Clusters.omni.sidero.dev", "demo");
    omni.store().modify(&key, |object| {
        object.labels.insert("purpose".to_owned(), "theirs".to_owned());
        object.labels.insert("another".to_owned(), "theirs".to_owned());
    });
    omni.change("MachineSets", "demo-workers", |spec: &mut MachineSetSpec| {
        spec.delete_strategy = machine_set_spec::UpdateStrategy::Rolling.into();
    })?;
    omni.change("ConfigPatches", "400-demo-time", |spec: &mut ConfigPatchSpec| {
        spec.compressed_data.clear();
        "machine:\n  time:\n    disabled: true\n".clone_into(&mut spec.data);
    })?;
    omni.settle()?;

    let output = workspace.run(["plan", "-refresh-only", "-no-color", "-input=false"])?.success()?;
    for line in [
        "~ kubernetes_version = \"1.36.2\" -> \"1.36.3\"",
        "~ enable_workload_proxy = false -> true",
        "~ \"purpose\" = \"demo\" -> \"theirs\"",
        "~ type = \"Unset\" -> \"Rolling\"",
        "disabled: true",
    ] {
        let shown = output.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(line), "{line:?} is not in {output}");
    }
    assert!(!output.stdout.contains("another"), "{output}");

    let plan = workspace.plan_with("drift.tfplan", &["-refresh-only"])?;
    let drift = plan.drift();
    let expected = ["omni_cluster.demo", "omni_config_patch.time", "omni_machine_set.workers"];
    assert_eq!(drift.keys().copied().collect::<Vec<_>>(), expected);
    assert!(drift.values().all(|a| *a == Action::Update), "{drift:?}");
    let (before, after) = drifted(&plan, "omni_cluster.demo")?;
    assert_eq!(differing(before, after), ["features", "kubernetes_version", "labels", "resource_version"]);
    assert_eq!(differing(&before["features"], &after["features"]), ["enable_workload_proxy"], "{before} {after}");
    let (before, after) = drifted(&plan, "omni_machine_set.workers")?;
    assert_eq!(differing(before, after), ["delete_strategy", "resource_version"]);
    let (before, after) = drifted(&plan, "omni_config_patch.time")?;
    assert_eq!(differing(before, after), ["data", "resource_version"]);

    // Taken into the state, the same shows as what the configuration would change back.
    workspace.apply_plan("drift.tfplan")?.success()?;
    let plan = workspace.plan_out("repair.tfplan")?;
    assert_eq!(plan.drift(), Default::default());
    assert_eq!(plan.before("omni_cluster.demo")["kubernetes_version"], json!("1.36.3"));
    assert_eq!(plan.after("omni_cluster.demo")["kubernetes_version"], json!("1.36.2"));
    workspace.apply_plan("repair.tfplan")?.success()?;
    workspace.plan()?.must_be_empty()?;
    let labels = omni.store().get(&key).ok_or("no cluster")?.labels.clone();
    assert_eq!((labels["purpose"].as_str(), labels["another"].as_str()), ("demo", "theirs"));
    Ok(())
}

/// A plan of a change that somebody else's change overtakes; returns the versions before and after that.
fn overtaken(omni: &Omni, workspace: &Workspace) -> Outcome<(u64, u64)> {
    let key = kinds::key("Clusters.omni.sidero.dev", "demo");
    let version = || omni.store().get(&key).map(|o| o.version).ok_or("no cluster");
    let before = version()?;
    workspace.plan_out("late.tfplan")?;
    omni.change("Clusters", "demo", |spec: &mut ClusterSpec| {
        "1.13.8".clone_into(&mut spec.talos_version);
        spec.features.get_or_insert_default().use_embedded_discovery_service = true;
    })?;
    Ok((before, version()?))
}

fn a_late_change_is_refused_with_values_and_versions(context: &Context) -> Outcome {
    let (omni, workspace) = applied(context)?;
    workspace.write("main.tf", &CLUSTER.replace("1.36.2", "1.36.3"))?;
    let (before, after) = overtaken(&omni, &workspace)?;
    assert_ne!(before, after);
    let error = Diagnostic::only_error(&workspace.apply_plan("late.tfplan")?.failure()?)?;
    for part in [
        format!("`talos_version`: version {before} had \"1.13.5\", version {after} has \"1.13.8\""),
        format!("`features.use_embedded_discovery_service`: version {before} had false, version {after} has true"),
        "on_conflict".to_owned(),
    ] {
        assert!(error.text().contains(&part), "{part:?} is not in {error:#?}");
    }
    let spec: ClusterSpec = omni.spec("Clusters", "demo");
    assert_eq!((spec.talos_version.as_str(), spec.kubernetes_version.as_str()), ("1.13.8", "1.36.2"));

    // Planning again, as the message says, shows the difference and goes through.
    let plan = workspace.plan_out("again.tfplan")?;
    assert_eq!(plan.before("omni_cluster.demo")["talos_version"], json!("1.13.8"));
    workspace.apply_plan("again.tfplan")?.success()?;
    workspace.plan()?.must_be_empty()
}

fn a_late_change_is_overwritten_when_told_to(context: &Context) -> Outcome {
    let (omni, workspace) = applied(context)?;
    let changed = CLUSTER.replace("1.36.2", "1.36.3");
    workspace.write("main.tf", &format!("provider \"omni\" {{\n  on_conflict = \"overwrite\"\n}}\n{changed}"))?;
    overtaken(&omni, &workspace)?;
    workspace.apply_plan("late.tfplan")?.success()?;
    let spec: ClusterSpec = omni.spec("Clusters", "demo");
    assert_eq!((spec.talos_version.as_str(), spec.kubernetes_version.as_str()), ("1.13.5", "1.36.3"));
    assert!(!spec.features.unwrap_or_default().use_embedded_discovery_service);
    workspace.plan()?.must_be_empty()
}

fn a_late_touch_of_others_is_no_conflict(context: &Context) -> Outcome {
    let (omni, workspace) = applied(context)?;
    workspace.write("main.tf", &CLUSTER.replace("1.36.2", "1.36.3"))?;
    workspace.plan_out("late.tfplan")?;
    // As a controller or a colleague might: nothing of it is in the configuration.
    let key = kinds::key("Clusters.omni.sidero.dev", "demo");
    omni.store().add_finalizer(&key, "SomebodyElsesController").ok_or("no cluster")?;
    omni.store().modify(&key, |object| {
        object.labels.insert("team".to_owned(), "them".to_owned());
        object.annotations.insert("note".to_owned(), "theirs".to_owned());
    });
    workspace.apply_plan("late.tfplan")?.success()?;
    let object = omni.store().get(&key).ok_or("no cluster")?;
    assert_eq!(object.spec::<ClusterSpec>().kubernetes_version, "1.36.3");
    assert!(object.finalizers.contains(&"SomebodyElsesController".to_owned()));
    assert_eq!((object.label("team"), object.annotations["note"].as_str()), (Some("them"), "theirs"));
    workspace.plan()?.must_be_empty()
}

fn what_a_newer_omni_keeps_in_nested_fields_survives(context: &Context) -> Outcome {
    // Field 1999 as a number.
    const UNKNOWN: [u8; 3] = [0xf8, 0x7c, 7];
    let (omni, workspace) = applied(context)?;
    let key = kinds::key("Clusters.omni.sidero.dev", "demo");
    // The features are field 4 of the cluster; a second part of a message is merged into the first.
    let (features, length) = ((4 << 3) | 2, u8::try_from(UNKNOWN.len())?);
    omni.store()
        .modify(&key, |object| object.spec.extend([&[features, length], &UNKNOWN[..]].concat()))
        .ok_or("no cluster")?;
    let workers = kinds::key("MachineSets.omni.sidero.dev", "demo-workers");
    omni.store().modify(&workers, |object| object.spec.extend(UNKNOWN)).ok_or("no set")?;

    let changed = CLUSTER
        .replace("{ enable_workload_proxy = false }", "{ enable_workload_proxy = true }")
        .replace("max_parallelism = 2", "max_parallelism = 3");
    workspace.write("main.tf", &changed)?;
    workspace.apply()?;
    let object = omni.store().get(&key).ok_or("no cluster")?;
    let wanted = cluster_spec::Features { enable_workload_proxy: true, ..Default::default() };
    assert_eq!(object.spec::<ClusterSpec>().features, Some(wanted));
    assert!(object.spec.windows(3).any(|w| w == UNKNOWN), "{:x?}", object.spec);
    let object = omni.store().get(&workers).ok_or("no set")?;
    let strategy = object.spec::<MachineSetSpec>().update_strategy_config.and_then(|c| c.rolling);
    assert_eq!(strategy.map(|r| r.max_parallelism), Some(3));
    assert!(object.spec.windows(3).any(|w| w == UNKNOWN), "{:x?}", object.spec);
    workspace.plan()?.must_be_empty()
}

const CLUSTER: &str = r#"
resource "omni_cluster" "demo" {
  name               = "demo"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
  features           = { enable_workload_proxy = false }
  labels             = { purpose = "demo" }
}

resource "omni_machine_set" "workers" {
  cluster         = omni_cluster.demo.name
  role            = "workers"
  update_strategy = { type = "Rolling", max_parallelism = 2 }
}

resource "omni_config_patch" "time" {
  name    = "time"
  cluster = omni_cluster.demo.name
  data    = "machine:\n  time:\n    servers: [time.example.org]\n"
}
"#;
