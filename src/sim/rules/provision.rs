//! Rules for machines that a provider makes: the provider is there, takes requests, and understands its data.

use super::{Change, cluster_version, extensions, machine, missing};
use crate::pb::specs::{InfraProviderStatusSpec, MachineRequestSetSpec};
use crate::sim::json_schema;
use crate::sim::names::{kind, label};
use crate::sim::object::{Object, View};

/// The provider of this id, if it makes machines on request.
pub(super) fn provider(view: &dyn View, id: &str) -> Result<InfraProviderStatusSpec, String> {
    if id.is_empty() {
        return Err("providerID can not be empty".into());
    }
    let status = view.get(kind::INFRA_PROVIDER_STATUS, id).ok_or_else(|| {
        format!("failed to get provider: {}", missing(kind::INFRA_PROVIDER_STATUS, "infra-provider", id))
    })?;
    if status.label(label::STATIC_INFRA_PROVIDER).is_some() {
        return Err(format!("the provider {id:?} is static and cannot be used for automatic provisioning"));
    }
    Ok(status.spec())
}

/// The problem with the data for a provider; one that has no schema takes any.
pub(super) fn data(provider: &InfraProviderStatusSpec, data: &str) -> Option<String> {
    if provider.schema.is_empty() {
        return None;
    }
    match json_schema::check(&provider.schema, data) {
        Err(problem) => Some(problem),
        Ok(found) if found.is_empty() => None,
        Ok(found) => Some(json_schema::text(&found)),
    }
}

/// The problems with a change of a set of requests.
pub(super) fn request_set(view: &dyn View, change: Change<'_>) -> Vec<String> {
    match change {
        Change::Create(new) => requests(view, None, new),
        Change::Update(_, new) if new.tearing_down => Vec::new(),
        Change::Update(old, new) => requests(view, Some(&old.spec()), new),
        Change::Destroy(_) => Vec::new(),
    }
}

fn requests(view: &dyn View, old: Option<&MachineRequestSetSpec>, new: &Object) -> Vec<String> {
    let spec: MachineRequestSetSpec = new.spec();
    let mut found = Vec::new();
    match provider(view, &spec.provider_id) {
        Err(problem) => found.push(problem),
        Ok(provider) if old.is_none_or(|old| old.provider_data != spec.provider_data) => {
            found.extend(data(&provider, &spec.provider_data));
        }
        Ok(_) => {}
    }
    found.extend(machine::arguments(&spec.kernel_args));
    let changed = old.is_none_or(|old| old.talos_version != spec.talos_version);
    if changed {
        found.extend(cluster_version::talos(view, &spec.talos_version));
    }
    if changed || old.is_none_or(|old| old.extensions != spec.extensions) {
        found.extend(extensions::offered(view, &spec.talos_version, &spec.extensions));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, labelled, object};
    use super::*;
    use crate::pb::specs::{TalosExtensionsSpec, TalosVersionSpec};

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
            (
                "strict",
                "1.13.8",
                "memory: 4",
                &[
                    "jsonschema validation failed with 'file:///untitled-schema.json#'\n- at '/cores': property is required",
                ],
            ),
            ("", "1.13.8", "", &["providerID can not be empty"]),
            (
                "fixed",
                "1.13.8",
                "",
                &["the provider \"fixed\" is static and cannot be used for automatic provisioning"],
            ),
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
    fn data_and_versions_are_checked_when_they_change() {
        let spec =
            MachineRequestSetSpec { provider_id: "strict".into(), talos_version: "1.8.4".into(), ..Default::default() };
        let old = object(kind::MACHINE_REQUEST_SET, "r", &spec);
        let more = object(kind::MACHINE_REQUEST_SET, "r", &MachineRequestSetSpec { machine_count: 2, ..spec });
        assert_eq!(request_set(&view(), Change::Update(&old, &more)), [""; 0]);
        assert_eq!(request_set(&view(), Change::Create(&more)).len(), 2);
    }
}
