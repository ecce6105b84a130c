//! Values as msgpack: unknown values are extension values, and numbers have the shortest exact form.

use super::{DEEPEST, Place, WireError, mismatch, number};
use crate::tf::value::{Refinements, Type, Value};
use rmp::Marker;
use rmp::{decode as read, encode as write};
use std::collections::BTreeMap;

/// The extension type of an unknown value with refinements.
const REFINED: i8 = 12;
/// The longest payload of an unknown value with refinements.
const LONGEST_REFINEMENT: usize = 1024;

pub(super) fn decode(bytes: &[u8], ty: &Type) -> Result<Value, WireError> {
    let mut reader = Reader { rest: bytes };
    let value = reader.value(ty, &Place::ROOT, DEEPEST)?;
    reader.end(&Place::ROOT)?;
    Ok(value)
}

fn is_extension(marker: Marker) -> bool {
    matches!(
        marker,
        Marker::FixExt1
            | Marker::FixExt2
            | Marker::FixExt4
            | Marker::FixExt8
            | Marker::FixExt16
            | Marker::Ext8
            | Marker::Ext16
            | Marker::Ext32
    )
}

/// Whether a promise of this key can be made of a value of this type; a key that is not known is not judged.
fn promises(key: i64, ty: &Type) -> bool {
    match key {
        2 => matches!(ty, Type::String),
        3 | 4 => matches!(ty, Type::Number),
        5 | 6 => matches!(ty, Type::List(_) | Type::Set(_) | Type::Map(_)),
        _ => true,
    }
}

struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    fn marker(&self, path: &Place<'_>) -> Result<Marker, WireError> {
        self.rest.first().map(|b| Marker::from_u8(*b)).ok_or_else(|| WireError::new(path, "the value ends too early"))
    }

    fn end(&self, path: &Place<'_>) -> Result<(), WireError> {
        if self.rest.is_empty() { Ok(()) } else { Err(WireError::new(path, "there are bytes after the value")) }
    }

    fn take(&mut self, length: usize, path: &Place<'_>) -> Result<&'b [u8], WireError> {
        let (head, tail) =
            self.rest.split_at_checked(length).ok_or_else(|| WireError::new(path, "the value ends too early"))?;
        self.rest = tail;
        Ok(head)
    }

    fn value(&mut self, ty: &Type, path: &Place<'_>, depth: usize) -> Result<Value, WireError> {
        let depth = depth.checked_sub(1).ok_or_else(|| WireError::new(path, "nested too deeply"))?;
        let marker = self.marker(path)?;
        if marker == Marker::Null {
            self.take(1, path)?;
            return Ok(Value::Null);
        }
        if let Some(unknown) = self.unknown(marker, ty, path)? {
            return Ok(unknown);
        }
        match ty {
            Type::String => self.text(path).map(Value::String),
            Type::Bool => read::read_bool(&mut self.rest).map(Value::Bool).map_err(|_| mismatch(path, ty)),
            Type::Number => self.number(marker, path).map(Value::Number),
            Type::List(of) => self.sequence(of, path, depth).map(Value::List),
            Type::Set(of) => self.sequence(of, path, depth).map(Value::Set),
            Type::Tuple(types) => {
                let length = self.array(path)?;
                if length != types.len() {
                    return Err(WireError::new(path, format!("expected {} elements, got {length}", types.len())));
                }
                let each = types.iter().enumerate().map(|(i, ty)| self.value(ty, &path.index(i), depth));
                each.collect::<Result<_, _>>().map(Value::Tuple)
            }
            Type::Map(of) => {
                let length = self.map(path)?;
                let mut entries = BTreeMap::new();
                for _ in 0..length {
                    let key = self.text(path)?;
                    let value = self.value(of, &path.key(&key), depth)?;
                    if entries.contains_key(&key) {
                        return Err(WireError::new(&path.key(&key), "the key is there twice"));
                    }
                    entries.insert(key, value);
                }
                Ok(Value::Map(entries))
            }
            Type::Object(attributes, _) => {
                let length = self.map(path)?;
                if length != attributes.len() {
                    return Err(WireError::new(
                        path,
                        format!("expected {} attributes, got {length}", attributes.len()),
                    ));
                }
                let mut entries = BTreeMap::new();
                for _ in 0..length {
                    let name = self.text(path)?;
                    let here = path.attribute(&name);
                    let ty =
                        attributes.get(&name).ok_or_else(|| WireError::new(&here, "there is no such attribute"))?;
                    let value = self.value(ty, &here, depth)?;
                    if entries.contains_key(&name) {
                        return Err(WireError::new(&here, "the attribute is there twice"));
                    }
                    entries.insert(name, value);
                }
                Ok(Value::Object(entries))
            }
            Type::Dynamic => {
                if self.array(path)? != 2 {
                    return Err(mismatch(path, ty));
                }
                let length = read::read_bin_len(&mut self.rest).map_err(|_| mismatch(path, ty))?;
                let json = self.take(length as usize, path)?;
                let json = super::parse(json).map_err(|_| WireError::new(path, "the type is not valid JSON"))?;
                let ty = Type::from_json(&json).map_err(|e| WireError::new(path, e.problem))?;
                let value = self.value(&ty, path, depth)?;
                Ok(Value::Dynamic(ty, Box::new(value)))
            }
        }
    }

    fn sequence(&mut self, of: &Type, path: &Place<'_>, depth: usize) -> Result<Vec<Value>, WireError> {
        let length = self.array(path)?;
        (0..length).map(|i| self.value(of, &path.index(i), depth)).collect()
    }

    /// The number of elements; each takes a byte at least, so more than are left is a lie.
    fn array(&mut self, path: &Place<'_>) -> Result<usize, WireError> {
        let length =
            read::read_array_len(&mut self.rest).map_err(|_| WireError::new(path, "expected an array"))? as usize;
        if length > self.rest.len() { Err(WireError::new(path, "the value ends too early")) } else { Ok(length) }
    }

    fn map(&mut self, path: &Place<'_>) -> Result<usize, WireError> {
        let length = read::read_map_len(&mut self.rest).map_err(|_| WireError::new(path, "expected a map"))? as usize;
        if length > self.rest.len() / 2 { Err(WireError::new(path, "the value ends too early")) } else { Ok(length) }
    }

    fn text(&mut self, path: &Place<'_>) -> Result<String, WireError> {
        let length = read::read_str_len(&mut self.rest).map_err(|_| mismatch(path, &Type::String))?;
        let bytes = self.take(length as usize, path)?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| WireError::new(path, "the text is not UTF-8"))
    }

    fn number(&mut self, marker: Marker, path: &Place<'_>) -> Result<bigdecimal::BigDecimal, WireError> {
        let wrong = || mismatch(path, &Type::Number);
        match marker {
            Marker::F32 => {
                read::read_f32(&mut self.rest).ok().and_then(|f| number::from_f64(f64::from(f))).ok_or_else(wrong)
            }
            Marker::F64 => read::read_f64(&mut self.rest).ok().and_then(number::from_f64).ok_or_else(wrong),
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
                let text = self.text(path)?;
                number::parse(&text).ok_or_else(|| WireError::new(path, "not a number, or one that is too large"))
            }
            Marker::U64 => read::read_u64(&mut self.rest).map(Into::into).map_err(|_| wrong()),
            _ => read::read_int::<i64, _>(&mut self.rest).map(Into::into).map_err(|_| wrong()),
        }
    }

    /// An extension value: any of at most one byte is an unknown, type 12 is one with promises.
    fn unknown(&mut self, marker: Marker, ty: &Type, path: &Place<'_>) -> Result<Option<Value>, WireError> {
        if !is_extension(marker) {
            return Ok(None);
        }
        let (kind, payload) = self.extension(path)?;
        if payload.len() <= 1 {
            return Ok(Some(Value::UNKNOWN));
        }
        if kind != REFINED || payload.len() > LONGEST_REFINEMENT {
            return Err(WireError::new(
                path,
                format!("extension {kind} of {} bytes is no unknown value", payload.len()),
            ));
        }
        let mut reader = Reader { rest: payload };
        let refinements = reader.refinements(ty, path)?;
        reader.end(path)?;
        let kept = (refinements != Refinements::default()).then(|| Box::new(refinements));
        Ok(Some(Value::Unknown(kept)))
    }

    fn extension(&mut self, path: &Place<'_>) -> Result<(i8, &'b [u8]), WireError> {
        let meta = read::read_ext_meta(&mut self.rest).map_err(|_| WireError::new(path, "the value ends too early"))?;
        Ok((meta.typeid, self.take(meta.size as usize, path)?))
    }

    fn refinements(&mut self, ty: &Type, path: &Place<'_>) -> Result<Refinements, WireError> {
        let wrong = || WireError::new(path, "the refinement of an unknown value cannot be read");
        let mut refinements = Refinements::default();
        for _ in 0..self.map(path)? {
            let key: i64 = read::read_int(&mut self.rest).map_err(|_| wrong())?;
            if !promises(key, ty) {
                return Err(WireError::new(path, format!("refinement {key} makes no sense for a value of this type")));
            }
            match key {
                1 => refinements.nullness = Some(read::read_bool(&mut self.rest).map_err(|_| wrong())?),
                2 => refinements.prefix = Some(self.text(path)?),
                3 => refinements.lower = Some(self.bound(path)?),
                4 => refinements.upper = Some(self.bound(path)?),
                5 => refinements.min_length = Some(read::read_int(&mut self.rest).map_err(|_| wrong())?),
                6 => refinements.max_length = Some(read::read_int(&mut self.rest).map_err(|_| wrong())?),
                // Unknown refinements are ignored.
                _ => self.skip(path, DEEPEST)?,
            }
        }
        Ok(refinements)
    }

    fn bound(&mut self, path: &Place<'_>) -> Result<(bigdecimal::BigDecimal, bool), WireError> {
        if self.array(path)? != 2 {
            return Err(WireError::new(path, "a bound is a number and a flag"));
        }
        let marker = self.marker(path)?;
        let number = self.number(marker, path)?;
        let inclusive =
            read::read_bool(&mut self.rest).map_err(|_| WireError::new(path, "a bound is a number and a flag"))?;
        Ok((number, inclusive))
    }

    /// Skips a value of any form.
    fn skip(&mut self, path: &Place<'_>, depth: usize) -> Result<(), WireError> {
        let depth = depth.checked_sub(1).ok_or_else(|| WireError::new(path, "nested too deeply"))?;
        match self.marker(path)? {
            Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => {
                for _ in 0..self.array(path)? {
                    self.skip(path, depth)?;
                }
            }
            Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => {
                for _ in 0..self.map(path)? * 2 {
                    self.skip(path, depth)?;
                }
            }
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
                self.text(path)?;
            }
            Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => {
                let length =
                    read::read_bin_len(&mut self.rest).map_err(|_| WireError::new(path, "the value ends too early"))?;
                self.take(length as usize, path)?;
            }
            Marker::Null | Marker::True | Marker::False | Marker::FixPos(_) | Marker::FixNeg(_) => {
                self.take(1, path)?;
            }
            Marker::U8 | Marker::I8 => drop(self.take(2, path)?),
            Marker::U16 | Marker::I16 => drop(self.take(3, path)?),
            Marker::U32 | Marker::I32 | Marker::F32 => drop(self.take(5, path)?),
            Marker::U64 | Marker::I64 | Marker::F64 => drop(self.take(9, path)?),
            marker if is_extension(marker) => drop(self.extension(path)?),
            _ => return Err(WireError::new(path, "there is no such form of value")),
        }
        Ok(())
    }
}

