//! The command line of a provider: hosts pass no arguments, users may pass one.

use std::ffi::OsString;

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Task {
    /// Serve the host that started the process.
    Serve,
    /// Serve a host that attaches with `TF_REATTACH_PROVIDERS`.
    Debug,
    /// Print the version.
    Version,
    /// Print the help.
    Help,
}

/// Parses the arguments, without the name of the program.
///
/// # Errors
/// With the unknown argument.
pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Task, OsString> {
    let mut task = Task::Serve;
    for argument in arguments {
        task = match argument.to_str() {
            Some("--debug" | "-debug") => Task::Debug,
            Some("--version" | "-version" | "-V") => Task::Version,
            Some("--help" | "-help" | "-h") => Task::Help,
            _ => return Err(argument),
        };
    }
    Ok(task)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_with_one_dash_or_two() {
        let read = |a: &[&str]| read(a.iter().map(OsString::from));
        assert_eq!(read(&[]), Ok(Task::Serve));
        assert_eq!(read(&["-debug"]), Ok(Task::Debug));
        assert_eq!(read(&["--version"]), Ok(Task::Version));
        assert_eq!(read(&["-h"]), Ok(Task::Help));
        assert_eq!(read(&["--serve"]), Err(OsString::from("--serve")));
    }
}
