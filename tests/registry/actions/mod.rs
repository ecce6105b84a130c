//! Actions, as hosts invoke them: validated, planned, invoked, refused by a read-only provider, limited and stopped;
//! and what they tell of a server on which things go wrong. Nothing is done twice, and nothing is told as done that was not.

mod access;
mod at_once;
mod behind;
mod cases;
mod plans;
mod roles;

use crate::host::{Host, capabilities, errors, warnings};
use crate::lifecycle::block;
use kit::clock::SystemClock;
use kit::secret::SecretString;
use libtest_mimic::{Failed, Trial};
use omni_proto::specs::infra_machine_config_spec::AcceptanceStatus;
use omni_proto::specs::{ClusterSpec, InfraMachineConfigSpec};
use omni_proto::tfplugin6 as pb;
use omni_proto::tfplugin6::invoke_action::event::Type as Event;
use omni_proto::tfplugin6::provider_server::Provider as _;
use omni_sim::driver::Mode;
use omni_sim::{Options, Release, inventory, kinds, world};
use prost::Message as _;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::Duration;
use terraform_provider_omni::omni::{Call, Client, Config, Credentials, Kind};
use terraform_provider_omni::provider;
use terraform_provider_omni::tf::check;
use terraform_provider_omni::tf::schema::{Mode as Set, Schema};
use terraform_provider_omni::tf::value::Value;
use terraform_provider_omni::tf::wire;
use tokio_stream::StreamExt as _;
use tokio_util::sync::CancellationToken;
use tonic::Request;

pub use cases::mistakes;
use cases::{AGAIN, CASES, Case, annotated, folder};

/// A rule that is about all actions together.
type SharedRule = fn() -> Result<(), Failed>;

type Diags = Vec<pb::Diagnostic>;
type Rule = fn(&'static Case) -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let rules: &[(&str, Rule)] = &[
        ("invokes", invokes),
        ("read_only", read_only),
        ("times_out", times_out),
        ("stops", stops),
        ("does_nothing_without_a_session", does_nothing_without_a_session),
        ("needs_its_role", roles::needs_its_role),
    ];
    let provider = provider::new();
    let mut trials = Vec::new();
    for action in provider.actions() {
        let name = action.type_name();
        trials.push(Trial::test(format!("action::{name}::schema"), move || crate::rules::schema_of_action(name)));
        let Some(case) = CASES.iter().find(|case| case.name == name) else {
            trials.push(Trial::test(format!("action::{name}::invokes"), || Err("nothing invokes it".into())));
            continue;
        };
        for (rule, test) in rules {
            trials.push(Trial::test(format!("action::{name}::{rule}"), move || test(case)));
        }
        if case.write.is_some() {
            trials.extend(WAYS.into_iter().map(|way| survival(case, "", way)));
        }
    }
    for case in AGAIN {
        trials.push(Trial::test(format!("action::{}::invokes_again", case.name), move || invokes(case)));
        trials.extend(WAYS.into_iter().map(|way| survival(case, "_again", way)));
    }
    let others: &[(&str, SharedRule)] = &[
        ("what_an_older_omni_lacks_is_told_at_plan", what_an_older_omni_lacks_is_told_at_plan),
        ("too_many_matches_delete_nothing", too_many_matches_delete_nothing),
        ("a_dry_run_changes_nothing", a_dry_run_changes_nothing),
        ("an_unconfirmed_machine_stays", an_unconfirmed_machine_stays),
        ("a_file_is_not_replaced", a_file_is_not_replaced),
        ("a_broken_export_leaves_no_file", a_broken_export_leaves_no_file),
        ("a_backup_needs_a_store", a_backup_needs_a_store),
        ("one_rotation_at_a_time", one_rotation_at_a_time),
        ("an_old_talos_cannot_rotate", an_old_talos_cannot_rotate),
        ("control_planes_are_not_locked", control_planes_are_not_locked),
        ("mistakes_are_found_at_validation", mistakes_are_found_at_validation),
        ("a_wait_tells_what_it_sees", a_wait_tells_what_it_sees),
        ("a_wait_tells_that_omni_stayed_away", a_wait_tells_that_omni_stayed_away),
        ("a_wait_tells_no_secret", a_wait_tells_no_secret),
        ("a_type_that_an_older_omni_lacks_is_told", a_type_that_an_older_omni_lacks_is_told),
        ("a_spare_machine_has_no_lock", a_spare_machine_has_no_lock),
        ("a_version_that_runs_is_not_installed_again", a_version_that_runs_is_not_installed_again),
        ("a_support_bundle_is_encrypted", a_support_bundle_is_encrypted),
    ];
    let all = [others, &access::ALL, &at_once::ALL, &behind::ALL, &plans::ALL].concat();
    trials.extend(all.into_iter().map(|(name, test)| Trial::test(format!("actions::{name}"), test)));
    trials
}

