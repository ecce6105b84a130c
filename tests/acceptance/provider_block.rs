//! What the provider block may say: where Omni is and by which way, what is not known yet, and what cannot be.

use crate::diagnostic::Diagnostic;
use crate::omni::{Omni, Server};
use crate::plan::Action;
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use omni_sim::Options;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use std::net::TcpListener;

tests![
    key_of_an_account_that_is_unknown,
    endpoint_that_is_not_known_yet,
    endpoint_that_is_not_known_yet_and_is_read_from,
    endpoint_that_is_not_one,
    endpoint_of_the_environment_with_a_password,
    endpoint_of_an_omniconfig_with_a_password,
    key_file_that_is_a_pipe,
    ca_certificate_in_der_form,
    tls_connection_to_a_plain_server,
    ca_certificate_in_a_file,
    ca_certificate_of_another_authority,
    ca_certificate_that_is_missing,
    ca_certificate_file_that_is_not_there,
    plain_connection_to_a_tls_server,
    proxy_that_is_not_there,
    timeouts_that_are_none,
];

/// The address of the provider block in diagnostics.
const PROVIDER: &str = "provider[\"registry.terraform.io/omnirs/omni\"]";

/// The only error of a plan whose provider block is this.
fn refused(context: &Context, omni: &impl Server, block: &str) -> Outcome<Diagnostic> {
    with_block(Workspace::of(context, omni)?, block)?.plan_error()
}

fn with_block(workspace: Workspace, block: &str) -> Outcome<Workspace> {
    workspace
        .write("main.tf", &format!("provider \"omni\" {{\n{block}\n}}\n\ndata \"omni_machines\" \"all\" {{}}\n"))?;
    Ok(workspace)
}

fn over_tls() -> Outcome<Omni> {
    Omni::with(Options { tls: true, ..Options::stepped() })
}

fn key_of_an_account_that_is_unknown(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let other = Omni::with(Options { account: "stranger".to_owned(), ..Options::stepped() })?;
    let workspace = Workspace::of(context, &omni)?.env("OMNI_SERVICE_ACCOUNT_KEY", other.key());
    let error = with_block(workspace, "")?.plan_error()?;
    let parts = ["did not accept the signature", "`stranger`", "Check that the service account"];
    error.says(PROVIDER, "", &parts);
    Ok(())
}

/// The endpoint comes from a resource that does not exist yet, as where one configuration sets up Omni and uses it.
fn endpoint_that_is_not_known_yet(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace =
        Workspace::new(context)?.env("OMNI_SERVICE_ACCOUNT_KEY", omni.key()).env("TF_VAR_endpoint", omni.endpoint());
    workspace.write("main.tf", &format!("{LATER}{CLUSTER}"))?;
    let plan = workspace.plan_out("first.tfplan")?;
    assert_eq!(plan.action("omni_cluster.demo"), Action::Create);
    assert_eq!(plan.after("omni_cluster.demo")["name"], json!("demo"));
    workspace.apply_plan("first.tfplan")?.success()?;
    assert_eq!(omni.ids("Clusters"), ["demo"]);
    workspace.plan()?.must_be_empty()
}

/// What has to be read at once cannot be, and that is not called a missing endpoint.
fn endpoint_that_is_not_known_yet_and_is_read_from(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace =
        Workspace::new(context)?.env("OMNI_SERVICE_ACCOUNT_KEY", omni.key()).env("TF_VAR_endpoint", omni.endpoint());
    workspace.write("main.tf", &format!("{LATER}\ndata \"omni_machines\" \"all\" {{}}\n"))?;
    let error = workspace.plan_error()?;
    error.says("data.omni_machines.all", "", &["not known yet", "`endpoint`", "known only after apply", "-target"]);
    assert!(!error.text().contains("issing"), "{error:#?}");

    // What it says helps.
    workspace.run(["apply", "-input=false", "-auto-approve", "-target=terraform_data.endpoint"])?.success()?;
    workspace.apply()?;
    assert_eq!(workspace.values("data.omni_machines.all")?["ids"].as_array().map(Vec::len), Some(6));
    Ok(())
}

fn endpoint_that_is_not_one(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    for (endpoint, part) in [("ftp://omni.example.org", "write `https://`"), ("omni:port", "not a port number")] {
        let error = refused(context, &omni, &format!("  endpoint = \"{endpoint}\""))?;
        error.says(PROVIDER, "endpoint", &["Endpoint cannot be used", part]);
    }
    Ok(())
}

fn endpoint_of_the_environment_with_a_password(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    for endpoint in ["ftp://me:hush-hush@omni", "https://me:hush/hush@omni"] {
        let workspace = Workspace::of(context, &omni)?.env("OMNI_ENDPOINT", endpoint);
        let error = with_block(workspace, "")?.plan_error()?;
        error.says(PROVIDER, "", &["must not carry a user or a password", "The endpoint comes from OMNI_ENDPOINT"]);
        assert!(!error.text().contains("hush"), "{error:#?}");
    }
    Ok(())
}

fn endpoint_of_an_omniconfig_with_a_password(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::new(context)?.env("OMNI_SERVICE_ACCOUNT_KEY", omni.key());
    workspace.write("omniconfig", "context: a\ncontexts:\n  a:\n    url: ftp://me:hush-hush@omni\n")?;
    let error = with_block(workspace, "  omniconfig = \"omniconfig\"")?.plan_error()?;
    error.says(
        PROVIDER,
        "omniconfig",
        &["must not carry a user or a password", "comes from the omniconfig `omniconfig`"],
    );
    assert!(!error.text().contains("hush"), "{error:#?}");
    Ok(())
}

