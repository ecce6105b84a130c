//! What belongs to one machine: objects that Omni makes too, labels of others, and what cannot be taken back.

use crate::defects::{changed, made};
use crate::host::{Host, Instance, errors};
use crate::lifecycle::{block, settled};
use libtest_mimic::{Failed, Trial};
use omni_proto::specs::{KernelArgsSpec, MachineInstallDiskConfigSpec};
use omni_sim::object::Object;
use omni_sim::{Options, kinds};
use prost::Message;
use serde_json::{Value as Json, json};

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("arguments_that_omni_made_are_taken_over", arguments_that_omni_made_are_taken_over),
        ("arguments_of_a_template_are_not_taken_over", arguments_of_a_template_are_not_taken_over),
        ("exclusive_labels_remove_others", exclusive_labels_remove_others),
        ("additive_labels_leave_others", additive_labels_leave_others),
        ("an_accepted_machine_stays_accepted", an_accepted_machine_stays_accepted),
        ("a_disk_that_is_not_there_is_told", a_disk_that_is_not_there_is_told),
        ("a_disk_is_resolved_when_the_apply_ends", a_disk_is_resolved_when_the_apply_ends),
        ("a_choice_without_a_disk_is_told", a_choice_without_a_disk_is_told),
        ("a_machine_that_waits_for_its_acceptance_is_known", a_machine_that_waits_for_its_acceptance_is_known),
        ("a_controller_without_a_password", a_controller_without_a_password),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("machine_parts::{name}"), test)).collect()
}

const MACHINE: &str = "00000000-0000-4000-8000-000000000001";
const ARGS: &str = "omni_kernel_args";
const LABELS: &str = "omni_machine_labels";

/// Puts an object as Omni or a person leaves it.
fn put(host: &Host, kind: &str, fill: impl FnOnce(&mut Object)) {
    host.sim.store().put("", &kinds::key(&format!("{kind}.omni.sidero.dev"), MACHINE), fill);
}

fn args(args: &[&str]) -> Json {
    json!({ "machine_id": MACHINE, "args": args })
}

fn arguments_that_omni_made_are_taken_over() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        for (wanted, told) in [(["quiet"], true), (["console=ttyS0"], false)] {
            let spec = KernelArgsSpec { args: vec!["console=ttyS0".into()] };
            put(&host, "KernelArgs", |object| object.spec = spec.encode_to_vec());
            let config = host.config(ARGS, &args(&wanted));
            let plan = host.plan(ARGS, None, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
            let says = |w: &String| w.contains("is adopted") && w.contains("`args`") && w.contains("\"quiet\"");
            assert_eq!(plan.warnings.iter().any(says), told, "{wanted:?}: {:?}", plan.warnings);
            let taken =
                host.apply_plan(ARGS, None, &config, plan).await.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
            let taken = settled(&host, ARGS, &taken, &config, "taking over").await;
            assert_eq!(host.object("KernelArgs", MACHINE).unwrap().spec::<KernelArgsSpec>().args, wanted);
            host.next_run().await;
            host.destroy(ARGS, &taken).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
            assert!(host.object("KernelArgs", MACHINE).is_none());
            host.next_run().await;
        }
    })
}

fn arguments_of_a_template_are_not_taken_over() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let spec = KernelArgsSpec { args: vec!["console=ttyS0".into()] };
        put(&host, "KernelArgs", |object| {
            object.spec = spec.encode_to_vec();
            object.annotations.insert("omni.sidero.dev/managed-by-cluster-templates".into(), String::new());
        });
        let config = host.config(ARGS, &args(&["quiet"]));
        let plan = host.plan(ARGS, None, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let told = plan.warnings.join("\n");
        for part in
            ["The apply cannot create", "A cluster template manages it", "Otherwise choose another `machine_id`"]
        {
            assert!(told.contains(part), "no {part:?} in {told}");
        }
        let said = host.apply_plan(ARGS, None, &config, plan).await.expect_err("it is the template's").0;
        assert!(errors(&said).join("\n").contains("A cluster template manages it"), "{:?}", errors(&said));
        assert_eq!(host.object("KernelArgs", MACHINE).unwrap().spec::<KernelArgsSpec>().args, ["console=ttyS0"]);

        // Like an object of any other type, it is adopted on request, and the plan says so.
        host.reconfigure(&[("adopt_existing", true.into())]).await;
        let plan = host.plan(ARGS, None, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(plan.warnings.iter().any(|w| w.contains("because of `adopt_existing = true`")), "{:?}", plan.warnings);
        let taken = host.apply_plan(ARGS, None, &config, plan).await;
        settled(&host, ARGS, &taken.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d))), &config, "adoption").await;
    })
}

fn labels(host: &Host) -> Vec<String> {
    host.object("MachineLabels", MACHINE).map(|object| object.labels.keys().cloned().collect()).unwrap_or_default()
}

fn tagged(host: &Host) {
    put(host, "MachineLabels", |object| {
        object.labels.insert("tag".into(), "cloud".into());
        object.annotations.insert("omni.sidero.dev/platform-tag-labels-initialized".into(), String::new());
    });
}

