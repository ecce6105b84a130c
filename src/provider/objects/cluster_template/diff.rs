//! `omni_cluster_template_diff`: what a sync of a template would change.

use super::{actual, document};
use crate::omni::spec::Spec;
use crate::omni::template::{self, Conflict, SyncPlan};
use crate::omni::{Call, Error, Key, Phase, Resource as Stored, labels};
use crate::provider::engine::{Change, Cx, Parts, is_others, taken, without_mark_changes, without_marks};
use crate::provider::errors::Operation;
use crate::provider::lookup::computed::{flag, text};
use crate::provider::session::Handle;
use crate::tf::data_source::DataSource;
use crate::tf::described::Described;
use crate::tf::diag::{Diagnostic, Diagnostics, Severity};
use crate::tf::done::Done;
use crate::tf::resource::Context;
use crate::tf::schema::{Schema, objects};
use crate::tf::value::Value;
use async_trait::async_trait;
use omni_proto::specs::ClusterSpec;
use std::sync::Arc;

pub(super) struct Diff {
    schema: Schema,
    handle: Handle,
}

impl Diff {
    pub(super) fn data_source(handle: &Handle) -> Arc<dyn DataSource> {
        let change = vec![
            text("action", "What a sync does: `create`, `update` or `destroy`."),
            text("type", "Type of the object, such as `MachineSets.omni.sidero.dev`."),
            text("id", "ID of the object."),
        ];
        let schema = Schema::new(
            "Compares a cluster template with the cluster in Omni, as `omnictl cluster template diff` does, without changing anything. \
             Objects of the cluster that other resources manage are left out if the template does not describe them. \
             System annotations of Omni and of providers are not compared.",
        )
        .with_all(document::attributes())
        .rule(document::RULE)
        .with(text("cluster", "Name of the cluster, as the template gives it."))
        .with(flag("changed", "Whether a sync would change something."))
        .with(text("diff", "The changes, as a unified diff of the objects in YAML. Config patches in it can hold secrets."))
        .with(objects("changes", change).computed().doc("The changes, in the order of a sync."));
        Arc::new(Self { schema, handle: handle.clone() })
    }
}

#[async_trait]
impl Described for Diff {
    fn type_name(&self) -> &'static str {
        "omni_cluster_template_diff"
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn validate(&self, _context: &Context, config: &Value, diags: &mut Diagnostics) {
        document::validate(config, diags);
    }
}

#[async_trait]
impl DataSource for Diff {
    async fn read(&self, context: &Context, mut config: Value) -> Result<Done<Value>, Diagnostics> {
        let session = self.handle.session()?;
        let cx = Cx { call: Call::within(session.timeouts.read, &context.cancel), session };
        let Sync { cluster, plan, going, mut told } =
            planned(&cx, &config, Purpose::Compare).await.map_err(|unplanned| match unplanned {
                Unplanned::Wrong(diags) => diags,
                Unplanned::Call(error) => OPERATION.explain(&error).into(),
            })?;
        if going {
            told.push(Diagnostic::warning(
                format!("Cluster `{cluster}` is being destroyed"),
                "Its removal has not finished. The changes are those of a sync after that.",
            ));
        }
        config.set("cluster", cluster.into());
        config.set("changed", (!plan.is_empty()).into());
        config.set("diff", template::diff_text(&plan).into());
        let change = |(change, key): &(Change, &Key)| {
            Value::object([
                ("action", Value::from(change.verb())),
                ("type", key.kind.name.into()),
                ("id", key.id.as_str().into()),
            ])
        };
        config.set("changes", Value::List(changes(&plan).iter().map(change).collect()));
        Ok(Done::from(config).warn(told))
    }
}

/// A comparison that fails before the template is known.
const OPERATION: Operation<'_> = Operation { verb: "compare", noun: "cluster template", id: "", id_attribute: "" };

/// Why it is not known what a sync would do.
pub(super) enum Unplanned {
    /// The template is wrong, or an object belongs to something else.
    Wrong(Diagnostics),
    /// Omni does not answer.
    Call(Box<Error>),
}

impl From<Diagnostics> for Unplanned {
    fn from(diags: Diagnostics) -> Self {
        Self::Wrong(diags)
    }
}

impl From<Error> for Unplanned {
    fn from(error: Error) -> Self {
        Self::Call(Box::new(error))
    }
}