/// What happens to the call with the effect, once.
const WAYS: [&str; 3] = ["lose", "cut", "gone 300ms"];

fn survival(case: &'static Case, after: &str, way: &'static str) -> Trial {
    let rule = way.split(' ').next().unwrap_or_default();
    Trial::test(format!("action::{}::survives_{rule}{after}", case.name), move || survives(case, way))
}

/// One control plane and two workers, a machine that is free, and one of a static provider; backups have a store.
const WORLD: &str = "instance: {backup_store: local}\nproviders: [{name: metal, static: true}]\n\
    machines: [{hostname: w}, {hostname: x}, {hostname: y}, {hostname: free}, {provider: metal}]\n\
    clusters:\n  - name: c\n    talos: 1.13.5\n    kubernetes: 1.35.1\n    control_planes: {machines: [w]}\n    workers: [{machines: [x, y]}]\n";

fn options(world: &str) -> Options {
    let mode = Mode::Auto { tick: Duration::from_millis(5) };
    Options { mode, machines: 0, world: Some(world.parse().expect("a world")), ..Options::default() }
}

/// A provider that repeats without long waits, before a world that has come to rest.
async fn start(case: &Case, extra: &[(&str, Value)]) -> Host {
    let host = calm(options(WORLD), extra).await;
    (case.before)(&host);
    if let Some(place) = case.removed {
        let call = Call::within(Duration::from_secs(30), &CancellationToken::new());
        let kind = Kind { namespace: "default", name: "MachineSetNodes.omni.sidero.dev" };
        client(&host).remove(&call, &kind.key(inventory::id(place))).await.unwrap();
    }
    host.sim.settle().unwrap();
    host.sim.forget_requests();
    host
}

async fn calm(options: Options, extra: &[(&str, Value)]) -> Host {
    let retry = Value::object([
        ("max_attempts", Value::Null),
        ("base_delay", "20ms".into()),
        ("max_delay", "100ms".into()),
        ("jitter", Value::Null),
    ]);
    let settings = [("retry", retry), ("request_timeout", "2s".into())];
    let host = Host::with(options, &[&settings, extra].concat()).await;
    host.sim.settle().unwrap();
    // An earlier host may have had the same port.
    drop(std::fs::remove_dir_all(folder(&host)));
    std::fs::create_dir_all(folder(&host)).unwrap();
    if host.object("InfraMachines", &inventory::id(5)).is_some() {
        let mut spec = InfraMachineConfigSpec::default();
        spec.set_acceptance_status(AcceptanceStatus::Accepted);
        let key = kinds::key("InfraMachineConfigs.omni.sidero.dev", inventory::id(5));
        host.sim.store().put("", &key, |object| object.spec = spec.encode_to_vec());
        host.sim.mint("robot", omni_sim::kinds::Role::Reader, Duration::from_hours(24)).unwrap();
        host.sim.settle().unwrap();
    }
    host
}

fn client(host: &Host) -> Client {
    let key = SecretString::from(host.sim.service_account_key().to_owned());
    let config = Config::new(host.sim.endpoint(), Credentials::ServiceAccountKey(key));
    Client::new(&config, Arc::new(SystemClock)).unwrap()
}

/// What came of an invocation.
struct Invoked {
    lines: Vec<String>,
    diagnostics: Diags,
}

impl Invoked {
    fn result(self) -> Result<Vec<String>, String> {
        let said = errors(&self.diagnostics);
        if said.is_empty() { Ok(self.lines) } else { Err(said.join("\n")) }
    }
}

impl Host {
    fn action_schema(&self, name: &str) -> Schema {
        let found = self.provider.actions().iter().find(|action| action.type_name() == name);
        found.unwrap_or_else(|| panic!("no action {name}")).schema().clone()
    }

