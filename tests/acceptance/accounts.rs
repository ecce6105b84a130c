//! Keys of accounts: in the state when they are wanted there, and nowhere at all when they are not.
//! Nobody can know the key that is thrown away, so what every private key begins with is looked for.

use crate::leaks::Scan;
use crate::omni::Omni;
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use omni_sim::accounts;
use std::collections::BTreeSet;

tests![
    a_key_that_is_not_wanted_is_nowhere,
    a_key_that_is_wanted_is_in_the_state_alone,
    an_account_that_omni_never_lists_lives_its_whole_life,
];

const MARK: (&str, &str) = ("a private key", "-----BEGIN PGP PRIVATE KEY BLOCK-----");

fn configuration(store_key: bool, trigger: u8) -> String {
    format!(
        r#"
resource "omni_service_account" "ci" {{
  name          = "ci"
  role          = "Reader"
  ttl           = "24h"
  renew_trigger = "{trigger}"
  store_key     = {store_key}
}}

resource "omni_infra_provider" "aws" {{
  name          = "aws"
  ttl           = "24h"
  renew_trigger = "{trigger}"
  store_key     = {store_key}
}}
"#
    )
}

fn a_key_that_is_not_wanted_is_nowhere(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let others = omni.ids("PublicKeys").len();
    let mut scan = Scan::of([MARK])?;
    let workspace = scan.listen(Workspace::of(context, &omni)?);
    for trigger in [1, 2] {
        workspace.write("main.tf", &configuration(false, trigger))?;
        scan.make(&workspace)?;
        assert_eq!(omni.ids("PublicKeys").len(), others + 2 * usize::from(trigger), "keys were made all the same");
    }
    scan.destroy(&workspace)?;
    assert_eq!(omni.ids("PublicKeys").len(), others);
    scan.expect_nothing(&workspace)
}

fn a_key_that_is_wanted_is_in_the_state_alone(context: &Context) -> Outcome {
    let omni = Omni::start()?;
    let mut scan = Scan::of([MARK])?;
    let workspace = scan.listen(Workspace::of(context, &omni)?);
    workspace.write("main.tf", &configuration(true, 1))?;
    scan.make(&workspace)?;
    let found = scan.found(&workspace)?;
    let places: BTreeSet<_> = found.iter().filter_map(|line| line.split(" holds ").next()).collect();
    assert_eq!(places, BTreeSet::from(["terraform.tfstate"]));
    Ok(())
}

fn an_account_that_omni_never_lists_lives_its_whole_life(context: &Context) -> Outcome {
    const ADDRESS: &str = "omni_infra_provider.aws";
    let omni = Omni::start()?;
    let others = omni.ids("PublicKeys").len();
    let workspace = Workspace::of(context, &omni)?;
    let main = |rest: &str| format!("resource \"omni_infra_provider\" \"aws\" {{\n  name = \"aws\"\n{rest}}}\n");
    workspace.write("main.tf", &main(""))?;
    workspace.apply()?;
    let first = workspace.values(ADDRESS)?;
    workspace.plan()?.must_be_empty()?;
    for trigger in ["  renew_trigger = 1\n", "  ttl = \"24h\"\n"] {
        workspace.write("main.tf", &main(trigger))?;
        workspace.apply()?;
        workspace.plan()?.must_be_empty()?;
    }
    assert_eq!(omni.ids("PublicKeys").len(), others + 3);
    workspace.run(["taint", ADDRESS])?.success()?;
    workspace.run(["untaint", ADDRESS])?.success()?;
    workspace.plan()?.must_be_empty()?;
    workspace.run(["taint", ADDRESS])?.success()?;
    workspace.apply()?;
    workspace.plan()?.must_be_empty()?;
    assert_ne!(workspace.values(ADDRESS)?["public_key_id"], first["public_key_id"]);
    assert_eq!(omni.ids("PublicKeys").len(), others + 1, "a new account has one key");

    workspace.run(["state", "rm", ADDRESS])?.success()?;
    workspace.write("main.tf", &main(""))?;
    workspace.import(ADDRESS, "aws")?;
    workspace.plan()?.must_be_empty()?;
    // Somebody removes the account, and leaves the infrastructure provider.
    accounts::remove(omni.store(), "aws@infra-provider.serviceaccount.omni.sidero.dev");
    workspace.apply()?;
    workspace.plan()?.must_be_empty()?;
    assert!(workspace.values(ADDRESS)?["key"].is_string());
    workspace.destroy()?;
    assert_eq!(omni.ids("PublicKeys").len(), others);
    Ok(())
}
