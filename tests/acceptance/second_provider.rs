//! A second provider that is configured by an ephemeral kubeconfig: the example as it stands, on a cluster that it brings up itself.

use crate::leaks::{self, Scan};
use crate::omni::{Omni, Server};
use crate::workspace::Workspace;
use crate::{Context, Outcome, stand_in, tests};
use omni_proto::specs::ClusterUuid;
use omni_sim::{Mode, Options};
use serde_json::{Value, json};
use std::time::Duration;

tests![the_example_works_in_a_cluster_that_it_makes];

const EXAMPLE: &str = include_str!("../../examples/demo/kubernetes/main.tf");

fn the_example_works_in_a_cluster_that_it_makes(context: &Context) -> Outcome {
    let omni =
        Omni::with(Options { tls: true, mode: Mode::Auto { tick: Duration::from_millis(20) }, ..Options::default() })?;
    let at_first = omni.settled_objects()?;
    let ca = omni.ca_pem().ok_or("no CA certificate")?;
    let start = start_of_every_token(context, &omni, ca)?;
    let mut scan = Scan::of([("a token", start)])?;
    scan.look_for("a part of the key", &omni.key()[40..80])?;

    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    crate::place(&std::env::current_exe()?, folder.path(), stand_in::BINARY)?;
    let workspace = Workspace::of(context, &omni)?.with_plugin(stand_in::ADDRESS, folder.path())?;
    let workspace = scan.listen(workspace).env("TF_VAR_ca_certificate_file", "ca.pem");
    workspace.write("ca.pem", ca)?;
    // The example says itself where its providers come from.
    workspace.remove("versions.tf")?;
    workspace.write("main.tf", EXAMPLE)?;

    scan.make(&workspace)?;
    let seen = connection(&workspace)?;
    assert!(seen.host.starts_with("https://127.0.0.1:"), "{}", seen.host);
    assert_eq!(seen.authority, ca);
    let uuid: ClusterUuid = omni.spec("ClusterUUIDs", "demo");
    for (claim, expected) in [
        ("cluster", json!("demo")),
        ("cluster_uuid", json!(uuid.uuid)),
        ("sub", json!("terraform")),
        ("groups", json!(["system:masters"])),
    ] {
        assert_eq!(seen.claims[claim], expected, "{claim}");
    }
    let life = seen.claims["exp"].as_u64().zip(seen.claims["iat"].as_u64()).map(|(end, start)| end - start);
    assert_eq!(life, Some(2 * 3600));

    // The next run has a token of its own, and nothing else changes: the stand-in tells of tokens, so its output does.
    scan.run(&workspace, &["plan", "-json", "-input=false", "-out=second.tfplan"])?;
    scan.run(&workspace, &["apply", "-json", "-input=false", "second.tfplan"])?;
    assert_eq!(connection(&workspace)?.claims["cluster_uuid"], seen.claims["cluster_uuid"]);
    scan.destroy(&workspace)?;
    scan.expect_nothing(&workspace)?;
    omni.wait_for_objects(&at_first)
}

/// What the second provider was configured with.
struct Connection {
    host: String,
    authority: String,
    claims: Value,
}

fn connection(workspace: &Workspace) -> Outcome<Connection> {
    let values = workspace.values("data.kubernetes_server_version.demo")?;
    let text = |name: &str| values[name].as_str().map(str::to_owned).ok_or_else(|| format!("no {name} in {values}"));
    Ok(Connection {
        host: text("version")?,
        authority: text("git_commit")?,
        claims: serde_json::from_str(&text("git_version")?)?,
    })
}

fn start_of_every_token(context: &Context, omni: &Omni, ca: &str) -> Outcome<String> {
    let workspace = Workspace::of(context, omni)?;
    workspace.write("ca.pem", ca)?;
    workspace.write("provider.tf", "provider \"omni\" {\n  ca_certificate_file = \"ca.pem\"\n}\n")?;
    leaks::start_of_every_token(workspace)
}
