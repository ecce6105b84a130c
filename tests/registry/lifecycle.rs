//! Create, change every attribute, import, destroy: and no plan in between may propose anything.

use crate::fixture::{self, Need, merged};
use crate::host::{Host, Instance, errors};
use libtest_mimic::Failed;
use omni_sim::{Options, Role, accounts};
use serde_json::Value as Json;
use std::time::Duration;
use terraform_provider_omni::tf::schema::{Replace, Schema};
use terraform_provider_omni::tf::value::Value;

/// The whole life of one object.
pub fn run(name: &'static str) -> Result<(), Failed> {
    block(async move {
        let host = Host::start(&[]).await;
        let fixture = fixture::on(&host, name);
        let needs = prepare(&host, &fixture.needs).await;
        let fixture = fixture::on(&host, name);

        let mut json = fixture.create.clone();
        let mut config = host.config(name, &json);
        assert_eq!(errors(&host.validate(name, &config).await), Vec::<String>::new(), "{name}: validate");
        let mut instance =
            host.apply(name, None, &config).await.unwrap_or_else(|(d, _)| panic!("{name}: create: {:?}", errors(&d)));
        instance = settled(&host, name, &instance, &config, "create").await;

        for patch in &fixture.updates {
            json = merged(&json, patch);
            config = host.config(name, &json);
            assert_eq!(errors(&host.validate(name, &config).await), Vec::<String>::new(), "{name}: validate {patch}");
            host.next_run().await;
            let plan = host
                .plan(name, Some(&instance), &config)
                .await
                .unwrap_or_else(|d| panic!("{name}: plan {patch}: {:?}", errors(&d)));
            assert_ne!(plan.planned, instance.state, "{name}: {patch} changes nothing");
            assert_eq!(plan.replace, Vec::<String>::new(), "{name}: {patch} must not replace the object");
            instance = host
                .apply_plan(name, Some(&instance), &config, plan)
                .await
                .unwrap_or_else(|(d, _)| panic!("{name}: update {patch}: {:?}", errors(&d)));
            instance = settled(&host, name, &instance, &config, &patch.to_string()).await;
        }

        let stripped = fixture.not_imported.iter().fold(json.clone(), |json, name| without(&json, name));
        let config = host.config(name, &stripped);
        if let Some(why) = &fixture.unreadable {
            let said = errors(&host.import_diagnostics(name, &fixture.import).await).join("\n");
            assert!(said.contains("Could not import") && said.contains(why), "{name}: import: {said}");
        }
        let ways = if fixture.unreadable.is_none() { vec![None, instance.identity.clone()] } else { Vec::new() };
        for identity in ways {
            let how = if identity.is_some() { "import by identity" } else { "import by ID" };
            let imported = host
                .import(name, &fixture.import, identity)
                .await
                .unwrap_or_else(|d| panic!("{name}: {how}: {:?}", errors(&d)));
            settled(&host, name, &imported, &config, how).await;
        }

        host.destroy(name, &instance).await.unwrap_or_else(|d| panic!("{name}: destroy: {:?}", errors(&d)));
        let left =
            host.read(name, &instance).await.unwrap_or_else(|d| panic!("{name}: read after destroy: {:?}", errors(&d)));
        let stays = fixture.stays || fixture.unreadable.is_some();
        assert_eq!(left.is_some(), stays, "{name}: whether it is still there after destroy");
        for (kind, need) in needs.iter().rev() {
            host.destroy(kind, need).await.unwrap_or_else(|d| panic!("{kind}: destroy: {:?}", errors(&d)));
        }
    })
}

/// Each change that makes the object anew says so, on the right attribute.
pub fn replaces(name: &'static str) -> Result<(), Failed> {
    block(async move {
        let host = Host::start(&[]).await;
        let fixture = fixture::on(&host, name);
        prepare(&host, &fixture.needs).await;
        let fixture = fixture::on(&host, name);
        let config = host.config(name, &fixture.create);
        let instance =
            host.apply(name, None, &config).await.unwrap_or_else(|(d, _)| panic!("{name}: create: {:?}", errors(&d)));
        let instance = host.read(name, &instance).await.unwrap().unwrap();
        let replacing = host.schema(name).attributes.iter().any(|a| !matches!(a.replace, Replace::Never));
        assert_eq!(!fixture.replaces.is_empty(), replacing, "{name}: whether a change that replaces is tried");
        for change in &fixture.replaces {
            let config = host.config(name, &merged(&fixture.create, &change.set));
            let plan = host
                .plan(name, Some(&instance), &config)
                .await
                .unwrap_or_else(|d| panic!("{name}: plan {}: {:?}", change.set, errors(&d)));
            assert_eq!(plan.replace, change.by, "{name}: {}", change.set);
        }
    })
}

