//! Users, and what the engine of things that Omni serves by calls makes of a server on which things go wrong.

use crate::defects::made;
use crate::host::{Host, Instance, errors};
use crate::lifecycle::{block, settled};
use libtest_mimic::{Failed, Trial};
use omni_proto::specs;
use omni_sim::accounts::{Limits, Registry};
use omni_sim::object::{Key, Object};
use omni_sim::{Options, Release};
use prost::Message;
use serde_json::{Value as Json, json};
use terraform_provider_omni::tf::value::Value;

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("an_address_stays_as_written", an_address_stays_as_written),
        ("what_others_compute_is_no_change", what_others_compute_is_no_change),
        ("a_lost_answer_is_looked_for", a_lost_answer_is_looked_for),
        ("what_cannot_be_looked_for_stays_in_the_state", what_cannot_be_looked_for_stays_in_the_state),
        ("what_cannot_be_read_back_stays_in_the_state", what_cannot_be_read_back_stays_in_the_state),
        ("a_late_list_is_waited_for", a_late_list_is_waited_for),
        ("a_wait_for_a_list_can_be_stopped", a_wait_for_a_list_can_be_stopped),
        ("a_user_that_was_made_all_the_same_is_kept", a_user_that_was_made_all_the_same_is_kept),
        ("a_refused_create_leaves_nothing", a_refused_create_leaves_nothing),
        ("a_user_that_is_there_is_imported", a_user_that_is_there_is_imported),
        ("a_user_that_is_there_is_taken_over_when_asked", a_user_that_is_there_is_taken_over_when_asked),
        ("a_change_by_others_is_told", a_change_by_others_is_told),
        ("a_removal_by_others_is_told", a_removal_by_others_is_told),
        ("a_refused_update_keeps_what_was", a_refused_update_keeps_what_was),
        ("nobody_changes_oneself", nobody_changes_oneself),
        ("an_old_server_is_told_in_the_plan", an_old_server_is_told_in_the_plan),
        ("an_identity_without_a_user_is_made_anew", an_identity_without_a_user_is_made_anew),
        ("an_import_of_nobody_is_told", an_import_of_nobody_is_told),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("people::{name}"), test)).collect()
}

const USER: &str = "omni_user";
const JANE: &str = "jane@example.org";
const ADMIN: &str = "admin@omni-sim.localhost";

fn jane(role: &str) -> Json {
    json!({ "email": "Jane@Example.org", "role": role })
}

/// A server that stands still; nothing about users waits for it to move.
async fn start(extra: &[(&str, Value)]) -> Host {
    Host::with(Options::stepped(), extra).await
}

fn strike(host: &Host, fault: &str) {
    host.sim.faults().add(fault.parse().unwrap());
}

fn registry(host: &Host) -> Registry<'_> {
    Registry::new(host.sim.store(), Limits::default())
}

/// The role of Jane as the server has it.
fn role(host: &Host) -> Option<String> {
    let id = host.object("Identities", JANE)?.spec::<specs::IdentitySpec>().user_id;
    Some(host.object("Users", &id)?.spec::<specs::UserSpec>().role)
}

fn calls(host: &Host, name: &str) -> usize {
    host.sim.requests().iter().filter(|request| request.name() == name).count()
}

/// Plans first, and lets something happen before the apply.
async fn apply_after(
    host: &Host,
    prior: Option<&Instance>,
    config: &Json,
    happens: impl FnOnce(&Host),
) -> Result<Instance, (String, Option<Instance>)> {
    let config = host.config(USER, config);
    let plan = host.plan(USER, prior, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
    happens(host);
    host.apply_plan(USER, prior, &config, plan).await.map_err(|(diags, kept)| (errors(&diags).join("\n"), kept))
}

fn text<'a>(instance: &'a Instance, attribute: &str) -> Option<&'a str> {
    instance.state.get(attribute).as_str()
}

fn says(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
}

fn an_address_stays_as_written() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        let user = made(&host, USER, &jane("Reader")).await;
        assert_eq!((text(&user, "email"), role(&host).as_deref()), (Some("Jane@Example.org"), Some("Reader")));
        let louder = json!({ "email": "JANE@EXAMPLE.ORG", "role": "Reader" });
        settled(&host, USER, &user, &host.config(USER, &louder), "another spelling").await;
        let imported = host.import(USER, "JANE@example.ORG", None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!(text(&imported, "email"), Some("JANE@example.ORG"));
        // One person is one identity, however it is written.
        assert_eq!(imported.identity, user.identity);
        settled(&host, USER, &imported, &host.config(USER, &jane("Reader")), "an import in another spelling").await;
    })
}

