//! The tables of documents: what is read, shown, merged and refused.

use super::*;
use crate::omni::spec::{self, KINDS, Spec};
use omni_proto::specs;
use serde_json::json;

/// Field 99 with the text `later`: something that this build does not know.
const UNKNOWN: &[u8] = b"\x9a\x06\x05later";

fn form<S: Spec>() -> Form {
    Form::of(S::KIND).unwrap()
}

fn wrong<S: Spec>(document: &Json) -> Vec<String> {
    let text = |mistake: Mistake| {
        let path: Vec<_> = mistake
            .path
            .iter()
            .map(|step| match step {
                Step::Field(name) => name.clone(),
                Step::Key(key) => format!("[{key}]"),
                Step::Index(index) => index.to_string(),
            })
            .collect();
        format!("{}: {}", path.join("."), mistake.problem)
    };
    form::<S>().mistakes(document, Secrets::LeftOut).into_iter().map(text).collect()
}

#[test]
fn every_type_has_a_form() {
    assert_eq!(KINDS.iter().filter(|kind| Form::of(**kind).is_none()).collect::<Vec<_>>(), Vec::<&Kind>::new());
}

#[test]
fn a_type_that_no_table_has_is_described_by_its_name() {
    let of = |name: &str| Form::of(Kind::named("default", name));
    assert!(of("ClusterTaints.omni.sidero.dev").is_some());
    assert!(of("Things.example.org").is_none());
}

#[test]
fn every_listed_secret_is_a_field() {
    let all: Vec<_> = pool().all_messages().collect();
    let fields = || all.iter().flat_map(|message| message.fields());
    for name in SECRETS {
        assert!(fields().any(|field| field.name() == *name), "{name}");
    }
    for name in SECRET_FIELDS {
        assert!(fields().any(|field| field.full_name() == *name), "{name}");
    }
}

#[test]
fn mistakes_name_the_place_and_what_was_meant() {
    let cluster = wrong::<specs::ClusterSpec>;
    let set = wrong::<specs::MachineSetSpec>;
    for (found, expected) in [
        (cluster(&json!({ "talosversion": "1", "kubernetesVersion": "1", "features": null })), ""),
        (cluster(&json!([])), ": An object is expected here, and not a list."),
        (
            cluster(&json!({ "talos_verson": "1" })),
            "talos_verson: There is no field `talos_verson`. Did you mean `talos_version`?",
        ),
        (
            cluster(&json!({ "features": { "x": 1 } })),
            "features.x: There is no field `x`. The fields here are `enable_workload_proxy`, `disk_encryption`, \
             `use_embedded_discovery_service`, `enable_node_audit_skip`, `disable_public_discovery_service`.",
        ),
        (cluster(&json!({ "talos_version": 1.13 })), "talos_version: Here a text is expected, and not `1.13`."),
        (
            cluster(&json!({ "features": { "disk_encryption": "true" } })),
            "features.disk_encryption: Here `true` or `false` is expected, and not this text.",
        ),
        (
            cluster(&json!({ "backup_configuration": { "interval": "1 day" } })),
            "backup_configuration.interval: Here a duration such as `90s` or `1h30m` is expected, and not this text.",
        ),
        (
            cluster(&json!({ "talos_version": "1", "talosVersion": "2" })),
            "talos_version: `talosVersion` and `talos_version` are the same field.",
        ),
        (
            set(&json!({ "update_strategy": "Rollling" })),
            "update_strategy: `Rollling` is not one of `Unset`, `Rolling`. Did you mean `Rolling`?",
        ),
        (
            set(&json!({ "machine_allocation": { "machine_count": -1 } })),
            "machine_allocation.machine_count: Here a whole number that is not negative is expected, and not `-1`.",
        ),
        (
            wrong::<specs::ConfigPatchSpec>(&json!({ "compressed_data": "" })),
            "compressed_data: `compressed_data` is the compressed form of `data`. Set `data`.",
        ),
        (
            wrong::<specs::EtcdManualBackupSpec>(&json!({ "backup_at": "today" })),
            "backup_at: Here a timestamp such as `2026-01-31T12:00:00Z` is expected, and not this text.",
        ),
        (
            wrong::<specs::AccessPolicySpec>(&json!({ "rules": [{ "users": ["a"] }, { "users": "b" }] })),
            "rules.1.users: A list is expected here, and not this text.",
        ),
        (
            wrong::<specs::AccessPolicySpec>(&json!({ "user_groups": { "a": { "user": [] } } })),
            "user_groups.[a].user: There is no field `user`. Did you mean `users`?",
        ),
        (
            wrong::<specs::MachineLabelsSpec>(&json!({ "a": 1 })),
            "a: There is no field `a`. The spec of this type has no fields.",
        ),
        (
            wrong::<specs::EtcdBackupS3ConfSpec>(&json!({ "secret_access_key": "hush" })),
            "secret_access_key: `secret_access_key` holds a secret, which plan and state would contain.",
        ),
    ] {
        assert_eq!(found.join("\n"), expected);
    }
}

