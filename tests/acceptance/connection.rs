//! The provider block: where Omni is may not be known yet, and who it is has to be proved.

use crate::omni::{Omni, Server};
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use terraform_provider_omni::sim::Options;

tests![an_endpoint_that_is_not_known_yet_is_not_missing, a_server_has_to_prove_itself, data_sources_say_what_they_miss];

fn an_endpoint_that_is_not_known_yet_is_not_missing(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?.env("TF_VAR_endpoint", omni.endpoint()).env("OMNI_ENDPOINT", "");
    workspace.write("main.tf", LATER)?;
    let plan = workspace.plan_out("later.tfplan")?;
    assert_eq!(plan.actions().len(), 2, "{:?}", plan.actions());
    workspace.apply_plan("later.tfplan")?.success()?;
    assert_eq!(omni.ids("Clusters"), ["demo"]);
    workspace.plan()?.must_be_empty()
}

fn a_server_has_to_prove_itself(context: &Context) -> Outcome {
    let (omni, other) = (
        Omni::with(Options { tls: true, ..Options::stepped() })?,
        Omni::with(Options { tls: true, ..Options::stepped() })?,
    );
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("ca.pem", omni.ca_pem().unwrap_or_default())?;
    workspace.write("other.pem", other.ca_pem().unwrap_or_default())?;
    let configured =
        |block: &str| workspace.write("main.tf", &format!("provider \"omni\" {{\n{block}\n}}\n{MACHINES}"));
    for (block, refused) in [
        ("  ca_certificate_file = \"ca.pem\"", false),
        ("  ca_certificate = file(\"ca.pem\")", false),
        ("  insecure_skip_tls_verify = true", false),
        ("", true),
        ("  ca_certificate_file = \"other.pem\"", true),
    ] {
        configured(block)?;
        let output = workspace.run(["plan", "-no-color", "-input=false"])?;
        if refused {
            let text = output.failure()?.stderr;
            assert!(text.contains("Omni cannot be reached") && text.contains("certificate"), "{block}: {text}");
        } else {
            output.success()?;
        }
    }
    configured("  ca_certificate_file = \"none.pem\"")?;
    let error = workspace.plan_error()?;
    assert_eq!(error.attribute(), "ca_certificate_file", "{error:#?}");
    Ok(())
}

fn data_sources_say_what_they_miss(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    for (configuration, attribute, says) in [
        ("data \"omni_kubeconfig\" \"x\" {\n  cluster = \"none\"\n}\n", "cluster", "Cluster `none` does not exist"),
        ("data \"omni_machines\" \"x\" {\n  label_selector = \"a in (b\"\n}\n", "label_selector", "label_selector"),
        ("data \"omni_machines\" \"x\" {\n  id_regexp = \"(\"\n}\n", "id_regexp", "regular expression"),
        ("data \"omni_kubeconfig\" \"x\" {\n  cluster = \"none\"\n  ttl = \"soon\"\n}\n", "ttl", "is not a duration"),
    ] {
        workspace.write("main.tf", configuration)?;
        let error = workspace.plan_error()?;
        assert_eq!(error.attribute(), attribute, "{error:#?}");
        assert!(error.text().contains(says), "{says}: {}", error.text());
    }
    Ok(())
}

const MACHINES: &str = "data \"omni_machines\" \"all\" {}\n";

const LATER: &str = r#"
variable "endpoint" {
  type = string
}

resource "terraform_data" "endpoint" {
  input = var.endpoint
}

provider "omni" {
  endpoint = terraform_data.endpoint.output
}

resource "omni_cluster" "demo" {
  name               = "demo"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
}
"#;
