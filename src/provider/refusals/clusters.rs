//! The refusals that Omni was seen to word, for clusters and what is in them.

use super::{ID, Row, TALOS, row};

const CLUSTER: &[&str] = &["cluster"];
const SET: &[&str] = &["machine set"];
const NODE: &[&str] = &["machine set node"];
const IN_CLUSTER: &[&str] = &["machine set", "machine set node"];
const PATCH: &[&str] = &["config patch"];
const EXTENSIONS: &[&str] = &["extensions configuration"];
const MANIFEST: &[&str] = &["Kubernetes manifest"];
const HEALTH_CHECK: &[&str] = &["Kubernetes health check"];

const KUBERNETES: &str = "Set `kubernetes_version` to a version that the data source `omni_kubernetes_versions` lists for this Talos version.";
const UNLOCK: &str = "Unlock the cluster: set `locked = false` on its `omni_cluster`, which is possible in the same apply, or unlock it in Omni.";
const UNLOCK_TO_REMOVE: &str = "Unlock the cluster first: apply `locked = false` on its `omni_cluster` alone, with `-target`, or unlock it in Omni; then apply again.";
const REFER_TO_CLUSTER: &str = "Set `cluster` to the `id` of an `omni_cluster`, so that the cluster is created first, or check the name of one that exists.";
const REFER_TO_SET: &str = "Set `machine_set` to the `id` of an `omni_machine_set`, so that the set is created first, or check the ID of one that exists.";
const WAIT_FOR_CLUSTER: &str = "Wait until the removal of the cluster has ended, then apply again.";
const WAIT_FOR_SET: &str = "Wait until the removal of the machine set has ended, then apply again.";
const MODE: &str = "Remove the machines of the set in a separate apply: remove their `omni_machine_set_node`, or set `size = 0`. Then switch.";
const PATCH_FORM: &str = "Write the patch as a Talos machine configuration in YAML; the function `provider::omni::config_patch_validate` checks it without Omni.";
const MANIFEST_FORM: &str = "Give each document `apiVersion`, `kind` and `metadata.name`, as Kubernetes requires.";
const EXTENSION: &str = "Set `extensions` to names that the data source `omni_talos_extensions` lists for the Talos version of the cluster.";

