//! Rules for machines of infrastructure providers: the provider exists, accepts requests, and its data is valid.

use super::{Change, cluster_version, extensions, machine, missing, tolerant};
use crate::json_schema;
use crate::names::{kind, label};
use crate::object::{Object, Reader};
use omni_proto::specs::{InfraProviderStatusSpec, MachineRequestSetSpec, MachineRequestSpec};

/// The problem with what a provider is asked for: the provider, or the data for it.
pub(super) fn provided(view: &dyn Reader, id: &str, text: &str) -> Option<String> {
    match provider(view, id) {
        Err(problem) => Some(problem),
        Ok(provider) => data(id, &provider, text),
    }
}

/// The provider of this id, if it makes machines on request.
fn provider(view: &dyn Reader, id: &str) -> Result<InfraProviderStatusSpec, String> {
    let status = view.get(kind::INFRA_PROVIDER_STATUS, id).ok_or_else(|| {
        format!("failed to get provider: {}", missing(kind::INFRA_PROVIDER_STATUS, "infra-provider", id))
    })?;
    if status.label(label::STATIC_INFRA_PROVIDER).is_some() {
        return Err("cannot use static provider in the auto-provisioned machine class".into());
    }
    Ok(status.spec())
}

/// The problem with the data for a provider; one that has no schema takes any.
fn data(id: &str, provider: &InfraProviderStatusSpec, data: &str) -> Option<String> {
    if provider.schema.is_empty() {
        return None;
    }
    // No data are data without anything in them.
    let data = if data.trim().is_empty() { "{}" } else { data };
    match json_schema::check(&provider.schema, data) {
        Err(problem) if json_schema::is_broken(&provider.schema) => {
            Some(format!("failed to load json schema for provider {id:?}: {problem}"))
        }
        Err(problem) => Some(problem),
        Ok(found) if found.is_empty() => None,
        Ok(found) => Some(json_schema::text(&found)),
    }
}

/// The problems with a change of a set of requests.
pub(super) fn request_set(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    match change {
        Change::Create(new) => requests(view, None, new),
        Change::Update(old, new) => requests(view, Some(&old.spec()), new),
        Change::Destroy(_) => None,
    }
    .into_iter()
    .collect()
}

/// The problems with a change of a request for one machine.
pub(super) fn request(change: Change<'_>) -> Vec<String> {
    let problem = match change {
        Change::Create(new) => {
            let version = new.spec::<MachineRequestSpec>().talos_version;
            tolerant::parse(&version).err().map(|_| format!("invalid talos version format: {version:?}"))
        }
        Change::Update(old, new) => (old.spec::<MachineRequestSpec>() != new.spec::<MachineRequestSpec>())
            .then(|| "machine request spec is immutable".to_owned()),
        Change::Destroy(_) => None,
    };
    problem.into_iter().collect()
}

