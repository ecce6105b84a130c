//! Actions of accounts whose only rights are those of an access policy.

use super::cases::CASES;
use super::{SharedRule, start};
use crate::defects::made;
use crate::lifecycle::block;
use crate::policy::{JANE, grant};
use libtest_mimic::Failed;
use serde_json::json;

pub const ALL: [(&str, SharedRule); 1] =
    [("an_access_policy_is_enough_to_give_a_machine_up", an_access_policy_is_enough_to_give_a_machine_up)];

/// The configuration names no cluster, without which Omni denies the watch of an object to such an account.
fn an_access_policy_is_enough_to_give_a_machine_up() -> Result<(), Failed> {
    block(async {
        let case = CASES.iter().find(|case| case.name == "omni_node_force_destroy").unwrap();
        let host = start(case, &[]).await;
        made(&host, "omni_user", &json!({ "email": JANE, "role": "None" })).await;
        grant(&host, "c", "Operator");
        host.work_as(JANE).await;
        let config = host.action_config(case.name, &(case.config)(&host));
        let lines = host.invoke(case.name, &config).await.result().unwrap_or_else(|said| panic!("{said}"));
        assert!(lines.iter().any(|line| line.contains(case.tells)), "{lines:?}");
        assert_eq!((case.done)(&host), 1);
    })
}
