//! The keys that a Talos machine configuration may have, and the kinds of documents beside it.
//! Where a part is free-form or rarely patched, the table stops and takes anything.

use Shape::{Any, Items, Keys, Values};

/// What may stand at one place of the configuration.
#[derive(Debug)]
pub enum Shape {
    /// Anything.
    Any,
    /// A mapping with these keys only.
    Keys(&'static [(&'static str, Shape)]),
    /// A mapping with any keys, whose values are alike.
    Values(&'static Shape),
    /// A list of things that are alike.
    Items(&'static Shape),
}

/// The main document.
pub const CONFIG: Shape =
    Keys(&[("version", Any), ("debug", Any), ("persist", Any), ("machine", MACHINE), ("cluster", CLUSTER)]);

const MACHINE: Shape = Keys(&[
    ("type", Any),
    ("token", Any),
    ("ca", CERTIFICATE),
    ("acceptedCAs", Items(&CERTIFICATE)),
    ("certSANs", Any),
    ("controlPlane", Keys(&[("controllerManager", DISABLED), ("scheduler", DISABLED)])),
    ("kubelet", KUBELET),
    ("pods", Any),
    ("network", MACHINE_NETWORK),
    ("disks", Items(&Keys(&[("device", Any), ("partitions", Items(&Keys(&[("size", Any), ("mountpoint", Any)])))]))),
    ("install", INSTALL),
    ("files", Items(&Keys(&[("content", Any), ("permissions", Any), ("path", Any), ("op", Any)]))),
    ("env", Any),
    ("time", Keys(&[("disabled", Any), ("servers", Any), ("bootTimeout", Any)])),
    ("sysctls", Any),
    ("sysfs", Any),
    ("registries", REGISTRIES),
    ("systemDiskEncryption", Keys(&[("state", ENCRYPTION), ("ephemeral", ENCRYPTION)])),
    ("features", FEATURES),
    ("udev", Keys(&[("rules", Any)])),
    ("logging", Keys(&[("destinations", Items(&Keys(&[("endpoint", Any), ("format", Any), ("extraTags", Any)])))])),
    ("kernel", Keys(&[("modules", Items(&Keys(&[("name", Any), ("parameters", Any)])))])),
    ("seccompProfiles", Items(&Keys(&[("name", Any), ("value", Any)]))),
    ("baseRuntimeSpecOverrides", Any),
    ("nodeLabels", Any),
    ("nodeAnnotations", Any),
    ("nodeTaints", Any),
]);

const CERTIFICATE: Shape = Keys(&[("crt", Any), ("key", Any)]);
const DISABLED: Shape = Keys(&[("disabled", Any)]);

const KUBELET: Shape = Keys(&[
    ("image", Any),
    ("clusterDNS", Any),
    ("extraArgs", Any),
    ("extraMounts", Any),
    ("extraConfig", Any),
    ("credentialProviderConfig", Any),
    ("defaultRuntimeSeccompProfileEnabled", Any),
    ("registerWithFQDN", Any),
    ("nodeIP", Keys(&[("validSubnets", Any)])),
    ("skipNodeRegistration", Any),
    ("disableManifestsDirectory", Any),
]);

const MACHINE_NETWORK: Shape = Keys(&[
    ("hostname", Any),
    ("interfaces", Items(&INTERFACE)),
    ("nameservers", Any),
    ("searchDomains", Any),
    ("extraHostEntries", Items(&Keys(&[("ip", Any), ("aliases", Any)]))),
    (
        "kubespan",
        Keys(&[
            ("enabled", Any),
            ("advertiseKubernetesNetworks", Any),
            ("allowDownPeerBypass", Any),
            ("harvestExtraEndpoints", Any),
            ("mtu", Any),
            ("filters", Any),
        ]),
    ),
    ("disableSearchDomain", Any),
]);

const INTERFACE: Shape = Keys(&[
    ("interface", Any),
    ("deviceSelector", Any),
    ("addresses", Any),
    ("cidr", Any),
    ("routes", Any),
    ("bond", Any),
    ("bridge", Any),
    ("bridgePort", Any),
    ("vlans", Any),
    ("mtu", Any),
    ("dhcp", Any),
    ("ignore", Any),
    ("dummy", Any),
    ("dhcpOptions", Any),
    ("wireguard", Any),
    ("vip", Any),
]);

const INSTALL: Shape = Keys(&[
    ("disk", Any),
    ("diskSelector", Any),
    ("extraKernelArgs", Any),
    ("image", Any),
    ("extensions", Any),
    ("bootloader", Any),
    ("wipe", Any),
    ("legacyBIOSSupport", Any),
    ("grubUseUKICmdline", Any),
]);

const REGISTRIES: Shape = Keys(&[
    ("mirrors", Values(&Keys(&[("endpoints", Any), ("overridePath", Any), ("skipFallback", Any)]))),
    ("config", Values(&Keys(&[("tls", Any), ("auth", Any)]))),
]);

const ENCRYPTION: Shape =
    Keys(&[("provider", Any), ("keys", Any), ("cipher", Any), ("keySize", Any), ("blockSize", Any), ("options", Any)]);

const FEATURES: Shape = Keys(&[
    ("rbac", Any),
    ("stableHostname", Any),
    (
        "kubernetesTalosAPIAccess",
        Keys(&[("enabled", Any), ("allowedRoles", Any), ("allowedKubernetesNamespaces", Any)]),
    ),
    ("apidCheckExtKeyUsage", Any),
    ("diskQuotaSupport", Any),
    ("kubePrism", Keys(&[("enabled", Any), ("port", Any)])),
    ("hostDNS", Keys(&[("enabled", Any), ("forwardKubeDNSToHost", Any), ("resolveMemberNames", Any)])),
    ("imageCache", Keys(&[("localEnabled", Any)])),
    ("nodeAddressSortAlgorithm", Any),
]);

const CLUSTER: Shape = Keys(&[
    ("id", Any),
    ("secret", Any),
    ("controlPlane", Keys(&[("endpoint", Any), ("localAPIServerPort", Any)])),
    ("clusterName", Any),
    ("network", CLUSTER_NETWORK),
    ("token", Any),
    ("aescbcEncryptionSecret", Any),
    ("secretboxEncryptionSecret", Any),
    ("ca", CERTIFICATE),
    ("acceptedCAs", Items(&CERTIFICATE)),
    ("aggregatorCA", CERTIFICATE),
    ("serviceAccount", Keys(&[("key", Any)])),
    ("apiServer", API_SERVER),
    ("controllerManager", COMPONENT),
    ("proxy", Keys(&[("disabled", Any), ("image", Any), ("mode", Any), ("extraArgs", Any)])),
    ("scheduler", SCHEDULER),
    ("discovery", DISCOVERY),
    ("etcd", ETCD),
    ("coreDNS", Keys(&[("disabled", Any), ("image", Any)])),
    ("externalCloudProvider", Keys(&[("enabled", Any), ("manifests", Any)])),
    ("extraManifests", Any),
    ("extraManifestHeaders", Any),
    ("inlineManifests", Items(&Keys(&[("name", Any), ("contents", Any)]))),
    ("adminKubeconfig", Keys(&[("certLifetime", Any)])),
    ("allowSchedulingOnMasters", Any),
    ("allowSchedulingOnControlPlanes", Any),
]);

const CLUSTER_NETWORK: Shape = Keys(&[
    ("cni", Keys(&[("name", Any), ("urls", Any), ("flannel", Any)])),
    ("dnsDomain", Any),
    ("podSubnets", Any),
    ("serviceSubnets", Any),
]);

const COMPONENT: Shape =
    Keys(&[("image", Any), ("extraArgs", Any), ("extraVolumes", Any), ("env", Any), ("resources", Any)]);

const SCHEDULER: Shape = Keys(&[
    ("image", Any),
    ("extraArgs", Any),
    ("extraVolumes", Any),
    ("env", Any),
    ("resources", Any),
    ("config", Any),
]);

const API_SERVER: Shape = Keys(&[
    ("image", Any),
    ("extraArgs", Any),
    ("extraVolumes", Any),
    ("env", Any),
    ("certSANs", Any),
    ("disablePodSecurityPolicy", Any),
    ("admissionControl", Items(&Keys(&[("name", Any), ("configuration", Any)]))),
    ("auditPolicy", Any),
    ("resources", Any),
    ("authorizationConfig", Any),
]);

const DISCOVERY: Shape = Keys(&[
    ("enabled", Any),
    ("registries", Keys(&[("kubernetes", DISABLED), ("service", Keys(&[("disabled", Any), ("endpoint", Any)]))])),
]);

const ETCD: Shape = Keys(&[
    ("image", Any),
    ("ca", CERTIFICATE),
    ("extraArgs", Any),
    ("subnet", Any),
    ("advertisedSubnets", Any),
    ("listenSubnets", Any),
]);

/// The documents beside the main one, all of `apiVersion: v1alpha1`.
pub const KINDS: &[&str] = &[
    "BlackholeRouteConfig",
    "BondConfig",
    "BridgeConfig",
    "DHCPv4Config",
    "DHCPv6Config",
    "DiscoveryConfig",
    "DiscoveryIdentityConfig",
    "DummyLinkConfig",
    "EnvironmentConfig",
    "EthernetConfig",
    "EventSinkConfig",
    "ExistingVolumeConfig",
    "ExtensionServiceConfig",
    "ExternalVolumeConfig",
    "FilesystemScrubConfig",
    "HCloudVIPConfig",
    "HostnameConfig",
    "ImageVerificationConfig",
    "KmsgLogConfig",
    "KubeAPIServerCAConfig",
    "KubeAggregatorCAConfig",
    "KubeClusterConfig",
    "KubeEtcdEncryptionConfig",
    "KubeServiceAccountConfig",
    "KubeSpanConfig",
    "KubeSpanEndpointsConfig",
    "KubeTalosAPIAccessConfig",
    "KubespanEndpointsConfig",
    "LVMLogicalVolumeConfig",
    "LVMVolumeGroupConfig",
    "Layer2VIPConfig",
    "LinkAliasConfig",
    "LinkConfig",
    "NetworkDefaultActionConfig",
    "NetworkRuleConfig",
    "OOMConfig",
    "PCIDriverRebindConfig",
    "RawVolumeConfig",
    "RegistryAuthConfig",
    "RegistryMirrorConfig",
    "RegistryTLSConfig",
    "ResolverConfig",
    "RoutingRuleConfig",
    "SecurityProfileConfig",
    "SideroLinkConfig",
    "StaticHostConfig",
    "SwapVolumeConfig",
    "SysctlConfig",
    "SysfsConfig",
    "TCPProbeConfig",
    "TimeSyncConfig",
    "TrustedRootsConfig",
    "UdevRulesConfig",
    "UnattendedInstallConfig",
    "UserVolumeConfig",
    "VLANConfig",
    "VRFConfig",
    "VolumeConfig",
    "WatchdogTimerConfig",
    "WireguardConfig",
    "ZswapConfig",
];
