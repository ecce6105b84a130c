//! Watches: what there is, and what happens.
//! Nothing waits for silence: what must not come is shown by what comes in its place.

use super::{Behaviour, Need};
use crate::behaviours;
use crate::bench::{Bench, Watch};
use crate::expect::{refused, refused_with, same};
use crate::objects::{self, CLASS, Edit as _, LABELS, class, fresh, line, meta};
use anyhow::{Context as _, ensure};
use omni_proto::cosi::resource as pb;
use omni_proto::cosi::resource::EventType;
use omni_sim::catalogue::Feature;
use terraform_provider_omni::omni::Kind;
use tonic::Code;

pub const LIST: &[Behaviour] = behaviours![
    ("aggregated", Need::Nothing, aggregated),
    ("aggregated_bootstrap", Need::Nothing, aggregated_bootstrap),
    ("bookmark_after_changes", Need::Nothing, bookmark_after_changes),
    ("bookmark_at_the_start", Need::Nothing, bookmark_at_the_start),
    ("bookmark_of_no_meaning", Need::Nothing, bookmark_of_no_meaning),
    ("bootstrap", Need::Nothing, bootstrap),
    ("bootstrap_by_id", Need::Nothing, bootstrap_by_id),
    ("bootstrap_by_label", Need::Nothing, bootstrap_by_label),
    ("bootstrap_of_an_old_client", Need::Nothing, bootstrap_of_an_old_client),
    ("bootstrap_of_nothing", Need::Nothing, bootstrap_of_nothing),
    ("by_id", Need::Nothing, by_id),
    ("by_label", Need::Nothing, by_label),
    ("destroyed_shows_what_was", Need::Nothing, destroyed_shows_what_was),
    ("id_of_no_regexp", Need::Nothing, id_of_no_regexp),
    ("kind", Need::Nothing, kind),
    ("kind_of_a_namespace", Need::Nothing, kind_of_a_namespace),
    ("kind_of_no_access", Need::Nothing, kind_of_no_access),
    ("object", Need::Nothing, object),
    ("object_by_label", Need::Nothing, object_by_label),
    ("object_missing", Need::Nothing, object_missing),
    ("object_with_bootstrap", Need::Nothing, object_with_bootstrap),
    ("ready_comes_first", Need::Nothing, ready_comes_first),
    ("tail", Need::Nothing, tail),
    ("two_watches", Need::Nothing, two_watches),
    ("updated_shows_both", Need::Feature(Feature::OldInEvents), updated_shows_both),
    ("updated_shows_one", Need::NoFeature(Feature::OldInEvents), updated_shows_one),
    ("virtual", Need::Nothing, of_virtual),
];

/// Only objects of this run.
fn ours(bench: &Bench) -> Option<pb::IdQuery> {
    Some(pb::IdQuery { regexp: format!("^{}", bench.id("")) })
}

fn labelled(bench: &Bench, key: &str) -> pb::WatchOptions {
    let term = pb::LabelTerm { key: key.into(), ..Default::default() };
    let label_query = vec![pb::LabelQuery { terms: vec![term] }];
    pb::WatchOptions { label_query, id_query: ours(bench), ..Default::default() }
}

async fn lines(watch: &mut Watch, count: usize) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    while lines.len() < count {
        lines.push(watch.line().await?.replace(crate::bench::PREFIX, ""));
    }
    Ok(lines)
}

/// The next events are these.
async fn next(watch: &mut Watch, want: &[&str]) -> anyhow::Result<()> {
    let got = lines(watch, want.len()).await?;
    same("events", got, want.iter().map(|line| (*line).to_owned()).collect())
}

async fn ready_comes_first(bench: &Bench) -> anyhow::Result<()> {
    let mut watch = bench.open_watch(&objects::watch(CLASS, pb::WatchOptions::default())).await?;
    same("events", watch.answer().await?.event, vec![])
}

async fn kind(bench: &Bench) -> anyhow::Result<()> {
    bench.create(class(bench.id("before"))).await?;
    let mut watch = bench.watch(CLASS, pb::WatchOptions { id_query: ours(bench), ..Default::default() }).await?;
    let stored = bench.create(class(bench.id("a"))).await?;
    bench.create(fresh(LABELS, bench.id("of-another-kind"), &())).await?;
    bench.update(stored.label("l", "1")).await?;
    bench.destroy(CLASS, &bench.id("a")).await?;
    bench.destroy(CLASS, &bench.id("before")).await?;
    next(&mut watch, &["CREATED a", "UPDATED a", "DESTROYED a", "DESTROYED before"]).await
}

