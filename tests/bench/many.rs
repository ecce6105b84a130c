//! Many objects at once: what a plan, an apply and a refresh of them take, and how often they ask the server.

use crate::host::Host;
use crate::load::{Configured, DELAYS, Load, Stored, World, timed};
use crate::process::milliseconds;
use crate::report::line;
use anyhow::Result;
use std::time::Duration;
use terraform_provider_omni::tf::value::Value;

pub const PATCH: &str = "omni_config_patch";
const PATCHES: [usize; 3] = [100, 1_000, 10_000];
const CLUSTERS: usize = 300;
const USERS: usize = 500;

pub async fn patches() -> Result<()> {
    for delay in DELAYS {
        for count in PATCHES {
            report(&format!("{count} patches"), || (0..count).map(patch).collect(), 1, delay).await?;
        }
    }
    Ok(())
}

pub async fn clusters() -> Result<()> {
    for delay in DELAYS {
        let what = format!("{CLUSTERS} clusters, each with a control plane of one node");
        report(&what, || clusters_with_nodes(CLUSTERS), CLUSTERS, delay).await?;
    }
    Ok(())
}

pub async fn users() -> Result<()> {
    for delay in DELAYS {
        report(&format!("{USERS} users"), || (0..USERS).map(user).collect(), 0, delay).await?;
    }
    Ok(())
}

async fn report(what: &str, configured: impl Fn() -> Vec<Configured>, machines: usize, delay: Duration) -> Result<()> {
    let host = Host::new()?;
    let world = World::start(machines, delay).await?;
    let provider = host.start()?;
    let load = Load::new(host.connect(&provider).await?, configured())?;
    load.configure(&world).await?;
    line(&format!("{what}, server delay {} ms; configured with {}", delay.as_millis(), world.counted().1))?;
    let (planned, took) = timed(load.plan()).await?;
    line(&format!("  plan:    {:>12}  {}", milliseconds(took), world.counted().1))?;
    // An apply is another run of the provider, which knows nothing of what this one has planned; so is a refresh.
    drop(provider);
    let provider = host.start()?;
    let load = load.moved_to(host.connect(&provider).await?);
    load.configure(&world).await?;
    world.sim.forget_requests();
    let (states, took) = timed(load.apply(planned)).await?;
    line(&format!("  apply:   {:>12}  {}", milliseconds(took), world.counted().1))?;
    drop(provider);
    let provider = host.start()?;
    let load = load.moved_to(host.connect(&provider).await?);
    load.configure(&world).await?;
    world.sim.forget_requests();
    let states = states.into_iter().map(Stored::in_file).collect::<Result<_>>()?;
    let (_, took) = timed(load.refresh(states)).await?;
    line(&format!("  refresh: {:>12}  {}", milliseconds(took), world.counted().1))?;
    world.sim.stop().await;
    Ok(())
}

/// The configuration of patch `number`.
pub fn patch(number: usize) -> Configured {
    let none = Value::Null;
    let selector = [("machine_set", none.clone()), ("cluster_machine", none), ("machine", machine(1).into())];
    let attributes = vec![
        ("name", format!("patch-{number:05}").into()),
        ("data", patch_data(number).into()),
        ("selector", Value::object(selector)),
    ];
    Configured { type_name: PATCH, attributes }
}

/// The text of patch `number`.
pub fn patch_data(number: usize) -> String {
    format!("machine:\n  sysctls:\n    net.core.somaxconn: \"{}\"\n", 1024 + number)
}

/// The ID of machine `number` of a simulator, counted from 1.
pub fn machine(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn user(number: usize) -> Configured {
    let attributes = vec![("email", format!("person-{number}@example.org").into()), ("role", "Reader".into())];
    Configured { type_name: "omni_user", attributes }
}

/// By type, so that each finds what it refers to.
fn clusters_with_nodes(count: usize) -> Vec<Configured> {
    let name = |number: usize| Value::from(format!("cluster-{number:03}"));
    let clusters = (0..count).map(|number| Configured {
        type_name: "omni_cluster",
        attributes: vec![
            ("name", name(number)),
            ("kubernetes_version", "1.36.2".into()),
            ("talos_version", "1.13.5".into()),
        ],
    });
    let sets = (0..count).map(|number| Configured {
        type_name: "omni_machine_set",
        attributes: vec![("cluster", name(number)), ("role", "controlplane".into())],
    });
    let nodes = (0..count).map(|number| Configured {
        type_name: "omni_machine_set_node",
        attributes: vec![
            ("cluster", name(number)),
            ("machine_set", format!("cluster-{number:03}-control-planes").into()),
            ("machine_id", machine(number + 1).into()),
        ],
    });
    clusters.chain(sets).chain(nodes).collect()
}
