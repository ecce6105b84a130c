//! Templates held against what omnictl of the 1.11 line and of 1.6.6 says and prints for them.
//! `differences.tsv` lists every case in which this build does something else, and why.

mod plans;

use super::super::labels;
use super::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const OLD: Release = Release { major: 1, minor: 6 };

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/templates")
}

/// The cases of a file, by name: what omnictl printed, and the exit status in the last line.
fn cases(path: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(folder().join(path)).unwrap();
    let mut cases: Vec<(String, String)> = Vec::new();
    for line in text.split_inclusive('\n') {
        match line.strip_prefix("=== ") {
            Some(name) => cases.push((name.trim_end().to_owned(), String::new())),
            None => cases.last_mut().unwrap().1.push_str(line),
        }
    }
    assert!(cases.len() > 1, "{path}");
    cases
}

/// What omnictl printed, without the exit status.
fn printed(golden: &str) -> &str {
    let end = golden.rfind("exit ").unwrap();
    &golden[..end]
}

/// The text of a template, which may be in UTF-16.
fn template_text(path: &str) -> String {
    text_of(&fs::read(folder().join(path)).unwrap()).unwrap()
}

fn load(path: &str) -> Result<Template, Problems> {
    let files = Folder::new(folder().join(path).parent().unwrap());
    Template::load(&template_text(path), Arc::new(files))
}

fn rendered(path: &str, release: Release) -> Vec<Resource> {
    load(path).unwrap().render(release).unwrap_or_else(|problems| panic!("{path}: {problems}"))
}

/// The cases of a command that may differ, by the table.
fn expected_differences(command: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(folder().join("differences.tsv")).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    let rows = rows.map(|line| line.split('\t').collect::<Vec<_>>());
    rows.filter_map(|row| match row.as_slice() {
        [of, case, why] if !why.is_empty() => (*of == command).then(|| (*case).to_owned()),
        _ => panic!("a row has a command, a case and a reason: {row:?}"),
    })
    .collect()
}

/// Holds the cases that differ against the table: a new difference fails, and so does one that is gone.
#[track_caller]
fn hold(command: &str, differences: &BTreeMap<String, String>) {
    let expected = expected_differences(command);
    let found: BTreeSet<String> = differences.keys().cloned().collect();
    let new: Vec<_> = found.difference(&expected).map(|case| format!("{case}:\n{}", differences[case])).collect();
    let gone: Vec<_> = expected.difference(&found).collect();
    assert!(new.is_empty() && gone.is_empty(), "{command}: gone {gone:?}, new {}:\n{}", new.len(), new.join("\n"));
}

/// The lines that differ, for messages.
fn compared(golden: &str, ours: &str) -> String {
    similar::TextDiff::from_lines(golden, ours).unified_diff().header("omnictl", "ours").to_string()
}

/// Times that omnictl takes from the moment, and that are masked in the fixtures.
fn masked(text: &str) -> String {
    text.replace("0001-01-01T00:00:00Z", "TIME")
}

#[test]
fn render_is_what_omnictl_prints() {
    let mut differences = BTreeMap::new();
    for (folder, suffix, release) in [("1.11", "", Release::NEWEST), ("1.6.6", " (1.6.6)", OLD)] {
        for (name, golden) in cases(&format!("{folder}/render.txt")) {
            let objects = rendered(&format!("{folder}/{name}.yaml"), release);
            let ours = masked(&print(&objects, release));
            if ours != printed(&golden) {
                differences.insert(format!("{name}{suffix}"), compared(printed(&golden), &ours));
            }
        }
    }
    hold("render", &differences);
}

/// The problems in what omnictl printed, without the lines that only introduce others.
fn leaves(golden: &str) -> Vec<String> {
    let mut leaves: Vec<String> = Vec::new();
    for line in printed(golden).lines() {
        let line = line.strip_prefix("Error: ").unwrap_or(line);
        if line.trim().is_empty() || line.ends_with("occurred:") {
            continue;
        }
        match line.strip_prefix("\t* ") {
            Some(problem) => leaves.push(problem.to_owned()),
            None => match line.strip_prefix("error loading template: ") {
                Some(problem) => leaves.extend(loading(problem)),
                // What belongs to the problem before it is indented, or begins with a name.
                None if line.starts_with([' ', '\t']) => {}
                None => leaves.push(line.to_owned()),
            },
        }
    }
    leaves
}

