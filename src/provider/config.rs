//! The provider block: its schema, and the session that it leads to.
//! What the client has to be told is put together in [`connection`].

use super::check;
use super::connection;
use super::connection::{Connection, env};
use super::duration;
use super::handover::Handover;
use super::host_command::HostCommand;
use super::key_lock::KeyLocks;
use super::ledger::Ledger;
use super::session::{Defaults, OnConflict, OnWaitTimeout, Session, State};
use super::timeouts;
use super::timeouts::Timeouts;
use crate::omni::labels;
use crate::omni::spec::instance::current_user_key;
use crate::omni::{Call, Client};
use crate::provider::objects::cluster::lock::Locks;
use crate::tf::check::{Rule, one_of, whole_between};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::resource::Context;
use crate::tf::schema::{Schema, boolean, number, object, plain, string};
use crate::tf::value::{Type, Value};
use kit::clock::Clock;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The attributes that decide where the provider connects to and as whom.
const CONNECTION: &[&str] = &[
    "endpoint",
    "service_account_key",
    "service_account_key_file",
    "omniconfig",
    "context",
    "identity",
    "pgp_key_file",
    "insecure_skip_tls_verify",
    "ca_certificate",
    "ca_certificate_file",
    "tls_server_name",
    "proxy_url",
];

/// The longest path of a file on any system that this runs on.
const LONGEST_PATH: usize = 4096;

pub(super) fn schema() -> Schema {
    Schema::new(
        "The Omni provider manages the clusters, machine sets, machines and configuration patches of a \
         [Sidero Omni](https://omni.siderolabs.com) instance.",
    )
    .with(string("endpoint").doc(
        "Address of the Omni instance, such as `https://example.omni.siderolabs.io`. \
         An address that does not begin with `https://` means plain HTTP, with a warning when it is not this machine's own. \
         Also taken from `OMNI_ENDPOINT`, or from the omniconfig.",
    ))
    .with(string("service_account_key").document().sensitive().doc(
        "Key of the service account to authenticate as. \
         Also taken from `OMNI_SERVICE_ACCOUNT_KEY` or `SIDERO_SERVICE_ACCOUNT_KEY`.",
    ))
    .with(string("service_account_key_file").at_most(LONGEST_PATH).doc("File that holds the service account key. Like each file that this block names, it must be a regular file of at most 1 MiB."))
    .with(string("omniconfig").at_most(LONGEST_PATH).doc(
        "Path of an omniconfig file, which gives the endpoint and, for interactive keys, the identity. \
         Also taken from `OMNICONFIG`.",
    ))
    .with(string("context").doc("Context of the omniconfig to use. Defaults to its current one."))
    .with(string("identity").doc("User to authenticate as, with `pgp_key_file`."))
    .with(string("pgp_key_file").at_most(LONGEST_PATH).doc(
        "File that holds the armored private OpenPGP key of `identity`, as `omnictl` stores it after a login.",
    ))
    .with(boolean("insecure_skip_tls_verify").doc(
        "Accept any TLS certificate. The requests can then be read and changed on the way; use `ca_certificate` instead where you can.",
    ))
    .with(string("ca_certificate").document().check(check::is_certificate()).doc("Certificates, in PEM, to trust beside those of the system."))
    .with(string("ca_certificate_file").at_most(LONGEST_PATH).doc("File with certificates, in PEM, to trust beside those of the system."))
    .with(string("tls_server_name").doc("Name to expect in the server's certificate, where it differs from the endpoint's host."))
    .with(string("proxy_url").doc(
        "HTTP proxy to connect through, such as `http://user:password@proxy:3128`. \
         Also taken from `HTTPS_PROXY` when `endpoint` begins with `https://`, or else from `HTTP_PROXY`; \
         these are not used for this machine's own addresses. Hosts in `NO_PROXY` are always reached directly.",
    ).sensitive())
    .with(boolean("read_only").doc(
        "Refuse every write before it is sent. Also taken from `OMNI_READ_ONLY`.",
    ))
    .with(string("request_timeout").doc(
        "How long one request may take, as a Go duration. Waits are limited by `timeouts` instead. Defaults to `30s`.",
    ).check(duration::is_positive()))
    .with(object("retry", vec![
        number("max_attempts").doc("How often a request is tried in all, from 1 to 100. Defaults to `5`.").check(whole_between(1, 100)),
        string("base_delay").doc("Pause before the second attempt, as a Go duration; it doubles with each. Defaults to `200ms`.").check(duration::is_positive()),
        string("max_delay").doc("Longest pause between attempts, as a Go duration. Defaults to `5s`.").check(duration::is_positive()),
        boolean("jitter").doc("Vary the pauses at random. Defaults to `true`."),
    ]).doc("How requests are repeated when Omni is not reachable or overloaded. A write that may have taken effect is never repeated blindly."))
    .with(number("max_concurrent_requests").doc("How many requests may be under way at once, from 1 to 10000. Unlimited by default.").check(whole_between(1, 10_000)))
    .with(timeouts::attribute("default_timeouts", "How long operations may take where a resource's own `timeouts` does not say."))
    .with(boolean("wait_for_ready").doc(
        "Whether machine sets and their nodes wait until they are in use, where the resource does not say. Defaults to `false`.",
    ))
    .with(boolean("adopt_existing").doc(
        "Take over an object that exists already instead of refusing to create it, with a warning that says what changes in it. \
         Objects that carry the managed-by annotation belong to another resource or state and are never taken over, nor are service accounts, whose keys nobody can read: import those. Defaults to `false`.",
    ))
    .with(string("managed_by").at_most(labels::LONGEST_VALUE).doc(
        "Value of the managed-by annotation; the Omni UI warns before it edits such objects. Defaults to `Terraform`.",
    ))
    .with(plain("labels", Type::map(Type::String)).doc("Labels of every object that the provider manages, unless the object sets the key itself. They are planned like its own, as `provider_labels`: a label that leaves this block leaves the objects.").check(check::are_user_keys()))
    .with(plain("annotations", Type::map(Type::String)).doc("Annotations of every object that the provider manages, in the same way.").check(check::are_user_keys()))
    .with(string("on_conflict").doc(
        "What to do when an object was changed between plan and apply: `fail` stops and says what changed, `overwrite` writes the planned values all the same. Defaults to `fail`.",
    ).check(one_of(&["fail", "overwrite"])))
    .with(string("on_wait_timeout").doc(
        "What to do when an object is written, but not ready before `timeouts.create` or `timeouts.update` runs out: \
         `warn` ends the operation with a warning and keeps the object, `fail` ends it with an error, \
         and Terraform then marks a new object as tainted and replaces it in the next apply. \
         Either way the wait is owed: until the object is ready, each plan shows a change of its `status`, and the next apply waits again. Defaults to `warn`.",
    ).check(one_of(&["warn", "fail"])))
    .with(string("version_check").doc(
        "What to do when the server is older than the versions that this provider knows: `error`, `warn` or `off`. Defaults to `warn`.",
    ).check(one_of(&["error", "warn", "off"])))
    .rule(Rule::AtMostOne(&["service_account_key", "service_account_key_file", "pgp_key_file"]))
    .rule(Rule::AtMostOne(&["ca_certificate", "ca_certificate_file"]))
}

