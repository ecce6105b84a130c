//! `config_patch_merge`: one config patch out of several.

use super::patch;
use crate::provider::functions::{Pure, texts};
use crate::tf::function::{FunctionError, Parameter, Signature};
use crate::tf::value::{Type, Value};

pub(super) fn function() -> Pure {
    Pure {
        name: "config_patch_merge",
        signature: Signature {
            summary: "Merges config patches into one.",
            description: "Merges config patches into one that does on any machine configuration what they do one after the other, by the rules of Talos 1.14. \
                          The result is YAML with every text as it was written: `0022`, `1.10` and `True` stay what they are. \
                          Where no single patch does the same, the function fails and says why; keep such patches as `omni_config_patch` resources of their own.\n\n\
                          ## How Talos merges\n\n\
                          - Documents are one when apiVersion, kind and name are. Maps merge by key, objects by field, and lists grow, duplicates included.\n\
                          - Empty text, zero and null do not overwrite: `image: \"\"`, `mtu: 0`, `interval: 0s` change nothing, and neither do words that are zero inside, such as `ingress: accept` of `NetworkDefaultActionConfig` over `block`, or `provider: none` over `luks2`. `false` overwrites, and so does zero in fields that can be absent, such as `mtu` of KubeSpan.\n\
                          - Some lists are replaced and not added to, also by `[]`: `podSubnets` and `serviceSubnets`, `ports` and `ingress` of `NetworkRuleConfig`, `advertise`, `importRoutes` and `neighbors` of `BGPInstanceConfig`. So are `auditPolicy`, the `configuration` of `KubeAuditPolicyConfig`, `KubeAuthenticationConfig` and `KubeCredentialProviderConfig`, `overrides` of `CRIBaseRuntimeSpecConfig`, and `pod` of `KubeStaticPodConfig`.\n\
                          - `extraArgs` merge by key, and the value of a key is replaced, whether it is a text or a list.\n\
                          - Network interfaces merge by `interface`, else by an equal `deviceSelector` (never if it has `physical`), VLANs by `vlanId`, admission plugins by `name`, files of extension services by `mountPath`. A rule of `ImageVerificationConfig` replaces the one of the same `image`.\n\
                          - `minSize`, `minAllocationGroupSize`, and expressions such as `match` of a `diskSelector` are emptied by a later patch of the same document that leaves them out. A `maxSize` in percent never overwrites one in bytes.\n\
                          - URLs merge part by part: `https://b` over `https://a:1/p?q=1` is `https://b/p?q=1`.\n\
                          - In maps of anything, such as `extraConfig`, types have to agree: `1` and `500m`, or `1` and `1.5`, cannot be merged.\n\
                          - `$patch: delete` acts before anything that the same patch sets, and fails on a configuration that lacks what it takes away, unless that is a field of an object that is there, or a whole document. \
                          What an earlier patch sets and a later one deletes can therefore be merged in some places only. What is deleted and set again becomes two documents.\n\n\
                          Fields that Talos 1.14 does not have are merged by their form, except lists that more than one patch gives.",
            parameters: vec![Parameter::new(
                "patches",
                Type::list(Type::String),
                "The patches, in YAML, in the order in which they apply. Empty ones are passed over.",
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
