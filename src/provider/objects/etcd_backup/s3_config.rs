//! `omni_etcd_backup_s3_config`: the bucket in which Omni stores the etcd backups of all clusters.

use super::store;
use crate::omni::Error;
use crate::provider::engine::{
    Bind, CosiObject, Cx, Failure, Joined, Object, OneKind, ResourceType, Row, Table, group,
};
use crate::provider::lookup::computed::text;
use crate::provider::session::at;
use crate::tf::check::{Check, Rule, not_empty};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::resource::Plan;
use crate::tf::schema::{IdentitySchema, Schema, number, string};
use crate::tf::value::Value;
use crate::tf::write_only::{Fingerprint, WriteOnly, write_only};
use async_trait::async_trait;
use kit::text::quoted;
use omni_proto::specs::EtcdBackupS3ConfSpec;

pub(super) struct S3Config;

/// There is one.
const ONLY_ID: &str = "etcd-backup-s3-conf";
const KEY_ID: &str = "access_key_id";
/// The version number that both secrets share.
const VERSION: &str = "credentials_wo_version";
const KEY: WriteOnly = write_only!("secret_access_key", Fingerprint::Salted).versioned_by(VERSION);
const TOKEN: WriteOnly = write_only!("session_token", Fingerprint::Salted).versioned_by(VERSION);

/// The facts of the store that `status` shows.
const STATUS: [&str; 2] = ["store", "error"];

impl Table for S3Config {
    type Spec = EtcdBackupS3ConfSpec;

    const NAME: &'static str = "omni_etcd_backup_s3_config";
    const NOUN: &'static str = "S3 configuration of etcd backups";
    const ID: &'static str = "id";

    fn rows() -> Vec<Row> {
        vec![
            string("id").computed().stays().doc("Always `etcd-backup-s3-conf`.").id(),
            string("bucket").required().check(not_empty()).doc("Name of the bucket. Omni lists its objects when the configuration is written, and refuses a bucket that it cannot list.").field("bucket"),
            string("region").check(not_empty()).doc("Region of the bucket, such as `eu-central-1`. Required by S3, also with an `endpoint`, unless the environment of Omni sets it.").optional_field("region"),
            string("endpoint").check(is_uri()).doc("URL of an S3-compatible store other than AWS, such as `https://s3.example.org`.").optional_field("endpoint"),
            string(KEY_ID).check(not_empty()).sensitive().doc("Access key ID. Without it, Omni uses the role of the machine that it runs on.").optional_field("access_key_id"),
            string(KEY.plain).check(not_empty()).sensitive().doc("Secret access key.").optional_field("secret_access_key"),
            string(TOKEN.plain).at_most(4096).check(not_empty()).sensitive().doc("Session token, for temporary access keys.").optional_field("session_token"),
            number(VERSION).doc("Optional version, to be incremented when `secret_access_key_wo` or `session_token_wo` changes. Changes are also detected without it, by the hashes.").local(),
            group("status", vec![
                text("store", "Store of the backups: `s3` or `local`.").derived(),
                text("error", "Why Omni cannot store backups; otherwise empty.").derived(),
            ], |status| status.computed().changes_with(&["bucket", "region", "endpoint"]).doc("What Omni reported of the store at the last read.")),
        ]
    }

    fn derive(
        _object: &Object<EtcdBackupS3ConfSpec>,
        joined: &Joined,
        _prior: &Value,
        shown: &mut Value,
    ) -> Result<(), Diagnostic> {
        shown.set("status", Value::object(STATUS.map(|name| (name, joined.fact(name).clone()))));
        Ok(())
    }
}

/// The text is a URL, as the S3 client of Omni takes it.
fn is_uri() -> Check {
    Check::text(|text| match text.split_once("://") {
        Some((scheme, host)) if !scheme.is_empty() && !host.is_empty() => Ok(()),
        _ => Err(format!("{} is not a URL: write it like `https://s3.example.org`.", quoted(text))),
    })
}

