//! What every call needs: a signature that holds, and a message that is complete.

use super::{Behaviour, Need};
use crate::behaviours;
use crate::bench::Bench;
use crate::client::Seal;
use crate::expect::{refused, same};
use crate::objects::{CLASS, CURRENT_USER, Edit as _, class, meta};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use omni_proto::cosi::resource as pb;
use prost::Message as _;
use tonic::Code;

pub const LIST: &[Behaviour] = behaviours![
    ("current_user", Need::Nothing, current_user),
    ("metadata_missing", Need::Nothing, metadata_missing),
    ("phase_empty", Need::Nothing, phase_empty),
    ("phase_expected_unknown", Need::Nothing, phase_expected_unknown),
    ("phase_unknown", Need::Nothing, phase_unknown),
    ("signature_altered", Need::Nothing, signature_altered),
    ("signature_by_clocks_apart", Need::Nothing, signature_by_clocks_apart),
    ("signature_missing", Need::Nothing, signature_missing),
    ("signature_of_another_method", Need::Nothing, signature_of_another_method),
    ("spec_missing", Need::Nothing, spec_missing),
    ("type_unknown", Need::Nothing, type_unknown),
    ("version_empty", Need::Nothing, version_empty),
    ("version_no_number", Need::Nothing, version_no_number),
];

const GET: &str = "/cosi.resource.State/Get";

async fn who(bench: &Bench, seal: Seal) -> Result<Vec<Vec<u8>>, tonic::Status> {
    let message = pb::GetRequest {
        namespace: CURRENT_USER.namespace.into(),
        r#type: CURRENT_USER.name.into(),
        id: "current".into(),
        options: None,
    };
    bench.client().raw(GET, message.encode_to_vec(), &[], seal).await
}

async fn current_user(bench: &Bench) -> anyhow::Result<()> {
    let me = bench.get(CURRENT_USER, "current").await?;
    same("version", meta(&me).version.as_str(), "1")
}

async fn signature_missing(bench: &Bench) -> anyhow::Result<()> {
    refused(who(bench, Seal::None).await, Code::Unauthenticated, "invalid signature")
}

async fn signature_by_clocks_apart(bench: &Bench) -> anyhow::Result<()> {
    for seconds in [-240, 240] {
        crate::expect::accepted(who(bench, Seal::Off(seconds)).await, seconds)?;
    }
    for seconds in [-420, 420] {
        refused(who(bench, Seal::Off(seconds)).await, Code::Unauthenticated, "invalid signature")?;
    }
    Ok(())
}

/// The header keeps its form: four fields, of which the last is a signature of the right length in base64.
async fn signature_altered(bench: &Bench) -> anyhow::Result<()> {
    let spoilt: [fn(&mut http::HeaderMap); 2] = [
        with_other_signature,
        // It is among those that are signed, and was not there.
        |headers| drop(headers.insert("cluster", HeaderValue::from_static("x"))),
    ];
    for spoil in spoilt {
        refused(who(bench, Seal::Spoilt(spoil)).await, Code::Unauthenticated, "invalid signature")?;
    }
    Ok(())
}

/// Changes the last byte of the signature itself, which is part of a number.
fn with_other_signature(headers: &mut http::HeaderMap) {
    let changed = |line: &str| {
        let (lead, signature) = line.rsplit_once(' ')?;
        let mut bytes = STANDARD.decode(signature).ok()?;
        *bytes.last_mut()? ^= 1;
        HeaderValue::try_from(format!("{lead} {}", STANDARD.encode(bytes))).ok()
    };
    let line = headers.get("x-sidero-signature").and_then(|line| line.to_str().ok());
    if let Some(other) = line.and_then(changed) {
        headers.insert("x-sidero-signature", other);
    }
}

async fn signature_of_another_method(bench: &Bench) -> anyhow::Result<()> {
    let altered = Seal::Spoilt(|headers| {
        let payload = headers.get("x-sidero-payload").and_then(|p| p.to_str().ok()).map(|p| p.replace("/Get", "/List"));
        if let Some(payload) = payload.and_then(|payload| HeaderValue::try_from(payload).ok()) {
            headers.insert("x-sidero-payload", payload);
        }
    });
    refused(who(bench, altered).await, Code::Unauthenticated, "invalid signature")
}

async fn metadata_missing(bench: &Bench) -> anyhow::Result<()> {
    let sent = pb::Resource { metadata: None, ..class("") };
    refused(bench.create(sent).await, Code::Unknown, "metadata is missing")
}

async fn spec_missing(bench: &Bench) -> anyhow::Result<()> {
    let sent = pb::Resource { spec: None, ..class(bench.id("a")) };
    refused(bench.create(sent).await, Code::Unknown, "spec is missing")
}

async fn version_empty(bench: &Bench) -> anyhow::Result<()> {
    let text = r#"error parsing version: strconv.ParseInt: parsing "": invalid syntax"#;
    refused(bench.create(class(bench.id("a")).version("")).await, Code::Unknown, text)?;
    refused(bench.update(class(bench.id("a")).version("")).await, Code::Unknown, text)
}

async fn version_no_number(bench: &Bench) -> anyhow::Result<()> {
    let text = r#"error parsing version: strconv.ParseInt: parsing "one": invalid syntax"#;
    refused(bench.create(class(bench.id("a")).version("one")).await, Code::Unknown, text)
}

async fn phase_empty(bench: &Bench) -> anyhow::Result<()> {
    refused(bench.create(class(bench.id("a")).phase("")).await, Code::Unknown, "unknown phase: ")
}

async fn phase_unknown(bench: &Bench) -> anyhow::Result<()> {
    refused(bench.create(class(bench.id("a")).phase("gone")).await, Code::Unknown, "unknown phase: gone")
}

async fn phase_expected_unknown(bench: &Bench) -> anyhow::Result<()> {
    let stored = bench.create(class(bench.id("a"))).await?;
    refused(bench.update_as(stored, "", Some("gone")).await, Code::Unknown, "unknown phase: gone")
}

async fn type_unknown(bench: &Bench) -> anyhow::Result<()> {
    let kind = terraform_provider_omni::omni::Kind { name: "NoSuchThings.omni.sidero.dev", ..CLASS };
    let id = bench.id("a");
    let text = "failed to validate: 1 error occurred:\n\t* rpc error: code = PermissionDenied desc = no access is \
                permitted\n\n";
    refused(bench.get(kind, &id).await, Code::PermissionDenied, text)?;
    refused(bench.list(kind, pb::ListOptions::default()).await, Code::PermissionDenied, text)?;
    refused(bench.create(crate::objects::fresh(kind, &id, &())).await, Code::PermissionDenied, text)?;
    refused(bench.destroy(kind, &id).await, Code::PermissionDenied, text)
}