pub(super) fn encode(value: &Value, ty: &Type) -> Result<Vec<u8>, WireError> {
    let mut out = Vec::new();
    put(&mut out, value, ty, &Place::ROOT, DEEPEST)?;
    Ok(out)
}

/// Writing into memory cannot fail; a length beyond 32 bits can.
fn length(length: usize, path: &Place<'_>) -> Result<u32, WireError> {
    u32::try_from(length).map_err(|_| WireError::new(path, "the value is too large"))
}

fn put(out: &mut Vec<u8>, value: &Value, ty: &Type, path: &Place<'_>, depth: usize) -> Result<(), WireError> {
    let depth = depth.checked_sub(1).ok_or_else(|| WireError::new(path, "nested too deeply"))?;
    let full = |_| WireError::new(path, "the value cannot be written");
    match (value, ty) {
        (Value::Null, _) => write::write_nil(out).map_err(|e| full(e.to_string())),
        (Value::Unknown(refinements), _) => {
            let payload = refinements.as_ref().map(|r| refined(r, ty, path)).transpose()?.flatten();
            let (kind, payload) = payload.map_or((0, vec![0]), |payload| (REFINED, payload));
            write::write_ext_meta(out, length(payload.len(), path)?, kind).map_err(|e| full(e.to_string()))?;
            out.extend(payload);
            Ok(())
        }
        (Value::String(s), Type::String) => write::write_str(out, s).map_err(|e| full(e.to_string())),
        (Value::Bool(b), Type::Bool) => write::write_bool(out, *b).map_err(|e| full(e.to_string())),
        (Value::Number(n), Type::Number) => put_number(out, n, path),
        (Value::List(items), Type::List(of)) | (Value::Set(items), Type::Set(of)) => {
            write::write_array_len(out, length(items.len(), path)?).map_err(|e| full(e.to_string()))?;
            items.iter().enumerate().try_for_each(|(i, item)| put(out, item, of, &path.index(i), depth))
        }
        (Value::Tuple(items), Type::Tuple(types)) if items.len() == types.len() => {
            write::write_array_len(out, length(items.len(), path)?).map_err(|e| full(e.to_string()))?;
            items
                .iter()
                .zip(types)
                .enumerate()
                .try_for_each(|(i, (item, ty))| put(out, item, ty, &path.index(i), depth))
        }
        (Value::Map(entries), Type::Map(of)) => {
            write::write_map_len(out, length(entries.len(), path)?).map_err(|e| full(e.to_string()))?;
            entries.iter().try_for_each(|(key, item)| {
                write::write_str(out, key).map_err(|e| full(e.to_string()))?;
                put(out, item, of, &path.key(key), depth)
            })
        }
        (Value::Object(entries), Type::Object(attributes, _)) => {
            if let Some(extra) = entries.keys().find(|name| !attributes.contains_key(*name)) {
                return Err(WireError::new(&path.attribute(extra), "there is no such attribute"));
            }
            write::write_map_len(out, length(attributes.len(), path)?).map_err(|e| full(e.to_string()))?;
            attributes.iter().try_for_each(|(name, ty)| {
                write::write_str(out, name).map_err(|e| full(e.to_string()))?;
                put(out, entries.get(name).unwrap_or(&Value::Null), ty, &path.attribute(name), depth)
            })
        }
        (Value::Dynamic(inner, value), Type::Dynamic) => {
            let json = inner.to_json().to_string();
            write::write_array_len(out, 2).map_err(|e| full(e.to_string()))?;
            write::write_bin(out, json.as_bytes()).map_err(|e| full(e.to_string()))?;
            put(out, value, inner, path, depth)
        }
        _ => Err(mismatch(path, ty)),
    }
}

