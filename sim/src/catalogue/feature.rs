//! Behaviours that differ between releases. The catalogue defines the releases.

use super::{Span, parts};
use crate::release::Release;
use std::sync::LazyLock;

/// Declares the features: what each is, its variant, and its name in the catalogue.
macro_rules! features {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// Something that not every release does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Feature {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Feature {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in the catalogue.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

features! {
    /// There may be a greatest number of users and of service accounts.
    AccountLimits = "account-limits",
    /// The platform `alibabacloud` is known.
    AlibabaCloud = "alibaba-cloud",
    /// A node that the allocation made and that was removed can be put back while its machine is there.
    AllocationsUndone = "allocations-undone",
    /// The server applies manifests to clusters and finds the services that ask to be exposed.
    AppliedManifests = "applied-manifests",
    /// The audit log is filtered and sorted by what the request says.
    AuditLogFilters = "audit-log-filters",
    /// The audit log can be followed, and notes who reads it.
    AuditLogFollowing = "audit-log-following",
    /// There is the role `Auditor`; rules and policies may not give it, nor that of providers.
    Auditors = "auditors",
    /// The installation media of a board are named after the board, and are those of a machine without a platform.
    BoardsByName = "boards-by-name",
    /// The access policy counts in calls about a cluster or a machine, which are read before their caller is judged. It
    /// has always counted for kubeconfigs.
    CallsByPolicy = "calls-by-policy",
    /// Lists of extensions are validated.
    CheckedExtensions = "checked-extensions",
    /// Every document of a configuration patch is validated, and some kinds of documents are refused.
    CheckedPatchDocuments = "checked-patch-documents",
    /// A cluster can be taken over, and its lock does not hold up the takeover.
    ClusterTakeover = "cluster-takeover",
    /// The error of a configuration patch that does not decode is on one line.
    DecodeErrorsOnOneLine = "decode-errors-on-one-line",
    /// A label disables a configuration patch.
    DisabledPatches = "disabled-patches",
    /// An upgrade of Kubernetes that the spec has not reached is taken back to any earlier version.
    EarlyReverts = "early-reverts",
    /// A support bundle is encrypted on demand.
    EncryptedSupportBundles = "encrypted-support-bundles",
    /// The former field of the labels in META is read, where it was only refused.
    FormerLabelsRead = "former-labels-read",
    /// A controller removes what belongs to an identity that is gone.
    IdentityCleanup = "identity-cleanup",
    /// The secrets that a cluster brings along may be changed while there is no cluster.
    ImportsMayChange = "imports-may-change",
    /// An upgrade of Kubernetes can be taken back while it runs.
    KubernetesReverts = "kubernetes-reverts",
    /// A configuration with which a machine joins is for readers, where it was for everybody.
    JoinConfigsOfReaders = "join-configs-of-readers",
    /// The platform or the board of an installation media configuration must be known.
    KnownMediaTargets = "known-media-targets",
    /// A machine of a cluster is not installed or upgraded on demand.
    MachinesOfClusters = "lifecycle-outside-clusters",
    /// The labels of a machine say whether it fits a cluster, where its status said so.
    MachineLabelsJudged = "machine-labels-judged",
    /// Notifications and metrics warn of machines that are too many, or were not made by an image factory.
    MachineWarnings = "machine-warnings",
    /// A machine in maintenance is only upgraded to a version that its own can be upgraded to.
    MaintenanceTargets = "maintenance-targets",
    /// An installation media configuration must name an architecture, and is not judged while it is torn down.
    MediaNeedArchitecture = "media-need-an-architecture",
    /// An installation media configuration must name a Talos version and a join token.
    MediaNeedToken = "media-need-a-token",
    /// Whether a machine fits its cluster is asked again only when its node moves to another set.
    MembersJudgedOnMoves = "members-judged-on-moves",
    /// Lists of computed objects name the option that they do not take.
    NamedListOptions = "named-list-options",
    /// The architectures of platforms are numbered from 1, and 0 is none.
    NumberedArchitectures = "numbered-architectures",
    /// The events of a watch hold the object as it was before.
    OldInEvents = "old-in-events",
    /// A service account cannot remove itself.
    OwnAccountsKept = "own-accounts-kept",
    /// An infrastructure provider is kept while machines of it run.
    ProviderGuards = "provider-guards",
    /// The id of an infrastructure provider must be a DNS label.
    ProviderNames = "provider-names",
    /// The workload proxy is installed by a configuration patch.
    ProxyPatches = "proxy-patches",
    /// The answer to a new schematic holds the URL for PXE.
    SchematicPxeUrl = "pxe-url-of-schematics",
    /// The schematic of a machine is called not ready, where it was called not known.
    ReadySchematics = "ready-schematics",
    /// A machine that was rejected can be brought back to pending.
    RejectionsUndone = "rejections-undone",
    /// The bootstrap spec of a machine set can be removed once the cluster is bootstrapped.
    RemovableBootstrapSpec = "removable-bootstrap-spec",
    /// A schematic is made with the bootloader and the overlay that the request names.
    SchematicBootloaders = "schematic-bootloaders",
    /// A schematic is made at the image factory that the request names.
    SchematicFactories = "schematic-factories",
    /// A schematic is made with the machine configuration that the request holds.
    SchematicMachineConfigs = "schematic-machine-configs",
    /// The answer to a new schematic holds its text.
    SchematicTexts = "schematic-texts",
    /// Notifications and metrics warn of machines whose Talos version is no longer supported.
    SupportWarnings = "support-warnings",
    /// Talos is not brought below the minor version that a cluster was made with.
    TalosFloor = "talos-floor",
    /// Tasks are declared in the namespace that they are in, where it was another one.
    TasksDeclaredInPlace = "tasks-declared-in-place",
    /// A teardown is judged as a destruction, where it was a read and an update.
    TeardownAsDestroy = "teardown-as-destroy",
    /// Ids, labels, annotations and the texts of some specs have limits.
    TextLimits = "text-limits",
    /// A kubeconfig for a person says where tokens are kept, where the request does.
    TokenCaches = "token-caches",
    /// The option `tailEvents` of a watch is answered with `Unimplemented`.
    UnimplementedTailEvents = "unimplemented-tail-events",
    /// A set whose machines wait for another Talos or another schematic is upgrading, where it was reconfiguring.
    UpgradingSets = "upgrading-sets",
    /// The versions on offer are those that a 1.6.6 offered.
    VersionsOf1_6 = "versions-of-1.6",
    /// A configuration patch that is no YAML is refused with the text of a loader, and not of a decoder.
    YamlLoadErrors = "yaml-load-errors",
}

/// In the order of [`Feature::ALL`].
static SPANS: LazyLock<Vec<Span>> = LazyLock::new(|| {
    let rows = parts("features");
    let span = |feature: &Feature| rows.iter().find(|part| part.name == feature.name()).map(|part| part.span);
    Feature::ALL.iter().map(|feature| span(feature).unwrap_or(EVERY)).collect()
});

/// Every release.
const EVERY: Span = Span { since: Release::V1_2, until: None };

impl Feature {
    /// The releases that have it.
    #[must_use]
    pub fn span(self) -> Span {
        SPANS.get(self as usize).copied().unwrap_or(EVERY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_has_a_row_and_every_row_a_feature() {
        let mut names: Vec<_> = Feature::ALL.iter().map(|feature| feature.name()).collect();
        names.sort_unstable();
        assert_eq!(names, parts("features").iter().map(|part| part.name).collect::<Vec<_>>());
        assert!(Release::V1_9.has(Feature::TextLimits) && !Release::V1_8.has(Feature::TextLimits));
        assert!(Release::V1_6.has(Feature::ProxyPatches) && !Release::V1_7.has(Feature::ProxyPatches));
    }

    #[test]
    fn features_come_and_go_with_their_releases() {
        for (feature, minor, before) in [
            (Feature::AccountLimits, 6, false),
            (Feature::AuditLogFollowing, 10, false),
            (Feature::Auditors, 10, false),
            (Feature::MaintenanceTargets, 9, false),
            (Feature::BoardsByName, 5, false),
            (Feature::CallsByPolicy, 8, false),
            (Feature::JoinConfigsOfReaders, 8, false),
            (Feature::NamedListOptions, 4, false),
            (Feature::OwnAccountsKept, 6, false),
            (Feature::TokenCaches, 6, false),
            (Feature::AllocationsUndone, 4, false),
            (Feature::AppliedManifests, 7, false),
            (Feature::ClusterTakeover, 3, false),
            (Feature::EarlyReverts, 4, false),
            (Feature::FormerLabelsRead, 4, false),
            (Feature::ImportsMayChange, 9, true),
            (Feature::KnownMediaTargets, 8, false),
            (Feature::KubernetesReverts, 3, false),
            (Feature::MachineLabelsJudged, 10, false),
            (Feature::MediaNeedArchitecture, 6, false),
            (Feature::MediaNeedToken, 6, false),
            (Feature::MediaNeedToken, 8, true),
            (Feature::MembersJudgedOnMoves, 6, false),
            (Feature::NumberedArchitectures, 5, false),
            (Feature::ProviderGuards, 4, false),
            (Feature::ReadySchematics, 6, false),
            (Feature::RejectionsUndone, 6, false),
            (Feature::SchematicPxeUrl, 5, true),
            (Feature::SupportWarnings, 8, false),
            (Feature::TalosFloor, 4, false),
            (Feature::TasksDeclaredInPlace, 3, false),
            (Feature::TeardownAsDestroy, 9, false),
            (Feature::UpgradingSets, 5, false),
        ] {
            let found = [minor - 1, minor].map(|minor| Release::of_minor(minor).has(feature));
            assert_eq!(found, [before, !before], "{feature:?} 1.{minor}");
        }
    }
}