pub(super) fn validate(config: &Value, diags: &mut Diagnostics) {
    if config.get("pgp_key_file").is_set()
        && config.get("identity").is_null()
        && config.get("omniconfig").is_null()
        && env("OMNICONFIG").is_none()
    {
        diags.push(
            Diagnostic::error("Missing attribute", "`pgp_key_file` needs `identity`, or an omniconfig that names it.")
                .hint("Set `identity` to the e-mail address of the user, or `omniconfig` to the path of the file.")
                .at(Path::of("pgp_key_file")),
        );
    }
}

/// Makes the session, and asks Omni once who we are: a wrong address or key is reported here, on the attribute to blame.
pub(super) async fn configure(
    context: &Context,
    config: &Value,
    terraform_version: &str,
    clock: &Arc<dyn Clock>,
    diags: &mut Diagnostics,
) -> State {
    let unknown: Vec<_> = CONNECTION.iter().copied().filter(|a| config.get(a).is_unknown()).collect();
    if !unknown.is_empty() {
        return State::Deferred(unknown, defaults(config));
    }
    let read_only = match read_only(config) {
        Ok(read_only) => read_only,
        Err(problem) => {
            diags.push(problem);
            return State::Refused;
        }
    };
    let connection = match Connection::of(config, terraform_version, &context.cancel).await {
        Ok(connection) => connection,
        Err(problems) => {
            diags.extend(problems);
            return State::Refused;
        }
    };
    let client = match Client::new(&connection.settings, Arc::clone(clock)) {
        Ok(client) => client,
        Err(error) => {
            diags.push(connection.refused(config, &error));
            return State::Refused;
        }
    };
    diags.extend(connection.warnings(config, &client));
    let call = Call::within(connection::REQUEST_TIMEOUT * 2, &context.cancel);
    if let Err(error) = client.get(&call, &current_user_key()).await {
        diags.push(connection.refused(config, &error));
        return State::Refused;
    }
    if let Some(diagnostic) = check_version(&client, &call, config).await {
        let fatal = diagnostic.severity == crate::tf::diag::Severity::Error;
        diags.push(diagnostic);
        if fatal {
            return State::Refused;
        }
    }
    State::Ready(Arc::new(session(config, client, clock, read_only)))
}

