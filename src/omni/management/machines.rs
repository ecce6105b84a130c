//! Operations on single machines: power, upgrades in maintenance mode, and their unique tokens.

use super::Ask;
use crate::omni::once::{AtMostOnce, Look, Sight};
use crate::omni::spec::{self, Spec};
use crate::omni::{Call, Client, Error};
use async_trait::async_trait;
use omni_proto::management as pb;
use omni_proto::specs::MachineStatusSpec;

impl Client {
    /// Turns a machine on or off. If the response gets lost, the connection of the machine tells whether the call took effect.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn power_machine(&self, call: &Call, machine: &str, on: bool) -> Result<(), Error> {
        let what = format!("the answer about the power of {}", about(machine));
        self.at_most_once(call, &what, &Power { client: self, call, machine, on }).await.map(drop)
    }

    /// Upgrades Talos on a machine in maintenance mode. The RPC is not retried.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn maintenance_upgrade(&self, call: &Call, machine: &str, version: &str) -> Result<(), Error> {
        let message = pb::MaintenanceUpgradeRequest { machine_id: machine.to_owned(), version: version.to_owned() };
        let about = about(machine);
        let ask = Ask::once("/management.ManagementService/MaintenanceUpgrade", &about);
        self.ask(call, ask, message, |mut s, r| async move { s.maintenance_upgrade(r).await }).await.map(drop)
    }

    /// Lets a machine get a new unique token when it joins the next time. The RPC is not retried.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn reset_node_unique_token(&self, call: &Call, machine: &str) -> Result<(), Error> {
        let message = pb::ResetNodeUniqueTokenRequest { id: machine.to_owned() };
        let about = about(machine);
        let ask = Ask::once("/management.ManagementService/ResetNodeUniqueToken", &about);
        self.ask(call, ask, message, |mut s, r| async move { s.reset_node_unique_token(r).await }).await.map(drop)
    }
}

/// A machine that is turned on or off.
struct Power<'a> {
    client: &'a Client,
    call: &'a Call,
    machine: &'a str,
    on: bool,
}

#[async_trait]
impl AtMostOnce for Power<'_> {
    type Made = ();

    async fn send(&self) -> Result<(), Error> {
        let (client, about, machine_id) = (self.client, about(self.machine), self.machine.to_owned());
        if self.on {
            let ask = Ask::once("/management.ManagementService/MachinePowerOn", &about);
            let message = pb::MachinePowerOnRequest { machine_id };
            client.ask(self.call, ask, message, |mut s, r| async move { s.machine_power_on(r).await }).await.map(drop)
        } else {
            let ask = Ask::once("/management.ManagementService/MachinePowerOff", &about);
            let message = pb::MachinePowerOffRequest { machine_id };
            client.ask(self.call, ask, message, |mut s, r| async move { s.machine_power_off(r).await }).await.map(drop)
        }
    }

    async fn look(&self, _sight: Sight) -> Result<Look<()>, Error> {
        let status = self.client.get_fresh(self.call, &MachineStatusSpec::KIND.key(self.machine)).await?;
        let status = status.map(|stored| spec::decode::<MachineStatusSpec>(&stored)).transpose()?;
        // Off and on are states: whoever asks for one twice gets it once.
        Ok(if status.is_some_and(|status| status.connected == self.on) { Look::There(()) } else { Look::Absent })
    }
}

fn about(machine: &str) -> String {
    format!("machine `{machine}`")
}
