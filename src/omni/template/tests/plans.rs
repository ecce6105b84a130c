//! What omnictl does badly and this room does not, releases, and files.

use super::super::*;
use super::{apply, steps, stored};
use crate::omni::labels;
use crate::omni::spec;
use crate::omni::state::Phase;
use std::fs;

/// A small template with this in its control plane and below it.
fn small(rest: &str) -> Template {
    let text =
        format!("kind: Cluster\nname: prod\nkubernetes: {{version: v1.36.3}}\ntalos: {{version: v1.13.8}}\n{rest}");
    Template::load(&text, Arc::new(NoFiles)).unwrap_or_else(|problems| panic!("{problems}"))
}

const A: &str = "00000000-0000-4000-8000-000000000001";
const B: &str = "00000000-0000-4000-8000-000000000002";

#[test]
fn nothing_of_others_is_taken_over() {
    let template = small(&format!(
        "patches:\n  - {{idOverride: shared, inline: {{machine: {{nodeLabels: {{a: b}}}}}}}}\n---\nkind: ControlPlane\nmachines: [{A}]\n"
    ));
    let objects = template.render(Release::NEWEST).unwrap();
    let patch = specs::ConfigPatchSpec::KIND.key("shared");
    let node = specs::MachineSetNodeSpec::KIND.key(A);
    type Edit = fn(&mut Resource);
    for (key, edit, reason) in [
        (
            &patch,
            (|o| _ = o.metadata.labels.insert(labels::CLUSTER.into(), "other".into())) as Edit,
            Some("belongs to cluster \"other\""),
        ),
        (
            &node,
            |o| _ = o.metadata.labels.insert(labels::CLUSTER.into(), "other".into()),
            Some("belongs to cluster \"other\""),
        ),
        (&patch, |o| o.metadata.owner = "X".into(), Some("is made by Omni itself (X)")),
        (
            &patch,
            |o| o.metadata.labels = [(labels::MACHINE.to_owned(), "m".to_owned())].into(),
            Some("belongs to machine \"m\""),
        ),
        (
            &node,
            |o| _ = o.metadata.labels.insert(labels::MANAGED_BY_ALLOCATOR.into(), String::new()),
            Some("is made by Omni itself, for a machine class"),
        ),
        // What only lost its labels is repaired.
        (&patch, |o| o.metadata.labels.clear(), None),
    ] {
        let mut existing = stored(objects.iter().find(|object| object.key == *key).unwrap().clone());
        edit(&mut existing);
        let planned = plan_sync("prod", &objects, &[existing]);
        match reason {
            Some(reason) => assert_eq!(planned, Err(vec![Conflict { key: key.clone(), reason: reason.to_owned() }])),
            None => assert!(planned.is_ok_and(|plan| plan.updates.len() == 1)),
        }
    }
    let mut cluster = stored(objects[0].clone());
    cluster.metadata.phase = Phase::TearingDown;
    assert_eq!(plan_sync("prod", &objects, &[cluster]).unwrap_err()[0].reason, "is being destroyed");
}

#[test]
fn a_machine_moves_between_sets_in_one_sync() {
    let template = |set: &str| {
        small(&format!("---\nkind: ControlPlane\nmachines: [{A}]\n---\nkind: Workers\nname: {set}\nmachines: [{B}]\n"))
    };
    let before = template("old").render(Release::NEWEST).unwrap();
    let after = template("new").render(Release::NEWEST).unwrap();
    let mut state = Vec::new();
    apply(&plan_sync("prod", &before, &[]).unwrap(), &mut state);
    let plan = plan_sync("prod", &after, &state).unwrap();
    let moved: Vec<_> = plan.moves.iter().map(|moved| moved.from.key.id.as_str()).collect();
    assert_eq!(moved, [B]);
    assert_eq!(
        steps(&plan),
        [
            "* creating MachineSets.omni.sidero.dev(prod-new)".to_owned(),
            format!("* creating MachineSetNodes.omni.sidero.dev({B})"),
            "* tearing down MachineSets.omni.sidero.dev(prod-old)".to_owned(),
        ]
    );
    // Its diff is that of a change.
    let diff = diff_text(&plan);
    assert!(
        diff.contains("-    omni.sidero.dev/machine-set: prod-old\n+    omni.sidero.dev/machine-set: prod-new\n"),
        "{diff}"
    );
    apply(&plan, &mut state);
    assert!(plan_sync("prod", &after, &state).unwrap().is_empty());
}

