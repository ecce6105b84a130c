//! What the validators and the access rules of the 1.11 line were seen to answer, asked of the simulator as newest.
//!
//! `rules` holds questions, each asked of a store that holds what stands above it as given; `access` says for types,
//! roles and verbs who may. Codes have to be the same in all of them, texts but for the few that are listed here.

use crate::access::{AccessContext, Caller, Denied};
use crate::faults::Faults;
use crate::kinds::{self, Role};
use crate::object::{Key, Object, Reader};
use crate::outage::Outage;
use crate::state_service::StateService;
use crate::store::Store;
use crate::{Release, settings, wire};
use futures_util::StreamExt as _;
use kit::clock::SystemClock;
use omni_proto::cosi::resource as pb;
use omni_proto::cosi::resource::label_term::Operation;
use omni_proto::cosi::resource::state_server::State;
use omni_proto::specs::access_policy_cluster_group::Cluster;
use omni_proto::specs::{AccessPolicyClusterGroup, AccessPolicyRule, AccessPolicySpec, InfraProviderSpec};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, LazyLock};
use tonic::{Code, Request, Status};

const RULES: &str = include_str!("../../../tests/fixtures/observed/1.11-rules.jsonl");
const ACCESS: &str = include_str!("../../../tests/fixtures/observed/1.11-access.tsv");

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| DescriptorPool::decode(omni_proto::DESCRIPTORS).unwrap());

/// Texts that differ, by case and question, and why.
const OTHER_TEXTS: &[(&str, &str, &str)] = &[
    ("config_patch", "broken YAML", YAML),
    ("config_patch", "tab indented", YAML),
    ("kubernetes_health_check", "job broken YAML", YAML),
    ("machine_class", "auto, data no YAML", YAML),
    ("machine_class", "auto, two faults", "the order of the two differs from run to run on a server too"),
];
const YAML: &str = "another parser of YAML, which words and places what is wrong in its own way";

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Row {
    case: Option<String>,
    setting: Option<String>,
    value: String,
    given: Option<String>,
    create: Option<String>,
    update: Option<String>,
    destroy: Option<String>,
    teardown: Option<String>,
    get: Option<String>,
    list: Option<String>,
    asked: String,
    ns: String,
    id: String,
    role: Option<String>,
    identity: Option<String>,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    finalizers: Vec<String>,
    phase: Option<String>,
    version: Option<String>,
    label_query: Vec<String>,
    items: Option<usize>,
    spec: Value,
    code: String,
    text: String,
}

impl Row {
    fn kind(&self) -> String {
        let words = [&self.given, &self.create, &self.update, &self.destroy, &self.teardown, &self.get, &self.list];
        let name = words.into_iter().flatten().next().expect("a row about a type");
        format!("{name}.omni.sidero.dev")
    }

    fn key(&self) -> Key {
        Key { namespace: self.ns.clone(), kind: self.kind(), id: full(&self.id) }
    }

    fn object(&self, store: &Store) -> Object {
        let mut object = store.fresh(self.key(), spec(&self.kind(), &self.spec, store));
        object.labels = entries(&self.labels);
        object.annotations = entries(&self.annotations);
        object.finalizers.clone_from(&self.finalizers);
        object.tearing_down = self.phase.as_deref() == Some("tearingDown");
        object
    }

    fn caller(&self) -> Option<Caller> {
        let role = match self.role.as_deref() {
            Some("unsigned") => return None,
            Some(role) => Role::parse(role).expect(role),
            None => Role::Admin,
        };
        let identity = self.identity.clone().unwrap_or_else(|| "admin@example.org".to_owned());
        Some(Caller { identity, user: "u".to_owned(), role })
    }
}

/// A text in which `{x*3}` stands for `xxx`.
fn full(text: &str) -> String {
    let Some((before, rest)) = text.split_once('{') else { return text.to_owned() };
    let Some((inside, after)) = rest.split_once('}') else { return text.to_owned() };
    match inside.split_once('*').and_then(|(letter, times)| Some((letter, times.parse().ok()?))) {
        Some((letter, times)) => format!("{before}{}{}", letter.repeat(times), full(after)),
        None => format!("{before}{{{inside}}}{}", full(after)),
    }
}

fn entries(of: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    of.iter()
        .flat_map(|(key, value)| match value.strip_prefix('{').and_then(|v| v.strip_suffix(" entries}")) {
            Some(count) => {
                (1..=count.parse().expect(value)).map(|n: usize| (format!("k{n}"), "v".to_owned())).collect()
            }
            None => vec![(full(key), full(value))],
        })
        .collect()
}

