//! Cluster templates: each kind of document applied, changed, drifted, exported, imported and destroyed, on the newest release and on 1.6;
//! and the guide from templates to resources, there and back.

use crate::omni::{Omni, TICK};
use crate::plan::{Action, Plan};
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use omni_proto::specs::{ConfigPatchSpec, MachineSetSpec};
use omni_sim::{Mode, Options, Release, inventory};
use serde_json::Value;
use std::collections::BTreeSet;

tests![
    every_kind_of_document,
    every_kind_of_document_of_1_6,
    an_import_by_command_plans_nothing,
    a_renamed_cluster_is_replaced,
    a_killed_apply_is_carried_on,
    templates_become_resources_and_back,
    templates_of_any_style_become_resources,
    a_sync_is_an_action,
];

const ADDRESS: &str = "omni_cluster_template.prod";

fn every_kind_of_document(context: &Context) -> Outcome {
    every_kind(context, Release::NEWEST)
}

fn every_kind_of_document_of_1_6(context: &Context) -> Outcome {
    every_kind(context, Release::V1_6)
}

fn omni_of(release: Release) -> Outcome<Omni> {
    Omni::with(Options { release, mode: Mode::Auto { tick: TICK }, ..Options::default() })
}

/// The versions that both releases offer.
const HEAD: &str = "kind: Cluster\nname: prod\nkubernetes:\n  version: v1.35.1\n";

/// A template with a document of each kind; what `change` says is changed in each of them.
fn template(release: Release, changed: bool) -> String {
    let pick = |before: &'static str, after: &'static str| if changed { after } else { before };
    let modern = release == Release::NEWEST;
    let manifests = format!(
        "  manifests:\n    - name: space\n      mode: full\n      inline: {{apiVersion: v1, kind: Namespace, metadata: {{name: {}}}}}\n  healthchecks:\n    - name: probe\n      interval: {}\n      file: files/job.yaml\n",
        pick("one", "two"),
        pick("45s", "60s"),
    );
    format!(
        "{HEAD}{}talos:\n  version: v1.13.8\nlabels: {{team: {}}}\nfeatures:\n  enableWorkloadProxy: {}\npatches:\n  - name: ntp\n    inline: {{machine: {{time: {{servers: [{}]}}}}}}\n  - file: files/patch.yaml\n\
         ---\nkind: ControlPlane\nmachines: [{}]\nsystemExtensions: [siderolabs/{}]\n\
         ---\nkind: Workers\nmachines: [{}]\nupdateStrategy: {{type: Rolling, rolling: {{maxParallelism: {}}}}}\n\
         ---\nkind: Workers\nname: gpu\nlabels: {{tier: {}}}\nmachines: []\n\
         ---\nkind: Machine\nname: {}\nlocked: {}\nlabels: {{rack: {}}}\ninstall: {{disk: /dev/vda}}\nkernelArgs: [{}]\npatches:\n  - name: host\n    inline: {{machine: {{nodeLabels: {{a: {}}}}}}}\n",
        if modern { manifests.as_str() } else { "" },
        pick("blue", "green"),
        pick("true", "false"),
        pick("a.example", "b.example"),
        inventory::id(1),
        pick("gvisor", "iscsi-tools"),
        inventory::id(2),
        pick("1", "2"),
        pick("a", "b"),
        inventory::id(2),
        pick("false", "true"),
        pick("r1", "r2"),
        pick("quiet", "debug"),
        pick("b", "c"),
    )
}

const FILE: &str = r#"
resource "omni_cluster_template" "prod" {
  template_file = "${path.module}/prod.yaml"
}
"#;

fn workspace(context: &Context, omni: &Omni) -> Outcome<Workspace> {
    let workspace = Workspace::of(context, omni)?;
    std::fs::create_dir_all(workspace.path().join("files"))?;
    workspace.write("files/patch.yaml", "machine:\n  sysctls:\n    a: b\n")?;
    workspace.write(
        "files/job.yaml",
        "apiVersion: batch/v1\nkind: Job\nspec: {template: {spec: {containers: [{name: a, image: b}]}}}\n",
    )?;
    Ok(workspace)
}

