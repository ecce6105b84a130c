//! What an infrastructure provider is asked to create, as machine classes and machine request sets say it.

use crate::omni::spec::fields::Field;
use crate::omni::{ErrorKind, labels};
use crate::provider::engine::{Bind, Codec, Cx, Failure, Row, message};
use crate::provider::view;
use crate::provider::view::Presence;
use crate::tf::check::{Check, not_empty, whole_between};
use crate::tf::diag::Diagnostic;
use crate::tf::path::Path;
use crate::tf::resource::Plan;
use crate::tf::schema::{Attribute, boolean, number, objects, plain, string};
use crate::tf::value::Type;
use kit::text::quoted;
use omni_proto::specs::InfraProviderStatusSpec;

/// The most kernel arguments, and the most bytes of one, that Omni takes.
const MOST_ARGS: usize = 64;
const LONGEST_ARG: usize = 256;

/// Whether to tunnel: null leaves it to the instance.
pub(crate) const TUNNEL: Codec = Codec::Own {
    write: |value| Some(Field::EnumNumber(value.as_bool().map_or(0, |on| if on { 1 } else { 2 }))),
    read: |field, _| match field.and_then(Field::as_enum_number) {
        Some(1) => true.into(),
        Some(2) => false.into(),
        _ => crate::tf::value::Value::Null,
    },
};

/// The rows of what is asked for, with the paths of the fields in this order.
pub(crate) fn rows(paths: [&'static str; 5]) -> [Row; 5] {
    let [provider, data, args, meta, tunnel] = paths;
    [
        string("provider_id").required().check(not_empty()).doc("ID of the infrastructure provider, such as the `name` of an `omni_infra_provider`.").field(provider),
        string("provider_data").document().doc("Settings of the machines, in YAML, in the form that the schema of the infrastructure provider requires (`schema` of the data source `omni_infra_provider`). They are checked at plan time.").optional_field(data),
        plain("kernel_args", Type::list(Type::String)).or_nothing().check(are_kernel_args()).doc("Kernel arguments of the machines, in this order.").field(args),
        objects("meta_values", vec![
            number("key").required().check(whole_between(0, 255)).doc("Key in the META partition of Talos, from 0 to 255."),
            string("value").required().doc("Value."),
        ]).or_nothing().doc("Values in the META partition of the machines.").field(meta),
        boolean("grpc_tunnel").doc("Whether the machines tunnel their SideroLink connection through gRPC. Unset leaves it to the instance.").coded(tunnel, TUNNEL),
    ]
}

/// They all fit into what Omni takes.
pub(crate) fn are_kernel_args() -> Check {
    Check::by(|value| {
        let args = value.elements();
        if args.len() > MOST_ARGS {
            return Err(format!("{} kernel arguments are too many: Omni takes at most {MOST_ARGS}.", args.len()));
        }
        for arg in args.iter().filter_map(|arg| arg.as_str()) {
            if arg.len() > LONGEST_ARG {
                return Err(format!("{} has {} bytes, and Omni takes at most {LONGEST_ARG}.", quoted(arg), arg.len()));
            }
            if arg.chars().any(char::is_control) {
                return Err(format!("{} holds a control character, which Omni refuses.", quoted(arg)));
            }
        }
        Ok(())
    })
}

/// An object of them, in the message of the same name.
pub(crate) fn row(name: &'static str, finish: impl FnOnce(Attribute) -> Attribute) -> Row {
    let rows = rows([
        "auto_provision.provider_id",
        "auto_provision.provider_data",
        "auto_provision.kernel_args",
        "auto_provision.meta_values",
        "auto_provision.grpc_tunnel",
    ]);
    message(name, name, rows.into(), finish)
}

/// Holds what is asked for against the provider: it has to be there, and its schema has to fit.
pub(crate) async fn check(cx: &Cx, plan: &mut Plan<'_>, at: &str) -> Result<(), Failure> {
    let path = |name: &str| if at.is_empty() { Path::of(name) } else { Path::of(&format!("{at}.{name}")) };
    let given = |name: &str| path(name).lookup(&plan.planned).as_str().map(str::to_owned);
    let Some(provider) = given("provider_id") else { return Ok(()) };
    let status = match view::object::<InfraProviderStatusSpec>(cx, &provider).await? {
        Presence::Unreadable => return Ok(()),
        Presence::Exists(status) => status,
        Presence::Missing => {
            plan.diags.push(
                Diagnostic::warning(
                    format!("Infrastructure provider `{provider}` has not registered"),
                    "Omni refuses to have machines created by a provider whose process has never connected: the apply will fail unless it has by then.",
                )
                .hint("Start the provider with its service account key, or check the ID.")
                .at(path("provider_id")),
            );
            return Ok(());
        }
    };
    if status.label(labels::STATIC_INFRA_PROVIDER).is_some() {
        plan.diags.push(
            Diagnostic::error(
                format!("Infrastructure provider `{provider}` creates no machines"),
                "It is a static provider, which manages machines that exist already.",
            )
            .hint("Choose another provider, or select its machines by labels.")
            .at(path("provider_id")),
        );
        return Ok(());
    }
    // Omni takes no data for data without anything in them.
    let data = given("provider_data").filter(|data| !data.trim().is_empty()).unwrap_or_else(|| "{}".to_owned());
    if status.spec.schema.is_empty() || !path("provider_data").lookup(&plan.planned).is_wholly_known() {
        return Ok(());
    }
    match cx.client().validate_json_schema(&cx.call, &data, &status.spec.schema).await {
        Ok(problems) if problems.is_empty() => Ok(()),
        Ok(problems) => {
            plan.diags.push(
                Diagnostic::error(
                    "The provider data does not fit the schema of the provider",
                    format!("Provider `{provider}` does not take it: {}.", problems.join("; ")),
                )
                .hint("The attribute `schema` of the data source `omni_infra_provider` shows what the provider takes.")
                .at(path("provider_data")),
            );
            Ok(())
        }
        Err(error) if error.is(ErrorKind::Unimplemented) || error.is(ErrorKind::Denied) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
