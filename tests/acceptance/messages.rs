//! What a user reads when something is wrong: the attribute that is to blame, why, and what to do about it.

use crate::diagnostic::Diagnostic;
use crate::omni::{Omni, Server};
use crate::workspace::{Workspace, quoted};
use crate::{Context, Outcome, tests};
use kit::clock::TestClock;
use omni_proto::specs::ClusterSpec;
use omni_sim::{Options, Role};
use std::sync::Arc;

tests![
    key_of_another_instance,
    expired_key,
    key_that_is_none,
    unreachable_endpoint,
    missing_endpoint_or_key,
    role_that_is_too_low,
    read_only_provider,
    unknown_talos_version,
    kubernetes_version_that_does_not_fit,
    patch_that_is_no_yaml,
    patch_of_a_forbidden_field,
    duplicate_object,
    locked_cluster,
    change_between_plan_and_apply,
];

/// The address of the provider block in diagnostics.
const PROVIDER: &str = "provider[\"registry.terraform.io/omnirs/omni\"]";

/// The error of a provider block with this endpoint and key.
/// The key comes from a variable, so that no message quotes it as a part of the configuration.
fn connecting(context: &Context, endpoint: &str, key: &str) -> Outcome<Diagnostic> {
    let workspace = Workspace::new(context)?.env("TF_VAR_endpoint", endpoint).env("TF_VAR_key", key);
    workspace.write("main.tf", CONNECTION)?;
    let output = workspace.run(["plan", "-json", "-input=false"])?.failure()?;
    assert!(!output.stdout.contains(key) && !output.stderr.contains(key), "the key is in {output}");
    Diagnostic::only_error(&output)
}

fn key_of_another_instance(context: &Context) -> Outcome {
    let (omni, other) = (Omni::start()?, Omni::start()?);
    let error = connecting(context, omni.endpoint(), other.key())?;
    error.says(PROVIDER, "service_account_key", &["did not accept the signature", "Check that the service account"]);
    Ok(())
}

fn expired_key(context: &Context) -> Outcome {
    // Keys live for a year, and this server lives in 2021.
    let past = Omni::with(Options { clock: Arc::new(TestClock::at(1_610_000_000)), ..Options::stepped() })?;
    let error = connecting(context, Omni::start()?.endpoint(), past.key())?;
    error.says(PROVIDER, "service_account_key", &["`demo` expired on 2022-01-07", "renew a key"]);
    Ok(())
}

fn key_that_is_none(context: &Context) -> Outcome {
    let error = connecting(context, Omni::start()?.endpoint(), "bm8gSlNPTg==")?;
    error.says(PROVIDER, "service_account_key", &["does not contain JSON", "copied completely"]);
    Ok(())
}

fn unreachable_endpoint(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let (endpoint, key) = (omni.endpoint().to_owned(), omni.key().to_owned());
    drop(omni);
    let error = connecting(context, &endpoint, &key)?;
    let address = endpoint.rsplit('/').next().unwrap_or_default();
    error.says(PROVIDER, "endpoint", &[address, "nothing listens", "Check `endpoint`"]);
    Ok(())
}

fn missing_endpoint_or_key(context: &Context) -> Outcome {
    let workspace = Workspace::new(context)?.env("OMNI_SERVICE_ACCOUNT_KEY", "bm8gSlNPTg==");
    workspace.write("main.tf", UNCONFIGURED)?;
    let error = workspace.plan_error()?;
    assert!(error.text().contains("in the provider block, or OMNI_ENDPOINT"), "{error:#?}");

    let workspace = Workspace::new(context)?.env("OMNI_ENDPOINT", "grpc://127.0.0.1:1");
    workspace.write("main.tf", UNCONFIGURED)?;
    let error = workspace.plan_error()?;
    assert!(error.text().contains("in the provider block, or OMNI_SERVICE_ACCOUNT_KEY"), "{error:#?}");
    Ok(())
}

fn role_that_is_too_low(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?.env("OMNI_SERVICE_ACCOUNT_KEY", omni.key_for(Role::Reader)?);
    workspace.write("main.tf", CLUSTER)?;
    let error = workspace.apply_error()?;
    error.says("omni_cluster.demo", "", &["Could not create cluster `demo`", "role is too low"]);
    assert_eq!(omni.ids("Clusters"), Vec::<String>::new());
    Ok(())
}

fn read_only_provider(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?.env("OMNI_READ_ONLY", "true");
    workspace.write("main.tf", CLUSTER)?;
    workspace.plan()?;
    omni.forget_requests();
    let error = workspace.apply_error()?;
    error.says("omni_cluster.demo", "", &["refuses to create", "cluster", "Remove `read_only`"]);
    let writes: Vec<_> = omni.requests().into_iter().filter(|r| r.name() == "Create").collect();
    assert_eq!(writes, []);
    Ok(())
}

