//! The refusals that Omni was seen to word, for everything that is not in a cluster, and for all types.

use super::{ID, Row, TALOS, row};

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
const MACHINE: &[&str] = &["machine"];
const INFRA_MACHINE: &[&str] = &["infrastructure machine configuration"];
const PRESET: &[&str] = &["installation media preset"];
const POLICY: &[&str] = &["access policy"];
const S3: &[&str] = &["S3 configuration of etcd backups"];
const IMPORTED: &[&str] = &["imported cluster"];
const ALL: &[&str] = &[];

const SELECTORS: &str = "Write each selector as conditions on labels, such as `region = eu, !gpu`; the function `provider::omni::label_selector_matches` tries one without Omni.";
const PROVIDER_DATA: &str =
    "Correct it; the attribute `schema` of the data source `omni_infra_provider` shows what the provider takes.";
const PROVIDER_KERNEL_ARGS: &str = "Write at most 64 arguments of at most 256 bytes each, without control characters.";
const REGISTER_PROVIDER: &str =
    "Start the provider with its service account key, so that it registers, or check the ID.";
const OTHER_PROVIDER: &str =
    "Choose a provider that creates machines: a static one manages machines that exist already.";

pub(super) const ROWS: &[Row] = &[
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
        "To rename the class, set `create_before_destroy = true` in its `lifecycle` block. Otherwise give the machine sets {1} another class in a separate apply, or destroy them first.",
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
        MACHINE,
        "Talos is already installed on this machine; use OPERATION_UPGRADE",
        ID,
        "Use the action `omni_maintenance_upgrade` for another version.",
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
