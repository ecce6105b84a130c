//! Exact bytes as tables, both ways as properties, and hostile bytes.

use super::*;
use crate::tf::value::{BigDecimal, Refinements};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::str::FromStr;

fn number(text: &str) -> Value {
    Value::Number(BigDecimal::from_str(text).unwrap())
}

fn round(value: &Value, ty: &Type) -> Value {
    decode(Some(&encode(value, ty).unwrap()), ty).unwrap()
}

#[test]
fn values_have_exactly_these_bytes() {
    let object = Type::object([("b", Type::Bool), ("a", Type::Number)]);
    let cases: &[(Value, Type, &[u8])] = &[
        (Value::Null, Type::String, &[0xc0]),
        (Value::UNKNOWN, Type::String, &[0xd4, 0, 0]),
        (Value::from("hi"), Type::String, &[0xa2, b'h', b'i']),
        (Value::from(true), Type::Bool, &[0xc3]),
        (Value::from(7), Type::Number, &[7]),
        (Value::from(-1), Type::Number, &[0xff]),
        (number("1.5"), Type::Number, &[0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]),
        (number("0.1"), Type::Number, &[0xa3, b'0', b'.', b'1']),
        (number("9223372036854775808"), Type::Number, b"\xb39223372036854775808"),
        (number("1e3"), Type::Number, &[0xcd, 0x03, 0xe8]),
        (Value::List(vec![Value::from(1), Value::Null]), Type::list(Type::Number), &[0x92, 1, 0xc0]),
        (Value::object([("a", Value::from(1)), ("b", Value::Null)]), object, &[0x82, 0xa1, b'a', 1, 0xa1, b'b', 0xc0]),
        (Value::Dynamic(Type::Bool, Box::new(Value::from(false))), Type::Dynamic, b"\x92\xc4\x06\"bool\"\xc2"),
    ];
    for (value, ty, bytes) in cases {
        assert_eq!(encode(value, ty).unwrap().msgpack, *bytes, "{value:?}");
        assert_eq!(&round(value, ty), value);
    }
}

