//! Values as JSON, for stored state. JSON has no unknown values.

use super::{DEEPEST, Place, WireError, mismatch, number};
use crate::tf::value::{Type, Value};
use kit::gather::Gather as _;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// Reads JSON text in which any key may stand for anything.
///
/// Labels are named by whoever has access to the service, and `serde_json` itself takes an object whose first key is
/// `$serde_json::private::Number` or `…::RawValue` for something else: what this reads may hold such keys.
///
/// # Errors
/// When the text is no JSON, or nested too deeply.
pub fn parse(text: &[u8]) -> Result<Json, WireError> {
    let invalid = |e: &serde_json::Error| WireError::new(&Place::ROOT, format!("not valid JSON: {e}"));
    let raw: &RawValue = serde_json::from_slice(text).map_err(|e| invalid(&e))?;
    tree(raw.get(), DEEPEST)
        .map_err(|e| e.map_or_else(|| WireError::new(&Place::ROOT, "nested too deeply"), |e| invalid(&e)))
}

/// One level of the text; `None` as the error for too many of them. What is read is always of a known shape, so that no key is looked at.
fn tree(text: &str, depth: usize) -> Result<Json, Option<serde_json::Error>> {
    let depth = depth.checked_sub(1).ok_or(None)?;
    Ok(match text.bytes().find(|b| !b.is_ascii_whitespace()) {
        Some(b'{') => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
            let read = |(key, raw): (String, &RawValue)| Ok((key, tree(raw.get(), depth)?));
            Json::Object(members.into_iter().map(read).collect::<Result<_, Option<serde_json::Error>>>()?)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            Json::Array(items.into_iter().map(|raw| tree(raw.get(), depth)).collect::<Result<_, _>>()?)
        }
        _ => serde_json::from_str(text)?,
    })
}

/// Reads a value of type `ty`: an attribute that is left out is null, one that the type lacks is an error.
///
/// # Errors
/// When the JSON holds no value of that type.
pub fn from_json(json: &Json, ty: &Type) -> Result<Value, WireError> {
    Reader { drop_unknown: false }.read(json, ty, &Place::ROOT, DEEPEST)
}

/// [`from_json`] for state of another schema version: attributes that the type lacks are dropped, at any depth.
///
/// # Errors
/// When the JSON holds no value of that type.
pub fn from_state_json(json: &Json, ty: &Type) -> Result<Value, WireError> {
    Reader { drop_unknown: true }.read(json, ty, &Place::ROOT, DEEPEST)
}

struct Reader {
    drop_unknown: bool,
}

impl Reader {
    fn read(&self, json: &Json, ty: &Type, path: &Place<'_>, depth: usize) -> Result<Value, WireError> {
        let depth = depth.checked_sub(1).ok_or_else(|| WireError::new(path, "nested too deeply"))?;
        let all = |items: &[Json], ty: &Type| -> Result<Vec<Value>, WireError> {
            items.iter().enumerate().map(|(i, item)| self.read(item, ty, &path.index(i), depth)).collect()
        };
        Ok(match (json, ty) {
            (Json::Null, _) => Value::Null,
            (Json::String(s), Type::String) => Value::String(s.clone()),
            (Json::Bool(b), Type::Bool) => Value::Bool(*b),
            (Json::Number(n), Type::Number) => Value::Number(
                number::parse(&n.to_string()).ok_or_else(|| WireError::new(path, "the number is too large"))?,
            ),
            (Json::Array(items), Type::List(of)) => Value::List(all(items, of)?),
            (Json::Array(items), Type::Set(of)) => Value::Set(all(items, of)?),
            (Json::Array(items), Type::Tuple(types)) if items.len() == types.len() => {
                let pairs = items.iter().zip(types).enumerate();
                Value::Tuple(
                    pairs
                        .map(|(i, (item, ty))| self.read(item, ty, &path.index(i), depth))
                        .collect::<Result<_, _>>()?,
                )
            }
            (Json::Object(entries), Type::Map(of)) => Value::Map(
                entries
                    .iter()
                    .map(|(key, item)| Ok((key.clone(), self.read(item, of, &path.key(key), depth)?)))
                    .collect::<Result<_, WireError>>()?,
            ),
            (Json::Object(entries), Type::Object(attributes, _)) => self.object(entries, attributes, path, depth)?,
            (Json::Object(entries), Type::Dynamic) => {
                let (Some(inner), Some(ty)) = (entries.get("value"), entries.get("type")) else {
                    return Err(WireError::new(path, "a dynamic value needs `value` and `type`"));
                };
                let ty = Type::from_json(ty).map_err(|e| WireError::new(path, e.problem))?;
                let inner = self.read(inner, &ty, path, depth)?;
                Value::Dynamic(ty, Box::new(inner))
            }
            _ => return Err(mismatch(path, ty)),
        })
    }

    fn object(
        &self,
        entries: &Map<String, Json>,
        attributes: &BTreeMap<String, Type>,
        path: &Place<'_>,
        depth: usize,
    ) -> Result<Value, WireError> {
        if let Some(extra) = entries.keys().find(|key| !self.drop_unknown && !attributes.contains_key(*key)) {
            return Err(WireError::new(&path.attribute(extra), "there is no such attribute"));
        }
        let read = |(name, ty): (&String, &Type)| {
            let item = entries.get(name).unwrap_or(&Json::Null);
            Ok((name.clone(), self.read(item, ty, &path.attribute(name), depth)?))
        };
        Ok(Value::Object(attributes.iter().map(read).collect::<Result<_, WireError>>()?))
    }
}

/// The value as JSON; unknown values become null, and numbers are exact.
#[must_use]
pub fn to_json(value: &Value) -> Json {
    match value {
        Value::Null | Value::Unknown(_) => Json::Null,
        Value::String(s) => Json::String(s.clone()),
        Value::Bool(b) => Json::Bool(*b),
        // Every decimal text without an exponent is a JSON number.
        Value::Number(n) => serde_json::from_str(&number::text(n)).unwrap_or(Json::Null),
        Value::List(items) | Value::Set(items) | Value::Tuple(items) => {
            Json::Array(items.iter().map(to_json).collect())
        }
        Value::Map(entries) | Value::Object(entries) => {
            Json::Object(entries.iter().map(|(key, item)| (key.clone(), to_json(item))).gathered())
        }
        Value::Dynamic(ty, inner) => json!({ "value": to_json(inner), "type": ty.to_json() }),
    }
}
