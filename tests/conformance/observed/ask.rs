//! Asks a row again, and compares.
//! Versions of objects that controllers write to depend on who was faster, so they are carried over, not compared.

use super::{Row, answers, pattern};
use crate::bench::Bench;
use crate::client::Seal;
use crate::objects::{CLUSTER, Edit as _, meta};
use crate::schema;
use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue};
use omni_proto::cosi::resource::{GetRequest, ListOptions, ListRequest, Metadata, Resource, Spec};
use omni_proto::management::DestroyUserRequest;
use prost::Message as _;
use prost_reflect::{DynamicMessage, SerializeOptions};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use tonic::{Code, Status};

const UUID: &str = "0b8d1802-0000-4000-8000-00000000aaa1";

/// Field 1023 with the value 1, which no definition knows.
const UNKNOWN_FIELD: [u8; 3] = [0xf8, 0x3f, 0x01];

/// What a question came to: what was answered, or why not.
type Answer = Result<Value, Status>;

/// Namespace, type and id.
type Name = (String, String, String);

/// The rows of one case on one server.
pub struct Asker<'a> {
    bench: &'a Bench,
    /// The versions that were written down, and those that stand for them here.
    versions: HashMap<Name, BTreeMap<String, String>>,
    /// The last version that was written down.
    newest: HashMap<Name, String>,
}

impl<'a> Asker<'a> {
    pub fn new(bench: &'a Bench) -> Self {
        Self { bench, versions: HashMap::new(), newest: HashMap::new() }
    }

    /// Takes away what an earlier run has left.
    pub async fn prepare(&self, rows: &[Row]) -> anyhow::Result<()> {
        for row in rows.iter().filter(|row| row.method() == "Create") {
            if let Some(metadata) = received(&row.request["resource"], row)?.metadata {
                self.bench.will_make(&Resource { metadata: Some(metadata), spec: None });
            }
        }
        self.finish(rows).await
    }

    /// Takes away what was made.
    pub async fn finish(&self, rows: &[Row]) -> anyhow::Result<()> {
        for row in rows.iter().filter(|row| row.method() == "CreateUser") {
            let email = row.request["email"].as_str().unwrap_or_default().to_lowercase();
            let gone = self.bench.management::<()>("DestroyUser", &DestroyUserRequest { email }).await;
            // Most of them were never made.
            drop(gone);
        }
        self.bench.clean().await
    }

    pub async fn ask(&mut self, row: &Row) -> anyhow::Result<()> {
        let name = name(row);
        let controlled = name.1.starts_with("Cluster") || name.1.contains("Upgrade") || name.1.starts_with("LoadBal");
        let check = |answer: &Answer| compare(row, answer, controlled);
        let answer = if row.case == "signature" {
            self.signed(row).await?
        } else if row.asked.starts_with("teardown ") {
            self.teardown(&name).await
        } else if row.asked.starts_with("remove ") {
            self.remove(&name).await?
        } else {
            match row.method() {
                "Get" => self.get(row, &name, &check).await,
                "List" => self.list(row, &name).await,
                "Create" => self.create(row, &name).await?,
                "Update" => self.update(row, &name).await?,
                "Destroy" => {
                    let owner = row.request["options"]["owner"].as_str().unwrap_or_default();
                    self.bench.destroy_as(&name.0, &name.1, &name.2, owner).await.map(|()| json!({}))
                }
                _ => self.manage(row).await?,
            }
        };
        if let (Ok(got), Some(want)) = (&answer, &row.answer)
            && let (Some(got), Some(want)) = (got["version"].as_str(), want["version"].as_str())
        {
            self.newest.insert(name.clone(), want.to_owned());
            self.versions.entry(name).or_default().insert(want.to_owned(), got.to_owned());
        }
        match check(&answer) {
            Some(why) => bail!(why),
            None => Ok(()),
        }
    }

