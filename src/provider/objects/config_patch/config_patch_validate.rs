//! `config_patch_validate`: validates a config patch without a server.

use crate::omni::patch;
use crate::omni::patch::Release;
use crate::provider::functions::{Pure, text};
use crate::tf::function::{FunctionError, Parameter, Signature};
use crate::tf::value::{Type, Value};
use kit::text::quoted;
use kit::version;

pub(super) fn function() -> Pure {
    Pure {
        name: "config_patch_validate",
        signature: Signature {
            summary: "Validates a config patch without a server.",
            description: "Validates a config patch without a server. Returns `true`, or fails with the reason; use `can` in a condition.\n\n\
                          It checks that the patch is YAML and not too large; that it is a strategic merge patch and not a JSON patch; that each document is a mapping, and either the machine configuration or has a `kind` and the `apiVersion` `v1alpha1`; \
                          that no document occurs twice, and at least one sets or deletes something; that `$patch` has the value `delete`, in a place where something can be deleted; and that no field is set or deleted that Omni controls.\n\n\
                          It does not check the names of fields and kinds, or the types and values of fields: these depend on the version of Talos, so that `machine: {foo: 1}` is valid here. \
                          Omni checks them when an `omni_config_patch` is planned, by the release of Talos that the server is built with.\n\n\
                          The rules are those of the newest release of Omni, or of `omni_version`: \
                          Omni controls `machine.install.disk` since 1.11; `cluster.ca`, `cluster.serviceAccount`, and the kinds `UnattendedInstallConfig`, `DiscoveryIdentityConfig`, `KubeClusterConfig`, `KubeEtcdEncryptionConfig`, `KubeAPIServerCAConfig` and `KubeAggregatorCAConfig` since 1.10; \
                          before 1.10, Omni checks only the first document of a patch.",
            parameters: vec![Parameter::new("patch", Type::String, "The patch, in YAML.")],
            variadic: Some(
                Parameter::new(
                    "omni_version",
                    Type::String,
                    "Release of Omni whose rules apply, such as `1.10` or `version` of the data source `omni_version`. At most one value; the newest release if omitted or null.",
                )
                .nullable(),
            ),
            returns: Type::Bool,
        },
        call,
    }
}

fn call(arguments: &[Value]) -> Result<Value, FunctionError> {
    if arguments.len() > 2 {
        return Err(FunctionError::at(2, "Only one release of Omni can be set. Call the function once for each."));
    }
    let release = match text(arguments, 1) {
        "" => Release::NEWEST,
        written => release(written).ok_or_else(|| {
            let shown = quoted(written);
            FunctionError::at(1, format!("{shown} is not a version of Omni: write it like `1.10` or `v1.10.4`."))
        })?,
    };
    match patch::check(text(arguments, 0), release) {
        Ok(()) => Ok(true.into()),
        Err(error) if error.is_limit() => Err(FunctionError::at(0, format!("This patch cannot be checked: {error}"))),
        Err(error) => Err(FunctionError::at(0, format!("Omni would refuse this patch: {error}"))),
    }
}

/// The rules of a release that is written with two numbers or three.
fn release(written: &str) -> Option<Release> {
    let plain = version::strip_v(written);
    let parsed = version::parse(plain).or_else(|_| version::parse(&format!("{plain}.0"))).ok()?;
    Some(Release::of(parsed.major, parsed.minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_patch_is_blamed_on_the_argument() {
        assert_eq!(call(&["machine: {}".into()]), Ok(true.into()));
        let error = call(&["machine: {token: x}".into()]).unwrap_err();
        assert_eq!((error.argument(), error.text().contains("`machine.token`")), (Some(0), true), "{}", error.text());
    }

    #[test]
    fn a_limit_of_the_provider_is_no_refusal_of_omni() {
        let deep = format!("machine: {}{}", "[".repeat(100), "]".repeat(100));
        let error = call(&[deep.into()]).unwrap_err();
        assert!(error.text().starts_with("This patch cannot be checked: "), "{}", error.text());
        assert!(error.text().contains("nested too deeply for the provider: line 1"), "{}", error.text());
        assert!(error.text().contains("deeper than 100 levels"), "{}", error.text());
    }

    #[test]
    fn the_release_may_be_given() {
        let disk = "machine: {install: {disk: /dev/sda}}";
        for (version, good) in [
            (Value::Null, false),
            ("".into(), false),
            ("1.11".into(), false),
            ("v1.11.0-beta.0".into(), false),
            ("2.0.0".into(), false),
            ("1.10".into(), true),
            ("v1.10.4".into(), true),
            ("1.6.6".into(), true),
        ] {
            assert_eq!(call(&[disk.into(), version.clone()]).is_ok(), good, "{version:?}");
        }
        assert_eq!(call(&[disk.into(), "newest".into()]).unwrap_err().argument(), Some(1));
        assert_eq!(call(&[disk.into(), "1.10".into(), "1.11".into()]).unwrap_err().argument(), Some(2));
    }
}
