//! Whatever a host sends is answered: nothing panics, and nothing waits for ever.

use super::super::Server;
use super::{provider, thing_type};
use crate::tf::value::Value;
use crate::tf::wire;
use omni_proto::tfplugin6 as pb;
use omni_proto::tfplugin6::provider_server::Provider as _;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use std::time::Duration;
use tonic::{Code, Request, Response, Status};

/// Longer than any answer takes, however busy the machine is.
const RUN_TIMEOUT: Duration = Duration::from_secs(30);

/// Names of types, those that there are and others.
fn names() -> impl Strategy<Value = String> {
    prop_oneof![3 => Just(provider::THING.to_owned()), 1 => ".{0,8}"]
}

/// Values of the test resource, with bytes that do not belong there.
fn values() -> impl Strategy<Value = Option<pb::DynamicValue>> {
    let good = wire::encode(&provider::thing_schema().null_object(), &thing_type()).unwrap().msgpack;
    let bent = (any::<prop::sample::Index>(), any::<u8>()).prop_map(move |(at, byte)| {
        let mut bytes = good.clone();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes
    });
    let null = wire::encode(&Value::Null, &thing_type()).unwrap().msgpack;
    let bytes = prop_oneof![bent, Just(null), prop::collection::vec(any::<u8>(), 0..40)];
    let json = prop_oneof![Just(Vec::new()), Just(b"{}".to_vec()), Just(b"{\"name\": [1e400]}".to_vec())];
    prop::option::of((bytes, json).prop_map(|(msgpack, json)| pb::DynamicValue { msgpack, json }))
}

async fn answered<A>(call: impl Future<Output = Result<Response<A>, Status>>) -> TestCaseResult {
    let answer = tokio::time::timeout(RUN_TIMEOUT, call).await.map_err(|_| TestCaseError::fail("no answer"))?;
    let status = answer.err();
    let code = status.as_ref().map_or(Code::Ok, Status::code);
    prop_assert!(!matches!(code, Code::DataLoss | Code::Cancelled), "{status:?}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn requests(
        type_name in names(),
        first in values(),
        second in values(),
        third in values(),
        private in prop::collection::vec(any::<u8>(), 0..24),
        id in ".{0,12}",
        version: i64,
        json in prop_oneof![prop::collection::vec(any::<u8>(), 0..24), Just(b"{\"name\": {}}".to_vec())],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = Server::new(provider::new);
            let ty = || type_name.clone();
            answered(server.validate_resource_config(Request::new(pb::validate_resource_config::Request {
                type_name: ty(),
                config: first.clone(),
                ..Default::default()
            }))).await?;
            answered(server.upgrade_resource_state(Request::new(pb::upgrade_resource_state::Request {
                type_name: ty(),
                version,
                raw_state: Some(pb::RawState { json, ..Default::default() }),
            }))).await?;
            answered(server.read_resource(Request::new(pb::read_resource::Request {
                type_name: ty(),
                current_state: first.clone(),
                private: private.clone(),
                ..Default::default()
            }))).await?;
            answered(server.plan_resource_change(Request::new(pb::plan_resource_change::Request {
                type_name: ty(),
                prior_state: first.clone(),
                proposed_new_state: second.clone(),
                config: third.clone(),
                prior_private: private.clone(),
                ..Default::default()
            }))).await?;
            answered(server.apply_resource_change(Request::new(pb::apply_resource_change::Request {
                type_name: ty(),
                prior_state: first.clone(),
                planned_state: second.clone(),
                config: third.clone(),
                planned_private: private,
                ..Default::default()
            }))).await?;
            answered(server.import_resource_state(Request::new(pb::import_resource_state::Request {
                type_name: ty(),
                id,
                ..Default::default()
            }))).await?;
            answered(server.read_data_source(Request::new(pb::read_data_source::Request {
                type_name: ty(),
                config: first,
                ..Default::default()
            }))).await
        })?;
    }
}
