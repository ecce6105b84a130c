//! What the plan of a cluster template says of changes that destroy something, or that Omni refuses half-way, and what their apply says.

use crate::cluster_templates::{HEAD, TEMPLATE, config, created, planned, read, start, template, updated};
use crate::host::{Host, Instance, errors};
use crate::lifecycle::block;
use libtest_mimic::{Failed, Trial};
use serde_json::json;

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("a_control_plane_is_checked_like_its_resources", a_control_plane_is_checked_like_its_resources),
        ("what_omni_refuses_half_way_is_told_at_plan", what_omni_refuses_half_way_is_told_at_plan),
        ("a_locked_cluster_names_the_action", a_locked_cluster_names_the_action),
        ("an_upgrade_names_the_machines_that_hold_it_up", an_upgrade_names_the_machines_that_hold_it_up),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("template_checks::{name}"), test)).collect()
}

/// What a plan says: its warnings, or the errors that end it.
async fn said(host: &Host, prior: Option<&Instance>, text: &str) -> Vec<String> {
    host.next_run().await;
    let planned = host.plan(TEMPLATE, prior, &config(host, text)).await;
    planned.map_or_else(|diags| errors(&diags), |plan| plan.warnings)
}

fn a_control_plane_is_checked_like_its_resources() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let [one, worker, free] = [0, 1, 2].map(|n| host.machines()[n].clone());
        let text = |planes: &str, workers: &str| {
            format!("{HEAD}---\nkind: ControlPlane\n{planes}\n---\nkind: Workers\nmachines: [{workers}]\n")
        };
        let of = |machines: &str| text(&format!("machines: [{machines}]"), &worker);
        let none = said(&host, None, &of("")).await;
        assert!(none.len() == 1 && none[0].contains("template: Control plane would have no machines"), "{none:#?}");
        host.next_run().await;
        let by_class = said(&host, None, &text("machineClass: {name: nope, size: 2}", &worker)).await;
        assert!(by_class.iter().any(|told| told.contains("would have an even number of machines: 2")), "{by_class:#?}");
        host.next_run().await;
        let before = read(&host, &created(&host, &of(&one)).await).await;
        let lost = "template: Cluster `tmpl` would lose its last control plane";
        for (text, told) in [
            (of(""), &[lost, "give the control plane another machine first"][..]),
            (of(&free), &[lost, "remove the old ones in a later apply"][..]),
            (text(&format!("machines: [{free}]"), &format!("{worker}, {one}")), &[lost, "in a later apply"][..]),
            (of(&format!("{one}, {free}")), &["template: Control plane would have an even number of machines: 2"][..]),
            (of(&one) + "---\nkind: Workers\nname: edge\nmachines: []\n", &[][..]),
        ] {
            host.next_run().await;
            let said = said(&host, Some(&before), &text).await;
            let about: Vec<_> = said.iter().filter(|line| line.to_lowercase().contains("control plane")).collect();
            assert_eq!(about.len(), usize::from(!told.is_empty()), "{text}: {said:#?}");
            assert!(told.iter().all(|part| about[0].contains(part)), "{text}: {said:#?}");
        }
    })
}

/// What the apply of a plan says.
async fn refused(host: &Host, prior: &Instance, text: &str) -> String {
    let plan = planned(host, prior, text).await;
    let (diags, _) = host.apply_plan(TEMPLATE, Some(prior), &config(host, text), plan).await.expect_err("refused");
    errors(&diags).join("\n")
}

