//! The logs of machines.

use super::ServiceContext;
use crate::access::Caller;
use crate::catalogue::Feature;
use crate::kinds::Role;
use futures_util::{StreamExt, stream};
use omni_proto::common::Data;
use omni_proto::management as pb;
use tonic::codegen::BoxStream;
use tonic::{Request, Status};

pub(super) async fn machine_logs(
    ctx: &ServiceContext,
    request: Request<pb::MachineLogsRequest>,
) -> Result<BoxStream<Data>, Status> {
    let caller = Caller::of(&request)?;
    let pb::MachineLogsRequest { machine_id: id, follow, tail_lines } = request.into_inner();
    let named = || if id.is_empty() { Err(Status::invalid_argument("machine id is required")) } else { Ok(()) };
    if ctx.release().has(Feature::CallsByPolicy) {
        named()?;
    }
    ctx.permit_on_machine(&caller, &id, Role::Reader)?;
    named()?;
    // Less than none stands for all.
    let tail = usize::try_from(tail_lines).ok();
    let Some(mut reader) = ctx.logs.reader(&id, tail) else {
        let text = format!("failed to get log store for machine {id:?}: log store not found: {id}");
        return Err(Status::not_found(text));
    };
    let data = |bytes| Ok(Data { metadata: None, bytes });
    if follow {
        let lines = stream::unfold(reader, |mut reader| async { Some((reader.next().await?, reader)) });
        return Ok(lines.map(data).boxed());
    }
    // What is there now, and not what comes while it is sent.
    let lines: Vec<_> = std::iter::from_fn(|| reader.try_next()).map(data).collect();
    Ok(stream::iter(lines).boxed())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{call, context};
    use super::*;
    use crate::release::Release;
    use crate::{inventory, world};
    use tonic::Code;

    fn request(id: &str, follow: bool, tail_lines: i32) -> pb::MachineLogsRequest {
        pb::MachineLogsRequest { machine_id: id.into(), follow, tail_lines }
    }

    #[tokio::test]
    async fn refusals() {
        let ctx = context(Release::V1_6);
        let unknown = "failed to get log store for machine \"m\": log store not found: m";
        for (role, id, code, text) in [
            (Role::None, "m", Code::PermissionDenied, "unauthorized: access denied: insufficient role: \"None\""),
            (Role::Reader, "", Code::InvalidArgument, "machine id is required"),
            (Role::Reader, "m", Code::NotFound, unknown),
        ] {
            let status = machine_logs(&ctx, call(role, None, request(id, false, -1))).await.err().unwrap();
            assert_eq!((status.code(), status.message()), (code, text));
        }
        for (release, code) in [(Release::V1_7, Code::PermissionDenied), (Release::V1_8, Code::InvalidArgument)] {
            let request = call(Role::None, None, request("", false, -1));
            let status = machine_logs(&context(release), request).await.err().unwrap();
            assert_eq!(status.code(), code, "{release}");
        }
    }

    #[tokio::test]
    async fn logs_are_read_from_their_end_and_followed() {
        let ctx = context(Release::V1_6);
        world::add_machine(&ctx.store, 1);
        let id = inventory::id(1);
        let read = async |follow, tail| {
            machine_logs(&ctx, call(Role::Reader, None, request(&id, follow, tail))).await.unwrap()
        };
        let all: Vec<_> = read(false, -1).await.collect().await;
        assert!(all.len() > 2);
        assert_eq!(read(false, 2).await.count().await, 2);
        assert_eq!(read(false, 0).await.count().await, 0);
        let mut lines = read(true, 1).await;
        assert_eq!(lines.next().await.unwrap().unwrap(), *all.last().unwrap().as_ref().unwrap());
        ctx.logs.write(ctx.store.time(), &id, "later");
        let line = lines.next().await.unwrap().unwrap().bytes;
        assert!(String::from_utf8(line).unwrap().contains("\"msg\":\"later\""));
    }
}
