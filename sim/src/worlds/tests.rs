//! Worlds end to end: every built-in one starts and converges; errors name their location.
use super::*;
use crate::driver::Driver;
use crate::names::{kind, label};
use crate::object::Object;
use crate::{Release, controllers, kinds, world};
use kit::clock::TestClock;
use omni_proto::specs::{ClusterStatusSpec, MachineStatusSpec, SiderolinkSpec};
use std::sync::Arc;

fn fresh(machines: usize) -> Store {
    fresh_of(Release::NEWEST, machines)
}

fn fresh_of(release: Release, machines: usize) -> Store {
    let store = Store::new(Arc::new(TestClock::at(1_790_000_000)));
    world::seed(&store, machines, release);
    store
}

fn settled(text: &str) -> Store {
    settled_of(Release::NEWEST, text)
}

fn settled_of(release: Release, text: &str) -> Store {
    let store = fresh_of(release, 0);
    populate(&store, &text.parse().unwrap()).unwrap_or_else(|error| panic!("{release}: {error}"));
    Driver::new(store.clone(), controllers::all(), release).settle().unwrap();
    store
}

fn ready(name: &str) -> &'static str {
    READY.iter().find(|(ready, _)| *ready == name).unwrap().1
}

#[test]
fn every_ready_world_comes_to_rest() {
    let releases = [Release::V1_6, Release::NEWEST];
    for ((name, text), release) in READY.iter().flat_map(|world| releases.map(|release| (world, release))) {
        let store = settled_of(release, text);
        let world = text.parse::<Told>().unwrap().world;
        assert!(!world.description.is_empty(), "{name}");
        for cluster in &world.clusters {
            let status: ClusterStatusSpec =
                store.get(&kinds::key(kind::CLUSTER_STATUS, cluster.name.as_str())).unwrap().spec();
            assert!(status.ready, "{name}, {release}: {}", cluster.name);
        }
    }
}