#[test]
fn times_and_enums_are_read_in_every_form_and_shown_in_one() {
    let form = form::<specs::ClusterSpec>();
    let object = spec::resource("prod", &specs::ClusterSpec::default());
    for interval in [json!("1h"), json!("3600s"), json!({ "seconds": 3600, "nanos": 0 })] {
        let document = json!({ "backup_configuration": { "interval": interval } });
        let merged = form.merge(&object, &document, &[]).unwrap();
        let merged = Resource { spec: merged, ..object.clone() };
        // What is written otherwise stays as it is written.
        assert_eq!(form.show_like(&document, &merged).unwrap(), document);
        let shown = form.show(&merged, Secrets::LeftOut).unwrap();
        assert_eq!(shown["backup_configuration"]["interval"], "3600s");
    }
    let form = Form::of(specs::MachineSetSpec::KIND).unwrap();
    let object = spec::resource("prod-workers", &specs::MachineSetSpec::default());
    for strategy in [json!("rolling"), json!("Rolling"), json!(1)] {
        let document = json!({ "update_strategy": strategy });
        let merged = Resource { spec: form.merge(&object, &document, &[]).unwrap(), ..object.clone() };
        assert_eq!(form.show(&merged, Secrets::LeftOut).unwrap(), json!({ "update_strategy": "Rolling" }));
        assert_eq!(form.show_like(&document, &merged).unwrap(), document);
    }
}

fn cluster(spec: &specs::ClusterSpec) -> Resource {
    spec::resource("prod", spec)
}

fn merged(object: &Resource, document: &Json, cleared: &[&str]) -> specs::ClusterSpec {
    let cleared: Vec<_> = cleared.iter().map(|path| (*path).to_owned()).collect();
    let spec = form::<specs::ClusterSpec>().merge(object, document, &cleared).unwrap();
    spec::decode(&Resource { spec, ..object.clone() }).unwrap()
}

#[test]
fn a_write_changes_only_what_is_set_or_cleared() {
    let features = |disk_encryption, enable_workload_proxy| {
        Some(specs::cluster_spec::Features { disk_encryption, enable_workload_proxy, ..Default::default() })
    };
    let there = specs::ClusterSpec {
        talos_version: "1.12.0".into(),
        kubernetes_version: "1.35.0".into(),
        features: features(true, true),
        ..Default::default()
    };
    let object = cluster(&there);
    assert_eq!(
        merged(&object, &json!({ "talos_version": "1.13.0", "features": { "disk_encryption": false } }), &[]),
        specs::ClusterSpec { talos_version: "1.13.0".into(), features: features(false, true), ..there.clone() }
    );
    // A message goes with the last of its fields, and stays as long as others have set something in it.
    assert_eq!(
        merged(&object, &json!({}), &["features.disk_encryption", "kubernetes_version"]),
        specs::ClusterSpec { kubernetes_version: String::new(), features: features(false, true), ..there.clone() }
    );
    assert_eq!(
        merged(&object, &json!({}), &["features.disk_encryption", "features.enable_workload_proxy"]),
        specs::ClusterSpec { features: None, ..there.clone() }
    );
    // A message of which nothing is set is there all the same.
    assert_eq!(
        merged(&cluster(&specs::ClusterSpec::default()), &json!({ "features": {} }), &[]).features,
        features(false, false)
    );
    assert_eq!(merged(&object, &json!({ "features": {} }), &[]).features, there.features);
}