fn exclusive_labels_remove_others() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        tagged(&host);
        let json = json!({ "machine_id": MACHINE, "mode": "exclusive", "labels": { "a": "1" } });
        let config = host.config(LABELS, &json);
        let plan = host.plan(LABELS, None, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let told = |w: &String| w.starts_with("mode: ") && w.contains("`tag`");
        assert!(plan.warnings.iter().any(told), "{:?}", plan.warnings);
        let made =
            host.apply_plan(LABELS, None, &config, plan).await.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        let made = settled(&host, LABELS, &made, &config, "create").await;
        assert_eq!(labels(&host), ["a"]);

        host.edit("MachineLabels", MACHINE, |object| {
            object.labels.insert("b".into(), "2".into());
        });
        let read = host.read(LABELS, &made).await.unwrap().unwrap();
        assert_eq!(read.state.get("labels").entries().unwrap().len(), 2, "{:?}", read.state);
        let cleaned = changed(&host, LABELS, &read, &json).await;
        settled(&host, LABELS, &cleaned, &config, "drift").await;
        assert_eq!(labels(&host), ["a"]);
        let object = host.object("MachineLabels", MACHINE).unwrap();
        assert!(object.annotations.contains_key("omni.sidero.dev/platform-tag-labels-initialized"));
    })
}

fn additive_labels_leave_others() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        tagged(&host);
        let json = json!({ "machine_id": MACHINE, "labels": { "a": "1" } });
        let mine = made(&host, LABELS, &json).await;
        assert_eq!(labels(&host), ["a", "tag"]);
        settled(&host, LABELS, &mine, &host.config(LABELS, &json), "create").await;
        host.next_run().await;
        host.destroy(LABELS, &mine).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!(labels(&host), ["tag"]);
        let left = host.object("MachineLabels", MACHINE).unwrap();
        let keys: Vec<_> = left.annotations.keys().map(String::as_str).collect();
        assert_eq!(keys, ["omni.sidero.dev/platform-tag-labels-initialized"]);
    })
}

fn an_accepted_machine_stays_accepted() -> Result<(), Failed> {
    block(async {
        let kind = "omni_infra_machine_config";
        let host = Host::start(&[]).await;
        let accepted = made(&host, kind, &json!({ "machine_id": MACHINE, "acceptance": "accepted" })).await;
        let back = host.config(kind, &json!({ "machine_id": MACHINE, "acceptance": "pending" }));
        let said = errors(&host.plan(kind, Some(&accepted), &back).await.expect_err("it cannot be taken back"));
        assert!(said[0].starts_with("acceptance: ") && said[0].contains("stays accepted"), "{said:?}");
        let warned = host.plan_destroy(kind, &accepted).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(warned.iter().any(|w| w.contains("the apply will fail") && w.contains("`removed`")), "{warned:?}");
        let said = errors(&host.destroy(kind, &accepted).await.expect_err("Omni refuses it"));
        assert!(said[0].contains("Remove the machine from Omni"), "{said:?}");
    })
}

fn a_disk_that_is_not_there_is_told() -> Result<(), Failed> {
    block(async {
        let kind = "omni_machine_install_disk";
        let host = Host::start(&[]).await;
        for (disk, told) in [("/dev/none", true), ("/dev/disk/by-id/x", false)] {
            let config = host.config(kind, &json!({ "machine_id": MACHINE, "disk": disk }));
            let plan = host.plan(kind, None, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
            let says = |w: &String| w.starts_with("disk: ") && w.contains("/dev/");
            assert_eq!(plan.warnings.iter().any(says), told, "{disk}: {:?}", plan.warnings);
            host.next_run().await;
        }
    })
}

const DISK: &str = "omni_machine_install_disk";

fn disks() -> Json {
    json!({ "machines": [{ "disks": [{ "name": "sda", "size": "100GB" }, { "name": "sdb", "size": "500GB" }] }] })
}

/// An Omni in which nothing moves before it is told to.
async fn with_disks() -> Host {
    let world = Some(disks().to_string().parse().expect("a world"));
    let host = Host::with(Options { world, machines: 0, ..Options::stepped() }, &[]).await;
    host.sim.settle().expect("at rest");
    host
}

/// Applies, and lets Omni go on once the apply watches it.
async fn applied(host: &Host, prior: Option<&Instance>, json: &Json) -> (Instance, Vec<String>) {
    let config = host.config(DISK, json);
    let plan = host.plan(DISK, prior, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
    host.sim.forget_requests();
    let omni = async {
        while !host.sim.requests().iter().any(|request| request.name() == "Watch") {
            tokio::task::yield_now().await;
        }
        host.sim.settle().expect("at rest");
    };
    let (applied, ()) = tokio::join!(host.applied(DISK, prior, &config, plan), omni);
    applied.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)))
}