#[test]
fn the_default_world_is_what_there_is_without_one() {
    let store = settled(ready("default"));
    let plain = fresh(6);
    Driver::new(plain.clone(), controllers::all(), Release::NEWEST).settle().unwrap();
    for kind in [kind::MACHINE_STATUS, kind::MACHINE_LABELS, kind::KERNEL_ARGS, kind::LINK] {
        let told = |store: &Store| {
            let of = |object: &Arc<Object>| (object.key.id.clone(), object.labels.clone(), object.spec.clone());
            store.list(kind).iter().map(of).collect::<Vec<_>>()
        };
        let machine = |store: &Store| {
            store.list(kind).iter().map(|object| object.spec::<MachineStatusSpec>()).collect::<Vec<_>>()
        };
        if kind == kind::MACHINE_STATUS {
            assert_eq!(machine(&store), machine(&plain));
        } else {
            assert_eq!(told(&store), told(&plain), "{kind}");
        }
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (text, expected) in [
        ("machines:\n  - cors: 4\n", "line 2, column 5: "),
        ("nonsense: 1\n", "line 1, column 1: "),
        ("machines:\n  - cores: many\n", "line 2, column 12: "),
        ("users: [{email: a@b.org}]\n", "line 1, column 10: missing field `role`"),
    ] {
        let error = text.parse::<Told>().unwrap_err().to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
    let unknown = "machines:\n  - cors: 4\n".parse::<Told>().unwrap_err().to_string();
    assert!(unknown.contains("cors"), "{unknown}");
}

#[test]
fn what_omni_would_refuse_is_refused() {
    for (text, expected) in [
        (
            "clusters: [{name: a b, talos: 1.13.5, kubernetes: 1.35.1, control_planes: {machines: [x]}}]",
            "Clusters \"a b\": name should only contain letters",
        ),
        (
            "clusters: [{name: c, talos: 1.13.5, kubernetes: 1.35.1, control_planes: {machines: [x]}}]",
            "names \"x\", which no machine is called",
        ),
        ("machines: [{memory: 16}]", "\"16\" is no size"),
        ("users: [{email: a@b.org, role: King}]", "\"King\" is no role"),
        ("machines: [{hostname: a}, {hostname: a}]", "two machines have the name \"a\""),
        ("machines: [{id: nope}]", "machines: id: "),
        ("machines: [{count: 100000}, {}]", "machines: 100001 machines are too many; there may be 100000"),
        ("machines: [{processors: 2000}]", "2000 processors are too many; a machine has at most 1024"),
        ("machines: [{provider: none}]", "there is no provider \"none\""),
        ("machines: [{join_token: none}]", "there is no join token \"none\""),
        ("instance: {min_backup_interval: soon}", "instance: min_backup_interval: `soon` is not a duration"),
    ] {
        let error = populate(&fresh(0), &text.parse().unwrap()).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn a_machine_is_as_the_world_says() {
    let store = settled(
        "machines: [{hostname: a, arch: arm64, cores: 2, processors: 2, memory: 1.5GiB, connected: false, \
         disks: [{name: sda, size: 10GB}], platform: aws, region: r, labels: {own: label}, installed: true, \
         talos: 1.12.4, secure_boot: true}]",
    );
    let [machine] = &store.list(kind::MACHINE_STATUS)[..] else { panic!("one machine") };
    let has = |key: &str| machine.label(key);
    let found =
        [label::ARCH, label::CORES, label::MEM, label::STORAGE, label::PLATFORM, label::HOSTNAME, "own"].map(has);
    assert_eq!(found, ["arm64", "4", "1GiB", "10GB", "aws", "a", "label"].map(Some));
    assert_eq!(has("omni.sidero.dev/region"), Some("r"));
    assert!(has(label::DISCONNECTED).is_some() && has(label::INSTALLED).is_some());
    let spec: MachineStatusSpec = machine.spec();
    assert_eq!(spec.talos_version, "v1.12.4");
    assert!(spec.security_state.unwrap().secure_boot);
    assert!(!store.list(kind::LINK)[0].spec::<SiderolinkSpec>().connected);
}

#[test]
fn versions_on_offer_are_those_of_the_world() {
    let text = "talos_versions: [{version: 1.12.0}, {version: 1.13.0, kubernetes: [1.35.0], deprecated: true}]\n\
                kubernetes_versions: [1.34.0, 1.35.0]";
    let store = fresh(0);
    let told: Told = text.parse().unwrap();
    populate(&store, &told).unwrap();
    let ids = |kind: &str| store.list(kind).iter().map(|object| object.key.id.clone()).collect::<Vec<_>>();
    for _ in 0..2 {
        assert_eq!(ids(kind::TALOS_VERSION), ["1.12.0", "1.13.0"]);
        assert_eq!(ids(kind::TALOS_EXTENSIONS), ["1.12.0", "1.13.0"]);
        assert_eq!(ids(kind::KUBERNETES_VERSION), ["1.34.0", "1.35.0"]);
        // A restart puts the usual versions there first.
        world::seed(&store, 0, Release::NEWEST);
        apply_instance_settings(&store, &stored(&store).unwrap()).unwrap();
    }
}

/// The rows of the reference: a field, its type, and what it says.
fn reference() -> String {
    let schema = schemars::schema_for!(World).to_value();
    let mut text = String::new();
    let mut write = |title: &str, object: &serde_json::Value| {
        text.push_str(&format!("### {title}\n\n"));
        if let Some(about) = object["description"].as_str() {
            text.push_str(&format!("{}\n\n", about.replace('\n', " ")));
        }
        if let Some(values) = object["oneOf"].as_array() {
            for value in values {
                let name = value["const"].as_str().unwrap_or_default();
                let about = value["description"].as_str().map(|about| format!(": {about}")).unwrap_or_default();
                text.push_str(&format!("- `{name}`{about}\n"));
            }
            text.push('\n');
        }
        if let Some(fields) = object["properties"].as_object() {
            text.push_str("| Field | Type | Meaning |\n|---|---|---|\n");
            for (name, field) in fields {
                let about = field["description"].as_str().unwrap_or_default().replace('\n', " ");
                text.push_str(&format!("| `{name}` | {} | {about} |\n", type_of(field)));
            }
            text.push('\n');
        }
    };
    write("World", &schema);
    for (name, object) in schema["$defs"].as_object().unwrap() {
        write(name, object);
    }
    text.trim_end().to_owned() + "\n"
}

fn type_of(field: &serde_json::Value) -> String {
    if let Some(other) = field["$ref"].as_str().or_else(|| field["anyOf"][0]["$ref"].as_str()) {
        let name = other.rsplit('/').next().unwrap();
        return format!("[{name}](#{})", name.to_lowercase());
    }
    let plain = field["type"].as_str().or_else(|| field["type"][0].as_str()).unwrap_or_default();
    match plain {
        "array" => match type_of(&field["items"]) {
            plain if plain.starts_with('`') => format!("`list({})`", plain.trim_matches('`')),
            other => format!("list of {other}"),
        },
        "object" => "`map(string)`".into(),
        "integer" => "`number`".into(),
        "boolean" => "`bool`".into(),
        "string" => "`string`".into(),
        other => panic!("{other:?} in {field}"),
    }
}

#[test]
fn the_guide_has_every_field() {
    let guide = include_str!("../../../src/docs/guides/worlds.md");
    let (_, found) = guide.split_once("## Reference\n\n").expect("a reference");
    let expected = reference();
    if found != expected {
        let file = std::env::temp_dir().join("omni-sim-worlds-reference.md");
        std::fs::write(&file, &expected).unwrap();
        panic!("the reference in the guide is old; what belongs there is in {}", file.display());
    }
}

#[test]
fn the_guide_names_every_ready_world() {
    let guide = include_str!("../../../src/docs/guides/worlds.md");
    for (name, text) in READY {
        let told: Told = text.parse().unwrap();
        let row = format!("| `{name}` | {} |", told.world().description);
        assert!(guide.contains(&row), "{row}");
    }
}

#[test]
fn the_example_of_the_guide_is_a_world() {
    let guide = include_str!("../../../src/docs/guides/worlds.md");
    let (_, rest) = guide.split_once("```yaml\n").expect("an example");
    settled(rest.split_once("```").expect("its end").0);
}