#[async_trait]
impl ResourceType for S3Config {
    // There is one, so it needs no name.
    const DISPLAY: &'static str = "";
    const WRITE_ONLY: &'static [WriteOnly] = &[KEY, TOKEN];

    fn about() -> Schema {
        Schema::new(
            "Manages the S3 bucket in which Omni stores the etcd backups of all clusters. This is a singleton: an instance has at most one. Requires the role `Admin`.\n\n\
             ~> After a destroy no backups are created; those in the bucket remain. Omni restores backups of the configured bucket only.",
        )
        .rule(Rule::Needs(KEY.plain, KEY_ID))
        .rule(Rule::Needs(KEY.secret, KEY_ID))
        .rule(Rule::Needs(TOKEN.plain, KEY_ID))
        .rule(Rule::Needs(TOKEN.secret, KEY_ID))
    }

    fn identity() -> IdentitySchema {
        IdentitySchema::of("id", "Always `etcd-backup-s3-conf`: Omni has one such configuration.")
    }

    fn id(_state: &Value) -> Option<String> {
        Some(ONLY_ID.to_owned())
    }

    async fn resolve_import(_cx: Option<&Cx>, _text: &str) -> Result<String, Failure> {
        Ok(ONLY_ID.to_owned())
    }

    fn validate(config: &Value, diags: &mut Diagnostics) {
        if config.get(KEY_ID).is_set() && [KEY.plain, KEY.secret].iter().all(|name| config.get(name).is_null()) {
            diags.push(
                Diagnostic::error(
                    "Missing attribute",
                    format!("`{KEY_ID}` needs `{}` or `{}` to be set.", KEY.plain, KEY.secret),
                )
                .hint(format!("Set one of them, or remove `{KEY_ID}`."))
                .at(at(KEY_ID)),
            );
        }
    }

    fn modify_plan(plan: &mut Plan<'_>) {
        plan.planned.set("id", ONLY_ID.into());
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        // What Omni has taken without a region it takes again.
        if plan.planned.get("region").is_null() && plan.prior.is_none_or(|prior| !prior.get("region").is_null()) {
            plan.diags.push(
                Diagnostic::warning(
                    "The S3 configuration has no region",
                    "Omni lists the bucket when the configuration is written, and S3 requests need a region, also with an `endpoint`: \
                     the apply fails, unless the environment of Omni sets one.",
                )
                .hint("Set `region`. Stores other than AWS usually accept any value, such as `us-east-1`.")
                .at(at("region")),
            );
        }
        let local = store::status(cx).await?.is_some_and(|status| status.configuration_name == store::LOCAL);
        if local && plan.prior.is_none() {
            plan.diags.push(
                Diagnostic::warning(
                    "The S3 configuration has no effect",
                    "This instance stores etcd backups on its local disk, as its operator has configured it.",
                )
                .hint("Have the operator of Omni switch to S3, or remove the resource."),
            );
        }
        Ok(())
    }

    async fn check_delete(_cx: &Cx, _prior: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        diags.push(
            Diagnostic::warning(
                "No etcd backups will be created",
                "Without an S3 configuration, Omni creates no backups of any cluster; those in the bucket remain.",
            )
            .hint("Create another configuration, or remove `backup_interval` from the clusters."),
        );
        Ok(())
    }
}

#[async_trait]
impl CosiObject for S3Config {
    type Kinds = OneKind;

    async fn facts(cx: &Cx, _object: &Object<EtcdBackupS3ConfSpec>, joined: &mut Joined) -> Result<(), Error> {
        let Some(status) = store::status(cx).await? else { return Ok(()) };
        let facts = [status.configuration_name, status.configuration_error];
        STATUS.into_iter().zip(facts).for_each(|(name, fact)| joined.note(name, fact));
        Ok(())
    }
}
