//! `omni_delete_by_selector`: deletes the objects of a type whose labels match.

use super::type_name;
use super::type_name::{TYPE, short};
use crate::omni::spec::Spec;
use crate::omni::state::query::Query;
use crate::omni::{Kind, Resource as Stored};
use crate::provider::engine::{Cx, Facts, Failure, OmniAction, Run};
use crate::provider::lookup::{SELECTOR, is_selector, selects};
use crate::provider::since;
use crate::tf::check::whole_between;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::schema::{Schema, boolean, number, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use omni_proto::specs;

pub(super) struct DeleteBySelector;

const FACTS: Facts = Facts {
    name: "omni_delete_by_selector",
    verb: "delete",
    noun: "the objects that match",
    id: "",
    timeout: "30m",
    role: ROLE,
};

/// The role by type, in words.
const ROLE: &str = "Requires the role `Operator`; for `InfraMachineBMCConfigs`, `InfraProviders` and `SAMLLabelRules` the role `Admin`.";

const LABEL_SELECTOR: &str = "label_selector";
const MAX_COUNT: &str = "max_count";
const DRY_RUN: &str = "dry_run";

/// The types whose objects users delete. Singletons and what only calls remove are not among them.
const DELETABLE: &[Kind] = &[
    specs::ClusterSpec::KIND,
    specs::ConfigPatchSpec::KIND,
    specs::ExtensionsConfigurationSpec::KIND,
    specs::GrpcTunnelConfigSpec::KIND,
    specs::InfraMachineBmcConfigSpec::KIND,
    specs::InfraMachineConfigSpec::KIND,
    specs::InfraProviderSpec::KIND,
    specs::InstallationMediaConfigSpec::KIND,
    specs::JoinTokenSpec::KIND,
    specs::KernelArgsSpec::KIND,
    specs::KubernetesHealthCheckSpec::KIND,
    specs::KubernetesManifestGroupSpec::KIND,
    specs::MachineClassSpec::KIND,
    specs::MachineInstallDiskConfigSpec::KIND,
    specs::MachineLabelsSpec::KIND,
    specs::MachineRequestSetSpec::KIND,
    specs::MachineSetNodeSpec::KIND,
    specs::MachineSetSpec::KIND,
    specs::SamlLabelRuleSpec::KIND,
    specs::SiderolinkSpec::KIND,
];

/// How many objects a text names.
const NAMED: usize = 10;

#[async_trait]
impl OmniAction for DeleteBySelector {
    fn facts(&self) -> Facts {
        FACTS
    }

    fn schema(&self) -> Schema {
        let names: Vec<_> = DELETABLE.iter().map(|kind| format!("`{}`", short(*kind))).collect();
        Schema::new(format!(
            "Deletes all objects of a type whose labels match. If more than `{MAX_COUNT}` objects match, nothing is deleted. Objects are torn down one after the other, in the order of their IDs, and each is waited for.\n\n\
             ~> **Deleting a cluster, a machine set or one of its nodes wipes the machines.** Deleting `Links` removes machines from Omni without wiping them. Objects that Terraform manages are deleted too. Use `{DRY_RUN} = true` first."
        ))
        .with(type_name::attribute(|| DELETABLE, &format!("COSI type of the objects, one of {}.", names.join(", "))))
        .with(
            string(LABEL_SELECTOR)
                .required()
                .document()
                .check(is_selector())
                .check(selects())
                .doc(format!("Only objects whose labels match, {SELECTOR} It must have at least one condition.")),
        )
        .with(number(MAX_COUNT).required().check(whole_between(1, 1000)).doc(
            "The most objects to delete, from 1 to 1000. If more match, the action fails and deletes nothing.",
        ))
        .with(boolean(DRY_RUN).default(false).doc("With `true`, only tells which objects would be deleted."))
    }

    fn writes(&self, config: &Value) -> bool {
        config.get(DRY_RUN).as_bool() != Some(true)
    }

    async fn check(&self, cx: &Cx, config: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        let (Some((kind, query)), Some(most)) = (wanted(config), most(config)) else { return Ok(()) };
        since::check_kind(cx, kind, Path::of(TYPE), diags).await;
        if diags.has_errors() {
            return Ok(());
        }
        let found = cx.client().list(&cx.call, kind, &query).await?;
        if found.len() > most {
            let why = format!("{} The action will delete nothing unless fewer match by then.", too_many(&found, most));
            diags.push(Diagnostic::warning(summary(kind), why).hint(NARROW).at(Path::of(MAX_COUNT)));
        }
        if let Some(why) = owned(&found) {
            let why = format!("{why} The action will delete nothing unless this has changed by then.");
            diags.push(Diagnostic::warning(summary(kind), why).hint(LEAVE_OUT).at(Path::of(LABEL_SELECTOR)));
        }
        Ok(())
    }

    async fn invoke(&self, run: &Run<'_>, config: &Value) -> Result<(), Failure> {
        let (Some((kind, query)), Some(most)) = (wanted(config), most(config)) else { return Ok(()) };
        type_name::refuse_newer(run.cx(), kind).await?;
        // An object whose label was removed a moment ago must not be deleted for it.
        let found = run.client().list_fresh(run.call(), kind, &query).await?;
        if found.len() > most {
            return Err(Diagnostic::error(summary(kind), too_many(&found, most))
                .hint(NARROW)
                .at(Path::of(MAX_COUNT))
                .into());
        }
        if let Some(why) = owned(&found) {
            return Err(Diagnostic::error(summary(kind), why).hint(LEAVE_OUT).at(Path::of(LABEL_SELECTOR)).into());
        }
        if found.is_empty() {
            run.say(format!("No object of the type `{}` matches", short(kind))).await;
        }
        for (at, stored) in found.iter().enumerate() {
            let (key, place) = (&stored.key, format!("{} of {}", at + 1, found.len()));
            if !self.writes(config) {
                run.say(format!("Would delete `{key}` ({place})")).await;
                continue;
            }
            run.seen(format!("deleting `{key}` ({place})")).await;
            run.write(run.client().remove(run.call(), key)).await?;
            run.done(format!("Deleted `{key}`")).await;
        }
        Ok(())
    }
}

fn wanted(config: &Value) -> Option<(Kind, Query)> {
    let kind = type_name::named(DELETABLE, config.get(TYPE).as_str()?)?;
    let query = Query::parse_selector(config.get(LABEL_SELECTOR).as_str()?).ok()?;
    (query != Query::all()).then_some((kind, query))
}

fn most(config: &Value) -> Option<usize> {
    config.get(MAX_COUNT).as_i64().and_then(|most| usize::try_from(most).ok())
}

const NARROW: &str = "Add conditions to `label_selector`, or raise `max_count` if all of them are to be deleted.";

const LEAVE_OUT: &str = "Add conditions to `label_selector` that such objects do not match.";

/// Why these objects cannot all be deleted by users, where that is so.
fn owned(found: &[Stored]) -> Option<String> {
    let owned = found.iter().find(|stored| !stored.metadata.owner.is_empty())?;
    let (key, owner) = (&owned.key, &owned.metadata.owner);
    Some(format!("`{key}` belongs to the controller `{owner}` of Omni, which alone may delete it."))
}

fn summary(kind: Kind) -> String {
    format!("Will not delete objects of the type `{}`", short(kind))
}

fn too_many(found: &[Stored], most: usize) -> String {
    let named: Vec<_> = found.iter().take(NAMED).map(|stored| format!("`{}`", stored.key)).collect();
    let more = if found.len() > NAMED { ", …" } else { "" };
    format!("{} objects match, and `{MAX_COUNT}` is {most}: {}{more}.", found.len(), named.join(", "))
}
