//! The audit log: access, filters, and streaming.

use super::ServiceContext;
use crate::access::Caller;
use crate::audit::{Entry, Filter, Order};
use crate::catalogue::Feature;
use crate::kinds::{self, Role};
use crate::names::kind;
use futures_util::{StreamExt, stream};
use omni_proto::management as pb;
use omni_proto::management::{AuditLogEventType as Type, AuditLogOrderByDir as Dir, AuditLogOrderByField as Field};
use omni_proto::specs::FeaturesConfigSpec;
use serde_json::json;
use std::sync::Arc;
use tonic::codegen::BoxStream;
use tonic::{Request, Status};

pub(super) async fn read_audit_log(
    ctx: &ServiceContext,
    request: Request<pb::ReadAuditLogRequest>,
) -> Result<BoxStream<pb::ReadAuditLogResponse>, Status> {
    let (caller, release) = (Caller::of(&request)?, ctx.release());
    match release.has(Feature::Auditors) {
        true => caller.needs_one_of(&[Role::Auditor, Role::Admin])?,
        false => caller.needs(Role::Admin)?,
    }
    let request = request.into_inner();
    let features = ctx.store.get(&kinds::key(kind::FEATURES_CONFIG, "features-config"));
    if features.is_some_and(|features| !features.spec::<FeaturesConfigSpec>().audit_log_enabled) {
        return Err(Status::unknown("audit log is disabled"));
    }
    let places = release.has(Feature::AuditLogFollowing);
    for (field, value) in [("start_ts_ms", request.start_ts_ms), ("from_id", request.from_id)] {
        if places && value < 0 {
            return Err(Status::invalid_argument(format!("{field} cannot be negative")));
        }
    }
    if places && request.follow {
        return follow(ctx, &request);
    }
    let now = i64::try_from(ctx.store.time().as_millis()).unwrap_or(i64::MAX);
    let days = Filter::days(&request.start_time, &request.end_time, now).map_err(Status::invalid_argument)?;
    if places && request.from_id != 0 {
        return Err(Status::invalid_argument("from_id requires follow"));
    }
    let days = match request.start_ts_ms {
        start if places && start > 0 => Filter { start: Some(start), ..days },
        _ => days,
    };
    let filter = if release.has(Feature::AuditLogFilters) { chosen(&request, days) } else { days };
    let found = ctx.audit.read(&filter);
    if places {
        note(ctx, &request);
    }
    // Only a reader who follows is told the places of events.
    let answer = |entry: Arc<Entry>| Ok(pb::ReadAuditLogResponse { audit_log: entry.event.line().into_bytes(), id: 0 });
    Ok(stream::iter(found.into_iter().map(answer)).boxed())
}

fn chosen(request: &pb::ReadAuditLogRequest, days: Filter) -> Filter {
    let order = match request.order_by_field() {
        Field::Unspecified | Field::Date => Order::Date,
        Field::EventType => Order::EventType,
        Field::ResourceType => Order::ResourceType,
        Field::ResourceId => Order::ResourceId,
        Field::ClusterId => Order::Cluster,
        Field::Actor => Order::Actor,
    };
    Filter {
        search: request.search.clone(),
        event_type: event_type(request.event_type()).to_owned(),
        resource_type: request.resource_type.clone(),
        resource_id: request.resource_id.clone(),
        cluster: request.cluster_id.clone(),
        actor: request.actor.clone(),
        order,
        descending: request.order_by_dir() == Dir::Desc,
        ..days
    }
}

fn event_type(of: Type) -> &'static str {
    match of {
        Type::Unspecified => "",
        Type::Create => "create",
        Type::Update => "update",
        Type::UpdateWithConflicts => "update_with_conflicts",
        Type::Destroy => "destroy",
        Type::Teardown => "teardown",
        Type::TalosAccess => "talos_access",
        Type::K8sAccess => "k8s_access",
        Type::AuditLogAccess => "audit_log_access",
    }
}