/// The problems of loading: several in one line.
fn loading(problem: &str) -> Vec<String> {
    let Some((_, list)) = problem.split_once("yaml: construct errors: ") else {
        let problem = problem.split_once(": ").filter(|(before, _)| before.starts_with("error in document"));
        return vec![problem.map_or("error decoding template", |(_, problem)| problem).to_owned()];
    };
    list.split("; ")
        .map(|problem| problem.split_once(": ").map_or(problem, |(_, problem)| problem).to_owned())
        .collect()
}

/// Whether both tell the same problem: in the same words, or omnictl in those of a library.
fn same_problem(golden: &str, ours: &str) -> bool {
    // How omnictl opens a file is no matter.
    let opened = |text: &str| {
        let words = ["openat ", "statat ", "open ", "read "];
        let at = words.iter().filter_map(|word| text.find(&format!(": {word}"))).min();
        at.map(|at| {
            let cause = text[at + 2..].split_once(": ").map_or_else(
                || text[at + 2..].rsplit_once(' ').map(|_| "is a directory").unwrap_or_default().to_owned(),
                |(_, cause)| cause.to_owned(),
            );
            (text[..at].to_owned(), cause)
        })
        .map_or_else(|| text.to_owned(), |(before, cause)| format!("{before}: {cause}"))
    };
    let golden = golden
        .split_once(": failed to access ")
        .filter(|_| golden.starts_with("healthcheck "))
        .map_or_else(|| golden.to_owned(), |(_, rest)| format!("failed to access {rest}"));
    let golden = golden.as_str();
    if opened(golden) == ours {
        return true;
    }
    if let Some(field) = golden.strip_prefix("field ").and_then(|rest| rest.split_once(" not found in type ")) {
        return ours.starts_with(&format!("unknown key {:?} in ", field.0));
    }
    if golden.starts_with("cannot construct ") {
        return ours.starts_with("expected ");
    }
    if let Some(key) = golden.strip_prefix("mapping key \"").and_then(|rest| rest.split_once('"')) {
        return ours.contains(&format!("the key `{}` is given twice", key.0));
    }
    let cut = [
        ": strconv.",
        ": config not found",
        ": expected a YAML document",
        ": decode error",
        ": duplicate document",
        ": error decoding document",
    ];
    let library = cut.iter().find_map(|words| golden.find(words)).map(|at| &golden[..at]);
    if golden == "error decoding template" || golden.contains("go-yaml load error") && library.is_none() {
        return ours.starts_with("error decoding template: ");
    }
    library.is_some_and(|before| ours.starts_with(&format!("{before}: ")))
}

/// Everything that is wrong with a template.
fn problems(path: &str, release: Release) -> Vec<Problem> {
    load(path).map_or_else(|problems| problems.0, |template| template.validate(release))
}

#[test]
fn problems_are_those_of_omnictl() {
    let mut differences = BTreeMap::new();
    for (folder, suffix, release) in [("1.11", "", Release::NEWEST), ("1.6.6", " (1.6.6)", OLD)] {
        for (name, golden) in cases(&format!("{folder}/validate.txt")) {
            let ours = problems(&format!("{folder}/bad/{name}.yaml"), release);
            let ours: Vec<String> = ours.into_iter().map(|problem| problem.message).collect();
            let golden = leaves(&golden);
            let same =
                golden.len() == ours.len() && golden.iter().zip(&ours).all(|(golden, ours)| same_problem(golden, ours));
            if !same {
                differences.insert(format!("{name}{suffix}"), compared(&golden.join("\n"), &ours.join("\n")));
            }
        }
    }
    hold("validate", &differences);
}

/// What omnictl only finds when it renders, validation finds here.
#[test]
fn validation_finds_what_omnictl_finds_later() {
    for (name, golden) in cases("1.11/render-bad.txt") {
        let ours = problems(&format!("1.11/bad/{name}.yaml"), Release::NEWEST);
        assert_eq!(leaves(&golden).len(), ours.len(), "{name}: {ours:?}");
    }
}

