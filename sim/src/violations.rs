//! Several problems as one error message, in the format of Omni.

use super::access::Denied;
use kit::text::capped;
use tonic::{Code, Status};

/// Lets a call through, or refuses it with every problem there is.
///
/// # Errors
/// When access was denied or there are problems.
pub(super) fn unless_clean(access: Result<(), Denied>, problems: Vec<String>) -> Result<(), Status> {
    let (denied, alone) = match access {
        Ok(()) => (None, None),
        Err(Denied::Gathered(status)) => (Some(status), None),
        Err(Denied::Alone(status)) => (None, Some(status)),
    };
    let code = denied.as_ref().map_or(Code::InvalidArgument, Status::code);
    let mut texts: Vec<String> = Vec::new();
    let denied = denied.map(|s| format!("rpc error: code = {:?} desc = {}", s.code(), s.message()));
    for text in denied.into_iter().chain(problems) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    let count = match texts.len() {
        0 => return alone.map_or(Ok(()), Err),
        1 => "1 error".to_owned(),
        many => format!("{many} errors"),
    };
    let text = format!("failed to validate: {count} occurred:\n\t* {}\n\n", texts.join("\n\t* "));
    Err(Status::new(code, capped(text)))
}

/// The answer of a server that stumbles over a call, as its framework gives it.
pub(super) fn crash() -> Status {
    Status::internal("runtime error: invalid memory address or nil pointer dereference")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_gathered() {
        let status = || Status::permission_denied("no access is permitted");
        let (denied, alone) = (|| Err(Denied::Gathered(status())), || Err(Denied::Alone(status())));
        let texts = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        for (access, problems, code, expected) in [
            (Ok(()), texts(&["a"]), Code::InvalidArgument, "failed to validate: 1 error occurred:\n\t* a\n\n"),
            (
                Ok(()),
                texts(&["a", "b", "a"]),
                Code::InvalidArgument,
                "failed to validate: 2 errors occurred:\n\t* a\n\t* b\n\n",
            ),
            (
                denied(),
                texts(&[]),
                Code::PermissionDenied,
                "failed to validate: 1 error occurred:\n\t* rpc error: code = PermissionDenied desc = no access is permitted\n\n",
            ),
            (
                denied(),
                texts(&["a"]),
                Code::PermissionDenied,
                "failed to validate: 2 errors occurred:\n\t* rpc error: code = PermissionDenied desc = no access is permitted\n\t* a\n\n",
            ),
            (alone(), texts(&[]), Code::PermissionDenied, "no access is permitted"),
            (alone(), texts(&["a"]), Code::InvalidArgument, "failed to validate: 1 error occurred:\n\t* a\n\n"),
        ] {
            let status = unless_clean(access, problems).unwrap_err();
            assert_eq!((status.code(), status.message()), (code, expected));
        }
        assert!(unless_clean(Ok(()), vec![]).is_ok());
    }
}
