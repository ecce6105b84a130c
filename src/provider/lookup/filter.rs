//! The filters of every list data source: a label selector, and a regular expression for IDs.

use crate::omni::state::query::Query;
use crate::provider::session::at;
use crate::tf::check::Check;
use crate::tf::diag::Diagnostic;
use crate::tf::value::Value;
use kit::text::quoted;

/// How a selector is written, for docs.
pub(crate) const SELECTOR: &str = "such as `region = eu, !gpu`: conditions separated by commas, all of which must match. \
     Conditions are `key`, `!key`, `key = v`, `key != v`, `key in (a, b)`, `key notin (a, b)` and, for numbers, `key < n`, `<=`, `>` and `>=`.";

/// The text is a selector of labels.
pub(crate) fn is_selector() -> Check {
    Check::text(|text| Query::parse_selector(text).map(|_| ()).map_err(|e| crate::tf::diag::chain(&e)))
}

/// The selector has a condition: without one it takes everything.
pub(crate) fn selects() -> Check {
    Check::text(|text| match Query::parse_selector(text) {
        Ok(query) if query == Query::all() => {
            Err("The selector is empty, and would match every object of the type.".to_owned())
        }
        _ => Ok(()),
    })
}

/// The text is a regular expression.
pub(crate) fn is_regexp() -> Check {
    Check::text(|text| {
        regex::Regex::new(text).map(|_| ()).map_err(|error| {
            // The library draws the place of the mistake over several lines.
            let all = error.to_string();
            let why = all.rsplit("error: ").next().unwrap_or_default().trim().replace('\n', " ");
            format!("{} is not a regular expression: {why}.", quoted(text))
        })
    })
}

/// What `label_selector` of the configuration takes; all without one.
pub(crate) fn selector(config: &Value) -> Result<Query, Diagnostic> {
    match config.get("label_selector").as_str() {
        Some(selector) => Query::parse_selector(selector)
            .map_err(|e| Diagnostic::from_error("Label selector cannot be read", &e).at(at("label_selector"))),
        None => Ok(Query::all()),
    }
}
