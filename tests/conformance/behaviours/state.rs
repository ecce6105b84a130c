//! State: objects are created, read, updated, torn down and destroyed.

use super::{Behaviour, Need};
use crate::behaviours;
use crate::bench::Bench;
use crate::expect::{accepted, refused, refused_with, same};
use crate::objects::{CLASS, Edit as _, LABELS, class, fresh, ids, meta};
use anyhow::ensure;
use futures_util::future::join_all;
use kit::clock::{Clock, SystemClock};
use omni_proto::cosi::resource as pb;
use tonic::Code;

pub const LIST: &[Behaviour] = behaviours![
    ("create_and_get", Need::Nothing, create_and_get),
    ("create_begins_at_version_1", Need::Nothing, create_begins_at_version_1),
    ("create_counts_anew_after_destroy", Need::Nothing, create_counts_anew_after_destroy),
    ("create_keeps_finalizers", Need::Nothing, create_keeps_finalizers),
    ("create_sets_the_time", Need::Nothing, create_sets_the_time),
    ("create_twice", Need::Nothing, create_twice),
    ("create_with_owner", Need::Nothing, create_with_owner),
    ("create_with_two_owners", Need::Nothing, create_with_two_owners),
    ("create_while_tearing_down", Need::Nothing, create_while_tearing_down),
    ("destroy", Need::Nothing, destroy),
    ("destroy_missing", Need::Nothing, destroy_missing),
    ("destroy_of_another_owner", Need::Nothing, destroy_of_another_owner),
    ("destroy_with_finalizers", Need::Nothing, destroy_with_finalizers),
    ("finalizers_added_at_once", Need::Nothing, finalizers_added_at_once),
    ("get_missing", Need::Nothing, get_missing),
    ("list_in_no_namespace", Need::Nothing, list_in_no_namespace),
    ("list_in_order", Need::Nothing, list_in_order),
    ("removal_is_the_clients", Need::NoRemoves("MachineClasses"), removal_is_the_clients),
    ("removal_is_the_servers", Need::Removes("MachineClasses"), removal_is_the_servers),
    ("spec_is_kept_as_sent", Need::Nothing, spec_is_kept_as_sent),
    ("spec_is_readable", Need::Nothing, spec_is_readable),
    ("teardown", Need::Call("Teardown"), teardown),
    ("teardown_and_destroy", Need::Call("TeardownAndDestroy"), teardown_and_destroy),
    ("teardown_and_destroy_missing", Need::Call("TeardownAndDestroy"), teardown_and_destroy_missing),
    ("teardown_and_destroy_unknown", Need::NoCall("TeardownAndDestroy"), teardown_and_destroy_unknown),
    ("teardown_at_once", Need::Call("Teardown"), teardown_at_once),
    ("teardown_by_update", Need::Nothing, teardown_by_update),
    ("teardown_missing", Need::Call("Teardown"), teardown_missing),
    ("teardown_of_another_owner", Need::Call("Teardown"), teardown_of_another_owner),
    ("teardown_unknown", Need::NoCall("Teardown"), teardown_unknown),
    ("update_at_once", Need::Nothing, update_at_once),
    ("update_checks_owner_before_phase", Need::Nothing, update_checks_owner_before_phase),
    ("update_checks_version_before_owner", Need::Nothing, update_checks_version_before_owner),
    ("update_in_another_phase", Need::Nothing, update_in_another_phase),
    ("update_in_any_phase", Need::Nothing, update_in_any_phase),
    ("update_keeps_creation_time", Need::Nothing, update_keeps_creation_time),
    ("update_missing", Need::Nothing, update_missing),
    ("update_of_an_old_version", Need::Nothing, update_of_an_old_version),
    ("update_of_another_owner", Need::Nothing, update_of_another_owner),
    ("update_of_no_version", Need::Nothing, update_of_no_version),
    ("update_replaces_annotations", Need::Nothing, update_replaces_annotations),
    ("update_replaces_finalizers", Need::Nothing, update_replaces_finalizers),
    ("update_replaces_labels", Need::Nothing, update_replaces_labels),
    ("update_that_changes_nothing", Need::Nothing, update_that_changes_nothing),
];

