//! The refusals that Omni was seen to word, for each type.

use super::{ID, Row};

const CLUSTER: &[&str] = &["cluster"];
const SET: &[&str] = &["machine set"];
const NODE: &[&str] = &["machine set node"];
const IN_CLUSTER: &[&str] = &["machine set", "machine set node"];
const PATCH: &[&str] = &["config patch"];
const TOKEN: &[&str] = &["join token"];
const DEFAULT_TOKEN: &[&str] = &["default join token"];
const USER: &[&str] = &["user"];
const ACCOUNT: &[&str] = &["service account"];
const PEOPLE: &[&str] = &["user", "service account"];
const PROVIDER: &[&str] = &["infrastructure provider"];
const ARGS: &[&str] = &["kernel argument list"];
const DISK: &[&str] = &["install disk configuration"];
const REQUESTS: &[&str] = &["machine request set"];
const CLASS: &[&str] = &["machine class"];
const RULE: &[&str] = &["SAML label rule"];
const INFRA_MACHINE: &[&str] = &["infrastructure machine configuration"];
const PRESET: &[&str] = &["installation media preset"];
const POLICY: &[&str] = &["access policy"];
const EXTENSIONS: &[&str] = &["extensions configuration"];
const MANIFEST: &[&str] = &["Kubernetes manifest"];
const HEALTH_CHECK: &[&str] = &["Kubernetes health check"];
const S3: &[&str] = &["S3 configuration of etcd backups"];
const IMPORTED: &[&str] = &["imported cluster"];
const ALL: &[&str] = &[];

const KUBERNETES: &str = "Set `kubernetes_version` to a version that the data source `omni_kubernetes_versions` lists for this Talos version.";
const TALOS: &str = "Set `talos_version` to a version that the data source `omni_talos_versions` lists.";
const UNLOCK: &str = "Unlock the cluster: set `locked = false` on its `omni_cluster`, which is possible in the same apply, or unlock it in Omni.";
const UNLOCK_TO_REMOVE: &str = "Unlock the cluster first: apply `locked = false` on its `omni_cluster` alone, with `-target`, or unlock it in Omni; then apply again.";
const REFER_TO_CLUSTER: &str = "Set `cluster` to the `id` of an `omni_cluster`, so that the cluster is created first, or check the name of one that exists.";
const REFER_TO_SET: &str = "Set `machine_set` to the `id` of an `omni_machine_set`, so that the set is created first, or check the ID of one that exists.";
const WAIT_FOR_CLUSTER: &str = "Wait until the removal of the cluster has ended, then apply again.";
const WAIT_FOR_SET: &str = "Wait until the removal of the machine set has ended, then apply again.";
const MODE: &str = "Remove the machines of the set in a separate apply: remove their `omni_machine_set_node`, or set `size = 0`. Then switch.";
const PATCH_FORM: &str = "Write the patch as a Talos machine configuration in YAML; the function `provider::omni::config_patch_validate` checks it without Omni.";

const MANIFEST_FORM: &str = "Give each document `apiVersion`, `kind` and `metadata.name`, as Kubernetes requires.";
const SELECTORS: &str = "Write each selector as conditions on labels, such as `region = eu, !gpu`; the function `provider::omni::label_selector_matches` tries one without Omni.";
const PROVIDER_DATA: &str =
    "Correct it; the attribute `schema` of the data source `omni_infra_provider` shows what the provider takes.";
const PROVIDER_KERNEL_ARGS: &str = "Write at most 64 arguments of at most 256 bytes each, without control characters.";
const REGISTER_PROVIDER: &str =
    "Start the provider with its service account key, so that it registers, or check the ID.";
const OTHER_PROVIDER: &str =
    "Choose a provider that creates machines: a static one manages machines that exist already.";
const EXTENSION: &str = "Set `extensions` to names that the data source `omni_talos_extensions` lists for the Talos version of the cluster.";

const fn row(nouns: &'static [&'static str], text: &'static str, attribute: &'static str, advice: &'static str) -> Row {
    Row { nouns, text, attribute, advice }
}

