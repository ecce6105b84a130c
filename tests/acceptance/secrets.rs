//! What must not be read where it does not belong: keys, tokens and write-only texts; and what logs do tell.
//! Secrets are looked for byte by byte, in all that a run leaves behind.

use crate::leaks::{self, Scan};
use crate::omni::{Omni, Server};
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use omni_proto::specs::ConfigPatchSpec;

tests![nothing_secret_is_written, a_wrong_key_is_not_quoted, logs_tell_of_every_call];

fn nothing_secret_is_written(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let start = leaks::start_of_every_token(Workspace::of(context, &omni)?)?;
    let mut scan = Scan::of(leaks::key_and_its_parts(omni.key())?)?;
    scan.look_for("the first text", FIRST_TEXT)?;
    scan.look_for("the second text", SECOND_TEXT)?;
    let workspace = scan.listen(Workspace::of(context, &omni)?);
    workspace.write("main.tf", CONFIGURATION)?;
    // The configuration itself is the user's: the text reaches Terraform by a variable, so that no file holds it.
    let workspace = workspace.env("TF_VAR_secret", FIRST_TEXT);
    scan.make(&workspace)?;
    let workspace = workspace.env("TF_VAR_secret", SECOND_TEXT);
    scan.run(&workspace, &["apply", "-json", "-input=false", "-auto-approve"])?;
    let stored: ConfigPatchSpec = omni.spec("ConfigPatches", "400-demo-hidden");
    assert!(stored.data.contains(SECOND_TEXT), "{stored:?}");
    scan.run(&workspace, &["plan", "-no-color", "-input=false", "-out=second.tfplan"])?;
    scan.destroy(&workspace)?;
    scan.expect_nothing(&workspace)?;

    // The state holds the token of the data source, as its documentation says, and so does a plan that read it; nothing else does.
    scan.look_for("a token", &start)?;
    let found = scan.found(&workspace)?;
    let kept = ["terraform.tfstate.backup ", "second.tfplan!"];
    let elsewhere: Vec<_> = found.iter().filter(|line| !kept.iter().any(|place| line.starts_with(place))).collect();
    assert_eq!(elsewhere, Vec::<&String>::new());
    Ok(())
}

fn a_wrong_key_is_not_quoted(context: &Context) -> Outcome {
    let (omni, other) = (Omni::start()?, Omni::start()?);
    let key = other.key().to_owned();
    // Cut short, as when it was copied in a hurry; and whole, but of another instance.
    for wrong in [&key[..key.len() - 9], &key[1..], key.as_str()] {
        let mut scan = Scan::of(leaks::key_and_its_parts(&key)?)?;
        let workspace = scan.listen(Workspace::of(context, &omni)?).env("OMNI_SERVICE_ACCOUNT_KEY", wrong);
        workspace.write("main.tf", "data \"omni_machines\" \"all\" {}\n")?;
        let output = workspace.run(["plan", "-no-color", "-input=false"])?.failure()?;
        assert!(output.stderr.contains("key"), "{output}");
        scan.heard(output);
        scan.expect_nothing(&workspace)?;
    }
    Ok(())
}

fn logs_tell_of_every_call(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?.env("TF_LOG_PROVIDER", "debug").env("TF_LOG_PATH", leaks::LOG);
    workspace.write("main.tf", CONFIGURATION)?;
    workspace.apply()?;
    let log = std::fs::read_to_string(workspace.path().join(leaks::LOG))?;
    let ours: Vec<_> = log.lines().filter(|l| l.contains("provider.terraform-provider-omni")).collect();
    let with = |parts: &[&str]| ours.iter().filter(|line| parts.iter().all(|p| line.contains(p))).count();
    for (rpc, kind) in [
        ("ConfigureProvider", ""),
        ("ValidateResourceConfig", "omni_cluster"),
        ("PlanResourceChange", "omni_cluster"),
        ("ApplyResourceChange", "omni_cluster"),
        ("ApplyResourceChange", "omni_config_patch"),
        ("ReadDataSource", "omni_kubeconfig"),
    ] {
        let name = format!("tf_rpc={rpc}");
        let kind = if kind.is_empty() { String::new() } else { format!("_type={kind}") };
        assert!(with(&[&name, &kind, "tf_req_id="]) > 0, "no {rpc} {kind} in\n{}", ours.join("\n"));
    }
    assert!(ours.iter().all(|line| !line.contains("[TRACE]")), "{}", ours.join("\n"));
    Ok(())
}

const FIRST_TEXT: &str = "hush-one-3f1c77";
const SECOND_TEXT: &str = "hush-two-9b02de";

const CONFIGURATION: &str = r#"
variable "secret" {
  type      = string
  default   = ""
  sensitive = true
  ephemeral = true
}

resource "omni_cluster" "demo" {
  name               = "demo"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
}

resource "omni_config_patch" "hidden" {
  name    = "hidden"
  cluster = omni_cluster.demo.name
  data_wo = var.secret == "" ? "machine: {}" : yamlencode({ machine = { env = { TOKEN = var.secret } } })
}

data "omni_kubeconfig" "k" {
  cluster = omni_cluster.demo.id
}
"#;
