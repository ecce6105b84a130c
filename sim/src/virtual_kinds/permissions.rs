//! The permissions of callers, in general and for one cluster.

use crate::kinds::Role;
use crate::release::Release;
use omni_proto::specs::{ClusterPermissionsSpec, PermissionsSpec};

/// What a caller of this role may do; a policy may let anybody create clusters.
pub(super) fn at_large(role: Role, release: Release, has_policy: bool) -> PermissionsSpec {
    let (reader, operator, admin) = levels(role);
    let tokens_and_media = release.has_field("PermissionsSpec", "can_read_join_tokens");
    PermissionsSpec {
        can_read_clusters: reader,
        can_create_clusters: operator || has_policy,
        can_manage_users: admin,
        can_read_machines: reader,
        can_remove_machines: operator,
        can_read_machine_logs: reader,
        can_read_machine_config_patches: reader,
        can_manage_machine_config_patches: operator,
        can_manage_backup_store: admin,
        can_access_maintenance_nodes: operator,
        can_read_audit_log: role == Role::Auditor || admin,
        can_read_join_tokens: reader && tokens_and_media,
        can_manage_join_tokens: admin && tokens_and_media,
        can_read_installation_media: reader && tokens_and_media,
        can_manage_installation_media: operator && tokens_and_media,
    }
}

/// What a caller who has this role on a cluster may do there.
pub(super) fn on_cluster(role: Role) -> ClusterPermissionsSpec {
    let (reader, operator, _) = levels(role);
    ClusterPermissionsSpec {
        can_add_machines: operator,
        can_remove_machines: operator,
        can_reboot_machines: operator,
        can_update_kubernetes: operator,
        can_download_kubeconfig: reader,
        can_sync_kubernetes_manifests: operator,
        can_update_talos: operator,
        can_download_talosconfig: reader,
        can_read_config_patches: reader,
        can_manage_config_patches: operator,
        can_manage_cluster_features: operator,
        can_download_support_bundle: operator,
        can_read_machine_config: reader,
        can_manage_machine_config: operator,
        can_read_kernel_args: reader,
        can_manage_kernel_args: operator,
        can_read_machine_pending_updates: reader,
        can_read_kubernetes_manifests: reader,
    }
}

fn levels(role: Role) -> (bool, bool, bool) {
    (role >= Role::Reader, role >= Role::Operator, role >= Role::Admin)
}
