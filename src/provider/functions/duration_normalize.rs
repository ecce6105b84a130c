//! `duration_normalize`: formats a duration as Omni does.

use super::{Pure, text};
use crate::tf::function::{FunctionError, Parameter, Signature};
use crate::tf::value::{Type, Value};
use kit::go_duration;

pub(super) fn function() -> Pure {
    Pure {
        name: "duration_normalize",
        signature: Signature {
            summary: "Formats a duration as Omni does.",
            description: "Formats a Go duration as Omni does: `90m` becomes `1h30m0s`. \
                          Equal durations give the same result.",
            parameters: vec![Parameter::new("duration", Type::String, "Go duration, such as `90s`, `30m` or `1h30m`.")],
            variadic: None,
            returns: Type::String,
        },
        call,
    }
}

fn call(arguments: &[Value]) -> Result<Value, FunctionError> {
    let written = text(arguments, 0);
    match go_duration::parse(written) {
        Ok(duration) => Ok(duration.to_string().into()),
        Err(error) => Err(FunctionError::at(0, error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_length_gives_the_same_text() {
        for (written, expected) in [("90m", "1h30m0s"), ("1h30m", "1h30m0s"), ("0", "0s"), ("-1.5s", "-1.5s")] {
            assert_eq!(call(&[written.into()]), Ok(expected.into()), "{written}");
        }
        assert_eq!(call(&["1 day".into()]).unwrap_err().argument(), Some(0));
    }
}