async fn kind_of_a_namespace(bench: &Bench) -> anyhow::Result<()> {
    let nowhere = Kind { namespace: "conformance-nowhere", ..CLASS };
    bench.create(class(bench.id("a"))).await?;
    let mut watch = bench.watch(nowhere, pb::WatchOptions { bootstrap_contents: true, ..Default::default() }).await?;
    next(&mut watch, &["BOOTSTRAPPED"]).await
}

async fn kind_of_no_access(bench: &Bench) -> anyhow::Result<()> {
    for name in ["NoSuchThings.omni.sidero.dev", "ClusterSecrets.omni.sidero.dev"] {
        let request = objects::watch(Kind { namespace: "default", name }, pb::WatchOptions::default());
        refused_with(bench.watch_refusal(&request).await, Code::PermissionDenied, "no access is permitted")?;
    }
    Ok(())
}

async fn updated_shows_both(bench: &Bench) -> anyhow::Result<()> {
    let stored = bench.create(class(bench.id("a"))).await?;
    let mut watch = bench.watch(CLASS, pb::WatchOptions { id_query: ours(bench), ..Default::default() }).await?;
    let updated = bench.update(stored.clone().label("l", "1")).await?;
    let event = watch.event().await?;
    same("type", event.event_type(), EventType::Updated)?;
    same("resource", event.resource, Some(updated))?;
    same("old", event.old, Some(stored))
}

async fn updated_shows_one(bench: &Bench) -> anyhow::Result<()> {
    let stored = bench.create(class(bench.id("a"))).await?;
    let mut watch = bench.watch(CLASS, pb::WatchOptions { id_query: ours(bench), ..Default::default() }).await?;
    let updated = bench.update(stored.label("l", "1")).await?;
    let event = watch.event().await?;
    same("type", event.event_type(), EventType::Updated)?;
    same("resource", event.resource, Some(updated))?;
    same("old", event.old, None)
}

async fn destroyed_shows_what_was(bench: &Bench) -> anyhow::Result<()> {
    let stored = bench.create(class(bench.id("a")).label("l", "1")).await?;
    let mut watch = bench.watch(CLASS, pb::WatchOptions { id_query: ours(bench), ..Default::default() }).await?;
    bench.destroy(CLASS, &bench.id("a")).await?;
    let event = watch.event().await?;
    same("type", event.event_type(), EventType::Destroyed)?;
    same("resource", event.resource, Some(stored))
}

async fn bootstrap(bench: &Bench) -> anyhow::Result<()> {
    for name in ["b", "a"] {
        bench.create(class(bench.id(name))).await?;
    }
    let options = pb::WatchOptions { bootstrap_contents: true, id_query: ours(bench), ..Default::default() };
    let mut watch = bench.watch(CLASS, options).await?;
    next(&mut watch, &["CREATED a", "CREATED b", "BOOTSTRAPPED"]).await?;
    bench.create(class(bench.id("c"))).await?;
    next(&mut watch, &["CREATED c"]).await
}

async fn bootstrap_of_nothing(bench: &Bench) -> anyhow::Result<()> {
    let options = pb::WatchOptions { bootstrap_contents: true, id_query: ours(bench), ..Default::default() };
    let mut watch = bench.watch(CLASS, options).await?;
    next(&mut watch, &["BOOTSTRAPPED"]).await
}

async fn bootstrap_by_id(bench: &Bench) -> anyhow::Result<()> {
    for name in ["a", "b"] {
        bench.create(class(bench.id(name))).await?;
    }
    let id_query = Some(pb::IdQuery { regexp: format!("^{}$", bench.id("b")) });
    let options = pb::WatchOptions { bootstrap_contents: true, id_query, ..Default::default() };
    let mut watch = bench.watch(CLASS, options).await?;
    next(&mut watch, &["CREATED b", "BOOTSTRAPPED"]).await
}

async fn bootstrap_by_label(bench: &Bench) -> anyhow::Result<()> {
    bench.create(class(bench.id("a")).label("x", "")).await?;
    bench.create(class(bench.id("b")).label("y", "")).await?;
    let mut watch = bench.watch(CLASS, pb::WatchOptions { bootstrap_contents: true, ..labelled(bench, "y") }).await?;
    next(&mut watch, &["CREATED b", "BOOTSTRAPPED"]).await
}

/// A client that does not name a version of the interface is not told that the bootstrap is over.
async fn bootstrap_of_an_old_client(bench: &Bench) -> anyhow::Result<()> {
    bench.create(class(bench.id("a"))).await?;
    let options = pb::WatchOptions { bootstrap_contents: true, id_query: ours(bench), ..Default::default() };
    let mut watch = bench.open_watch(&pb::WatchRequest { api_version: 0, ..objects::watch(CLASS, options) }).await?;
    next(&mut watch, &["CREATED a"]).await?;
    bench.create(class(bench.id("b"))).await?;
    next(&mut watch, &["CREATED b"]).await
}