#[test]
fn numbers_arrive_in_many_forms() {
    let cases: &[(&[u8], &str)] = &[
        (&[0xcc, 200], "200"),
        (&[0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "18446744073709551615"),
        (&[0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe], "-2"),
        (&[0xca, 0x3f, 0, 0, 0], "0.5"),
        (b"\xbe123456789012345678901234567890", "123456789012345678901234567890"),
        (b"\xa51.5e2", "150"),
    ];
    for (bytes, text) in cases {
        let value = DynamicValue { msgpack: bytes.to_vec(), json: Vec::new() };
        assert_eq!(decode(Some(&value), &Type::Number).unwrap(), number(text));
    }
}

fn unknown(refinements: Refinements) -> Value {
    Value::Unknown(Some(Box::new(refinements)))
}

#[test]
fn promises_of_unknowns_are_kept() {
    let nullness = Some(false);
    let none = Refinements::default;
    for (refinements, ty, bytes) in [
        (Refinements { nullness, ..none() }, Type::Bool, &b"\xc7\x03\x0c\x81\x01\xc2"[..]),
        (
            Refinements { nullness, prefix: Some("pre-".into()), ..none() },
            Type::String,
            b"\xc7\x09\x0c\x82\x01\xc2\x02\xa4pre-",
        ),
        (
            Refinements {
                lower: Some((1.into(), true)),
                upper: Some((BigDecimal::from_str("0.1").unwrap(), false)),
                ..none()
            },
            Type::Number,
            b"\xc7\x0c\x0c\x82\x03\x92\x01\xc3\x04\x92\xa30.1\xc2",
        ),
        (
            Refinements { min_length: Some(1), max_length: Some(9), ..none() },
            Type::set(Type::String),
            b"\xc7\x05\x0c\x82\x05\x01\x06\x09",
        ),
    ] {
        let value = unknown(refinements);
        assert_eq!(encode(&value, &ty).unwrap().msgpack, bytes, "{value:?}");
        assert_eq!(round(&value, &ty), value);
    }
}

#[test]
fn promises_that_cannot_be_kept_are_dropped() {
    let long = Refinements { prefix: Some("x".repeat(2000)), ..Refinements::default() };
    let other = Refinements { prefix: Some("x".into()), ..Refinements::default() };
    for (refinements, ty) in [(long, Type::String), (other, Type::Number), (Refinements::default(), Type::String)] {
        assert_eq!(encode(&unknown(refinements), &ty).unwrap().msgpack, [0xd4, 0, 0]);
    }
}

#[test]
fn unknowns_arrive_in_many_forms() {
    // Whatever its type, an extension of at most one byte says no more than that; so does a promise of a kind not known.
    let not_null = unknown(Refinements { nullness: Some(false), ..Refinements::default() });
    for (bytes, expected) in [
        (&[0xd4, 0, 0][..], Value::UNKNOWN),
        (&[0xd4, 12, 0], Value::UNKNOWN),
        (&[0xd4, 99, 7], Value::UNKNOWN),
        (&[0xc7, 0, 12], Value::UNKNOWN),
        (&[0xc7, 3, 12, 0x81, 99, 0xc0], Value::UNKNOWN),
        (&[0xc7, 7, 12, 0x82, 99, 0x92, 1, 0xc0, 1, 0xc2], not_null),
    ] {
        let value = DynamicValue { msgpack: bytes.to_vec(), json: Vec::new() };
        assert_eq!(decode(Some(&value), &Type::String).unwrap(), expected, "{bytes:02x?}");
    }
}

#[test]
fn msgpack_wins_over_json_and_neither_is_null() {
    let value = |msgpack: &[u8], json: &[u8]| Some(DynamicValue { msgpack: msgpack.to_vec(), json: json.to_vec() });
    for (value, expected) in [
        (None, Value::Null),
        (value(b"", b""), Value::Null),
        (value(b"\xa1m", b"\"j\""), "m".into()),
        (value(b"", b"\"j\""), "j".into()),
    ] {
        assert_eq!(decode(value.as_ref(), &Type::String).unwrap(), expected);
    }
}

#[test]
fn what_does_not_fit_says_where() {
    let ty = Type::object([("list", Type::list(Type::object([("n", Type::Number)])))]);
    let strings = Type::object([("list", Type::list(Type::object([("n", Type::String)])))]);
    let value = Value::object([("list", Value::List(vec![Value::object([("n", Value::from("x"))])]))]);
    let bytes = encode(&value, &strings).unwrap();
    let error = decode(Some(&bytes), &ty).unwrap_err();
    assert_eq!(error.to_string(), "at `list[0].n`: not a number, or one that is too large");
    assert!(encode(&value, &ty).unwrap_err().to_string().contains("list[0].n"));
}

#[test]
fn hostile_bytes_are_refused() {
    let list = Type::list(Type::String);
    let cases: &[(&str, &[u8], Type)] = &[
        ("a list longer than the message", &[0xdd, 0xff, 0xff, 0xff, 0xff], list.clone()),
        ("a text longer than the message", &[0xdb, 0xff, 0xff, 0xff, 0xff, 1], Type::String),
        ("a type longer than the message", &[0x92, 0xc6, 0xff, 0xff, 0xff, 0xff], Type::Dynamic),
        ("bytes after the value", &[0xc0, 0xc0], Type::String),
        ("no UTF-8", &[0xa1, 0xff], Type::String),
        ("an exponent that unfolds", b"\xab1e999999999", Type::Number),
        ("infinity", &[0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0], Type::Number),
        ("a reserved marker", &[0xc1], Type::Number),
        ("a large extension", &[0xd5, 3, 0, 0], Type::String),
        ("bytes after the promises", &[0xc7, 4, 12, 0x81, 1, 0xc2, 0], Type::String),
        ("a promise of another type", &[0xc7, 4, 12, 0x81, 2, 0xa1, b'x'], Type::Number),
        ("a promise cut off", &[0xc7, 2, 12, 0x81, 1], Type::String),
        ("more promises than bytes", &[0xc7, 5, 12, 0xdf, 0xff, 0xff, 0xff, 0xff], Type::String),
        ("a key twice", &[0x82, 0xa1, b'a', 1, 0xa1, b'a', 1], Type::map(Type::Number)),
        ("a map longer than the message", &[0xdf, 0xff, 0xff, 0xff, 0xff], Type::map(Type::String)),
        ("an attribute missing", &[0x80], Type::object([("a", Type::Number)])),
        ("an attribute too many", &[0x81, 0xa1, b'b', 1], Type::object([("a", Type::Number)])),
        ("a tuple too short", &[0x91, 1], Type::Tuple(vec![Type::Number, Type::Number])),
        (
            "an attribute twice",
            &[0x82, 0xa1, b'a', 1, 0xa1, b'a', 1],
            Type::object([("a", Type::Number), ("b", Type::Number)]),
        ),
    ];
    for (what, bytes, ty) in cases {
        let value = DynamicValue { msgpack: bytes.to_vec(), json: Vec::new() };
        assert!(decode(Some(&value), ty).is_err(), "{what}");
    }
    let mut deep = Type::String;
    for _ in 0..1000 {
        deep = Type::list(deep);
    }
    let value = DynamicValue { msgpack: vec![0x91; 1000], json: Vec::new() };
    assert!(decode(Some(&value), &deep).unwrap_err().problem.contains("deeply"));
}

#[test]
fn large_promises_are_refused() {
    let mut bytes = vec![0xc8, 0x04, 0x01, 12];
    bytes.extend([0xc0; 1025]);
    let value = DynamicValue { msgpack: bytes, json: Vec::new() };
    assert!(decode(Some(&value), &Type::String).unwrap_err().problem.contains("1025 bytes"));
}

#[test]
fn what_is_nested_as_deeply_as_allowed_is_read_on_a_small_stack() {
    // Threads of tests have 2 MiB, as those of the server.
    let (mut ty, mut value) = (Type::String, Value::from("x"));
    for _ in 1..DEEPEST {
        (ty, value) = (Type::object([("a", ty)]), Value::object([("a", value)]));
    }
    assert_eq!(round(&value, &ty), value);
    assert_eq!(from_json(&to_json(&value), &ty).unwrap(), value);
    let (ty, value) = (Type::list(ty), Value::List(vec![value]));
    assert!(encode(&value, &ty).unwrap_err().problem.contains("deeply"));
}

#[test]
fn objects_are_written_whole() {
    let ty = Type::object([("a", Type::Bool), ("b", Type::Bool)]);
    let part = Value::object([("b", Value::from(true))]);
    assert_eq!(encode(&part, &ty).unwrap().msgpack, b"\x82\xa1a\xc0\xa1b\xc3");
    let error = encode(&Value::object([("c", Value::Null)]), &ty).unwrap_err();
    assert_eq!(error.to_string(), "at `c`: there is no such attribute");
}

#[test]
fn state_of_another_version_loses_what_the_schema_lacks() {
    let ty = Type::object([("a", Type::object([("x", Type::String)])), ("b", Type::Number)]);
    let json: serde_json::Value = serde_json::from_str(r#"{"a":{"x":"1","old":true},"gone":1}"#).unwrap();
    let expected = Value::object([("a", Value::object([("x", Value::from("1"))])), ("b", Value::Null)]);
    assert_eq!(from_state_json(&json, &ty).unwrap(), expected);
    assert!(from_json(&json, &ty).is_err());
}

#[test]
fn no_key_of_json_has_a_meaning_of_its_own() {
    for key in [
        "$serde_json::private::Number",
        "$serde_json::private::RawValue",
        "$__toml_private_datetime",
        "$__toml_private_Datetime",
        "$__serde_spanned_private_start",
    ] {
        let text =
            format!(r#" {{ "{key}" : {{ "{key}": "x" }}, "n": [1.50, -2e3, true, null, "\u00e9", {{}}, []] }} "#);
        let json = parse(text.as_bytes()).unwrap();
        assert_eq!(json[key][key], "x", "{json}");
        assert_eq!(json["n"].to_string(), r#"[1.50,-2e+3,true,null,"é",{},[]]"#);
        let ty = Type::object([("map", Type::map(Type::map(Type::String)))]);
        let value = from_json(
            &serde_json::Value::Object(
                [("map".to_owned(), parse(format!(r#"{{"{key}": {{"{key}": "1"}}}}"#).as_bytes()).unwrap())]
                    .into_iter()
                    .collect(),
            ),
            &ty,
        )
        .unwrap();
        let inner = Value::Map([(key.to_owned(), Value::Map([(key.to_owned(), "1".into())].into()))].into());
        assert_eq!(value.get("map"), &inner);
        assert_eq!(parse(to_json(&value).to_string().as_bytes()).and_then(|json| from_json(&json, &ty)), Ok(value));
    }
    for wrong in ["", "{", "{]", "{\"a\":1} 2", "nul", "{\"a\":\"\\x\"}", "{a: 1}", "[01]"] {
        assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
    }
    assert!(parse("[".repeat(10_000).as_bytes()).is_err());
    assert!(parse([vec![b'['; 10_000], vec![b']'; 10_000]].concat().as_slice()).is_err());
}

#[test]
fn types_read_back() {
    for text in [
        r#""dynamic""#,
        r#"["set",["map","bool"]]"#,
        r#"["tuple",["string",["list","number"]]]"#,
        r#"["object",{"a":"string","b":"bool"},["b"]]"#,
    ] {
        let json: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(Type::from_json(&json).unwrap().to_json(), json);
    }
    for text in [
        r#""text""#,
        r#"["list"]"#,
        r#"["list","bool","bool"]"#,
        "7",
        r#"["object",["a"]]"#,
        r#"["object",{},["a"]]"#,
        r#"["tuple","bool"]"#,
    ] {
        assert!(Type::from_json(&serde_json::from_str(text).unwrap()).is_err(), "{text}");
    }
}

fn any_number() -> impl Strategy<Value = BigDecimal> {
    prop_oneof![
        any::<i64>().prop_map(BigDecimal::from),
        any::<f64>().prop_filter_map("finite", |f| BigDecimal::try_from(f).ok()),
        "-?[1-9][0-9]{0,40}(\\.[0-9]{1,20})?".prop_map(|t| BigDecimal::from_str(&t).unwrap()),
    ]
}

fn any_typed() -> impl Strategy<Value = (Type, Value)> {
    let leaf = prop_oneof![
        ".{0,8}".prop_map(|s| (Type::String, Value::from(s))),
        any::<bool>().prop_map(|b| (Type::Bool, Value::from(b))),
        any_number().prop_map(|n| (Type::Number, Value::Number(n))),
        Just((Type::String, Value::Null)),
        Just((Type::Bool, Value::UNKNOWN)),
        "[a-z]{1,4}".prop_map(|prefix| {
            (
                Type::String,
                unknown(Refinements { nullness: Some(false), prefix: Some(prefix), ..Refinements::default() }),
            )
        }),
        any_number()
            .prop_map(|n| (Type::Number, unknown(Refinements { lower: Some((n, true)), ..Refinements::default() }))),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let many = |count: std::ops::Range<usize>| prop::collection::vec(inner.clone(), count);
        let copies = (inner.clone(), 0usize..4);
        prop_oneof![
            copies.clone().prop_map(|((t, v), n)| (Type::list(t), Value::List(vec![v; n]))),
            copies.clone().prop_map(|((t, v), n)| (Type::set(t), Value::Set(vec![v; n.min(1)]))),
            copies.prop_map(|((t, v), n)| (
                Type::map(t),
                Value::Map((0..n).map(|i| (i.to_string(), v.clone())).collect())
            )),
            many(0..4).prop_map(|all| {
                let (types, values) = all.into_iter().unzip();
                (Type::Tuple(types), Value::Tuple(values))
            }),
            many(0..4).prop_map(|all| {
                let (mut types, mut values) = (Vec::new(), Vec::new());
                for (i, (t, v)) in all.into_iter().enumerate() {
                    types.push((format!("a{i}"), t));
                    values.push((format!("a{i}"), v));
                }
                (Type::object(types), Value::object(values))
            }),
            inner.prop_map(|(t, v)| (Type::Dynamic, Value::Dynamic(t, Box::new(v)))),
        ]
    })
}

/// What JSON can say of a value.
fn forget_unknowns(value: Value) -> Value {
    let all = |items: Vec<Value>| items.into_iter().map(forget_unknowns).collect();
    let named = |items: BTreeMap<String, Value>| items.into_iter().map(|(k, v)| (k, forget_unknowns(v))).collect();
    match value {
        Value::Unknown(_) => Value::Null,
        Value::List(items) => Value::List(all(items)),
        Value::Set(items) => Value::Set(all(items)),
        Value::Tuple(items) => Value::Tuple(all(items)),
        Value::Map(items) => Value::Map(named(items)),
        Value::Object(items) => Value::Object(named(items)),
        Value::Dynamic(ty, inner) => Value::Dynamic(ty, Box::new(forget_unknowns(*inner))),
        known => known,
    }
}

proptest! {
    #[test]
    fn msgpack_and_json_bring_back_what_went_in((ty, value) in any_typed()) {
        prop_assert_eq!(&round(&value, &ty), &value);
        prop_assert_eq!(from_json(&to_json(&value), &ty).unwrap(), forget_unknowns(value));
    }

    #[test]
    fn random_bytes_are_a_value_of_the_type_or_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..64),
        (ty, _) in any_typed(),
    ) {
        for value in [
            DynamicValue { msgpack: bytes.clone(), json: Vec::new() },
            DynamicValue { msgpack: Vec::new(), json: bytes },
        ] {
            if let Ok(value) = decode(Some(&value), &ty) {
                prop_assert_eq!(&round(&value, &ty), &value);
            }
        }
    }

    #[test]
    fn bent_messages_are_a_value_of_the_type_or_an_error(
        (ty, value) in any_typed(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = encode(&value, &ty).unwrap().msgpack;
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(value) = decode(Some(&DynamicValue { msgpack: bytes, json: Vec::new() }), &ty) {
            prop_assert_eq!(&round(&value, &ty), &value);
        }
    }
}
