//! How ids are composed, for resources and functions alike.

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

/// The id of a config patch.
pub(crate) fn config_patch(weight: i64, target: &str, name: &str) -> String {
    format!("{weight:03}-{target}-{name}")
}
