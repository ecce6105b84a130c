//! Functions, as hosts call them: in a process that was never configured, with errors at the argument.

use crate::diagnostic::Diagnostic;
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use serde_json::json;

tests![functions_are_called, errors_point_at_the_argument];

const CALLS: &str = r#"
output "ids" {
  value = [
    provider::omni::machine_set_id("prod", "controlplane", null),
    provider::omni::machine_set_id("prod", "workers", "gpu"),
    provider::omni::config_patch_id(7, "prod", "time"),
  ]
}

output "merged" {
  value = yamldecode(provider::omni::config_patch_merge(["machine: {a: 1}", "machine: {b: 2}"]))
}

output "good" {
  value = provider::omni::config_patch_validate("machine: {sysctls: {a: b}}")
}

output "interval" {
  value = provider::omni::duration_normalize("90m")
}

output "matches" {
  value = provider::omni::label_selector_matches("mem >= 16 GiB, !gpu", { mem = "32GiB" })
}

output "resources" {
  value = provider::omni::resource_decode_multi("metadata: {namespace: default, type: A, id: a}\nspec: {n: 12345678901234567890, l: [1, x]}")
}

output "newest" {
  value = provider::omni::version_latest(["1.9.6", "1.13.8", "1.14.0"], "~> 1.13.0")
}

output "host" {
  value = provider::omni::kubeconfig_parse(<<-EOT
    current-context: a
    contexts: [{name: a, context: {cluster: c, user: u}}]
    clusters: [{name: c, cluster: {server: "https://c"}}]
    users: [{name: u, user: {}}]
  EOT
  ).host
}
"#;

fn functions_are_called(context: &Context) -> Outcome {
    let workspace = Workspace::new(context)?;
    workspace.write("main.tf", CALLS)?;
    workspace.apply()?;
    for (name, expected) in [
        ("ids", json!(["prod-control-planes", "prod-gpu", "007-prod-time"])),
        ("merged", json!({"machine": {"a": 1, "b": 2}})),
        ("good", json!(true)),
        ("interval", json!("1h30m0s")),
        ("matches", json!(true)),
        (
            "resources",
            json!([{"metadata": {"namespace": "default", "type": "A", "id": "a"}, "spec": {"n": 12_345_678_901_234_567_890_u64, "l": [1, "x"]}}]),
        ),
        ("newest", json!("1.13.8")),
        ("host", json!("https://c")),
    ] {
        assert_eq!(workspace.output(name)?, expected, "{name}");
    }
    Ok(())
}

fn errors_point_at_the_argument(context: &Context) -> Outcome {
    for (call, parts) in [
        (r#"machine_set_id("prod", "boss", null)"#, &["\"role\"", "`boss` is not a role"][..]),
        (r#"config_patch_validate("machine: {token: x}")"#, &["\"patch\"", "Omni controls `machine.token` itself"]),
        (r#"service_account_key_decode("abc")"#, &["\"key\"", "not base64"]),
    ] {
        let workspace = Workspace::new(context)?;
        workspace.write("main.tf", &format!("output \"a\" {{\n  value = provider::omni::{call}\n}}\n"))?;
        let output = workspace.run(["plan", "-json", "-input=false"])?.failure()?;
        let error = Diagnostic::only_error(&output)?;
        let text = error.text().split_whitespace().collect::<Vec<_>>().join(" ");
        for part in parts {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
    }
    Ok(())
}
