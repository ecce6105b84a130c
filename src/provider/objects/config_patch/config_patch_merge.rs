//! `config_patch_merge`: merges config patches into one.

use crate::omni::patch;
use crate::provider::functions::{Pure, texts};
use crate::tf::function::{FunctionError, Parameter, Signature};
use crate::tf::value::{Type, Value};

pub(super) fn function() -> Pure {
    Pure {
        name: "config_patch_merge",
        signature: Signature {
            summary: "Merges config patches into one.",
            description: "Merges config patches into one patch that has the same effect on any machine configuration as the patches in order, by the merge rules of Talos 1.14. \
                          The result is YAML in which every scalar is kept as written, such as `0022`, `1.10` and `True`. \
                          If no single patch has the same effect, the function fails with the reason; use separate `omni_config_patch` resources then.\n\n\
                          ## How Talos merges\n\n\
                          - Documents with the same `apiVersion`, `kind` and `name` are merged: maps by key and objects by field; lists are appended, including duplicates.\n\
                          - Empty strings, zero and null do not overwrite: `image: \"\"`, `mtu: 0` and `interval: 0s` change nothing, and neither do enum values that are zero internally, such as `ingress: accept` of `NetworkDefaultActionConfig` over `block`, or `provider: none` over `luks2`. `false` overwrites, and so does zero in optional fields, such as `mtu` of KubeSpan.\n\
                          - Some lists are replaced instead of appended, also by `[]`: `podSubnets` and `serviceSubnets`, `ports` and `ingress` of `NetworkRuleConfig`, `advertise`, `importRoutes` and `neighbors` of `BGPInstanceConfig`. So are `auditPolicy`, the `configuration` of `KubeAuditPolicyConfig`, `KubeAuthenticationConfig` and `KubeCredentialProviderConfig`, `overrides` of `CRIBaseRuntimeSpecConfig`, and `pod` of `KubeStaticPodConfig`.\n\
                          - `extraArgs` merge by key, and the value of a key is replaced, whether it is a string or a list.\n\
                          - Network interfaces merge by `interface`, otherwise by an equal `deviceSelector` (never if it has `physical`), VLANs by `vlanId`, admission plugins by `name`, files of extension services by `mountPath`. A rule of `ImageVerificationConfig` replaces the one of the same `image`.\n\
                          - `minSize`, `minAllocationGroupSize`, and expressions such as `match` of a `diskSelector` are cleared by a later patch of the same document that does not set them. A `maxSize` in percent never overwrites one in bytes.\n\
                          - URLs merge part by part: `https://b` over `https://a:1/p?q=1` is `https://b/p?q=1`.\n\
                          - In maps of arbitrary values, such as `extraConfig`, types must match: `1` and `500m`, or `1` and `1.5`, cannot be merged.\n\
                          - `$patch: delete` is applied before the other fields of the same patch. It fails if the configuration does not contain what it deletes, except for a field of an existing object or a whole document. \
                          Therefore a field that an earlier patch sets and a later one deletes can be merged only in some places. A field that is deleted and set again results in two documents.\n\n\
                          Fields that Talos 1.14 does not have are merged by their YAML type, except lists that several patches set.",
            parameters: vec![Parameter::new(
                "patches",
                Type::list(Type::String),
                "Patches, in YAML, in the order in which they apply. Empty ones are ignored.",
            )],
            variadic: None,
            returns: Type::String,
        },
        call,
    }
}

fn call(arguments: &[Value]) -> Result<Value, FunctionError> {
    patch::merge(&texts(arguments, 0))
        .map(Value::from)
        .map_err(|error| FunctionError::at(0, format!("The patches cannot be merged: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_is_yaml_of_all_documents() {
        let other = "machine: {b: 0022}\n---\napiVersion: v1alpha1\nkind: OOMConfig";
        let patches = Value::List(vec!["machine: {a: 1}".into(), "".into(), "# c\n".into(), other.into()]);
        let expected = "machine:\n  a: 1\n  b: 0022\n---\napiVersion: v1alpha1\nkind: OOMConfig\n";
        assert_eq!(call(&[patches]), Ok(expected.into()));
        assert_eq!(call(&[Value::List(Vec::new())]), Ok("".into()));
        assert_eq!(call(&[Value::List(vec!["{".into()])]).unwrap_err().argument(), Some(0));
    }
}
