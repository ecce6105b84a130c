//! Calls that the provider does not offer: an answer with a reason, never a status.

use super::*;

/// Makes a call and returns the problems in its answer.
macro_rules! problems {
    ($host:ident.$call:ident($message:ident)) => {
        $host.$call(pb::$message::Request::default()).await.unwrap().into_inner().diagnostics
    };
    ($host:ident.$call:ident) => {
        problems!($host.$call($call))
    };
}

#[tokio::test]
async fn each_answers_with_one_error() {
    let mut host = host().await;
    let answers = [
        ("MoveResourceState", problems!(host.move_resource_state)),
        ("GenerateResourceConfig", problems!(host.generate_resource_config)),
        ("ValidateEphemeralResourceConfig", problems!(host.validate_ephemeral_resource_config)),
        ("OpenEphemeralResource", problems!(host.open_ephemeral_resource)),
        ("RenewEphemeralResource", problems!(host.renew_ephemeral_resource)),
        ("CloseEphemeralResource", problems!(host.close_ephemeral_resource)),
        ("ValidateListResourceConfig", problems!(host.validate_list_resource_config)),
        ("ValidateStateStoreConfig", problems!(host.validate_state_store_config(validate_state_store))),
        ("ConfigureStateStore", problems!(host.configure_state_store)),
        ("LockState", problems!(host.lock_state)),
        ("UnlockState", problems!(host.unlock_state)),
        ("GetStates", problems!(host.get_states)),
        ("DeleteState", problems!(host.delete_state)),
        ("PlanAction", problems!(host.plan_action)),
        ("ValidateActionConfig", problems!(host.validate_action_config)),
    ];
    for (rpc, diagnostics) in answers {
        assert_eq!(errors(&diagnostics).len(), 1, "{rpc}: {diagnostics:?}");
        assert!(!diagnostics[0].detail.is_empty(), "{rpc}");
    }
}

#[tokio::test]
async fn streams_carry_one_message_with_the_error() {
    let mut host = host().await;
    let mut list = host.list_resource(pb::list_resource::Request::default()).await.unwrap().into_inner();
    assert_eq!(errors(&list.message().await.unwrap().unwrap().diagnostic).len(), 1);
    assert!(list.message().await.unwrap().is_none());

    let mut action = host.invoke_action(pb::invoke_action::Request::default()).await.unwrap().into_inner();
    let Some(pb::invoke_action::event::Type::Completed(end)) = action.message().await.unwrap().unwrap().r#type else {
        panic!("an action ends with its completion");
    };
    assert_eq!(errors(&end.diagnostics).len(), 1);
    assert!(action.message().await.unwrap().is_none());

    let mut bytes = host.read_state_bytes(pb::read_state_bytes::Request::default()).await.unwrap().into_inner();
    assert_eq!(errors(&bytes.message().await.unwrap().unwrap().diagnostics).len(), 1);

    let chunks = tokio_stream::once(pb::write_state_bytes::RequestChunk::default());
    let written = host.write_state_bytes(chunks).await.unwrap().into_inner();
    assert_eq!(errors(&written.diagnostics).len(), 1);
}

#[tokio::test]
async fn a_function_that_is_not_there_is_an_error() {
    let mut host = host().await;
    let request = pb::call_function::Request { name: "sum".into(), ..Default::default() };
    let error = host.call_function(request).await.unwrap().into_inner().error.unwrap();
    assert!(error.text.contains("`sum`"), "{}", error.text);
    assert_eq!(error.function_argument, None);
}
