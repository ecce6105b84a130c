//! The list of functions, one line each. They are pure, without a server.

use crate::tf::function::{Function, FunctionError, Signature};
use crate::tf::value::Value;
use kit::text::is_unseen;

mod duration_normalize;
mod label_selector_matches;
mod resource_decode_multi;
mod resource_encode;
mod version_latest;
mod version_matches;

/// The functions that belong to no noun.
pub(super) const ALL: &[fn() -> Pure] = &[
    duration_normalize::function,
    label_selector_matches::function,
    resource_decode_multi::function,
    resource_encode::function,
    version_latest::function,
    version_matches::function,
];

/// A function that is a name, a signature, and what it does.
pub(super) struct Pure {
    pub(super) name: &'static str,
    pub(super) signature: Signature,
    pub(super) call: fn(&[Value]) -> Result<Value, FunctionError>,
}

impl Function for Pure {
    fn name(&self) -> &'static str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        (self.call)(arguments)
    }
}

/// The text at this place; empty when the argument is null.
pub(super) fn text(arguments: &[Value], index: usize) -> &str {
    arguments.get(index).and_then(Value::as_str).unwrap_or_default()
}

/// The name or ID at this place, which is part of an ID.
pub(super) fn name_at<'a>(arguments: &'a [Value], index: usize, what: &str) -> Result<&'a str, FunctionError> {
    let name = text(arguments, index);
    if name.is_empty() {
        return Err(FunctionError::at(index, format!("The {what} is empty.")));
    }
    match name.chars().find(|c| is_unseen(*c)) {
        Some(c) => Err(FunctionError::at(
            index,
            format!(
                "The {what} contains the character U+{:04X}, and must be one line without invisible characters.",
                u32::from(c)
            ),
        )),
        None => Ok(name),
    }
}

