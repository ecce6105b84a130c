//! Rules for objects of a machine: kernel arguments, and force-destroy requests.

use super::Change;
use crate::catalogue::Feature;
use crate::names::kind;
use crate::object::Reader;
use omni_proto::specs::KernelArgsSpec;

const MAX_ARGS: usize = 64;
const MAX_ARG: usize = 256;

/// The problems with a list of kernel arguments.
pub(super) fn kernel_args(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    let (Change::Create(new) | Change::Update(_, new)) = change else { return Vec::new() };
    arguments(view, "args", &new.spec::<KernelArgsSpec>().args).into_iter().collect()
}

/// The first problem with kernel arguments, wherever they are listed; `what` is how the list is called there.
pub(super) fn arguments(view: &dyn Reader, what: &str, args: &[String]) -> Option<String> {
    if !super::release(view).has(Feature::TextLimits) {
        return None;
    }
    if args.len() > MAX_ARGS {
        return Some(format!("{what} has too many entries: {} (max {MAX_ARGS})", args.len()));
    }
    let mut each = args.iter().enumerate();
    each.find_map(|(at, arg)| super::limited(&format!("{what}[{at}]"), arg, MAX_ARG))
}

/// The problems with a request to give up on a machine.
pub(super) fn force_destroy(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
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
    use omni_proto::specs::{ClusterMachineSpec, NodeForceDestroyRequestSpec};

    #[test]
    fn kernel_arguments() {
        for (args, expected) in [
            (vec!["console=ttyS0".to_owned(); 64], vec![]),
            (vec![String::new(); 65], vec!["args has too many entries: 65 (max 64)"]),
            (vec!["x".repeat(257)], vec!["args[0] is too long: 257 bytes (max 256)"]),
            (vec!["a".into(), "b\nc".into()], vec!["args[1] contains a control character"]),
        ] {
            let new = object(kind::KERNEL_ARGS, "m", &KernelArgsSpec { args });
            assert_eq!(kernel_args(&Fixture::default(), Change::Create(&new)), expected);
        }
    }

    #[test]
    fn giving_up_needs_a_member() {
        let request = object(kind::NODE_FORCE_DESTROY_REQUEST, "m", &NodeForceDestroyRequestSpec {});
        assert_eq!(
            force_destroy(&Fixture::default(), Change::Create(&request)),
            ["cannot create/update a NodeForceDestroyRequest for node \"m\", as there is no matching cluster machine"]
        );
        let cluster_machine = object(kind::CLUSTER_MACHINE, "m", &ClusterMachineSpec::default());
        assert_eq!(force_destroy(&Fixture::default().with(cluster_machine), Change::Create(&request)), [""; 0]);
    }
}
