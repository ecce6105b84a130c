//! The syntax of faults, on the command line and in a file.
//! It knows the names of RPCs, codes and types, but not how a fault is applied.

use super::{Action, Fault, HANDSHAKE};
use crate::kinds;
use kit::text::closest;
use omni_proto as pb;
use prost::Message;
use std::collections::BTreeSet;
use std::str::FromStr;
use std::time::Duration;
use tonic::Code;

/// What the name of almost every type ends with; a fault may leave it out.
const SUFFIX: &str = ".omni.sidero.dev";

/// How a fault is written; also shown by `omni-sim --help`.
pub const GRAMMAR: &str = "\
  CALL [of TYPE] WHAT [skip N] [times N|always] [: TEXT]

  CALL is a method such as Create, or Handshake for that of TLS; TYPE is a type such as Clusters.
  `omni-sim faults` lists the names of both.
  WHAT is one of
    delay 200ms   the response is delayed
    refuse CODE   the call has no effect, and returns a gRPC code with TEXT
    fail CODE     the call takes effect, and returns a gRPC code nevertheless
    cut           the connection breaks before the call takes effect
    lose          the call takes effect, and the connection breaks before the response
    gone 5s       an outage of this duration: nothing listens, and all connections break
    break N       a List or a Watch fails after N messages
    conflict      another client writes the object before an Update
  Handshake accepts delay, and refuse without a code.
  The fault applies to the first such call; skip N skips calls before it, times N applies it to N calls, always to every call.
";

/// A fault that nobody can read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no fault: {why}\nA fault is written as\n{GRAMMAR}")]
pub struct FaultError {
    text: String,
    why: String,
}

/// A line of a file that is no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}")]
pub struct PlanError {
    line: usize,
    source: FaultError,
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (words, said) = match text.split_once(": ") {
            Some((words, said)) => (words, Some(said.trim())),
            None => (text, None),
        };
        let mut words = words.split_whitespace();
        fault(&mut words, said).map_err(|why| FaultError { text: text.to_owned(), why })
    }
}

/// The faults of a file: one on each line; empty lines and those that begin with `#` count for nothing.
///
/// # Errors
/// With the number of the first line that is no fault.
pub fn read(text: &str) -> Result<Vec<Fault>, PlanError> {
    let lines = text.lines().map(str::trim).enumerate();
    let faults = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    faults.map(|(index, line)| line.parse().map_err(|source| PlanError { line: index + 1, source })).collect()
}

fn fault<'a>(words: &mut impl Iterator<Item = &'a str>, said: Option<&str>) -> Result<Fault, String> {
    let method = method(words.next().ok_or("it is empty")?)?;
    let mut word = words.next();
    let mut kind = None;
    if word == Some("of") {
        kind = Some(known_type(words.next().ok_or("`of` is followed by a type")?)?);
        word = words.next();
    }
    let action = action(&method, word.ok_or("it does not say what goes wrong")?, words, said)?;
    if said.is_some() && !matches!(action, Action::Refuse(..) | Action::FailAfterwards(..)) {
        return Err("only refuse and fail take a text".to_owned());
    }
    let mut fault = Fault::new(method, action);
    if let Some(kind) = kind {
        fault = fault.of(kind);
    }
    while let Some(word) = words.next() {
        fault = match word {
            "skip" => fault.after(number(words, word)?),
            "times" => fault.times(number(words, word)?),
            "always" => fault.times(usize::MAX),
            other => return Err(format!("`{other}` is not understood")),
        };
    }
    Ok(fault)
}

fn action<'a>(
    method: &str,
    word: &str,
    words: &mut impl Iterator<Item = &'a str>,
    said: Option<&str>,
) -> Result<Action, String> {
    let text = |usual: &str| said.unwrap_or(usual).to_owned();
    let name = method.rsplit('/').next().unwrap_or(method);
    match (name, word) {
        (HANDSHAKE, "refuse") => Ok(Action::Refuse(Code::Unavailable, text("refused on purpose"))),
        (_, "delay") => Ok(Action::Delay(time(words, word)?)),
        (HANDSHAKE, _) => Err("a handshake can only be delayed or refused".to_owned()),
        (_, "refuse") => Ok(Action::Refuse(code(words, word)?, text("refused on purpose"))),
        (_, "fail") => Ok(Action::FailAfterwards(code(words, word)?, text("failed on purpose"))),
        (_, "cut") => Ok(Action::DropBefore),
        (_, "lose") => Ok(Action::DropAfterwards),
        (_, "gone") => Ok(Action::Leave(time(words, word)?)),
        ("List" | "Watch", "break") => Ok(Action::Break(number(words, word)?)),
        (_, "break") => Err("only a List and a Watch can break in the middle".to_owned()),
        ("Update", "conflict") => Ok(Action::Conflict),
        (_, "conflict") => Err("only an Update can meet a conflict".to_owned()),
        (_, other) => Err(format!("`{other}` is not something that goes wrong")),
    }
}