/// Every problem with its place, as a person reads it.
#[test]
fn problems_have_their_places() {
    let mut told = String::new();
    for (name, _) in cases("1.11/validate.txt") {
        told.push_str(&format!("=== {name}\n"));
        for problem in problems(&format!("1.11/bad/{name}.yaml"), Release::NEWEST) {
            told.push_str(&format!("{problem}\n"));
        }
    }
    let path = folder().join("problems.txt");
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(told == expected, "{}", compared(&expected, &told));
}

/// Makes what a plan says, and what the server does with it.
fn apply(plan: &SyncPlan, state: &mut Vec<Resource>) {
    let gone: Vec<&Resource> =
        plan.destroys.iter().flatten().chain(plan.moves.iter().map(|moved| &moved.from)).collect();
    let follows = |object: &Resource| {
        gone.iter().any(|gone| {
            gone.key == object.key
                || object.metadata.labels.get(labels::MACHINE_SET) == Some(&gone.key.id)
                    && object.key.kind == specs::MachineSetNodeSpec::KIND
                || gone.key.kind == specs::ClusterSpec::KIND
                    && object.metadata.labels.get(labels::CLUSTER) == Some(&gone.key.id)
        })
    };
    state.retain(|object| !follows(object));
    state.extend(plan.creates.iter().cloned().map(stored));
    for update in &plan.updates {
        let found = state.iter_mut().find(|object| object.key == update.to.key).unwrap();
        *found = update.to.clone();
    }
}

/// An object as the server has it.
fn stored(mut object: Resource) -> Resource {
    object.metadata.version = Some(1);
    object
}

/// A plan in the words of omnictl.
fn steps(plan: &SyncPlan) -> Vec<String> {
    let step = |what: &str, key: &Key| format!("* {what} {}({})", key.kind.name, key.id);
    let mut steps: Vec<String> = plan.creates.iter().map(|object| step("creating", &object.key)).collect();
    steps.extend(plan.updates.iter().map(|update| step("updating", &update.from.key)));
    steps.extend(plan.destroys.iter().flatten().map(|object| step("tearing down", &object.key)));
    steps
}

/// The steps that omnictl printed, up to the first error.
fn golden_steps(golden: &str) -> Vec<String> {
    let lines = printed(golden).lines().map(|line| line.replace(" (dry run)", ""));
    lines.filter(|line| line.starts_with("* ") && !line.starts_with("* destroyed")).collect()
}