/// Nobody writes to it, so whoever opens it waits for ever.
fn key_file_that_is_a_pipe(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::new(context)?.env("OMNI_ENDPOINT", omni.endpoint());
    let pipe = workspace.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status()?.success());
    let error = with_block(workspace, "  service_account_key_file = \"pipe\"")?.plan_error()?;
    error.says(PROVIDER, "service_account_key_file", &["`pipe`", "only a regular file is read"]);
    Ok(())
}

fn ca_certificate_in_der_form(context: &Context) -> Outcome {
    let omni = over_tls()?;
    let workspace = Workspace::of(context, &omni)?;
    let der = CertificateDer::from_pem_slice(omni.ca_pem().ok_or("no CA certificate")?.as_bytes())?;
    std::fs::write(workspace.path().join("ca.der"), &der)?;
    let error = with_block(workspace, "  ca_certificate_file = \"ca.der\"")?.plan_error()?;
    error.says(
        PROVIDER,
        "ca_certificate_file",
        &["`ca.der` (`ca_certificate_file`) contains a certificate or key in DER form", "Convert it to PEM"],
    );
    Ok(())
}

fn tls_connection_to_a_plain_server(context: &Context) -> Outcome {
    let encrypted = over_tls()?;
    let endpoint = encrypted.endpoint().replace("https://", "http://");
    let error = refused(context, &encrypted, &format!("  endpoint = \"{endpoint}\""))?;
    error.says(PROVIDER, "endpoint", &["the server speaks TLS", "`https://`"]);
    Ok(())
}

fn ca_certificate_in_a_file(context: &Context) -> Outcome {
    let omni = over_tls()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("ca.pem", omni.ca_pem().ok_or("no CA certificate")?)?;
    let workspace = with_block(workspace, "  ca_certificate_file = \"${path.module}/ca.pem\"")?;
    workspace.apply()?;
    assert_eq!(workspace.values("data.omni_machines.all")?["ids"].as_array().map(Vec::len), Some(6));
    Ok(())
}

fn ca_certificate_of_another_authority(context: &Context) -> Outcome {
    let (omni, other) = (over_tls()?, over_tls()?);
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("ca.pem", other.ca_pem().ok_or("no CA certificate")?)?;
    let error = with_block(workspace, "  ca_certificate_file = \"ca.pem\"")?.plan_error()?;
    let parts = ["authority", "not trust", "`ca_certificate_file`", omni.endpoint()];
    error.says(PROVIDER, "ca_certificate_file", &parts);
    Ok(())
}

fn ca_certificate_that_is_missing(context: &Context) -> Outcome {
    let omni = over_tls()?;
    let error = refused(context, &omni, &format!("  endpoint = \"{}\"", omni.endpoint()))?;
    let parts = ["authority", "not trust", "`ca_certificate` or `ca_certificate_file`"];
    error.says(PROVIDER, "endpoint", &parts);
    Ok(())
}

fn ca_certificate_file_that_is_not_there(context: &Context) -> Outcome {
    let error = refused(context, &over_tls()?, "  ca_certificate_file = \"nowhere.pem\"")?;
    error.says(PROVIDER, "ca_certificate_file", &["`nowhere.pem`", "No such file", "Correct `ca_certificate_file`"]);
    Ok(())
}

fn plain_connection_to_a_tls_server(context: &Context) -> Outcome {
    let plain = Omni::start()?;
    let endpoint = plain.endpoint().replace("grpc://", "https://");
    let error = refused(context, &plain, &format!("  endpoint = \"{endpoint}\""))?;
    error.says(PROVIDER, "endpoint", &["does not speak TLS", "`http://`"]);
    Ok(())
}

fn proxy_that_is_not_there(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    // A port that was free a moment ago; nothing else is told to use it.
    let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let block = format!(
        "  proxy_url       = \"http://somebody:hush-hush@{free}\"\n  request_timeout = \"2s\"\n  retry = {{ max_attempts = 2 }}"
    );
    let error = refused(context, &omni, &block)?;
    let parts = ["nothing listens on the proxy 127.0.0.1", &free.port().to_string(), "Check `proxy_url`"];
    error.says(PROVIDER, "proxy_url", &parts);
    assert!(!error.text().contains("hush-hush"), "{error:#?}");
    Ok(())
}

fn timeouts_that_are_none(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let table = [
        ("request_timeout = \"soon\"", "request_timeout", "`soon` is not a duration"),
        ("request_timeout = \"0s\"", "request_timeout", "must be greater than zero"),
        ("request_timeout = \"-1s\"", "request_timeout", "must be greater than zero"),
    ];
    for (block, attribute, part) in table {
        refused(context, &omni, &format!("  {block}"))?.says(PROVIDER, attribute, &[part]);
    }
    let error = refused(context, &omni, "  default_timeouts = {\n    create = \"5 minutes\"\n  }")?;
    error.says(PROVIDER, "default_timeouts", &["`5 minutes` is not a duration", "write it like"]);

    let workspace = Workspace::of(context, &omni)?;
    for (text, part) in [("1 day", "is not a duration"), ("0s", "must be greater than zero")] {
        let timeouts = format!("\n  timeouts = {{\n    create = \"{text}\"\n  }}\n}}");
        workspace.write("main.tf", &CLUSTER.replace("\n}", &timeouts))?;
        workspace.plan_error()?.says("omni_cluster.demo", "timeouts", &[text, part]);
    }
    Ok(())
}

const LATER: &str = r#"
variable "endpoint" {}

resource "terraform_data" "endpoint" {
  input = var.endpoint
}

provider "omni" {
  endpoint = terraform_data.endpoint.output
}
"#;

const CLUSTER: &str = r#"
resource "omni_cluster" "demo" {
  name               = "demo"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
}
"#;