fn what_others_compute_is_no_change() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        let user = made(&host, USER, &jane("Reader")).await;
        let was_active = |host: &Host| {
            host.edit("Identities", JANE, |identity| {
                identity.labels.insert("saml.omni.sidero.dev/team".into(), "a".into());
            });
            let spec = specs::IdentityStatusSpec { last_active: "2026-11-21T10:00:00Z".into(), ..Default::default() };
            host.sim.store().put("", &status(JANE), |object: &mut Object| object.spec = spec.encode_to_vec());
        };
        let updated = apply_after(&host, Some(&user), &jane("Operator"), was_active).await;
        let updated = updated.unwrap_or_else(|(said, _)| panic!("{said}"));
        let read = settled(&host, USER, &updated, &host.config(USER, &jane("Operator")), "activity").await;
        assert_eq!(text(&read, "last_active"), Some("2026-11-21T10:00:00Z"));
        let labels = read.state.get("saml_labels").entries().expect("a map");
        assert_eq!(labels.get("team").and_then(Value::as_str), Some("a"));
    })
}

fn status(email: &str) -> Key {
    Key { namespace: "ephemeral".into(), kind: "IdentityStatuses.omni.sidero.dev".into(), id: email.into() }
}

fn a_lost_answer_is_looked_for() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        strike(&host, "CreateUser lose");
        let user = made(&host, USER, &jane("Reader")).await;
        assert_eq!((calls(&host, "CreateUser"), role(&host).as_deref()), (1, Some("Reader")), "it is made once");
        assert!(text(&user, "id").is_some_and(|id| id.len() == 36), "{user:?}");
    })
}

/// The list that a create begins with is the last one that is answered.
const NO_MORE_LISTS: &str = "ListUsers refuse Internal skip 1 always: the list is burnt";

fn what_cannot_be_looked_for_stays_in_the_state() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        let lost = |host: &Host| {
            strike(host, "CreateUser lose");
            strike(host, "Watch of Identities refuse Internal always: the list is burnt");
            strike(host, NO_MORE_LISTS);
        };
        let (said, kept) = apply_after(&host, None, &jane("Reader"), lost).await.expect_err("nobody can tell");
        says(&said, &["Could not create user `jane@example.org`", "Omni may have created the object", "untaint"]);
        let kept = kept.expect("what was sent stays");
        assert_eq!((text(&kept, "email"), text(&kept, "role")), (Some("Jane@Example.org"), Some("Reader")));
        assert!(kept.identity.is_some() && kept.state.is_wholly_known(), "{kept:?}");
        host.sim.faults().clear();
        let read = host.read(USER, &kept).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(text(&read.expect("it is there"), "id").is_some());
    })
}

fn what_cannot_be_read_back_stays_in_the_state() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        let burn = |host: &Host| strike(host, NO_MORE_LISTS);
        let (said, kept) = apply_after(&host, None, &jane("Reader"), burn).await.expect_err("it cannot be read");
        says(&said, &["User `jane@example.org` is written, but could not be read back", "is burnt", "untaint"]);
        let kept = kept.expect("the user is there");
        assert!(text(&kept, "id").is_some_and(|id| id.len() == 36), "what the create knew stays: {kept:?}");
        assert_eq!(role(&host).as_deref(), Some("Reader"));
    })
}

/// Makes Jane, whom the server lists no more once it has made her; what then happens ends the wait.
async fn unlisted(host: &Host, then: impl AsyncFnOnce()) -> Result<Instance, (String, Option<Instance>)> {
    // The list after the create comes late enough to be without her.
    let late = |host: &Host| strike(host, "ListUsers delay 1s skip 1");
    let meddle = async {
        while role(host).is_none() {
            tokio::task::yield_now().await;
        }
        registry(host).destroy_user(JANE).unwrap();
        let seen = calls(host, "ListUsers");
        while calls(host, "ListUsers") < seen + 2 {
            tokio::task::yield_now().await;
        }
        then().await;
    };
    let wanted = jane("Reader");
    tokio::join!(apply_after(host, None, &wanted, late), meddle).0
}

fn a_late_list_is_waited_for() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        let applied = unlisted(&host, async || drop(registry(&host).create_user(JANE, "Reader").unwrap())).await;
        let user = applied.unwrap_or_else(|(said, _)| panic!("{said}"));
        assert_eq!((text(&user, "role"), calls(&host, "CreateUser")), (Some("Reader"), 1));
    })
}

