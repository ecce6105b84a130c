//! Filters and order of audit log events.

use super::{Entry, Event, date};
use std::sync::Arc;

/// The days that are read when no first one is named.
const DAYS: i64 = 29;
const DAY: i64 = 24 * 3600 * 1000;

/// By what events are sorted; those that are equal stay in the order in which they happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By time.
    #[default]
    Date,
    /// By what happened.
    EventType,
    /// By the type of the object.
    ResourceType,
    /// By the id of the object.
    ResourceId,
    /// By cluster.
    Cluster,
    /// By who did it.
    Actor,
}

/// Which events are asked for; an empty text asks for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The first millisecond; none for no limit.
    pub start: Option<i64>,
    /// The last millisecond; none for no limit.
    pub end: Option<i64>,
    /// Somewhere in the event, in whatever case.
    pub search: String,
    /// What happened.
    pub event_type: String,
    /// The type of the object.
    pub resource_type: String,
    /// The id of the object.
    pub resource_id: String,
    /// The cluster.
    pub cluster: String,
    /// Who did it.
    pub actor: String,
    /// By what they are sorted.
    pub order: Order,
    /// Whether the greatest comes first.
    pub descending: bool,
}

impl Filter {
    /// The events of these days; without a first day, of the last 29. The last day ends as it begins, as on a server.
    ///
    /// # Errors
    /// When one of them is no day.
    pub fn days(start: &str, end: &str, now: i64) -> Result<Self, String> {
        let read = |what: &str, text: &str, otherwise: i64| match text {
            "" => Ok(otherwise),
            text => date::millis(text).map_err(|problem| format!("invalid {what} time: {problem}")),
        };
        let start = read("start", start, now - DAYS * DAY)?;
        Ok(Self { start: Some(start), end: Some(read("end", end, now)?), ..Self::default() })
    }

    pub(super) fn fits(&self, event: &Event) -> bool {
        let equal = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
        self.start.is_none_or(|start| event.millis >= start)
            && self.end.is_none_or(|end| event.millis <= end)
            && equal(&self.event_type, &event.event_type)
            && equal(&self.resource_type, event.resource_type.as_deref().unwrap_or_default())
            && equal(&self.resource_id, event.resource_id.as_deref().unwrap_or_default())
            && equal(&self.cluster, event.cluster())
            && equal(&self.actor, event.actor())
            && (self.search.is_empty() || event.line().to_lowercase().contains(&self.search.to_lowercase()))
    }

    pub(super) fn sorted(&self, mut found: Vec<Arc<Entry>>) -> Vec<Arc<Entry>> {
        let text = |event: &Event| match self.order {
            Order::Date => String::new(),
            Order::EventType => event.event_type.clone(),
            Order::ResourceType => event.resource_type.clone().unwrap_or_default(),
            Order::ResourceId => event.resource_id.clone().unwrap_or_default(),
            Order::Cluster => event.cluster().to_owned(),
            Order::Actor => event.actor().to_owned(),
        };
        found.sort_by_cached_key(|entry| (text(&entry.event), entry.event.millis, entry.id));
        if self.descending {
            found.reverse();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(id: i64, kind: &str, resource: &str, cluster: &str, actor: &str) -> Arc<Entry> {
        let data = json!({"config_patch": {"cluster_id": cluster}, "session": {"email": actor}});
        let event = Event {
            event_type: kind.into(),
            resource_type: Some("ConfigPatches.omni.sidero.dev".into()),
            resource_id: Some(resource.into()),
            millis: id * 1000,
            data,
        };
        Arc::new(Entry { id, event })
    }

    #[test]
    fn events_are_chosen_and_sorted() {
        let all = [
            entry(1, "create", "b", "prod", "ann"),
            entry(2, "create", "a", "test", "bob"),
            entry(3, "destroy", "b", "prod", "bob"),
        ];
        let none = Filter::default;
        for (filter, expected) in [
            (none(), &[1, 2, 3][..]),
            (Filter { start: Some(2000), ..none() }, &[2, 3]),
            (Filter { end: Some(2000), ..none() }, &[1, 2]),
            (Filter { event_type: "create".into(), ..none() }, &[1, 2]),
            (Filter { resource_type: "Clusters.omni.sidero.dev".into(), ..none() }, &[]),
            (Filter { resource_id: "b".into(), ..none() }, &[1, 3]),
            (Filter { cluster: "test".into(), ..none() }, &[2]),
            (Filter { actor: "bob".into(), ..none() }, &[2, 3]),
            (Filter { search: "BOB".into(), ..none() }, &[2, 3]),
            (Filter { descending: true, ..none() }, &[3, 2, 1]),
            (Filter { order: Order::ResourceId, ..none() }, &[2, 1, 3]),
            (Filter { order: Order::Actor, descending: true, ..none() }, &[3, 2, 1]),
            (Filter { order: Order::EventType, descending: true, ..none() }, &[3, 2, 1]),
            (Filter { order: Order::Cluster, ..none() }, &[1, 3, 2]),
        ] {
            let found = all.iter().filter(|entry| filter.fits(&entry.event)).cloned().collect();
            let found: Vec<i64> = filter.sorted(found).iter().map(|entry| entry.id).collect();
            assert_eq!(found, expected, "{filter:?}");
        }
    }

    #[test]
    fn days_have_defaults() {
        let now = 1_790_000_000_000;
        let filter = Filter::days("", "", now).unwrap();
        assert_eq!((filter.start, filter.end), (Some(now - DAYS * DAY), Some(now)));
        let filter = Filter::days("2026-05-30", "2026-05-31", now).unwrap();
        assert_eq!(filter.end.unwrap() - filter.start.unwrap(), DAY);
        let refused = |start, end| Filter::days(start, end, now).unwrap_err();
        assert!(refused("x", "").starts_with("invalid start time: parsing time"));
        assert!(refused("", "x").starts_with("invalid end time: parsing time"));
    }
}
