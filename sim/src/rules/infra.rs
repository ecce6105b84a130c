//! Rules for infrastructure providers, and for the configuration of their machines.

use super::{Change, dns_name};
use crate::catalogue::Feature;
use crate::names::{kind, label};
use crate::object::{Object, Reader};
use omni_proto::specs::InfraMachineConfigSpec;
use omni_proto::specs::infra_machine_config_spec::AcceptanceStatus;

const MAX_REQUEST_ID: usize = 128;
const MAX_KERNEL_ARGS: usize = 4096;

/// The problems with a change of a provider.
pub(super) fn provider(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    let problem = match change {
        // Older servers take any name.
        Change::Create(_) if !super::release(view).has(Feature::ProviderNames) => None,
        Change::Create(new) => {
            dns_name::label(&new.key.id).map(|problem| format!("invalid infra provider name: {problem}"))
        }
        Change::Update(..) => None,
        Change::Destroy(_) if !super::release(view).has(Feature::ProviderGuards) => None,
        Change::Destroy(old) => in_use(view, &old.key.id),
    };
    problem.into_iter().collect()
}

fn in_use(view: &dyn Reader, id: &str) -> Option<String> {
    let machines = view.labelled(kind::MACHINE, label::INFRA_PROVIDER_ID, id);
    let running: Vec<_> = machines.iter().filter(|m| !m.tearing_down).map(|m| m.key.id.as_str()).collect();
    (!running.is_empty()).then(|| {
        format!(
            "cannot delete the infra provider {id:?}, as there are {} running machines managed by it: [{}]",
            running.len(),
            running.join(" ")
        )
    })
}

/// The problems with a change of what is asked of a machine.
pub(super) fn machine_config(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    match change {
        Change::Update(old, new) if !super::release(view).has(Feature::RejectionsUndone) => {
            let (before, after) = (acceptance(old), acceptance(new));
            let problem = match (before, after) {
                (AcceptanceStatus::Accepted | AcceptanceStatus::Rejected, AcceptanceStatus::Pending) => {
                    "an accepted or rejected machine cannot be set to back to pending acceptance"
                }
                (AcceptanceStatus::Accepted, AcceptanceStatus::Rejected) => "an accepted machine cannot be rejected",
                _ => return Vec::new(),
            };
            vec![problem.into()]
        }
        Change::Update(old, new) if accepted(old) && !accepted(new) => {
            vec!["an accepted machine cannot be rejected or set back to pending acceptance".into()]
        }
        Change::Create(new) | Change::Update(_, new) => limits(view, new),
        Change::Destroy(old) if accepted(old) && view.get(kind::LINK, &old.key.id).is_some() => {
            vec![
                "cannot delete the config for an already accepted machine config while it is linked to a machine"
                    .into(),
            ]
        }
        Change::Destroy(_) => Vec::new(),
    }
}

fn acceptance(object: &Object) -> AcceptanceStatus {
    object.spec::<InfraMachineConfigSpec>().acceptance_status()
}

fn accepted(object: &Object) -> bool {
    acceptance(object) == AcceptanceStatus::Accepted
}