/// Omni refuses these after the sync has made its other changes.
fn what_omni_refuses_half_way_is_told_at_plan() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let [one, worker, free] = [0, 1, 2].map(|n| host.machines()[n].clone());
        let text = |workers: &str, more: &str| {
            format!("{HEAD}---\nkind: ControlPlane\nmachines: [{one}]\n---\nkind: Workers\n{workers}\n{more}")
        };
        let of = |machines: &str| text(&format!("machines: [{machines}]"), "");
        let lock = format!("---\nkind: Machine\nname: {worker}\nlocked: true\n");
        let about = |lines: &[String], what: &str| {
            let found: Vec<String> = lines.iter().filter(|line| line.contains(what)).cloned().collect();
            assert_eq!(found.len(), 1, "{what}: {lines:#?}");
            found[0].clone()
        };
        let locked = format!("template: Machine `{worker}` is locked");

        // The lock is the template's own: an error, also where the machine moves.
        let own = text(&format!("machines: [{worker}]"), &lock);
        let before = read(&host, &created(&host, &own).await).await;
        let other = format!("---\nkind: Workers\nname: other\nmachines: [{worker}]\n");
        for gone in [of(""), text("machines: []", &other)] {
            host.next_run().await;
            let diags = host.plan(TEMPLATE, Some(&before), &config(&host, &gone)).await.expect_err("it stays");
            assert!(about(&errors(&diags), &locked).contains("set `locked: false`"), "{gone}");
        }
        let before = updated(&host, &before, &of(&worker)).await;
        let before = updated(&host, &read(&host, &before).await, &of(&format!("{worker}, {free}"))).await;

        // The lock is of others.
        host.edit("MachineSetNodes", &worker, |node| {
            node.annotations.insert("omni.sidero.dev/locked".into(), String::new());
        });
        let before = read(&host, &before).await;
        let advice = "the action `omni_machine_unlock`";
        assert!(about(&said(&host, Some(&before), &of(&free)).await, &locked).contains(advice));
        let told = refused(&host, &before, &of(&free)).await;
        assert!(told.contains("machine set node is locked") && told.contains(advice), "{told}");
        host.edit("MachineSetNodes", &worker, |node| drop(node.annotations.remove("omni.sidero.dev/locked")));

        // The machines leave in the same apply, and too late.
        let by_class = text("machineClass: {name: nope, size: 1}", "");
        let before = read(&host, &before).await;
        let advice = "Remove the machines first, in a separate apply";
        let still = "template: The machine set still has machines";
        assert!(about(&said(&host, Some(&before), &by_class).await, still).contains(advice));
        let told = refused(&host, &before, &by_class).await;
        assert!(told.contains("using manual nodes management") && told.contains(advice), "{told}");
    })
}

fn a_locked_cluster_names_the_action() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let before = read(&host, &created(&host, &template(&host, "a.example")).await).await;
        host.edit("Clusters", "tmpl", |cluster| {
            cluster.annotations.insert("omni.sidero.dev/cluster-locked".into(), String::new());
        });
        let text = template(&host, "a.example").replace("v1.13.5", "v1.13.8");
        let advice = "with the action `omni_cluster_unlock`";
        let told = said(&host, Some(&before), &text).await;
        assert!(told.iter().any(|line| line.contains("is locked") && line.contains(advice)), "{told:#?}");
        let told = refused(&host, &before, &text).await;
        assert!(told.contains("is locked") && told.contains(advice), "{told}");
        assert!(!told.contains("omni_cluster`") && !told.contains("locked = false"), "{told}");
    })
}

fn an_upgrade_names_the_machines_that_hold_it_up() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let worker = host.machines()[1].clone();
        let plain = template(&host, "a.example");
        let lock = format!("---\nkind: Machine\nname: {worker}\nlocked: true\n");
        let before = read(&host, &created(&host, &(plain.clone() + &lock)).await).await;
        let newer = plain.replace("v1.13.5", "v1.13.8");
        for (text, wait_for, is_told) in [
            (newer.clone() + &lock, "running", true),
            (newer.clone() + &lock, "none", false),
            // The same apply unlocks it, before it waits.
            (newer, "running", false),
            (plain + &lock, "running", false),
        ] {
            host.next_run().await;
            let config = host.config(TEMPLATE, &json!({ "template": text, "wait_for": wait_for }));
            let plan = host.plan(TEMPLATE, Some(&before), &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
            let told = |line: &String| line.contains("keep the upgrade to Talos 1.13.8 from ending");
            let about: Vec<_> = plan.warnings.iter().filter(|line| told(line)).collect();
            assert_eq!(about.len(), usize::from(is_told), "{wait_for}: {text}: {:#?}", plan.warnings);
            assert!(about.iter().all(|line| line.starts_with("template: ") && line.contains(&worker)), "{about:#?}");
        }
    })
}