    fn action_config(&self, name: &str, json: &Json) -> Value {
        wire::from_json(json, &self.action_schema(name).object_type()).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn encoded_action(&self, name: &str, config: &Value) -> Option<pb::DynamicValue> {
        Some(wire::encode(config, &self.action_schema(name).object_type()).unwrap())
    }

    async fn validate_action(&self, name: &str, config: &Value) -> Diags {
        let config = self.encoded_action(name, config);
        let request = pb::validate_action_config::Request { type_name: name.into(), config };
        self.server.validate_action_config(Request::new(request)).await.unwrap().into_inner().diagnostics
    }

    async fn plan_action(&self, name: &str, config: &Value) -> Diags {
        let request = pb::plan_action::Request {
            action_type: name.into(),
            config: self.encoded_action(name, config),
            client_capabilities: Some(capabilities()),
        };
        self.server.plan_action(Request::new(request)).await.unwrap().into_inner().diagnostics
    }

    /// Invokes an action, and holds that the stream ends with its one completion.
    async fn invoke(&self, name: &str, config: &Value) -> Invoked {
        let request = pb::invoke_action::Request {
            action_type: name.into(),
            config: self.encoded_action(name, config),
            client_capabilities: Some(capabilities()),
        };
        let mut events = self.server.invoke_action(Request::new(request)).await.unwrap().into_inner();
        let (mut lines, mut completed) = (Vec::new(), None);
        while let Some(event) = events.next().await {
            assert!(completed.is_none(), "{name}: an event after the completion");
            match event.unwrap().r#type {
                Some(Event::Progress(progress)) => lines.push(progress.message),
                Some(Event::Completed(end)) => completed = Some(end.diagnostics),
                None => panic!("{name}: an event that is none makes the host panic"),
            }
        }
        Invoked { lines, diagnostics: completed.unwrap_or_else(|| panic!("{name}: no completion")) }
    }
}

fn strike(host: &Host, fault: &str) {
    host.sim.faults().add(fault.parse().unwrap_or_else(|e| panic!("{e}")));
}

fn invokes(case: &'static Case) -> Result<(), Failed> {
    block(async {
        let name = case.name;
        let host = start(case, &[]).await;
        let before = if case.write.is_some() { 0 } else { (case.done)(&host) };
        let config = host.action_config(name, &(case.config)(&host));
        assert_eq!(errors(&host.validate_action(name, &config).await), [""; 0], "{name}: validate");
        assert_eq!(errors(&host.plan_action(name, &config).await), [""; 0], "{name}: plan");
        assert_eq!((case.done)(&host), before, "{name}: a plan does nothing");
        let lines = host.invoke(name, &config).await.result().unwrap_or_else(|said| panic!("{name}: {said}"));
        assert!(lines.iter().any(|line| line.contains(case.tells)), "{name}: {lines:#?}");
        // What is done may show in an object of a controller.
        host.sim.settle().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((case.done)(&host), 1, "{name}: it is done");
        assert!(lines.iter().all(|line| !line.is_empty() && line.len() < 10_000), "{name}: {lines:#?}");
    })
}

/// What changes something is refused before any call; what only reads is not.
fn read_only(case: &'static Case) -> Result<(), Failed> {
    block(async {
        let name = case.name;
        let host = start(case, &[("read_only", true.into())]).await;
        let config = host.action_config(name, &(case.config)(&host));
        let planned = host.plan_action(name, &config).await;
        assert_eq!(errors(&planned), [""; 0], "{name}: plan");
        let told = warnings(&planned).iter().any(|warning| warning.contains("The provider is read-only"));
        assert_eq!(told, case.write.is_some(), "{name}: {planned:?}");
        host.sim.forget_requests();
        let invoked = host.invoke(name, &config).await.result();
        match case.write {
            None => drop(invoked.unwrap_or_else(|said| panic!("{name}: {said}"))),
            Some(_) => {
                let said = invoked.expect_err("refused");
                assert!(said.contains("Read-only provider refuses to") && said.contains(name), "{name}: {said}");
                assert_eq!(host.sim.requests().len(), 0, "{name}: nothing is sent");
                assert_eq!((case.done)(&host), 0, "{name}");
            }
        }
    })
}

/// Every call that an action can make is late.
fn hold_up(host: &Host, case: &Case) {
    let calls =
        ["Get", "List", "Watch", "Update", "Create", "Teardown", "GetSupportBundle", "ReadAuditLog", "MachineLogs"];
    let own = case.write.map(|write| write.split(' ').next().unwrap_or_default());
    for call in calls.into_iter().chain(own.filter(|own| !calls.contains(own))) {
        strike(host, &format!("{call} delay 3600s always"));
    }
}

