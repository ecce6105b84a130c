//! Removes config patches of users that have belonged to nothing for a long time.

use super::context::ControllerContext;
use crate::names::{kind, label};
use crate::object::Object;
use std::time::Duration;

/// How long a patch is kept after it was made and after it was last written.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// What a patch can belong to: a label, and the type of the object that it names.
const TARGETS: [(&str, &str); 4] = [
    (label::MACHINE, kind::MACHINE),
    (label::CLUSTER_MACHINE, kind::CLUSTER_MACHINE),
    (label::MACHINE_SET, kind::MACHINE_SET),
    (label::CLUSTER, kind::CLUSTER),
];

pub(super) fn act(ctx: &ControllerContext<'_>) {
    let oldest = ctx.now().saturating_sub(KEPT).as_secs().cast_signed();
    for patch in ctx.list(kind::CONFIG_PATCH) {
        let is_old = patch.created.0.max(patch.updated.0) <= oldest;
        if is_old && patch.owner.is_empty() && patch.key.namespace == "default" && belongs_to_nothing(ctx, &patch) {
            ctx.clear(&patch.key);
        }
    }
}

fn belongs_to_nothing(ctx: &ControllerContext<'_>, patch: &Object) -> bool {
    TARGETS.iter().all(|(label, kind)| patch.label(label).is_none_or(|id| !ctx.has(kind, id)))
}

#[cfg(test)]
mod tests {
    use super::super::context::Hourly;
    use super::*;
    use crate::driver::Driver;
    use crate::kinds;
    use crate::release::Release;
    use crate::store::Store;
    use kit::clock::TestClock;
    use std::sync::Arc;

    const DAY: Duration = Duration::from_hours(24);

    #[test]
    fn patches_without_a_target_go_after_a_month() {
        let clock = Arc::new(TestClock::at(1_790_000_000));
        let store = Store::new(clock.clone());
        let driver =
            Driver::new(store.clone(), vec![Hourly::boxed("ConfigPatchCleanupController", act)], Release::NEWEST);
        let patch = |id: &str| kinds::key(kind::CONFIG_PATCH, id);
        let put = |owner: &str, id: &str, label: &str, target: &str| {
            store.put(owner, &patch(id), |object| {
                object.labels.insert(label.to_owned(), target.to_owned());
            });
        };
        store.put("", &kinds::key(kind::MACHINE, "m"), |_| {});
        put("", "of-no-cluster", label::CLUSTER, "none");
        put("", "of-nothing", "team", "a");
        put("", "written", label::MACHINE_SET, "none");
        put("", "held", label::CLUSTER_MACHINE, "none");
        store.add_finalizer(&patch("held"), "Somebody");
        put("", "of-a-machine", label::MACHINE, "m");
        put("Controller", "of-a-controller", label::CLUSTER, "none");
        let left = || store.list(kind::CONFIG_PATCH).iter().map(|o| o.key.id.clone()).collect::<Vec<_>>();
        let settle = || driver.settle().unwrap();
        settle();
        assert_eq!(left().len(), 6);

        clock.advance(29 * DAY);
        settle();
        store.modify(&patch("written"), |object| object.spec = vec![1]);
        settle();
        assert_eq!(left().len(), 6);
        clock.advance(Duration::from_secs(86_399));
        settle();
        assert_eq!(left().len(), 6, "not before the month is over");
        clock.advance(Duration::from_secs(1));
        settle();
        assert_eq!(left().len(), 6, "it looks once an hour");
        clock.advance(Duration::from_hours(1));
        settle();
        assert_eq!(left(), ["held", "of-a-controller", "of-a-machine", "written"]);
        assert!(store.get(&patch("held")).unwrap().tearing_down);
    }
}