fn a_wait_for_a_list_can_be_stopped() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        let applied = unlisted(&host, async || host.stop().await).await;
        // No error: a host would mark the new user for replacement.
        let user = applied.unwrap_or_else(|(said, _)| panic!("{said}"));
        assert!(text(&user, "id").is_some_and(|id| id.len() == 36), "what the create knew stays: {user:?}");
    })
}

fn a_user_that_was_made_all_the_same_is_kept() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        let fail = |host: &Host| strike(host, "CreateUser fail Internal: no room for the rest");
        let user = apply_after(&host, None, &jane("Reader"), fail).await.unwrap_or_else(|(said, _)| panic!("{said}"));
        assert_eq!((text(&user, "role"), calls(&host, "CreateUser")), (Some("Reader"), 1));
    })
}

fn a_refused_create_leaves_nothing() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        for (fault, part) in [
            ("CreateUser refuse PermissionDenied: you may not", "You may not"),
            ("CreateUser refuse Internal times 5: the disk is full", "The disk is full"),
            (
                "CreateUser refuse Unknown: unknown role to parse: \"Reader\"",
                "Choose a role that this release of Omni has",
            ),
            ("CreateUser refuse InvalidArgument: not a valid email address: jane", "Write it like `name@example.org`"),
        ] {
            let (said, kept) =
                apply_after(&host, None, &jane("Reader"), |host| strike(host, fault)).await.expect_err("refused");
            says(&said, &["Could not create user `jane@example.org`", part]);
            assert!(kept.is_none(), "{fault}: nothing was made, so nothing is kept");
        }
        let no_address = host.config(USER, &json!({ "email": "jane", "role": "Reader" }));
        let said = errors(&host.plan(USER, None, &no_address).await.expect_err("no address")).join("\n");
        says(&said, &["email: Not an e-mail address: `jane`", "name@example.org"]);
    })
}

fn a_user_that_is_there_is_imported() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        registry(&host).create_user(JANE, "Reader").unwrap();
        // Somebody may be about to remove it: that is waited for, within this limit.
        let soon = crate::fixture::merged(&jane("Admin"), &json!({ "timeouts": { "create": "1s" } }));
        let (said, kept) = apply_after(&host, None, &soon, |_| {}).await.expect_err("it is there");
        says(&said, &["email: ", "terraform import omni_user.<NAME> jane@example.org", "adopt_existing = true"]);
        assert_eq!((kept.is_none(), calls(&host, "CreateUser"), role(&host).as_deref()), (true, 0, Some("Reader")));
        // Somebody may be quicker than the look before the create.
        registry(&host).destroy_user(JANE).unwrap();
        let taken = "CreateUser refuse Unknown: user with email \"jane@example.org\" already exists";
        let (said, kept) =
            apply_after(&host, None, &jane("Admin"), |host| strike(host, taken)).await.expect_err("it is there");
        says(&said, &["terraform import omni_user.<NAME> jane@example.org"]);
        assert!(kept.is_none());
    })
}

fn a_user_that_is_there_is_taken_over_when_asked() -> Result<(), Failed> {
    block(async {
        let host = start(&[("adopt_existing", true.into())]).await;
        let id = registry(&host).create_user(JANE, "Reader").unwrap();
        let config = host.config(USER, &jane("Operator"));
        let plan = host.plan(USER, None, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let (user, told) =
            host.applied(USER, None, &config, plan).await.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert_eq!((text(&user, "id"), role(&host).as_deref()), (Some(id.as_str()), Some("Operator")));
        assert_eq!(text(&user, "email"), Some("Jane@Example.org"));
        says(
            &told.join("\n"),
            &["email: Existing user `jane@example.org` is adopted", "`role`: \"Reader\" becomes \"Operator\""],
        );
        // The removal of its former address comes late in the same apply.
        host.destroy(USER, &user).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!(role(&host).as_deref(), Some("Operator"));
    })
}

fn a_change_by_others_is_told() -> Result<(), Failed> {
    block(async {
        for (policy, wins) in [("fail", "Auditor"), ("overwrite", "Operator")] {
            let host = start(&[("on_conflict", policy.into())]).await;
            let user = made(&host, USER, &jane("Reader")).await;
            let meddle = |host: &Host| registry(host).update_user(JANE, "Auditor").unwrap();
            let applied = apply_after(&host, Some(&user), &jane("Operator"), meddle).await;
            if let Err((said, kept)) = &applied {
                says(said, &["role: ", "between plan and apply", "\"Reader\"", "\"Auditor\"", "Plan again"]);
                assert_eq!(kept.as_ref().and_then(|kept| text(kept, "role")), Some("Reader"));
            }
            assert_eq!((applied.is_ok(), role(&host).as_deref()), (policy == "overwrite", Some(wins)), "{policy}");
        }
    })
}

fn a_removal_by_others_is_told() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        let user = made(&host, USER, &jane("Reader")).await;
        let remove = |host: &Host| registry(host).destroy_user(JANE).unwrap();
        let (said, _) = apply_after(&host, Some(&user), &jane("Operator"), remove).await.expect_err("it is gone");
        says(&said, &["Another client removed user `jane@example.org`", "Plan again"]);
        assert!(host.read(USER, &user).await.unwrap_or_else(|d| panic!("{:?}", errors(&d))).is_none());
    })
}

