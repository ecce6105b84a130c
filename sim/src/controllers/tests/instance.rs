//! What the server reports of itself.

use super::*;

#[test]
fn tokens_have_a_status() {
    let scene = Scene::new();
    let token = scene.store.list(kind::JOIN_TOKEN)[0].clone();
    assert_eq!(token.finalizers, ["JoinTokenStatusController"]);
    let status = scene.get(kind::JOIN_TOKEN_STATUS, &token.key.id).unwrap();
    assert_eq!(status.label(label::ACTIVE_JOIN_TOKEN), Some(""));
    let spec: JoinTokenStatusSpec = status.spec();
    assert_eq!((spec.state(), spec.is_default), (join_token_status_spec::State::Active, true));
    assert_eq!(spec.name, "initial token");
}
