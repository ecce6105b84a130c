//! Single objects over their life: imported, changed by others, removed, or not to be removed.

use crate::diagnostic::Diagnostic;
use crate::omni::Omni;
use crate::plan::Action;
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use omni_proto::specs::ClusterSpec;
use omni_sim::kinds;
use serde_json::json;

tests![
    import_by_identity,
    fields_unknown_to_us_survive,
    removed_outside,
    taken_out_of_the_configuration,
    destroy_that_cannot_finish,
];

fn import_by_identity(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let first = Workspace::of(context, &omni)?;
    first.write("main.tf", CLUSTER)?;
    first.apply()?;

    let second = Workspace::of(context, &omni)?;
    second.write("main.tf", CLUSTER)?;
    let import = "import {\n  to       = omni_cluster.demo\n  identity = { name = \"demo\" }\n}\n";
    // Older hosts know the id string only.
    let by_id = import.replace("identity = { name = \"demo\" }", "id       = \"demo\"");
    second.write("import.tf", if context.cli.is_at_least(12) { import } else { &by_id })?;
    let plan = second.plan_out("import.tfplan")?;
    assert_eq!((plan.imports(), plan.action("omni_cluster.demo")), (vec!["omni_cluster.demo"], Action::NoOp));
    second.apply_plan("import.tfplan")?.success()?;
    second.plan()?.must_be_empty()
}

fn fields_unknown_to_us_survive(context: &Context) -> Outcome {
    // Field 1999 as a number: what a newer server might keep there.
    const UNKNOWN: [u8; 3] = [0xf8, 0x7c, 7];
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", CLUSTER)?;
    workspace.apply()?;
    let key = kinds::key("Clusters.omni.sidero.dev", "demo");
    omni.store().modify(&key, |object| object.spec.extend(UNKNOWN)).ok_or("no cluster")?;
    workspace.plan()?.must_be_empty()?;

    workspace.write("main.tf", &CLUSTER.replace("1.36.2", "1.36.3"))?;
    workspace.apply()?;
    let object = omni.store().get(&key).ok_or("no cluster")?;
    assert_eq!(object.spec::<ClusterSpec>().kubernetes_version, "1.36.3");
    assert!(object.spec.windows(3).any(|w| w == UNKNOWN), "{:x?}", object.spec);
    Ok(())
}

fn removed_outside(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", CLUSTER)?;
    workspace.apply()?;
    assert!(omni.remove("Clusters", "demo"));
    workspace.refresh()?;
    assert_eq!(workspace.addresses()?, Vec::<String>::new());
    assert_eq!(workspace.plan()?.action("omni_cluster.demo"), Action::Create);
    workspace.apply()?;
    assert_eq!(omni.ids("Clusters"), ["demo"]);
    Ok(())
}

fn taken_out_of_the_configuration(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", CLUSTER)?;
    workspace.write("patch.tf", PATCH)?;
    workspace.apply()?;
    assert_eq!(omni.ids("ConfigPatches"), ["400-demo-time"]);
    workspace.remove("patch.tf")?;
    let plan = workspace.plan_out("less.tfplan")?;
    assert_eq!(plan.actions().into_iter().collect::<Vec<_>>(), [("omni_config_patch.time", Action::Delete)]);
    workspace.apply_plan("less.tfplan")?.success()?;
    assert_eq!(omni.ids("ConfigPatches"), Vec::<String>::new());
    workspace.plan()?.must_be_empty()
}

fn destroy_that_cannot_finish(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", &CLUSTER.replace("\n}", "\n  timeouts           = { delete = \"2s\" }\n}"))?;
    workspace.apply()?;
    let key = kinds::key("Clusters.omni.sidero.dev", "demo");
    omni.store().add_finalizer(&key, "SomebodyElsesController").ok_or("no cluster")?;
    let output = workspace.run(["destroy", "-json", "-input=false", "-auto-approve"])?.failure()?;
    let error = Diagnostic::only_error(&output)?;
    for part in ["Could not destroy cluster `demo`", "SomebodyElsesController", "`timeouts.delete`"] {
        assert!(error.text().contains(part), "{part:?} is not in {error:#?}");
    }
    // It is still ours, so that the next destroy goes on.
    assert_eq!(workspace.values("omni_cluster.demo")?["name"], json!("demo"));
    assert!(omni.store().get(&key).is_some_and(|o| o.tearing_down));
    omni.store().remove_finalizer(&key, "SomebodyElsesController").ok_or("no cluster")?;
    workspace.destroy()?;
    assert_eq!(workspace.addresses()?, Vec::<String>::new());
    assert_eq!(omni.ids("Clusters"), Vec::<String>::new());
    Ok(())
}

const CLUSTER: &str = r#"
resource "omni_cluster" "demo" {
  name               = "demo"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
}
"#;

const PATCH: &str = r#"
resource "omni_config_patch" "time" {
  name    = "time"
  cluster = omni_cluster.demo.name
  data    = yamlencode({ machine = { time = { servers = ["time.example.org"] } } })
}
"#;