fn a_refused_update_keeps_what_was() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        let user = made(&host, USER, &jane("Reader")).await;
        let refuse = |host: &Host| strike(host, "UpdateUser refuse PermissionDenied: you may not");
        let (said, kept) = apply_after(&host, Some(&user), &jane("Operator"), refuse).await.expect_err("refused");
        says(&said, &["Could not update user `jane@example.org`", "You may not"]);
        assert_eq!(kept.expect("the user is there").state, user.state);
    })
}

fn nobody_changes_oneself() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        let me = host.import(USER, ADMIN, None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let other = made(&host, USER, &jane("Reader")).await;
        host.work_as(ADMIN).await;
        let config = |email: &str, role: &str| host.config(USER, &json!({ "email": email, "role": role }));

        let said = host.plan(USER, Some(&me), &config(ADMIN, "Reader")).await.expect_err("oneself");
        says(
            &errors(&said).join("\n"),
            &["role: Could not update user `admin@omni-sim.localhost`", "change or remove itself"],
        );
        let said = host.plan(USER, Some(&me), &config("else@example.org", "Admin")).await.expect_err("oneself");
        says(&errors(&said).join("\n"), &["email: Could not replace user", "change or remove itself"]);
        // A removal that Omni refuses keeps nothing else from being planned.
        let warned = host.plan_destroy(USER, &me).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let expected = ["email: Omni will refuse to destroy user `admin@omni-sim.localhost`", "terraform state rm"];
        says(&warned.join("\n"), &expected);
        let said = host.destroy(USER, &me).await.expect_err("oneself");
        says(&errors(&said).join("\n"), &["Could not destroy user", "change or remove itself", "terraform state rm"]);

        settled(&host, USER, &me, &config(&ADMIN.to_uppercase(), "Admin"), "no change of oneself").await;
        host.plan_destroy(USER, &other).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        host.next_run().await;
        let changed = apply_after(&host, Some(&other), &jane("Operator"), |_| {}).await;
        assert_eq!(text(&changed.unwrap_or_else(|(said, _)| panic!("{said}")), "role"), Some("Operator"));
    })
}

fn an_old_server_is_told_in_the_plan() -> Result<(), Failed> {
    block(async {
        let host = Host::with(Options { release: Release::V1_5, ..Options::stepped() }, &[]).await;
        let said = host.plan(USER, None, &host.config(USER, &jane("Reader"))).await.expect_err("no such call");
        says(&errors(&said).join("\n"), &["`omni_user` needs Omni 1.6", "Omni 1.5.7", "Upgrade Omni"]);
    })
}

fn an_identity_without_a_user_is_made_anew() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        let user = made(&host, USER, &jane("Reader")).await;
        let id = text(&user, "id").unwrap();
        host.sim.store().remove(&Key {
            namespace: "default".into(),
            kind: "Users.omni.sidero.dev".into(),
            id: id.into(),
        });
        let read = host.read(USER, &user).await.unwrap().expect("its identity is there");
        let plan = host.plan(USER, Some(&read), &host.config(USER, &jane("Reader"))).await;
        let plan = plan.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!(plan.replace, ["role"]);
        assert!(plan.planned.get("id").is_unknown(), "{plan:?}");
        host.destroy(USER, &read).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        made(&host, USER, &jane("Reader")).await;
        assert_eq!(role(&host).as_deref(), Some("Reader"));
    })
}

fn an_import_of_nobody_is_told() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        let said = host.import(USER, JANE, None).await.expect_err("nobody");
        says(&errors(&said).join("\n"), &["Could not import user `jane@example.org`", "E-mail address"]);
        let account = "ci@serviceaccount.omni.sidero.dev";
        let said = host.import(USER, account, None).await.expect_err("an account");
        says(&errors(&said).join("\n"), &["`omni_service_account`", "imported by their e-mail address"]);
    })
}
