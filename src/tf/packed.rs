//! Values in little memory, for what holds many of them for long.
//!
//! A value of an object with twenty attributes takes about five kilobytes; packed, it takes little more than its texts.

use super::value::{BigDecimal, Value};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A packed value. It has no text form: states may hold secrets.
#[derive(Clone)]
pub(crate) enum Packed {
    Bytes(Box<[u8]>),
    /// What is not worth packing: unknown values with guarantees of the host, and values with their own type.
    Whole(Box<Value>),
}

/// The names of attributes that packed values refer to.
#[derive(Default)]
pub(crate) struct Names {
    numbers: HashMap<Arc<str>, usize>,
    all: Vec<Arc<str>>,
}

const NULL: u8 = 0;
const UNKNOWN: u8 = 1;
const FALSE: u8 = 2;
const TRUE: u8 = 3;
const STRING: u8 = 4;
const NUMBER: u8 = 5;
const LIST: u8 = 6;
const SET: u8 = 7;
const TUPLE: u8 = 8;
const MAP: u8 = 9;
const OBJECT: u8 = 10;

impl Names {
    pub(crate) fn pack(&mut self, value: &Value) -> Packed {
        let mut bytes = Vec::new();
        match self.write(&mut bytes, value) {
            Some(()) => Packed::Bytes(bytes.into_boxed_slice()),
            None => Packed::Whole(Box::new(value.clone())),
        }
    }

    /// The value that these names have packed.
    pub(crate) fn unpack(&self, packed: &Packed) -> Value {
        match packed {
            Packed::Bytes(bytes) => self.read(&mut &bytes[..]).unwrap_or(Value::Null),
            Packed::Whole(value) => Value::clone(value),
        }
    }

    /// Appends a value; `None` where it cannot be packed.
    fn write(&mut self, bytes: &mut Vec<u8>, value: &Value) -> Option<()> {
        match value {
            Value::Null => bytes.push(NULL),
            Value::Unknown(None) => bytes.push(UNKNOWN),
            Value::Unknown(Some(_)) | Value::Dynamic(..) => return None,
            Value::Bool(false) => bytes.push(FALSE),
            Value::Bool(true) => bytes.push(TRUE),
            Value::String(text) => {
                bytes.push(STRING);
                write_text(bytes, text);
            }
            Value::Number(number) => {
                bytes.push(NUMBER);
                write_text(bytes, &number.to_string());
            }
            Value::List(elements) => self.write_all(bytes, LIST, elements)?,
            Value::Set(elements) => self.write_all(bytes, SET, elements)?,
            Value::Tuple(elements) => self.write_all(bytes, TUPLE, elements)?,
            Value::Map(elements) => {
                bytes.push(MAP);
                write_number(bytes, elements.len());
                for (key, element) in elements {
                    write_text(bytes, key);
                    self.write(bytes, element)?;
                }
            }
            Value::Object(attributes) => {
                bytes.push(OBJECT);
                write_number(bytes, attributes.len());
                for (name, attribute) in attributes {
                    let number = self.number(name);
                    write_number(bytes, number);
                    self.write(bytes, attribute)?;
                }
            }
        }
        Some(())
    }

    fn write_all(&mut self, bytes: &mut Vec<u8>, tag: u8, elements: &[Value]) -> Option<()> {
        bytes.push(tag);
        write_number(bytes, elements.len());
        elements.iter().try_for_each(|element| self.write(bytes, element))
    }

    fn number(&mut self, name: &str) -> usize {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let (name, number) = (Arc::<str>::from(name), self.all.len());
        self.all.push(Arc::clone(&name));
        self.numbers.insert(name, number);
        number
    }

    fn read(&self, bytes: &mut &[u8]) -> Option<Value> {
        let (tag, rest) = bytes.split_first()?;
        *bytes = rest;
        Some(match *tag {
            NULL => Value::Null,
            UNKNOWN => Value::UNKNOWN,
            FALSE => Value::Bool(false),
            TRUE => Value::Bool(true),
            STRING => Value::String(read_text(bytes)?.to_owned()),
            NUMBER => Value::Number(read_text(bytes)?.parse::<BigDecimal>().ok()?),
            LIST => Value::List(self.read_all(bytes)?),
            SET => Value::Set(self.read_all(bytes)?),
            TUPLE => Value::Tuple(self.read_all(bytes)?),
            MAP => {
                let mut elements = BTreeMap::new();
                for _ in 0..read_number(bytes)? {
                    let key = read_text(bytes)?.to_owned();
                    elements.insert(key, self.read(bytes)?);
                }
                Value::Map(elements)
            }
            OBJECT => {
                let mut attributes = BTreeMap::new();
                for _ in 0..read_number(bytes)? {
                    let name = self.all.get(read_number(bytes)?)?.to_string();
                    attributes.insert(name, self.read(bytes)?);
                }
                Value::Object(attributes)
            }
            _ => return None,
        })
    }

    fn read_all(&self, bytes: &mut &[u8]) -> Option<Vec<Value>> {
        (0..read_number(bytes)?).map(|_| self.read(bytes)).collect()
    }
}

/// Seven bits in each byte, the lowest first; all but the last have the highest bit set.
fn write_number(bytes: &mut Vec<u8>, mut number: usize) {
    while let rest @ 1.. = number >> 7 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number = rest;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn read_number(bytes: &mut &[u8]) -> Option<usize> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}

fn write_text(bytes: &mut Vec<u8>, text: &str) {
    write_number(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

fn read_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let length = read_number(bytes)?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tf::value::Type;

    fn number(text: &str) -> Value {
        Value::Number(text.parse().unwrap())
    }

    #[test]
    fn values_come_back_as_they_were() {
        let mut names = Names::default();
        let long = "ä".repeat(20_000);
        let inner = Value::object([("machine", Value::from("m-1")), ("none", Value::Null)]);
        for value in [
            Value::Null,
            Value::UNKNOWN,
            Value::from(true),
            Value::from(false),
            Value::from(""),
            Value::from(long.as_str()),
            number("-12345678901234567890.5"),
            number("1e100"),
            Value::List(vec![Value::from(1), Value::from(2)]),
            Value::Set(vec!["a".into(), "b".into()]),
            Value::Tuple(vec!["a".into(), Value::Null]),
            Value::Map([("key".to_owned(), Value::from("value"))].into()),
            Value::Map(BTreeMap::new()),
            Value::object([("name", Value::from("p")), ("selector", inner), ("size", Value::from(128))]),
            // These are not packed.
            Value::foretold("p"),
            Value::Dynamic(Type::String, Box::new("a".into())),
            Value::List(vec![Value::foretold("p")]),
        ] {
            let packed = names.pack(&value);
            assert_eq!(names.unpack(&packed), value);
        }
    }

    #[test]
    fn names_are_stored_once() {
        let mut names = Names::default();
        let state = |text: &str| Value::object([("a_long_name_of_an_attribute", Value::from(text))]);
        for text in ["a", "b"] {
            match names.pack(&state(text)) {
                Packed::Bytes(bytes) => assert_eq!(bytes.len(), "#####".len() + 1),
                Packed::Whole(_) => panic!("not packed"),
            }
        }
        assert_eq!(names.all.len(), 1);
    }
}
