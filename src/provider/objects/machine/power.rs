//! `omni_machine_power_on`, `omni_machine_power_off` and `omni_machine_reboot`: the power of a machine.

use super::argument;
use crate::omni::spec;
use crate::omni::spec::Spec;
use crate::omni::state::modify::Modified;
use crate::omni::{ErrorKind, Phase, Resource as Stored, labels};
use crate::provider::engine::{Cx, Facts, Failure, OmniAction, Run};
use crate::provider::roles;
use crate::provider::session::at;
use crate::provider::view;
use crate::provider::view::Presence;
use crate::provider::wait::Step;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::schema::Schema;
use crate::tf::value::Value;
use async_trait::async_trait;
use omni_proto::specs::{
    InfraMachineConfigSpec, InfraMachineStatusSpec, InfraProviderStatusSpec, MachineStatusSpec, SiderolinkSpec,
};

/// What becomes of the power.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Switch {
    On,
    Off,
    Reboot,
}

/// One of these actions.
pub(super) struct Power {
    facts: Facts,
    about: &'static str,
    switch: Switch,
    /// The first release that has it; `None` if every supported one does.
    since: Option<&'static str>,
}

/// Label of a link: the infrastructure provider of the machine.
const PROVIDER: &str = "omni.sidero.dev/infra-provider-id";

const OFF: Power = Power {
    facts: Facts {
        name: "omni_machine_power_off",
        verb: "power off",
        noun: "machine",
        id: "machine_id",
        timeout: "10m",
        role: roles::NEEDS_OPERATOR,
    },
    about: "Shuts a machine down, and waits until it is disconnected from Omni. Talos shuts down gracefully; the machine stays in its cluster. A machine of a static infrastructure provider stays off until `omni_machine_power_on`; others have to be turned on by hand.",
    switch: Switch::Off,
    since: Some("1.8"),
};

/// All of them.
pub(super) fn all() -> [Power; 3] {
    let on = Power {
        facts: Facts { name: "omni_machine_power_on", verb: "power on", ..OFF.facts },
        about: "Turns a machine of a static infrastructure provider on, and waits until it is connected to Omni. Omni can turn on only such machines, such as those of the bare metal provider, after they have been accepted.",
        switch: Switch::On,
        ..OFF
    };
    let reboot = Power {
        facts: Facts { name: "omni_machine_reboot", verb: "reboot", ..OFF.facts },
        about: "Power-cycles a machine of a static infrastructure provider, and waits until the infrastructure provider reports the reboot. Omni can reboot only such machines, such as those of the bare metal provider, after they have been accepted. The machine is not shut down in order. If a reboot is requested already, the action waits for that one.",
        switch: Switch::Reboot,
        since: None,
    };
    [on, OFF, reboot]
}

#[async_trait]
impl OmniAction for Power {
    fn facts(&self) -> Facts {
        self.facts
    }

    fn schema(&self) -> Schema {
        let machine = argument::machine_attribute().doc(format!("ID (UUID) of the machine to {}.", self.facts.verb));
        Schema { since: self.since, ..Schema::new(self.about).with(machine) }
    }

    async fn check(&self, cx: &Cx, config: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        argument::check_named(cx, config, diags).await?;
        let Some(machine) = config.get(self.facts.id).as_str() else { return Ok(()) };
        if self.switch != Switch::Off
            && let Presence::Exists(link) = view::object::<SiderolinkSpec>(cx, machine).await?
            && !is_switched(cx, link.label(PROVIDER)).await?
        {
            diags.push(self.unswitched(config));
        }
        Ok(())
    }

    async fn invoke(&self, run: &Run<'_>, config: &Value) -> Result<(), Failure> {
        let machine = self.facts.operation(config).id;
        match self.switch {
            Switch::Reboot => self.reboot(run, config, machine).await,
            Switch::On => turn(run, machine, true).await,
            Switch::Off => turn(run, machine, false).await,
        }
    }
}