#[test]
fn what_is_being_torn_down_is_made_again() {
    let template = small(&format!("---\nkind: ControlPlane\nmachines: [{A}]\n"));
    let objects = template.render(Release::NEWEST).unwrap();
    let mut state: Vec<Resource> = objects.iter().cloned().map(stored).collect();
    state.iter_mut().filter(|object| object.key.id == A).for_each(|node| node.metadata.phase = Phase::TearingDown);
    let plan = plan_sync("prod", &objects, &state).unwrap();
    assert_eq!((plan.moves.len(), plan.creates.len(), plan.updates.len()), (1, 1, 0));
}

#[test]
fn what_others_made_for_the_cluster_is_destroyed_and_what_omni_made_is_not() {
    let template = small("---\nkind: ControlPlane\n");
    let objects = template.render(Release::NEWEST).unwrap();
    let mut state: Vec<Resource> = objects.iter().cloned().map(stored).collect();
    for (id, owner) in [("by-hand", ""), ("by-omni", "SomeController")] {
        let mut patch = spec::resource(id, &specs::ConfigPatchSpec::default());
        patch.metadata.labels.insert(labels::CLUSTER.to_owned(), "prod".to_owned());
        patch.metadata.owner = owner.to_owned();
        state.push(stored(patch));
    }
    let plan = plan_sync("prod", &objects, &state).unwrap();
    assert_eq!(steps(&plan), ["* tearing down ConfigPatches.omni.sidero.dev(by-hand)"]);
}

#[test]
fn an_update_keeps_fields_that_this_build_does_not_know() {
    let template = |version: &str| {
        let text = format!(
            "kind: Cluster\nname: prod\nkubernetes: {{version: v1.36.3}}\ntalos: {{version: {version}}}\n---\nkind: ControlPlane\n"
        );
        Template::load(&text, Arc::new(NoFiles)).unwrap().render(Release::NEWEST).unwrap()
    };
    // Field 99 with the text `later`.
    let unknown = b"\x9a\x06\x05later";
    let mut state: Vec<Resource> = template("v1.13.5").into_iter().map(stored).collect();
    state[0].spec.extend_from_slice(unknown);
    assert!(plan_sync("prod", &template("v1.13.5"), &state).unwrap().is_empty());
    let plan = plan_sync("prod", &template("v1.13.8"), &state).unwrap();
    assert!(plan.updates[0].to.spec.windows(unknown.len()).any(|part| part == unknown));
    assert_eq!(plan.updates[0].to.metadata.version, Some(1));
}

#[test]
fn compressed_texts_are_compared_as_texts() {
    let template =
        small("patches:\n  - {name: a, inline: \"machine: {nodeLabels: {a: b}}\\n\"}\n---\nkind: ControlPlane\n");
    let objects = template.render(Release::NEWEST).unwrap();
    let mut state: Vec<Resource> = objects.iter().cloned().map(stored).collect();
    let patch = state.iter_mut().find(|object| object.key.kind == specs::ConfigPatchSpec::KIND).unwrap();
    let spec = specs::ConfigPatchSpec { data: String::new(), compressed_data: vec![0x28, 0xb5] };
    patch.spec = prost::Message::encode_to_vec(&spec);
    patch.yaml = "data: |\n    machine: {nodeLabels: {a: b}}\n".to_owned();
    assert!(plan_sync("prod", &objects, &state).unwrap().is_empty());
}