fn rendered(state: &Value) -> BTreeSet<String> {
    state["rendered"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

/// The objects that a plan creates, changes or removes.
fn changed(plan: &Plan) -> BTreeSet<String> {
    let [before, after] = [plan.before(ADDRESS), plan.after(ADDRESS)].map(|state| &state["rendered"]);
    let names = [before, after].into_iter().flat_map(|all| all.as_object().into_iter().flatten());
    names.map(|(name, _)| name.clone()).filter(|name| before[name] != after[name]).collect()
}

/// Those that the data source says.
fn differing(state: &Value) -> BTreeSet<String> {
    let changes = state["changes"].as_array().into_iter().flatten();
    let name = |change: &Value| {
        let kind = change["type"].as_str().unwrap_or_default().trim_end_matches(".omni.sidero.dev").to_owned();
        format!("{kind}/{}", change["id"].as_str().unwrap_or_default())
    };
    changes.map(name).collect()
}

const DIFF: &str = r#"
data "omni_cluster_template_diff" "prod" {
  template_file = "${path.module}/prod.yaml"
}

data "omni_cluster_template_export" "prod" {
  cluster             = "prod"
  include_kernel_args = true
}

output "diff" {
  value = data.omni_cluster_template_diff.prod
}

output "template" {
  value = data.omni_cluster_template_export.prod.template
}
"#;

fn every_kind(context: &Context, release: Release) -> Outcome {
    let omni = omni_of(release)?;
    let workspace = workspace(context, &omni)?;
    let empty = omni.settled_objects()?;
    workspace.write("main.tf", FILE)?;
    workspace.write("prod.yaml", &template(release, false))?;
    let plan = workspace.plan()?;
    assert_eq!(plan.action(ADDRESS), Action::Create);
    assert_eq!(plan.after(ADDRESS)["cluster"], "prod");
    let names = rendered(plan.after(ADDRESS));
    workspace.apply()?;
    omni.settle()?;
    workspace.refresh()?;
    workspace.plan()?.must_be_empty()?;
    assert_eq!(rendered(&workspace.values(ADDRESS)?), names);
    for kind in
        ["Clusters", "ConfigPatches", "ExtensionsConfigurations", "MachineSets", "MachineSetNodes", "KernelArgs"]
    {
        assert!(names.iter().any(|name| name.starts_with(&format!("{kind}/"))), "{kind}: {names:?}");
    }

    // Each kind is changed, and the plan shows the same objects as the diff.
    workspace.write("prod.yaml", &template(release, true))?;
    let plan = workspace.plan()?;
    assert_eq!(plan.action(ADDRESS), Action::Update);
    let planned = changed(&plan);
    let other = self::workspace(context, &omni)?;
    other.write("prod.yaml", &template(release, true))?;
    other.write("main.tf", DIFF)?;
    other.apply()?;
    assert_eq!(differing(&other.output("diff")?), planned);
    workspace.apply()?;
    omni.settle()?;
    workspace.refresh()?;
    workspace.plan()?.must_be_empty()?;
    other.apply()?;
    assert_eq!(other.output("diff")?["changed"], false, "{}", other.output("diff")?["diff"]);

    // Drift of two kinds shows, and is repaired.
    omni.change("ConfigPatches", "200-cluster-prod-ntp", |spec: &mut ConfigPatchSpec| {
        spec.compressed_data.clear();
        "machine:\n  time:\n    disabled: true\n".clone_into(&mut spec.data);
    })?;
    omni.change("MachineSets", "prod-workers", |spec: &mut MachineSetSpec| {
        spec.update_strategy_config = None;
    })?;
    let plan = workspace.plan()?;
    let expected: BTreeSet<String> =
        ["ConfigPatches/200-cluster-prod-ntp", "MachineSets/prod-workers"].map(str::to_owned).into();
    assert_eq!(changed(&plan), expected);
    workspace.apply()?;
    omni.settle()?;
    workspace.refresh()?;
    workspace.plan()?.must_be_empty()?;

    // What is exported is imported without a change.
    other.apply()?;
    let exported = other.output("template")?.as_str().unwrap_or_default().to_owned();
    let importing = self::workspace(context, &omni)?;
    importing.write("prod.yaml", &exported)?;
    importing.write("main.tf", INLINE)?;
    importing.write("import.tf", "import {\n  to = omni_cluster_template.prod\n  id = \"prod\"\n}\n")?;
    let plan = importing.plan()?;
    assert_eq!(plan.imports(), [ADDRESS]);
    // Omni 1.6 takes inline patches as mappings only: the text of one that came from a file differs, and means the same.
    assert_eq!(plan.action(ADDRESS), Action::NoOp);
    importing.apply()?;
    importing.plan()?.must_be_empty()?;

    importing.destroy()?;
    omni.wait_until("the cluster is gone", |store| store.list("Clusters.omni.sidero.dev").is_empty())?;
    omni.settle()?;
    let left: BTreeSet<String> = omni.objects().difference(&empty).cloned().collect();
    let of_template = |name: &&String| {
        ["Clusters.", "ConfigPatches.", "MachineSets.", "MachineSetNodes.", "Kubernetes", "ExtensionsConfigurations."]
            .iter()
            .any(|kind| name.starts_with(kind))
    };
    assert_eq!(left.iter().filter(of_template).collect::<Vec<_>>(), Vec::<&String>::new());
    Ok(())
}

const INLINE: &str = r#"
resource "omni_cluster_template" "prod" {
  template = file("${path.module}/prod.yaml")
}
"#;

fn an_import_by_command_plans_nothing(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = workspace(context, &omni)?;
    workspace.write("main.tf", INLINE)?;
    workspace.write("prod.yaml", &template(Release::NEWEST, false))?;
    workspace.apply()?;
    omni.settle()?;
    workspace.run(["state", "rm", ADDRESS])?.success()?;
    workspace.import(ADDRESS, "prod")?;
    workspace.plan()?.must_be_empty()
}

fn a_renamed_cluster_is_replaced(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = workspace(context, &omni)?;
    let text = |name: &str| {
        format!(
            "kind: Cluster\nname: {name}\nkubernetes: {{version: v1.35.1}}\ntalos: {{version: v1.13.8}}\n---\nkind: ControlPlane\nmachines: [{}]\n",
            inventory::id(1)
        )
    };
    workspace.write("main.tf", INLINE)?;
    workspace.write("prod.yaml", &text("prod"))?;
    workspace.apply()?;
    workspace.write("prod.yaml", &text("other"))?;
    let plan = workspace.plan()?;
    assert_eq!(plan.action(ADDRESS), Action::Replace);
    assert_eq!(plan.replace_paths(ADDRESS), ["cluster"]);
    workspace.apply()?;
    assert_eq!(omni.ids("Clusters"), ["other"]);
    workspace.plan()?.must_be_empty()
}

fn a_killed_apply_is_carried_on(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = workspace(context, &omni)?;
    workspace.write("main.tf", INLINE)?;
    workspace.write("prod.yaml", &template(Release::NEWEST, false))?;
    omni.faults().add("Create of MachineSetNodes delay 600s".parse().map_err(|error| format!("{error:?}"))?);
    let apply = workspace.spawn(["apply", "-auto-approve", "-no-color", "-input=false"])?;
    omni.wait_until("the sets are there", |store| store.list("MachineSets.omni.sidero.dev").len() == 3)?;
    apply.signal("KILL")?;
    drop(apply.finish()?);
    omni.faults().clear();
    drop(std::fs::remove_file(workspace.path().join(".terraform.tfstate.lock.info")));
    workspace.apply()?;
    omni.settle()?;
    workspace.refresh()?;
    workspace.plan()?.must_be_empty()?;
    assert_eq!(omni.ids("MachineSets").len(), 3);
    assert_eq!(omni.ids("MachineSetNodes").len(), 2);
    Ok(())
}

/// The guide: a template is taken into the state, its objects become resources, and go back.
fn templates_become_resources_and_back(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let workspace = workspace(context, &omni)?;
    let text = format!(
        "kind: Cluster\nname: prod\nkubernetes: {{version: v1.35.1}}\ntalos: {{version: v1.13.8}}\npatches:\n  - name: ntp\n    inline: {{machine: {{time: {{servers: [a.example]}}}}}}\n---\nkind: ControlPlane\nmachines: [{}]\n---\nkind: Workers\nmachines: [{}]\n",
        inventory::id(1),
        inventory::id(2)
    );
    workspace.write("main.tf", INLINE)?;
    workspace.write("prod.yaml", &text)?;
    workspace.apply()?;
    let before = omni.settled_objects()?;
    workspace.write(
        "main.tf",
        &resources(
            "removed {\n  from = omni_cluster_template.prod\n  lifecycle {\n    destroy = false\n  }\n}\n",
            true,
        ),
    )?;
    let plan = workspace.plan()?;
    assert_eq!(plan.imports().len(), 6, "{:?}", plan.imports());
    assert_eq!(plan.actions(), [(ADDRESS, Action::Forget)].into());
    workspace.apply()?;
    assert_eq!(omni.settled_objects()?, before);
    workspace.refresh()?;
    workspace.plan()?.must_be_empty()?;
    let removed: String = ADDRESSES
        .iter()
        .map(|(address, _)| format!("removed {{\n  from = {address}\n  lifecycle {{\n    destroy = false\n  }}\n}}\n"))
        .collect();
    let back = format!("{INLINE}\nimport {{\n  to = omni_cluster_template.prod\n  id = \"prod\"\n}}\n{removed}");
    workspace.write("main.tf", &back)?;
    let plan = workspace.plan()?;
    assert_eq!((plan.imports(), plan.action(ADDRESS)), (vec![ADDRESS], Action::NoOp));
    workspace.apply()?;
    assert_eq!(omni.settled_objects()?, before);
    workspace.plan()?.must_be_empty()
}

/// Templates in the styles that people write: an export of one machine, machine classes, and one machine after the other by a script.
const STYLES: [(&str, &str); 3] = [
    ("attic", include_str!("../fixtures/templates/styles/single.yaml")),
    ("north-1", include_str!("../fixtures/templates/styles/classes.yaml")),
    ("lab", include_str!("../fixtures/templates/styles/fixed.yaml")),
];

const CLASSES: &str = r#"
resource "omni_machine_class" "all" {
  for_each     = toset(["small", "large"])
  name         = each.key
  match_labels = ["class = ${each.key}"]
}
"#;

/// The guide with generated configuration, which needs no hand but the one that writes the lists.
fn templates_of_any_style_become_resources(context: &Context) -> Outcome {
    if !context.cli.has_queries() {
        return Ok(());
    }
    for (cluster, text) in STYLES {
        let omni = Omni::start()?;
        let other = Workspace::of(context, &omni)?;
        other.write("main.tf", CLASSES)?;
        other.apply()?;
        let workspace = workspace(context, &omni)?;
        std::fs::create_dir_all(workspace.path().join("patches"))?;
        workspace.write("patches/ntp.yaml", "machine:\n  time:\n    servers:\n      - 192.0.2.1\n")?;
        let machine = |text: String, n: u32| text.replace(&format!("{{{{machine{n}}}}}"), &inventory::id(n));
        workspace.write("prod.yaml", &(1..=3).fold(text.to_owned(), machine))?;
        workspace.write("main.tf", INLINE)?;
        workspace.apply()?;
        let before = omni.settled_objects()?;

        // The template as whoever has synchronized it so far takes it into a state.
        workspace.run(["state", "rm", ADDRESS])?.success()?;
        let import = format!("import {{\n  to = {ADDRESS}\n  id = \"{cluster}\"\n}}\n");
        workspace.write("main.tf", &format!("{INLINE}{import}"))?;
        let plan = workspace.plan()?;
        assert_eq!((plan.imports(), plan.action(ADDRESS)), (vec![ADDRESS], Action::NoOp), "{cluster}");
        workspace.apply()?;

        let list = |name: &str, config: &str| {
            format!("list \"{name}\" \"all\" {{\n  provider = omni\n  config {{\n    {config}\n  }}\n}}\n")
        };
        let of_cluster = ["machine_set", "machine_set_node", "config_patch", "machine_extensions"];
        let of_cluster = of_cluster.map(|name| list(&format!("omni_{name}"), &format!("cluster = \"{cluster}\"")));
        let of_machines = ["kernel_args", "machine_install_disk"].map(|name| list(&format!("omni_{name}"), ""));
        let head = list("omni_cluster", &format!("id_regexp = \"^{cluster}$\""));
        workspace.write("all.tfquery.hcl", &(head + &of_cluster.concat() + &of_machines.concat()))?;
        workspace.run(["query", "-no-color", "-generate-config-out=generated.tf"])?.success()?;
        let removed = format!("removed {{\n  from = {ADDRESS}\n  lifecycle {{\n    destroy = false\n  }}\n}}\n");
        workspace.write("main.tf", &removed)?;
        let plan = workspace.plan()?;
        let generated = std::fs::read_to_string(workspace.path().join("generated.tf"))?;
        assert_eq!(plan.imports().len(), generated.matches("\nimport {").count(), "{cluster}");
        assert!(plan.imports().len() > 4, "{cluster}: {:?}", plan.imports());
        assert_eq!(plan.actions(), [(ADDRESS, Action::Forget)].into(), "{cluster}");
        workspace.apply()?;
        assert_eq!(omni.settled_objects()?, before, "{cluster}");
        workspace.plan()?.must_be_empty()?;
    }
    Ok(())
}

const ADDRESSES: [(&str, &str); 6] = [
    ("omni_cluster.prod", "prod"),
    ("omni_config_patch.ntp", "200-cluster-prod-ntp"),
    ("omni_machine_set.control_planes", "prod-control-planes"),
    ("omni_machine_set.workers", "prod-workers"),
    ("omni_machine_set_node.control_plane", "1"),
    ("omni_machine_set_node.worker", "2"),
];

fn resources(more: &str, imports: bool) -> String {
    let machine = |id: &str| id.parse().map_or_else(|_| id.to_owned(), inventory::id);
    let import = |(to, id): &(&str, &str)| format!("import {{\n  to = {to}\n  id = \"{}\"\n}}\n", machine(id));
    let imports: String = ADDRESSES.iter().filter(|_| imports).map(import).collect();
    format!(
        r#"{more}{imports}
resource "omni_cluster" "prod" {{
  name               = "prod"
  kubernetes_version = "1.35.1"
  talos_version      = "1.13.8"
}}

resource "omni_config_patch" "ntp" {{
  name        = "ntp"
  weight      = 200
  id_override = "200-cluster-prod-ntp"
  cluster     = omni_cluster.prod.id
  data        = "machine: {{time: {{servers: [a.example]}}}}"
}}

resource "omni_machine_set" "control_planes" {{
  cluster = omni_cluster.prod.id
  role    = "controlplane"
}}

resource "omni_machine_set" "workers" {{
  cluster = omni_cluster.prod.id
  role    = "workers"
}}

resource "omni_machine_set_node" "control_plane" {{
  cluster     = omni_cluster.prod.id
  machine_set = omni_machine_set.control_planes.id
  machine_id  = "{}"
}}

resource "omni_machine_set_node" "worker" {{
  cluster     = omni_cluster.prod.id
  machine_set = omni_machine_set.workers.id
  machine_id  = "{}"
}}
"#,
        inventory::id(1),
        inventory::id(2)
    )
}

fn a_sync_is_an_action(context: &Context) -> Outcome {
    if !context.cli.has_actions() {
        return Ok(());
    }
    let omni = Omni::start()?;
    let workspace = workspace(context, &omni)?;
    workspace.write("prod.yaml", &template(Release::NEWEST, false))?;
    let action = |name: &str, dry: bool| {
        format!(
            "action \"omni_cluster_template_sync\" \"{name}\" {{\n  config {{\n    template_file = \"prod.yaml\"\n    dry_run       = {dry}\n  }}\n}}\n"
        )
    };
    workspace.write("main.tf", &format!("{}{}", action("preview", true), action("prod", false)))?;
    let invoke = |name: &str| {
        [
            "apply".to_owned(),
            "-auto-approve".to_owned(),
            "-no-color".to_owned(),
            "-input=false".to_owned(),
            format!("-invoke=action.omni_cluster_template_sync.{name}"),
        ]
    };
    let output = workspace.run(invoke("preview"))?.success()?;
    assert!(output.stdout.contains("MachineSets/prod-workers: would be created"), "{output}");
    assert!(omni.ids("Clusters").is_empty(), "a preview writes nothing");
    let output = workspace.run(invoke("prod"))?.success()?;
    for line in ["Clusters/prod: created", "MachineSets/prod-workers: created", "Cluster `prod` is synchronized"] {
        assert!(output.stdout.contains(line), "{line}: {output}");
    }
    let output = workspace.run(invoke("prod"))?.success()?;
    assert!(output.stdout.contains("is as the template describes it"), "{output}");
    Ok(())
}