/// Each wrong configuration is refused before anything is written, on the right attribute.
pub fn refuses(name: &'static str) -> Result<(), Failed> {
    block(async move {
        let host = Host::start(&[]).await;
        let fixture = fixture::on(&host, name);
        prepare(&host, &fixture.needs).await;
        host.next_run().await;
        let fixture = fixture::on(&host, name);
        assert!(!fixture.invalid.is_empty(), "{name}: no wrong configuration is tried");
        for wrong in &fixture.invalid {
            let config = host.config(name, &merged(&fixture.create, &wrong.set));
            let mut said = errors(&host.validate(name, &config).await);
            if said.is_empty() {
                said = host.plan(name, None, &config).await.err().map(|d| errors(&d)).unwrap_or_default();
            }
            let path = format!("{}: ", wrong.path.as_deref().unwrap_or_default());
            let hit = said.iter().any(|line| line.starts_with(&path) && line.contains(&wrong.says));
            assert!(hit, "{name}: {} should be refused on `{path}` with `{}`, got {said:#?}", wrong.set, wrong.says);
        }
    })
}

/// Two resources of one configuration that want the same object are told in the plan, whichever is planned first,
/// also when one of them has it already; the two plans of one replacement are not.
pub fn planned_twice(name: &'static str) -> Result<(), Failed> {
    block(async move {
        let host = Host::start(&[]).await;
        let fixture = fixture::on(&host, name);
        prepare(&host, &fixture.needs).await;
        let fixture = fixture::on(&host, name);
        let config = host.config(name, &fixture.create);
        let once = host.plan(name, None, &config).await.unwrap_or_else(|d| panic!("{name}: plan: {:?}", errors(&d)));
        // What Omni names itself cannot be wanted twice.
        let given = fixture.is_one_object();
        let twice = host.plan(name, None, &config).await;
        let schema = host.schema(name);
        told_twice(name, &schema, given, twice.map(|_| ()));

        host.next_run().await;
        let instance = host.apply_plan(name, None, &config, once).await;
        let instance = instance.unwrap_or_else(|(d, _)| panic!("{name}: create: {:?}", errors(&d)));
        host.next_run().await;
        let kept = host.plan(name, Some(&instance), &config).await;
        let kept = kept.unwrap_or_else(|d| panic!("{name}: plan: {:?}", errors(&d)));
        assert_eq!(kept.warnings, Vec::<String>::new(), "{name}");
        told_twice(name, &schema, given, host.plan(name, None, &config).await.map(|_| ()));
        let replacement = host.plan_replacement(name, &kept, &config).await;
        assert!(replacement.is_ok(), "{name}: {:?}", replacement.map_err(|d| errors(&d)));
    })
}

fn told_twice(name: &str, schema: &Schema, given: bool, planned: Result<(), Vec<omni_proto::tfplugin6::Diagnostic>>) {
    let said = planned.err().map(|d| errors(&d)).unwrap_or_default();
    let hit = said.iter().any(|line| line.contains(" is planned twice: "));
    assert_eq!(hit, given, "{name}: {said:#?}");
    assert!(!said.iter().any(|line| line.contains("import") || line.contains("adopt")), "{name}: {said:#?}");
    // What is to be changed can be configured.
    let advised = said.iter().filter_map(|line| line.split_once("or change its `")?.1.split('`').next());
    for attribute in advised {
        assert!(schema.attribute(attribute).is_some_and(|a| a.configurable()), "{name}: `{attribute}`: {said:#?}");
    }
}

