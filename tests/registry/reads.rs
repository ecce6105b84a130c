//! What every data source gives and refuses, from its fixture; and what all of them do alike.

use crate::fixture::{self, Reads};
use crate::host::{Host, errors};
use crate::lifecycle::{block, prepare};
use libtest_mimic::Failed;
use omni_sim::Options;
use serde_json::{Value as Json, json};
use terraform_provider_omni::tf::wire;

/// What is read from another type when the first one is denied: only all denials together keep it away.
pub const READ_ELSEWHERE: [&str; 3] = ["omni_default_join_token", "omni_join_token", "omni_join_tokens"];
/// The calls that read objects.
pub const READS: [&str; 3] = ["Get", "List", "Watch"];

/// The provider in front of the world of the fixture, in which nothing moves any more.
async fn start(fixture: &Reads) -> Host {
    let world = (!fixture.world.is_null()).then(|| fixture.world.to_string().parse().expect("a world"));
    let machines = if world.is_some() { 0 } else { Options::default().machines };
    let host = Host::with(Options { world, machines, ..Options::stepped() }, &[]).await;
    host.sim.settle().expect("the world comes to rest");
    prepare(&host, &fixture.needs).await;
    host.sim.settle().expect("the world comes to rest");
    fixture.objects.iter().for_each(|given| host.give(given));
    host
}

/// Reads what the fixture says, and compares what comes.
pub fn run(name: &'static str) -> Result<(), Failed> {
    block(async move {
        let host = start(&fixture::reads(name)).await;
        let fixture = fixture::reads_on(&host, name);
        for read in &fixture.reads {
            let state = host.look(name, &read.config).await;
            let state = state.unwrap_or_else(|d| panic!("{name}: {}: {:#?}", read.config, errors(&d)));
            let given = wire::to_json(&state);
            if let Some(problem) = lacks(&given, &read.gives, "") {
                panic!("{name}: {}: {problem} in {given:#}", read.config);
            }
            for attribute in &read.fills {
                assert!(!given[attribute].is_null(), "{name}: {}: `{attribute}` is null", read.config);
            }
        }
        let schema = host.source(name);
        let arguments = schema.attributes.iter().filter(|attribute| attribute.configurable());
        let unread: Vec<_> = arguments
            .map(|attribute| attribute.name)
            .filter(|argument| fixture.reads.iter().all(|read| read.config[argument].is_null()))
            .collect();
        assert_eq!(unread, Vec::<&str>::new(), "{name}: no read sets these arguments");
    })
}

/// Reads what cannot be read, and compares what is said.
pub fn refuses(name: &'static str) -> Result<(), Failed> {
    block(async move {
        let host = start(&fixture::reads(name)).await;
        let fixture = fixture::reads_on(&host, name);
        for refusal in &fixture.refuses {
            let said = refused(&host, name, &refusal.config).await;
            let path = refusal.path.as_deref().unwrap_or_default();
            let fits = |line: &String| {
                line.starts_with(&format!("{path}: ")) && refusal.says.iter().all(|part| line.contains(part))
            };
            assert!(said.iter().any(fits), "{name}: {} at `{path}`: {said:#?}", refusal.config);
            let told = refusal.hides.iter().find(|secret| said.iter().any(|line| line.contains(*secret)));
            assert_eq!(told, None, "{name}: {}: {said:#?}", refusal.config);
        }
        // Filters that all plurals have are refused alike.
        for (argument, wrong) in [("label_selector", "team like a"), ("id_regexp", "(")] {
            if host.source(name).attribute(argument).is_none() {
                continue;
            }
            let said = refused(&host, name, &json!({ argument: wrong })).await;
            let told = |line: &String| line.starts_with(&format!("{argument}: ")) && line.contains(wrong);
            assert!(said.iter().any(told), "{name}: {said:#?}");
        }
    })
}

async fn refused(host: &Host, name: &str, config: &Json) -> Vec<String> {
    match host.look(name, config).await {
        Ok(state) => panic!("{name}: {config} gives {:#}", wire::to_json(&state)),
        Err(diags) => errors(&diags),
    }
}

/// Who may not see it is told so, and gets no part of it.
pub fn denied(name: &'static str) -> Result<(), Failed> {
    block(async move {
        let host = start(&fixture::reads(name)).await;
        let fixture = fixture::reads_on(&host, name);
        host.sim.forget_requests();
        let config = &fixture.reads.first().expect("a read").config;
        host.look(name, config).await.unwrap_or_else(|d| panic!("{name}: {:#?}", errors(&d)));
        let mut methods: Vec<_> = host.sim.requests().iter().map(|request| request.name().to_owned()).collect();
        methods.sort_unstable();
        methods.dedup();
        assert_ne!(methods, Vec::<String>::new(), "{name}: nothing is asked for");
        let each: Vec<Vec<String>> = match READ_ELSEWHERE.contains(&name) {
            true => vec![READS.map(str::to_owned).into()],
            false => methods.into_iter().map(|method| vec![method]).collect(),
        };
        for methods in each {
            for method in &methods {
                host.sim.faults().add(format!("{method} refuse PermissionDenied always: you may not").parse().unwrap());
            }
            let method = methods.join(", ");
            let said = refused(&host, name, config).await.join("\n");
            for part in ["Omni denied access", "You may not", "Use an account with a higher role"] {
                assert!(said.contains(part), "{name}: {method}: no {part:?} in {said}");
            }
            host.sim.faults().clear();
        }
    })
}

/// What `wanted` has and `given` lacks.
fn lacks(given: &Json, wanted: &Json, at: &str) -> Option<String> {
    match (given, wanted) {
        (Json::Object(given), Json::Object(wanted)) => wanted
            .iter()
            .find_map(|(name, wanted)| lacks(given.get(name).unwrap_or(&Json::Null), wanted, &format!("{at}.{name}"))),
        (Json::Array(given), Json::Array(wanted)) if given.len() == wanted.len() => given
            .iter()
            .zip(wanted)
            .enumerate()
            .find_map(|(i, (given, wanted))| lacks(given, wanted, &format!("{at}[{i}]"))),
        _ if given == wanted => None,
        _ => Some(format!("`{at}` is {given} and not {wanted}")),
    }
}
