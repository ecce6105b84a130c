//! The role that the page of an action names is the lowest one with which it works.

use super::cases::Case;
use super::start;
use crate::lifecycle::block;
use libtest_mimic::Failed;
use omni_sim::kinds::Role;
use std::time::Duration;

/// The role that the page names first, and one that is too low for it.
fn named(page: &str) -> Option<(Role, Role)> {
    let (_, rest) = page.split_once("role `")?;
    Some(match rest.split('`').next()? {
        "Reader" => (Role::Reader, Role::None),
        "Auditor" => (Role::Auditor, Role::Reader),
        "Operator" => (Role::Operator, Role::Reader),
        "Admin" => (Role::Admin, Role::Operator),
        _ => return None,
    })
}

pub fn needs_its_role(case: &'static Case) -> Result<(), Failed> {
    block(async {
        let name = case.name;
        let host = start(case, &[]).await;
        let page = host.action_schema(name).description;
        let (needed, low) = named(&page).unwrap_or_else(|| panic!("{name} names no role: {page}"));
        let config = host.action_config(name, &(case.config)(&host));
        let work_as = async |role: Role, account: &str| {
            let key = host.sim.mint(account, role, Duration::from_hours(1)).unwrap();
            host.reconfigure(&[("service_account_key", key.into())]).await;
        };
        work_as(low, "low").await;
        let said = host.invoke(name, &config).await.result().expect_err("the role is too low");
        assert!(said.contains("denied access"), "{name} as {low:?}: {said}");
        work_as(needed, "needed").await;
        let lines = host.invoke(name, &config).await.result().unwrap_or_else(|said| panic!("{name}: {said}"));
        assert!(lines.iter().any(|line| line.contains(case.tells)), "{name} as {needed:?}: {lines:#?}");
        host.sim.settle().unwrap();
        assert_eq!((case.done)(&host), 1, "{name}");
    })
}