#[test]
fn unknown_fields_survive_at_every_depth() {
    let with_unknown = |message: Vec<u8>| [message, UNKNOWN.to_vec()].concat();
    let field =
        |number: u8, inner: Vec<u8>| [vec![number << 3 | 2, u8::try_from(inner.len()).unwrap()], inner].concat();
    let rule = |name: &str| {
        let rule = specs::AccessPolicyRule { users: vec![name.to_owned()], ..Default::default() };
        rule.encode_to_vec()
    };
    let rules = [rule("a"), rule("b"), rule("c")].map(|rule| field(3, with_unknown(rule))).concat();
    let mut object = spec::resource("access-policy", &specs::AccessPolicySpec::default());
    object.spec = with_unknown(rules);
    let count = |spec: &[u8]| spec.windows(UNKNOWN.len()).filter(|part| *part == UNKNOWN).count();
    assert_eq!(count(&object.spec), 4);
    let form = Form::of(specs::AccessPolicySpec::KIND).unwrap();
    for (users, expected) in [
        (vec!["a", "b", "c"], 4),
        // Another order, an element that changes at its place, one that is new, and one that is gone.
        (vec!["c", "a", "b"], 4),
        (vec!["a", "x", "c"], 4),
        (vec!["a", "b", "c", "d"], 4),
        (vec!["a", "c"], 3),
    ] {
        let rules: Vec<_> = users.iter().map(|name| json!({ "users": [name] })).collect();
        let document = json!({ "rules": rules });
        let spec = form.merge(&object, &document, &[]).unwrap();
        assert_eq!(count(&spec), expected, "{users:?}");
        let merged = Resource { spec, ..object.clone() };
        assert_eq!(form.show_like(&document, &merged).unwrap(), document);
    }
}

#[test]
fn texts_that_are_stored_compressed_are_shown_plain_and_left_alone() {
    let form = Form::of(specs::ConfigPatchSpec::KIND).unwrap();
    let packed = specs::ConfigPatchSpec { data: String::new(), compressed_data: b"packed".to_vec() };
    let mut object = spec::resource("400-a", &packed);
    object.yaml = "data: |\n  machine: {}\n".to_owned();
    let same = json!({ "data": "machine: {}\n" });
    assert_eq!(form.show(&object, Secrets::LeftOut).unwrap(), same);
    assert_eq!(form.show_like(&same, &object).unwrap(), same);
    assert_eq!(form.merge(&object, &same, &[]).unwrap(), object.spec);
    let other = specs::ConfigPatchSpec { data: "cluster: {}\n".into(), compressed_data: Vec::new() };
    let merged = form.merge(&object, &json!({ "data": "cluster: {}\n" }), &[]).unwrap();
    assert_eq!(spec::decode::<specs::ConfigPatchSpec>(&Resource { spec: merged, ..object.clone() }).unwrap(), other);
    let cleared = form.merge(&object, &json!({}), &["data".to_owned()]).unwrap();
    assert!(cleared.is_empty());
    object.yaml.clear();
    assert!(form.show(&object, Secrets::LeftOut).is_err());
}

#[test]
fn drift_is_shown_where_the_document_sets_something() {
    let form = form::<specs::ClusterSpec>();
    let object = cluster(&specs::ClusterSpec {
        talos_version: "1.12.0".into(),
        kubernetes_version: "1.35.0".into(),
        ..Default::default()
    });
    let document =
        json!({ "talosversion": "1.13.0", "features": { "disk_encryption": true }, "backup_configuration": null });
    let shown = json!({ "talosversion": "1.12.0", "features": null, "backup_configuration": null });
    assert_eq!(form.show_like(&document, &object).unwrap(), shown);
    let all = form.show(&object, Secrets::LeftOut).unwrap();
    for (document, covered) in [
        (json!({ "talosVersion": "1.12.0" }), true),
        (json!({ "talosVersion": "1.12.0", "features": null }), true),
        (json!({}), true),
        (json!({ "talosVersion": "1.13.0" }), false),
        (json!({ "features": {} }), false),
        // What is not set has the default of its type.
        (json!({ "talosVersion": "1.12.0", "kubernetes_version": "1.35.0" }), true),
        (json!({ "features": { "disk_encryption": false } }), false),
        (json!({ "talos": "1.12.0" }), false),
    ] {
        assert_eq!(form.covers(&document, &all), covered, "{document}");
    }
}