async fn by_id(bench: &Bench) -> anyhow::Result<()> {
    let id_query = Some(pb::IdQuery { regexp: format!("^{}$", bench.id("b")) });
    let mut watch = bench.watch(CLASS, pb::WatchOptions { id_query, ..Default::default() }).await?;
    for name in ["a", "b"] {
        bench.create(class(bench.id(name))).await?;
    }
    next(&mut watch, &["CREATED b"]).await
}

async fn id_of_no_regexp(bench: &Bench) -> anyhow::Result<()> {
    let id_query = Some(pb::IdQuery { regexp: "(".into() });
    let request = objects::watch(CLASS, pb::WatchOptions { id_query, ..Default::default() });
    refused_with(bench.watch_refusal(&request).await, Code::InvalidArgument, "failed to compile regexp")
}

/// Objects that begin to match seem to be created; those that cease to, destroyed, though as they are now.
async fn by_label(bench: &Bench) -> anyhow::Result<()> {
    let stored = bench.create(class(bench.id("a")).label("x", "")).await?;
    let mut watch = bench.watch(CLASS, labelled(bench, "y")).await?;
    let entered = bench.update(stored.label("y", "")).await?;
    let changed = bench.update(entered.clone().label("y", "1")).await?;
    let left = bench.update(changed.edit(|m| drop(m.labels.remove("y")))).await?;
    let event = watch.event().await?;
    same("enters", line(&event), format!("CREATED {}", bench.id("a")))?;
    same("old", event.old, None)?;
    same("entered", event.resource, Some(entered))?;
    next(&mut watch, &["UPDATED a"]).await?;
    let event = watch.event().await?;
    same("leaves", line(&event), format!("DESTROYED {}", bench.id("a")))?;
    same("left", event.resource, Some(left))?;
    bench.destroy(CLASS, &bench.id("a")).await?;
    bench.create(class(bench.id("b")).label("y", "")).await?;
    next(&mut watch, &["CREATED b"]).await
}

async fn object(bench: &Bench) -> anyhow::Result<()> {
    let stored = bench.create(class(bench.id("a"))).await?;
    let request = pb::WatchRequest { id: Some(bench.id("a")), ..objects::watch(CLASS, Default::default()) };
    let mut watch = bench.open_watch(&request).await?;
    bench.create(class(bench.id("b"))).await?;
    bench.update(stored).await?;
    bench.destroy(CLASS, &bench.id("a")).await?;
    next(&mut watch, &["CREATED a", "UPDATED a", "DESTROYED a"]).await
}

async fn object_missing(bench: &Bench) -> anyhow::Result<()> {
    let request = pb::WatchRequest { id: Some(bench.id("a")), ..objects::watch(CLASS, Default::default()) };
    let mut watch = bench.open_watch(&request).await?;
    let event = watch.event().await?;
    same("event", line(&event), format!("DESTROYED {}", bench.id("a")))?;
    same("version", meta(&event.resource.unwrap_or_default()).version.as_str(), "undefined")?;
    bench.create(class(bench.id("a"))).await?;
    next(&mut watch, &["CREATED a"]).await
}

async fn object_by_label(bench: &Bench) -> anyhow::Result<()> {
    let request = pb::WatchRequest { id: Some(bench.id("a")), ..objects::watch(CLASS, labelled(bench, "y")) };
    let text = "label query is not implemented for resource watch";
    refused(bench.watch_refusal(&request).await, Code::Unimplemented, text)
}

async fn object_with_bootstrap(bench: &Bench) -> anyhow::Result<()> {
    let options = pb::WatchOptions { bootstrap_contents: true, ..Default::default() };
    let request = pb::WatchRequest { id: Some(bench.id("a")), ..objects::watch(CLASS, options) };
    let text = "bootstrap contents is not implemented for resource watch";
    refused(bench.watch_refusal(&request).await, Code::Unimplemented, text)
}

/// The store keeps no events to begin with.
async fn tail(bench: &Bench) -> anyhow::Result<()> {
    let options = pb::WatchOptions { tail_events: 1, ..Default::default() };
    let kind = objects::watch(CLASS, options.clone());
    let one = pb::WatchRequest { id: Some(bench.id("a")), ..objects::watch(CLASS, options) };
    for request in [kind, one] {
        let Err(status) = bench.watch_refusal(&request).await else { anyhow::bail!("not refused") };
        ensure!([Code::Unimplemented, Code::Unknown].contains(&status.code()), "got {status:?}");
    }
    Ok(())
}