/// The creates of one kind are in no order in omnictl; everything else is.
fn same_steps(golden: &[String], ours: &[String]) -> bool {
    let sorted = |steps: &[String]| {
        let mut steps: Vec<Vec<&str>> = steps
            .chunk_by(|a, b| creates(a).is_some() && creates(a) == creates(b))
            .map(|chunk| chunk.iter().map(String::as_str).collect())
            .collect();
        steps.iter_mut().for_each(|chunk: &mut Vec<&str>| chunk.sort_unstable());
        steps.concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    sorted(golden) == sorted(ours)
}

fn creates(step: &str) -> Option<&str> {
    step.strip_prefix("* creating ")?.split_once('(').map(|(kind, _)| kind)
}

/// Objects that the server had before: those of the template that omnictl updated and did not create.
fn found_before(golden: &str, rendered: &[Resource]) -> Vec<Resource> {
    let updated = |object: &&Resource| {
        golden_steps(golden).contains(&format!("* updating {}({})", object.key.kind.name, object.key.id))
    };
    let bare = |object: &Resource| stored(Resource { metadata: Default::default(), ..object.clone() });
    rendered.iter().filter(updated).map(bare).collect()
}

#[test]
fn the_first_sync_writes_in_the_order_of_omnictl() {
    let mut differences = BTreeMap::new();
    for (file, suffix, release) in [("1.11/dry.txt", "", Release::NEWEST), ("1.6.6/dry.txt", " (1.6.6)", OLD)] {
        for (name, golden) in
            cases(file).into_iter().filter(|(name, _)| !name.contains("change-") || name.starts_with("tmpl-"))
        {
            if name == "by-hand" {
                continue;
            }
            let folder = file.split_once('/').unwrap().0;
            let objects = rendered(&format!("{folder}/{name}.yaml"), release);
            let cluster = load(&format!("{folder}/{name}.yaml")).unwrap().cluster().to_owned();
            let mut state = found_before(&golden, &objects);
            let planned = plan_sync(&cluster, &objects, &state);
            let ours = planned.as_ref().map_or_else(|conflicts| vec![format!("{conflicts:?}")], steps);
            let golden = golden_steps(&golden);
            if !same_steps(&golden, &ours) {
                differences.insert(format!("{name}{suffix}"), compared(&golden.join("\n"), &ours.join("\n")));
            }
            let Ok(plan) = planned else { continue };
            // Whatever was done, the next sync has nothing to do.
            apply(&plan, &mut state);
            let again = plan_sync(&cluster, &objects, &state).unwrap();
            assert!(again.is_empty(), "{name}: {:?}", steps(&again));
            assert_eq!(diff_text(&again), "");
        }
    }
    hold("dry", &differences);
}

/// A cluster that is as this template says.
fn synced(name: &str) -> Vec<Resource> {
    let objects = rendered(&format!("1.11/{name}.yaml"), Release::NEWEST);
    let mut state = Vec::new();
    let cluster = load(&format!("1.11/{name}.yaml")).unwrap().cluster().to_owned();
    apply(&plan_sync(&cluster, &objects, &state).unwrap(), &mut state);
    state
}

#[test]
fn changes_are_written_in_the_order_of_omnictl() {
    let mut differences = BTreeMap::new();
    let goldens: BTreeMap<String, String> = cases("1.11/sync-changes.txt").into_iter().collect();
    let dry: BTreeMap<String, String> = cases("1.11/dry.txt").into_iter().collect();
    let diffs: BTreeMap<String, String> = cases("1.11/diff.txt").into_iter().collect();
    let mut diff_differences = BTreeMap::new();
    for (before, after, case) in [
        (vec!["tmpl-change-1"], "tmpl-change-2", "change-tmpl-change-2"),
        (vec!["tmpl-change-1"], "tmpl-change-3", "change-tmpl-change-3"),
        (vec!["tmpl-change-1", "tmpl-change-3"], "tmpl-change-1", "back-tmpl-change-1"),
    ] {
        let mut state = synced(before[0]);
        for name in &before[1..] {
            let plan =
                plan_sync("tmpl-change", &rendered(&format!("1.11/{name}.yaml"), Release::NEWEST), &state).unwrap();
            apply(&plan, &mut state);
        }
        let objects = rendered(&format!("1.11/{after}.yaml"), Release::NEWEST);
        let plan = plan_sync("tmpl-change", &objects, &state).unwrap();
        let ours = steps(&plan);
        for golden in [&goldens[case], &dry[case]] {
            let golden = golden_steps(golden);
            if !same_steps(&golden, &ours) {
                differences.insert(case.to_owned(), compared(&golden.join("\n"), &ours.join("\n")));
            }
        }
        if let Some(golden) = diffs.get(case) {
            let (golden, ours) = (meaning(printed(golden)), meaning(&diff_text(&plan)));
            if golden != ours {
                diff_differences.insert(case.to_owned(), compared(&golden.join("\n"), &ours.join("\n")));
            }
        }
        apply(&plan, &mut state);
        assert!(plan_sync("tmpl-change", &objects, &state).unwrap().is_empty(), "{case}");
    }
    hold("sync", &differences);
    hold("diff", &diff_differences);
}

/// What a diff says: the objects, and the lines that go and come, in which only the server's own are left out.
fn meaning(diff: &str) -> Vec<String> {
    let mut meaning: Vec<String> = Vec::new();
    let mut lines: (Vec<&str>, Vec<&str>) = Default::default();
    let mut finalizers = false;
    let flush = |lines: &mut (Vec<&str>, Vec<&str>), meaning: &mut Vec<String>| {
        meaning.extend(std::mem::take(&mut lines.0).into_iter().chain(std::mem::take(&mut lines.1)).map(str::to_owned));
    };
    for line in diff.lines() {
        let is_file = line.starts_with("--- ") || line.starts_with("+++ ");
        if is_file || line.starts_with("@@") || line.starts_with(' ') {
            if is_file {
                flush(&mut lines, &mut meaning);
                meaning.push(line.to_owned());
            }
            finalizers = false;
            continue;
        }
        let text = &line[1..];
        finalizers = text.starts_with("  finalizers:") || finalizers && text.starts_with("    - ");
        let is_servers = ["  version:", "  created:", "  updated:"].iter().any(|key| text.starts_with(key));
        if finalizers || is_servers {
            continue;
        }
        if line.starts_with('-') { lines.0.push(line) } else { lines.1.push(line) }
    }
    flush(&mut lines, &mut meaning);
    meaning
}

#[test]
fn deletes_are_in_the_order_of_omnictl() {
    let mut differences = BTreeMap::new();
    let syncs: BTreeMap<String, String> = cases("1.11/sync.txt").into_iter().collect();
    for (name, golden) in cases("1.11/delete-dry.txt") {
        let objects = rendered(&format!("1.11/{name}.yaml"), Release::NEWEST);
        let state = after_sync(&syncs[&name], &objects);
        let cluster = load(&format!("1.11/{name}.yaml")).unwrap().cluster().to_owned();
        let ours = steps(&plan_delete(&cluster, &state, &[]));
        let golden = golden_steps(&golden);
        if golden != ours {
            differences.insert(name, compared(&golden.join("\n"), &ours.join("\n")));
        }
    }
    hold("delete", &differences);
}

/// What the server has after a sync, which may have failed in its middle.
fn after_sync(sync: &str, objects: &[Resource]) -> Vec<Resource> {
    let mut steps = golden_steps(sync);
    if !sync.ends_with("exit 0\n") {
        _ = steps.pop();
    }
    let made = |object: &&Resource| {
        ["creating", "updating"]
            .iter()
            .any(|what| steps.contains(&format!("* {what} {}({})", object.key.kind.name, object.key.id)))
    };
    objects.iter().filter(made).cloned().map(stored).collect()
}

#[test]
fn exports_are_what_omnictl_prints() {
    let mut differences = BTreeMap::new();
    let syncs: BTreeMap<String, String> = cases("1.11/sync.txt").into_iter().collect();
    let old_syncs: BTreeMap<String, String> = cases("1.6.6/sync.txt").into_iter().collect();
    for (file, suffix, release, kernel_args) in [
        ("1.11/export.txt", "", Release::NEWEST, false),
        ("1.11/export-kernel-args.txt", " with kernel arguments", Release::NEWEST, true),
        ("1.6.6/export.txt", " (1.6.6)", OLD, false),
    ] {
        for (name, golden) in cases(file) {
            let path = format!("{}/{name}.yaml", file.split_once('/').unwrap().0);
            let objects = rendered(&path, release);
            let cluster = load(&path).unwrap().cluster().to_owned();
            let syncs = if release == OLD { &old_syncs } else { &syncs };
            let state = after_sync(&syncs[&name], &objects);
            let exported = export(&cluster, &state, ExportOptions { kernel_args }, release);
            let ours = exported.clone().unwrap_or_else(|error| format!("Error: {error}\n"));
            if ours != printed(&golden) {
                differences.insert(format!("{name}{suffix}"), compared(printed(&golden), &ours));
            }
            // With kernel arguments, nothing is lost: an export that is applied changes nothing.
            let Ok(text) = export(&cluster, &state, ExportOptions { kernel_args: true }, release) else { continue };
            let again = Template::load(&text, Arc::new(NoFiles)).unwrap_or_else(|e| panic!("{name}: {e}\n{text}"));
            let again = again.render(release).unwrap_or_else(|e| panic!("{name}: {e}\n{text}"));
            let plan = plan_sync(&cluster, &again, &state).unwrap();
            assert!(plan.is_empty(), "{name}: {:?}\n{}", steps(&plan), diff_text(&plan));
        }
    }
    hold("export", &differences);
}

#[test]
fn a_limit_of_this_program_is_told_from_a_mistake() {
    let nested = |levels: usize| format!("kind: Cluster\nx: {}{}\n", "[".repeat(levels), "]".repeat(levels));
    for (text, is_limit) in [(nested(100), true), (nested(10), false), ("kind: [".to_owned(), false)] {
        let Problems(problems) = Template::load(&text, Arc::new(NoFiles)).unwrap_err();
        assert!(problems.iter().all(|problem| problem.is_limit == is_limit), "{problems:?}");
        assert_eq!(problems[0].message.contains("deeper than 100 levels"), is_limit, "{problems:?}");
    }
}
