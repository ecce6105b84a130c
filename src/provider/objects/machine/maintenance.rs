//! `omni_machine_install` and `omni_maintenance_upgrade`: Talos on machines that are in no cluster.

use super::argument;
use crate::omni::spec;
use crate::omni::spec::Spec;
use crate::provider::check::is_version;
use crate::provider::engine::{Cx, Facts, Failure, OmniAction, Run};
use crate::provider::roles;
use crate::provider::session::at;
use crate::provider::view;
use crate::provider::view::Presence;
use crate::provider::wait::Step;
use crate::tf::check::not_empty;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::schema::{Schema, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use kit::text::quoted;
use kit::version;
use omni_proto::management::MaintenanceLifecycleRequest;
use omni_proto::management::maintenance_lifecycle_request::Operation;
use omni_proto::specs::machine_status_spec::hardware_status::BlockDevice;
use omni_proto::specs::{MachineStatusSpec, TalosVersionSpec};

const MACHINE: &str = "machine_id";
const VERSION: &str = "version";
const DISK: &str = "disk";

/// What Omni does to a machine in maintenance mode.
pub(super) enum Maintenance {
    /// Talos is installed on a disk.
    Install,
    /// Talos is upgraded, as it runs or as it is installed.
    Upgrade,
}

#[async_trait]
impl OmniAction for Maintenance {
    fn facts(&self) -> Facts {
        let upgrade = Facts {
            name: "omni_maintenance_upgrade",
            verb: "upgrade Talos on",
            noun: "machine",
            id: MACHINE,
            timeout: "30m",
            role: roles::NEEDS_OPERATOR,
        };
        match self {
            Self::Install => Facts { name: "omni_machine_install", verb: "install Talos on", ..upgrade },
            Self::Upgrade => upgrade,
        }
    }

    fn schema(&self) -> Schema {
        let machine = argument::machine_attribute();
        match self {
            Self::Install => Schema::new(
                "Installs Talos on a disk of a machine that is in no cluster, and waits until it is installed. The machine must be connected, in maintenance mode, run Talos 1.13 or later, and have no Talos on its disks. Omni continues the installation if the action is stopped.\n\n\
                 ~> **The content of the disk is lost**, whatever it holds.",
            )
            .with(machine.doc("ID (UUID) of the machine."))
            .with(string(DISK).required().check(not_empty()).doc("Disk to install Talos on, such as `/dev/nvme0n1`."))
            .with(string(VERSION).check(is_version()).doc("Talos version to install, such as `1.13.5`. Defaults to the version that the machine runs."))
            .since("1.9"),
            Self::Upgrade => Schema::new(
                "Upgrades Talos on a machine that is in no cluster, and waits until it runs the new version. Ends well if the machine runs that version already. The machine must be connected and in maintenance mode. Machines of clusters are upgraded with `talos_version` of their `omni_cluster`.",
            )
            .with(machine.doc("ID (UUID) of the machine."))
            .with(string(VERSION).required().check(is_version()).doc("Talos version to upgrade to, such as `1.13.5`.")),
        }
    }

    async fn check(&self, cx: &Cx, config: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        argument::check_named(cx, config, diags).await?;
        let Some(machine) = config.get(MACHINE).as_str() else { return Ok(()) };
        let Some(status) = view::spec::<MachineStatusSpec>(cx, machine).await? else { return Ok(()) };
        let wanted = config.get(VERSION).as_str().map(|text| version::strip_v(text.trim()).to_owned());
        let is_missing = match &wanted {
            Some(wanted) => matches!(view::object::<TalosVersionSpec>(cx, wanted).await?, Presence::Missing),
            None => false,
        };
        let mut warn_at = |attribute: &'static str, summary: String, why: &str, hint: &str| {
            let why = format!("{why}: the action will fail unless this has changed by then.");
            diags.push(Diagnostic::warning(summary, why).hint(hint.to_owned()).at(at(attribute)));
        };
        if let Some(wanted) = wanted.filter(|_| is_missing) {
            warn_at(
                VERSION,
                format!("Talos {wanted} is not offered"),
                "This Omni instance does not have this version",
                "Set `version` to one that the data source `omni_talos_versions` lists.",
            );
        }
        if let Some((summary, why, hint)) = config.get(DISK).as_str().and_then(|disk| unfit(machine, disk, &status)) {
            warn_at(DISK, summary, &why, hint);
        }
        let mut warn = |summary: String, why: &str, hint: &str| warn_at(MACHINE, summary, why, hint);
        if !status.cluster.is_empty() {
            warn(
                format!("Machine `{machine}` belongs to cluster `{}`", status.cluster),
                "Omni manages Talos on the machines of clusters itself",
                "Set `talos_version` of the `omni_cluster`, or choose a machine that is in no cluster.",
            );
        } else if !status.maintenance {
            warn(
                format!("Machine `{machine}` is not in maintenance mode"),
                "Omni does this to machines in maintenance mode only",
                "Choose a machine that waits for its first configuration.",
            );
        }
        if !status.connected {
            warn(
                format!("Machine `{machine}` is not connected to Omni"),
                "Omni cannot reach it",
                "Turn the machine on, and check its network.",
            );
        }
        Ok(())
    }

    async fn invoke(&self, run: &Run<'_>, config: &Value) -> Result<(), Failure> {
        let machine = config.get(MACHINE).as_str().unwrap_or_default();
        let wanted = config.get(VERSION).as_str().map(|text| version::strip_v(text.trim()).to_owned());
        match self {
            Self::Install => {
                let disk = config.get(DISK).as_str().unwrap_or_default();
                // Omni refuses it as well, and names an operation of its API.
                let status = run.find_fresh::<MachineStatusSpec>(machine).await?;
                if let Some(on) = status.as_ref().and_then(|status| installed_on(&status.spec)) {
                    let why = format!("Talos is installed on the disk `{on}` of the machine already.");
                    let refused = Diagnostic::error(self.facts().operation(config).summary(), why);
                    return Err(refused.hint(USE_UPGRADE).at(at(MACHINE)).into());
                }
                let request = MaintenanceLifecycleRequest {
                    machine_id: machine.to_owned(),
                    operation: Operation::Install.into(),
                    version: wanted.unwrap_or_default(),
                    disk: disk.to_owned(),
                };
                let mut answers = run.write(run.client().maintenance_lifecycle(run.call(), request)).await?;
                while let Some(answer) = run.write(answers.next()).await? {
                    run.seen(answer.message).await;
                }
                wait(run, machine, &format!("Talos to be installed on `{disk}` of machine `{machine}`"), |status| {
                    let is_installed = disks(status).iter().any(|found| found.system_disk && is(found, disk));
                    is_installed.then_some(()).ok_or_else(|| "Talos is not on the disk yet".to_owned())
                })
                .await?;
                run.done(format!("Talos is installed on `{disk}` of machine `{machine}`")).await;
            }
            Self::Upgrade => {
                let wanted = wanted.unwrap_or_default();
                let status = run.find_fresh::<MachineStatusSpec>(machine).await?;
                if status.is_some_and(|status| version::same(&status.spec.talos_version, &wanted)) {
                    run.say(format!("Machine `{machine}` runs Talos {wanted} already")).await;
                    return Ok(());
                }
                run.write(run.client().maintenance_upgrade(run.call(), machine, &wanted)).await?;
                run.done(format!("Requested the upgrade of machine `{machine}` to Talos {wanted}")).await;
                wait(
                    run,
                    machine,
                    &format!("machine `{machine}` to run Talos {wanted}"),
                    |status| match version::same(&status.talos_version, &wanted) {
                        true => Ok(()),
                        false => Err(format!("the machine runs Talos {}", version::strip_v(&status.talos_version))),
                    },
                )
                .await?;
                run.done(format!("Machine `{machine}` runs Talos {wanted}")).await;
            }
        }
        Ok(())
    }
}

