//! Objects of a cluster template that change hands: between it and other resources, and with an import.

use crate::cluster_templates::{
    MANAGED_BY, PART_OF, PATCH, TEMPLATE, config, created, data, has, ntp, patch_spec, planned, put, read, start,
    template, updated,
};
use crate::host::{Host, Instance, errors};
use crate::lifecycle::{block, destroyed_and_kept, settled};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};
use std::time::Duration;
use terraform_provider_omni::tf::value::Value;

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("a_part_that_another_resource_imports_is_its_own", a_part_that_another_resource_imports_is_its_own),
        ("a_part_that_leaves_and_stays_is_told", a_part_that_leaves_and_stays_is_told),
        ("a_part_of_an_unknown_template_stays", a_part_of_an_unknown_template_stays),
        ("a_set_leaves_with_its_nodes", a_set_leaves_with_its_nodes),
        ("a_part_is_not_destroyed_and_kept", a_part_is_not_destroyed_and_kept),
        ("a_destroy_of_everything_is_not_stopped", a_destroy_of_everything_is_not_stopped),
        ("a_set_that_leaves_its_nodes_behind_is_told", a_set_that_leaves_its_nodes_behind_is_told),
        ("an_import_marks_its_parts_with_the_first_write", an_import_marks_its_parts_with_the_first_write),
        ("an_import_tells_what_it_takes_from_others", an_import_tells_what_it_takes_from_others),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("template_parts::{name}"), test)).collect()
}

/// The same with patches that change hands.
fn handing(host: &Host, text: &str, patches: &[&str]) -> Value {
    let names: Vec<String> = patches.iter().map(|id| format!("ConfigPatches/{id}")).collect();
    host.config(TEMPLATE, &json!({ "template": text, "hand_over": names }))
}

/// Templates are left step by step.
fn a_part_that_another_resource_imports_is_its_own() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let before = read(&host, &created(&host, &template(&host, "a.example")).await).await;
        let without = template(&host, "a.example").replace(&ntp("a.example"), "");
        let resource = "omni_config_patch";
        let taken = host.config(resource, &a_patch(&host));
        let imported = host.import(resource, PATCH, None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let plan = host.plan(TEMPLATE, Some(&before), &handing(&host, &without, &[PATCH])).await;
        let plan = plan.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let kept = host.plan(resource, Some(&imported), &taken).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!((kept.warnings, &kept.planned), (Vec::new(), &imported.state));
        // The apply is another process, and for a saved plan nothing tells it of the import.
        host.next_run().await;
        let after = host.apply_plan(TEMPLATE, Some(&before), &handing(&host, &without, &[PATCH]), plan).await;
        let after = after.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert!(host.object("ConfigPatches", PATCH).is_some(), "it stays");
        assert!(!has(&host, "ConfigPatches", PATCH, PART_OF), "it is no part");
        assert!(has(&host, "ConfigPatches", PATCH, MANAGED_BY));
        settled(&host, TEMPLATE, &after, &handing(&host, &without, &[PATCH]), "a part is given away").await;
        let after = updated(&host, &after, &without).await;
        let after = settled(&host, TEMPLATE, &after, &config(&host, &without), "it was given away before").await;
        settled(&host, resource, &imported, &taken, "a part is taken").await;
        host.next_run().await;

        // And back, when its resource has been removed from the state only.
        let text = template(&host, "a.example");
        let refused = host.plan(TEMPLATE, Some(&after), &config(&host, &text)).await;
        let refused = refused.map_or_else(|d| errors(&d), |plan| plan.warnings).join("\n");
        assert!(refused.contains("is managed by another resource") && refused.contains("to `hand_over`"), "{refused}");
        host.next_run().await;
        let back = host.apply(TEMPLATE, Some(&after), &handing(&host, &text, &[PATCH])).await;
        let back = back.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert!(has(&host, "ConfigPatches", PATCH, PART_OF), "it is a part");
        settled(&host, TEMPLATE, &back, &handing(&host, &text, &[PATCH]), "a part is back").await;
        let back = updated(&host, &back, &text).await;
        settled(&host, TEMPLATE, &back, &config(&host, &text), "it was back before").await;
    })
}

/// The patch of the template as a resource.
fn a_patch(host: &Host) -> Json {
    json!({ "name": "ntp", "weight": 200, "id_override": PATCH, "cluster": "tmpl", "data": data(host, PATCH) })
}

/// The same, imported in another run.
async fn imported(host: &Host) -> Instance {
    host.next_run().await;
    host.import("omni_config_patch", PATCH, None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)))
}