fn follow(
    ctx: &ServiceContext,
    request: &pb::ReadAuditLogRequest,
) -> Result<BoxStream<pb::ReadAuditLogResponse>, Status> {
    let refused = [
        ("start_time", !request.start_time.is_empty()),
        ("end_time", !request.end_time.is_empty()),
        ("order_by_field", request.order_by_field != 0),
        ("order_by_dir", request.order_by_dir != 0),
        ("search", !request.search.is_empty()),
        ("event_type", request.event_type != 0),
        ("resource_type", !request.resource_type.is_empty()),
        ("resource_id", !request.resource_id.is_empty()),
        ("cluster_id", !request.cluster_id.is_empty()),
        ("actor", !request.actor.is_empty()),
    ];
    if let Some((field, _)) = refused.iter().find(|(_, is_set)| *is_set) {
        return Err(Status::invalid_argument(format!("{field} cannot be combined with follow")));
    }
    let after = match (request.from_id, request.start_ts_ms) {
        (0, 0) => ctx.audit.last(),
        (0, start) => ctx.audit.before(start),
        (id, _) => id - 1,
    };
    if after > ctx.audit.last() {
        return Err(Status::failed_precondition("the follow position no longer exists"));
    }
    // The reader's own access comes after the place where it begins, as anybody else's would.
    note(ctx, request);
    // A first answer without an event says that the log is being followed, and from where on.
    let begun = stream::iter([Ok(pb::ReadAuditLogResponse { audit_log: Vec::new(), id: after })]);
    let events = stream::unfold(ctx.audit.follow(after), |mut follower| async {
        let entry = follower.next().await?;
        let line = entry.event.line().into_bytes();
        Some((Ok(pb::ReadAuditLogResponse { audit_log: line, id: entry.id }), follower))
    });
    Ok(begun.chain(events).boxed())
}

