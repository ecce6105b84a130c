//! Conversions that attributes of several types share: timestamps, versions, durations.

use super::Codec;
use crate::omni::spec::fields;
use crate::omni::spec::fields::Field;
use crate::provider::{duration, timestamp};
use crate::tf::value::Value;
use kit::go_duration::GoDuration;
use kit::version;
use prost_types::{Duration, Timestamp};

/// A point in time: RFC 3339 in the attribute, a timestamp in the field; null while it is not set.
pub(crate) const TIME: Codec = Codec::Own {
    write: |value| {
        value
            .as_str()
            .and_then(timestamp::parse)
            .and_then(|at| fields::to_message("google.protobuf.Timestamp", &timestamp::to_proto(at)))
    },
    read: |field, _| {
        field.and_then(fields::from_message::<Timestamp>).map(|at| timestamp::show(timestamp::from_proto(&at))).into()
    },
};

/// A version, which Omni keeps without a leading `v`.
pub(crate) const VERSION: Codec = Codec::Own {
    write: |value| value.as_str().map(|text| Field::String(version::strip_v(text).to_owned())),
    read: |field, _| field.and_then(Field::as_str).unwrap_or_default().into(),
};

/// The same; null while it is not set.
pub(crate) const VERSION_IF_ANY: Codec = Codec::Own {
    write: |value| value.as_str().map(|text| Field::String(version::strip_v(text).to_owned())),
    read: |field, _| field.and_then(Field::as_str).map(version::strip_v).filter(|version| !version.is_empty()).into(),
};

/// Versions, oldest first. They are only read.
pub(crate) const VERSIONS: Codec = Codec::Own {
    write: |_| None,
    read: |field, _| {
        let all = field.and_then(Field::as_list).unwrap_or_default();
        let all = all.iter().filter_map(Field::as_str).map(str::to_owned).collect();
        Value::List(version::sorted(all).into_iter().map(Value::from).collect())
    },
};

/// Time between two things: a Go duration in the attribute; nothing, also in words such as `0s`, leaves it to Omni.
pub(crate) const INTERVAL: Codec = Codec::Own {
    write: |value| fields::to_message("google.protobuf.Duration", &to_duration(value.as_str().and_then(interval)?)),
    read: |field, prior| interval_text(field.and_then(fields::from_message::<Duration>).as_ref(), prior),
};

/// The interval of a message as an attribute; what is none stays as it was configured.
pub(crate) fn interval_text(message: Option<&Duration>, prior: &Value) -> Value {
    let none = prior.as_str().filter(|text| interval(text).is_none());
    message.and_then(positive).map(|interval| interval.to_string()).or_else(|| none.map(str::to_owned)).into()
}

/// The Go duration of a message; `None` where it is not positive.
pub(crate) fn positive(duration: &Duration) -> Option<GoDuration> {
    GoDuration::from_parts(duration.seconds, duration.nanos).filter(|duration| duration.nanos() > 0)
}

/// The interval that a text asks for; `None` for a text that is no duration, or asks for none.
pub(crate) fn interval(text: &str) -> Option<GoDuration> {
    duration::parse(text).ok().filter(|interval| interval.nanos() > 0)
}

/// A Go duration as a message.
pub(crate) fn to_duration(duration: GoDuration) -> Duration {
    let (seconds, nanos) = duration.parts();
    Duration { seconds, nanos }
}

/// The texts of a table of enum values.
pub(crate) const fn texts<const N: usize>(table: &[(&'static str, i32); N]) -> [&'static str; N] {
    let mut texts = [""; N];
    let mut at = 0;
    while at < N {
        texts[at] = table[at].0;
        at += 1;
    }
    texts
}
