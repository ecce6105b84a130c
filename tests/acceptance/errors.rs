//! What a user reads when an object, a data source or an import is refused: where, why, and what to do about it.

use crate::diagnostic::Diagnostic;
use crate::omni::Omni;
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use omni_sim::Role;

tests![
    machine_set_of_a_locked_cluster,
    machine_of_another_cluster,
    kubeconfig_of_no_cluster,
    label_selector_that_cannot_be_parsed,
    import_of_nothing,
    import_block_of_nothing,
    update_and_destroy_as_a_reader,
    update_and_destroy_while_read_only,
];

fn machine_set_of_a_locked_cluster(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", &format!("{CLUSTER}{WORKERS}"))?;
    workspace.apply()?;
    let locked = CLUSTER.replace("\n}", "\n  locked = true\n}");
    workspace.write("main.tf", &format!("{locked}{WORKERS}"))?;
    workspace.apply()?;
    let faster = WORKERS.replace("\n}", "\n  update_strategy = { type = \"Rolling\", max_parallelism = 3 }\n}");
    workspace.write("main.tf", &format!("{locked}{faster}"))?;
    let parts =
        ["Cluster `demo` is locked", "machine sets", "this configuration keeps it locked", "Set `locked = false`"];
    workspace.plan_error()?.says("omni_machine_set.workers", "cluster", &parts);

    workspace.write("main.tf", &locked)?;
    // The set and the cluster are planned in any order. For a removal hosts name no resource, so the text does.
    let error = workspace.plan_error()?;
    for part in ["Cluster `demo` is locked", "destroys machine set `demo-workers`", "locked = false"] {
        assert!(error.text().contains(part), "{part:?} is not in {error:#?}");
    }

    // What it says helps.
    workspace.write("main.tf", &format!("{}{WORKERS}", locked.replace("locked = true", "locked = false")))?;
    workspace.apply()?;
    workspace.write("main.tf", &format!("{CLUSTER}{faster}"))?;
    workspace.apply()?;
    workspace.plan()?.must_be_empty()
}

fn machine_of_another_cluster(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let first = Workspace::of(context, &omni)?;
    first.write("main.tf", &format!("{CLUSTER}{CONTROL_PLANES}"))?;
    first.apply()?;
    let second = Workspace::of(context, &omni)?;
    let other = format!("{CLUSTER}{CONTROL_PLANES}").replace("\"demo\"\n  talos", "\"other\"\n  talos");
    second.write("main.tf", &other)?;
    // The machine may leave that cluster before the apply, so the plan only warns of it.
    let output = second.run(["apply", "-json", "-input=false", "-auto-approve"])?.failure()?;
    let warned = "It belongs to cluster `demo`, and a machine can belong to one cluster only";
    assert!(output.stdout.contains("is in use") && output.stdout.contains(warned), "{output}");
    // One mistake, one warning.
    assert!(!output.stdout.contains("The apply cannot create"), "{output}");
    let error = Diagnostic::only_error(&output)?;
    error.says("omni_machine_set_node.first", "machine_id", &["Omni already has a machine set node"]);
    Ok(())
}

fn kubeconfig_of_no_cluster(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", "data \"omni_kubeconfig\" \"k\" {\n  cluster = \"nowhere\"\n}\n")?;
    let error = workspace.plan_error()?;
    let parts = ["Cluster `nowhere` does not exist", "Check the name", "refer to its `id`"];
    error.says("data.omni_kubeconfig.k", "cluster", &parts);
    Ok(())
}

fn label_selector_that_cannot_be_parsed(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    for (selector, parts) in
        [("region in (eu", &["region in (eu"][..]), ("region ~ eu", &["region ~ eu"]), ("!", &["!"])]
    {
        workspace
            .write("main.tf", &format!("data \"omni_machines\" \"m\" {{\n  label_selector = \"{selector}\"\n}}\n"))?;
        workspace.plan_error()?.says("data.omni_machines.m", "label_selector", parts);
    }
    assert!(omni.requests().iter().all(|r| r.name() != "List"), "{:?}", omni.requests());
    Ok(())
}

/// The id of a machine that no Omni here has.
const UNKNOWN: &str = "00000000-0000-4000-8000-00000000dead";