const OWNER: &str = "ConformanceController";
const HOLD: &str = "conformance";

/// The class as messages name it.
fn named(id: &str, version: &str) -> String {
    format!("resource {}(default/{id}@{version})", CLASS.name)
}

async fn create_and_get(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("a");
    let stored = bench.create(class(&id).label("l", "1").annotation("a", "2")).await?;
    same("labels", &meta(&stored).labels, &[("l".to_owned(), "1".to_owned())].into())?;
    same("annotations", &meta(&stored).annotations, &[("a".to_owned(), "2".to_owned())].into())?;
    same("phase", meta(&stored).phase.as_str(), "running")?;
    same("read", bench.get(CLASS, &id).await?, stored)
}

async fn create_begins_at_version_1(bench: &Bench) -> anyhow::Result<()> {
    for version in ["undefined", "0", "1", "7"] {
        let id = bench.id(version);
        let stored = accepted(bench.create(class(&id).version(version)).await, version)?;
        same(version, meta(&stored).version.as_str(), "1")?;
    }
    Ok(())
}

async fn create_counts_anew_after_destroy(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("a");
    let stored = bench.create(class(&id)).await?;
    bench.update(stored).await?;
    bench.destroy(CLASS, &id).await?;
    same("version", meta(&bench.create(class(&id)).await?).version.as_str(), "1")
}

async fn create_keeps_finalizers(bench: &Bench) -> anyhow::Result<()> {
    let stored = bench.create(class(bench.id("a")).finalizers(&[HOLD])).await?;
    same("finalizers", &meta(&stored).finalizers, &vec![HOLD.to_owned()])
}

async fn create_sets_the_time(bench: &Bench) -> anyhow::Result<()> {
    let old = prost_types::Timestamp { seconds: 1, nanos: 0 };
    let stored = bench.create(class(bench.id("a")).edit(|m| m.created = Some(old))).await?;
    let now = i64::try_from(SystemClock.now().as_secs())?;
    let created = meta(&stored).created.unwrap_or_default().seconds;
    // Signatures hold for five minutes, so the clocks are no further apart.
    ensure!(now.abs_diff(created) <= 600, "created at {created}, now is {now}");
    Ok(())
}

async fn create_twice(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("a");
    bench.create(class(&id)).await?;
    let text = format!("failed to create: {} already exists", named(&id, "undefined"));
    refused(bench.create(class(&id)).await, Code::AlreadyExists, &text)
}

async fn create_with_owner(bench: &Bench) -> anyhow::Result<()> {
    let stored = bench.create_as(class(bench.id("a")), OWNER).await?;
    same("owner", meta(&stored).owner.as_str(), OWNER)
}