/// Every change of a set is checked again, except by its provider: that is asked only when the data changed.
/// The first problem is the only one that is told.
fn requests(view: &dyn Reader, old: Option<&MachineRequestSetSpec>, new: &Object) -> Option<String> {
    let spec: MachineRequestSetSpec = new.spec();
    if spec.provider_id.is_empty() {
        return Some("provider id can not be empty".into());
    }
    let changed = old.is_none_or(|old| old.provider_data != spec.provider_data);
    changed
        .then(|| provided(view, &spec.provider_id, &spec.provider_data))
        .flatten()
        .or_else(|| machine::arguments(view, "kernel args", &spec.kernel_args))
        .or_else(|| cluster_version::talos(view, &spec.talos_version))
        .or_else(|| extensions::offered(view, &spec.talos_version, &spec.extensions))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, labelled, object};
    use super::*;
    use omni_proto::specs::{TalosExtensionsSpec, TalosVersionSpec};

    const NEEDS_CORES: &str = r#"{"type": "object", "required": ["cores"]}"#;

    fn view() -> Fixture {
        let status = |schema: &str| InfraProviderStatusSpec { schema: schema.into(), ..Default::default() };
        let version = |deprecated, unsupported| TalosVersionSpec { deprecated, unsupported, ..Default::default() };
        let fixed = object(kind::INFRA_PROVIDER_STATUS, "fixed", &status(""));
        Fixture::default()
            .with(object(kind::INFRA_PROVIDER_STATUS, "free", &status("")))
            .with(object(kind::INFRA_PROVIDER_STATUS, "strict", &status(NEEDS_CORES)))
            .with(labelled(fixed, &[(label::STATIC_INFRA_PROVIDER, "")]))
            .with(object(kind::TALOS_VERSION, "1.13.8", &version(false, false)))
            .with(object(kind::TALOS_VERSION, "1.8.4", &version(true, false)))
            .with(object(kind::TALOS_VERSION, "1.14.0", &version(false, true)))
            .with(object(kind::TALOS_EXTENSIONS, "1.13.8", &TalosExtensionsSpec::default()))
    }

    #[test]
    fn sets_of_requests() {
        for (provider, talos, data, expected) in [
            ("free", "1.13.8", "anything", &[][..]),
            ("strict", "1.13.8", "cores: 4", &[]),
            ("strict", "1.13.8", "memory: 4", &["- config value \".cores\": is required"]),
            ("", "1.13.8", "", &["provider id can not be empty"]),
            ("fixed", "1.13.8", "", &["cannot use static provider in the auto-provisioned machine class"]),
            (
                "free",
                "1.2.3",
                "",
                &["invalid talos version \"1.2.3\": failed to get: resource \
                   TalosVersions.omni.sidero.dev(default/1.2.3@undefined) doesn't exist"],
            ),
            ("free", "1.8.4", "", &["talos version \"1.8.4\" is no longer supported"]),
            ("free", "1.14.0", "", &["talos version \"1.14.0\" is not supported by this Omni release"]),
        ] {
            let spec = MachineRequestSetSpec {
                provider_id: provider.into(),
                talos_version: talos.into(),
                provider_data: data.into(),
                ..Default::default()
            };
            let new = object(kind::MACHINE_REQUEST_SET, "r", &spec);
            assert_eq!(request_set(&view(), Change::Create(&new)), expected, "{provider} {talos} {data}");
        }
    }

    #[test]
    fn data_are_checked_when_they_change_and_versions_always() {
        let spec =
            MachineRequestSetSpec { provider_id: "strict".into(), talos_version: "1.8.4".into(), ..Default::default() };
        let old = object(kind::MACHINE_REQUEST_SET, "r", &spec);
        let more = object(kind::MACHINE_REQUEST_SET, "r", &MachineRequestSetSpec { machine_count: 2, ..spec });
        let late = ["talos version \"1.8.4\" is no longer supported"];
        assert_eq!(request_set(&view(), Change::Update(&old, &more)), late);
        // Without the cores that the provider needs, nobody asks for the version.
        assert_eq!(request_set(&view(), Change::Create(&more)), ["- config value \".cores\": is required"]);
        let nobody = MachineRequestSetSpec { provider_id: String::new(), ..more.spec() };
        let nobody = object(kind::MACHINE_REQUEST_SET, "r", &nobody);
        assert_eq!(request_set(&view(), Change::Update(&nobody, &nobody)), ["provider id can not be empty"]);
    }

    #[test]
    fn a_request_is_for_a_version_and_stays_as_it_is() {
        let asked = |version: &str, schema: &str| {
            let spec = MachineRequestSpec {
                talos_version: version.into(),
                provider_data: schema.into(),
                ..Default::default()
            };
            object(kind::MACHINE_REQUEST, "r", &spec)
        };
        for (version, expected) in [
            ("1.13.8", None),
            ("v1.13", None),
            ("abc", Some("invalid talos version format: \"abc\"")),
            ("", Some("invalid talos version format: \"\"")),
        ] {
            assert_eq!(request(Change::Create(&asked(version, ""))), Vec::from_iter(expected), "{version}");
        }
        let (old, other) = (asked("1.13.8", ""), asked("1.13.8", "cores: 4"));
        let more = labelled(old.clone(), &[("a", "b")]);
        assert_eq!(request(Change::Update(&old, &other)), ["machine request spec is immutable"]);
        assert_eq!(request(Change::Update(&old, &more)), [""; 0]);
        assert_eq!(request(Change::Destroy(&old)), [""; 0]);
    }
}
