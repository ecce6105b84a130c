//! The line on stdout, and what it depends on.

use crate::certificates::Identity;
use crate::process::{Process, output};

#[test]
fn the_line_says_how_to_connect() {
    let process = Process::start(Some(&Identity::host()), &[]);
    let fields = process.fields();
    assert_eq!(fields.len(), 6);
    assert_eq!((fields[0], fields[1], fields[2], fields[4]), ("1", "6", "unix", "grpc"));
    assert!(std::path::Path::new(fields[3]).starts_with(process.dir.path()));
    // Hosts ignore a certificate of fifty characters or fewer, and choke on padding.
    assert!(fields[5].len() > 50 && !fields[5].contains('='));
    assert!(!process.certificate().is_empty());
}

#[test]
fn a_host_without_certificate_gets_none() {
    assert_eq!(Process::start(None, &[]).fields()[5], "");
}

#[test]
fn multiplexing_is_declined_when_asked_for() {
    let process = Process::start(None, &[("PLUGIN_MULTIPLEX_GRPC", "true")]);
    assert_eq!(process.fields()[6..], ["false"]);
}

#[test]
fn a_host_of_another_protocol_is_told_ours() {
    let process = Process::start(None, &[("PLUGIN_PROTOCOL_VERSIONS", "5")]);
    assert_eq!(process.fields()[1], "6");
}

#[test]
fn run_by_hand_it_explains_itself() {
    let run = output(&[]);
    assert_eq!(run.status.code(), Some(1));
    assert_eq!(run.stdout, b"");
    let text = String::from_utf8(run.stderr).unwrap();
    assert!(text.contains("Terraform") && text.contains("--help"), "{text}");
}

#[test]
fn an_unusable_certificate_ends_it_with_a_reason() {
    let run = crate::process::program()
        .env("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2")
        .env("PLUGIN_CLIENT_CERT", "nonsense")
        .output()
        .unwrap();
    assert_eq!((run.status.code(), run.stdout.as_slice()), (Some(1), b"".as_slice()));
    assert!(String::from_utf8(run.stderr).unwrap().contains("PLUGIN_CLIENT_CERT"));
}