    async fn signed(&self, row: &Row) -> anyhow::Result<Answer> {
        let seal = match row.asked.as_str() {
            "unsigned" => Seal::None,
            "four minutes late" => Seal::Off(-240),
            "six minutes late" => Seal::Off(-360),
            "six minutes early" => Seal::Off(360),
            "payload altered" => Seal::Spoilt(|headers| {
                edit(headers, "x-sidero-payload", |payload| payload.replace("/Get", "/List"));
            }),
            "upper-case fingerprint" => Seal::Spoilt(|headers| edit_field(headers, 2, str::to_uppercase)),
            "unknown fingerprint" => Seal::Spoilt(|headers| edit_field(headers, 2, |_| "0".repeat(40))),
            "other identity in the header" => Seal::Spoilt(|headers| edit_field(headers, 1, |_| "somebody".into())),
            "timestamp header differs" => Seal::Spoilt(|headers| {
                edit(headers, "x-sidero-timestamp", |at| (at.parse::<u64>().unwrap_or_default() + 1).to_string());
            }),
            "extra unsigned header" => Seal::Spoilt(|headers| {
                headers.insert("x-other", HeaderValue::from_static("x"));
            }),
            "signed" | "extra signed header" => Seal::Proper,
            other => bail!("{other} is not known here"),
        };
        let text = |name: &str| row.request[name].as_str().unwrap_or_default().to_owned();
        let message = GetRequest { namespace: text("namespace"), r#type: text("type"), id: text("id"), options: None };
        let headers: &[_] = if row.asked == "extra signed header" { &[("cluster", "x")] } else { &[] };
        let answers = self.bench.client().raw("/cosi.resource.State/Get", message.encode_to_vec(), headers, seal).await;
        Ok(answers.map(|_| json!("answered")))
    }

    /// Gets, and again whenever something happens to the object, until the answer fits or patience ends.
    async fn get(&self, row: &Row, name: &Name, check: &impl Fn(&Answer) -> Option<String>) -> Answer {
        let (namespace, kind, id) = name;
        let ask = |object: Result<Resource, Status>| match row.asked.split(' ').next() {
            Some("gone") => match object {
                Err(status) if status.code() == Code::NotFound => Ok(json!(true)),
                other => other.map(|_| json!(false)),
            },
            Some("unknown") => object.map(|object| {
                let spec = object.spec.unwrap_or_default().proto_spec;
                json!(spec.windows(UNKNOWN_FIELD.len()).any(|bytes| bytes == UNKNOWN_FIELD))
            }),
            _ => object.map(|object| answers::object(&object)),
        };
        let answer = ask(self.bench.get_in(namespace, kind, id).await);
        if check(&answer).is_none() {
            return answer;
        }
        let missing = || Err(Status::not_found(""));
        let settled = |object: Option<&Resource>| check(&ask(object.cloned().map_or_else(missing, Ok))).is_none();
        let mut last = None;
        let wait = self.bench.wait(namespace, kind, id, &settled, &mut last);
        // Whether it settled or not: what counts is what a Get answers now.
        drop(tokio::time::timeout(self.bench.patience / 5, wait).await);
        ask(self.bench.get_in(namespace, kind, id).await)
    }

    async fn list(&self, row: &Row, (namespace, kind, _): &Name) -> Answer {
        let message =
            ListRequest { namespace: namespace.clone(), r#type: kind.clone(), options: Some(ListOptions::default()) };
        let body = message.encode_to_vec();
        let found = self.bench.client().raw("/cosi.resource.State/List", body, &[], Seal::Proper).await?;
        // Where it was only written down that there is something, what it is does not matter.
        let short = row.answer == Some(json!(true));
        Ok(if short { json!(!found.is_empty()) } else { json!(vec![(); found.len()]) })
    }

    async fn create(&self, row: &Row, (namespace, kind, id): &Name) -> anyhow::Result<Answer> {
        if row.code != "ALREADY_EXISTS" {
            self.bench.remove(namespace, kind, id).await?;
        }
        let resource = received(&row.request["resource"], row)?;
        let owner = row.request["options"]["owner"].as_str().unwrap_or_default();
        let made = self.bench.create_as(resource, owner).await;
        if made.is_ok() && kind == CLUSTER.name {
            self.taken_up(id).await;
        }
        let short = row.answer.as_ref().is_some_and(Value::is_string);
        Ok(made.map(|made| if short { json!(meta(&made).version) } else { answers::object(&made) }))
    }

    /// Waits until the controllers have seen the cluster: the next rows tell of what they make of it.
    async fn taken_up(&self, id: &str) {
        let seen = |cluster: Option<&Resource>| {
            cluster.is_some_and(|cluster| meta(cluster).finalizers.iter().any(|name| name == "ClusterController"))
        };
        let (mut cluster, mut uuid) = (None, None);
        let wait = async {
            self.bench.wait(CLUSTER.namespace, CLUSTER.name, id, &seen, &mut cluster).await?;
            let uuids = "ClusterUUIDs.omni.sidero.dev";
            self.bench.wait(CLUSTER.namespace, uuids, id, &|found: Option<&Resource>| found.is_some(), &mut uuid).await
        };
        // Where they never do, the rows themselves tell.
        drop(tokio::time::timeout(self.bench.patience / 5, wait).await);
    }

    async fn update(&self, row: &Row, name: &Name) -> anyhow::Result<Answer> {
        let sent = &row.request["new_resource"];
        let mut new = received(sent, row)?;
        let current = self.bench.get_in(&name.0, &name.1, &name.2).await.unwrap_or_default();
        let version = meta(&new).version.clone();
        if self.newest.get(name) == Some(&version) {
            new = new.version(&meta(&current).version);
        } else if let Some(here) = self.versions.get(name).and_then(|versions| versions.get(&version)) {
            new = new.version(here);
        }
        if sent["metadata"].get("finalizers").is_some() {
            new = new.edit(|m| m.finalizers.clone_from(&meta(&current).finalizers));
        }
        if row.asked.contains("unknown field 1023") {
            new.spec.get_or_insert_default().proto_spec.extend(UNKNOWN_FIELD);
        }
        let expected = row.request["options"]["expected_phase"].as_str();
        Ok(self.bench.update_as(new, "", expected).await.map(|new| answers::object(&new)))
    }

    /// As clients do it on servers that have no such call.
    async fn teardown(&self, (namespace, kind, id): &Name) -> Answer {
        let found = self.bench.get_in(namespace, kind, id).await?;
        let torn = self.bench.update_as(found.phase("tearingDown"), "", Some("running")).await?;
        Ok(json!({ "destroy_ready": meta(&torn).finalizers.is_empty() }))
    }

    /// The end of a removal: nobody holds it, it is destroyed, and it is gone.
    async fn remove(&self, (namespace, kind, id): &Name) -> anyhow::Result<Answer> {
        let free = |object: Option<&Resource>| object.is_none_or(|object| meta(object).finalizers.is_empty());
        let mut last = None;
        let waited =
            tokio::time::timeout(self.bench.patience, self.bench.wait(namespace, kind, id, &free, &mut last)).await;
        waited.with_context(|| format!("still held: {last:?}"))??;
        if let Err(status) = self.bench.destroy_as(namespace, kind, id, "").await
            && status.code() != Code::NotFound
        {
            return Ok(Err(status));
        }
        Ok(match self.bench.get_in(namespace, kind, id).await {
            Err(status) if status.code() == Code::NotFound => Ok(json!("gone")),
            other => other.map(|object| answers::object(&object)),
        })
    }

    async fn manage(&self, row: &Row) -> anyhow::Result<Answer> {
        let service = schema::pool().get_service_by_name("management.ManagementService").context("no such service")?;
        let method = service.methods().find(|m| m.name() == row.method()).context("no such method")?;
        let mut request = row.request.as_object().cloned().unwrap_or_default();
        request.remove("method");
        let cluster = request.remove("metadata");
        let headers: Vec<_> = ["cluster", "context"]
            .into_iter()
            .filter_map(|header| Some((header, cluster.as_ref()?.get(header)?.as_str()?)))
            .collect();
        let body = schema::message(method.input(), &filled(&Value::Object(request), "x"))?;
        let path = format!("/management.ManagementService/{}", row.method());
        let answered = match self.bench.client().raw(&path, body, &headers, Seal::Proper).await {
            Ok(answered) => answered,
            Err(status) => return Ok(Err(status)),
        };
        let options = SerializeOptions::new().use_proto_field_name(true).skip_default_fields(false);
        let answered = answered
            .iter()
            .map(|bytes| {
                let message = DynamicMessage::decode(method.output(), bytes.as_slice())?;
                Ok(message.serialize_with_options(serde_json::value::Serializer, &options)?)
            })
            .collect::<anyhow::Result<Vec<Value>>>()?;
        let want = row.answer.clone().unwrap_or_default();
        Ok(Ok(answers::management(row.method(), &answered, &want)?))
    }
}

/// Why an answer is not what was written down.
fn compare(row: &Row, answer: &Answer, controlled: bool) -> Option<String> {
    let got = match answer {
        Ok(_) => "OK".to_owned(),
        Err(status) => format!("{:?}", status.code()),
    };
    let same_code = row.code.replace('_', "").eq_ignore_ascii_case(&got);
    match answer {
        Err(status) => {
            let want = row.message.as_deref().unwrap_or_default();
            let fits = same_code && pattern::fits(&filled_text(want), status.message(), controlled);
            (!fits).then(|| format!("got {got} {:?}, want {} {:?}", status.message(), row.code, expected(row)))
        }
        Ok(_) if !same_code => Some(format!("got OK, want {} {:?}", row.code, expected(row))),
        Ok(value) => {
            let mut want = row.answer.clone().unwrap_or_default();
            if controlled && let Some(want) = want.as_object_mut() {
                want.remove("version");
            }
            pattern::differs(&want, value)
        }
    }
}

fn expected(row: &Row) -> String {
    row.message.clone().or_else(|| row.answer.as_ref().map(Value::to_string)).unwrap_or_default()
}

/// Namespace, type and id that a row is about.
fn name(row: &Row) -> Name {
    let metadata = ["resource", "new_resource"].into_iter().find_map(|field| row.request.get(field)?.get("metadata"));
    let about = metadata.unwrap_or(&row.request);
    let text = |field: &str| filled_text(about[field].as_str().unwrap_or_default());
    (text("namespace"), text("type"), filled(&about["id"], "p").as_str().unwrap_or_default().to_owned())
}

fn filled_text(text: &str) -> String {
    text.replace("<uuid>", UUID)
}

/// A value in the place of a mask.
fn filled(value: &Value, fill: &str) -> Value {
    match value {
        Value::String(text) => {
            if let Some(length) = pattern::counted(text, " characters>") {
                json!(fill.repeat(length))
            } else if let Some(count) = pattern::counted(text, " entries>") {
                (0..count).map(|n| (format!("k{n}"), json!("v"))).collect::<Map<_, _>>().into()
            } else {
                json!(filled_text(text))
            }
        }
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), filled(value, fill))).collect(),
        other => other.clone(),
    }
}

