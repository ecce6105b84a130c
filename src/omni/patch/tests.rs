//! Comparison, digests, rules of Omni, and merging, compared with Talos 1.14.

use super::read::MARK;
use super::*;
use kit::go_duration;
use serde::Deserialize;

const CASES: &str = include_str!("../../../tests/fixtures/talos/merge.jsonl");
const SCALARS: &str = include_str!("../../../tests/fixtures/talos/scalars.tsv");

/// A configuration under all cases.
const BASE: &str = "version: v1alpha1
machine: {type: controlplane, token: aaaaaa.bbbbbbbbbbbbbbbb, install: {disk: /dev/sda}}
cluster: {controlPlane: {endpoint: 'https://10.0.0.1:6443'}, clusterName: base}
";

/// Two patches, and what is to come of them.
#[derive(Deserialize)]
struct Case {
    name: String,
    a: String,
    b: String,
    /// What is merged into the configuration before them.
    base: Option<String>,
    merged: Option<String>,
    refused: Option<String>,
    /// What Talos makes of the configuration, one after the other.
    on_base: Option<String>,
}

fn cases() -> Vec<Case> {
    CASES.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn patches_merge_as_talos_merges_them_or_say_why_not() {
    let all = cases();
    assert_eq!(all.len(), 230);
    for case in all {
        let merged = merge(&[&case.a, &case.b]).map_err(|error| error.to_string());
        let expected = case.merged.clone().ok_or_else(|| case.refused.clone().unwrap_or_default());
        assert_eq!(merged, expected, "{}", case.name);
    }
}

/// What Talos' writer adds or spells anew is no difference.
fn bare(node: &Node) -> Option<serde_json::Value> {
    use serde_json::Value;
    match node {
        // What acts on a configuration without the place is left of a mark.
        Node::Map(entries) if entries.iter().any(|(key, value)| read::is_mark(key, value)) => None,
        Node::Map(entries) => {
            let entries = entries.iter().filter_map(|(key, value)| Some((key.text.clone(), bare(value)?)));
            let entries: serde_json::Map<_, _> = entries.collect();
            (!entries.is_empty()).then_some(Value::Object(entries))
        }
        Node::List(elements) => {
            let elements: Vec<_> = elements.iter().map(|e| bare(e).unwrap_or(Value::Null)).collect();
            (!elements.is_empty()).then_some(Value::Array(elements))
        }
        // Enumerations have a zero without a name.
        Node::Scalar(scalar) if scalar.text.is_empty() || scalar.is_null() || scalar.text.ends_with("(0)") => None,
        Node::Scalar(scalar) => Some(match go_duration::parse(&scalar.text) {
            Ok(length) => Value::from(length.to_string()),
            Err(_) => match Value::from(Node::Scalar(Scalar::plain(&scalar.text))) {
                Value::String(text) => Value::from(text.replace("1.0 GB", "1GB")),
                other => Value::from(other.to_string()),
            },
        }),
    }
}

fn bare_documents(text: &str) -> Vec<serde_json::Value> {
    let documents = yaml::parse_nodes(text, &mut Budget::default()).expect(text);
    documents.iter().filter_map(bare).collect()
}

#[test]
fn a_merged_patch_does_to_a_configuration_what_the_two_do_in_turn() {
    let mut compared = 0;
    for case in cases() {
        let (Some(merged), Some(expected)) = (&case.merged, &case.on_base) else { continue };
        // The configuration is given as a patch, and what a patch sets cannot always be taken away again.
        if case.base.is_some() && merged.contains(MARK) {
            continue;
        }
        let base = case.base.as_deref().unwrap_or_default();
        let result = merge(&[BASE, base, merged]).expect(&case.name);
        // Of an empty object, Talos writes what it cannot leave out.
        assert_eq!(bare_documents(&result), bare_documents(expected), "{}\n{result}", case.name);
        compared += 1;
    }
    assert!(compared > 170, "{compared}");
}

#[test]
fn merging_is_associative() {
    let all = cases();
    let mut compared = 0;
    for (case, before) in all.iter().zip(all.iter().cycle().skip(1)) {
        for under in [&before.a, &before.b, &case.a, &case.b] {
            // A mark below can ask for a second document.
            let Some(merged) = case.merged.as_ref().filter(|_| !under.contains(MARK)) else { continue };
            let one = merge(&[under, merged]);
            let key_locks = merge(&[under, &case.a, &case.b]);
            if let (Ok(one), Ok(key_locks)) = (&one, &key_locks) {
                assert_eq!(bare_documents(one), bare_documents(key_locks), "{} onto {under}", case.name);
                compared += 1;
            }
        }
    }
    assert!(compared > 500, "{compared}");
}

#[test]
fn a_patch_merged_alone_is_itself() {
    for text in [
        "machine: {network: {interfaces: [{interface: eth0}, {interface: eth0, mtu: 1}]}}",
        "machine: {sysctls: {a: ''}, certSANs: []}",
        "machine: {network: {interfaces: [{interface: eth0, $patch: delete}, {interface: eth0, mtu: 2}]}}",
        "{apiVersion: v1alpha1, kind: LinkConfig, name: 0022, mtu: {$patch: delete}, up: True}",
    ] {
        let merged = merge(&[text]).expect(text);
        assert!(same(&merged, text), "{merged}");
    }
    assert_eq!(merge(&["", "# nothing\n", "---\n"]).as_deref(), Ok(""));
}

#[test]
fn what_the_table_lacks_merges_by_its_form() {
    for (a, b, expected) in [
        ("machine: {a: 1}", "machine: {b: 2}", Some("machine: {a: 1, b: 2}")),
        ("machine: {a: {x: 1}}", "machine: {a: {x: 2, y: 3}}", Some("machine: {a: {x: 2, y: 3}}")),
        ("machine: {a: [1]}", "machine: {b: 1}", Some("machine: {a: [1], b: 1}")),
        ("machine: {a: [1]}", "machine: {a: [2]}", None),
        (
            "{apiVersion: v2, kind: NewConfig, name: a, x: 1}",
            "{apiVersion: v2, kind: NewConfig, name: a, x: 2}",
            Some("{apiVersion: v2, kind: NewConfig, name: a, x: 2}"),
        ),
    ] {
        match (merge(&[a, b]), expected) {
            (Ok(merged), Some(expected)) => assert!(same(&merged, expected), "{merged}"),
            (merged, expected) => assert!(merged.is_err() && expected.is_none(), "{a} {b}: {merged:?}"),
        }
    }
}

/// The fields that read alike, with each text and what Talos reads.
fn scalars() -> Vec<(&'static str, Vec<(String, &'static str)>)> {
    let mut groups: Vec<(&str, Vec<_>)> = Vec::new();
    for line in SCALARS.lines().filter(|line| !line.starts_with('#')) {
        match (line.split_once('\t'), groups.last_mut()) {
            (Some((text, reading)), Some((_, rows))) => rows.push((serde_json::from_str(text).expect(line), reading)),
            _ => groups.push((line, Vec::new())),
        }
    }
    groups
}