pub(super) const ROWS: &[Row] = &[
    row(
        CLUSTER,
        "name should only contain letters, digits, dashes and underscores",
        ID,
        "Choose a name of letters, digits, dashes and underscores.",
    ),
    row(CLUSTER, "name is required", ID, "Set it to a non-empty value."),
    row(CLUSTER, "error validating Kubernetes version: *", "kubernetes_version", KUBERNETES),
    row(CLUSTER, "error validating Talos version: *", "talos_version", TALOS),
    row(CLUSTER, r#"invalid talos version "*": *"#, "talos_version", TALOS),
    row(
        CLUSTER,
        r#"invalid kubernetes version "*": is not compatible with talos version "*""#,
        "kubernetes_version",
        KUBERNETES,
    ),
    row(CLUSTER, r#"talos version "*" is no longer supported"#, "talos_version", TALOS),
    row(
        CLUSTER,
        r#"talos version "*" is not supported by this Omni release"#,
        "talos_version",
        "Set `talos_version` to a version that the data source `omni_talos_versions` lists as supported, or upgrade Omni.",
    ),
    row(
        CLUSTER,
        "disk encryption is supported only for Talos version >= 1.5.0",
        "features.disk_encryption",
        "Set `talos_version` to 1.5.0 or later, or remove `disk_encryption`.",
    ),
    row(
        CLUSTER,
        "updating disk encryption settings is not allowed",
        "features.disk_encryption",
        "Set `disk_encryption` back, or replace the cluster with `terraform apply -replace`, which wipes its machines: Omni encrypts disks only when a cluster is created.",
    ),
    row(
        CLUSTER,
        "backup interval must be greater than *, actual *",
        "backup_interval",
        "Set `backup_interval` to at least {1}, the minimum of this instance, or remove it to disable backups.",
    ),
    row(
        CLUSTER,
        "backup interval must be less than *, actual *",
        "backup_interval",
        "Set `backup_interval` to at most {1}, the maximum of this instance.",
    ),
    row(
        CLUSTER,
        "embedded discovery service is not enabled",
        "features.use_embedded_discovery_service",
        "Remove `use_embedded_discovery_service`, or ask the operator of this Omni instance to enable its embedded discovery service.",
    ),
    row(
        CLUSTER,
        "the public discovery service can only be configured for clusters created with Talos 1.14 or newer",
        "features.disable_public_discovery_service",
        "Remove `disable_public_discovery_service`, or replace the cluster with one that is created with Talos 1.14 or later.",
    ),
    row(
        CLUSTER,
        "the public discovery service can be disabled only on clusters *",
        "features.disable_public_discovery_service",
        "Remove `disable_public_discovery_service`, or replace the cluster with one that is created with Talos 1.14 or later.",
    ),
    row(
        CLUSTER,
        "the discovery service cannot be disabled entirely: *",
        "features.disable_public_discovery_service",
        "Set `use_embedded_discovery_service = true` too, or remove `disable_public_discovery_service`.",
    ),
    row(
        CLUSTER,
        "the public discovery service can be disabled only with *",
        "features.disable_public_discovery_service",
        "Set `use_embedded_discovery_service = true` too, or remove `disable_public_discovery_service`.",
    ),
    row(
        CLUSTER,
        r#"downgrading from version "*" to "*" is not supported"#,
        "talos_version",
        "Set `talos_version` to a version of the minor release of {1}, with which the cluster was created, or later.",
    ),
    row(
        CLUSTER,
        r#"kubernetes version is not supported for upgrade to "*" from "*""#,
        "kubernetes_version",
        "Set `kubernetes_version` to a version of the same minor release as {2}, or of the next one, and continue with further applies.",
    ),
    row(CLUSTER, "error parsing to version: *", "kubernetes_version", KUBERNETES),
    row(CLUSTER, "Invalid character(s) found in *", "talos_version", TALOS),
    row(CLUSTER, "strconv.ParseUint: *", "talos_version", TALOS),
    row(CLUSTER, "failed to parse Talos version contract: *", "talos_version", TALOS),
    row(
        CLUSTER,
        r#"updating cluster configuration is not allowed: the cluster "*" is locked"#,
        "locked",
        "Set `locked = false`, which is possible in the same apply, or unlock the cluster in Omni.",
    ),
    row(
        CLUSTER,
        r#"deletion is not allowed: the cluster "*" is locked"#,
        "locked",
        "Apply `locked = false`, or `delete_options = { force_unlock = true }`, and then destroy; or unlock the cluster in Omni.",
    ),
    row(
        CLUSTER,
        "unsupported upgrade path: *",
        "kubernetes_version",
        "Set `kubernetes_version` to a version of the same minor release, or of the next one, and continue with further applies.",
    ),
    row(CLUSTER, "invalid upgrade path: *", "kubernetes_version", KUBERNETES),
    row(SET, r#"the cluster "*" does not exist"#, "cluster", REFER_TO_CLUSTER),
    row(SET, r#"the cluster "*" is tearing down"#, "cluster", WAIT_FOR_CLUSTER),
    row(SET, "machine set must have either *", "role", "Set `role` to `controlplane` or `workers`."),
    row(
        SET,
        r#"control plane machine set must have ID "*""#,
        "role",
        r#"A cluster has one control plane machine set, with the ID `{1}`: import that one, or set `role = "workers"`."#,
    ),
    row(
        SET,
        r#"machine set of cluster "*" ID must have "*" as prefix"#,
        "cluster",
        "Set `cluster` to the name of the cluster that the ID of the set begins with.",
    ),
    row(
        SET,
        r#"worker machine set must not have ID "*""#,
        ID,
        "Choose another name: `control-planes` is the name of the control plane machine set.",
    ),
    row(SET, r#"adding machine set "*" to the cluster "*" is not allowed: the cluster is locked"#, "cluster", UNLOCK),
    row(SET, r#"updating machine set "*" on the cluster "*" is not allowed: the cluster is locked"#, "cluster", UNLOCK),
    row(
        SET,
        r#"removing machine set "*" from the cluster "*" is not allowed: the cluster is locked"#,
        "cluster",
        UNLOCK_TO_REMOVE,
    ),
    row(
        SET,
        "adding control plane machine set to an already bootstrapped cluster is not allowed",
        "role",
        "Import the control plane machine set if Omni still has it; otherwise the cluster has to be destroyed and created again.",
    ),
    row(
        SET,
        "machine count can be set only if static allocation type is used",
        "machine_class.size",
        r#"Remove `size`, or set `allocation_type = "Static"`."#,
    ),
    row(
        SET,
        "machine allocation source name is not set",
        "machine_class.name",
        "Set `machine_class.name` to the name of a machine class.",
    ),
    row(
        SET,
        r#"machine class with name "*" doesn't exist"#,
        "machine_class.name",
        "Check the name, or create machine class `{1}` in Omni before the machine set.",
    ),
    row(
        SET,
        r#"machine class "*" is using autoprovision, so unlimited machine set allocation is not supported"#,
        "machine_class.allocation_type",
        r#"Set `allocation_type = "Static"` and a `size`: class `{1}` provisions machines, and there is no limit to how many."#,
    ),
    row(
        SET,
        "bootstrap spec is not allowed for worker machine sets",
        "bootstrap_spec",
        "Remove `bootstrap_spec`, or move it to the control plane machine set.",
    ),
    row(
        SET,
        "bootstrap spec can only be removed *",
        "bootstrap_spec",
        "Keep the previous `bootstrap_spec` until the cluster runs.",
    ),
    row(
        SET,
        "bootstrap spec is immutable *",
        "bootstrap_spec",
        "Restore the previous `bootstrap_spec`, or remove it once the cluster runs.",
    ),
    row(
        SET,
        r#"invalid cluster UUID "*""#,
        "bootstrap_spec.cluster_uuid",
        "Set `cluster_uuid` to the `uuid` of a cluster whose backups this Omni has.",
    ),
    row(
        SET,
        r#"inconsistent state on cluster UUID "*""#,
        "bootstrap_spec.cluster_uuid",
        "Set `cluster_uuid` to the `uuid` of another cluster: more than one claims this one.",
    ),
    row(
        SET,
        "*snapshot*",
        "bootstrap_spec.snapshot",
        "Set `snapshot` to the name of a backup as Omni lists it: a relative path of at most 4096 bytes.",
    ),
    row(
        SET,
        "error getting backup data: *",
        "bootstrap_spec",
        "Check that the cluster of `cluster_uuid` still has backups, and that Omni can reach their store.",
    ),
    row(
        SET,
        "failed to get backup: *",
        "bootstrap_spec.snapshot",
        "Set `snapshot` to the name of a backup that Omni lists for the cluster.",
    ),
    row(
        SET,
        "aes cbc encryption secret mismatch",
        "bootstrap_spec.snapshot",
        "Choose a snapshot of the cluster with this `cluster_uuid`.",
    ),
    row(
        SET,
        "secretbox encryption secret mismatch",
        "bootstrap_spec.snapshot",
        "Choose a snapshot of the cluster with this `cluster_uuid`.",
    ),
    row(SET, "machine set is not empty and is using *", "machine_class", MODE),
    row(
        NODE,
        r#"adding machine set node to the machine set "*" is not allowed: the machine set does not exist"#,
        "machine_set",
        REFER_TO_SET,
    ),
    row(
        NODE,
        r#"adding machine set node to the machine set "*" is not allowed: the machine set is tearing down"#,
        "machine_set",
        WAIT_FOR_SET,
    ),
    row(
        NODE,
        r#"adding machine set node to the machine set "*" is not allowed: the machine set is using automated machine allocation"#,
        "machine_set",
        "Remove `machine_class` from machine set `{1}`, or increase its `size` instead of adding nodes.",
    ),
    row(
        NODE,
        r#"adding machine set node to the machine set "*" is not allowed: the cluster "*" does not exist"#,
        "cluster",
        REFER_TO_CLUSTER,
    ),
    row(
        NODE,
        r#"adding machine set node to the machine set "*" is not allowed: the cluster "*" is tearing down"#,
        "cluster",
        WAIT_FOR_CLUSTER,
    ),
    row(
        NODE,
        r#"adding machine set node to the machine set "*" is not allowed: the cluster "*" is locked"#,
        "cluster",
        UNLOCK,
    ),
    row(
        NODE,
        r#"updating machine set node on the machine set "*" is not allowed: the machine set does not exist"#,
        "machine_set",
        REFER_TO_SET,
    ),
    row(
        NODE,
        r#"updating machine set node on the machine set "*" is not allowed: the machine set is tearing down"#,
        "machine_set",
        WAIT_FOR_SET,
    ),
    row(
        NODE,
        r#"updating machine set node on the machine set "*" is not allowed: the cluster "*" does not exist"#,
        "cluster",
        REFER_TO_CLUSTER,
    ),
    row(
        NODE,
        r#"updating machine set node on the machine set "*" is not allowed: the cluster "*" is tearing down"#,
        "cluster",
        WAIT_FOR_CLUSTER,
    ),
    row(
        NODE,
        r#"updating machine set node on the machine set "*" is not allowed: the cluster "*" is locked"#,
        "cluster",
        UNLOCK,
    ),
    row(
        NODE,
        r#"removing machine set node from the machine set "*" is not allowed: the machine set does not exist"#,
        "machine_set",
        REFER_TO_SET,
    ),
    row(
        NODE,
        r#"removing machine set node from the machine set "*" is not allowed: the machine set is tearing down"#,
        "machine_set",
        WAIT_FOR_SET,
    ),
    row(
        NODE,
        r#"removing machine set node from the machine set "*" is not allowed: the cluster "*" does not exist"#,
        "cluster",
        REFER_TO_CLUSTER,
    ),
    row(
        NODE,
        r#"removing machine set node from the machine set "*" is not allowed: the cluster "*" is tearing down"#,
        "cluster",
        WAIT_FOR_CLUSTER,
    ),
    row(
        NODE,
        r#"removing machine set node from the machine set "*" is not allowed: the cluster "*" is locked"#,
        "cluster",
        UNLOCK_TO_REMOVE,
    ),
    row(
        NODE,
        r#"removing machine set node from the machine set "*" is not allowed: machine set node is locked"#,
        "locked",
        "Apply `locked = false` first, then remove the machine.",
    ),
    row(NODE, "locking controlplanes is not allowed", "locked", "Remove `locked`: Omni locks workers only."),
    row(
        NODE,
        "the machine has a newer Talos version installed: *",
        "machine_id",
        "Set `talos_version` of the cluster to the minor release of the machine or later, install an older Talos on the machine, or choose another machine.",
    ),
    row(
        NODE,
        "the machine running from ISO or PXE must have *",
        "machine_id",
        "Boot the machine from an image of the cluster's Talos version, set `talos_version` of the cluster to the minor release of the machine, or choose another machine.",
    ),
    row(
        NODE,
        "the machine has no Talos version label",
        "machine_id",
        "Wait until the machine has reported its Talos version to Omni, then apply again.",
    ),
    row(
        NODE,
        "the machine's Talos version could not be determined",
        "machine_id",
        "Wait until the machine has reported its Talos version to Omni, then apply again.",
    ),
    row(NODE, "missing machine set label", "machine_set", REFER_TO_SET),
    row(NODE, r#"label "omni.sidero.dev/machine-set" *"#, "machine_set", REFER_TO_SET),
    row(
        NODE,
        r#"changing value of label "omni.sidero.dev/machine-set" *"#,
        "machine_set",
        "Plan again: a machine moves to another set by replacement.",
    ),
    row(
        NODE,
        r#"cannot create/update a NodeForceDestroyRequest for node "*", as there is no matching cluster machine"#,
        "force_destroy_on_timeout",
        "Plan again: the machine has left its cluster meanwhile.",
    ),
    row(IN_CLUSTER, r#"label "omni.sidero.dev/cluster" *"#, "cluster", REFER_TO_CLUSTER),
    row(
        IN_CLUSTER,
        r#"changing value of label "omni.sidero.dev/cluster" *"#,
        "cluster",
        "Plan again: the object moves to another cluster by replacement.",
    ),
    row(PATCH, r#"cluster "*" is tearing down"#, "cluster", WAIT_FOR_CLUSTER),
    row(PATCH, r#"machine set "*" is tearing down"#, "selector.machine_set", WAIT_FOR_SET),
    row(
        PATCH,
        "config not found",
        "data",
        "Set at least one field: Omni refuses an empty patch, and a document without `kind` and `apiVersion` where Talos requires them. To disable a patch, set `enabled = false`.",
    ),
    row(
        PATCH,
        r#"overriding "*" is not allowed in the config patch"#,
        "data",
        "Remove `{1}` from the patch: Omni controls it.",
    ),
    row(
        PATCH,
        r#"the "*" document is not allowed in the config patch"#,
        "data",
        "Remove the `{1}` document from the patch: Omni controls it.",
    ),
    row(PATCH, r#"element "*" is not allowed in field "*""#, "data", "Remove `{1}` from `{2}`."),
    row(PATCH, "duplicate document *", "data", "Write each document once, or use two patches."),
    row(PATCH, "expected a YAML document *", "data", PATCH_FORM),
    row(PATCH, "decode error: *", "data", PATCH_FORM),
    row(
        PATCH,
        "error decoding document *: unknown keys found during decoding:*",
        "data",
        "Remove keys that Talos does not know, or correct their spelling and position.",
    ),
    row(PATCH, "error decoding document *", "data", PATCH_FORM),
    row(PATCH, "invalid input: magic number mismatch", "data", PATCH_FORM),
    row(PATCH, "unexpected EOF", "data", PATCH_FORM),
    row(
        EXTENSIONS,
        "extensions configuration with a non-empty extensions list must target a cluster via the cluster label",
        "cluster",
        REFER_TO_CLUSTER,
    ),
    row(EXTENSIONS, r#"cluster "*" does not exist"#, "cluster", REFER_TO_CLUSTER),
    row(
        EXTENSIONS,
        r#"no Talos extensions catalog for version "*""#,
        "extensions",
        "Wait until Omni has loaded the catalogue of Talos {1}, or check that the instance offers this version.",
    ),
    row(
        EXTENSIONS,
        "extensions list has * entries, exceeds maximum of *",
        "extensions",
        "Remove extensions until {2} are left.",
    ),
    row(EXTENSIONS, r#"extension "*" (entry *) is not available *"#, "extensions", EXTENSION),
    row(EXTENSIONS, r#"extension "*" (entry *) is listed more than once"#, "extensions", "Remove the second `{1}`."),
    row(MANIFEST, "the manifest should have mode field set", "mode", "Set `mode` to `full` or `one-time`."),
    row(MANIFEST, "the resource must have * label set", "cluster", REFER_TO_CLUSTER),
    row(
        MANIFEST,
        "system manifests can't be created by the user",
        "labels",
        "Remove the label of system manifests, here and in the provider block.",
    ),
    row(
        MANIFEST,
        "error converting manifest to JSON: *",
        "data",
        "Write the objects in YAML, as documents separated by `---`.",
    ),
    row(MANIFEST, "error loading JSON manifest into unstructured: *", "data", MANIFEST_FORM),
    row(
        HEALTH_CHECK,
        "healthcheck job manifest must be set",
        "job",
        "Set `job` to a Kubernetes `Job` of `batch/v1`, in YAML.",
    ),
    row(
        HEALTH_CHECK,
        r#"healthcheck ID "*" cannot be used *"#,
        "name",
        "Choose a shorter name of lower-case letters, digits, dashes and dots.",
    ),
    row(
        HEALTH_CHECK,
        "healthcheck job manifest is invalid: *",
        "job",
        "Write a Kubernetes `Job` of `batch/v1`, in YAML.",
    ),
    row(
        HEALTH_CHECK,
        "healthcheck interval must be at least *",
        "interval",
        "Set `interval` to {1} or more, or remove it.",
    ),
];