fn times_out(case: &'static Case) -> Result<(), Failed> {
    block(async {
        let name = case.name;
        let host = start(case, &[("request_timeout", "1h".into())]).await;
        let mut json = (case.config)(&host);
        json["timeout"] = "300ms".into();
        let config = host.action_config(name, &json);
        hold_up(&host, case);
        let said = host.invoke(name, &config).await.result().expect_err("it takes too long");
        assert!(said.contains("ave up after 300ms"), "{name}: {said}");
        assert!(says_how_to_go_on(&said, "increase `timeout`"), "{name}: {said}");
        assert!(!said.contains("in the state"), "{name}: there is no state: {said}");
        if case.write.is_some() {
            let told = said.contains("Nothing was changed.") || said.contains("It is not known");
            assert!(told, "{name}: what was done is told: {said}");
        }
    })
}

/// Either this, or that the request goes on in Omni and would be made once more.
fn says_how_to_go_on(said: &str, hint: &str) -> bool {
    said.contains(hint) != said.contains("another invocation of this action")
}

fn stops(case: &'static Case) -> Result<(), Failed> {
    block(async {
        let name = case.name;
        let host = start(case, &[("request_timeout", "1h".into())]).await;
        let config = host.action_config(name, &(case.config)(&host));
        hold_up(&host, case);
        let stop = async {
            while host.sim.requests().is_empty() {
                tokio::task::yield_now().await;
            }
            host.stop().await;
        };
        let (invoked, ()) = tokio::join!(host.invoke(name, &config), stop);
        let said = invoked.result().expect_err("it was stopped");
        assert!(said.contains("topped while waiting for"), "{name}: {said}");
        assert!(says_how_to_go_on(&said, "Invoke the action again"), "{name}: {said}");
        if case.write.is_some() {
            let told = said.contains("Nothing was changed.") || said.contains("It is not known");
            assert!(told, "{name}: what was done is told: {said}");
        }
    })
}

/// Before the provider is configured a plan asks nobody.
fn does_nothing_without_a_session(case: &'static Case) -> Result<(), Failed> {
    block(async {
        let server = terraform_provider_omni::tf::server::Server::new(provider::new);
        let provider = provider::new();
        let action = provider.actions().iter().find(|action| action.type_name() == case.name).unwrap();
        let mut config = action.schema().null_object();
        for attribute in action.schema().attributes.iter().filter(|a| a.mode == Set::Required) {
            config.set(attribute.name, Value::UNKNOWN);
        }
        for rule in &action.schema().rules {
            if let check::Rule::ExactlyOne([first, ..]) = rule {
                config.set(first, Value::UNKNOWN);
            }
        }
        let config = Some(wire::encode(&config, &action.schema().object_type()).unwrap());
        let request = pb::plan_action::Request {
            action_type: case.name.into(),
            config,
            client_capabilities: Some(capabilities()),
        };
        let answer = server.plan_action(Request::new(request)).await.unwrap().into_inner();
        assert_eq!(errors(&answer.diagnostics), [""; 0], "{}", case.name);
    })
}

/// The call with the effect goes wrong once: it is done once, or it is told that it was not, or that nobody knows.
fn survives(case: &'static Case, way: &'static str) -> Result<(), Failed> {
    block(async {
        let name = case.name;
        let host = start(case, &[]).await;
        let mut json = (case.config)(&host);
        json["timeout"] = "20s".into();
        let config = host.action_config(name, &json);
        strike(&host, &format!("{} {way}", case.write.unwrap_or_default()));
        let invoked = host.invoke(name, &config).await.result();
        host.sim.settle().unwrap();
        let done = (case.done)(&host);
        assert_eq!(host.sim.faults().left(), 0, "{name}: it struck");
        match invoked {
            Ok(lines) => {
                assert!(lines.iter().any(|line| line.contains(case.tells)), "{name}: {lines:#?}");
                assert_eq!(done, 1, "{name}: it is told as done");
            }
            Err(said) => {
                assert!(done <= 1, "{name}: done twice");
                let unsure = said.contains("It is not known whether Omni carried out the last request");
                assert!(unsure || (done == 0 && said.contains("Nothing was changed")), "{name}: {done}: {said}");
            }
        }
    })
}

