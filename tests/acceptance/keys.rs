//! A second provider block with a key of its own: made for the run, used, and gone afterwards, whatever becomes of the run.

use crate::leaks::{self, Scan};
use crate::omni::Omni;
use crate::plan::Action;
use crate::workspace::{ONE_MACHINE, Workspace};
use crate::{Context, Outcome, tests};
use omni_sim::Options;

tests![
    a_second_provider_works_with_a_key_of_its_own,
    a_role_that_is_too_low_stops_the_apply_and_leaves_nothing,
    ctrl_c_leaves_no_account,
    a_key_of_an_account_that_is_not_there_yet,
    an_account_that_is_not_there_is_named,
];

/// The accounts beside the one that the simulator starts with.
fn accounts(omni: &Omni) -> Vec<String> {
    let all = omni.ids("Identities").into_iter();
    all.filter(|id| id.ends_with("@serviceaccount.omni.sidero.dev") && !id.starts_with("demo@")).collect()
}

/// How often this call was made.
fn calls(omni: &Omni, name: &str) -> usize {
    omni.requests().iter().filter(|request| request.name() == name).count()
}

fn a_second_provider_works_with_a_key_of_its_own(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let mut scan = Scan::of(leaks::parts_of_every_key())?;
    let workspace = scan.listen(Workspace::of(context, &omni)?);
    workspace.write("main.tf", &format!("{}{CLUSTER}", block("name = \"run\"")))?;
    scan.make(&workspace)?;
    assert_eq!(omni.ids("Clusters"), ["demo"]);
    assert_eq!(
        (accounts(&omni), calls(&omni, "CreateServiceAccount")),
        (vec![], 2),
        "one for the plan, one for the apply"
    );
    scan.run(&workspace, &["plan", "-json", "-input=false", "-out=second.tfplan"])?;
    scan.destroy(&workspace)?;
    assert_eq!((omni.ids("Clusters"), accounts(&omni)), (vec![], vec![]));
    assert_eq!(calls(&omni, "CreateServiceAccount"), calls(&omni, "DestroyServiceAccount"));
    scan.expect_nothing(&workspace)?;
    // What was looked for is what keys hold.
    let made = terraform_provider_omni::omni::auth::generate("run", HOUR, HOUR)?;
    let key = kit::secret::ExposeSecret::expose_secret(&made.exported);
    assert!(key.starts_with(&leaks::parts_of_every_key()[0].1), "{}", leaks::parts_of_every_key()[0].1);
    Ok(())
}

const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);

/// This also shows that it is the second key that is used: the first one may do everything.
fn a_role_that_is_too_low_stops_the_apply_and_leaves_nothing(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", &format!("{}{CLUSTER}", block("role = \"Reader\"")))?;
    let error = workspace.apply_error()?;
    assert_eq!(error.address, "omni_cluster.demo", "{error:?}");
    assert!(error.text().contains("denied access") && error.text().contains("Reader"), "{error:?}");
    assert_eq!(omni.ids("Clusters"), Vec::<String>::new());
    // After a failure the host closes nothing any more; the end of the provider's process does.
    omni.wait_until("the account is gone", |_| accounts(&omni).is_empty())
}

fn ctrl_c_leaves_no_account(context: &Context) -> Outcome {
    // Its controllers stand still, so that the machine never runs.
    let omni = Omni::with(Options::stepped())?;
    omni.settle()?;
    let workspace = Workspace::of(context, &omni)?;
    let behind = ONE_MACHINE.replace("\" \"one\" {", "\" \"one\" {\n  provider = omni.run");
    workspace.write("main.tf", &format!("{}{behind}", block("")))?;
    let mut apply = workspace.spawn(["apply", "-no-color", "-input=false", "-auto-approve"])?;
    apply.wait_for("omni_machine_set_node.one: Still creating")?;
    assert_eq!(accounts(&omni).len(), 1, "it is in use");
    apply.interrupt()?;
    let output = apply.finish()?.failure()?;
    assert!(output.stdout.contains("Interrupt received"), "{output}");
    // The host closes nothing any more; the end of the provider's process does.
    omni.wait_until("the account is gone", |_| accounts(&omni).is_empty())?;
    Ok(())
}

/// The whole of it in one apply: the account, then a key of it, then what the second provider makes with that.
fn a_key_of_an_account_that_is_not_there_yet(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let mut scan = Scan::of([leaks::parts_of_every_key()[1].clone()])?;
    let workspace = scan.listen(Workspace::of(context, &omni)?);
    let block = block("service_account = omni_service_account.later.id\n  ttl = \"5m\"");
    workspace.write("main.tf", &format!("{LATER}{block}{CLUSTER}"))?;
    let plan = workspace.plan_out("first.tfplan")?;
    assert_eq!(plan.action("omni_cluster.demo"), Action::Create);
    assert_eq!(calls(&omni, "RenewServiceAccount"), 0, "the account is not there yet");
    workspace.apply_plan("first.tfplan")?.success()?;
    assert_eq!((omni.ids("Clusters"), calls(&omni, "RenewServiceAccount")), (vec!["demo".to_owned()], 1));
    workspace.plan()?.must_be_empty()?;
    scan.destroy(&workspace)?;
    assert_eq!((omni.ids("Clusters"), accounts(&omni)), (vec![], vec![]));
    scan.expect_nothing(&workspace)
}

const LATER: &str = r#"
resource "omni_service_account" "later" {
  name      = "later"
  role      = "Operator"
  store_key = false
}
"#;

fn an_account_that_is_not_there_is_named(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", &format!("{}{CLUSTER}", block("service_account = \"nobody\"")))?;
    let error = workspace.plan_error()?;
    error.says(
        "ephemeral.omni_service_account_key.run",
        "service_account",
        &["`nobody` does not exist", "refer to the `id`"],
    );
    Ok(())
}

/// A key with these arguments, and a second provider that uses it.
fn block(arguments: &str) -> String {
    format!(
        r#"
ephemeral "omni_service_account_key" "run" {{
  {arguments}
}}

provider "omni" {{
  alias               = "run"
  service_account_key = ephemeral.omni_service_account_key.run.key
}}
"#
    )
}

const CLUSTER: &str = r#"
resource "omni_cluster" "demo" {
  provider           = omni.run
  name               = "demo"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
}
"#;
