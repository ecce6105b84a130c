//! Join tokens as a person at the terminal meets them: warned of before machines are cut off, and never shown a token;
//! and a token for the length of a run, which nothing keeps.

use crate::leaks::Scan;
use crate::omni::Omni;
use crate::workspace::{ONE_MACHINE, Workspace};
use crate::{Context, Outcome, tests};
use omni_proto::specs::{ConfigPatchSpec, JoinTokenSpec, JoinTokenUsageSpec};
use omni_sim::world;

tests![a_revocation_warns_and_shows_no_token, a_token_of_a_run_is_kept_nowhere];

/// The id of the token of this name.
fn named(omni: &Omni, name: &str) -> Option<String> {
    let spec = |id: &String| omni.spec::<JoinTokenSpec>("JoinTokens", id);
    omni.ids("JoinTokens").into_iter().find(|id| spec(id).name == name)
}

fn a_revocation_warns_and_shows_no_token(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", EDGE)?;
    let mut scan = Scan::default();
    scan.run(&workspace, &["apply", "-no-color", "-input=false", "-auto-approve"])?;
    let token = named(&omni, "edge").ok_or("no token")?;
    scan.look_for("the token", &token)?;
    workspace.plan()?.must_be_empty()?;
    let machine = omni.ids("JoinTokenUsages").into_iter().min().ok_or("no machine has joined")?;
    omni.change::<JoinTokenUsageSpec>("JoinTokenUsages", &machine, |usage| usage.token_id.clone_from(&token))?;
    omni.wait_until("the machine is known to need the token", |store| {
        let statuses = store.list("JoinTokenStatuses.omni.sidero.dev");
        let status = statuses.iter().find(|status| status.key.id == token);
        status.is_some_and(|s| !s.spec::<omni_proto::specs::JoinTokenStatusSpec>().warnings.is_empty())
    })?;

    workspace.write("main.tf", &EDGE.replace("revoked = false", "revoked = true"))?;
    let warned = |text: &str, what: &str| {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(&format!("{what} join token `edge` disconnects machines")), "{text}");
        assert!(text.contains(&machine), "{text}");
    };
    for arguments in [
        &["plan", "-no-color", "-input=false"][..],
        &["plan", "-json", "-input=false"][..],
        &["apply", "-no-color", "-input=false", "-auto-approve"][..],
    ] {
        warned(&scan.run(&workspace, arguments)?.stdout, "Revoking");
    }
    assert!(omni.spec::<JoinTokenSpec>("JoinTokens", &token).revoked);
    scan.run(&workspace, &["state", "show", "-no-color", "omni_join_token.edge"])?;
    warned(&scan.run(&workspace, &["plan", "-no-color", "-input=false", "-destroy"])?.stdout, "Destroying");
    scan.run(&workspace, &["state", "rm", "omni_join_token.edge"])?;
    scan.run(&workspace, &["import", "-no-color", "-input=false", "omni_join_token.edge", "edge"])?;
    scan.run(&workspace, &["plan", "-no-color", "-input=false", "-destroy"])?;
    scan.run(&workspace, &["apply", "-json", "-input=false", "-auto-approve", "-destroy"])?;
    assert_eq!(named(&omni, "edge"), None);
    // The state is the place where a managed token is; what people read is not.
    let read = |line: &String| line.starts_with("stdout of") || line.starts_with("stderr of");
    // Hosts print the `id` of what they have read, sensitive or not, during imports and for programs.
    let hosts_own =
        |line: &String| line.starts_with("stdout of") && (line.contains(" -json ") || line.contains(" import "));
    let shown = scan.found(&workspace)?.into_iter().filter(read);
    let shown: Vec<_> = shown.filter(|line| !hosts_own(line)).collect();
    assert_eq!(shown, Vec::<String>::new());
    Ok(())
}

fn a_token_of_a_run_is_kept_nowhere(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let machine = omni.ids("MachineStatuses").into_iter().min().ok_or("no machine")?;
    world::disconnect_machine(omni.store(), &machine);
    let mut scan = Scan::default();
    let workspace = scan.listen(Workspace::of(context, &omni)?);
    workspace.write("main.tf", &format!("{ONE_MACHINE}{RUN}"))?;
    let apply = workspace.spawn(["apply", "-no-color", "-input=false", "-auto-approve"])?;
    // While a node is waited for, the token is there, and lasts longer and longer.
    let end = |store: &omni_sim::store::Store| {
        let tokens = store.list("JoinTokens.omni.sidero.dev");
        let specs = tokens.iter().map(|token| token.spec::<JoinTokenSpec>());
        specs.filter(|spec| spec.name == "run").find_map(|spec| spec.expiration_time).map(|end| end.seconds)
    };
    omni.wait_until("the node is waited for", |store| {
        end(store).is_some() && !store.list("MachineSetNodes.omni.sidero.dev").is_empty()
    })?;
    let before = end(omni.store()).ok_or("the token is gone")?;
    let token = named(&omni, "run").ok_or("no token")?;
    scan.look_for("the token", &token)?;
    omni.wait_until("the token is renewed", |store| end(store).is_some_and(|now| now > before))?;
    world::reconnect_machine(omni.store(), &machine);
    scan.heard(apply.finish()?.success()?);
    assert_eq!(named(&omni, "run"), None, "it is removed with the end of the run");
    let patch: ConfigPatchSpec = omni.spec("ConfigPatches", "400-one-late");
    assert!(patch.data.contains(&token), "{patch:?}");
    scan.run(&workspace, &["plan", "-no-color", "-input=false", "-out=second.tfplan"])?;
    scan.run(&workspace, &["show", "-json", "second.tfplan"])?;
    scan.destroy(&workspace)?;
    assert_eq!(named(&omni, "run"), None);
    scan.expect_nothing(&workspace)
}

const EDGE: &str = r#"
resource "omni_join_token" "edge" {
  name    = "edge"
  revoked = false
}
"#;

/// What comes on top of a cluster of one machine.
const RUN: &str = r#"
ephemeral "omni_join_token" "run" {
  name = "run"
  ttl  = "10s"
}

resource "omni_config_patch" "late" {
  name       = "late"
  cluster    = omni_cluster.one.name
  data_wo    = yamlencode({ machine = { env = { TOKEN = ephemeral.omni_join_token.run.id } } })
  depends_on = [omni_machine_set_node.one]
}
"#;
