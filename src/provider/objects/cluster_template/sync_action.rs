//! `omni_cluster_template_sync`: makes a cluster what a template describes.

use super::diff::{self, changes};
use super::document;
use crate::omni::Key;
use crate::provider::engine::{Change, Cx, Facts, Failure, Observer, OmniAction, Run, carry_out, mark, part_name};
use crate::provider::errors::Operation;
use crate::provider::refusals::templates::OBJECT;
use crate::provider::roles;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::schema::{Schema, boolean};
use crate::tf::value::Value;
use async_trait::async_trait;

pub(super) struct Sync;

const FACTS: Facts = Facts {
    name: "omni_cluster_template_sync",
    verb: "synchronize",
    noun: "cluster template",
    id: "",
    timeout: "30m",
    role: roles::NEEDS_OPERATOR,
};

const DRY_RUN: &str = "dry_run";

#[async_trait]
impl OmniAction for Sync {
    fn facts(&self) -> Facts {
        FACTS
    }

    fn schema(&self) -> Schema {
        Schema::new(
            "Synchronizes a cluster with a cluster template, as `omnictl cluster template sync` does, and reports each object that it creates, updates and destroys. \
             Objects of the cluster that are not in the template are destroyed, unless a resource manages them. Use it for clusters that no resource manages.",
        )
        .with_all(document::attributes())
        .rule(document::RULE)
        .with(boolean(DRY_RUN).default(false).doc("With `true`, only reports what would change."))
    }

    fn writes(&self, config: &Value) -> bool {
        config.get(DRY_RUN).as_bool() != Some(true)
    }

    fn validate(&self, config: &Value, diags: &mut Diagnostics) {
        document::validate(config, diags);
    }

    async fn check(&self, cx: &Cx, config: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        let Some(loaded) = document::load(config).unwrap_or_else(|problems| {
            diags.extend(problems);
            None
        }) else {
            return Ok(());
        };
        if let Err(problems) = loaded.render(document::release(cx).await?) {
            diags.extend(problems);
        }
        Ok(())
    }

    async fn invoke(&self, run: &Run<'_>, config: &Value) -> Result<(), Failure> {
        let dry = !self.writes(config);
        let diff::Sync { cluster, mut plan, .. } =
            diff::planned(run.cx(), config, diff::Purpose::Write).await.map_err(|unplanned| match unplanned {
                diff::Unplanned::Wrong(problems) => first(problems),
                diff::Unplanned::Call(error) => Failure::from(*error),
            })?;
        if plan.is_empty() {
            run.say(format!("Cluster `{cluster}` is as the template describes it")).await;
            return Ok(());
        }
        if dry {
            for (change, key) in changes(&plan) {
                run.say(format!("{}: would be {}", part_name(key), change.done())).await;
            }
            return Ok(());
        }
        mark(&mut plan, &cluster, &run.session().managed_by);
        let told = Told(run);
        if let Err(stopped) = carry_out(run.cx(), &plan, &told).await {
            let name = part_name(&stopped.key);
            let part = Operation { verb: stopped.change.verb(), noun: OBJECT, id: &name, id_attribute: "" };
            let ended = run.write(async { Err::<(), _>(stopped.error) }).await;
            return ended.map_err(|error| Diagnostic { path: None, ..part.explain_invoked(&error) }.into());
        }
        run.say(format!("Cluster `{cluster}` is synchronized")).await;
        Ok(())
    }
}

/// The first problem, with the others in its text: an action tells one.
fn first(problems: Diagnostics) -> Failure {
    let mut all = problems.iter();
    let Some(first) = all.next().cloned() else {
        return Diagnostic::error("Could not synchronize the cluster template", "The reason is not known.").into();
    };
    let more: String = all.map(|problem| format!("\n{}: {}", problem.summary, problem.detail)).collect();
    Diagnostic { detail: format!("{}{more}", first.detail), ..first }.into()
}

/// Tells each write as progress.
struct Told<'a, 'r>(&'a Run<'r>);

#[async_trait]
impl Observer for Told<'_, '_> {
    async fn wrote(&self, change: Change, key: &Key) {
        self.0.done(format!("{}: {}", part_name(key), change.done())).await;
    }
}