/// The object in a row; what is not named is empty.
fn received(object: &Value, row: &Row) -> anyhow::Result<Resource> {
    let metadata = object.get("metadata").map(|metadata| {
        let text = |name: &str| filled(&metadata[name], "p").as_str().unwrap_or_default().to_owned();
        let map = |name: &str| {
            let filled = filled(&metadata[name], "x");
            let entries = filled.as_object().cloned().unwrap_or_default();
            entries.into_iter().map(|(k, v)| (k, v.as_str().unwrap_or_default().to_owned())).collect()
        };
        let list = metadata["finalizers"].as_array().cloned().unwrap_or_default();
        Metadata {
            namespace: text("namespace"),
            r#type: text("type"),
            id: text("id"),
            version: text("version"),
            phase: text("phase"),
            labels: map("labels"),
            annotations: map("annotations"),
            finalizers: list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            ..Metadata::default()
        }
    });
    let kind = metadata.as_ref().map(|metadata| metadata.r#type.clone()).unwrap_or_default();
    let spec = match object.get("spec") {
        None | Some(Value::Null) => None,
        Some(spec) => Some(encoded_spec(&kind, spec).with_context(|| row.name())?),
    };
    let spec = spec.map(|proto_spec| Spec { proto_spec, yaml_spec: String::new() });
    Ok(Resource { metadata, spec })
}

fn encoded_spec(kind: &str, spec: &Value) -> anyhow::Result<Vec<u8>> {
    if let Some(bytes) = spec.get("proto_spec").and_then(Value::as_str) {
        return Ok(STANDARD.decode(bytes)?);
    }
    let mut spec = spec.clone();
    if let Some(length) = spec["data"].as_str().and_then(|data| pattern::counted(data, " characters>")) {
        spec["data"] = json!(large_patch());
        anyhow::ensure!(large_patch().len() == length, "the large patch is not of this size");
    }
    schema::spec(kind, &filled(&spec, "x"))
}

/// A patch of 402 lines.
fn large_patch() -> String {
    let lines: String = (0..400).map(|n| format!("    kernel.{n}: \"1\"\n")).collect();
    format!("machine:\n  sysctls:\n{lines}")
}

fn edit(headers: &mut HeaderMap, name: &'static str, edit: impl FnOnce(&str) -> String) {
    let value = headers.get(name).and_then(|value| value.to_str().ok()).map(edit);
    if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
        headers.insert(name, value);
    }
}

/// One of the four fields of the signature.
fn edit_field(headers: &mut HeaderMap, at: usize, change: impl FnOnce(&str) -> String) {
    edit(headers, "x-sidero-signature", |line| {
        let mut fields: Vec<String> = line.split(' ').map(str::to_owned).collect();
        if let Some(field) = fields.get_mut(at) {
            *field = change(field);
        }
        fields.join(" ")
    });
}
