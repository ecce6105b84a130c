//! Users from first to last, as hosts see them: one person however the address is written, and nobody changes oneself.

use crate::omni::{Omni, Server};
use crate::plan::Action;
use crate::workspace::{Workspace, quoted};
use crate::{Context, Outcome, tests};
use serde_json::json;

tests![one_person_however_the_address_is_written, oneself];

const ADMIN: &str = "admin@omni-sim.localhost";

fn user(email: &str, role: &str) -> String {
    format!("resource \"omni_user\" \"u\" {{\n  email = {}\n  role  = {}\n}}\n", quoted(email), quoted(role))
}

fn one_person_however_the_address_is_written(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", &user("Jane.Doe@Example.org", "Reader"))?;
    workspace.apply()?;
    workspace.plan()?.must_be_empty()?;
    assert_eq!(workspace.values("omni_user.u")?["email"], json!("Jane.Doe@Example.org"));
    workspace.write("main.tf", &user("jane.doe@example.org", "Reader"))?;
    workspace.plan()?.must_be_empty()?;

    let other = Workspace::of(context, &omni)?;
    other.write("main.tf", &user("JANE.DOE@example.org", "Reader"))?;
    other.import("omni_user.u", "jane.DOE@example.org")?;
    other.plan()?.must_be_empty()?;
    other.write("main.tf", &user("JANE.DOE@example.org", "Auditor"))?;
    assert_eq!(other.plan()?.action("omni_user.u"), Action::Update);
    other.apply()?;
    other.plan()?.must_be_empty()?;
    other.destroy()?;
    assert_eq!(omni.ids("Identities"), [ADMIN, "demo@serviceaccount.omni.sidero.dev"]);
    // What somebody removed is to be made again.
    assert_eq!(workspace.plan()?.action("omni_user.u"), Action::Create);
    Ok(())
}

fn oneself(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::new(context)?.env("OMNI_ENDPOINT", omni.endpoint());
    workspace.write("key.asc", &omni.sign_in(ADMIN)?)?;
    workspace.write(
        "provider.tf",
        &format!("provider \"omni\" {{\n  identity     = {}\n  pgp_key_file = \"key.asc\"\n}}\n", quoted(ADMIN)),
    )?;
    workspace.write("main.tf", &user(ADMIN, "Admin"))?;
    workspace.import("omni_user.u", ADMIN)?;
    workspace.plan()?.must_be_empty()?;
    workspace.write("main.tf", &user(ADMIN, "Reader"))?;
    let parts = ["Could not update user `admin@omni-sim.localhost`", "change or remove itself", "another account"];
    workspace.plan_error()?.says("omni_user.u", "role", &parts);
    // A plan of a removal warns only, since a destroy begins with one.
    workspace.write("main.tf", "")?;
    workspace.plan()?;
    let parts = ["Could not destroy user `admin@omni-sim.localhost`", "terraform state rm"];
    let error = workspace.apply_error()?;
    for part in parts {
        assert!(error.text().contains(part), "{part:?} is not in {error:#?}");
    }
    Ok(())
}