fn method(word: &str) -> Result<String, String> {
    let known = word == HANDSHAKE || methods().any(|m| m == word || m.rsplit('/').next() == Some(word));
    if known { Ok(word.to_owned()) } else { Err(unknown("call", word, &calls())) }
}

/// A name that is not known, the one that was likely meant, and where all of them are.
fn unknown(what: &str, word: &str, known: &[String]) -> String {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let meant = closest(word, &known).map(|name| format!("did you mean `{name}`? ")).unwrap_or_default();
    format!("there is no {what} `{word}`; {meant}`omni-sim faults` lists every {what}")
}

/// The names that `CALL` can be, in their order.
fn calls() -> Vec<String> {
    let short = |method: String| method.rsplit('/').next().map(str::to_owned);
    let names: BTreeSet<String> = methods().filter_map(short).chain([HANDSHAKE.to_owned()]).collect();
    names.into_iter().collect()
}

/// The names that `TYPE` can be, in their order.
fn types() -> Vec<String> {
    let names: BTreeSet<&str> =
        kinds::ALL.iter().map(|kind| kind.name.strip_suffix(SUFFIX).unwrap_or(kind.name)).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// Every name that a fault may hold, as `omni-sim faults` prints them.
#[must_use]
pub fn names() -> String {
    let list = |names: Vec<String>| names.iter().map(|name| format!("  {name}\n")).collect::<String>();
    format!("CALL is one of\n{}\nTYPE is one of\n{}", list(calls()), list(types()))
}

/// The calls of Omni.
fn methods() -> impl Iterator<Item = String> {
    let files = prost_types::FileDescriptorSet::decode(pb::DESCRIPTORS).unwrap_or_default().file;
    files.into_iter().flat_map(|file| {
        let package = file.package().to_owned();
        file.service.into_iter().flat_map(move |service| {
            let prefix = format!("/{package}.{}/", service.name());
            service.method.into_iter().map(move |method| format!("{prefix}{}", method.name()))
        })
    })
}

fn known_type(word: &str) -> Result<String, String> {
    let full = if word.contains('.') { word.to_owned() } else { format!("{word}{SUFFIX}") };
    if kinds::find(&full).is_some() { Ok(full) } else { Err(unknown("type", word, &types())) }
}

fn code<'a>(words: &mut impl Iterator<Item = &'a str>, after: &str) -> Result<Code, String> {
    let word = words.next().ok_or_else(|| format!("`{after}` is followed by a gRPC code, such as Unavailable"))?;
    let plain = |text: &str| text.replace('_', "").to_lowercase();
    let mut codes = (1..=16).map(Code::from);
    codes.find(|code| plain(&format!("{code:?}")) == plain(word)).ok_or_else(|| format!("`{word}` is no gRPC code"))
}

fn number<'a>(words: &mut impl Iterator<Item = &'a str>, after: &str) -> Result<usize, String> {
    let found = words.next().and_then(|word| word.parse().ok());
    found.ok_or_else(|| format!("`{after}` is followed by a number"))
}

