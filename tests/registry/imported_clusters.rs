//! Secrets of clusters that were made without Omni: they go in once, before the cluster is there, and never come out.

use crate::fixture::{self, merged};
use crate::host::{Host, errors};
use crate::lifecycle::block;
use libtest_mimic::{Failed, Trial};
use omni_proto::specs::{ClusterStatusSpec, ImportedClusterSecretsSpec};
use omni_sim::Options;
use omni_sim::driver::Mode;
use serde_json::{Value as Json, json};
use std::time::Duration;

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("a_cluster_takes_them", a_cluster_takes_them),
        ("a_destroy_removes_them", a_destroy_removes_them),
        ("a_cluster_that_is_there_is_told", a_cluster_that_is_there_is_told),
        ("a_replacement_is_refused_while_its_cluster_is_there", a_replacement_is_refused_while_its_cluster_is_there),
        ("secrets_that_are_there_are_told", secrets_that_are_there_are_told),
        ("a_lost_answer_leaves_nothing_behind", a_lost_answer_leaves_nothing_behind),
        ("an_instance_may_allow_no_imports", an_instance_may_allow_no_imports),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("imported_clusters::{name}"), test)).collect()
}

const IMPORTED: &str = "omni_imported_cluster";
const SECRETS: &str = "ImportedClusterSecrets";

fn config() -> Json {
    merged(&fixture::load(IMPORTED).create, &json!({ "cluster": "demo" }))
}

async fn import(host: &Host) -> crate::host::Instance {
    let made = host.apply(IMPORTED, None, &host.config(IMPORTED, &config())).await;
    made.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)))
}

fn a_cluster_takes_them() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let made = import(&host).await;
        let stored: ImportedClusterSecretsSpec = host.object(SECRETS, "demo").unwrap().spec();
        assert!(stored.data.starts_with("cluster:"), "{}", stored.data.len());
        let cluster = crate::defects::made(&host, "omni_cluster", &crate::defects::cluster()).await;
        host.sim.settle().expect("at rest");
        let status = host.object("ClusterStatuses", "demo").unwrap();
        assert!(
            status.label("omni.sidero.dev/tainted-by-importing").is_some(),
            "{:?}",
            status.spec::<ClusterStatusSpec>()
        );
        // Everything goes again, in the order of a host.
        host.next_run().await;
        host.destroy("omni_cluster", &cluster).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(host.object(SECRETS, "demo").is_none());
        host.destroy(IMPORTED, &made).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
    })
}

fn a_destroy_removes_them() -> Result<(), Failed> {
    for release in ["1.5", "1.8", "1.11"] {
        block(async {
            let mode = Mode::Auto { tick: Duration::from_millis(5) };
            let options = Options { mode, release: release.parse().expect(release), ..Options::default() };
            let host = Host::with(options, &[]).await;
            let made = import(&host).await;
            assert!(host.object(SECRETS, "demo").is_some(), "{release}");
            host.destroy(IMPORTED, &made).await.unwrap_or_else(|d| panic!("{release}: {:?}", errors(&d)));
            assert!(host.object(SECRETS, "demo").is_none(), "{release}");
        })?;
    }
    Ok(())
}

fn a_cluster_that_is_there_is_told() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        crate::defects::made(&host, "omni_cluster", &crate::defects::cluster()).await;
        host.next_run().await;
        let config = host.config(IMPORTED, &config());
        let plan = host.plan(IMPORTED, None, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(plan.warnings.iter().any(|w| w.contains("Cluster `demo` already exists")), "{:?}", plan.warnings);
        let said = host.apply_plan(IMPORTED, None, &config, plan).await.expect_err("the cluster is there").0;
        let said = errors(&said).join("\n");
        assert!(said.starts_with("cluster: ") && said.contains("before the cluster is created"), "{said}");
    })
}

fn a_replacement_is_refused_while_its_cluster_is_there() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let made = import(&host).await;
        let other = merged(&config(), &fixture::load(IMPORTED).replaces[1].set);
        let other = host.config(IMPORTED, &other);
        // Until the cluster takes them, other secrets may take their place.
        host.next_run().await;
        let plan = host.plan(IMPORTED, Some(&made), &other).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!((plan.replace.len(), plan.warnings.len()), (1, 0), "{plan:?}");

        let cluster = crate::defects::made(&host, "omni_cluster", &crate::defects::cluster()).await;
        host.next_run().await;
        let said = errors(&host.plan(IMPORTED, Some(&made), &other).await.expect_err("it would only lose its secrets"));
        let told = said[0].starts_with("cluster: ") && said[0].contains("Cluster `demo` already exists");
        assert!(told && said.len() == 1, "{said:#?}");
        assert!(host.object(SECRETS, "demo").is_some());

        // Where this run destroys the cluster first, nothing stands in the way.
        host.next_run().await;
        host.plan_destroy("omni_cluster", &cluster).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        host.plan(IMPORTED, Some(&made), &other).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
    })
}

fn secrets_that_are_there_are_told() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        import(&host).await;
        let again = host.apply(IMPORTED, None, &host.config(IMPORTED, &config())).await;
        let said = errors(&again.expect_err("they are there").0).join("\n");
        assert!(said.contains("Omni already has secrets for the cluster `demo`"), "{said}");
        assert!(host.object(SECRETS, "demo").is_some(), "they are somebody's");
    })
}

fn a_lost_answer_leaves_nothing_behind() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        host.sim.faults().add("Create of ImportedClusterSecrets lose".parse().unwrap());
        let lost = host.apply(IMPORTED, None, &host.config(IMPORTED, &config())).await;
        if let Err((said, _)) = lost {
            let said = errors(&said).join("\n");
            assert!(host.object(SECRETS, "demo").is_none(), "{said}");
            import(&host).await;
        }
        assert!(host.object(SECRETS, "demo").is_some());
    })
}

fn an_instance_may_allow_no_imports() -> Result<(), Failed> {
    block(async {
        let world = Some("instance: {cluster_import: false}".parse().expect("a world"));
        let mode = Mode::Auto { tick: Duration::from_millis(5) };
        let host = Host::with(Options { mode, world, machines: 0, ..Options::default() }, &[]).await;
        let refused = host.apply(IMPORTED, None, &host.config(IMPORTED, &config())).await;
        let said = errors(&refused.expect_err("it is switched off").0).join("\n");
        assert!(said.contains("cluster import feature is not enabled") && said.contains("operator"), "{said}");
    })
}
