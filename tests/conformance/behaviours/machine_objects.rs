//! Objects that belong to one machine or to machines to come: arguments, disks, classes, requests, media.

use super::rules::Verdict::{Refused, Taken};
use super::{Behaviour, Need};
use crate::behaviours;
use crate::bench::Bench;
use crate::creations;
use crate::expect::{accepted, invalid_with, refused_with};
use crate::objects::{
    BMC, CLASS, Edit as _, FORCE_DESTROY, INFRA_MACHINE, INFRA_PROVIDER, INSTALL_DISK, KERNEL_ARGS, LABELS, MEDIA,
    REQUEST_SET, fresh, made,
};
use omni_sim::catalogue::Feature;
use serde_json::json;
use tonic::Code;

const NEWEST: Need = Need::Newest;
/// Presets are there, and need a Talos version, whatever it is, and a token.
const MEDIA_WITH_TOKEN: Need = Need::Feature(Feature::MediaNeedToken);
const ARGS_ARE: Need = Need::Kind("KernelArgs");
const DISKS_ARE: Need = Need::Kind("MachineInstallDiskConfigs");

pub const LIST: &[Behaviour] = creations![
    ("bmc", NEWEST, |b| made(BMC, b.id("a"), &json!({"ipmi": {"address": "10.0.0.1"}})), Taken),
    (
        "bmc_of_both_kinds",
        NEWEST,
        |b| made(BMC, b.id("a"), &json!({"ipmi": {"address": "not an address"}, "api": {}})),
        Taken
    ),
    ("bmc_of_no_kind", NEWEST, |b| made(BMC, b.id("a"), &json!({})), Taken),
    (
        "class_both",
        Need::Nothing,
        |b| made(CLASS, b.id("a"), &json!({"match_labels": ["a"], "auto_provision": {"provider_id": "x"}})),
        Refused("can't set both auto provision and match labels at the same time")
    ),
    (
        "class_neither",
        Need::Nothing,
        |b| made(CLASS, b.id("a"), &json!({})),
        Refused("machine class should either have auto provision or match labels set")
    ),
    (
        "class_of_no_provider",
        Need::Nothing,
        |b| made(CLASS, b.id("a"), &json!({"auto_provision": {"provider_id": "conformance-none"}})),
        Refused("failed to get provider: ")
    ),
    (
        "class_provider_empty",
        Need::Nothing,
        |b| made(CLASS, b.id("a"), &json!({"auto_provision": {}})),
        Refused("providerID can not be empty")
    ),
    (
        "class_selector_bad",
        Need::Nothing,
        |b| made(CLASS, b.id("a"), &json!({"match_labels": ["a b c"]})),
        Refused("failed to parse matchLabels: ")
    ),
    (
        "class_selector_of_reserved_machines",
        NEWEST,
        |b| made(CLASS, b.id("a"), &json!({"match_labels": ["omni.sidero.dev/no-manual-allocation"]})),
        Refused("omni.sidero.dev/no-manual-allocation")
    ),
    (
        "class_selectors",
        Need::Nothing,
        |b| made(
            CLASS,
            b.id("a"),
            &json!({"match_labels": ["a", "!b", "c = d", "e == f, g != h", "i > 4GiB", "j <= 3", "k in (l, m)", "n notin (o)"]})
        ),
        Taken
    ),
    ("disk", DISKS_ARE, |b| made(INSTALL_DISK, b.id("a"), &json!({"disk": "/dev/sda"})), Taken),
    (
        "disk_both",
        DISKS_ARE,
        |b| made(INSTALL_DISK, b.id("a"), &json!({"disk": "/dev/sda", "disk_selector": "disk.size > 1u"})),
        Refused("mutually exclusive")
    ),
    (
        "disk_neither",
        DISKS_ARE,
        |b| made(INSTALL_DISK, b.id("a"), &json!({})),
        Refused("either disk or disk selector must be set")
    ),
    (
        "disk_selector",
        DISKS_ARE,
        |b| made(INSTALL_DISK, b.id("a"), &json!({"disk_selector": "disk.transport == 'nvme'"})),
        Taken
    ),
    (
        "disk_selector_of_units",
        DISKS_ARE,
        |b| made(
            INSTALL_DISK,
            b.id("a"),
            &json!({"disk_selector": "!system_disk && disk.size > 10u * GB && disk.size < 4u * TiB"})
        ),
        Taken
    ),
    (
        "disk_selector_of_another_number",
        DISKS_ARE,
        |b| made(INSTALL_DISK, b.id("a"), &json!({"disk_selector": "disk.size > 10"})),
        Refused("disk selector is not a valid boolean disk expression: ")
    ),
    ("disk_of_any_text", DISKS_ARE, |b| made(INSTALL_DISK, b.id("a"), &json!({"disk": "not a path"})), Taken),
    (
        "disk_selector_bad",
        DISKS_ARE,
        |b| made(INSTALL_DISK, b.id("a"), &json!({"disk_selector": "disk.size >"})),
        Refused("")
    ),
    (
        "disk_selector_no_boolean",
        DISKS_ARE,
        |b| made(INSTALL_DISK, b.id("a"), &json!({"disk_selector": "1 + 1"})),
        Refused("")
    ),
    ("force_destroy_of_nothing", Need::Nothing, |b| made(FORCE_DESTROY, b.id("a"), &json!({})), Refused("")),
    ("infra_machine", NEWEST, |b| made(INFRA_MACHINE, b.id("a"), &json!({"power_state": "POWER_STATE_ON"})), Taken),
    (
        "infra_machine_args_too_long",
        NEWEST,
        |b| made(INFRA_MACHINE, b.id("a"), &json!({"extra_kernel_args": "a".repeat(4097)})),
        Refused("")
    ),
    (
        "infra_machine_power_off_too_long",
        NEWEST,
        |b| made(INFRA_MACHINE, b.id("a"), &json!({"power_off_request_id": "a".repeat(129)})),
        Refused("")
    ),
    (
        "infra_machine_reboot_control_character",
        NEWEST,
        |b| made(INFRA_MACHINE, b.id("a"), &json!({"requested_reboot_id": "a\nb"})),
        Refused("")
    ),
    (
        "infra_machine_reboot_too_long",
        NEWEST,
        |b| made(INFRA_MACHINE, b.id("a"), &json!({"requested_reboot_id": "a".repeat(129)})),
        Refused("")
    ),
    ("infra_provider", NEWEST, |b| made(INFRA_PROVIDER, b.id("a"), &json!({})), Taken),
    (
        "infra_provider_name_bad",
        NEWEST,
        |b| made(INFRA_PROVIDER, b.id("A_b"), &json!({})),
        Refused("invalid infra provider name: ")
    ),
    (
        "infra_provider_name_too_long",
        NEWEST,
        |b| made(INFRA_PROVIDER, b.id(&"a".repeat(60)), &json!({})),
        Refused("invalid infra provider name: ")
    ),
    ("kernel_args", ARGS_ARE, |b| made(KERNEL_ARGS, b.id("a"), &json!({"args": ["b=c", "a"]})), Taken),
    ("kernel_args_none", ARGS_ARE, |b| made(KERNEL_ARGS, b.id("a"), &json!({})), Taken),
    (
        "kernel_args_of_any_form",
        NEWEST,
        |b| made(KERNEL_ARGS, b.id("a"), &json!({"args": ["", "a", "a", "b c"]})),
        Taken
    ),
    (
        "kernel_args_that_omni_sets",
        NEWEST,
        |b| made(KERNEL_ARGS, b.id("a"), &json!({"args": ["siderolink.api=x", "talos.platform=metal"]})),
        Taken
    ),
    (
        "kernel_args_too_long",
        NEWEST,
        |b| made(KERNEL_ARGS, b.id("a"), &json!({"args": ["a".repeat(257)]})),
        Refused("256")
    ),
    ("kernel_args_too_many", NEWEST, |b| made(KERNEL_ARGS, b.id("a"), &json!({"args": vec!["a"; 65]})), Refused("64")),
    (
        "kernel_args_with_control_character",
        NEWEST,
        |b| made(KERNEL_ARGS, b.id("a"), &json!({"args": ["a\nb"]})),
        Refused("contains a control character")
    ),
    ("labels", Need::Nothing, |b| Ok(fresh(LABELS, b.id("a"), &()).label("rack", "1")), Taken),
    (
        "media",
        NEWEST,
        |b| made(MEDIA, b.id("a"), &json!({"architecture": "AMD64", "cloud": {"platform": "aws"}})),
        Taken
    ),
    (
        "media_of_no_token_before",
        MEDIA_WITH_TOKEN,
        |b| made(MEDIA, b.id("a"), &json!({"talos_version": "1.2.3", "architecture": "AMD64"})),
        Refused("join token is required")
    ),
    (
        "media_of_no_version_before",
        MEDIA_WITH_TOKEN,
        |b| made(MEDIA, b.id("a"), &json!({"architecture": "AMD64"})),
        Refused("talos version is required")
    ),
    ("media_architecture_missing", NEWEST, |b| made(MEDIA, b.id("a"), &json!({})), Refused("architecture")),
    (
        "media_args_too_long",
        NEWEST,
        |b| made(MEDIA, b.id("a"), &json!({"architecture": "AMD64", "kernel_args": "a".repeat(4097)})),
        Refused("4096")
    ),
    (
        "media_cloud_and_board",
        NEWEST,
        |b| made(
            MEDIA,
            b.id("a"),
            &json!({"architecture": "ARM64", "cloud": {"platform": "aws"}, "sbc": {"overlay": "rpi_generic"}})
        ),
        Refused("")
    ),
    (
        "media_cloud_unknown",
        NEWEST,
        |b| made(MEDIA, b.id("a"), &json!({"architecture": "AMD64", "cloud": {"platform": "conformance"}})),
        Refused("")
    ),
    (
        "media_board_unknown",
        NEWEST,
        |b| made(MEDIA, b.id("a"), &json!({"architecture": "ARM64", "sbc": {"overlay": "conformance"}})),
        Refused("")
    ),
    (
        "media_factory_unknown",
        NEWEST,
        |b| made(
            MEDIA,
            b.id("a"),
            &json!({"architecture": "AMD64", "image_factory_url": "https://factory.example.org"})
        ),
        Refused("")
    ),
    (
        "media_talos_unknown",
        NEWEST,
        |b| made(MEDIA, b.id("a"), &json!({"architecture": "AMD64", "talos_version": "1.2.3"})),
        Refused("1.2.3")
    ),
    ("request_set_provider_empty", NEWEST, |b| made(REQUEST_SET, b.id("a"), &json!({"machine_count": 1})), Refused("")),
];