#[test]
fn a_default_is_covered_by_what_is_not_set() {
    let form = form::<specs::GrpcTunnelConfigSpec>();
    assert!(form.covers(&json!({ "enabled": false }), &json!({})));
    assert!(!form.covers(&json!({ "enabled": true }), &json!({})));
    assert!(form.has_open_fields());
    for form in [Form::of(specs::MachineLabelsSpec::KIND), Form::of(specs::DefaultJoinTokenSpec::KIND)] {
        assert!(!form.unwrap().has_open_fields());
    }
}

#[test]
fn secrets_are_left_out_where_they_are_not_asked_for() {
    let form = Form::of(specs::InfraMachineBmcConfigSpec::KIND).unwrap();
    let ipmi = specs::infra_machine_bmc_config_spec::Ipmi {
        address: "10.0.0.1".into(),
        password: "hush".into(),
        ..Default::default()
    };
    let object = spec::resource("m", &specs::InfraMachineBmcConfigSpec { ipmi: Some(ipmi), api: None });
    assert_eq!(form.show(&object, Secrets::LeftOut).unwrap(), json!({ "ipmi": { "address": "10.0.0.1" } }));
    assert_eq!(form.show(&object, Secrets::Included).unwrap()["ipmi"]["password"], "hush");
    assert_eq!(form.parts(&object).unwrap(), [("ipmi.address".to_owned(), "\"10.0.0.1\"".to_owned())]);
}

#[test]
fn a_field_with_its_default_value_says_nothing() {
    let set = form::<specs::ClusterSpec>().set_fields(&json!({
        "talosVersion": "1.13.5",
        "kubernetes_version": "",
        "features": { "enable_node_audit_skip": true, "disable_public_discovery_service": false },
    }));
    let [skip, talos] = ["features.enable_node_audit_skip", "talos_version"].map(str::to_owned);
    assert_eq!(set, [(format!("ClusterSpec.{skip}"), skip), (format!("ClusterSpec.{talos}"), talos)]);
    let strategy = |name: &str| form::<specs::MachineSetSpec>().set_fields(&json!({ "upgrade_strategy": name }));
    assert!(strategy("Unset").is_empty() && strategy("Rolling").len() == 1);
}

#[test]
fn what_a_machine_joined_with_is_left_out() {
    let form = Form::of(specs::MachineStatusSpec::KIND).unwrap();
    let argument = "siderolink.api=https://omni.example.org/?jointoken=hush";
    let schematic = specs::machine_status_spec::Schematic {
        full_id: "abc".into(),
        kernel_args: vec![argument.into()],
        raw: format!("customization: {{extraKernelArgs: [\"{argument}\"]}}"),
        ..Default::default()
    };
    let status = specs::MachineStatusSpec {
        kernel_cmdline: argument.into(),
        talos_version: "v1.13.5".into(),
        schematic: Some(schematic),
        ..Default::default()
    };
    let object = spec::resource("m", &status);
    let shown = form.show(&object, Secrets::LeftOut).unwrap();
    assert_eq!(shown, json!({ "talos_version": "v1.13.5", "schematic": { "full_id": "abc" } }));
    assert_eq!(form.show(&object, Secrets::Included).unwrap()["kernel_cmdline"], argument);

    let form = Form::of(specs::KernelArgsStatusSpec::KIND).unwrap();
    let status = specs::KernelArgsStatusSpec {
        args: vec!["console=ttyS0".into()],
        current_cmdline: argument.into(),
        ..Default::default()
    };
    let shown = form.show(&spec::resource("m", &status), Secrets::LeftOut).unwrap();
    assert_eq!(shown, json!({ "args": ["console=ttyS0"] }));
}

#[test]
fn paths_are_found_in_the_words_of_a_document() {
    let form = form::<specs::ClusterSpec>();
    for (text, path) in [
        ("features.diskEncryption", Some("features.disk_encryption")),
        ("talosversion", Some("talos_version")),
        ("talos_version.minor", None),
        ("size", None),
        ("", None),
    ] {
        assert_eq!(form.path(text).as_deref(), path, "{text}");
    }
}