/// The table; the first row that fits counts, so what holds for every object comes last.
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
    row(TOKEN, "*join token name *", "name", "Set `name` to a text of 1 to 16 bytes without control characters."),
    row(
        TOKEN,
        "deleting default join token is not possible",
        "default",
        "Make another token the default first, with `default = true` on its `omni_join_token`, with an `omni_default_join_token`, or in Omni.",
    ),
    row(
        DEFAULT_TOKEN,
        "no token with id * exists",
        "token_id",
        "Set `token_id` to the `id` of an `omni_join_token`; it is an ID, not a name.",
    ),
    row(
        DEFAULT_TOKEN,
        "destroying the default join token resource is not allowed",
        "token_id",
        "Remove it from the state with a `removed` block: Omni always has a default token.",
    ),
    row(
        USER,
        "*not a valid email address: *",
        "email",
        "Write it like `name@example.org`: without SAML, Omni accepts e-mail addresses only.",
    ),
    row(USER, "*must be lowercase", "email", "Write it in lower case."),
    row(
        USER,
        "*maximum number of users (*) reached",
        "email",
        "Remove users that are no longer needed, or ask the operator of this Omni instance to raise the limit of {2}.",
    ),
    row(
        ACCOUNT,
        "*maximum number of service accounts (*) reached",
        "name",
        "Remove service accounts that are no longer needed, or ask the operator of this Omni instance to raise the limit of {2}.",
    ),
    row(
        PEOPLE,
        "*unknown role to parse: *",
        "role",
        "Choose a role that this release of Omni has: `Auditor` needs Omni 1.10 or later.",
    ),
    row(
        PROVIDER,
        "invalid infra provider name: *",
        ID,
        "Choose a name of 1 to 63 lower-case letters, digits and dashes, with no dash at either end.",
    ),
    row(
        PROVIDER,
        r#"cannot delete the infra provider "*", as there are *"#,
        ID,
        "Remove the machines of provider `{1}` from their clusters and from Omni first.",
    ),
    row(ARGS, "args*", "args", "Write at most 64 arguments of at most 256 bytes each, without control characters."),
    row(DISK, "either disk or disk selector must be set", "disk", "Set `disk` or `disk_selector`."),
    row(DISK, "disk and disk selector are mutually exclusive", "disk_selector", "Take `disk` or `disk_selector` out."),
    row(
        DISK,
        "disk selector is not a valid boolean disk expression: *",
        "disk_selector",
        "Write an expression that is true or false for a disk, such as `disk.size > 100u * GB`; sizes are unsigned, so numbers end in `u`.",
    ),
    row(
        REQUESTS,
        "provider id can not be empty",
        "provider_id",
        "Set `provider_id` to the `name` of an infrastructure provider.",
    ),
    row(REQUESTS, "failed to get provider: *", "provider_id", REGISTER_PROVIDER),
    row(REQUESTS, "cannot use static provider *", "provider_id", OTHER_PROVIDER),
    row(REQUESTS, "*config value *", "provider_data", PROVIDER_DATA),
    row(REQUESTS, "kernel args*", "kernel_args", PROVIDER_KERNEL_ARGS),
    row(REQUESTS, r#"invalid talos version "*": *"#, "talos_version", TALOS),
    row(REQUESTS, r#"talos version "*" is no longer supported"#, "talos_version", TALOS),
    row(REQUESTS, r#"talos version "*" is not supported by this Omni release"#, "talos_version", TALOS),
    row(
        REQUESTS,
        "extension *",
        "extensions",
        "Take it out, or write it once and as the Image Factory lists it for this Talos version.",
    ),
    row(
        INFRA_MACHINE,
        "an accepted machine cannot be rejected or set back to pending acceptance",
        "acceptance",
        r#"Set `acceptance = "accepted"`; to be rid of the machine, remove it from Omni."#,
    ),
    row(
        INFRA_MACHINE,
        "cannot delete the config for an already accepted machine config while it is linked to a machine",
        "acceptance",
        "Remove the machine from Omni, which removes this too, or take this out of the state with a `removed` block.",
    ),
    row(
        INFRA_MACHINE,
        "extra kernel args *",
        "extra_kernel_args",
        "Write at most 4096 bytes without control characters.",
    ),
    row(
        IMPORTED,
        "cluster import feature is not enabled",
        ID,
        "Have the operator of this Omni instance enable the import of clusters, which is on by default.",
    ),
    row(
        IMPORTED,
        "cannot create* an ImportedClusterSecrets, as there is already an existing cluster with name: *",
        ID,
        "Import the secrets before the cluster is created: destroy the cluster first, or remove this resource.",
    ),
    row(
        IMPORTED,
        "failed to * imported cluster secret: *",
        "secrets_bundle",
        "Use the output of `talosctl gen secrets`.",
    ),
    row(
        PRESET,
        "invalid installation media config: join token is required",
        "join_token",
        "Set `join_token`: this release of Omni demands one, and later ones take the default token.",
    ),
    row(
        PRESET,
        "invalid installation media config: talos version is required",
        "talos_version",
        "Set `talos_version`: this release of Omni demands one, and later ones take the current one.",
    ),
    row(
        PRESET,
        r#"invalid installation media config: unknown cloud platform "*""#,
        "cloud.platform",
        "Set `cloud.platform` to a platform that this release of Omni makes media for.",
    ),
    row(
        PRESET,
        r#"invalid installation media config: unknown SBC overlay "*""#,
        "sbc.overlay",
        "Set `sbc.overlay` to a board that this release of Omni makes media for.",
    ),
    row(
        REQUESTS,
        r#"no Talos extensions catalog for version "*""#,
        "extensions",
        "Wait until Omni has loaded the catalogue of Talos {1}, or check that the instance offers this version.",
    ),
    row(PRESET, r#"unknown Talos version "*""#, "talos_version", TALOS),
    row(PRESET, r#"no Talos extensions catalog for version "*""#, "talos_version", TALOS),
    row(
        PRESET,
        r#"extension "*" (entry *) is not available for Talos version "*""#,
        "extensions",
        "Correct the name of `{1}`, take it out, or choose another Talos version.",
    ),
    row(
        PRESET,
        r#"embedded machine config is not supported by Talos version "*""#,
        "embedded_machine_config",
        "Set `talos_version` to 1.12 or later, or take the machine configuration out.",
    ),
    row(
        PRESET,
        r#"image factory "*" is not configured in Omni"#,
        "image_factory_url",
        "Set `image_factory_url` to a factory that the instance is configured with, or take it out.",
    ),
    row(CLASS, "failed to parse matchLabels: *", "match_labels", SELECTORS),
    row(
        CLASS,
        "selectors using label * are not allowed",
        "match_labels",
        "Remove `{1}` from the selectors: Omni sets this label itself.",
    ),
    row(
        CLASS,
        "machine class should either have auto provision or match labels set",
        "match_labels",
        "Set one of `match_labels` and `auto_provision`.",
    ),
    row(
        CLASS,
        "can't set both auto provision and match labels at the same time",
        "auto_provision",
        "Set only one of `match_labels` and `auto_provision`.",
    ),
    row(
        CLASS,
        "providerID can not be empty",
        "auto_provision.provider_id",
        "Set it to the `name` of an infrastructure provider.",
    ),
    row(CLASS, "failed to get provider: *", "auto_provision.provider_id", REGISTER_PROVIDER),
    row(CLASS, "cannot use static provider *", "auto_provision.provider_id", OTHER_PROVIDER),
    row(
        CLASS,
        r#"failed to load json schema for provider "*": *"#,
        "auto_provision.provider_id",
        "Update infrastructure provider `{1}`, which describes its settings wrongly, or choose another one.",
    ),
    row(CLASS, "*config value *", "auto_provision.provider_data", PROVIDER_DATA),
    row(CLASS, "failed to unmarshal YAML *", "auto_provision.provider_data", "Write the settings as a YAML mapping."),
    row(CLASS, "auto provision kernel args*", "auto_provision.kernel_args", PROVIDER_KERNEL_ARGS),
    row(
        CLASS,
        "can not delete the machine class as it is still in use by machine sets: *",
        ID,
        "Give the machine sets {1} another class, or destroy them first.",
    ),
    row(
        RULE,
        r#"role "*" cannot be assigned by a SAML label rule"#,
        "assign_role",
        "Assign `None`, `Reader`, `Operator` or `Admin`.",
    ),
    row(RULE, r#"unknown role to parse: "*""#, "assign_role", "Assign `None`, `Reader`, `Operator` or `Admin`."),
    row(
        RULE,
        "assignroleonregistration is deprecated, *",
        "assign_role",
        "The rule in Omni also has `assignroleonregistration`, which this resource leaves alone: replace the rule, for example with `terraform apply -replace`.",
    ),
    row(RULE, "invalid match labels: *", "match_labels", SELECTORS),
    row(POLICY, r#"unknown role to parse: "*""#, "rules", "Grant `None`, `Reader`, `Operator` or `Admin`."),
    row(
        POLICY,
        "syntax error in pattern",
        "user_groups",
        "Correct each `match` of `user_groups` and `cluster_groups`: they are shell patterns, in which a `[` needs a `]`.",
    ),
    row(
        POLICY,
        "rpc error: code = InvalidArgument desc = *",
        "user_groups",
        "Correct each of `label_selectors`: they are conditions on labels, such as `team = dev`.",
    ),
    row(POLICY, "invalid test*", "tests", "Give each test a `name`, a `user.name` and a `cluster.name`."),
    row(POLICY, r#"access policy test "*" failed: *"#, "tests", "Correct the test `{1}`, or the rules that it tests."),
    row(POLICY, r#"access policy user group "*" contains *"#, "user_groups", "Correct the members of `{1}`."),
    row(POLICY, r#"access policy cluster group "*" contains *"#, "cluster_groups", "Correct the members of `{1}`."),
    row(
        POLICY,
        r#"role "*" cannot be assigned by an access policy"#,
        "rules",
        "Grant `None`, `Reader`, `Operator` or `Admin`.",
    ),
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
    row(
        S3,
        "incorrect settings for s3 client: bucket must be specified",
        "bucket",
        "Set `bucket` to the name of a bucket.",
    ),
    row(
        S3,
        "incorrect settings for s3 client: access key and secret key *",
        "access_key_id",
        "Set `access_key_id` together with `secret_access_key` or `secret_access_key_wo`.",
    ),
    row(
        S3,
        "incorrect settings for s3 client: *EC2 IMDS role*",
        "access_key_id",
        "Set `access_key_id` and a secret: the machine that Omni runs on has no role for the bucket.",
    ),
    row(
        S3,
        "incorrect settings for s3 client: *region must be set*",
        "region",
        "Set `region` to the region of the bucket; stores other than AWS usually accept any, such as `us-east-1`.",
    ),
    row(
        S3,
        "incorrect settings for s3 client: *not a valid URI",
        "endpoint",
        "Write the endpoint as a URL, such as `https://s3.example.org`.",
    ),
    row(
        S3,
        "incorrect settings for s3 client: *NoSuchBucket*",
        "bucket",
        "Create the bucket first, or check its name, `region` and `endpoint`.",
    ),
    row(
        S3,
        "incorrect settings for s3 client: *StatusCode: 403*",
        "access_key_id",
        "Check the access key and its secret, and that they may list the objects of the bucket.",
    ),
    row(
        S3,
        "incorrect settings for s3 client: *StatusCode: 0*",
        "endpoint",
        "Check that Omni, and not this machine, can reach the store at this address.",
    ),
    row(
        S3,
        "incorrect settings for s3 client: *",
        "bucket",
        "Check `bucket`, `region`, `endpoint` and the keys: Omni lists the objects of the bucket before it accepts the configuration.",
    ),
    row(ALL, "resource ID must not be empty", ID, "Set it to a non-empty value."),
    row(
        ALL,
        "resource ID is too long: * bytes (max *)",
        ID,
        "Shorten it: the resulting ID has {1} bytes, and the maximum is {2}.",
    ),
    row(
        ALL,
        "resource ID must not contain control characters",
        ID,
        "Remove line breaks, tabs and other control characters from it.",
    ),
    row(
        ALL,
        "too many labels: * (max *)",
        "labels",
        "Remove labels, here, in the provider block or in Omni, until {2} are left.",
    ),
    row(ALL, "label key must not be empty", "labels", "Remove the label with the empty key."),
    row(ALL, "label *", "labels", "Correct this label, here or in the provider block."),
    row(
        ALL,
        "too many annotations: * (max *)",
        "annotations",
        "Remove annotations, here, in the provider block or in Omni, until {2} are left.",
    ),
    row(ALL, "annotation key must not be empty", "annotations", "Remove the annotation with the empty key."),
    row(ALL, "annotation *", "annotations", "Correct this annotation, here or in the provider block."),
];