#[test]
fn releases_differ() {
    let told = |text: &str, minor: u64| -> Vec<String> {
        let problems = small(text).validate(Release { major: 1, minor });
        problems.into_iter().map(|problem| problem.to_string()).collect()
    };
    let machine = |install: &str| {
        format!("---\nkind: ControlPlane\nmachines: [{A}]\n---\nkind: Machine\nname: {A}\ninstall: {install}\n")
    };
    for (text, minor, expected) in [
        (machine("{disk: /dev/vda}"), 6, None),
        (
            machine("{diskSelector: 'disk.size > 1u'}"),
            10,
            Some("install.diskSelector needs Omni 1.11 or later; the server is 1.10"),
        ),
        (
            "features: {enableNodeAuditSkip: true}\n---\nkind: ControlPlane\n".to_owned(),
            8,
            Some("features.enableNodeAuditSkip needs Omni 1.9 or later; the server is 1.8"),
        ),
        ("features: {enableNodeAuditSkip: false}\n---\nkind: ControlPlane\n".to_owned(), 8, None),
        (
            "---\nkind: ControlPlane\nupgradeStrategy: {type: Rolling}\n".to_owned(),
            5,
            Some("upgradeStrategy needs Omni 1.6 or later; the server is 1.5"),
        ),
        (
            "patches: [{name: a, inline: {machine: {install: {disk: /dev/sda}}}}]\n---\nkind: ControlPlane\n"
                .to_owned(),
            10,
            None,
        ),
        (
            "patches: [{name: a, inline: {machine: {install: {disk: /dev/sda}}}}]\n---\nkind: ControlPlane\n"
                .to_owned(),
            11,
            Some("overriding \"machine.install.disk\" is not allowed in the config patch"),
        ),
    ] {
        let problems = told(&text, minor);
        match expected {
            None => assert_eq!(problems, Vec::<String>::new(), "{text}"),
            Some(words) => assert!(problems.len() == 1 && problems[0].contains(words), "{text}: {problems:?}"),
        }
    }
    let disk = |minor| {
        let objects = small(&machine("{disk: /dev/vda}")).render(Release { major: 1, minor }).unwrap();
        objects.last().unwrap().key.to_string()
    };
    assert_eq!(disk(11), format!("MachineInstallDiskConfigs.omni.sidero.dev/{A}"));
    assert_eq!(disk(10), format!("ConfigPatches.omni.sidero.dev/000-cm-{A}-install-disk"));
    let empty = |minor| {
        small("systemExtensions: []\n---\nkind: ControlPlane\n").render(Release { major: 1, minor }).unwrap().len()
    };
    assert_eq!((empty(8), empty(9)), (2, 3));
}

#[test]
fn the_disk_survives_an_export_of_an_old_release() {
    let template = small(&format!(
        "---\nkind: ControlPlane\nmachines: [{A}]\n---\nkind: Machine\nname: {A}\ninstall: {{disk: /dev/vda}}\n"
    ));
    let release = Release { major: 1, minor: 10 };
    let objects = template.render(release).unwrap();
    let text = export("prod", &objects, ExportOptions::default(), release).unwrap();
    assert!(text.ends_with(&format!("kind: Machine\nname: {A}\ninstall:\n  disk: /dev/vda\n")), "{text}");
    let again = Template::load(&text, Arc::new(NoFiles)).unwrap().render(release).unwrap();
    assert_eq!(again, objects);
}

#[test]
fn deletes_give_up_what_belongs_to_machines() {
    let link = stored(spec::resource("m1", &specs::SiderolinkSpec::default()));
    let patch = stored(spec::resource("500-m1", &specs::ConfigPatchSpec::default()));
    let extensions = stored(spec::resource("schematic-m1", &specs::ExtensionsConfigurationSpec::default()));
    let template = small(&format!("kernelArgs: [quiet]\n---\nkind: ControlPlane\nmachines: [{A}]\n"));
    let state: Vec<Resource> = template.render(Release::NEWEST).unwrap().into_iter().map(stored).collect();
    let plan = plan_delete("prod", &state, &[patch, link, extensions]);
    assert_eq!(
        steps(&plan),
        [
            format!("* updating KernelArgs.omni.sidero.dev({A})"),
            "* tearing down ExtensionsConfigurations.omni.sidero.dev(schematic-m1)".to_owned(),
            "* tearing down Links.omni.sidero.dev(m1)".to_owned(),
            "* tearing down ConfigPatches.omni.sidero.dev(500-m1)".to_owned(),
            "* tearing down Clusters.omni.sidero.dev(prod)".to_owned(),
        ]
    );
    assert!(plan.updates[0].to.metadata.annotations.is_empty());
    assert_eq!(plan.destroys.len(), 4);
}