fn disks(status: &MachineStatusSpec) -> &[BlockDevice] {
    status.hardware.as_ref().map(|hardware| hardware.blockdevices.as_slice()).unwrap_or_default()
}

/// The disk that Talos is installed on; none of a machine of a cluster, where that is not what keeps Omni from it.
fn installed_on(status: &MachineStatusSpec) -> Option<&str> {
    let mut disks = disks(status).iter().filter(|_| status.cluster.is_empty());
    disks.find(|found| found.system_disk).map(|found| found.linux_name.as_str())
}

/// What to do on a machine that Talos is installed on.
const USE_UPGRADE: &str = "Use `omni_maintenance_upgrade` for another version.";

/// Whether this can be the disk of that path: which one a link leads to is known to the machine alone.
fn is(found: &BlockDevice, disk: &str) -> bool {
    found.linux_name == disk || found.dev_path == disk || disk.starts_with("/dev/disk/")
}

/// What keeps Talos from being installed on the disk: the problem, why it is one, and what to do.
fn unfit(machine: &str, disk: &str, status: &MachineStatusSpec) -> Option<(String, String, &'static str)> {
    if let Some(on) = installed_on(status) {
        let summary = format!("Talos is installed on machine `{machine}`");
        return Some((summary, format!("It is on the disk `{on}`, and Omni does not install it twice"), USE_UPGRADE));
    }
    let disks = disks(status);
    if disks.is_empty() || disks.iter().any(|found| is(found, disk)) {
        return None;
    }
    let names: Vec<_> = disks.iter().map(|found| format!("`{}`", found.linux_name)).collect();
    let summary = format!("Machine `{machine}` has no disk {}", quoted(disk));
    Some((summary, format!("Its disks are {}", names.join(", ")), "Set `disk` to one of them."))
}

/// Waits until `met` says that the machine is as it is to be, or what it is instead.
async fn wait(
    run: &Run<'_>,
    machine: &str,
    what: &str,
    met: impl Fn(&MachineStatusSpec) -> Result<(), String> + Send + Sync,
) -> Result<(), Failure> {
    run.wait(&MachineStatusSpec::KIND.key(machine), what, |stored| {
        let Some(stored) = stored else { return Ok(Step::Unmet("Omni shows no status of the machine".to_owned())) };
        let status = spec::decode::<MachineStatusSpec>(stored)?;
        Ok(met(&status).map_or_else(Step::Unmet, |()| Step::Met))
    })
    .await
}
