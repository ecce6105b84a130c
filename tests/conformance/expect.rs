//! What a behaviour demands; what is not as demanded becomes the text of its failure.

use anyhow::{Context as _, bail, ensure};
use std::fmt::Debug;
use tonic::{Code, Status};

/// Both are the same.
pub fn same<T: PartialEq + Debug>(what: &str, got: T, want: T) -> anyhow::Result<()> {
    ensure!(got == want, "{what}: got {got:?}, want {want:?}");
    Ok(())
}

/// The call is refused with this code and these words.
pub fn refused(result: Result<impl Sized, Status>, code: Code, text: &str) -> anyhow::Result<()> {
    let status = refusal(result)?;
    let got = (status.code(), status.message());
    ensure!(got == (code, text), "got {got:?}, want {:?}", (code, text));
    Ok(())
}

/// The call is refused with this code, and with these words among others.
pub fn refused_with(result: Result<impl Sized, Status>, code: Code, part: &str) -> anyhow::Result<()> {
    let status = refusal(result)?;
    let got = (status.code(), status.message());
    ensure!(got.0 == code && got.1.contains(part), "got {got:?}, want {code:?} with {part:?}");
    Ok(())
}

/// The call is refused by one rule, in these words.
pub fn invalid(result: Result<impl Sized, Status>, problem: &str) -> anyhow::Result<()> {
    refused(result, Code::InvalidArgument, &format!("failed to validate: 1 error occurred:\n\t* {problem}\n\n"))
}

/// The call is refused by one rule, with these words among others.
pub fn invalid_with(result: Result<impl Sized, Status>, part: &str) -> anyhow::Result<()> {
    refused_with(result, Code::InvalidArgument, part)
}

fn refusal(result: Result<impl Sized, Status>) -> anyhow::Result<Status> {
    match result {
        Ok(_) => bail!("not refused"),
        Err(status) => Ok(status),
    }
}

/// What is accepted, with the case at hand in the failure if it is not.
pub fn accepted<T>(result: Result<T, Status>, case: impl Debug) -> anyhow::Result<T> {
    result.map_err(|s| anyhow::anyhow!("got {:?} {:?}", s.code(), s.message())).with_context(|| format!("{case:?}"))
}