async fn aggregated(bench: &Bench) -> anyhow::Result<()> {
    let options = pb::WatchOptions { aggregated: true, id_query: ours(bench), ..Default::default() };
    let mut watch = bench.watch(CLASS, options).await?;
    let stored = bench.create(class(bench.id("a"))).await?;
    bench.update(stored).await?;
    bench.destroy(CLASS, &bench.id("a")).await?;
    next(&mut watch, &["CREATED a", "UPDATED a", "DESTROYED a"]).await
}

async fn aggregated_bootstrap(bench: &Bench) -> anyhow::Result<()> {
    for name in ["b", "a", "c"] {
        bench.create(class(bench.id(name))).await?;
    }
    let options =
        pb::WatchOptions { aggregated: true, bootstrap_contents: true, id_query: ours(bench), ..Default::default() };
    let mut watch = bench.watch(CLASS, options).await?;
    let events: Vec<_> = watch.answer().await?.event.iter().map(line).collect();
    let ids = ["a", "b", "c"].map(|name| format!("CREATED {}", bench.id(name)));
    ensure!(events.starts_with(&ids), "not in one answer: {events:?}");
    if events.len() == ids.len() {
        next(&mut watch, &["BOOTSTRAPPED"]).await?;
    }
    Ok(())
}

async fn two_watches(bench: &Bench) -> anyhow::Result<()> {
    let options = || pb::WatchOptions { id_query: ours(bench), ..Default::default() };
    let (mut one, mut two) = (bench.watch(CLASS, options()).await?, bench.watch(CLASS, options()).await?);
    bench.create(class(bench.id("a"))).await?;
    for watch in [&mut one, &mut two] {
        next(watch, &["CREATED a"]).await?;
    }
    Ok(())
}

/// A watch may ask where it begins, and another begin there.
async fn bookmark_at_the_start(bench: &Bench) -> anyhow::Result<()> {
    let options = pb::WatchOptions { bootstrap_bookmark: true, id_query: ours(bench), ..Default::default() };
    let mut watch = bench.watch(CLASS, options).await?;
    let event = watch.event().await?;
    same("type", event.event_type(), EventType::Noop)?;
    let bookmark = Some(event.bookmark.context("the event has no bookmark")?);
    bench.create(class(bench.id("a"))).await?;
    bench.create(class(bench.id("b"))).await?;
    next(&mut watch, &["CREATED a", "CREATED b"]).await?;
    let options = pb::WatchOptions { start_from_bookmark: bookmark, id_query: ours(bench), ..Default::default() };
    let mut resumed = bench.watch(CLASS, options).await?;
    next(&mut resumed, &["CREATED a", "CREATED b"]).await
}

async fn bookmark_after_changes(bench: &Bench) -> anyhow::Result<()> {
    let options = pb::WatchOptions { bootstrap_contents: true, id_query: ours(bench), ..Default::default() };
    let mut watch = bench.watch(CLASS, options).await?;
    let ended = watch.event().await?;
    let stored = bench.create(class(bench.id("a"))).await?;
    let created = watch.event().await?;
    bench.update(stored).await?;
    bench.destroy(CLASS, &bench.id("a")).await?;
    for (event, want) in
        [(ended, &["CREATED a", "UPDATED a", "DESTROYED a"][..]), (created, &["UPDATED a", "DESTROYED a"])]
    {
        let bookmark = Some(event.bookmark.clone().with_context(|| format!("{} has no bookmark", line(&event)))?);
        let options = pb::WatchOptions { start_from_bookmark: bookmark, id_query: ours(bench), ..Default::default() };
        next(&mut bench.watch(CLASS, options).await?, want).await?;
    }
    Ok(())
}

async fn bookmark_of_no_meaning(bench: &Bench) -> anyhow::Result<()> {
    for bookmark in [vec![], vec![1], vec![0xff; 24]] {
        let options = pb::WatchOptions { start_from_bookmark: Some(bookmark), ..Default::default() };
        let request = objects::watch(CLASS, options);
        let text = "failed to watchKind \"MachineClasses.omni.sidero.dev(default/@undefined)\": invalid bookmark";
        refused_with(bench.watch_refusal(&request).await, Code::FailedPrecondition, text)?;
    }
    Ok(())
}

async fn of_virtual(bench: &Bench) -> anyhow::Result<()> {
    let request = objects::watch(objects::CURRENT_USER, pb::WatchOptions::default());
    let Err(status) = bench.watch_refusal(&request).await else { anyhow::bail!("not refused") };
    same("code", status.code(), Code::Unimplemented)
}