pub const STEPS: &[Behaviour] = behaviours![
    ("class_in_use", Need::Nothing, class_in_use),
    ("disk_before", Need::NoKind("MachineInstallDiskConfigs"), disk_before),
    ("labels_are_one_object", Need::Nothing, labels_are_one_object),
    ("infra_machine_acceptance_is_final", NEWEST, infra_machine_acceptance_is_final),
];

async fn class_in_use(bench: &Bench) -> anyhow::Result<()> {
    let cluster = super::cluster::create(bench).await?;
    bench.create(crate::objects::class(bench.id("a"))).await?;
    let allocation = json!({"machine_allocation": {"name": bench.id("a")}});
    bench.create(super::machine_set::worker(&cluster, "workers", &allocation)?).await?;
    let text = format!("can not delete the machine class as it is still in use by machine sets: {cluster}-workers");
    invalid_with(bench.destroy(CLASS, &bench.id("a")).await, &text)
}

/// A type that a release does not have is like any unknown one.
async fn disk_before(bench: &Bench) -> anyhow::Result<()> {
    let disk = made(INSTALL_DISK, bench.id("a"), &json!({"disk": "/dev/sda"}))?;
    refused_with(bench.create(disk).await, Code::PermissionDenied, "no access is permitted")
}

async fn labels_are_one_object(bench: &Bench) -> anyhow::Result<()> {
    let labels = |key: &str| fresh(LABELS, bench.id("a"), &()).label(key, "1");
    accepted(bench.create(labels("rack")).await, "labels")?;
    refused_with(bench.create(labels("row")).await, Code::AlreadyExists, "")
}

async fn infra_machine_acceptance_is_final(bench: &Bench) -> anyhow::Result<()> {
    let at = |status: &str| made(INFRA_MACHINE, bench.id("a"), &json!({"acceptance_status": status}));
    accepted(bench.create(at("ACCEPTED")?).await, "accepted")?;
    for status in ["PENDING", "REJECTED"] {
        let text = "an accepted machine cannot be rejected or set back to pending acceptance";
        invalid_with(bench.update(at(status)?.version("1")).await, text)?;
    }
    Ok(())
}
