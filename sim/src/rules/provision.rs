//! Rules for machines that a provider makes: the provider is there, takes requests, and understands its data.

use super::{Change, cluster_version, extensions, machine, missing};
use crate::json_schema;
use crate::names::{kind, label};
use crate::object::{Object, Reader};
use omni_proto::specs::{InfraProviderStatusSpec, MachineRequestSetSpec};

/// The provider of this id, if it makes machines on request.
pub(super) fn provider(view: &dyn Reader, id: &str) -> Result<InfraProviderStatusSpec, String> {
    let status = view.get(kind::INFRA_PROVIDER_STATUS, id).ok_or_else(|| {
        format!("failed to get provider: {}", missing(kind::INFRA_PROVIDER_STATUS, "infra-provider", id))
    })?;
    if status.label(label::STATIC_INFRA_PROVIDER).is_some() {
        return Err("cannot use static provider in the auto-provisioned machine class".into());
    }
    Ok(status.spec())
}

/// The problem with the data for a provider; one that has no schema takes any.
pub(super) fn data(id: &str, provider: &InfraProviderStatusSpec, data: &str) -> Option<String> {
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
        Change::Destroy(_) => Vec::new(),
    }
}

/// A set is judged anew with every change, but for its provider: that is asked only about other data.
fn requests(view: &dyn Reader, old: Option<&MachineRequestSetSpec>, new: &Object) -> Vec<String> {
    let spec: MachineRequestSetSpec = new.spec();
    let mut found = Vec::new();
    if old.is_none_or(|old| old.provider_data != spec.provider_data) {
        found.extend(provided(view, &spec));
    }
    found.extend(machine::arguments(view, "kernel args", &spec.kernel_args));
    found.extend(cluster_version::talos(view, &spec.talos_version));
    found.extend(extensions::offered(view, &spec.talos_version, &spec.extensions));
    found
}

fn provided(view: &dyn Reader, spec: &MachineRequestSetSpec) -> Option<String> {
    if spec.provider_id.is_empty() {
        return Some("provider id can not be empty".into());
    }
    match provider(view, &spec.provider_id) {
        Err(problem) => Some(problem),
        Ok(provider) => data(&spec.provider_id, &provider, &spec.provider_data),
    }
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
        assert_eq!(request_set(&view(), Change::Create(&more)).len(), 2);
    }
}