/// The texts of the list at this place.
pub(super) fn texts(arguments: &[Value], index: usize) -> Vec<&str> {
    arguments.get(index).map(Value::elements).unwrap_or_default().iter().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::session::Handle;
    use crate::provider::types::Types;
    use crate::tf::value::Type;
    use kit::text::ERROR_LIMIT;

    fn all() -> Vec<std::sync::Arc<dyn Function>> {
        Types::all(&Handle::default()).functions
    }

    #[test]
    fn signatures_are_complete() {
        for function in all() {
            let signature = function.signature();
            let named = signature.parameters.iter().chain(&signature.variadic);
            for text in [signature.summary, signature.description].into_iter().chain(named.map(|p| p.description)) {
                assert!(text.ends_with('.'), "{}: {text:?}", function.name());
            }
        }
    }

    /// Texts that no parameter is made for.
    fn texts_of_all_kinds() -> Vec<String> {
        let deep = |n: usize| format!("{}{}", "{a: ".repeat(n), "}".repeat(n));
        let mut bomb = "a0: &a0 [x, x, x, x]\n".to_owned();
        for i in 1..20 {
            bomb.push_str(&format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 10].join(", ")));
        }
        [
            "",
            " ",
            "x.",
            "1 day",
            "90",
            "1h30",
            "a in",
            "a = b, (",
            "[",
            "[1]",
            "- op: add\n  path: /machine\n  value: {}\n",
            "{}",
            "machine: {token: x}",
            "machine: {install: {disk: /dev/sda}}\n---\nmachine: {}",
            "kind: KubeClusterConfig",
            "$patch: delete",
            "machine: {kubelet: {$patch: replace}}",
            "current-context: a",
            "metadata: {}",
            "c2VjcmV0",
            "~> 1.13.0, x",
            "v1",
        ]
        .map(str::to_owned)
        .into_iter()
        .chain(["x".repeat(1 << 20), ".".repeat(10_000), "\u{1b}[31m".repeat(2000), deep(99), deep(101), bomb])
        .collect()
    }

    fn values_of(of: &Type) -> Vec<Value> {
        let texts = || texts_of_all_kinds().into_iter();
        match of {
            Type::Number => [-1_i64, 0, 1000].map(Value::from).to_vec(),
            Type::List(_) => texts().map(|text| Value::List(vec![text.clone().into(), text.into()])).collect(),
            Type::Map(_) => texts().map(|text| Value::Map([("a".to_owned(), text.into())].into())).collect(),
            _ => texts().map(Value::from).collect(),
        }
    }

    /// What a function is called with where another argument is the wrong one.
    fn good(of: &Type) -> Value {
        match of {
            Type::Number => 1_i64.into(),
            Type::List(_) => Value::List(vec!["1.0.0".into()]),
            Type::Map(_) => Value::Map(std::collections::BTreeMap::new()),
            _ => "workers".into(),
        }
    }

    #[test]
    fn errors_leave_the_full_stop_to_the_host_and_say_things_once() {
        let mut refused = 0;
        for function in all() {
            let signature = function.signature();
            let parameters: Vec<_> = signature.parameters.iter().chain(&signature.variadic).collect();
            for (at, parameter) in parameters.iter().enumerate() {
                for value in values_of(&parameter.of) {
                    let mut arguments: Vec<_> = parameters.iter().map(|p| good(&p.of)).collect();
                    arguments[at] = value;
                    let Err(error) = function.call(&arguments) else { continue };
                    refused += 1;
                    let (name, text) = (function.name(), error.text());
                    assert!(!text.is_empty() && text.len() <= ERROR_LIMIT, "{name}: {} bytes", text.len());
                    assert!(!text.ends_with(['.', ' ', '\n', ':', ',']), "{name}: {text}");
                    assert!(text.starts_with(|c: char| c.is_uppercase() || c == '`'), "{name}: {text}");
                    assert!(!text.contains(".. ") && !text.contains(":."), "{name}: {text}");
                    assert!(error.argument().is_some(), "{name}: {text}");
                    for phrase in ["is not a", "is no ", "not valid YAML"] {
                        assert!(text.matches(phrase).count() < 2, "{name}: {text}");
                    }
                }
            }
        }
        assert!(refused > 100, "{refused}");
    }

    /// A call runs on a worker thread of the plugin, below what the server has there already.
    #[test]
    fn the_deepest_values_fit_on_a_worker_thread() {
        const SERVER: usize = 512 << 10;
        let work = || {
            let name = |at: usize| format!("a{at}");
            let mut deep = String::from("x");
            for at in (0..97).rev() {
                deep = format!("{{{}: {deep}}}", name(at));
            }
            let free = format!("machine: {{kubelet: {{extraConfig: {deep}}}}}");
            let lists = format!("machine: {{x: {}{}}}", "[".repeat(98), "]".repeat(98));
            let marks = free.replace(": x}", ": {$patch: delete}}").replacen("{a0: ", "", 1).replacen("}}", "}", 1);
            let resource = format!("metadata: {{namespace: a, type: b, id: c}}\nspec: {deep}\n");
            for function in all() {
                for text in [&free, &lists, &marks, &resource] {
                    let signature = function.signature();
                    let argument = |of: &Type| match of {
                        Type::List(_) => Value::List(vec![text.as_str().into(), text.as_str().into()]),
                        Type::String => text.as_str().into(),
                        other => good(other),
                    };
                    let arguments: Vec<_> = signature.parameters.iter().map(|p| argument(&p.of)).collect();
                    let result = function.call(&arguments);
                    match (function.name(), text) {
                        ("config_patch_merge", text) if text == &free => assert!(result.is_ok(), "{result:?}"),
                        ("config_patch_validate", text) if text != &resource => assert!(result.is_ok(), "{result:?}"),
                        ("resource_decode_multi", text) if text == &resource => assert!(result.is_ok(), "{result:?}"),
                        _ => {}
                    }
                    if let Ok(value) = &result {
                        assert!(crate::tf::wire::encode(value, &signature.returns).is_ok());
                    }
                }
            }
            assert!(crate::omni::patch::same(&free, &format!("{free} # note")));
            assert_eq!(crate::omni::patch::digest(&free), crate::omni::patch::digest(&format!("{free} # note")));
        };
        let thread = std::thread::Builder::new().stack_size(crate::tf::plugin::STACK - SERVER).spawn(work);
        assert!(thread.unwrap().join().is_ok());
    }
}
