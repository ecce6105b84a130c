//! Limits on ids, labels and annotations, and that older servers have none.

use super::{Behaviour, Need};
use crate::behaviours;
use crate::bench::Bench;
use crate::expect::{accepted, invalid, invalid_with};
use crate::objects::{Edit as _, class};
use omni_sim::catalogue::Feature;

const LIMITED: Need = Need::Feature(Feature::TextLimits);
const UNLIMITED: Need = Need::NoFeature(Feature::TextLimits);

pub const LIST: &[Behaviour] = behaviours![
    ("annotation_key_empty", LIMITED, annotation_key_empty),
    ("annotation_value_with_newline", LIMITED, annotation_value_with_newline),
    ("annotations_too_many", LIMITED, annotations_too_many),
    ("control_characters_are_free", UNLIMITED, control_characters_are_free),
    ("id_empty", LIMITED, id_empty),
    ("id_too_long", LIMITED, id_too_long),
    ("id_with_control_character", LIMITED, id_with_control_character),
    ("label_key_empty", LIMITED, label_key_empty),
    ("label_key_too_long", LIMITED, label_key_too_long),
    ("label_key_with_control_character", LIMITED, label_key_with_control_character),
    ("label_value_too_long", LIMITED, label_value_too_long),
    ("label_value_with_control_character", LIMITED, label_value_with_control_character),
    ("labels_at_the_limit", LIMITED, labels_at_the_limit),
    ("labels_of_the_system", Need::Nothing, labels_of_the_system),
    ("labels_too_many", LIMITED, labels_too_many),
    ("labels_without_limit", UNLIMITED, labels_without_limit),
    ("two_problems", LIMITED, two_problems),
];

async fn id_empty(bench: &Bench) -> anyhow::Result<()> {
    invalid(bench.create(class("")).await, "resource ID must not be empty")
}

async fn id_too_long(bench: &Bench) -> anyhow::Result<()> {
    let id = |length: usize| format!("{:p<length$}", bench.id(""));
    accepted(bench.create(class(id(1024))).await, 1024)?;
    invalid(bench.create(class(id(1025))).await, "resource ID is too long: 1025 bytes (max 1024)")
}

async fn id_with_control_character(bench: &Bench) -> anyhow::Result<()> {
    for name in ["a\nb", "a\tb", "a\u{7f}b", "a\u{85}b"] {
        let result = bench.create(class(bench.id(name))).await;
        invalid(result, "resource ID must not contain control characters")?;
    }
    Ok(())
}

async fn label_key_empty(bench: &Bench) -> anyhow::Result<()> {
    invalid_with(bench.create(class(bench.id("a")).label("", "x")).await, "label key must not be empty")
}

async fn label_key_too_long(bench: &Bench) -> anyhow::Result<()> {
    accepted(bench.create(class(bench.id("a")).label(&"k".repeat(1024), "x")).await, 1024)?;
    let long = class(bench.id("b")).label(&"k".repeat(1025), "x");
    invalid_with(bench.create(long).await, "is too long")
}

async fn label_key_with_control_character(bench: &Bench) -> anyhow::Result<()> {
    let object = class(bench.id("a")).label("a\nb", "x");
    invalid_with(bench.create(object).await, "must not contain control characters")
}

async fn label_value_too_long(bench: &Bench) -> anyhow::Result<()> {
    accepted(bench.create(class(bench.id("a")).label("k", &"x".repeat(16384))).await, 16384)?;
    let long = class(bench.id("b")).label("k", &"x".repeat(16385));
    invalid_with(bench.create(long).await, "value for key \"k\" is too long")
}

async fn label_value_with_control_character(bench: &Bench) -> anyhow::Result<()> {
    let object = class(bench.id("a")).label("k", "a\tb");
    invalid_with(bench.create(object).await, "value for key \"k\" must not contain control characters")
}

async fn annotation_key_empty(bench: &Bench) -> anyhow::Result<()> {
    invalid_with(bench.create(class(bench.id("a")).annotation("", "x")).await, "annotation key must not be empty")
}

async fn annotation_value_with_newline(bench: &Bench) -> anyhow::Result<()> {
    let object = class(bench.id("a")).annotation("k", "a\nb");
    invalid_with(bench.create(object).await, "value for key \"k\" must not contain control characters")
}

/// So many labels.
fn many(count: usize) -> std::collections::HashMap<String, String> {
    (0..count).map(|n| (format!("k{n}"), "v".to_owned())).collect()
}

async fn labels_too_many(bench: &Bench) -> anyhow::Result<()> {
    let object = class(bench.id("a")).edit(|m| m.labels = many(257));
    invalid(bench.create(object).await, "too many labels: 257 (max 256)")
}

async fn annotations_too_many(bench: &Bench) -> anyhow::Result<()> {
    let object = class(bench.id("a")).edit(|m| m.annotations = many(257));
    invalid(bench.create(object).await, "too many annotations: 257 (max 256)")
}

async fn labels_at_the_limit(bench: &Bench) -> anyhow::Result<()> {
    let stored = bench.create(class(bench.id("a")).edit(|m| m.labels = many(256))).await?;
    let more = bench.update(stored.clone().label("more", "")).await;
    invalid(more, "too many labels: 257 (max 256)")?;
    accepted(bench.update(stored.label("k0", "w")).await, "as many").map(drop)
}

async fn labels_of_the_system(bench: &Bench) -> anyhow::Result<()> {
    accepted(bench.create(class(bench.id("a")).label("omni.sidero.dev/x", "y")).await, "label").map(drop)
}

async fn labels_without_limit(bench: &Bench) -> anyhow::Result<()> {
    accepted(bench.create(class(bench.id("a")).edit(|m| m.labels = many(257))).await, 257).map(drop)
}

async fn control_characters_are_free(bench: &Bench) -> anyhow::Result<()> {
    let object = class(bench.id("a\nb")).label("a\nb", "c\td").annotation("", "\u{7f}");
    accepted(bench.create(object).await, "control characters").map(drop)
}

async fn two_problems(bench: &Bench) -> anyhow::Result<()> {
    let object = class(bench.id("a\nb")).label("", "x");
    invalid_with(bench.create(object).await, "failed to validate: 2 errors occurred:\n\t* ")
}