#[test]
fn no_text_is_lost_in_a_merge() {
    let mut kept = 0;
    for (fields, rows) in scalars().into_iter().filter(|(fields, _)| !fields.contains(" key")) {
        for (text, _) in rows {
            let patch = format!("machine:\n  env:\n    A: {text}\n");
            let Ok(before) = yaml::parse_nodes(&patch, &mut Budget::default()) else { continue };
            let merged = merge(&[&patch, "machine: {env: {B: b}}"]).expect(&patch);
            let after = yaml::parse_nodes(&merged, &mut Budget::default()).expect(&merged);
            let value = |documents: &[Node]| documents[0].get("machine").unwrap().get("env").unwrap().get("A").cloned();
            let (before, after) = (value(&before), value(&after));
            match (&before, &after) {
                (Some(Node::Scalar(a)), Some(Node::Scalar(b))) if a.plain && !a.text.is_empty() => {
                    assert_eq!(a, b, "{fields}: {text}");
                    kept += 1;
                }
                (Some(a), Some(b)) => assert!(a.same(b), "{fields}: {text}: {merged}"),
                other => panic!("{fields}: {text}: {other:?}"),
            }
        }
    }
    assert!(kept > 800, "{kept}");
}

#[test]
fn patches_are_the_same_only_if_talos_reads_the_same() {
    for (fields, rows) in scalars() {
        let patch = |text: &str| match fields.contains(" key") {
            true => format!("machine:\n  nodeLabels:\n    {text}: x\n"),
            false => format!("machine:\n  nodeLabels:\n    A: {text}\n"),
        };
        let rows: Vec<_> = rows.iter().map(|(text, reading)| (patch(text), *reading)).collect();
        let valid = rows.into_iter().filter(|(text, _)| yaml::parse_documents(text).is_ok());
        let rows: Vec<_> = valid.map(|(text, reading)| (digest(&text), text, reading)).collect();
        for (at, (print, text, reading)) in rows.iter().enumerate() {
            for (other_print, other, other_reading) in &rows[at + 1..] {
                let alike = same(text, other);
                assert!(!alike || reading == other_reading, "{fields}: {text} and {other}");
                assert_eq!(alike, print == other_print, "{fields}: {text} and {other}");
            }
        }
    }
}