async fn create_with_two_owners(bench: &Bench) -> anyhow::Result<()> {
    let sent = class(bench.id("a")).edit(|m| m.owner = "A".into());
    refused_with(bench.create_as(sent, "B").await, Code::Unknown, r#"owner is already set to "A""#)
}

async fn create_while_tearing_down(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("a");
    let stored = bench.create(class(&id).finalizers(&[HOLD])).await?;
    bench.update(stored.phase("tearingDown")).await?;
    refused_with(bench.create(class(&id)).await, Code::AlreadyExists, "already exists")
}

async fn destroy(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("a");
    bench.create(class(&id)).await?;
    bench.destroy(CLASS, &id).await?;
    refused_with(bench.get(CLASS, &id).await, Code::NotFound, "doesn't exist")
}

async fn destroy_missing(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("missing");
    let text = format!("{} doesn't exist", named(&id, "undefined"));
    refused_with(bench.destroy(CLASS, &id).await, Code::NotFound, &text)
}

async fn destroy_of_another_owner(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("a");
    bench.create_as(class(&id), OWNER).await?;
    let text = format!("failed to destroy: {} is owned by \"{OWNER}\"", named(&id, "1"));
    refused(bench.destroy(CLASS, &id).await, Code::PermissionDenied, &text)?;
    let other = bench.destroy_as(CLASS.namespace, CLASS.name, &id, "Other").await;
    refused(other, Code::PermissionDenied, &text)?;
    accepted(bench.destroy_as(CLASS.namespace, CLASS.name, &id, OWNER).await, OWNER)
}

async fn destroy_with_finalizers(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("a");
    bench.create(class(&id).finalizers(&["b", "a"])).await?;
    let text = format!("failed to destroy: {} has pending finalizers ", named(&id, "1"));
    refused_with(bench.destroy(CLASS, &id).await, Code::FailedPrecondition, &text)
}

/// Every writer tries again after a conflict, and none is lost.
async fn finalizers_added_at_once(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("a");
    bench.create(class(&id)).await?;
    let add = async |name: String| -> anyhow::Result<()> {
        for _ in 0..100 {
            let object = bench.get(CLASS, &id).await?;
            match bench.update(object.edit(|m| m.finalizers.push(name.clone()))).await {
                Err(status) if status.code() == Code::FailedPrecondition => {}
                other => return accepted(other, &name).map(drop),
            }
        }
        anyhow::bail!("{name} came never to its turn")
    };
    let added = join_all((0..5).map(|n| add(format!("{HOLD}-{n}")))).await;
    added.into_iter().collect::<anyhow::Result<()>>()?;
    let mut finalizers = meta(&bench.get(CLASS, &id).await?).finalizers.clone();
    finalizers.sort();
    same("finalizers", finalizers, (0..5).map(|n| format!("{HOLD}-{n}")).collect())
}

async fn get_missing(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("missing");
    let text = format!("{} doesn't exist", named(&id, "undefined"));
    refused(bench.get(CLASS, &id).await, Code::NotFound, &text)
}

async fn list_in_no_namespace(bench: &Bench) -> anyhow::Result<()> {
    bench.create(class(bench.id("a"))).await?;
    let nowhere = terraform_provider_omni::omni::Kind { namespace: "conformance-nowhere", ..CLASS };
    same("list", ids(&bench.list(nowhere, pb::ListOptions::default()).await?), vec![])
}

async fn list_in_order(bench: &Bench) -> anyhow::Result<()> {
    let mut want: Vec<_> = ["b", "a-1", "B", "a", "a.b", "10", "9"].iter().map(|name| bench.id(name)).collect();
    for id in &want {
        bench.create(class(id)).await?;
    }
    want.sort();
    let id_query = Some(pb::IdQuery { regexp: format!("^{}", bench.id("")) });
    let found = bench.list(CLASS, pb::ListOptions { id_query, ..Default::default() }).await?;
    same("ids", ids(&found), want.iter().map(String::as_str).collect())
}

async fn removal_is_the_clients(bench: &Bench) -> anyhow::Result<()> {
    let (id, marker) = (bench.id("a"), bench.id("b"));
    let stored = bench.create(class(&id)).await?;
    bench.update(stored.phase("tearingDown")).await?;
    // Whatever the server does by itself comes before it serves what was asked later.
    bench.create(class(&marker)).await?;
    bench.until(CLASS, &marker, "there", |object| object.is_some()).await?;
    same("phase", meta(&bench.get(CLASS, &id).await?).phase.as_str(), "tearingDown")
}

async fn removal_is_the_servers(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("a");
    let stored = bench.create(class(&id).finalizers(&[HOLD])).await?;
    let torn = bench.update(stored.phase("tearingDown")).await?;
    same("held", meta(&bench.get(CLASS, &id).await?).phase.as_str(), "tearingDown")?;
    bench.update_as(torn.finalizers(&[]), "", Some("tearingDown")).await?;
    bench.until(CLASS, &id, "gone", |object| object.is_none()).await.map(drop)
}

async fn spec_is_kept_as_sent(bench: &Bench) -> anyhow::Result<()> {
    let mut sent = class(bench.id("a"));
    // Field 1023, which no definition knows.
    sent.spec.get_or_insert_default().proto_spec.extend([0xf8, 0x3f, 0x01]);
    bench.create(sent.clone()).await?;
    let read = bench.get(CLASS, &bench.id("a")).await?;
    same("spec", read.spec.unwrap_or_default().proto_spec, sent.spec.unwrap_or_default().proto_spec)
}

async fn spec_is_readable(bench: &Bench) -> anyhow::Result<()> {
    let stored = bench.create(class(bench.id("a"))).await?;
    let text = stored.spec.unwrap_or_default().yaml_spec;
    same("yaml", text.as_str(), "matchlabels:\n    - a = b\nautoprovision: null\n")
}

async fn teardown(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("a");
    let stored = bench.create(class(&id).finalizers(&[HOLD])).await?;
    same("ready", bench.teardown(CLASS, &id).await?, false)?;
    same("ready again", bench.teardown(CLASS, &id).await?, false)?;
    let torn = bench.get(CLASS, &id).await?;
    same("phase", meta(&torn).phase.as_str(), "tearingDown")?;
    same("labels", &meta(&torn).labels, &meta(&stored).labels)?;
    let free = bench.create(class(bench.id("b"))).await?;
    same("ready at once", bench.teardown(CLASS, &meta(&free).id).await?, true)
}

async fn teardown_and_destroy(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("a");
    bench.create(class(&id).finalizers(&[HOLD])).await?;
    let release = async {
        let torn = bench
            .until(CLASS, &id, "torn down", |object| object.is_some_and(|o| meta(o).phase == "tearingDown"))
            .await?;
        bench.update_as(torn.unwrap_or_default().finalizers(&[]), "", None).await?;
        anyhow::Ok(())
    };
    let (gone, released) = tokio::join!(bench.teardown_and_destroy(CLASS, &id), release);
    released?;
    accepted(gone, &id)?;
    refused_with(bench.get(CLASS, &id).await, Code::NotFound, "doesn't exist")
}

async fn teardown_and_destroy_missing(bench: &Bench) -> anyhow::Result<()> {
    refused_with(bench.teardown_and_destroy(CLASS, &bench.id("missing")).await, Code::NotFound, "doesn't exist")
}

async fn teardown_and_destroy_unknown(bench: &Bench) -> anyhow::Result<()> {
    let text = "unknown method TeardownAndDestroy for service cosi.resource.State";
    refused(bench.teardown_and_destroy(CLASS, &bench.id("a")).await, Code::Unimplemented, text)
}

async fn teardown_at_once(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("a");
    bench.create(class(&id).finalizers(&[HOLD])).await?;
    for ready in join_all((0..10).map(|_| bench.teardown(CLASS, &id))).await {
        same("ready", accepted(ready, "teardown")?, false)?;
    }
    same("version", meta(&bench.get(CLASS, &id).await?).version.as_str(), "2")
}

async fn teardown_by_update(bench: &Bench) -> anyhow::Result<()> {
    let stored = bench.create(class(bench.id("a")).finalizers(&[HOLD])).await?;
    let torn = bench.update(stored.phase("tearingDown")).await?;
    same("phase", meta(&torn).phase.as_str(), "tearingDown")?;
    same("version", meta(&torn).version.as_str(), "2")
}

async fn teardown_missing(bench: &Bench) -> anyhow::Result<()> {
    refused_with(bench.teardown(CLASS, &bench.id("missing")).await, Code::NotFound, "doesn't exist")
}

async fn teardown_of_another_owner(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("a");
    bench.create_as(class(&id), OWNER).await?;
    let text = format!("is owned by \"{OWNER}\"");
    refused_with(bench.teardown(CLASS, &id).await, Code::PermissionDenied, &text)
}

async fn teardown_unknown(bench: &Bench) -> anyhow::Result<()> {
    let text = "unknown method Teardown for service cosi.resource.State";
    refused(bench.teardown(CLASS, &bench.id("a")).await, Code::Unimplemented, text)
}

/// Of those who update the same version, one comes through.
async fn update_at_once(bench: &Bench) -> anyhow::Result<()> {
    let stored = bench.create(class(bench.id("a"))).await?;
    let results = join_all((0..10).map(|n| bench.update(stored.clone().label("n", &n.to_string())))).await;
    let (good, bad): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    same("accepted", good.len(), 1)?;
    for result in bad {
        refused_with(result, Code::FailedPrecondition, "update conflict")?;
    }
    Ok(())
}

async fn update_checks_owner_before_phase(bench: &Bench) -> anyhow::Result<()> {
    let stored = bench.create_as(class(bench.id("a")), OWNER).await?;
    let text = format!("is owned by \"{OWNER}\"");
    refused_with(bench.update_as(stored, "", Some("tearingDown")).await, Code::PermissionDenied, &text)
}

async fn update_checks_version_before_owner(bench: &Bench) -> anyhow::Result<()> {
    let stored = bench.create_as(class(bench.id("a")), OWNER).await?;
    refused_with(bench.update(stored.version("5")).await, Code::FailedPrecondition, "update conflict")
}

async fn update_in_another_phase(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("a");
    let stored = bench.create(class(&id)).await?;
    let text = format!("failed to update: {} is not in phase tearingDown", named(&id, "1"));
    refused(bench.update_as(stored, "", Some("tearingDown")).await, Code::InvalidArgument, &text)
}

async fn update_in_any_phase(bench: &Bench) -> anyhow::Result<()> {
    let stored = bench.create(class(bench.id("a")).finalizers(&[HOLD])).await?;
    let torn = accepted(bench.update_as(stored.phase("tearingDown"), "", None).await, "running")?;
    accepted(bench.update_as(torn.label("l", "1"), "", None).await, "tearing down").map(drop)
}

async fn update_keeps_creation_time(bench: &Bench) -> anyhow::Result<()> {
    let stored = bench.create(class(bench.id("a"))).await?;
    let created = meta(&stored).created;
    let sent = stored.edit(|m| m.created = Some(prost_types::Timestamp { seconds: 1, nanos: 0 }));
    let updated = bench.update(sent).await?;
    same("created", meta(&updated).created, created)
}

async fn update_missing(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("missing");
    let text = format!("{} doesn't exist", named(&id, "undefined"));
    refused(bench.update(class(&id).version("1")).await, Code::NotFound, &text)
}

async fn update_of_an_old_version(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("a");
    let stored = bench.create(class(&id)).await?;
    bench.update(stored.clone()).await?;
    let text = format!("failed to update: {} update conflict: expected version", named(&id, "2"));
    refused_with(bench.update(stored).await, Code::FailedPrecondition, &text)
}

async fn update_of_another_owner(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("a");
    let stored = bench.create_as(class(&id), OWNER).await?;
    let text = format!("failed to update: {} is owned by \"{OWNER}\"", named(&id, "1"));
    refused(bench.update(stored.clone()).await, Code::PermissionDenied, &text)?;
    refused(bench.update_as(stored.clone(), "Other", None).await, Code::PermissionDenied, &text)?;
    let updated = accepted(bench.update_as(stored, OWNER, None).await, OWNER)?;
    same("owner", meta(&updated).owner.as_str(), OWNER)
}

async fn update_of_no_version(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("a");
    bench.create(class(&id)).await?;
    refused_with(bench.update(class(&id)).await, Code::FailedPrecondition, "update conflict: expected version")
}

async fn update_replaces_annotations(bench: &Bench) -> anyhow::Result<()> {
    let stored = bench.create(class(bench.id("a")).annotation("one", "1").annotation("two", "2")).await?;
    let updated = bench.update(stored.edit(|m| drop(m.annotations.remove("one")))).await?;
    same("annotations", &meta(&updated).annotations, &[("two".to_owned(), "2".to_owned())].into())
}

async fn update_replaces_finalizers(bench: &Bench) -> anyhow::Result<()> {
    let stored = bench.create(class(bench.id("a")).finalizers(&[HOLD])).await?;
    let updated = bench.update(stored.finalizers(&[])).await?;
    same("finalizers", &meta(&updated).finalizers, &vec![])
}

async fn update_replaces_labels(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("a");
    bench.create(fresh(LABELS, &id, &()).label("one", "1")).await?;
    let updated = bench.update(fresh(LABELS, &id, &()).label("two", "2").version("1")).await?;
    same("labels", &meta(&updated).labels, &[("two".to_owned(), "2".to_owned())].into())?;
    same("read", bench.get(LABELS, &id).await?, updated)
}

async fn update_that_changes_nothing(bench: &Bench) -> anyhow::Result<()> {
    let stored = bench.create(class(bench.id("a"))).await?;
    same("version", meta(&bench.update(stored).await?).version.as_str(), "2")
}