/// A spec in the words of its definition; `now` is a time that many seconds from now.
fn spec(kind: &str, spec: &Value, store: &Store) -> Vec<u8> {
    let Some(message) = kinds::find(kind).and_then(|kind| kind.message) else { return Vec::new() };
    if spec.is_null() {
        return Vec::new();
    }
    let descriptor = POOL.get_message_by_name(&format!("specs.{message}")).expect(message);
    let spec = told(spec, store);
    DynamicMessage::deserialize(descriptor, spec.clone()).unwrap_or_else(|e| panic!("{spec}: {e}")).encode_to_vec()
}

fn told(value: &Value, store: &Store) -> Value {
    match value {
        Value::Object(map) => {
            if let Some(offset) = map.get("now").and_then(Value::as_i64).filter(|_| map.len() == 1) {
                let at = i64::try_from(store.time().as_secs()).unwrap() + offset;
                return json!(jiff::Timestamp::from_second(at).unwrap().to_string());
            }
            if let (Some(one), Some(times)) = (map.get("repeat"), map.get("times").and_then(Value::as_u64)) {
                return (0..times).map(|_| told(one, store)).collect();
            }
            Value::Object(map.iter().map(|(key, value)| (key.clone(), told(value, store))).collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(|item| told(item, store)).collect(),
        Value::String(text) => Value::String(full(text)),
        other => other.clone(),
    }
}

fn store() -> Store {
    Store::new(Arc::new(SystemClock))
}

fn service(store: &Store) -> StateService {
    let clock = Arc::new(SystemClock);
    StateService {
        store: store.clone(),
        faults: Arc::new(Faults::default()),
        outage: Outage::new(clock, crate::connection::Connections::default()),
        release: Release::NEWEST,
        endpoint: "grpc://127.0.0.1".to_owned(),
    }
}

fn give(store: &Store, row: &Row) {
    if let Some(setting) = &row.setting {
        store.put("", &kinds::key(settings::KIND, settings::ID), |object| {
            object.labels.insert(setting.clone(), row.value.clone());
        });
        return;
    }
    let given = row.object(store);
    store.put("", &given.key.clone(), |object| *object = Object { version: object.version, ..given });
}

fn signed<T>(row: &Row, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(caller) = row.caller() {
        request.extensions_mut().insert(caller);
    }
    request
}

/// The answer to a question; of a list, how long it is.
async fn ask(service: &StateService, row: &Row) -> Result<Option<usize>, Status> {
    let Key { namespace, kind, id } = row.key();
    let sent = || {
        let mut resource = wire::sent(&row.object(&service.store));
        let metadata = resource.metadata.as_mut().unwrap();
        let stored = service.store.get(&row.key()).map_or(1, |object| object.version);
        metadata.version = match (&row.version, row.create.is_some()) {
            (Some(version), _) => version.clone(),
            (None, true) => "undefined".to_owned(),
            (None, false) => stored.to_string(),
        };
        Some(resource)
    };
    if row.create.is_some() {
        service.create(signed(row, pb::CreateRequest { resource: sent(), options: None })).await?;
    } else if row.update.is_some() {
        service.update(signed(row, pb::UpdateRequest { new_resource: sent(), options: None })).await?;
    } else if row.destroy.is_some() {
        let message = pb::DestroyRequest { namespace, r#type: kind, id, options: None };
        service.destroy(signed(row, message)).await?;
    } else if row.teardown.is_some() {
        let message = pb::TeardownRequest { namespace, r#type: kind, id, options: None };
        service.teardown(signed(row, message)).await?;
    } else if row.get.is_some() {
        service.get(signed(row, pb::GetRequest { namespace, r#type: kind, id, options: None })).await?;
    } else {
        let query = |text: &String| {
            let (key, value, op) = match text.split_once(" in ") {
                Some((key, value)) => (key, value, Operation::In),
                None => text.split_once('=').map(|(key, value)| (key, value, Operation::Equal)).unwrap(),
            };
            let term = pb::LabelTerm { key: key.into(), op: op.into(), value: vec![value.into()], invert: false };
            pb::LabelQuery { terms: vec![term] }
        };
        let options = pb::ListOptions { label_query: row.label_query.iter().map(query).collect(), id_query: None };
        let message = pb::ListRequest { namespace, r#type: kind, options: Some(options) };
        let answers = service.list(signed(row, message)).await?.into_inner();
        return Ok(Some(answers.collect::<Vec<_>>().await.len()));
    }
    Ok(None)
}

/// The name of a code on the wire.
fn code(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::Unauthenticated => "UNAUTHENTICATED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Internal => "INTERNAL",
        Code::Unknown => "UNKNOWN",
        _ => "another",
    }
}

/// The store behind the questions was one in memory. The one of a server puts its verb before its complaints, and
/// writes versions as characters; a running 1.6.6 did so.
fn without_store(text: &str) -> String {
    let mut text = text.to_owned();
    for verb in ["get", "create", "update", "destroy"] {
        text = text.replace(&format!("failed to {verb}: resource "), "resource ");
    }
    for (rune, number) in [(r"'\x00'", "\"undefined\""), (r"'\x01'", "\"1\""), (r"'\x02'", "\"2\"")] {
        text = text.replace(rune, number);
    }
    text
}

/// Says how much agrees, also where the test passes.
fn tell(line: &str) {
    let told = writeln!(std::io::stderr(), "{line}");
    // Who closed the stream does not want to know.
    drop(told);
}

/// How much of a case agrees.
#[derive(Default)]
struct Tally {
    all: usize,
    codes: usize,
    texts: usize,
}

#[tokio::test]
async fn rules_answer_as_those_of_the_newest_release() {
    let rows: Vec<Row> =
        RULES.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))).collect();
    let mut base: Vec<&Row> = Vec::new();
    let mut given: Vec<&Row> = Vec::new();
    let mut case = String::new();
    let mut tallies: Vec<(String, Tally)> = Vec::new();
    let (mut wrong, mut other, mut expected_others) = (Vec::new(), Vec::new(), OTHER_TEXTS.to_vec());
    for row in &rows {
        if let Some(name) = &row.case {
            if case == "base" {
                base = std::mem::take(&mut given);
            }
            given = base.clone();
            case.clone_from(name);
            continue;
        }
        if row.given.is_some() || row.setting.is_some() {
            given.push(row);
            continue;
        }
        let store = store();
        given.iter().for_each(|row| give(&store, row));
        store.refresh_cache();
        let answer = ask(&service(&store), row).await;
        let (got, text, items) = match &answer {
            Ok(items) => ("OK", String::new(), *items),
            Err(status) => (code(status.code()), status.message().to_owned(), None),
        };
        if tallies.last().is_none_or(|(name, _)| *name != case) {
            tallies.push((case.clone(), Tally::default()));
        }
        let tally = &mut tallies.last_mut().unwrap().1;
        tally.all += 1;
        if got == row.code && items == row.items {
            tally.codes += 1;
        } else {
            wrong.push(format!(
                "{case}: {}: {got} {items:?} {text:?}, want {} {:?} {:?}",
                row.asked, row.code, row.items, row.text
            ));
            continue;
        }
        if without_store(&text) == row.text.replace("{x*237}", &"x".repeat(237)) {
            tally.texts += 1;
        } else if let Some(at) = expected_others.iter().position(|(of, asked, _)| (*of, *asked) == (&case, &row.asked))
        {
            expected_others.remove(at);
        } else {
            other.push(format!("{case}: {}:\n   got {text:?}\n  want {:?}", row.asked, row.text));
        }
    }
    let total = tallies.iter().fold(Tally::default(), |sum, (_, tally)| Tally {
        all: sum.all + tally.all,
        codes: sum.codes + tally.codes,
        texts: sum.texts + tally.texts,
    });
    tell(&format!("{:36} {:>9} {:>6} {:>6}", "rules of 1.11", "questions", "codes", "texts"));
    for (name, tally) in tallies.iter().chain([&("all".to_owned(), total)]) {
        tell(&format!("{name:36} {:>9} {:>6} {:>6}", tally.all, tally.codes, tally.texts));
    }
    OTHER_TEXTS.iter().for_each(|(case, asked, why)| tell(&format!("another text: {case}: {asked}: {why}")));
    assert!(wrong.is_empty(), "codes:\n{}", wrong.join("\n"));
    assert!(other.is_empty(), "texts:\n{}", other.join("\n"));
    assert!(expected_others.is_empty(), "these texts are the same by now: {expected_others:?}");
}

/// The provider of machines in the questions about access.
const PROVIDER: &str = "qemu";
/// Who gets the role Operator on one cluster by a policy.
const GUEST: &str = "guest@example.org";
/// That cluster.
const CLUSTER: &str = "c1";

fn world_of_access() -> Store {
    let store = store();
    store.put("", &kinds::key("InfraProviders.omni.sidero.dev", PROVIDER), |object| {
        object.spec = InfraProviderSpec {}.encode_to_vec();
    });
    store.put("", &kinds::key("Identities.omni.sidero.dev", GUEST), |_| {});
    let clusters = vec![Cluster { name: CLUSTER.into(), r#match: String::new() }];
    let policy = AccessPolicySpec {
        cluster_groups: [("g".to_owned(), AccessPolicyClusterGroup { clusters })].into(),
        rules: vec![AccessPolicyRule {
            users: vec![GUEST.into()],
            clusters: vec!["group/g".into()],
            kubernetes: None,
            role: "Operator".into(),
        }],
        ..Default::default()
    };
    store.put("", &kinds::key("AccessPolicies.omni.sidero.dev", "access-policy"), |object| {
        object.spec = policy.encode_to_vec();
    });
    store
}

/// The answer to one cell, in the words of the table.
fn cell(view: &(dyn Reader + Sync), store: &Store, kind: &str, who: &str, verb: &str) -> String {
    let (role, by) = who.split_once('+').unwrap_or((who, ""));
    let caller = match role {
        "unsigned" => Caller::stranger(),
        "InfraProvider" => Caller {
            identity: format!("{PROVIDER}@infra-provider.serviceaccount.omni.sidero.dev"),
            user: "u".into(),
            role: Role::InfraProvider,
        },
        role => Caller { identity: GUEST.into(), user: "u".into(), role: Role::parse(role).expect(role) },
    };
    // Who asks without the policy is somebody whom it does not name.
    let caller = if by.is_empty() && role != "InfraProvider" && role != "unsigned" {
        Caller { identity: "somebody@example.org".into(), ..caller }
    } else {
        caller
    };
    let permissions = AccessContext { view, caller: &caller, release: Release::NEWEST };
    let namespace = match kinds::find(kind) {
        Some(kind) => kind.namespace.to_owned(),
        None if kind.contains(".infraprovider.") => format!("infra-provider:{PROVIDER}"),
        None => "default".to_owned(),
    };
    let id = if by == "acl-id" { CLUSTER } else { PROVIDER };
    let mut old = store.fresh(Key { namespace: namespace.clone(), kind: kind.to_owned(), id: id.to_owned() }, vec![]);
    old.labels.insert("omni.sidero.dev/infra-provider-id".into(), PROVIDER.into());
    if by == "acl-label" {
        old.labels.insert("omni.sidero.dev/cluster".into(), CLUSTER.into());
    }
    let mut new = old.clone();
    new.labels.insert("k".into(), "v".into());
    if ["create", "update"].contains(&verb) && wire::received(Some(wire::sent(&new))).is_err() {
        let status = wire::received(Some(wire::sent(&new))).unwrap_err();
        return format!("UK {}", status.message());
    }
    let answer = match verb {
        "create" => permissions.create(&new),
        "update" => permissions.update(Some(&old), &new),
        "destroy" => permissions.destroy(&old.key, Some(&old)),
        "read" => permissions.get(&old.key, Some(&old)),
        _ => {
            let term = pb::LabelTerm {
                key: "omni.sidero.dev/cluster".into(),
                op: Operation::Equal.into(),
                value: vec![CLUSTER.into()],
                invert: false,
            };
            let queries = if by == "acl-label" { vec![pb::LabelQuery { terms: vec![term] }] } else { vec![] };
            permissions.list(kind, &namespace, &queries)
        }
    };
    match answer {
        Ok(()) => "OK".to_owned(),
        Err(Denied::Gathered(status) | Denied::Alone(status)) => {
            let short = match status.code() {
                Code::PermissionDenied => "PD",
                Code::Unauthenticated => "UA",
                Code::InvalidArgument => "IA",
                _ => "UK",
            };
            format!("{short} {}", status.message())
        }
    }
}

#[test]
fn access_is_that_of_the_newest_release() {
    let words: BTreeMap<&str, &str> =
        ACCESS.lines().filter_map(|line| line.strip_prefix("# ")?.split_once('\t')).collect();
    let mut lines = ACCESS.lines().filter(|line| !line.starts_with('#'));
    let verbs: Vec<&str> = lines.next().unwrap().split('\t').skip(2).collect();
    let store = world_of_access();
    let view = store.view();
    let (mut cells, mut types, mut wrong) = (0, std::collections::BTreeSet::new(), Vec::new());
    for line in lines {
        let columns: Vec<&str> = line.split('\t').collect();
        let (kind, who) = (columns[0], columns[1]);
        types.insert(kind);
        for who in who.split(' ') {
            for (verb, word) in verbs.iter().zip(&columns[2..]).filter(|(_, word)| **word != "-") {
                let role = who.split('+').next().unwrap();
                let want = words[word].replace("<type>", kind).replace("<role>", role);
                let got = cell(&view, &store, kind, who, verb);
                cells += 1;
                if got != want {
                    wrong.push(format!("{kind} {who} {verb}: {got}, want {want}"));
                }
            }
        }
    }
    tell(&format!("access of 1.11: {} of {cells} cells of {} types agree", cells - wrong.len(), types.len()));
    assert!(wrong.is_empty(), "{} cells:\n{}", wrong.len(), wrong.join("\n"));
}