#[test]
fn types_are_those_that_talos_gives_to_values_of_any_kind() {
    let groups = scalars();
    let (_, rows) = groups.iter().find(|(fields, _)| fields.contains("extraConfig{} (free)")).unwrap();
    for (text, reading) in rows {
        let Ok(documents) = yaml::parse_nodes(&format!("A: {text}\n"), &mut Budget::default()) else { continue };
        let Some(Node::Scalar(scalar)) = documents[0].get("A") else { continue };
        let tag = reading.split(' ').next().unwrap();
        let fits = match scalar.reading() {
            Reading::Null | Reading::Merge => tag == "!!null",
            Reading::Bool => tag == "!!bool",
            Reading::Int | Reading::Uint => tag == "!!int",
            // Talos writes a fraction of nothing as a whole number again.
            Reading::Float => tag == "!!float" || tag == "!!int",
            Reading::Time => tag == "!!timestamp",
            Reading::Text => tag == "!!str",
        };
        assert!(fits || *reading == "ERR", "{text:?} is {:?} and not {reading}", scalar.reading());
    }
}

#[test]
fn the_first_field_of_a_mark_is_what_counts() {
    let list = |element: &str| format!("machine: {{network: {{interfaces: [{element}]}}}}");
    let first = list("{interface: eth0, cidr: a, $patch: delete}");
    assert!(same(&first, &list("{$patch: delete, interface: eth0, cidr: a}")));
    assert!(!same(&first, &list("{cidr: a, interface: eth0, $patch: delete}")));
    assert_ne!(digest(&first), digest(&list("{cidr: a, interface: eth0, $patch: delete}")));
    assert!(same(&list("{interface: eth0, cidr: a}"), &list("{cidr: a, interface: eth0}")));
    assert_eq!(MARK, "$patch");
}