fn what_an_older_omni_lacks_is_told_at_plan() -> Result<(), Failed> {
    block(async {
        let host = calm(Options { release: Release::V1_6, ..options("machines: [{hostname: w}]") }, &[]).await;
        let machine = inventory::id(1);
        for (name, json, release) in [
            ("omni_machine_power_off", json!({ "machine_id": machine }), "1.8"),
            ("omni_machine_install", json!({ "machine_id": machine, "disk": "/dev/sda" }), "1.9"),
            ("omni_support_bundle", json!({ "cluster": "c", "path": "none", "encrypt": true }), "1.10"),
            ("omni_audit_log_export", json!({ "path": "none", "cluster": "c" }), "1.8"),
        ] {
            let said = errors(&host.plan_action(name, &host.action_config(name, &json)).await).join("\n");
            let needs = format!("needs Omni {release}");
            assert!(said.contains(&needs) && !said.contains("resource"), "{name}: {said}");
        }
    })
}

fn too_many_matches_delete_nothing() -> Result<(), Failed> {
    block(async {
        let name = "omni_delete_by_selector";
        let case = CASES.iter().find(|case| case.name == name).unwrap();
        let host = start(case, &[]).await;
        let json = json!({ "type": "MachineClasses.omni.sidero.dev", "label_selector": "team", "max_count": 2 });
        let config = host.action_config(name, &json);
        let planned = warnings(&host.plan_action(name, &config).await).join("\n");
        assert!(planned.contains("3 objects match, and `max_count` is 2"), "{planned}");
        let said = host.invoke(name, &config).await.result().expect_err("too many");
        assert!(said.contains("3 objects match") && said.contains("Nothing was changed."), "{said}");
        assert_eq!(host.sim.store().list("MachineClasses.omni.sidero.dev").len(), 3);
    })
}

fn a_dry_run_changes_nothing() -> Result<(), Failed> {
    block(async {
        for (name, tells) in [
            ("omni_delete_by_selector", "Would delete `MachineClasses.omni.sidero.dev/a` (1 of 2)"),
            ("omni_kubernetes_manifest_sync", "would change"),
        ] {
            let case = CASES.iter().find(|case| case.name == name).unwrap();
            // Nor does a read-only provider refuse it.
            let host = start(case, &[("read_only", true.into())]).await;
            let mut json = (case.config)(&host);
            json["dry_run"] = true.into();
            let config = host.action_config(name, &json);
            assert_eq!(warnings(&host.plan_action(name, &config).await), [""; 0]);
            let lines = host.invoke(name, &config).await.result().unwrap_or_else(|said| panic!("{name}: {said}"));
            assert!(lines.iter().any(|line| line.contains(tells)), "{name}: {lines:#?}");
            if name == "omni_delete_by_selector" {
                assert_eq!((case.done)(&host), 0);
            }
        }
    })
}

fn an_unconfirmed_machine_stays() -> Result<(), Failed> {
    block(async {
        for name in ["omni_machine_remove", "omni_node_force_destroy"] {
            let case = CASES.iter().find(|case| case.name == name).unwrap();
            let host = start(case, &[]).await;
            let mut json = (case.config)(&host);
            json["confirm"] = inventory::id(1).into();
            let config = host.action_config(name, &json);
            let said = errors(&host.validate_action(name, &config).await).join("\n");
            assert!(said.contains("confirm: The machine is not confirmed"), "{said}");
            // A value that was not known before is held against the other one all the same.
            let said = host.invoke(name, &config).await.result().expect_err("not confirmed");
            assert!(said.contains("The machine is not confirmed"), "{said}");
            assert_eq!((case.done)(&host), 0, "{name}");
        }
    })
}

fn a_file_is_not_replaced() -> Result<(), Failed> {
    block(async {
        for name in ["omni_support_bundle", "omni_audit_log_export", "omni_machine_logs_export"] {
            let case = CASES.iter().find(|case| case.name == name).unwrap();
            let host = start(case, &[]).await;
            let mut json = (case.config)(&host);
            let path = json["path"].as_str().unwrap().to_owned();
            std::fs::write(&path, "mine").unwrap();
            let config = host.action_config(name, &json);
            for said in [
                errors(&host.plan_action(name, &config).await).join("\n"),
                host.invoke(name, &config).await.result().expect_err("it is there"),
            ] {
                assert!(said.contains("a file of this name exists") && said.contains("`overwrite = true`"), "{said}");
            }
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
            json["overwrite"] = true.into();
            let config = host.action_config(name, &json);
            host.invoke(name, &config).await.result().unwrap_or_else(|said| panic!("{name}: {said}"));
            assert_eq!((case.done)(&host), 1, "{name}");
        }
    })
}