/// An object that is there, and that the state does not hold, is told in the plan of another one with its id.
/// A successor that comes before its predecessor goes is refused at once, with the reason.
pub fn there_already(name: &'static str) -> Result<(), Failed> {
    block(async move {
        let host = Host::start(&[]).await;
        let fixture = fixture::on(&host, name);
        prepare(&host, &fixture.needs).await;
        let fixture = fixture::on(&host, name);
        let config = host.config(name, &fixture.create);
        let made = host.apply(name, None, &config).await;
        let made = made.unwrap_or_else(|(d, _)| panic!("{name}: create: {:?}", errors(&d)));
        // What Omni names itself, or always has, can be made again.
        let given = fixture.is_one_object() && !fixture.stays;
        let told = |warnings: &[String]| warnings.iter().any(|w| w.contains("The apply cannot create"));

        host.next_run().await;
        let plan = host.plan(name, None, &config).await.unwrap_or_else(|d| panic!("{name}: plan: {:?}", errors(&d)));
        assert_eq!(told(&plan.warnings), given, "{name}: {:?}", plan.warnings);
        // Another address has it, or gives it up.
        host.next_run().await;
        host.plan_destroy(name, &made).await.unwrap_or_else(|d| panic!("{name}: {:?}", errors(&d)));
        let plan = host.plan(name, None, &config).await.unwrap_or_else(|d| panic!("{name}: plan: {:?}", errors(&d)));
        assert!(!told(&plan.warnings), "{name}: {:?}", plan.warnings);

        host.next_run().await;
        let held = host.read(name, &made).await.unwrap().unwrap();
        let first = host.plan(name, Some(&held), &config).await.unwrap_or_else(|d| panic!("{name}: {:?}", errors(&d)));
        let second = host.plan_replacement(name, &first, &config).await;
        let second = second.unwrap_or_else(|d| panic!("{name}: {:?}", errors(&d)));
        assert!(!told(&second.warnings), "{name}: {:?}", second.warnings);
        host.next_run().await;
        let again = host.plan(name, None, &config).await.unwrap_or_else(|d| panic!("{name}: {:?}", errors(&d)));
        assert!(!told(&again.warnings), "{name}: {:?}", again.warnings);
        let said = host.apply_plan(name, None, &config, second).await.err().map(|(d, _)| errors(&d).join("\n"));
        let said = said.unwrap_or_default();
        assert_eq!(said.contains("Set `create_before_destroy = false`"), given, "{name}: {said}");
    })
}

/// A read-only provider refuses a create before anything is sent.
pub fn read_only(name: &'static str) -> Result<(), Failed> {
    block(async move {
        let host = Host::start(&[("read_only", Value::from(true))]).await;
        let fixture = fixture::on(&host, name);
        let config = host.config(name, &fixture.create);
        let plan = host.plan(name, None, &config).await.unwrap_or_else(|d| panic!("{name}: plan: {:?}", errors(&d)));
        let told =
            |plan: &crate::host::Plan| plan.warnings.iter().filter(|w| w.contains("The provider is read-only")).count();
        assert_eq!(told(&plan), 1, "{name}: {:?}", plan.warnings);
        let again =
            host.plan_replacement(name, &plan, &config).await.unwrap_or_else(|d| panic!("{name}: {:?}", errors(&d)));
        assert_eq!(told(&again), 0, "{name}: it is told once: {:?}", again.warnings);
        let (diags, kept) = host.apply_plan(name, None, &config, plan).await.expect_err("a read-only provider refuses");
        assert!(kept.is_none(), "{name}: nothing was made, so nothing is kept");
        let said = errors(&diags).join("\n");
        assert!(said.contains("create") && said.contains(name), "{name}: {said}");
        let writes = host.sim.requests().into_iter().filter(|r| r.name().starts_with("Create")).count();
        assert_eq!(writes, 0, "{name}: a write was sent");
    })
}

/// A suspended instance is named by the first plan that changes something, and refuses the apply.
pub fn suspended(name: &'static str) -> Result<(), Failed> {
    block(async move {
        let host = Host::with(Options { suspended: true, ..Options::stepped() }, &[]).await;
        let fixture = fixture::on(&host, name);
        let config = host.config(name, &fixture.create);
        let plan = host.plan(name, None, &config).await.unwrap_or_else(|d| panic!("{name}: plan: {:?}", errors(&d)));
        let told = |plan: &crate::host::Plan| plan.warnings.iter().filter(|w| w.contains("suspended")).count();
        assert_eq!(told(&plan), 1, "{name}: {:?}", plan.warnings);
        let again =
            host.plan_replacement(name, &plan, &config).await.unwrap_or_else(|d| panic!("{name}: {:?}", errors(&d)));
        assert_eq!(told(&again), 0, "{name}: it is told once: {:?}", again.warnings);
        let applied = host.apply_plan(name, None, &config, plan).await;
        if fixture.found {
            assert!(applied.is_ok(), "{name}: nothing is written: {:?}", applied.map_err(|(d, _)| errors(&d)));
            return;
        }
        let (diags, kept) = applied.expect_err("nobody may write");
        // A reader may make a provider, but no account for it.
        let kept = kept.is_some();
        assert_eq!(kept, name == "omni_infra_provider", "{name}: what was not made is not kept");
        let said = errors(&diags).join("\n");
        // Its cluster has to be there first, and nobody can make one.
        let unmet = name == "omni_kubeconfig" && said.contains("does not exist");
        assert!(unmet || said.contains("suspended"), "{name}: {said}");
    })
}