#[test]
fn digests_of_earlier_versions_stay_good() {
    let sha = |text: &str| Sha256::digest(text).iter().map(|b| format!("{b:02x}")).collect::<String>();
    for (text, json) in [
        (
            "b: 1\na: [x, '0022', true, null, ~, 1.10, -5, \"q\\n\"] # note\n",
            r#"[{"a":["x","0022",true,null,null,1.10,-5,"q\n"],"b":1}]"#,
        ),
        (
            "machine: {network: {interfaces: [{interface: eth0, $patch: delete}]}}",
            r#"[{"machine":{"network":{"interfaces":[{"$patch":"delete","interface":"eth0"}]}}}]"#,
        ),
        ("a: yes\n---\n1: 12:30\n", r#"[{"a":"yes"},{"1":"12:30"}]"#),
        ("# nothing\n", "[]"),
        ("a: [", "a: ["),
    ] {
        assert_eq!(digest(text), sha(json), "{text}");
    }
    let all = [
        "a: 18",
        "a: 0022",
        "a: '0022'",
        "a: true",
        "a: True",
        "a: 1.1",
        "a: 1.10",
        "a: 31",
        "a: 0x1F",
        "0x1F: a",
        "31: a",
    ];
    let digests: std::collections::HashSet<_> = all.iter().map(|text| digest(text)).collect();
    assert_eq!(digests.len(), all.len());
}

#[test]
fn what_omni_controls_is_named_all_at_once() {
    let text = "machine: {token: x, install: {disk: /dev/sda}, sysctls: {a: b}}\n---\napiVersion: v1alpha1\nkind: KubeClusterConfig\n";
    let expected = ["machine.token", "machine.install.disk", "KubeClusterConfig"].map(str::to_owned).to_vec();
    assert_eq!(check(text, Release::NEWEST), Err(PatchError::Controlled(expected)));
}

#[test]
fn each_release_refuses_what_it_refuses() {
    use Release::{BeforeV1_10 as Old, V1_10, V1_11};
    let all = [Old, V1_10, V1_11];
    let document = |kind: &str| format!("apiVersion: v1alpha1\nkind: {kind}\n");
    let two = |a: &str, b: &str| format!("{a}---\n{b}");
    let main = |text: &str| format!("machine: {text}\n");
    for (text, takes) in [
        (main("{sysctls: {a: b}}"), &all[..]),
        (main("{sysctls: {$patch: delete}}"), &all),
        (main("{network: {interfaces: [{interface: eth0, $patch: delete}]}}"), &all),
        (main("{install: {image: a, wipe: true}}"), &all),
        (main("{install: {$patch: delete}}"), &all),
        ("cluster: null\n".into(), &all),
        (main("{features: {kubernetesTalosAPIAccess: {allowedRoles: [os:reader]}}}"), &all),
        (document("KubeServiceAccountConfig"), &all),
        (document("HostnameConfig") + "$patch: delete\n", &all),
        // A word that is not `delete` is a key like any other where anybody chooses the keys.
        (main("{sysctls: {$patch: replace}}"), &all),
        (main("{kubelet: {extraConfig: {$patch: replace}}}"), &all),
        (main("{install: {disk: /dev/sda}}"), &[Old, V1_10]),
        (main("{install: {disk: null}}"), &[Old, V1_10]),
        ("cluster: {ca: {crt: eA==}}\n".into(), &[Old]),
        ("cluster: {ca: {$patch: delete}}\n".into(), &[Old]),
        ("cluster: {serviceAccount: {key: eA==}}\n".into(), &[Old]),
        (document("KubeClusterConfig"), &[Old]),
        (document("KubeClusterConfig") + "$patch: delete\n", &[Old]),
        (two(&main("{sysctls: {a: b}}"), &document("UnattendedInstallConfig")), &[Old]),
        (two(&document("HostnameConfig"), "cluster: {id: x}\n"), &[Old]),
        (document("KubeServiceAccountConfig") + "issuer: {privateKey: x}\n", &[Old]),
        (main("{token: x}"), &[]),
        (main("{token: null}"), &[]),
        (main("{type: worker}"), &[]),
        ("cluster: {id: x}\n".into(), &[]),
        (two("---\n", &main("{token: x}")), &[]),
        (main("{features: {kubernetesTalosAPIAccess: {allowedRoles: [os:admin]}}}"), &[]),
        (document("KubeTalosAPIAccessConfig") + "allowedRoles: [os:admin]\n", &[Old]),
        (two(&main("{sysctls: {a: b}}"), &main("{sysctls: {a: c}}")), &[]),
        (two(&document("HostnameConfig"), &document("HostnameConfig")), &[]),
        ("".into(), &[]),
        ("# nothing\n".into(), &[]),
        ("{}\n".into(), &[]),
        ("version: v1alpha1\n".into(), &[]),
        ("kind: SysctlConfig\n".into(), &[]),
        ("nosuch: 1\n".into(), &[]),
        ("$patch: delete\n".into(), &[]),
        ("hello\n".into(), &[]),
        ("- op: add\n  path: /machine\n  value: {}\n".into(), &[]),
        (main("{kubelet: {$patch: replace}}"), &[]),
        (main("{network: {interfaces: [{interface: eth0, bond: {$patch: delete}}]}}"), &[]),
        (main("{certSANs: [{$patch: delete}]}"), &[]),
        ("{".into(), &[]),
    ] {
        let taken: Vec<_> = all.into_iter().filter(|release| check(&text, *release).is_ok()).collect();
        assert_eq!(taken, takes, "{text}: {:?}", check(&text, V1_11));
    }
}

#[test]
fn documents_that_only_delete_do_not_count_twice() {
    let marks = "machine: {sysctls: {a: {$patch: delete}}}\n---\nmachine: {sysctls: {a: b}}\n";
    assert_eq!(check(marks, Release::NEWEST), Ok(()));
    let whole = "apiVersion: v1alpha1\nkind: OOMConfig\n$patch: delete\n---\napiVersion: v1alpha1\nkind: OOMConfig\n";
    assert_eq!(check(whole, Release::NEWEST), Ok(()));
}

/// Every patch that comes out can be given to Omni, if both that went in could.
#[test]
fn what_comes_out_is_one_patch() {
    for case in cases() {
        let fine = |text: &str| check(text, Release::V1_10).is_ok();
        let Some(merged) = case.merged.as_deref().filter(|merged| !merged.is_empty()) else { continue };
        if fine(&case.a) && fine(&case.b) {
            assert_eq!(check(merged, Release::V1_10), Ok(()), "{}", case.name);
        }
    }
}

#[test]
fn hostile_patches_end_in_a_short_error() {
    let mut bomb = "x0: &x0 {a: b}\n".to_owned();
    for at in 1..25 {
        let before = format!("*x{}", at - 1);
        bomb.push_str(&format!("x{at}: &x{at} {{a: {before}, b: {before}, c: {before}}}\n"));
    }
    let text = format!("machine: {{a: [{}]}}\n", "[],".repeat(1 << 19));
    let many = vec!["machine: {token: x}\n---\napiVersion: v1alpha1\nkind: KubeClusterConfig\n"; 2000].join("---\n");
    let long = format!("machine: {{{}: {{$patch: replace}}}}", "k".repeat(1 << 20));
    for text in [&bomb, &text, &many, &long] {
        for error in [check(text, Release::NEWEST).err(), merge(&[text, text, text]).err()] {
            let error = error.map(|error| error.to_string()).unwrap_or_default();
            assert!(error.len() < 1000, "{}", error.len());
        }
    }
    // Together they hold too much, each by itself does not.
    let half = format!("machine: {{x: {{{}}}}}\n", (0..1 << 18).map(|at| format!("a{at}: b, ")).collect::<String>());
    assert!(merge(&[&half]).is_ok());
    assert!(matches!(merge(&[&half, &half, &half]), Err(PatchError::TooMuch { .. })));
}

/// A patch that Omni 1.11 was seen to take has to pass here too. Who cannot ask a server may take more.
#[test]
fn no_patch_is_refused_that_the_server_takes() {
    const RULES: &str = include_str!("../../../tests/fixtures/observed/1.11-rules.jsonl");
    let mut case = String::new();
    let (mut held, mut laxer) = (0, Vec::new());
    for line in RULES.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        if let Some(name) = row["case"].as_str() {
            case = name.to_owned();
        }
        let text = row["spec"]["data"].as_str().unwrap_or_default();
        let of_target = row["text"].as_str().unwrap_or_default().contains("is tearing down");
        if case != "config_patch" || row["create"].is_null() || !row["spec"]["compressed_data"].is_null() || of_target {
            continue;
        }
        let taken = row["code"] == "OK";
        match (super::omni::check(text, Release::V1_11), taken) {
            (Ok(()), false) => laxer.push(row["asked"].as_str().unwrap_or_default().to_owned()),
            (Err(why), true) => panic!("{}: {why}", row["asked"]),
            _ => {}
        }
        held += 1;
    }
    assert!(held > 60, "{held} patches were held against the server's answers");
    assert!(laxer.len() < 10, "taken here and refused by the server: {laxer:?}");
}