fn unknown_talos_version(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", &CLUSTER.replace("1.13.5", "1.13.99"))?;
    let error = workspace.plan_error()?;
    error.says("omni_cluster.demo", "talos_version", &["1.13.99", "1.13.5", "Set `talos_version` to one"]);
    Ok(())
}

fn kubernetes_version_that_does_not_fit(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", &CLUSTER.replace("1.36.2", "1.30.14"))?;
    let error = workspace.plan_error()?;
    error.says("omni_cluster.demo", "kubernetes_version", &["1.30.14", "1.36.2", "Set `kubernetes_version`"]);
    Ok(())
}

fn patch_error(context: &Context, data: &str) -> Outcome<Diagnostic> {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", &format!("{CLUSTER}{}", PATCH.replace("DATA", &quoted(data))))?;
    let error = workspace.plan_error()?;
    assert_eq!(omni.ids("Clusters"), Vec::<String>::new());
    Ok(error)
}

fn patch_that_is_no_yaml(context: &Context) -> Outcome {
    let error = patch_error(context, "machine:\n  a: [1\n")?;
    error.says("omni_config_patch.p", "data", &["not valid YAML", "yamlencode"]);
    Ok(())
}

fn patch_of_a_forbidden_field(context: &Context) -> Outcome {
    let error = patch_error(context, "machine:\n  token: abc\n")?;
    error.says("omni_config_patch.p", "data", &["machine.token", "Remove these fields from the patch"]);
    Ok(())
}

fn duplicate_object(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let first = Workspace::of(context, &omni)?;
    first.write("main.tf", CLUSTER)?;
    first.apply()?;
    let second = Workspace::of(context, &omni)?;
    second.write("main.tf", &CLUSTER.replace("\n}", "\n  timeouts           = { create = \"2s\" }\n}"))?;
    let error = second.apply_error()?;
    let command = "terraform import omni_cluster.<NAME> demo";
    error.says("omni_cluster.demo", "name", &["already", "another state", command]);

    // What it says helps.
    second.write("main.tf", CLUSTER)?;
    second.import("omni_cluster.demo", "demo")?;
    second.plan()?.must_be_empty()
}

fn locked_cluster(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    let locked = CLUSTER.replace("\n}", "\n  locked             = true\n}");
    workspace.write("main.tf", &locked)?;
    workspace.apply()?;
    workspace.write("main.tf", &locked.replace("1.36.2", "1.36.3"))?;
    let error = workspace.plan_error()?;
    error.says("omni_cluster.demo", "locked", &["Cluster `demo` is locked", "Set `locked = false`"]);

    workspace.write("main.tf", &format!("{locked}\n{CONTROL_PLANES}"))?;
    let error = workspace.plan_error()?;
    error.says("omni_machine_set.control_planes", "cluster", &["`demo` is locked", "Set `locked = false`"]);

    workspace.write("main.tf", &locked)?;
    let output = workspace.run(["destroy", "-json", "-input=false", "-auto-approve"])?.failure()?;
    let error = Diagnostic::only_error(&output)?;
    error.says("omni_cluster.demo", "locked", &["Cluster `demo` is locked", "force_unlock"]);
    Ok(())
}

fn change_between_plan_and_apply(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = Workspace::of(context, &omni)?;
    workspace.write("main.tf", CLUSTER)?;
    workspace.apply()?;
    workspace.write("main.tf", &CLUSTER.replace("1.36.2", "1.36.3"))?;
    workspace.plan_out("late.tfplan")?;
    omni.change("Clusters", "demo", |spec: &mut ClusterSpec| "1.13.8".clone_into(&mut spec.talos_version))?;
    let error = Diagnostic::only_error(&workspace.apply_plan("late.tfplan")?.failure()?)?;
    let parts = ["between plan and apply", "talos_version", "1.13.5", "1.13.8", "Plan again"];
    error.says("omni_cluster.demo", "talos_version", &parts);
    let spec: ClusterSpec = omni.spec("Clusters", "demo");
    assert_eq!((spec.talos_version.as_str(), spec.kubernetes_version.as_str()), ("1.13.8", "1.36.2"));
    Ok(())
}

const CONNECTION: &str = r#"
variable "endpoint" {}

variable "key" {}

provider "omni" {
  endpoint            = var.endpoint
  service_account_key = var.key
  request_timeout     = "2s"
  retry               = { max_attempts = 2 }
}

data "omni_machines" "all" {}
"#;

const UNCONFIGURED: &str = r#"
provider "omni" {}

data "omni_machines" "all" {}
"#;

const CLUSTER: &str = r#"
resource "omni_cluster" "demo" {
  name               = "demo"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
}
"#;

const CONTROL_PLANES: &str = r#"
resource "omni_machine_set" "control_planes" {
  cluster = omni_cluster.demo.name
  role    = "controlplane"
}
"#;

const PATCH: &str = r#"
resource "omni_config_patch" "p" {
  name    = "p"
  cluster = omni_cluster.demo.name
  data    = DATA
}
"#;