/// The first text that is too much for a machine.
fn limits(view: &dyn Reader, new: &Object) -> Vec<String> {
    if !super::release(view).has(Feature::TextLimits) {
        return Vec::new();
    }
    let spec: InfraMachineConfigSpec = new.spec();
    let texts = [
        ("requested reboot ID", &spec.requested_reboot_id, MAX_REQUEST_ID),
        ("power-off request ID", &spec.power_off_request_id, MAX_REQUEST_ID),
        ("extra kernel args", &spec.extra_kernel_args, MAX_KERNEL_ARGS),
    ];
    texts.into_iter().find_map(|(what, text, max)| super::limited(what, text, max)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, labelled, object};
    use super::*;
    use omni_proto::specs::{InfraProviderSpec, MachineSpec, SiderolinkSpec, SysVersionSpec};

    #[test]
    fn providers() {
        let named = |id: &str| object(kind::INFRA_PROVIDER, id, &InfraProviderSpec {});
        let nobody = Fixture::default();
        assert_eq!(provider(&nobody, Change::Create(&named("kubevirt-1"))), [""; 0]);
        let rule = "is not a valid DNS-1123 label (lowercase alphanumeric and hyphens, starting and ending with \
                    alphanumeric, max 63 characters)";
        for (id, expected) in [
            ("Kube.virt", format!("\"Kube.virt\" {rule}")),
            ("", format!("\"\" {rule}")),
            (&"a".repeat(64), "DNS-1123 label is too long: 64 bytes (max 63)".to_owned()),
        ] {
            let expected = format!("invalid infra provider name: {expected}");
            assert_eq!(provider(&nobody, Change::Create(&named(id))), [expected]);
        }
        let machine =
            labelled(object(kind::MACHINE, "m", &MachineSpec::default()), &[(label::INFRA_PROVIDER_ID, "kubevirt-1")]);
        let view = Fixture::default().with(machine);
        assert_eq!(
            provider(&view, Change::Destroy(&named("kubevirt-1"))),
            ["cannot delete the infra provider \"kubevirt-1\", as there are 1 running machines managed by it: [m]"]
        );
        assert_eq!(provider(&view, Change::Destroy(&named("other"))), [""; 0]);
        let server = SysVersionSpec { backend_version: "v1.3.4".into(), ..Default::default() };
        let view = view.with(object(kind::SYS_VERSION, "current", &server));
        assert_eq!(provider(&view, Change::Destroy(&named("kubevirt-1"))), [""; 0]);
    }

    #[test]
    fn what_is_asked_of_machines() {
        let config = |status: AcceptanceStatus, reboot: &str| {
            let mut spec = InfraMachineConfigSpec { requested_reboot_id: reboot.into(), ..Default::default() };
            spec.set_acceptance_status(status);
            object(kind::INFRA_MACHINE_CONFIG, "m", &spec)
        };
        use AcceptanceStatus::{Accepted, Pending, Rejected};
        let back = "an accepted machine cannot be rejected or set back to pending acceptance";
        let view = Fixture::default();
        for (old, new, expected) in [
            (Pending, Accepted, vec![]),
            (Pending, Rejected, vec![]),
            (Rejected, Pending, vec![]),
            (Accepted, Accepted, vec![]),
            (Accepted, Rejected, vec![back]),
            (Accepted, Pending, vec![back]),
        ] {
            assert_eq!(machine_config(&view, Change::Update(&config(old, ""), &config(new, ""))), expected);
        }
        let server = SysVersionSpec { backend_version: "v1.5.11".into(), ..Default::default() };
        let old_server = Fixture::default().with(object(kind::SYS_VERSION, "current", &server));
        let pending = "an accepted or rejected machine cannot be set to back to pending acceptance";
        for (old, new, expected) in [
            (Pending, Accepted, vec![]),
            (Rejected, Accepted, vec![]),
            (Rejected, Pending, vec![pending]),
            (Accepted, Rejected, vec!["an accepted machine cannot be rejected"]),
            (Accepted, Pending, vec![pending]),
        ] {
            assert_eq!(machine_config(&old_server, Change::Update(&config(old, ""), &config(new, ""))), expected);
        }
        assert_eq!(
            machine_config(&view, Change::Update(&config(Accepted, ""), &config(Pending, "a\n"))),
            [back],
            "the first problem is the only one"
        );
        let long = "x".repeat(129);
        for (reboot, expected) in [
            ("a", vec![]),
            (long.as_str(), vec!["requested reboot ID is too long: 129 bytes (max 128)"]),
            ("a\n", vec!["requested reboot ID contains a control character"]),
        ] {
            assert_eq!(machine_config(&view, Change::Create(&config(Pending, reboot))), expected);
        }
        let linked = Fixture::default().with(object(kind::LINK, "m", &SiderolinkSpec::default()));
        assert_eq!(
            machine_config(&linked, Change::Destroy(&config(Accepted, ""))),
            ["cannot delete the config for an already accepted machine config while it is linked to a machine"]
        );
        assert_eq!(machine_config(&linked, Change::Destroy(&config(Pending, ""))), [""; 0]);
        assert_eq!(machine_config(&view, Change::Destroy(&config(Accepted, ""))), [""; 0]);
    }
}
