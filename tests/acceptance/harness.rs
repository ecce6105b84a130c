//! The harness itself: each CLI runs, finds the built provider, and its answers are read right.

use crate::diagnostic::Diagnostic;
use crate::plan::Action;
use crate::process::Running;
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use serde_json::{Value, json};
use std::process::Command;

tests![
    tells_its_version,
    schema_comes_from_the_built_provider,
    validates_a_configuration,
    points_at_the_wrong_line,
    reads_plans,
    reads_states,
    ends_programs_that_hang,
];

fn tells_its_version(context: &Context) -> Outcome {
    let output = Workspace::new(context)?.run(["version", "-json"])?.success()?;
    let answer: Value = serde_json::from_str(&output.stdout)?;
    assert_eq!(answer["terraform_version"], json!(context.cli.version));
    assert!(context.cli.version.starts_with(context.cli.short_version()));
    Ok(())
}

fn schema_comes_from_the_built_provider(context: &Context) -> Outcome {
    let output = Workspace::new(context)?.run(["providers", "schema", "-json"])?.success()?;
    let answer: Value = serde_json::from_str(&output.stdout)?;
    let schemas = answer["provider_schemas"].as_object().ok_or("no schemas")?;
    assert_eq!(schemas.keys().collect::<Vec<_>>(), [terraform_provider_omni::PROVIDER_ADDRESS]);
    let resources = &schemas[terraform_provider_omni::PROVIDER_ADDRESS]["resource_schemas"];
    assert_eq!(resources["omni_cluster"]["block"]["attributes"]["name"]["required"], json!(true), "{resources}");
    Ok(())
}

fn validates_a_configuration(context: &Context) -> Outcome {
    let workspace = Workspace::new(context)?;
    workspace.write("main.tf", CLUSTER)?;
    let output = workspace.run(["validate", "-json"])?.success()?;
    assert_eq!(Diagnostic::errors(&output)?, []);
    Ok(())
}

fn points_at_the_wrong_line(context: &Context) -> Outcome {
    let workspace = Workspace::new(context)?;
    workspace.write("main.tf", &CLUSTER.replace("1.13.5", "newest"))?;
    let error = Diagnostic::only_error(&workspace.run(["validate", "-json"])?.failure()?)?;
    assert_eq!(error.attribute(), "talos_version", "{error:?}");
    assert_eq!(error.address, "omni_cluster.demo", "{error:?}");
    Ok(())
}

fn reads_plans(context: &Context) -> Outcome {
    let workspace = Workspace::new(context)?;
    workspace.write("main.tf", BUILT_IN)?;
    let plan = workspace.plan_out("first.tfplan")?;
    assert!(plan.must_be_empty().is_err());
    assert_eq!(plan.action("terraform_data.a"), Action::Create);
    assert_eq!(plan.actions().into_iter().collect::<Vec<_>>(), [("terraform_data.a", Action::Create)]);
    assert_eq!(plan.after("terraform_data.a")["input"], json!("one"));
    assert_eq!(plan.before("terraform_data.a"), &Value::Null);
    assert_eq!(plan.unknown("terraform_data.a")["id"], json!(true));
    assert_eq!(plan.changed_outputs(), ["a"]);
    assert_eq!(workspace.apply_plan("first.tfplan")?.success()?.code, 0);
    workspace.plan()?.must_be_empty()?;

    workspace.write("main.tf", &BUILT_IN.replace("one", "two"))?;
    let plan = workspace.plan()?;
    assert_eq!(plan.action("terraform_data.a"), Action::Update);
    assert_eq!(plan.changed_attributes("terraform_data.a"), ["input", "output"]);

    workspace.write("main.tf", &BUILT_IN.replace("\"now\"", "\"later\""))?;
    let plan = workspace.plan()?;
    assert_eq!(plan.action("terraform_data.a"), Action::Replace);
    assert_eq!(plan.replace_paths("terraform_data.a"), ["triggers_replace"]);
    assert_eq!(plan.drift().len(), 0);
    Ok(())
}

fn reads_states(context: &Context) -> Outcome {
    let workspace = Workspace::new(context)?;
    assert_eq!(workspace.addresses()?, Vec::<String>::new());
    workspace.write("main.tf", BUILT_IN)?;
    workspace.apply()?;
    assert_eq!(workspace.addresses()?, ["terraform_data.a"]);
    assert_eq!(workspace.values("terraform_data.a")?["output"], json!("one"));
    assert_eq!(workspace.values("terraform_data.b")?, Value::Null);
    assert_eq!(workspace.output("a")?, json!("one"));
    workspace.destroy()?;
    assert_eq!(workspace.addresses()?, Vec::<String>::new());
    Ok(())
}

fn ends_programs_that_hang(_: &Context) -> Outcome {
    let mut hanging = Running::start(Command::new("sh").args(["-c", "echo ready; sleep 1000 & wait"]))?;
    hanging.wait_for("ready")?;
    hanging.signal("TERM")?;
    // The inner program has to go too: it holds the output, which is read to its end.
    let output = hanging.finish()?.failure()?;
    assert_eq!((output.code, output.stdout.as_str()), (-1, "ready\n"));
    Ok(())
}

const CLUSTER: &str = r#"
resource "omni_cluster" "demo" {
  name               = "demo"
  kubernetes_version = "1.36.2"
  talos_version      = "1.13.5"
}
"#;

const BUILT_IN: &str = r#"
resource "terraform_data" "a" {
  input            = "one"
  triggers_replace = "now"
}

output "a" {
  value = terraform_data.a.output
}
"#;
