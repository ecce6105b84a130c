//! Rules for machine classes: either labels or a provider, and a class in use cannot be destroyed.

use super::selector::Selector;
use super::{Change, machine, machine_set, provision};
use crate::names::{kind, label};
use crate::object::{Object, Reader};
use omni_proto::specs::{MachineClassSpec, MachineSetSpec};

/// The problems with a change of a machine class.
pub(super) fn problems(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    match change {
        Change::Create(new) => write(view, None, new),
        Change::Update(old, new) => write(view, Some(&old.spec()), new),
        Change::Destroy(old) => in_use(view, old),
    }
    .into_iter()
    .collect()
}

/// Whether the server fails over this change instead of judging it: it compares with a provider that was not there.
pub(super) fn crashes(change: Change<'_>) -> bool {
    let Change::Update(old, new) = change else { return false };
    let (before, after): (MachineClassSpec, MachineClassSpec) = (old.spec(), new.spec());
    let provider = after.auto_provision.filter(|_| after.match_labels.is_empty());
    before.auto_provision.is_none() && provider.is_some_and(|provider| !provider.provider_id.is_empty())
}

/// The first problem with a write.
fn write(view: &dyn Reader, old: Option<&MachineClassSpec>, new: &Object) -> Option<String> {
    let spec: MachineClassSpec = new.spec();
    let Some(wanted) = &spec.auto_provision else { return selectors(&spec.match_labels) };
    if !spec.match_labels.is_empty() {
        return Some("can't set both auto provision and match labels at the same time".into());
    }
    if wanted.provider_id.is_empty() {
        return Some("providerID can not be empty".into());
    }
    // Whoever changes nothing about the data is not asked for the provider.
    let before = old.and_then(|old| old.auto_provision.as_ref());
    let changed = before.is_none_or(|before| before.provider_data != wanted.provider_data);
    let provided = changed.then(|| provision::provided(view, &wanted.provider_id, &wanted.provider_data)).flatten();
    provided.or_else(|| machine::arguments(view, "auto provision kernel args", &wanted.kernel_args))
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

fn in_use(view: &dyn Reader, old: &Object) -> Option<String> {
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
    use omni_proto::specs::InfraProviderStatusSpec;
    use omni_proto::specs::machine_class_spec::Provision;
    use omni_proto::specs::machine_set_spec::MachineAllocation;

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
            (&[], Some("fixed"), vec!["cannot use static provider in the auto-provisioned machine class".into()]),
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
    fn data_for_a_provider_follows_its_schema() {
        let schema = r#"{"type": "object", "required": ["cores"]}"#;
        let status = InfraProviderStatusSpec { schema: schema.into(), ..Default::default() };
        let view = Fixture::default().with(object(kind::INFRA_PROVIDER_STATUS, "strict", &status));
        let class = |data: &str, kernel_args: &[&str]| {
            let provision = Provision {
                provider_id: "strict".into(),
                provider_data: data.into(),
                kernel_args: kernel_args.iter().map(|a| (*a).to_owned()).collect(),
                ..Default::default()
            };
            let spec = MachineClassSpec { auto_provision: Some(provision), ..Default::default() };
            object(kind::MACHINE_CLASS, "probe", &spec)
        };
        let schema = "- config value \".cores\": is required";
        let control = "auto provision kernel args[0] contains a control character";
        for (data, args, expected) in [
            ("cores: 4", &["console=ttyS0"][..], &[][..]),
            ("memory: 4", &[], &[schema]),
            ("cores: 4", &["a\n"], &[control]),
            ("memory: 4", &["a\n"], &[schema]),
        ] {
            assert_eq!(problems(&view, Change::Create(&class(data, args))), expected);
        }
        let old = class("memory: 4", &[]);
        assert_eq!(problems(&view, Change::Update(&old, &old)), [""; 0], "data is checked when it changes");
        assert_eq!(problems(&view, Change::Update(&old, &class("memory: 4", &["a\n"]))), [control]);
        let nobody = self::class(&[], Some(""));
        assert_eq!(problems(&view, Change::Update(&nobody, &nobody)), ["providerID can not be empty"]);
    }

    #[test]
    fn a_class_by_labels_cannot_become_one_by_provider() {
        let (labels, provider) = (class(&["a"], None), class(&[], Some("known")));
        for (change, expected) in [
            (Change::Update(&labels, &provider), true),
            (Change::Update(&labels, &class(&[], Some(""))), false),
            (Change::Update(&provider, &labels), false),
            (Change::Update(&provider, &provider), false),
            (Change::Create(&provider), false),
        ] {
            assert_eq!(crashes(change), expected);
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
