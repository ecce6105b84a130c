//! Rules for machine classes: labels or a provider, never both, and no class in use goes away.

use super::selector::Selector;
use super::{Change, machine_set, missing};
use crate::pb::specs::{MachineClassSpec, MachineSetSpec};
use crate::sim::names::{kind, label};
use crate::sim::object::{Object, View};

/// The problems with a change of a machine class.
pub(super) fn problems(view: &dyn View, change: Change<'_>) -> Vec<String> {
    let problem = match change {
        Change::Create(new) | Change::Update(_, new) => write(view, new),
        Change::Destroy(old) => in_use(view, old),
    };
    problem.into_iter().collect()
}

fn write(view: &dyn View, new: &Object) -> Option<String> {
    let spec: MachineClassSpec = new.spec();
    let Some(provision) = &spec.auto_provision else { return selectors(&spec.match_labels) };
    if !spec.match_labels.is_empty() {
        return Some("can't set both auto provision and match labels at the same time".into());
    }
    if provision.provider_id.is_empty() {
        return Some("providerID can not be empty".into());
    }
    let id = &provision.provider_id;
    match view.get(kind::INFRA_PROVIDER_STATUS, id) {
        None => Some(format!("failed to get provider: {}", missing(kind::INFRA_PROVIDER_STATUS, "infra-provider", id))),
        Some(provider) if provider.label(label::STATIC_INFRA_PROVIDER).is_some() => {
            Some(format!("the provider {id:?} is static and cannot be used for automatic provisioning"))
        }
        Some(_) => None,
    }
}

fn selectors(texts: &[String]) -> Option<String> {
    if texts.is_empty() {
        return Some("machine class should either have auto provision or match labels set".into());
    }
    for text in texts {
        match Selector::parse(text) {
            Err(problem) => {
                return Some(format!(
                    "failed to parse matchLabels: rpc error: code = InvalidArgument desc = {problem}"
                ));
            }
            Ok(selector) if selector.0.iter().any(|term| term.key == label::NO_MANUAL_ALLOCATION) => {
                return Some(format!("selectors using label {} are not allowed", label::NO_MANUAL_ALLOCATION));
            }
            Ok(_) => {}
        }
    }
    None
}

fn in_use(view: &dyn View, old: &Object) -> Option<String> {
    let users: Vec<String> = view
        .list(kind::MACHINE_SET)
        .iter()
        .filter(|set| {
            let spec: MachineSetSpec = set.spec();
            machine_set::allocation(&spec).is_some_and(|a| a.name == old.key.id)
        })
        .map(|set| set.key.id.clone())
        .collect();
    (!users.is_empty()).then(|| {
        format!("can not delete the machine class as it is still in use by machine sets: {}", users.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, labelled, object};
    use super::*;
    use crate::pb::specs::machine_class_spec::Provision;
    use crate::pb::specs::machine_set_spec::MachineAllocation;

    fn class(labels: &[&str], provider: Option<&str>) -> Object {
        let spec = MachineClassSpec {
            match_labels: labels.iter().map(|l| (*l).to_owned()).collect(),
            auto_provision: provider.map(|p| Provision { provider_id: p.into(), ..Default::default() }),
        };
        object(kind::MACHINE_CLASS, "probe", &spec)
    }

    #[test]
    fn creates_that_a_server_answered() {
        let provider = || object(kind::INFRA_PROVIDER_STATUS, "known", &());
        let mut fixed = provider();
        fixed.key.id = "fixed".into();
        let view = Fixture::default().with(provider()).with(labelled(fixed, &[(label::STATIC_INFRA_PROVIDER, "")]));
        let parse = "failed to parse matchLabels: rpc error: code = InvalidArgument desc = unable to parse term: ";
        for (labels, provider, expected) in [
            (&[][..], None, vec!["machine class should either have auto provision or match labels set".to_owned()]),
            (&["a"], Some("x"), vec!["can't set both auto provision and match labels at the same time".into()]),
            (
                &[],
                Some("nope"),
                vec![
                    "failed to get provider: failed to get: resource \
                     InfraProviderStatuses.omni.sidero.dev(infra-provider/nope@undefined) doesn't exist"
                        .into(),
                ],
            ),
            (&[], Some(""), vec!["providerID can not be empty".into()]),
            (&[], Some("known"), vec![]),
            (
                &[],
                Some("fixed"),
                vec!["the provider \"fixed\" is static and cannot be used for automatic provisioning".into()],
            ),
            (&["a ==== b"], None, vec![format!("{parse}found '==', expected: identifier")]),
            (&["a b c"], None, vec![format!("{parse}found 'b', expected: ==, =, !=, >=, >, in, notin, <=, <")]),
            (&[""], None, vec![]),
            (&["mem >= 4GiB", "a in (b, c)"], None, vec![]),
            (
                &["omni.sidero.dev/no-manual-allocation"],
                None,
                vec!["selectors using label omni.sidero.dev/no-manual-allocation are not allowed".into()],
            ),
        ] {
            assert_eq!(problems(&view, Change::Create(&class(labels, provider))), expected, "{labels:?} {provider:?}");
        }
    }

    #[test]
    fn a_class_in_use_stays() {
        let spec = MachineSetSpec {
            machine_allocation: Some(MachineAllocation { name: "probe".into(), ..Default::default() }),
            ..Default::default()
        };
        let view = Fixture::default()
            .with(object(kind::MACHINE_SET, "c-a", &spec))
            .with(object(kind::MACHINE_SET, "c-b", &spec))
            .with(object(kind::MACHINE_SET, "c-c", &MachineSetSpec::default()));
        assert_eq!(
            problems(&view, Change::Destroy(&class(&["a"], None))),
            ["can not delete the machine class as it is still in use by machine sets: c-a, c-b"]
        );
        assert_eq!(problems(&Fixture::default(), Change::Destroy(&class(&["a"], None))), [""; 0]);
    }
}
