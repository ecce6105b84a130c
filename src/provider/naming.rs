//! How IDs are built, for resources and functions.

use kit::text::quoted;

/// The role of the set of control planes.
pub(crate) const CONTROL_PLANE: &str = "controlplane";
/// The role of sets of workers, and the name of the usual one.
pub(crate) const WORKERS: &str = "workers";
/// The name of every set of control planes.
pub(crate) const CONTROL_PLANES_NAME: &str = "control-planes";

/// The id of a machine set; `name` counts for workers only.
pub(crate) fn machine_set(cluster: &str, role: &str, name: Option<&str>) -> String {
    let name = if role == CONTROL_PLANE { CONTROL_PLANES_NAME } else { name.unwrap_or(WORKERS) };
    format!("{cluster}-{name}")
}

/// The id of the machine set that `text` names within a cluster: by its id, or by its short name such as `workers`.
pub(crate) fn set_in(cluster: &str, text: &str) -> String {
    let is_id = text.strip_prefix(cluster).and_then(|rest| rest.strip_prefix('-')).is_some_and(|name| !name.is_empty());
    if is_id { text.to_owned() } else { format!("{cluster}-{text}") }
}

/// Why a text is no id of a machine set, as a sentence; `None` where it can be one.
pub(crate) fn no_set_id(text: &str) -> Option<String> {
    let short = !text.contains('-') || text == CONTROL_PLANES_NAME;
    short.then(|| {
        format!(
            "{} can only be the name of a set: IDs begin with the name of the cluster, as in `prod-{WORKERS}`.",
            quoted(text)
        )
    })
}

/// Whether an id is that of the set of control planes of a cluster.
pub(crate) fn is_control_planes(cluster: &str, id: &str) -> bool {
    id.strip_prefix(cluster).and_then(|rest| rest.strip_prefix('-')) == Some(CONTROL_PLANES_NAME)
}

/// The id of a config patch.
pub(crate) fn config_patch(weight: i64, target: &str, name: &str) -> String {
    format!("{weight:03}-{target}-{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_named_by_its_id_or_by_its_short_name() {
        for (cluster, text, expected) in [
            ("prod", "workers", "prod-workers"),
            ("prod", "prod-workers", "prod-workers"),
            ("prod", "prod", "prod-prod"),
            ("prod", "prod-", "prod-prod-"),
            ("prod", "production-a", "prod-production-a"),
            ("prod", "control-planes", "prod-control-planes"),
        ] {
            assert_eq!(set_in(cluster, text), expected, "{cluster} {text}");
        }
        assert!(
            is_control_planes("prod", "prod-control-planes") && !is_control_planes("prod", "prod-2-control-planes")
        );
    }
}
