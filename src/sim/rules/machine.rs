//! Rules for what users attach to a machine: kernel arguments, and requests to give up on it.

use super::Change;
use crate::pb::specs::KernelArgsSpec;
use crate::sim::names::kind;
use crate::sim::object::View;

const MAX_ARGS: usize = 64;
const MAX_ARG: usize = 256;

/// The problems with a list of kernel arguments.
pub(super) fn kernel_args(change: Change<'_>) -> Vec<String> {
    let (Change::Create(new) | Change::Update(_, new)) = change else { return Vec::new() };
    arguments(&new.spec::<KernelArgsSpec>().args)
}

/// The problems with kernel arguments, wherever they are listed.
pub(super) fn arguments(args: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    if args.len() > MAX_ARGS {
        found.push(format!("kernel args list has {} entries, exceeds maximum of {MAX_ARGS}", args.len()));
    }
    for (at, arg) in args.iter().enumerate() {
        super::text(&mut found, &format!("kernel arg (entry {at})"), arg, MAX_ARG);
    }
    found
}

/// The problems with a request to give up on a machine.
pub(super) fn force_destroy(view: &dyn View, change: Change<'_>) -> Vec<String> {
    match change {
        Change::Create(new) if view.get(kind::CLUSTER_MACHINE, &new.key.id).is_none() => vec![format!(
            "cannot create/update a NodeForceDestroyRequest for node {:?}, as there is no matching cluster machine",
            new.key.id
        )],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, object};
    use super::*;
    use crate::pb::specs::{ClusterMachineSpec, NodeForceDestroyRequestSpec};

    #[test]
    fn kernel_arguments() {
        for (args, expected) in [
            (vec!["console=ttyS0".to_owned(); 64], vec![]),
            (vec![String::new(); 65], vec!["kernel args list has 65 entries, exceeds maximum of 64"]),
            (vec!["x".repeat(257)], vec!["kernel arg (entry 0) is too long: 257 bytes (max 256)"]),
            (vec!["a".into(), "b\nc".into()], vec!["kernel arg (entry 1) must not contain control characters"]),
        ] {
            let new = object(kind::KERNEL_ARGS, "m", &KernelArgsSpec { args });
            assert_eq!(kernel_args(Change::Create(&new)), expected);
        }
    }

    #[test]
    fn giving_up_needs_a_member() {
        let request = object(kind::NODE_FORCE_DESTROY_REQUEST, "m", &NodeForceDestroyRequestSpec {});
        assert_eq!(
            force_destroy(&Fixture::default(), Change::Create(&request)),
            ["cannot create/update a NodeForceDestroyRequest for node \"m\", as there is no matching cluster machine"]
        );
        let member = object(kind::CLUSTER_MACHINE, "m", &ClusterMachineSpec::default());
        assert_eq!(force_destroy(&Fixture::default().with(member), Change::Create(&request)), [""; 0]);
    }
}
