//! Answers in the form in which they were written down: much of one says only what a client can rely on.
//! It makes no calls and demands nothing.

use crate::objects::meta;
use anyhow::{Context as _, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use omni_proto::cosi::resource as pb;
use serde_json::{Map, Value, json};

/// An object.
pub fn object(resource: &pb::Resource) -> Value {
    let metadata = meta(resource);
    let mut finalizers = metadata.finalizers.clone();
    finalizers.sort();
    json!({
        "id": metadata.id,
        "version": metadata.version,
        "owner": metadata.owner,
        "phase": metadata.phase,
        "labels": metadata.labels,
        "annotations": metadata.annotations,
        "finalizers": finalizers,
        "yaml": resource.spec.clone().unwrap_or_default().yaml_spec,
    })
}

/// The answers of a call to ManagementService, each as JSON with the names of its definition.
pub fn management(method: &str, answers: &[Value], want: &Value) -> anyhow::Result<Value> {
    let only = || answers.first().cloned().unwrap_or(Value::Null);
    let field = |name: &str| only()[name].clone();
    let length = |name: &str| json!(field(name).as_str().map_or(0, str::len));
    Ok(match method {
        "CreateUser" => length("user_id"),
        "CreateSchematic" => length("schematic_id"),
        "ListUsers" => {
            // Every server has people of its own; only those of the probe are told of.
            let own = |user: &&Value| user["email"].as_str().is_some_and(|email| email.starts_with("probe"));
            field("users")
                .as_array()
                .into_iter()
                .flatten()
                .filter(own)
                .map(|u| json!([u["email"], u["role"]]))
                .collect()
        }
        "Kubeconfig" => {
            let config = yaml(&field("kubeconfig"))?;
            if want.get("claims").is_some() { token(&config)? } else { kubeconfig(&config) }
        }
        "Talosconfig" => talosconfig(&yaml(&field("talosconfig"))?),
        "Omniconfig" => names(&yaml(&field("omniconfig"))?),
        "ValidateJSONSchema" => schema_errors(&field("errors")),
        "ReadAuditLog" => json!(true),
        _ => json!({}),
    })
}

/// The document in a field of bytes.
fn yaml(bytes: &Value) -> anyhow::Result<Value> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(bytes.as_str().unwrap_or_default())?;
    Ok(serde_saphyr::from_str(&String::from_utf8(bytes)?)?)
}

fn names(map: &Value) -> Value {
    let mut names: Vec<_> = map.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default();
    names.sort();
    json!(names)
}

fn kubeconfig(config: &Value) -> Value {
    let named = |list: &str| -> Value {
        config[list].as_array().into_iter().flatten().map(|entry| entry["name"].clone()).collect()
    };
    let users: Value =
        config["users"].as_array().into_iter().flatten().map(|u| json!([u["name"], names(&u["user"])])).collect();
    json!({
        "clusters": named("clusters"),
        "contexts": named("contexts"),
        "current": config["current-context"],
        "users": users,
    })
}

/// What the token in a kubeconfig says.
fn token(config: &Value) -> anyhow::Result<Value> {
    let token = config["users"][0]["user"]["token"].as_str().context("no token")?;
    let part = |at: usize| -> anyhow::Result<Value> {
        let part = token.split('.').nth(at).ok_or_else(|| anyhow!("a token of fewer parts"))?;
        Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part)?)?)
    };
    let (header, claims) = (part(0)?, part(1)?);
    let time = |name: &str| claims[name].as_f64().unwrap_or_default();
    let life = time("exp") - time("iat");
    Ok(json!({
        "alg": header["alg"],
        "header": names(&header),
        "claims": names(&claims),
        "groups": claims["groups"],
        "life": life.round() as i64,
        "sub": claims["sub"],
    }))
}

fn talosconfig(config: &Value) -> Value {
    let contexts: Map<String, Value> = config["contexts"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, context)| (name.clone(), names(context)))
        .collect();
    json!({ "context": config["context"], "contexts": contexts })
}

/// The leaves of the tree of errors, as far as they were written down.
fn schema_errors(errors: &Value) -> Value {
    let errors: Value = errors
        .as_array()
        .into_iter()
        .flatten()
        .map(|e| json!({ "cause": e["cause"], "data_path": e["data_path"], "schema_path": e["schema_path"] }))
        .collect();
    json!({ "errors": errors })
}
