//! `omni_support_bundle`: writes the support bundle of a cluster to a file.

use super::argument;
use super::argument::cluster_attribute;
use crate::provider::engine::{Cx, Facts, Failure, Run};
use crate::provider::export::{Export, ExportSource};
use crate::provider::roles;
use crate::tf::check::{Check, Rule, not_empty};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::schema::{Schema, boolean, plain};
use crate::tf::value::{Type, Value};
use async_trait::async_trait;
use kit::text::quoted;
use omni_proto::management::GetSupportBundleRequest;
use omni_proto::management::get_support_bundle_response::Progress;

pub(super) struct SupportBundle;

const FACTS: Facts = Facts {
    name: "omni_support_bundle",
    verb: "collect the support bundle of",
    noun: "cluster",
    id: "cluster",
    timeout: "30m",
    role: roles::NEEDS_OPERATOR,
};

const ENCRYPT: &str = "encrypt";
const RECIPIENTS: &str = "recipients";
const DEFAULTS: &str = "default_recipients";

#[async_trait]
impl ExportSource for SupportBundle {
    fn facts(&self) -> Facts {
        FACTS
    }

    fn schema(&self) -> Schema {
        Schema::new(
            "Collects the support bundle of a cluster and writes it to a file: a ZIP archive with the state of the cluster and the logs of its machines. A source that does not answer is reported, and left out of the bundle. It changes nothing in Omni, so a provider with `read_only = true` allows it.",
        )
        .with(cluster_attribute().required().doc("Name of the cluster."))
        .with(boolean(ENCRYPT).default(false).since("1.10").doc(
            "Whether Omni encrypts the bundle with age, so that only the recipients can read it.",
        ))
        .with(
            plain(RECIPIENTS, Type::list(Type::String))
                .check(Check::by(|value| match value.elements() {
                    [] => Err("The list must not be empty.".to_owned()),
                    _ => Ok(()),
                }))
                .check(not_empty().of_each())
                .since("1.10")
                .doc("Further recipients of an encrypted bundle: public keys of age, such as `age1…`, or of SSH."),
        )
        .with(boolean(DEFAULTS).since("1.10").doc(
            "Whether the default recipients of Omni can read an encrypted bundle too. Defaults to `true`.",
        ))
        .rule(Rule::Needs(RECIPIENTS, ENCRYPT))
        .rule(Rule::Needs(DEFAULTS, ENCRYPT))
    }

    fn validate(&self, config: &Value, diags: &mut Diagnostics) {
        let is = |name: &str, value: bool| config.get(name).as_bool() == Some(value);
        let given: Vec<_> = [RECIPIENTS, DEFAULTS].into_iter().filter(|name| config.get(name).is_set()).collect();
        if is(ENCRYPT, false)
            && let Some(first) = given.first()
        {
            diags.push(
                Diagnostic::error(
                    "Recipients of a bundle that is not encrypted",
                    format!("`{first}` has no effect, since `{ENCRYPT}` is `false`."),
                )
                .hint(format!("Set `{ENCRYPT} = true`, or remove `{first}`."))
                .at(Path::of(first)),
            );
        }
        if is(ENCRYPT, true) && is(DEFAULTS, false) && config.get(RECIPIENTS).is_null() {
            diags.push(
                Diagnostic::error(
                    "Nobody could read the bundle",
                    format!("It is encrypted, without the default recipients and without `{RECIPIENTS}`."),
                )
                .hint(format!("Set `{RECIPIENTS}`, or remove `{DEFAULTS}`."))
                .at(Path::of(DEFAULTS)),
            );
        }
    }

    async fn check(&self, cx: &Cx, config: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        argument::check_named(cx, config, diags).await
    }

    async fn fetch(&self, run: &Run<'_>, config: &Value, file: &mut Export) -> Result<(), Failure> {
        let operation = FACTS.operation(config);
        argument::named(run.cx(), &operation).await?;
        let encrypt = config.get(ENCRYPT).as_bool() == Some(true);
        let recipients = config.get(RECIPIENTS).elements().iter().filter_map(Value::as_str).map(str::to_owned);
        let request = GetSupportBundleRequest {
            cluster: operation.id.to_owned(),
            encrypt,
            encryption_recipients: recipients.collect(),
            encryption_no_default_recipients: encrypt && config.get(DEFAULTS).as_bool() == Some(false),
        };
        let mut answers = run.client().support_bundle(run.call(), request).await?;
        let (mut count, mut size, mut readers) = (0, 0, Vec::new());
        while let Some(answer) = answers.next().await? {
            if let Some(progress) = answer.progress {
                count += 1;
                run.seen(told(&progress, count)).await;
            }
            readers.extend(answer.encryption_recipients);
            size += answer.bundle_data.len();
            file.write(&answer.bundle_data).await?;
        }
        if size == 0 {
            return Err(Diagnostic::error(operation.summary(), "Omni sent no bundle.")
                .hint("Invoke the action again; if this repeats, check the logs of Omni.")
                .into());
        }
        // An older Omni ignores that it is to encrypt.
        if encrypt && readers.is_empty() {
            return Err(Diagnostic::error(
                operation.summary(),
                "Omni named no recipients of the encrypted bundle, so that it may not be encrypted. It is discarded.",
            )
            .hint("Upgrade Omni to 1.10 or later, or remove `encrypt`.")
            .at(Path::of(ENCRYPT))
            .into());
        }
        if !readers.is_empty() {
            let readers: Vec<_> = readers.iter().map(|reader| quoted(reader)).collect();
            run.say(format!("Encrypted for {}", readers.join(", "))).await;
        }
        Ok(())
    }
}

/// A line about one source.
fn told(progress: &Progress, count: usize) -> String {
    let of = if progress.total > 0 { format!(" ({count} of {})", progress.total) } else { String::new() };
    match (progress.state.as_str(), progress.error.as_str()) {
        (state, "") => format!("{}: {state}{of}", progress.source),
        ("", error) => format!("{}: failed: {error}", progress.source),
        (state, error) => format!("{}: {state} failed: {error}", progress.source),
    }
}
