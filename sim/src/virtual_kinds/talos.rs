//! The capabilities of a Talos version.

use crate::rules::tolerant;
use omni_proto::specs::{QuirksSpec, VersionContractSpec};

/// What the images of this version can do; what is no version can do everything.
pub(super) fn quirks(version: &str) -> QuirksSpec {
    let minor = minor(version).unwrap_or(u64::MAX);
    QuirksSpec {
        supports_unified_installer: minor >= 10,
        supports_factory_talosctl: minor >= 11,
        supports_embedded_config: minor >= 12,
    }
}

/// Which documents the configuration of this version is made of.
///
/// # Errors
/// When it is no version.
pub(super) fn contract(version: &str) -> Result<VersionContractSpec, String> {
    let minor = minor(version).ok_or_else(|| {
        let version = format!("v{}", version.strip_prefix('v').unwrap_or(version));
        format!("failed to parse contract from version: error parsing version {version:?}")
    })?;
    Ok(VersionContractSpec {
        // Omni asks here whether volumes can be encrypted by a document.
        kube_span_multidoc_config: minor >= 11,
        multidoc_kubernetes_config_supported: minor >= 14,
        multidoc_network_config_supported: minor >= 12,
        discovery_service_multidoc_config: minor >= 14,
    })
}

/// How far into 1.x it is; what comes after 1.x can do everything.
fn minor(version: &str) -> Option<u64> {
    let version = tolerant::parse(version).ok()?;
    Some(if version.major > 1 { u64::MAX } else { version.minor })
}