/// Without `hand_over` one process could not know that the object stays, whichever of the two is planned first.
fn a_part_that_leaves_and_stays_is_told() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let before = read(&host, &created(&host, &template(&host, "a.example")).await).await;
        let without = config(&host, &template(&host, "a.example").replace(&ntp("a.example"), ""));
        let resource = "omni_config_patch";
        let taken = host.config(resource, &a_patch(&host));
        for first in [TEMPLATE, resource] {
            let imported = imported(&host).await;
            let plans = [(TEMPLATE, &before, &without), (resource, &imported, &taken)];
            let (one, other) = if first == TEMPLATE { (0, 1) } else { (1, 0) };
            let plan = |n: usize| host.plan(plans[n].0, Some(plans[n].1), plans[n].2);
            plan(one).await.unwrap_or_else(|d| panic!("{first}: {:?}", errors(&d)));
            let said = errors(&plan(other).await.expect_err("it would be destroyed"));
            assert!(
                said.len() == 1
                    && said[0].contains("`ConfigPatches/200-cluster-tmpl-ntp` is destroyed and kept")
                    && said[0].contains("add \"ConfigPatches/200-cluster-tmpl-ntp\" to `hand_over`"),
                "{first}: {said:?}"
            );
        }
    })
}

/// While the template is not known, nothing says that an object leaves it.
fn a_part_of_an_unknown_template_stays() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let before = read(&host, &created(&host, &template(&host, "a.example")).await).await;
        let resource = "omni_config_patch";
        let imported = imported(&host).await;
        let mut unknown = config(&host, "");
        unknown.set("template", Value::UNKNOWN);
        host.plan(TEMPLATE, Some(&before), &unknown).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let taken = host.config(resource, &a_patch(&host));
        host.plan(resource, Some(&imported), &taken).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
    })
}

/// A set that leaves takes the nodes along that are named; the others are destroyed.
fn a_set_leaves_with_its_nodes() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let before = read(&host, &created(&host, &template(&host, "a.example")).await).await;
        let whole = template(&host, "a.example");
        let without = whole[..whole.find("---\nkind: Workers").unwrap()].to_owned()
            + "---\nkind: Workers\nname: other\nmachines: []\n";
        let node = host.machines()[1].clone();
        let parts = json!(["MachineSets/tmpl-workers", format!("MachineSetNodes/{node}")]);
        let leaving = host.config(TEMPLATE, &json!({ "template": without, "hand_over": parts }));
        host.next_run().await;
        let after = host.apply(TEMPLATE, Some(&before), &leaving).await;
        let after = after.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        for (kind, id) in [("MachineSets", "tmpl-workers"), ("MachineSetNodes", node.as_str())] {
            assert!(has(&host, kind, id, MANAGED_BY) && !has(&host, kind, id, PART_OF), "{kind}");
        }
        settled(&host, TEMPLATE, &after, &leaving, "a set has left").await;
        let after = updated(&host, &after, &without).await;
        settled(&host, TEMPLATE, &after, &config(&host, &without), "it has left before").await;
    })
}

/// One plan cannot destroy an object with its template, or with its resource, and keep it on the other side.
fn a_part_is_not_destroyed_and_kept() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let text = template(&host, "a.example");
        let before = read(&host, &created(&host, &text).await).await;
        let resource = "omni_config_patch";
        let taken = host.config(resource, &a_patch(&host));
        let wrong = "200-cluster-tmpl-ntp` is destroyed and kept by one plan";
        for destroy_first in [true, false] {
            let imported = imported(&host).await;
            let kept = (resource, &imported, &taken);
            let said = destroyed_and_kept(&host, (TEMPLATE, &before), kept, destroy_first).await;
            assert!(said.iter().any(|line| line.contains(wrong) && line.contains("destroy = false")), "{said:#?}");
        }

        // The way back without a `removed` block, and with or without `hand_over`.
        let imported = imported(&host).await;
        let without = text.replace(&ntp("a.example"), "");
        let left = host.apply(TEMPLATE, Some(&before), &handing(&host, &without, &[PATCH])).await;
        let left = left.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        let both = [handing(&host, &text, &[PATCH]), config(&host, &text)];
        for (back, destroy_first) in both.iter().flat_map(|back| [(back, true), (back, false)]) {
            host.next_run().await;
            let said = destroyed_and_kept(&host, (resource, &imported), (TEMPLATE, &left, back), destroy_first).await;
            assert!(said.iter().any(|line| line.contains(wrong)), "{said:#?}");
        }
    })
}