/// What a sync of a template would do.
pub(super) struct Sync {
    pub(super) cluster: String,
    pub(super) plan: SyncPlan,
    /// Whether the cluster is being destroyed, so that the plan is for the time after that.
    pub(super) going: bool,
    /// Objects that are left out, since they belong to something else.
    pub(super) told: Diagnostics,
}

/// What the changes are for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// They are shown. Those that are due when a cluster that is being destroyed has gone are still worth knowing.
    Compare,
    /// They are made, which a cluster that is being destroyed refuses.
    Write,
}

/// What a sync of the template of this configuration would do.
///
/// # Errors
/// When the template is wrong, an object belongs to something else, or Omni does not answer.
pub(super) async fn planned(cx: &Cx, config: &Value, purpose: Purpose) -> Result<Sync, Unplanned> {
    let Some(loaded) = document::load(config)? else {
        let unknown =
            Diagnostic::error("The cluster template is not known", "It depends on values that are not known.");
        return Err(Unplanned::Wrong(unknown.into()));
    };
    let cluster = loaded.template.cluster().to_owned();
    let release = document::release(cx).await?;
    let wanted = loaded.render(release)?;
    let mut actual = actual::objects(cx, &cluster, &wanted).await?;
    let is_going =
        |stored: &Stored| stored.key == ClusterSpec::KIND.key(&cluster) && stored.metadata.phase == Phase::TearingDown;
    let going = purpose == Purpose::Compare && actual.iter().any(is_going);
    if going {
        // Everything of the cluster goes with it.
        let of = |stored: &Stored| stored.metadata.labels.get(labels::CLUSTER).is_some_and(|of| *of == cluster);
        actual.retain(|stored| !is_going(stored) && !of(stored));
    }
    // As in a plan of the resource: what other resources manage stays.
    actual.retain(|stored| wanted.iter().any(|object| object.key == stored.key) || !is_others(stored, &cluster));
    if purpose == Purpose::Compare {
        actual = actual.into_iter().map(without_marks).collect();
    }
    let there = |key: &Key| actual.iter().find(|stored| stored.key == *key);
    // No state says which labels were set once: all of those of users are the template's.
    let parts = Parts::default();
    let merged: Vec<Stored> = wanted
        .iter()
        .map(|stored| parts.merged::<super::resource::ClusterTemplate>(stored, there(&stored.key)))
        .collect();
    let told = |conflicts: &[Conflict]| -> Diagnostics {
        conflicts.iter().map(|conflict| taken(conflict, loaded.attribute)).collect()
    };
    match template::plan_sync(&cluster, &merged, &actual) {
        Ok(plan) => Ok(Sync { plan: without_mark_changes(plan), cluster, going, told: Diagnostics::new() }),
        Err(conflicts) if purpose == Purpose::Write => Err(Unplanned::Wrong(told(&conflicts))),
        Err(conflicts) => {
            // The other objects can be compared all the same.
            let is_free = |stored: &Stored| !conflicts.iter().any(|conflict| conflict.key == stored.key);
            let free = |all: Vec<Stored>| all.into_iter().filter(is_free).collect::<Vec<_>>();
            let plan = template::plan_sync(&cluster, &free(merged), &free(actual))
                .map_err(|conflicts| Unplanned::Wrong(told(&conflicts)))?;
            let told = told(&conflicts);
            let warning = |told: &Diagnostic| Diagnostic { severity: Severity::Warning, ..told.clone() };
            let told = told.iter().map(warning).collect();
            Ok(Sync { plan: without_mark_changes(plan), cluster, going, told })
        }
    }
}

/// The changes of a plan, in the order in which they are made. A node that moves is one that is updated.
pub(super) fn changes(plan: &SyncPlan) -> Vec<(Change, &Key)> {
    let moved = |key: &Key| plan.moves.iter().any(|moved| moved.to.key == *key);
    let made = plan.creates.iter().map(|stored| match moved(&stored.key) {
        true => (Change::Update, &stored.key),
        false => (Change::Create, &stored.key),
    });
    let updated = plan.updates.iter().map(|update| (Change::Update, &update.to.key));
    let destroyed = plan.destroys.iter().flatten().map(|stored| (Change::Destroy, &stored.key));
    made.chain(updated).chain(destroyed).collect()
}