/// Notes that somebody reads the log, and what of it.
fn note(ctx: &ServiceContext, request: &pb::ReadAuditLogRequest) {
    let asked = json!({
        "start": request.start_time,
        "end": request.end_time,
        "search": request.search,
        "event_type": event_type(request.event_type()),
        "resource_type": request.resource_type,
        "resource_id": request.resource_id,
        "cluster_id": request.cluster_id,
        "actor": request.actor,
        "from_id": request.from_id,
        "follow": request.follow,
    });
    ctx.audit.access(ctx.store.time(), "audit_log_access", asked);
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{NOW, call, context};
    use super::*;
    use crate::Release;
    use omni_proto::specs::ClusterSpec;
    use prost::Message;
    use serde_json::Value;
    use tonic::Code;

    fn cluster(ctx: &ServiceContext, id: &str) {
        ctx.store
            .put("", &kinds::key(kind::CLUSTER, id), |object| object.spec = ClusterSpec::default().encode_to_vec());
    }

    async fn ids(ctx: &ServiceContext, request: pb::ReadAuditLogRequest) -> Vec<String> {
        let answers = read_audit_log(ctx, call(Role::Admin, None, request)).await.unwrap();
        let lines: Vec<_> = answers.map(|answer| answer.unwrap().audit_log).collect().await;
        let line = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).unwrap();
        lines.into_iter().map(|l| line(l)["resource_id"].as_str().unwrap_or_default().to_owned()).collect()
    }

    #[tokio::test]
    async fn refusals() {
        let ctx = context(Release::NEWEST);
        let day = |text: &str| pb::ReadAuditLogRequest { start_time: text.into(), ..Default::default() };
        let followed = |request| pb::ReadAuditLogRequest { follow: true, ..request };
        let not_allowed = "unauthorized: role \"Operator\" is not one of the allowed roles [Auditor Admin]";
        for (role, request, code, text) in [
            (Role::Operator, day(""), Code::PermissionDenied, not_allowed),
            (
                Role::Admin,
                day("x"),
                Code::InvalidArgument,
                "invalid start time: parsing time \"x\" as \"2006-01-02\": cannot parse \"x\" as \"2006\"",
            ),
            (Role::Admin, followed(day("x")), Code::InvalidArgument, "start_time cannot be combined with follow"),
            (
                Role::Auditor,
                followed(pb::ReadAuditLogRequest { from_id: -1, ..Default::default() }),
                Code::InvalidArgument,
                "from_id cannot be negative",
            ),
            (
                Role::Auditor,
                pb::ReadAuditLogRequest { start_ts_ms: -1, ..Default::default() },
                Code::InvalidArgument,
                "start_ts_ms cannot be negative",
            ),
            (
                Role::Auditor,
                pb::ReadAuditLogRequest { from_id: 1, ..Default::default() },
                Code::InvalidArgument,
                "from_id requires follow",
            ),
            (
                Role::Auditor,
                followed(pb::ReadAuditLogRequest { from_id: 100, ..Default::default() }),
                Code::FailedPrecondition,
                "the follow position no longer exists",
            ),
        ] {
            let status = read_audit_log(&ctx, call(role, None, request)).await.err().unwrap();
            assert_eq!((status.code(), status.message()), (code, text));
        }
        let old = read_audit_log(&context(Release::V1_9), call(Role::Operator, None, day(""))).await.err().unwrap();
        assert_eq!(old.message(), "unauthorized: access denied: insufficient role: \"Operator\"");
        let key = kinds::key(kind::FEATURES_CONFIG, "features-config");
        ctx.store.put("", &key, |object| object.spec = FeaturesConfigSpec::default().encode_to_vec());
        let status = read_audit_log(&ctx, call(Role::Admin, None, day(""))).await.err().unwrap();
        assert_eq!((status.code(), status.message()), (Code::Unknown, "audit log is disabled"));
    }

    #[tokio::test]
    async fn newer_releases_choose_and_sort() {
        let asked =
            || pb::ReadAuditLogRequest { search: "\"B\"".into(), order_by_dir: Dir::Desc.into(), ..Default::default() };
        for (release, expected) in [(Release::V1_6, &["a", "b"][..]), (Release::NEWEST, &["b"])] {
            let ctx = context(release);
            cluster(&ctx, "a");
            cluster(&ctx, "b");
            assert_eq!(ids(&ctx, asked()).await, expected, "{release}");
        }
        let ctx = context(Release::NEWEST);
        cluster(&ctx, "a");
        let day = pb::ReadAuditLogRequest { end_time: "2026-01-01".into(), ..Default::default() };
        assert!(ids(&ctx, day).await.is_empty());
        let reads = || pb::ReadAuditLogRequest { event_type: Type::AuditLogAccess.into(), ..Default::default() };
        assert_eq!(ids(&ctx, reads()).await, [""], "reading is noted");
        for (release, noted) in [(Release::V1_9, 0), (Release::V1_10, 1)] {
            let ctx = context(release);
            ids(&ctx, reads()).await;
            assert_eq!(ids(&ctx, reads()).await.len(), noted, "{release}");
        }
    }

    #[tokio::test]
    async fn the_first_millisecond_counts_more_than_the_first_day() {
        let from = |at: u64, day: &str| {
            let start_ts_ms = i64::try_from(1000 * at).unwrap();
            pb::ReadAuditLogRequest { start_ts_ms, start_time: day.into(), ..Default::default() }
        };
        for (release, request, expected) in [
            (Release::V1_10, from(NOW, "2026-01-01"), 1),
            (Release::V1_10, from(NOW + 1, "2026-01-01"), 0),
            // Older servers do not know it.
            (Release::V1_9, from(NOW + 1, "2026-01-01"), 1),
        ] {
            let ctx = context(release);
            cluster(&ctx, "a");
            assert_eq!(ids(&ctx, request.clone()).await.len(), expected, "{release} {request:?}");
        }
    }

    #[tokio::test]
    async fn followers_are_told_from_where_on() {
        let ctx = context(Release::NEWEST);
        for id in ["a", "b", "c"] {
            cluster(&ctx, id);
        }
        for (request, first, next) in [
            (pb::ReadAuditLogRequest { from_id: 2, ..Default::default() }, 1, 2),
            (pb::ReadAuditLogRequest { start_ts_ms: 1000 * NOW as i64, ..Default::default() }, 0, 1),
        ] {
            let request = pb::ReadAuditLogRequest { follow: true, ..request };
            let mut answers = read_audit_log(&ctx, call(Role::Auditor, None, request)).await.unwrap();
            let begun = answers.next().await.unwrap().unwrap();
            assert_eq!((begun.audit_log.len(), begun.id), (0, first));
            assert_eq!(answers.next().await.unwrap().unwrap().id, next);
        }
    }
}
