//! The provider block: its schema, and the session that is created from it.
//! [`connection`] builds the configuration of the client.

use super::check;
use super::connection;
use super::connection::{Connection, env};
use super::duration;
use super::handover::Handover;
use super::host_command::Host;
use super::key_lock::KeyLocks;
use super::ledger::Ledger;
use super::session::{Defaults, OnConflict, OnWaitTimeout, Session, State};
use super::timeouts;
use super::timeouts::Timeouts;
use crate::omni::labels;
use crate::omni::spec::instance::current_user_key;
use crate::omni::{Call, Client, ErrorKind};
use crate::provider::objects::cluster::lock::Locks;
use crate::tf::check::{Rule, one_of, whole_between};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::resource::Context;
use crate::tf::schema::{Schema, boolean, number, object, plain, string};
use crate::tf::value::{Type, Value};
use kit::clock::Clock;
use kit::gather::Gather as _;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

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
         An address without `https://` means plain HTTP, with a warning unless it is a loopback address. \
         Defaults to `OMNI_ENDPOINT`, then to the URL in the omniconfig.",
    ))
    .with(string("service_account_key").document().sensitive().doc(
        "Service account key to authenticate with. \
         Defaults to `SIDERO_SERVICE_ACCOUNT_KEY`, then to `OMNI_SERVICE_ACCOUNT_KEY`.",
    ))
    .with(string("service_account_key_file").at_most(LONGEST_PATH).doc("Path of a file with the service account key: a regular file of at most 1 MiB, like every file of this block."))
    .with(string("omniconfig").at_most(LONGEST_PATH).doc(
        "Path of an omniconfig file, for the endpoint and, with `pgp_key_file`, the identity. \
         Defaults to `OMNICONFIG`.",
    ))
    .with(string("context").doc("Context of the omniconfig to use. Defaults to its current context."))
    .with(string("identity").doc("E-mail address of the user to authenticate as, with `pgp_key_file`. Defaults to the identity in the omniconfig."))
    .with(string("pgp_key_file").at_most(LONGEST_PATH).doc(
        "Path of a file with the ASCII-armored private OpenPGP key of `identity`, as `omnictl` stores it after a login.",
    ))
    .with(boolean("insecure_skip_tls_verify").doc(
        "Do not verify the TLS certificate of the server. This allows others to read and change requests; prefer `ca_certificate`. Defaults to `false`.",
    ))
    .with(string("ca_certificate").document().check(check::is_certificate()).doc("CA certificates, in PEM, to trust in addition to those of the system."))
    .with(string("ca_certificate_file").at_most(LONGEST_PATH).doc("Path of a file with CA certificates, in PEM, to trust in addition to those of the system."))
    .with(string("tls_server_name").doc("Name to verify in the certificate of the server, if it differs from the host in `endpoint`."))
    .with(string("proxy_url").doc(
        "HTTP proxy to connect through, such as `http://user:password@proxy:3128`. \
         Defaults to `HTTPS_PROXY` if `endpoint` begins with `https://`, otherwise to `HTTP_PROXY`; \
         the variables are not used for loopback addresses. Hosts in `NO_PROXY` are always connected to directly.",
    ).sensitive())
    .with(boolean("read_only").doc(
        "Refuse every write before it is sent. Defaults to `OMNI_READ_ONLY`, then to `false`.",
    ))
    .with(string("request_timeout").doc(
        "Timeout of a single request, as a Go duration. Waits are limited by `timeouts` instead. Defaults to `30s`.",
    ).check(duration::is_positive()))
    .with(object("retry", vec![
        number("max_attempts").doc("Maximum number of attempts for a request, from `1` to `100`. Defaults to `5`.").check(whole_between(1, 100)),
        string("base_delay").doc("Delay before the second attempt, as a Go duration; it doubles with every attempt. Defaults to `200ms`.").check(duration::is_positive()),
        string("max_delay").doc("Maximum delay between attempts, as a Go duration. Defaults to `5s`.").check(duration::is_positive()),
        boolean("jitter").doc("Randomize the delays. Defaults to `true`."),
    ]).doc("Retries of requests when Omni is unreachable or overloaded. A write that may have taken effect is not repeated before its result is known."))
    .with(number("max_concurrent_requests").doc("Maximum number of concurrent requests, from `1` to `10000`. Defaults to no limit.").check(whole_between(1, 10_000)))
    .with(timeouts::attribute("default_timeouts", "Default timeouts of operations, for resources without `timeouts`."))
    .with(boolean("wait_for_ready").doc(
        "Default for `wait_for` of machine sets (`ready`) and machine set nodes (`running`). Defaults to `false`, which means `none`.",
    ))
    .with(boolean("adopt_existing").doc(
        "When a resource is created and its object already exists, adopt the object instead of failing, with a warning that lists its changes. \
         Objects with the managed-by annotation and service accounts are never adopted: import them. Defaults to `false`.",
    ))
    .with(string("managed_by").at_most(labels::LONGEST_VALUE).doc(
        "Value of the annotation `omni.sidero.dev/managed-by-gitops-tools`; the Omni UI warns before it edits objects with this annotation. Defaults to `Terraform`.",
    ))
    .with(plain("labels", Type::map(Type::String)).doc("Default labels of all objects that the provider manages; `labels` of a resource overrides them. They appear in plans as `provider_labels`, and removing a label here removes it from the objects.").check(check::are_user_keys()))
    .with(plain("annotations", Type::map(Type::String)).doc("Default annotations of all objects that the provider manages, in the same way as `labels`.").check(check::are_user_keys()))
    .with(string("on_conflict").doc(
        "What to do if an object was changed between plan and apply: `fail` returns an error that lists the changes, `overwrite` writes the planned values. Defaults to `fail`.",
    ).check(one_of(&["fail", "overwrite"])))
    .with(string("on_wait_timeout").doc(
        "What to do if an object is written but not ready within `timeouts.create` or `timeouts.update`: \
         `warn` returns a warning and keeps the object; `fail` returns an error, \
         and Terraform marks a new object as tainted, so that the next apply replaces it. \
         In both cases every plan shows a change of `status` until the object is ready, and the next apply waits again. Defaults to `warn`.",
    ).check(one_of(&["warn", "fail"])))
    .with(string("version_check").doc(
        "What to do if the server is older than Omni 1.2, the oldest supported release: `error`, `warn` or `off`. Defaults to `warn`.",
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
    (clock, host): (&Arc<dyn Clock>, &Arc<Host>),
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
    match client.get(&call, &current_user_key()).await {
        // Nobody is told who they are before the licence is accepted, which this run may do.
        Err(error) if error.is(ErrorKind::LicenceGate) => tracing::info!("the licence of Omni is not accepted yet"),
        Err(error) => {
            diags.push(connection.refused(config, &error));
            return State::Refused;
        }
        Ok(_) => {}
    }
    if let Some(diagnostic) = check_version(&client, &call, config).await {
        let fatal = diagnostic.severity == crate::tf::diag::Severity::Error;
        diags.push(diagnostic);
        if fatal {
            return State::Refused;
        }
    }
    State::Ready(Arc::new(session(config, client, (clock, host), read_only)))
}

/// What every object gets. A key that is null is not set.
fn defaults(config: &Value) -> Defaults {
    let texts = |name: &str| -> Option<BTreeMap<String, Option<String>>> {
        let map = config.get(name);
        let set = map.entries().into_iter().flatten().filter(|(_, value)| !value.is_null());
        (!map.is_unknown()).then(|| set.map(|(key, value)| (key.clone(), value.as_str().map(str::to_owned))).gathered())
    };
    Defaults { labels: texts("labels"), annotations: texts("annotations") }
}

fn session(config: &Value, client: Client, (clock, host): (&Arc<dyn Clock>, &Arc<Host>), read_only: bool) -> Session {
    let flag = |name: &str| config.get(name).as_bool().unwrap_or(false);
    Session {
        key_locks: KeyLocks::default(),
        ledger: Ledger::default(),
        handover: Handover::open(std::env::temp_dir(), client.endpoint()),
        locks: Locks::default(),
        accepts_licence: AtomicBool::default(),
        host: Arc::clone(host),
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
    let detail = format!("The server is Omni {said}; this provider supports Omni {OLDEST} and later.");
    let hint = "Upgrade Omni, or set `version_check = \"off\"` to continue anyway.";
    Some(match mode {
        "error" => Diagnostic::error("Omni is too old", detail).hint(hint),
        _ => Diagnostic::warning("Omni is older than this provider supports", detail).hint(hint),
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
            "The environment variable OMNI_READ_ONLY is neither true nor false.",
        )
        .hint("Set it to `true` or `false`, unset it, or set `read_only` in the provider block.")
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
