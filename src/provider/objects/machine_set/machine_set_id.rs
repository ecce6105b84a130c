//! `machine_set_id`: the ID of a machine set.

use crate::provider::functions::{Pure, name_at, text};
use crate::provider::naming;
use crate::provider::naming::{CONTROL_PLANE, CONTROL_PLANES_NAME, WORKERS};
use crate::tf::function::{FunctionError, Parameter, Signature};
use crate::tf::value::{Type, Value};
use kit::text::{closest, quoted};

pub(super) fn function() -> Pure {
    Pure {
        name: "machine_set_id",
        signature: Signature {
            summary: "Builds the ID of a machine set.",
            description: "Builds the ID of a machine set: `<cluster>-control-planes`, `<cluster>-workers`, or `<cluster>-<name>`. \
                          Use it to refer to a machine set that another configuration manages. \
                          A set of this configuration has its `id`; the `name` of one that is not given a name is that ID already.",
            parameters: vec![
                Parameter::new("cluster", Type::String, "Name of the cluster."),
                Parameter::new("role", Type::String, "Role of the machine set: `controlplane` or `workers`."),
                Parameter::new(
                    "name",
                    Type::String,
                    "Name of a worker machine set; null for the default, `workers`, and for the control plane.",
                )
                .nullable(),
            ],
            variadic: None,
            returns: Type::String,
        },
        call,
    }
}

fn call(arguments: &[Value]) -> Result<Value, FunctionError> {
    let (cluster, role) = (name_at(arguments, 0, "name of the cluster")?, text(arguments, 1));
    let named = match text(arguments, 2) {
        "" => None,
        _ => Some(name_at(arguments, 2, "name")?),
    };
    match (role, named) {
        (CONTROL_PLANE, Some(name)) if name != CONTROL_PLANES_NAME => Err(FunctionError::at(
            2,
            "A cluster has one control plane machine set, whose name is fixed. Use null as its name.",
        )),
        (WORKERS, Some(CONTROL_PLANES_NAME)) => {
            Err(FunctionError::at(2, "This name is reserved for the control plane. Choose another one."))
        }
        (CONTROL_PLANE | WORKERS, _) => Ok(naming::machine_set(cluster, role, named).into()),
        _ => {
            let roles = match closest(role, &[CONTROL_PLANE, WORKERS]) {
                Some(word) => format!("`{word}`"),
                None => format!("`{CONTROL_PLANE}` or `{WORKERS}`"),
            };
            Err(FunctionError::at(1, format!("{} is not a role of a machine set. Use {roles}.", quoted(role))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_the_role_and_the_name() {
        for (cluster, role, name, expected) in [
            ("prod", "controlplane", None, Ok("prod-control-planes")),
            ("prod", "workers", None, Ok("prod-workers")),
            ("prod", "workers", Some("gpu"), Ok("prod-gpu")),
            ("prod", "controlplane", Some("gpu"), Err(2)),
            ("prod", "workers", Some("control-planes"), Err(2)),
            ("prod", "boss", None, Err(1)),
            ("", "workers", None, Err(0)),
            ("prod\u{200b}", "workers", None, Err(0)),
            ("prod", "workers", Some("g\u{202e}"), Err(2)),
        ] {
            let result = call(&[cluster.into(), role.into(), name.into()]);
            match expected {
                Ok(id) => assert_eq!(result, Ok(id.into()), "{cluster} {role} {name:?}"),
                Err(at) => assert_eq!(result.unwrap_err().argument(), Some(at), "{cluster} {role} {name:?}"),
            }
        }
    }
}
