//! `omni_current_user`: the identity that the provider authenticates as, and its permissions.

use crate::omni::Call;
use crate::omni::spec;
use crate::omni::spec::instance;
use crate::provider::engine::Cx;
use crate::provider::errors::Operation;
use crate::provider::lookup::computed::{flag, text};
use crate::provider::roles;
use crate::provider::session::Handle;
use crate::tf::data_source::DataSource;
use crate::tf::described::Described;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::done::Done;
use crate::tf::resource::Context;
use crate::tf::schema::{Schema, object};
use crate::tf::value::Value;
use async_trait::async_trait;
use serde::Serialize;
use std::sync::Arc;

pub(super) struct CurrentUser {
    schema: Schema,
    handle: Handle,
}

#[derive(Serialize)]
struct Shown {
    id: String,
    identity: String,
    role: String,
    permissions: Permissions,
}

#[derive(Serialize)]
struct Permissions {
    read_clusters: bool,
    create_clusters: bool,
    manage_users: bool,
    read_machines: bool,
    remove_machines: bool,
    read_machine_logs: bool,
    read_machine_config_patches: bool,
    manage_machine_config_patches: bool,
    manage_backup_store: bool,
    access_maintenance_nodes: bool,
    read_audit_log: bool,
    read_join_tokens: bool,
    manage_join_tokens: bool,
    read_installation_media: bool,
    manage_installation_media: bool,
}

impl From<instance::PermissionsSpec> for Permissions {
    fn from(may: instance::PermissionsSpec) -> Self {
        Self {
            read_clusters: may.can_read_clusters,
            create_clusters: may.can_create_clusters,
            manage_users: may.can_manage_users,
            read_machines: may.can_read_machines,
            remove_machines: may.can_remove_machines,
            read_machine_logs: may.can_read_machine_logs,
            read_machine_config_patches: may.can_read_machine_config_patches,
            manage_machine_config_patches: may.can_manage_machine_config_patches,
            manage_backup_store: may.can_manage_backup_store,
            access_maintenance_nodes: may.can_access_maintenance_nodes,
            read_audit_log: may.can_read_audit_log,
            read_join_tokens: may.can_read_join_tokens,
            manage_join_tokens: may.can_manage_join_tokens,
            read_installation_media: may.can_read_installation_media,
            manage_installation_media: may.can_manage_installation_media,
        }
    }
}

impl CurrentUser {
    pub(super) fn data_source(handle: &Handle) -> Arc<dyn DataSource> {
        Arc::new(Self { schema: schema(), handle: handle.clone() })
    }
}

fn schema() -> Schema {
    let may = |name, what: &str| flag(name, &format!("Whether the role may {what}."));
    let permissions = vec![
        may("read_clusters", "read all clusters"),
        may("create_clusters", "create clusters; also `true` if the instance has an access policy, which may grant it"),
        may("manage_users", "manage users and service accounts"),
        may("read_machines", "read all machines"),
        may("remove_machines", "remove machines"),
        may("read_machine_logs", "read machine logs"),
        may("read_machine_config_patches", "read config patches"),
        may("manage_machine_config_patches", "create, change and destroy config patches"),
        may("manage_backup_store", "configure the storage of etcd backups"),
        may("access_maintenance_nodes", "access machines in maintenance mode"),
        may("read_audit_log", "read the audit log"),
        may("read_join_tokens", "read join tokens"),
        may("manage_join_tokens", "create and change join tokens"),
        may("read_installation_media", "read installation media presets"),
        may("manage_installation_media", "create, change and destroy installation media presets"),
    ];
    Schema::new("Reads the identity that the provider is authenticated as, its role and the permissions of that role. Permissions that an access policy grants are not included, except in `create_clusters`. Available to every role.")
        .with(text("id", "ID (UUID) of the user or service account."))
        .with(text(
            "identity",
            "E-mail address of the user, or full identity of the service account: `<name>@serviceaccount.omni.sidero.dev`.",
        ))
        .with(text("role", &format!("Effective role: the lower one of the role of the key and the role of the account, {}.", roles::DOC)))
        .with(object("permissions", permissions).computed().doc(
            "Permissions of the role. Permissions that the instance does not have are `false`.",
        ))
}

#[async_trait]
impl Described for CurrentUser {
    fn type_name(&self) -> &'static str {
        "omni_current_user"
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }
}

#[async_trait]
impl DataSource for CurrentUser {
    async fn read(&self, context: &Context, _config: Value) -> Result<Done<Value>, Diagnostics> {
        let session = self.handle.session()?;
        let call = Call::within(session.timeouts.read, &context.cancel);
        let cx = Cx { session, call };
        let operation = Operation { verb: "read", noun: "the current user", id: "", id_attribute: "" };
        let key = instance::permissions_key();
        let read = async {
            let (user, permissions) = tokio::try_join!(super::current(&cx), cx.read(&key))?;
            Ok((user, spec::decode::<instance::PermissionsSpec>(&permissions)?))
        };
        let (user, permissions) = read.await.map_err(|error| Diagnostics::from(operation.explain(&error)))?;
        let shown =
            Shown { id: user.user_id, identity: user.identity, role: user.role, permissions: permissions.into() };
        crate::tf::model::to_value(&shown, &self.schema.object_type()).map(Done::from).map_err(|error| {
            Diagnostic::from_error("The current user does not fit the schema", &error)
                .hint("This is a defect of the provider; please report it.")
                .into()
        })
    }
}