/// A destroy begins with an ordinary plan, of which nothing is applied.
fn a_destroy_of_everything_is_not_stopped() -> Result<(), Failed> {
    block(async {
        let options = Host::options(Duration::from_millis(5));
        let host = Host::called(&["terraform", "destroy"], options, &[]).await;
        let before = read(&host, &created(&host, &template(&host, "a.example")).await).await;
        let resource = "omni_config_patch";
        let imported = imported(&host).await;
        let taken = host.config(resource, &a_patch(&host));
        host.plan(resource, Some(&imported), &taken).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let told = host.plan_destroy(TEMPLATE, &before).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(told.iter().any(|line| line.contains("is destroyed and kept by one plan")), "{told:#?}");
        let without = config(&host, &template(&host, "a.example").replace(&ntp("a.example"), ""));
        let plan = host.plan(TEMPLATE, Some(&before), &without).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(plan.warnings.iter().any(|line| line.contains("is destroyed and kept")), "{:#?}", plan.warnings);
    })
}

fn a_set_that_leaves_its_nodes_behind_is_told() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let whole = template(&host, "a.example");
        let before = read(&host, &created(&host, &whole).await).await;
        let other = "---\nkind: Workers\nname: other\nmachines: []\n";
        let without = whole[..whole.find("---\nkind: Workers").unwrap()].to_owned() + other;
        let moved = whole.replace("kind: Workers", "kind: Workers\nname: other");
        for (text, names, told) in [
            (&without, json!(["MachineSets/tmpl-workers"]), "Nodes of machine set `tmpl-workers` are destroyed"),
            (&without, json!(["MachineSets/tmpl-wrokers"]), "`MachineSets/tmpl-wrokers` is not handed over"),
            (&moved, json!([]), "is wiped"),
            (&without, json!([format!("MachineSetNodes/{}", host.machines()[1])]), "cannot stay"),
        ] {
            host.next_run().await;
            let config = host.config(TEMPLATE, &json!({ "template": text, "hand_over": names }));
            let said = match host.plan(TEMPLATE, Some(&before), &config).await {
                Ok(plan) => plan.warnings,
                Err(diags) => errors(&diags),
            };
            assert_eq!(said.iter().filter(|line| line.contains(told)).count(), 1, "{told}: {said:#?}");
        }
    })
}

/// What an import has found gets its mark with the first write.
fn an_import_marks_its_parts_with_the_first_write() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let text = template(&host, "a.example");
        created(&host, &text).await;
        for (kind, id) in [("MachineSets", "tmpl-workers"), ("ConfigPatches", PATCH)] {
            host.edit(kind, id, |object| drop(object.annotations.remove(PART_OF)));
        }
        host.next_run().await;
        let imported = host.import(TEMPLATE, "tmpl", None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let imported = settled(&host, TEMPLATE, &imported, &config(&host, &text), "an import").await;
        assert!(!has(&host, "MachineSets", "tmpl-workers", PART_OF));
        let text = template(&host, "b.example");
        let changed = updated(&host, &imported, &text).await;
        assert!(has(&host, "MachineSets", "tmpl-workers", PART_OF) && has(&host, "ConfigPatches", PATCH, PART_OF));
        let plan = planned(&host, &changed, &text.replace(&ntp("b.example"), "")).await;
        assert_eq!(plan.warnings, [""; 0], "it is the template's own");
    })
}

fn an_import_tells_what_it_takes_from_others() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let text = template(&host, "a.example");
        created(&host, &text).await;
        put(&host, "ConfigPatches", "900-others", "tmpl", &patch_spec());
        host.edit("ConfigPatches", "900-others", |patch| {
            patch.annotations.insert(MANAGED_BY.to_owned(), "Terraform".to_owned());
        });
        host.next_run().await;
        let imported = host.import(TEMPLATE, "tmpl", None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let plan = planned(&host, &imported, &text).await;
        let told: Vec<_> = plan.warnings.iter().filter(|w| w.contains("stays in Omni")).collect();
        assert!(told.len() == 1 && told[0].contains("ConfigPatches/900-others"), "{:#?}", plan.warnings);
        let after = host.apply_plan(TEMPLATE, Some(&imported), &config(&host, &text), plan).await;
        let after = after.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert!(host.object("ConfigPatches", "900-others").is_some(), "it is of others");
        settled(&host, TEMPLATE, &after, &config(&host, &text), "an import beside a patch of others").await;
    })
}