fn a_broken_export_leaves_no_file() -> Result<(), Failed> {
    block(async {
        for (name, call) in [
            ("omni_support_bundle", "GetSupportBundle"),
            ("omni_audit_log_export", "ReadAuditLog"),
            ("omni_machine_logs_export", "MachineLogs"),
        ] {
            let case = CASES.iter().find(|case| case.name == name).unwrap();
            let host = start(case, &[]).await;
            let config = host.action_config(name, &(case.config)(&host));
            strike(&host, &format!("{call} refuse Internal always: the disk is full"));
            let said = host.invoke(name, &config).await.result().expect_err("refused");
            assert!(said.contains("isk is full"), "{said}");
            assert_eq!(std::fs::read_dir(folder(&host)).unwrap().count(), 0, "{name}: nothing is left");
            // What passes is begun again.
            host.sim.faults().clear();
            strike(&host, &format!("{call} lose"));
            host.invoke(name, &config).await.result().unwrap_or_else(|said| panic!("{name}: {said}"));
            assert_eq!((case.done)(&host), 1, "{name}");
        }
    })
}

fn a_backup_needs_a_store() -> Result<(), Failed> {
    block(async {
        let name = "omni_etcd_backup";
        let host = calm(options(&WORLD.replace("instance: {backup_store: local}\n", "")), &[]).await;
        let config = host.action_config(name, &json!({ "cluster": "c" }));
        for said in [
            errors(&host.plan_action(name, &config).await).join("\n"),
            host.invoke(name, &config).await.result().expect_err("no store"),
        ] {
            assert!(
                said.contains("has no store for backups that works") && said.contains("omni_etcd_backup_s3_config"),
                "{said}"
            );
        }
        assert!(host.object("EtcdManualBackups", "c").is_none());
    })
}