fn a_disk_is_resolved_when_the_apply_ends() -> Result<(), Failed> {
    block(async {
        let host = with_disks().await;
        let mut prior = None;
        for (choice, resolved) in [
            (json!({ "disk": "/dev/sdb" }), "/dev/sdb"),
            (json!({ "disk_selector": "disk.size < 200u * GB" }), "/dev/sda"),
            (json!({ "disk": "/dev/sdb", "disk_selector": null }), "/dev/sdb"),
        ] {
            let json = crate::fixture::merged(&json!({ "machine_id": MACHINE }), &choice);
            let (made, said) = applied(&host, prior.as_ref(), &json).await;
            assert_eq!((made.state.get("resolved_disk").as_str(), said.len()), (Some(resolved), 0), "{said:#?}");
            host.next_run().await;
            let read = host.read(DISK, &made).await.unwrap().unwrap();
            assert_eq!(["resolved_disk", "status"].map(|name| read.state.get(name) == made.state.get(name)), [true; 2]);
            prior = Some(read);
        }
        // A change of something else waits for nothing.
        let json = json!({ "machine_id": MACHINE, "disk": "/dev/sdb", "labels": { "a": "b" } });
        let made = changed(&host, DISK, &prior.unwrap(), &json).await;
        assert_eq!(made.state.get("resolved_disk").as_str(), Some("/dev/sdb"));
        // What others choose is read once Omni has resolved it, and no former disk until then.
        let spec = MachineInstallDiskConfigSpec { disk: "/dev/sda".into(), ..Default::default() };
        host.edit("MachineInstallDiskConfigs", MACHINE, |object| object.spec = spec.encode_to_vec());
        let read = host.read(DISK, &made).await.unwrap().unwrap();
        assert_eq!(read.state.get("resolved_disk").as_str(), Some(""));
        host.sim.settle().expect("at rest");
        let read = host.read(DISK, &read).await.unwrap().unwrap();
        assert_eq!(read.state.get("resolved_disk").as_str(), Some("/dev/sda"));
    })
}

fn a_choice_without_a_disk_is_told() -> Result<(), Failed> {
    block(async {
        let host = with_disks().await;
        let json = json!({ "machine_id": MACHINE, "disk_selector": "disk.rotational && disk.size > 1u" });
        let (made, said) = applied(&host, None, &json).await;
        assert_eq!(made.state.get("resolved_disk").as_str(), Some(""));
        let told = said.len() == 1 && said[0].starts_with("disk_selector: ") && said[0].contains("No disk matches");
        assert!(told && said[0].contains("The machine has `/dev/sda`, `/dev/sdb`."), "{said:#?}");
        // Nobody waits for a machine that is not there, and whoever stops the apply stops the wait.
        host.next_run().await;
        let absent = json!({ "machine_id": "00000000-0000-4000-8000-000000000099", "disk": "/dev/sda" });
        made_at_once(&host, &absent).await;
        host.next_run().await;
        let config = host.config(DISK, &json!({ "machine_id": MACHINE, "disk_selector": "true" }));
        let plan = host.plan(DISK, Some(&made), &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        host.sim.forget_requests();
        let stop = async {
            while !host.sim.requests().iter().any(|request| request.name() == "Watch") {
                tokio::task::yield_now().await;
            }
            host.stop().await;
        };
        let (stopped, ()) = tokio::join!(host.applied(DISK, Some(&made), &config, plan), stop);
        let (stopped, said) = stopped.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert!(said.len() == 1 && said[0].contains("is not known yet"), "{said:#?}");
        assert_eq!(stopped.state.get("resolved_disk").as_str(), Some(""));
    })
}

async fn made_at_once(host: &Host, json: &Json) {
    let said = made(host, DISK, json).await;
    assert_eq!(said.state.get("resolved_disk").as_str(), Some(""));
}

fn a_machine_that_waits_for_its_acceptance_is_known() -> Result<(), Failed> {
    const CONFIG: &str = "omni_infra_machine_config";
    const WAITING: &str = "00000000-0000-4000-8000-000000000099";
    block(async {
        let host = Host::start(&[]).await;
        let config = host.config(CONFIG, &json!({ "machine_id": WAITING, "acceptance": "accepted" }));
        for (linked, told) in [(false, true), (true, false)] {
            if linked {
                host.sim.store().put("", &kinds::key("Links.omni.sidero.dev", WAITING), |_| {});
            }
            let plan = host.plan(CONFIG, None, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
            let says = |w: &String| w.contains("is not known to Omni");
            assert_eq!(plan.warnings.iter().any(says), told, "{linked}: {:?}", plan.warnings);
            host.next_run().await;
        }
    })
}

fn a_controller_without_a_password() -> Result<(), Failed> {
    const CONFIG: &str = "omni_infra_machine_bmc_config";
    block(async {
        let host = Host::start(&[]).await;
        let json = json!({ "machine_id": MACHINE, "ipmi": { "address": "10.0.0.1", "username": "admin" } });
        let config = host.config(CONFIG, &json);
        let plan = host.plan(CONFIG, None, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let (made, said) =
            host.applied(CONFIG, None, &config, plan).await.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert_eq!(said, Vec::<String>::new());
        settled(&host, CONFIG, &made, &config, "without a password").await;
    })
}