fn time<'a>(words: &mut impl Iterator<Item = &'a str>, after: &str) -> Result<Duration, String> {
    let word = words.next().unwrap_or_default();
    let parsed = match word.strip_suffix("ms") {
        Some(number) => number.parse().ok().map(Duration::from_millis),
        None => word.strip_suffix('s').and_then(|number| number.parse().ok()).map(Duration::from_secs),
    };
    parsed.ok_or_else(|| format!("`{after}` is followed by a time, such as 200ms or 5s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_goes_wrong() {
        let create = || Fault::new("Create", Action::DropBefore);
        let refuse = |code, text: &str| Action::Refuse(code, text.to_owned());
        for (text, expected) in [
            ("Create cut", create()),
            ("  Create   of Clusters cut ", create().of("Clusters.omni.sidero.dev")),
            ("Create of Clusters.omni.sidero.dev cut", create().of("Clusters.omni.sidero.dev")),
            ("Create cut skip 2 times 3", create().after(2).times(3)),
            ("Create cut always", create().times(usize::MAX)),
            ("Get delay 200ms", Fault::new("Get", Action::Delay(Duration::from_millis(200)))),
            ("Get gone 5s", Fault::new("Get", Action::Leave(Duration::from_secs(5)))),
            ("Get refuse Unavailable", Fault::new("Get", refuse(Code::Unavailable, "refused on purpose"))),
            ("Get refuse RESOURCE_EXHAUSTED", Fault::new("Get", refuse(Code::ResourceExhausted, "refused on purpose"))),
            ("Get refuse Aborted times 2: go: away", Fault::new("Get", refuse(Code::Aborted, "go: away")).times(2)),
            ("Update fail Internal: late", Fault::new("Update", Action::FailAfterwards(Code::Internal, "late".into()))),
            ("Update lose", Fault::new("Update", Action::DropAfterwards)),
            ("Update conflict", Fault::new("Update", Action::Conflict)),
            ("List of Links break 3", Fault::new("List", Action::Break(3)).of("Links.omni.sidero.dev")),
            ("Handshake refuse", Fault::new(HANDSHAKE, refuse(Code::Unavailable, "refused on purpose"))),
            (
                "/management.ManagementService/Kubeconfig cut",
                Fault::new("/management.ManagementService/Kubeconfig", Action::DropBefore),
            ),
            ("Kubeconfig cut", Fault::new("Kubeconfig", Action::DropBefore)),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_and_the_right_way_explained() {
        for (text, why) in [
            ("", "it is empty"),
            ("Craete cut", "there is no call `Craete`; did you mean `Create`? `omni-sim faults` lists every call"),
            ("ApplyResourceChange cut", "there is no call `ApplyResourceChange`; `omni-sim faults` lists every call"),
            ("Create", "it does not say what goes wrong"),
            ("Create of", "`of` is followed by a type"),
            (
                "Create of Cluster cut",
                "there is no type `Cluster`; did you mean `Clusters`? `omni-sim faults` lists every type",
            ),
            ("Create explode", "`explode` is not something that goes wrong"),
            ("Create refuse", "`refuse` is followed by a gRPC code, such as Unavailable"),
            ("Create refuse Ok", "`Ok` is no gRPC code"),
            ("Create delay 5", "`delay` is followed by a time, such as 200ms or 5s"),
            ("Create cut times", "`times` is followed by a number"),
            ("Create cut twice", "`twice` is not understood"),
            ("Create cut: why", "only refuse and fail take a text"),
            ("Get break 1", "only a List and a Watch can break in the middle"),
            ("Create conflict", "only an Update can meet a conflict"),
            ("Handshake cut", "a handshake can only be delayed or refused"),
        ] {
            let error = text.parse::<Fault>().expect_err(text);
            assert_eq!(error.why, why, "{text}");
            assert!(error.to_string().ends_with(GRAMMAR), "{error}");
        }
    }

    #[test]
    fn every_name_that_is_listed_is_taken() {
        let names = names();
        let (calls, types) = names.split_once("\nTYPE is one of\n").unwrap();
        let calls: Vec<&str> = calls.lines().skip(1).map(str::trim).collect();
        let types: Vec<&str> = types.lines().map(str::trim).collect();
        assert!(calls.contains(&"Create") && calls.contains(&HANDSHAKE) && types.contains(&"Clusters"), "{names}");
        assert!(!calls.contains(&"ApplyResourceChange"), "{names}");
        for call in calls {
            assert!(format!("{call} delay 1s").parse::<Fault>().is_ok(), "{call}");
        }
        for kind in types {
            assert!(format!("Get of {kind} cut").parse::<Fault>().is_ok(), "{kind}");
        }
    }

    #[test]
    fn a_file_holds_one_on_each_line() {
        let faults = read("# The first create is lost.\n\nCreate lose\n  List break 2\n");
        assert_eq!(
            faults,
            Ok(vec![Fault::new("Create", Action::DropAfterwards), Fault::new("List", Action::Break(2))])
        );
        assert_eq!(read("Create lose\n\nlist all\n").expect_err("no call").line, 3);
    }
}