fn import_of_nothing(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", &format!("{CLUSTER}{WORKERS}{CONTROL_PLANES}{PATCH}"))?;
    let table = [
        ("omni_cluster.demo", "demo", "cluster `demo`", "Name of the cluster"),
        ("omni_machine_set.workers", "demo/workers", "machine set `demo-workers`", "`<cluster>-workers`"),
        (
            "omni_machine_set_node.first",
            UNKNOWN,
            "machine set node `00000000-0000-4000-8000-00000000dead`",
            "ID (UUID) of the machine",
        ),
        ("omni_config_patch.time", "400-demo-time", "config patch `400-demo-time`", "`<weight>-<target>-<name>`"),
    ];
    for (address, id, what, like) in table {
        let output = workspace.run(["import", "-no-color", "-input=false", address, id])?.failure()?;
        let text = output.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [&format!("Could not import {what}"), "Omni has no", "Check the ID", "`endpoint`", like] {
            assert!(text.contains(part), "{part:?} is not in: {output}");
        }
    }
    assert_eq!(workspace.addresses()?, Vec::<String>::new());
    Ok(())
}

fn import_block_of_nothing(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", CLUSTER)?;
    workspace.write("import.tf", "import {\n  to = omni_cluster.demo\n  id = \"demo\"\n}\n")?;
    let error = workspace.plan_error()?;
    let parts = ["Could not import cluster `demo`", "Omni has no cluster", "Check the ID", "letters, digits, dashes"];
    error.says("", "", &parts);
    Ok(())
}

/// A state that an Admin made, in the hands of somebody with fewer rights.
fn handed_over(context: &Context, omni: &Omni) -> Outcome<Workspace> {
    let workspace = Workspace::of(context, omni)?;
    workspace.write("main.tf", CLUSTER)?;
    workspace.apply()?;
    Ok(workspace)
}

fn destroy_error(workspace: &Workspace) -> Outcome<Diagnostic> {
    Diagnostic::only_error(&workspace.run(["destroy", "-json", "-input=false", "-auto-approve"])?.failure()?)
}

fn update_and_destroy_as_a_reader(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = handed_over(context, &omni)?.env("OMNI_SERVICE_ACCOUNT_KEY", omni.key_for(Role::Reader)?);
    workspace.plan()?.must_be_empty()?;
    workspace.write("main.tf", &CLUSTER.replace("1.36.2", "1.36.3"))?;
    let error = workspace.apply_error()?;
    error.says("omni_cluster.demo", "", &["Could not update cluster `demo`", "denied access", "role is too low"]);
    let error = destroy_error(&workspace)?;
    error.says("", "", &["Could not destroy cluster `demo`", "denied access", "role is too low"]);
    assert_eq!(omni.ids("Clusters"), ["demo"]);
    Ok(())
}

fn update_and_destroy_while_read_only(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = handed_over(context, &omni)?;
    let block = "provider \"omni\" {\n  read_only = true\n}\n";
    workspace.write("main.tf", &format!("{block}{}", CLUSTER.replace("1.36.2", "1.36.3")))?;
    omni.forget_requests();
    let error = workspace.apply_error()?;
    error.says("omni_cluster.demo", "", &["refuses to update cluster `demo` (omni_cluster)", "Remove `read_only`"]);
    let error = destroy_error(&workspace)?;
    error.says("", "", &["refuses to destroy cluster `demo` (omni_cluster)", "Remove `read_only`"]);
    let reads = ["Get", "List", "Watch"];
    let writes: Vec<_> = omni.requests().into_iter().filter(|r| !reads.contains(&r.name())).collect();
    assert_eq!(writes, []);
    Ok(())
}

const CLUSTER: &str = r#"
resource "omni_cluster" "demo" {
  name               = "demo"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
}
"#;

const WORKERS: &str = r#"
resource "omni_machine_set" "workers" {
  cluster = omni_cluster.demo.name
  role    = "workers"
}
"#;

const CONTROL_PLANES: &str = r#"
data "omni_machines" "all" {}

resource "omni_machine_set" "control_planes" {
  cluster = omni_cluster.demo.name
  role    = "controlplane"
}

resource "omni_machine_set_node" "first" {
  cluster     = omni_cluster.demo.name
  machine_set = omni_machine_set.control_planes.id
  machine_id  = data.omni_machines.all.ids[0]
  wait_for    = "allocated"
}
"#;

const PATCH: &str = r#"
resource "omni_config_patch" "time" {
  name    = "time"
  cluster = omni_cluster.demo.name
  data    = "machine: {}"
}
"#;
