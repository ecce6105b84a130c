//! Keys of accounts: in the state when they are wanted there, and nowhere at all when they are not.
//! Nobody can know the key that is thrown away, so what every private key begins with is looked for.

use crate::leaks::Scan;
use crate::omni::Omni;
use crate::workspace::Workspace;
use crate::{Context, Outcome, tests};
use std::collections::BTreeSet;

tests![a_key_that_is_not_wanted_is_nowhere, a_key_that_is_wanted_is_in_the_state_alone];

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
