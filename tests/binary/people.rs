//! What people get: options, logs, and a process to attach to.

use crate::process::{Process, answers, connect_plain, output};
use serde_json::Value;
use terraform_provider_omni::PROVIDER_ADDRESS;

#[test]
fn the_version_is_one_line() {
    let run = output(&["--version"]);
    assert!(run.status.success());
    let text = String::from_utf8(run.stdout).unwrap();
    assert_eq!(text, format!("terraform-provider-omni {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn help_names_the_options_and_the_address() {
    let run = output(&["--help"]);
    assert!(run.status.success());
    let text = String::from_utf8(run.stdout).unwrap();
    for part in ["--debug", "--version", PROVIDER_ADDRESS, "TF_LOG_PROVIDER_OMNI"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn an_unknown_option_is_refused() {
    let run = output(&["--serve"]);
    assert_eq!((run.status.code(), run.stdout.as_slice()), (Some(2), b"".as_slice()));
    assert!(String::from_utf8(run.stderr).unwrap().contains("--serve"));
}

#[tokio::test]
async fn debug_prints_what_attaches_and_serves_until_an_interrupt() {
    let mut process = Process::debug();
    let json = process.line.strip_prefix("TF_REATTACH_PROVIDERS='").and_then(|l| l.strip_suffix('\'')).unwrap();
    let json: Value = serde_json::from_str(json).unwrap();
    let provider = &json[PROVIDER_ADDRESS];
    assert_eq!(provider["Protocol"], "grpc");
    assert_eq!(provider["ProtocolVersion"], 6);
    assert_eq!(provider["Pid"], process.id());
    assert_eq!(provider["Test"], true);
    assert_eq!(provider["Addr"]["Network"], "unix");
    let socket = provider["Addr"]["String"].as_str().unwrap().to_owned();

    for _run in 0..2 {
        assert!(answers(connect_plain(&socket).await).await);
    }
    process.signal("INT");
    let (status, ..) = process.wait();
    assert!(status.success(), "{status}");
    assert!(!std::fs::exists(&socket).unwrap());
}

#[tokio::test]
async fn logs_are_lines_that_hosts_can_read() {
    let mut process = Process::start(None, &[("TF_LOG", "TRACE")]);
    assert!(answers(connect_plain(process.socket()).await).await);
    process.signal("TERM");
    let (_, _, stderr) = process.wait();
    let lines: Vec<Value> = stderr.lines().map(|l| serde_json::from_str(l).expect(l)).collect();
    let answered = lines.iter().find(|l| l["tf_rpc"] == "GetMetadata" && l["@level"] == "debug").expect(&stderr);
    assert!(answered["@message"].is_string() && answered["tf_req_id"].is_string());
    assert!(answered["tf_req_duration_ms"].is_u64());
    assert_eq!(answered["diagnostic_error_count"], 0);
    assert_eq!(answered["@timestamp"].as_str().unwrap().len(), "2026-01-01T00:00:00.000000Z".len());
}

#[tokio::test]
async fn nothing_is_logged_unless_somebody_asks() {
    let mut process = Process::start(None, &[]);
    assert!(answers(connect_plain(process.socket()).await).await);
    process.signal("TERM");
    assert_eq!(process.wait().2, "");
}
