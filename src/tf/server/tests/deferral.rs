//! Deferral: a provider whose configuration is not known defers every call that could wait, and only where the host allows it.

use super::*;

fn capabilities(allowed: bool) -> Option<pb::ClientCapabilities> {
    Some(pb::ClientCapabilities { deferral_allowed: allowed, ..Default::default() })
}

/// A host whose provider is configured with a known endpoint, or with one that is not known.
async fn configured(known: bool) -> ProviderClient<Channel> {
    let mut host = host().await;
    let endpoint = if known { "there".into() } else { Value::UNKNOWN };
    let config = wired(&Value::object([("endpoint", endpoint)]), &provider::provider_schema().object_type());
    let request = pb::configure_provider::Request { config, ..Default::default() };
    assert_eq!(errors(&host.configure_provider(request).await.unwrap().into_inner().diagnostics), [""; 0]);
    host
}

/// What came of a call: the deferral, the errors, and a value that only the type knows.
type Answer = (Option<pb::deferred::Reason>, usize, Value);

fn answer(deferred: Option<pb::Deferred>, diagnostics: &[pb::Diagnostic], value: Value) -> Answer {
    (deferred.map(|deferred| deferred.reason()), errors(diagnostics).len(), value)
}

async fn read(host: &mut ProviderClient<Channel>, allowed: bool) -> Answer {
    let request = pb::read_resource::Request {
        type_name: provider::THING.into(),
        current_state: wired_thing(&thing(&[("name", "a".into()), ("label", "quiet".into()), ("note", "kept".into())])),
        client_capabilities: capabilities(allowed),
        ..Default::default()
    };
    let read = host.read_resource(request).await.unwrap().into_inner();
    let note = read_thing(read.new_state.as_ref()).get("note").clone();
    answer(read.deferred, &read.diagnostics, note)
}

async fn planned(host: &mut ProviderClient<Channel>, allowed: bool) -> Answer {
    let config = thing(&[("name", "a".into())]);
    let request = pb::plan_resource_change::Request {
        type_name: provider::THING.into(),
        prior_state: wired_thing(&Value::Null),
        proposed_new_state: wired_thing(&config),
        config: wired_thing(&config),
        client_capabilities: capabilities(allowed),
        ..Default::default()
    };
    let plan = host.plan_resource_change(request).await.unwrap().into_inner();
    let id = read_thing(plan.planned_state.as_ref()).get("id").clone();
    answer(plan.deferred, &plan.diagnostics, id)
}

async fn imported(host: &mut ProviderClient<Channel>, allowed: bool) -> Answer {
    let request = pb::import_resource_state::Request {
        type_name: provider::THING.into(),
        id: "one".into(),
        client_capabilities: capabilities(allowed),
        ..Default::default()
    };
    let import = host.import_resource_state(request).await.unwrap().into_inner();
    let id = import.imported_resources.first().map(|one| read_thing(one.state.as_ref()).get("id").clone());
    answer(import.deferred, &import.diagnostics, id.unwrap_or(Value::Null))
}

async fn looked_up(host: &mut ProviderClient<Channel>, allowed: bool) -> Answer {
    let of = provider::lookup_schema().object_type();
    let mut config = provider::lookup_schema().null_object();
    config.set("key", "it".into());
    let request = pb::read_data_source::Request {
        type_name: provider::LOOKUP.into(),
        config: wired(&config, &of),
        client_capabilities: capabilities(allowed),
        ..Default::default()
    };
    let data = host.read_data_source(request).await.unwrap().into_inner();
    let value = read_back(data.state.as_ref(), &of);
    assert_eq!((value.get("key").as_str(), value.get("prefix").as_str()), (Some("it"), Some("to ")));
    answer(data.deferred, &data.diagnostics, value.get("value").clone())
}

async fn opened(host: &mut ProviderClient<Channel>, allowed: bool) -> Answer {
    let of = provider::lease_schema().object_type();
    let mut config = provider::lease_schema().null_object();
    config.set("name", "a".into());
    let request = pb::open_ephemeral_resource::Request {
        type_name: provider::LEASE.into(),
        config: wired(&config, &of),
        client_capabilities: capabilities(allowed),
    };
    let open = host.open_ephemeral_resource(request).await.unwrap().into_inner();
    assert_eq!(open.private.is_some(), open.deferred.is_none(), "what is deferred is not open");
    answer(open.deferred, &open.diagnostics, read_back(open.result.as_ref(), &of).get("value").clone())
}

async fn planned_action(host: &mut ProviderClient<Channel>, allowed: bool) -> Answer {
    let mut config = provider::ring_schema().null_object();
    config.set("mode", "plain".into());
    let request = pb::plan_action::Request {
        action_type: provider::RING.into(),
        config: wired(&config, &provider::ring_schema().object_type()),
        client_capabilities: capabilities(allowed),
    };
    let plan = host.plan_action(request).await.unwrap().into_inner();
    answer(plan.deferred, &plan.diagnostics, Value::Null)
}

#[tokio::test]
async fn an_unknown_provider_configuration_defers_what_the_host_lets_wait() {
    let why = Some(pb::deferred::Reason::ProviderConfigUnknown);
    for (known, allowed) in [(false, true), (false, false), (true, true)] {
        let mut host = configured(known).await;
        let waits = !known && allowed;
        let deferred = why.filter(|_| waits);
        let or = |waiting: Value, asked: Value| if waits { waiting } else { asked };
        let about = format!("known: {known}, allowed: {allowed}");
        // The type sets the note to the ID of the identity, of which there is none.
        assert_eq!(read(&mut host, allowed).await, (deferred, 0, or("kept".into(), Value::Null)), "{about}");
        let (found, problems, _) = planned(&mut host, allowed).await;
        assert_eq!((found, problems), (deferred, 0), "{about}");
        assert_eq!(imported(&mut host, allowed).await, (deferred, 0, or(Value::Null, "one".into())), "{about}");
        assert_eq!(looked_up(&mut host, allowed).await, (deferred, 0, or(Value::UNKNOWN, "to it".into())), "{about}");
        assert_eq!(opened(&mut host, allowed).await, (deferred, 0, or(Value::UNKNOWN, "hush".into())), "{about}");
        assert_eq!(planned_action(&mut host, allowed).await, (deferred, 0, Value::Null), "{about}");
    }
}
