//! A key that was registered a moment ago signs the next request, and older keys of the account go on.

use crate::omni::{admin, ask, block, call, client, fresh_key};
use libtest_mimic::{Failed, Trial};
use omni_sim::{Options, Sim};
use std::time::Duration;
use terraform_provider_omni::omni::{AccountRole, ErrorKind};

/// What lags are reads of objects; this is longer than a test takes.
const LAG: Duration = Duration::from_secs(3600);

pub fn trials() -> Vec<Trial> {
    [("at_once", Duration::ZERO), ("while_reads_lag", LAG)]
        .into_iter()
        .map(|(name, lag)| Trial::test(format!("renewal::{name}"), move || renewal(lag)))
        .collect()
}

fn renewal(lag: Duration) -> Result<(), Failed> {
    block(async {
        let sim = Sim::start(Options { lag, ..Options::stepped() }).await?;
        let admin = admin(&sim);
        let (first, second) = (fresh_key("ci"), fresh_key("ci"));
        let role = AccountRole::Named("Reader".to_owned());
        let id = admin.create_service_account(&call(), "ci", &first.armored_public, role).await?;
        assert_eq!(id, first.fingerprint);
        let (old, new) = (client(&sim, first.exported.clone()), client(&sim, second.exported.clone()));
        ask(&old).await?;
        let early = ask(&new).await.expect_err("it is not registered");
        assert!(early.is(ErrorKind::Unauthenticated), "{early}");

        let id = admin.renew_service_account(&call(), "ci", &second.armored_public).await?;
        assert_eq!(id, second.fingerprint);
        ask(&new).await?;
        ask(&old).await?;
        Ok(())
    })
}
