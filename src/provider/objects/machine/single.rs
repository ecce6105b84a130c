//! `omni_machine`: a single machine by ID, MAC address, host name or labels; the read can wait until it registers.

use super::data_source::{HOSTNAME_REGEXP, Machine, Machines, bare_mac, machine_of, sizes};
use crate::omni::Error;
use crate::omni::spec::Spec;
use crate::omni::state::query::Query;
use crate::provider::duration;
use crate::provider::engine::{Cx, Object};
use crate::provider::lookup::{Item, Lookup, Request, SELECTOR, SingleSource, is_selector, selects};
use crate::tf::check::{Check, Rule, not_empty};
use crate::tf::schema::{Attribute, boolean, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use omni_proto::specs::MachineStatusSpec;
use std::time::Duration;

/// How long a machine may take to register: long enough for one that is made, boots and installs nothing yet.
const REGISTRATION_TIMEOUT: Duration = Duration::from_secs(10 * 60);
/// What can tell a machine from all others.
const KEYS: &[&str] = &["id", "mac_address", "hostname", HOSTNAME_REGEXP, "label_selector"];
pub(super) const WAIT: &str = "wait_for_registration";

/// The text is a MAC address, in any of the usual ways to write one.
pub(super) fn is_mac() -> Check {
    Check::text(|text| {
        let clean = text.chars().all(|c| c.is_ascii_hexdigit() || [':', '-', '.'].contains(&c));
        // Six bytes for Ethernet, eight or twenty for what has longer ones.
        if clean && [12, 16, 40].contains(&bare_mac(text).len()) {
            return Ok(());
        }
        Err(format!("`{text}` is not a MAC address: write it like `52:54:00:12:34:56`."))
    })
}

/// Whether the read waits for a machine that is not there.
pub(super) fn waits(config: &Value) -> bool {
    config.get(WAIT).as_bool() == Some(true)
}

#[async_trait]
impl SingleSource for Machines {
    const NAME: &'static str = "omni_machine";
    const ABOUT: &'static str = "Reads a registered machine by ID, MAC address, host name or labels: its hardware, network and labels. The read can wait for the machine to register, for example after another provider has created the virtual machine. It is an error if more than one machine matches.";
    const ID: &'static str = "id";
    const IF_MISSING: &'static str = "If it has not registered yet, set `wait_for_registration = true` to wait for it.";
    const IF_LATE: &'static str = "Check that the machine runs, that it boots an image of this instance, and that it can reach Omni; or increase `timeout`. If the same apply creates it, refer to an attribute of it that is known only after apply: otherwise the plan already waits for it.";

    fn arguments() -> Vec<Attribute> {
        vec![
            string("id").check(not_empty()).doc("ID (UUID) of the machine, ignoring case."),
            string("mac_address")
                .check(is_mac())
                .doc("MAC address of any network link of the machine, ignoring case, such as `52:54:00:12:34:56`."),
            string("hostname").check(not_empty()).doc("Host name of the machine, ignoring case."),
            string("label_selector")
                .document()
                .check(is_selector())
                .check(selects())
                .doc(format!("Label selector that matches only this machine, {SELECTOR}")),
        ]
        .into_iter()
        .chain(sizes())
        .collect()
    }

    fn options() -> Vec<Attribute> {
        vec![
            boolean(WAIT).doc(
                "Wait until a matching machine has registered and reported its hardware and network. Defaults to `false`: it is an error if no machine matches.",
            ),
            string("timeout").check(duration::is_positive()).doc(
                "Timeout of the wait, as a Go duration. Defaults to `10m`.",
            ),
        ]
    }

    fn rules() -> Vec<Rule> {
        vec![Rule::ExactlyOne(KEYS), Rule::Needs("timeout", WAIT)]
    }

    fn id(text: &str) -> String {
        text.to_lowercase()
    }

    fn limit(config: &Value) -> Option<Duration> {
        let written = config.get("timeout").as_str().and_then(duration::of);
        waits(config).then(|| written.unwrap_or(REGISTRATION_TIMEOUT))
    }

    async fn find(cx: &Cx, request: &Request<'_>) -> Result<Vec<Item<Machine>>, Error> {
        match waits(request.config) {
            true => registered::<Self>(cx, request, KEYS).await,
            false => Self::list(cx, request).await,
        }
    }
}

/// Waits until a machine that is asked for has registered and reported what it is. `keys` are the arguments that name it.
pub(super) async fn registered<L: Lookup<Object = Machine>>(
    cx: &Cx,
    request: &Request<'_>,
    keys: &[&str],
) -> Result<Vec<Item<Machine>>, Error> {
    let query = match &request.id {
        Some(id) => Query::id(format!("^{}$", regex::escape(id))),
        None => request.query.clone(),
    };
    let known = keys.iter().find_map(|name| Some(format!("`{name}` = `{}`", request.config.get(name).as_str()?)));
    let what = format!("a machine with {} to register", known.unwrap_or_default());
    let kind = MachineStatusSpec::KIND;
    let waited = cx.client().wait_for_any(&cx.call, kind, &query, &what, |there| {
        let fit = there.values().filter_map(|stored| match Object::<MachineStatusSpec>::decode(stored.clone()) {
            Ok(object) => {
                let reported = object.spec.hardware.is_some() && object.spec.network.is_some();
                let found = machine_of(object);
                (reported && L::matches(request.config, &found)).then_some(Ok(found))
            }
            Err(error) => Some(Err(error)),
        });
        let fit = fit.collect::<Result<Vec<_>, _>>();
        if matches!(&fit, Ok(fit) if fit.is_empty()) {
            tracing::info!(registered = there.len(), "waiting for {what}");
            return None;
        }
        Some(fit)
    });
    waited.await?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mac_addresses_are_told_from_other_text() {
        for (text, expected) in [
            ("52:54:00:12:34:56", true),
            ("52-54-00-12-34-5F", true),
            ("5254.0012.3456", true),
            ("525400123456", true),
            ("52:54:00:12:34", false),
            ("52:54:00:12:34:5g", false),
            ("machine-1", false),
            ("", false),
        ] {
            assert_eq!(is_mac().run(&text.into()).is_ok(), expected, "{text:?}");
        }
        assert_eq!(bare_mac("52-54-00-12-34-5F"), bare_mac("5254.0012.345f"));
    }
}