/// What the role of the key does not allow is told in the plan: all of it, and nothing else.
pub fn role_that_is_too_low(name: &'static str) -> Result<(), Failed> {
    block(async move {
        let host = Host::start(&[]).await;
        let fixture = fixture::on(&host, name);
        prepare(&host, &fixture.needs).await;
        host.sim.settle().unwrap();
        accounts::add_person(host.sim.store(), "operator@example.org", Role::Operator);
        host.work_as("operator@example.org").await;
        let config = host.config(name, &fixture.create);
        let plan = host.plan(name, None, &config).await.unwrap_or_else(|d| panic!("{name}: plan: {:?}", errors(&d)));
        let warned = plan.warnings.join("\n");
        let said = host.apply_plan(name, None, &config, plan).await.err().map(|(d, _)| errors(&d).join("\n"));
        let said = said.unwrap_or_default();
        let told = warned.contains("Omni will refuse to create") && warned.contains("requires the role `Admin`");
        assert_eq!(told, said.contains("Omni denied access"), "{name}: warned of {warned:?}, refused with {said:?}");
        // Nobody is sent to look for an access policy that cannot exist.
        assert!(!said.contains("add an access policy"), "{name}: {said}");
    })
}

/// Makes what a test needs.
pub async fn prepare(host: &Host, needs: &[Need]) -> Vec<(String, Instance)> {
    let mut made = Vec::new();
    for need in needs {
        let config = host.config(&need.kind, &need.config);
        let instance = host
            .apply(&need.kind, None, &config)
            .await
            .unwrap_or_else(|(d, _)| panic!("{}: {:?}", need.kind, errors(&d)));
        made.push((need.kind.clone(), instance));
    }
    made
}

/// Reads again, and holds that the same configuration plans no change.
pub async fn settled(host: &Host, name: &str, instance: &Instance, config: &Value, after: &str) -> Instance {
    let read =
        host.read(name, instance).await.unwrap_or_else(|d| panic!("{name}: read after {after}: {:?}", errors(&d)));
    let read = read.unwrap_or_else(|| panic!("{name}: gone after {after}"));
    let plan = host
        .plan(name, Some(&read), config)
        .await
        .unwrap_or_else(|d| panic!("{name}: plan after {after}: {:?}", errors(&d)));
    assert_eq!(plan.planned, read.state, "{name}: the plan after {after} is not empty");
    read
}

pub fn without(json: &Json, path: &str) -> Json {
    let mut json = json.clone();
    match path.split_once('.') {
        Some((head, rest)) => {
            if let Some(inner) = json.get(head) {
                json[head] = without(&inner.clone(), rest);
            }
        }
        None => {
            if let Some(map) = json.as_object_mut() {
                map.remove(path);
            }
        }
    }
    json
}

/// Long enough for a loaded machine; a test that waits for what never comes fails by its name, and holds up no other.
pub const LIMIT: Duration = Duration::from_mins(2);

pub fn block(test: impl Future<Output = ()>) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended = runtime.block_on(async { tokio::time::timeout(LIMIT, test).await });
    ended.map_err(|_| format!("it had not ended after {LIMIT:?}").into())
}

/// What the second one of two plans of one run says: one that destroys an object, and one that keeps it.
pub async fn destroyed_and_kept(
    host: &Host,
    (destroyed, going): (&str, &Instance),
    (kept, prior, config): (&str, &Instance, &Value),
    destroy_first: bool,
) -> Vec<String> {
    if destroy_first {
        host.plan_destroy(destroyed, going).await.unwrap_or_else(|d| panic!("{destroyed}: {:?}", errors(&d)));
        errors(&host.plan(kept, Some(prior), config).await.expect_err("it is kept"))
    } else {
        host.plan(kept, Some(prior), config).await.unwrap_or_else(|d| panic!("{kept}: {:?}", errors(&d)));
        errors(&host.plan_destroy(destroyed, going).await.expect_err("it is destroyed"))
    }
}