fn one_rotation_at_a_time() -> Result<(), Failed> {
    block(async {
        let case = CASES.iter().find(|case| case.name == "omni_rotate_talos_ca").unwrap();
        let host = start(case, &[]).await;
        // Its first worker is away, so that the rotation does not end.
        world::disconnect_machine(host.sim.store(), &inventory::id(2));
        host.sim.settle().unwrap();
        let mut json = (case.config)(&host);
        json["timeout"] = "2s".into();
        let config = host.action_config(case.name, &json);
        let said = host.invoke(case.name, &config).await.result().expect_err("it does not end");
        for part in [
            "Gave up after",
            "the rotation of the Talos CA of cluster `c` to end",
            "Last state seen: phase `",
            "Done before that:\n  - Requested the rotation",
            "The rotation goes on in Omni",
            "`id = \"c\"`",
            "starts another rotation",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        // A second one would begin when the first one ends.
        assert!(!said.contains("nvoke the action again"), "{said}");
        let name = "omni_rotate_kubernetes_ca";
        let config = host.action_config(name, &json);
        let planned = warnings(&host.plan_action(name, &config).await).join("\n");
        assert!(planned.contains("A rotation of cluster `c` is in progress"), "{planned}");
        let said = host.invoke(name, &config).await.result().expect_err("another one runs");
        assert!(said.contains("Another rotation is in progress") && said.contains("Nothing was changed."), "{said}");
        assert!(host.object("RotateKubernetesCAs", "c").is_none());
    })
}

fn an_old_talos_cannot_rotate() -> Result<(), Failed> {
    block(async {
        for (name, request) in
            [("omni_rotate_talos_ca", "RotateTalosCAs"), ("omni_rotate_kubernetes_ca", "RotateKubernetesCAs")]
        {
            let case = CASES.iter().find(|case| case.name == name).unwrap();
            let host = start(case, &[]).await;
            host.edit("Clusters", "c", |cluster| {
                let mut spec: ClusterSpec = cluster.spec();
                "1.6.8".clone_into(&mut spec.talos_version);
                cluster.spec = spec.encode_to_vec();
            });
            let config = host.action_config(name, &(case.config)(&host));
            for said in [
                errors(&host.plan_action(name, &config).await).join("\n"),
                host.invoke(name, &config).await.result().expect_err("it is too old"),
            ] {
                assert!(said.contains("runs Talos 1.6.8, and a rotation requires Talos 1.7 or later"), "{said}");
            }
            assert!(host.object(request, "c").is_none());
        }
    })
}

fn control_planes_are_not_locked() -> Result<(), Failed> {
    block(async {
        let case = CASES.iter().find(|case| case.name == "omni_machine_lock").unwrap();
        let host = start(case, &[]).await;
        let config = host.action_config(case.name, &json!({ "machine_id": inventory::id(1) }));
        for said in [
            errors(&host.plan_action(case.name, &config).await).join("\n"),
            host.invoke(case.name, &config).await.result().expect_err("a control plane"),
        ] {
            assert!(said.contains("Omni locks workers only"), "{said}");
        }
        assert_eq!(annotated(&host, "MachineSetNodes", &inventory::id(1), "omni.sidero.dev/locked"), 0);
    })
}

/// A machine that is in no cluster is there, and it is not told that it does not exist.
fn a_spare_machine_has_no_lock() -> Result<(), Failed> {
    block(async {
        let name = "omni_machine_lock";
        let host = calm(options(WORLD), &[]).await;
        let config = host.action_config(name, &json!({ "machine_id": inventory::id(4) }));
        let planned = warnings(&host.plan_action(name, &config).await).join("\n");
        assert!(planned.contains("belongs to no cluster") && !planned.contains("exist"), "{planned}");
        let said = host.invoke(name, &config).await.result().expect_err("it is in no cluster");
        assert!(said.contains("The machine is in no machine set"), "{said}");
    })
}

fn a_version_that_runs_is_not_installed_again() -> Result<(), Failed> {
    block(async {
        let case = CASES.iter().find(|case| case.name == "omni_maintenance_upgrade").unwrap();
        let host = start(case, &[]).await;
        let config = host.action_config(case.name, &(case.config)(&host));
        host.invoke(case.name, &config).await.result().unwrap();
        host.sim.settle().unwrap();
        host.sim.forget_requests();
        let lines = host.invoke(case.name, &config).await.result().unwrap();
        assert!(lines.iter().any(|line| line.contains("runs Talos 1.13.8 already")), "{lines:?}");
        assert!(host.sim.requests().iter().all(|request| request.name() != "MaintenanceUpgrade"));
    })
}

/// To a public key whose private key nobody has, and not to the default recipients.
fn a_support_bundle_is_encrypted() -> Result<(), Failed> {
    block(async {
        let case = CASES.iter().find(|case| case.name == "omni_support_bundle").unwrap();
        let host = start(case, &[]).await;
        let reader = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
        let mut json = (case.config)(&host);
        let path = json["path"].as_str().unwrap().to_owned();
        json["encrypt"] = true.into();
        json["default_recipients"] = false.into();
        json["recipients"] = json!([reader]);
        let config = host.action_config(case.name, &json);
        assert_eq!(errors(&host.plan_action(case.name, &config).await), [""; 0]);
        let lines = host.invoke(case.name, &config).await.result().unwrap();
        assert!(lines.iter().any(|line| line.contains(reader)), "{lines:?}");
        assert!(std::fs::read(&path).unwrap().starts_with(b"age-encryption.org/v1\n-> X25519 "));
        // A key that is none is refused before anything is collected, and no file is left.
        json["path"] = cases::file(&host, "other.zip").into();
        json["recipients"] = json!(["not-a-public-key"]);
        let config = host.action_config(case.name, &json);
        let said = host.invoke(case.name, &config).await.result().expect_err("no key");
        assert!(said.contains("malformed recipient"), "{said}");
        assert_eq!(std::fs::read_dir(folder(&host)).unwrap().count(), 1);
    })
}

/// IDs that are secrets, and texts that a field is waited to have, are in no line and in no diagnostic.
fn a_wait_tells_no_secret() -> Result<(), Failed> {
    block(async {
        let name = "omni_wait";
        let host = calm(options(WORLD), &[]).await;
        let key = kinds::key("DefaultJoinTokens.omni.sidero.dev", "default");
        let token = host.sim.store().get(&key).unwrap().spec::<omni_proto::specs::DefaultJoinTokenSpec>().token_id;
        assert!(token.len() > 20, "{token}");
        let field = |kind: &str, id: &str, path: &str, value: &str| json!({ "type": kind, "id": id, "field": path, "value": value, "timeout": "300ms" });
        for (json, met) in [
            (json!({ "type": "JoinTokens", "id": token }), true),
            (json!({ "type": "JoinTokens", "id": token, "gone": true, "timeout": "300ms" }), false),
            (
                json!({ "type": "JoinTokenStatuses.omni.sidero.dev", "id": token, "phase": "tearing_down", "timeout": "300ms" }),
                false,
            ),
            (json!({ "type": "JoinTokens", "id": format!("{token}x"), "timeout": "300ms" }), false),
            (field("JoinTokenStatuses", &token, "state", "ACTIVE"), true),
            (field("JoinTokenStatuses", &token, "name", &token), false),
            (field("DefaultJoinTokens", "default", "token_id", &token), true),
            (field("DefaultJoinTokens", "default", "token_id", &format!("{token}x")), false),
            (field("DefaultJoinTokens", "none", "token_id", &token), false),
        ] {
            let config = host.action_config(name, &json);
            let mut told =
                format!("{:?}{:?}", host.validate_action(name, &config).await, host.plan_action(name, &config).await);
            let invoked = host.invoke(name, &config).await;
            told.push_str(&format!("{:?}{:?}", invoked.lines, invoked.diagnostics));
            assert!(!told.contains(&token), "{json}: {told}");
            assert_eq!(errors(&invoked.diagnostics).is_empty(), met, "{json}: {told}");
            // Nor does it tell when it cannot even ask.
            strike(&host, "Watch refuse Internal always: it is broken");
            let invoked = host.invoke(name, &config).await;
            host.sim.faults().clear();
            assert!(!format!("{:?}{:?}", invoked.lines, invoked.diagnostics).contains(&token), "{json}");
        }
    })
}

fn a_type_that_an_older_omni_lacks_is_told() -> Result<(), Failed> {
    block(async {
        let host = calm(Options { release: Release::V1_6, ..options("machines: [{hostname: w}]") }, &[]).await;
        for (name, json, release) in [
            ("omni_wait", json!({ "type": "KubernetesHealthChecks", "id": "c" }), "1.9"),
            (
                "omni_delete_by_selector",
                json!({ "type": "KubernetesManifestGroups", "label_selector": "a", "max_count": 1 }),
                "1.7",
            ),
            ("omni_machine_power_off", json!({ "machine_id": inventory::id(1) }), "1.8"),
        ] {
            let config = host.action_config(name, &json);
            for said in [
                errors(&host.plan_action(name, &config).await).join("\n"),
                host.invoke(name, &config).await.result().expect_err("it lacks that"),
            ] {
                let needs = format!("needs Omni {release}: The server is Omni 1.6");
                assert!(said.contains(&needs), "{name}: {said}");
            }
        }
    })
}

fn mistakes_are_found_at_validation() -> Result<(), Failed> {
    block(async {
        let host = calm(options("machines: [{hostname: w}]"), &[]).await;
        for (name, json, at, says) in mistakes() {
            let said = errors(&host.validate_action(name, &host.action_config(name, &json)).await);
            let found = said.iter().any(|line| line.starts_with(&format!("{at}: ")) && line.contains(says));
            assert!(found, "{name} {json}: {says}: {said:#?}");
        }
    })
}

fn a_wait_tells_what_it_sees() -> Result<(), Failed> {
    block(async {
        let case = CASES.iter().find(|case| case.name == "omni_wait").unwrap();
        let host = start(case, &[]).await;
        let name = case.name;
        let json = json!({ "type": "Clusters", "id": "none", "timeout": "300ms" });
        let said = host.invoke(name, &host.action_config(name, &json)).await.result().expect_err("there is none");
        for part in [
            "Could not wait for object `none`",
            "waiting for `Clusters.omni.sidero.dev/none` to exist",
            "Last state seen: the object does not exist.",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        // It goes on when the object comes.
        let json = json!({ "type": "MachineClasses", "id": "late" });
        let config = host.action_config(name, &json);
        let make = async {
            while host.sim.requests().iter().all(|request| request.name() != "Watch") {
                tokio::task::yield_now().await;
            }
            host.sim.store().put("", &kinds::key("MachineClasses.omni.sidero.dev", "late"), |_| {});
        };
        host.sim.forget_requests();
        let (invoked, ()) = tokio::join!(host.invoke(name, &config), make);
        let lines = invoked.result().unwrap();
        assert_eq!(lines.last().map(String::as_str), Some("`MachineClasses.omni.sidero.dev/late` exists"), "{lines:?}");
    })
}

fn a_wait_tells_that_omni_stayed_away() -> Result<(), Failed> {
    block(async {
        let case = CASES.iter().find(|case| case.name == "omni_wait").unwrap();
        let host = start(case, &[]).await;
        // It breaks after its first event, and from the next one on nothing listens.
        strike(&host, "Watch break 2");
        strike(&host, "Watch gone 60s");
        let json = json!({ "type": "Clusters", "id": "none", "timeout": "2s" });
        let said =
            host.invoke(case.name, &host.action_config(case.name, &json)).await.result().expect_err("it is away");
        for part in ["Gave up after 2s", "No answer from `", "Last state seen: the object does not exist."] {
            assert!(said.contains(part), "{part}: {said}");
        }
    })
}
