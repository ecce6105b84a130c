//! Types in the JSON form of schemas: `"string"`, `["list","number"]`, `["object",{…}]`.

use super::{DEEPEST, Place, WireError};
use crate::tf::value::Type;
use kit::gather::Gather as _;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

impl Type {
    /// The type as JSON.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::String => json!("string"),
            Self::Number => json!("number"),
            Self::Bool => json!("bool"),
            Self::Dynamic => json!("dynamic"),
            Self::List(t) => json!(["list", t.to_json()]),
            Self::Set(t) => json!(["set", t.to_json()]),
            Self::Map(t) => json!(["map", t.to_json()]),
            Self::Tuple(all) => json!(["tuple", all.iter().map(Self::to_json).collect::<Vec<_>>()]),
            Self::Object(attributes, optional) => {
                let of: serde_json::Map<_, _> = attributes.iter().map(|(n, t)| (n.clone(), t.to_json())).gathered();
                if optional.is_empty() { json!(["object", of]) } else { json!(["object", of, optional]) }
            }
        }
    }

    /// Reads a type from JSON.
    ///
    /// # Errors
    /// When the JSON is not a type.
    pub fn from_json(json: &Json) -> Result<Self, WireError> {
        read(json, DEEPEST)
    }
}

fn read(json: &Json, depth: usize) -> Result<Type, WireError> {
    let refuse = || WireError::new(&Place::ROOT, "not a type");
    let depth = depth.checked_sub(1).ok_or_else(|| WireError::new(&Place::ROOT, "the type is nested too deeply"))?;
    match json {
        Json::String(name) => match name.as_str() {
            "string" => Ok(Type::String),
            "number" => Ok(Type::Number),
            "bool" => Ok(Type::Bool),
            "dynamic" => Ok(Type::Dynamic),
            _ => Err(refuse()),
        },
        Json::Array(parts) => match (parts.first().and_then(Json::as_str), parts.get(1), parts.len()) {
            (Some("list"), Some(of), 2) => read(of, depth).map(Type::list),
            (Some("set"), Some(of), 2) => read(of, depth).map(Type::set),
            (Some("map"), Some(of), 2) => read(of, depth).map(Type::map),
            (Some("tuple"), Some(Json::Array(all)), 2) => {
                all.iter().map(|t| read(t, depth)).collect::<Result<_, _>>().map(Type::Tuple)
            }
            (Some("object"), Some(Json::Object(all)), 2 | 3) => {
                let attributes: BTreeMap<_, _> =
                    all.iter().map(|(n, t)| Ok((n.clone(), read(t, depth)?))).collect::<Result<_, _>>()?;
                let optional = match parts.get(2) {
                    None => BTreeSet::new(),
                    Some(names) => serde_json::from_value::<BTreeSet<String>>(names.clone()).map_err(|_| refuse())?,
                };
                if !optional.iter().all(|name| attributes.contains_key(name)) {
                    return Err(refuse());
                }
                Ok(Type::Object(attributes, optional))
            }
            _ => Err(refuse()),
        },
        _ => Err(refuse()),
    }
}