#[test]
fn objects_are_looked_up_once() {
    let template = small(&format!("kernelArgs: [quiet]\n---\nkind: ControlPlane\nmachines: [{A}]\n"));
    let objects = template.render(Release::NEWEST).unwrap();
    let listed: Vec<Resource> =
        objects.iter().filter(|object| object.key.id == A && LISTED.contains(&object.key.kind)).cloned().collect();
    let keys = |release| -> Vec<String> {
        lookups("prod", &objects, &listed, release).iter().map(ToString::to_string).collect()
    };
    let disk = format!("MachineInstallDiskConfigs.omni.sidero.dev/{A}");
    let rest = ["Clusters.omni.sidero.dev/prod".to_owned(), format!("KernelArgs.omni.sidero.dev/{A}")];
    assert_eq!(
        keys(Release::NEWEST),
        [rest[0].clone(), rest[1].clone(), disk, "MachineSets.omni.sidero.dev/prod-control-planes".to_owned()]
    );
    assert_eq!(keys(Release { major: 1, minor: 10 })[..2], rest);
    assert_eq!(keys(Release { major: 1, minor: 10 }).len(), 3);
}

#[test]
fn large_differences_are_not_shown() {
    let text = |lines: usize| {
        let lines = (0..lines).map(|n| format!("      # {n}\n")).collect::<String>();
        format!(
            "patches:\n  - name: a\n    inline: |\n{lines}      machine: {{nodeLabels: {{a: b}}}}\n---\nkind: ControlPlane\n"
        )
    };
    let plan = plan_sync("prod", &small(&text(80_000)).render(Release::NEWEST).unwrap(), &[]).unwrap();
    let diff = diff_text(&plan);
    assert!(
        diff.contains("\n@@ -1,0 +1,80017 @@ diff too large to display\n"),
        "{}",
        diff.lines().find(|l| l.contains("too large")).unwrap_or_default()
    );
}

#[test]
fn unset_survives_an_export() {
    let template = small(
        "---\nkind: ControlPlane\n---\nkind: Workers\nupdateStrategy: {type: Unset}\ndeleteStrategy: {type: Rolling}\n",
    );
    let objects = template.render(Release::NEWEST).unwrap();
    let text = export("prod", &objects, ExportOptions::default(), Release::NEWEST).unwrap();
    assert!(
        text.ends_with("kind: Workers\nupdateStrategy:\n  type: Unset\ndeleteStrategy:\n  type: Rolling\n"),
        "{text}"
    );
    let again = Template::load(&text, Arc::new(NoFiles)).unwrap().render(Release::NEWEST).unwrap();
    assert_eq!(again, objects);
}

#[test]
fn without_files_only_rendering_fails() {
    let template = small("patches: [{file: a.yaml}]\n---\nkind: ControlPlane\n");
    assert_eq!(template.validate(Release::NEWEST), []);
    let problems = template.render(Release::NEWEST).unwrap_err().to_string();
    assert_eq!(problems, "line 5, column 11: failed to read patch \"a.yaml\": files are not read here");
}

#[cfg(unix)]
#[test]
fn files_stay_in_their_folder() {
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("inner");
    fs::create_dir_all(inner.join("sub")).unwrap();
    fs::write(outer.path().join("secret"), "secret").unwrap();
    fs::write(inner.join("file"), "text").unwrap();
    fs::write(inner.join("bytes"), [0xff, 0x00]).unwrap();
    std::os::unix::fs::symlink("file", inner.join("in")).unwrap();
    std::os::unix::fs::symlink("../secret", inner.join("out")).unwrap();
    std::os::unix::fs::symlink("..", inner.join("up")).unwrap();
    let absolute = inner.join("file").display().to_string();
    let outside = outer.path().join("secret").display().to_string();
    let files = Folder::new(&inner);
    for (path, expected) in [
        ("file", Ok("text")),
        ("./sub/../file", Ok("text")),
        ("in", Ok("text")),
        (absolute.as_str(), Ok("text")),
        ("missing", Err(FileError::Missing)),
        ("sub", Err(FileError::Folder)),
        ("bytes", Err(FileError::Encoding)),
        ("out", Err(FileError::Outside)),
        ("up/secret", Err(FileError::Outside)),
        ("../secret", Err(FileError::Outside)),
        ("../inner/file", Err(FileError::Outside)),
        (outside.as_str(), Err(FileError::Outside)),
    ] {
        assert_eq!(files.read(path), expected.map(str::to_owned), "{path}");
    }
}
