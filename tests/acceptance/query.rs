//! Queries: what an Omni has becomes configuration, is imported by it, and plans no change.

use crate::omni::Omni;
use crate::workspace::{Workspace, quoted};
use crate::{Context, Outcome, tests};
use omni_sim::{Options, worlds};
use terraform_provider_omni::provider;
use terraform_provider_omni::tf::schema::Mode;

tests![world_full_is_brought_under_terraform, world_datacenter_is_brought_under_terraform];

fn world_full_is_brought_under_terraform(context: &Context) -> Outcome {
    is_brought_under_terraform(context, "full")
}

fn world_datacenter_is_brought_under_terraform(context: &Context) -> Outcome {
    is_brought_under_terraform(context, "datacenter")
}

fn is_brought_under_terraform(context: &Context, world: &str) -> Outcome {
    if !context.cli.has_queries() {
        return Ok(());
    }
    let (_, text) = worlds::READY.iter().find(|(name, _)| *name == world).expect("a world");
    let omni = Omni::with(Options { world: Some(text.parse()?), machines: 0, ..Options::stepped() })?;
    let before = omni.settled_objects()?;
    let workspace = Workspace::of(context, &omni)?;
    let list = |name: &str| format!("list {} \"all\" {{\n  provider = omni\n  limit    = 10000\n}}\n", quoted(name));
    // One that lists any type has to be told which, and would find what the others find.
    let provider = provider::new();
    let all =
        provider.list_resources().iter().filter(|l| !l.schema().attributes.iter().any(|a| a.mode == Mode::Required));
    let lists: String = all.map(|l| list(l.type_name())).collect();
    workspace.write("all.tfquery.hcl", &lists)?;
    workspace.run(["query", "-no-color", "-generate-config-out=generated.tf"])?.success()?;

    let file = workspace.path().join("generated.tf");
    let generated = std::fs::read_to_string(&file)?;
    let found = generated.matches("\nimport {").count();
    assert!(found > 10, "{generated}");
    // The one secret that has to be filled in: which token is the default.
    let token = format!("token_id = {}", quoted(&default_token(&omni)?));
    let filled = generated.replace("token_id = null # sensitive", &token);
    std::fs::write(&file, filled)?;
    let plan = workspace.plan()?;
    assert_eq!(plan.imports().len(), found);
    assert_eq!(plan.actions().len(), 0, "{:?}", plan.actions());
    workspace.apply()?;
    workspace.plan()?.must_be_empty()?;
    assert_eq!(omni.writes(), 0, "an import writes nothing");
    assert_eq!(omni.settled_objects()?, before);
    Ok(())
}

fn default_token(omni: &Omni) -> Outcome<String> {
    let token: omni_proto::specs::DefaultJoinTokenSpec = omni.spec("DefaultJoinTokens", "default");
    if token.token_id.is_empty() { Err("there is no default token".into()) } else { Ok(token.token_id) }
}