/// What every object gets. A key that is null is not set.
fn defaults(config: &Value) -> Defaults {
    let texts = |name: &str| -> Option<BTreeMap<String, Option<String>>> {
        let map = config.get(name);
        let set = map.entries().into_iter().flatten().filter(|(_, value)| !value.is_null());
        (!map.is_unknown()).then(|| set.map(|(key, value)| (key.clone(), value.as_str().map(str::to_owned))).collect())
    };
    Defaults { labels: texts("labels"), annotations: texts("annotations") }
}

fn session(config: &Value, client: Client, clock: &Arc<dyn Clock>, read_only: bool) -> Session {
    let flag = |name: &str| config.get(name).as_bool().unwrap_or(false);
    Session {
        key_locks: KeyLocks::default(),
        ledger: Ledger::default(),
        handover: Handover::open(std::env::temp_dir(), client.endpoint()),
        locks: Locks::default(),
        host: HostCommand::current(),
        client,
        clock: Arc::clone(clock),
        run: uuid::Uuid::new_v4().to_string(),
        read_only,
        wait_for_ready: flag("wait_for_ready"),
        adopt_existing: flag("adopt_existing"),
        on_conflict: match config.get("on_conflict").as_str() {
            Some("overwrite") => OnConflict::Overwrite,
            _ => OnConflict::Fail,
        },
        on_wait_timeout: match config.get("on_wait_timeout").as_str() {
            Some("fail") => OnWaitTimeout::Fail,
            _ => OnWaitTimeout::Warn,
        },
        managed_by: config.get("managed_by").as_str().unwrap_or("Terraform").to_owned(),
        defaults: defaults(config),
        timeouts: Timeouts::default().or(config.get("default_timeouts")),
    }
}

/// The oldest server whose answers the provider's behaviour was checked against.
const OLDEST: semver::Version = semver::Version::new(1, 2, 0);

async fn check_version(client: &Client, call: &Call, config: &Value) -> Option<Diagnostic> {
    let mode = config.get("version_check").as_str().unwrap_or("warn");
    if mode == "off" {
        return None;
    }
    // A server that does not say its version is no reason to stop.
    let said = client.server_version(call).await.ok()?;
    let version = kit::version::parse(&said).ok()?;
    if version >= OLDEST {
        return None;
    }
    let detail = format!("The server says that it is Omni {said}; this provider knows Omni {OLDEST} and later.");
    let hint = "Upgrade Omni, or set `version_check = \"off\"` to go on all the same.";
    Some(match mode {
        "error" => Diagnostic::error("Omni is too old", detail).hint(hint),
        _ => Diagnostic::warning("Omni is older than this provider knows", detail).hint(hint),
    })
}

/// Whether writes are refused. A value of the environment that says neither yes nor no must not pass for no: it is a safeguard.
fn read_only(config: &Value) -> Result<bool, Diagnostic> {
    if let Some(configured) = config.get("read_only").as_bool() {
        return Ok(configured);
    }
    let Some(text) = env("OMNI_READ_ONLY") else { return Ok(false) };
    truth(&text).ok_or_else(|| {
        Diagnostic::error(
            "Invalid value of OMNI_READ_ONLY",
            "The environment variable OMNI_READ_ONLY says neither that writes are refused nor that they are allowed.",
        )
        .hint("Set it to `true` or `false`, take it out of the environment, or set `read_only` in the provider block.")
        .at(Path::of("read_only"))
    })
}

/// What a switch in the environment says.
fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "t" | "true" | "y" | "yes" | "on" => Some(true),
        "" | "0" | "f" | "false" | "n" | "no" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_says_yes_or_no_and_nothing_else_passes_for_no() {
        for (text, expected) in [
            ("1", Some(true)),
            ("TRUE", Some(true)),
            (" yes ", Some(true)),
            ("y", Some(true)),
            ("on", Some(true)),
            ("0", Some(false)),
            ("False", Some(false)),
            ("no", Some(false)),
            ("", Some(false)),
            ("enabled", None),
            ("2", None),
            ("bogus", None),
        ] {
            assert_eq!(truth(text), expected, "{text:?}");
        }
    }
}