impl Power {
    fn unswitched(&self, config: &Value) -> Diagnostic {
        Diagnostic::error(
            self.facts.operation(config).summary(),
            "The machine belongs to no static infrastructure provider, so that Omni cannot switch its power.",
        )
        .hint("Do it at the machine itself, or with the tools of its platform.")
        .at(at(self.facts.id))
    }

    /// Asks the provider of the machine for a reboot, by a request with a name.
    ///
    /// The machine has one request at a time, and the provider reports only the last one. So a request that the provider has not
    /// carried out yet is waited for: another one would take its place, and whoever made it would wait in vain.
    async fn reboot(&self, run: &Run<'_>, config: &Value, machine: &str) -> Result<(), Failure> {
        let key = InfraMachineStatusSpec::KIND.key(machine);
        let status = run.find_fresh::<InfraMachineStatusSpec>(machine).await?;
        let last = status.map(|status| status.spec.last_reboot_id).unwrap_or_default();
        let new = uuid::Uuid::new_v4().to_string();
        let mut name = String::new();
        let change = |stored: &mut Stored| {
            let mut wanted = spec::decode::<InfraMachineConfigSpec>(stored)?;
            if !wanted.requested_reboot_id.is_empty() && wanted.requested_reboot_id != last {
                name = wanted.requested_reboot_id;
                return Ok(());
            }
            name.clone_from(&new);
            wanted.requested_reboot_id.clone_from(&new);
            stored.spec = spec::merge_owned(&stored.spec, &wanted, &["requested_reboot_id"])?;
            Ok(())
        };
        let config_key = InfraMachineConfigSpec::KIND.key(machine);
        match run.write(run.client().modify(run.call(), &config_key, Some(Phase::Running), change)).await {
            Err(error) if error.is(ErrorKind::NotFound) => return Err(self.unswitched(config).into()),
            Err(error) => return Err(error.into()),
            Ok(Modified::Written(_)) => run.done(format!("Requested the reboot of machine `{machine}`")).await,
            Ok(Modified::Unchanged(_)) => {
                run.say(format!("A reboot of machine `{machine}` is requested already")).await;
            }
        }
        run.wait(&key, &format!("the provider of machine `{machine}` to reboot it"), |stored| {
            let Some(stored) = stored else {
                return Ok(Step::Unmet("the provider reports nothing of the machine".to_owned()));
            };
            let status = spec::decode::<InfraMachineStatusSpec>(stored)?;
            Ok(match status.last_reboot_id == name {
                true => Step::Met,
                false => Step::Unmet("the provider has not rebooted the machine yet".to_owned()),
            })
        })
        .await?;
        run.done(format!("Machine `{machine}` was rebooted")).await;
        Ok(())
    }
}

async fn turn(run: &Run<'_>, machine: &str, on: bool) -> Result<(), Failure> {
    run.write(run.client().power_machine(run.call(), machine, on)).await?;
    let (word, state) = if on { ("on", "connected") } else { ("off", "disconnected") };
    run.done(format!("Requested to power {word} machine `{machine}`")).await;
    let key = MachineStatusSpec::KIND.key(machine);
    run.wait(&key, &format!("machine `{machine}` to be {state}"), |stored| {
        let connected = match stored {
            Some(stored) => spec::decode::<MachineStatusSpec>(stored)?.connected,
            None => false,
        };
        Ok(match connected == on {
            true => Step::Met,
            false => Step::Unmet(format!("the machine is {}", if connected { "connected" } else { "disconnected" })),
        })
    })
    .await?;
    run.done(format!("Machine `{machine}` is powered {word}")).await;
    Ok(())
}

/// Whether Omni switches the machines of this provider; where that cannot be seen, it may.
async fn is_switched(cx: &Cx, provider: Option<&str>) -> Result<bool, Failure> {
    let Some(provider) = provider else { return Ok(false) };
    Ok(match view::object::<InfraProviderStatusSpec>(cx, provider).await? {
        Presence::Exists(status) => status.label(labels::STATIC_INFRA_PROVIDER).is_some(),
        Presence::Missing | Presence::Unreadable => true,
    })
}