fn put_number(out: &mut Vec<u8>, n: &bigdecimal::BigDecimal, path: &Place<'_>) -> Result<(), WireError> {
    let full = |e: String| WireError::new(path, e);
    if let Some(whole) = number::as_i64(n) {
        return write::write_sint(out, whole).map(|_| ()).map_err(|e| full(e.to_string()));
    }
    match number::as_exact_f64(n).filter(|_| !n.is_integer()) {
        Some(float) => write::write_f64(out, float).map_err(|e| full(e.to_string())),
        None => write::write_str(out, &number::text(n)).map_err(|e| full(e.to_string())),
    }
}

/// The promises that can be made of a value of this type; none where they would take more bytes than a host reads.
fn refined(refinements: &Refinements, ty: &Type, path: &Place<'_>) -> Result<Option<Vec<u8>>, WireError> {
    let full = |e: String| WireError::new(path, e);
    let mut body = Vec::new();
    let mut count = 0;
    let mut key = |body: &mut Vec<u8>, key: u8| {
        let fits = promises(i64::from(key), ty);
        if fits {
            count += 1;
            write::write_uint(body, u64::from(key)).map_err(|e| full(e.to_string()))?;
        }
        Ok::<_, WireError>(fits)
    };
    if let Some(nullness) = refinements.nullness
        && key(&mut body, 1)?
    {
        write::write_bool(&mut body, nullness).map_err(|e| full(e.to_string()))?;
    }
    if let Some(prefix) = &refinements.prefix
        && key(&mut body, 2)?
    {
        write::write_str(&mut body, prefix).map_err(|e| full(e.to_string()))?;
    }
    for (number, bound) in [(3, &refinements.lower), (4, &refinements.upper)] {
        if let Some((limit, inclusive)) = bound
            && key(&mut body, number)?
        {
            write::write_array_len(&mut body, 2).map_err(|e| full(e.to_string()))?;
            put_number(&mut body, limit, path)?;
            write::write_bool(&mut body, *inclusive).map_err(|e| full(e.to_string()))?;
        }
    }
    for (number, length) in [(5, refinements.min_length), (6, refinements.max_length)] {
        if let Some(length) = length
            && key(&mut body, number)?
        {
            write::write_sint(&mut body, length).map_err(|e| full(e.to_string()))?;
        }
    }
    let mut payload = Vec::new();
    write::write_map_len(&mut payload, count).map_err(|e| full(e.to_string()))?;
    payload.extend(body);
    Ok(Some(payload).filter(|payload| count > 0 && payload.len() <= LONGEST_REFINEMENT))
}
