//! Conversion of a gRPC status to an error with a kind.
//! Where the code alone leaves it open, this looks at the parts of the message that have been stable across releases;
//! no other place may look at a message to decide anything.

use super::auth::{MAX_SKEW, date};
use super::channel::ConnectFailure;
use super::error::{Error, ErrorKind};
use super::problems;
use super::spec::{self, Spec};
use super::state::{HIDDEN, Key, Kind};
use super::transport::{CutOff, NotGrpc, NotSigned, TransportState, is_received};
use super::version;
use kit::text::quoted;
use omni_proto::specs::DefaultJoinTokenSpec;
use std::error::Error as StdError;
use tonic::{Code, ConnectError, Status};

/// The calls that change nothing, beside those whose name says so.
const READS: &[&str] =
    &["Watch", "Kubeconfig", "Talosconfig", "Omniconfig", "KubernetesUpgradePreChecks", "ReadAuditLog"];

/// One call: what is asked, and of which object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op<'a> {
    /// The full method name: `/cosi.resource.State/Get`.
    pub(crate) method: &'static str,
    /// What it is about.
    pub(crate) about: About<'a>,
}

/// What a call is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum About<'a> {
    /// One object.
    Object(&'a Key),
    /// All objects of a kind.
    Kind(Kind),
    /// Something else, in words; may be empty.
    Words(&'a str),
}

impl Op<'_> {
    /// The last part of the method name.
    pub(crate) fn verb(&self) -> &'static str {
        self.method.rsplit('/').next().unwrap_or(self.method)
    }

    /// Whether the call changes nothing that could be read.
    pub(crate) fn only_reads(&self) -> bool {
        let verb = self.verb();
        READS.contains(&verb) || ["Get", "List", "Validate"].iter().any(|prefix| verb.starts_with(prefix))
    }

    /// The call in words, for waits that end too soon.
    pub(crate) fn words(&self) -> String {
        let verb = self.verb();
        match self.about {
            About::Object(key) => format!("the answer to {verb} of `{key}`"),
            About::Kind(kind) => format!("the answer to {verb} of `{}`", kind.name),
            About::Words("") => format!("the answer to {verb}"),
            About::Words(words) => format!("the answer to {verb} of {words}"),
        }
    }

    fn key(&self) -> Option<&Key> {
        match self.about {
            About::Object(key) => Some(key),
            _ => None,
        }
    }

    /// What the server said, without the ids that are secrets: it names objects by their ids.
    fn without_secrets(&self, text: &str) -> String {
        match self.about {
            About::Object(key) if key.kind.hides_ids() && !key.id.is_empty() => text.replace(&key.id, HIDDEN),
            // The choice of the default token is refused with the token that was chosen.
            About::Object(key) if key.kind == DefaultJoinTokenSpec::KIND => match text.split_once("with id \"") {
                Some((before, after)) => {
                    let rest = after.split_once('"').map_or("", |(_, rest)| rest);
                    format!("{before}with id {HIDDEN}{rest}")
                }
                None => text.to_owned(),
            },
            _ => text.to_owned(),
        }
    }

    fn kind(&self) -> Option<Kind> {
        match self.about {
            About::Object(key) => Some(key.kind),
            About::Kind(kind) => Some(kind),
            About::Words(_) => None,
        }
    }
}

/// Whether another attempt may go well; whether the failed one took effect, [`Error::may_have_happened`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// A retry would fail in the same way.
    Final,
    /// It may, and this one certainly did not reach the server.
    Unsent,
    /// It may, and this one may have taken effect.
    Lost,
}

/// A failed attempt.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) delivery: Delivery,
}

impl Failure {
    pub(crate) fn last(error: Error) -> Self {
        Self { error, delivery: Delivery::Final }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// Reads the status that an attempt ended with.
pub(crate) fn read(op: &Op<'_>, status: &Status, transport: &TransportState, endpoint: &str) -> Failure {
    if let Some(failure) = local(status, transport, endpoint) {
        return failure;
    }
    if !is_received(status) {
        // The answer was there, but could not be made sense of; one that is too large stays so.
        let failure = lost(endpoint, format!("the answer could not be read: {}", problems::tidy(status.message())));
        let delivery = if status.code() == Code::OutOfRange { Delivery::Final } else { failure.delivery };
        return Failure { delivery, ..failure };
    }
    let kind = kind(op, status);
    let said = op.without_secrets(status.message());
    let refusal = problems::read(&said);
    match kind {
        ErrorKind::Unauthenticated => {
            Failure::last(Error::Unauthenticated { reason: Some(reason(transport, endpoint)) })
        }
        ErrorKind::Unimplemented => Failure::last(Error::Unsupported {
            what: unknown(op, status),
            needs: version::needs(op.verb()).or_else(|| op.kind().and_then(|k| version::needs(k.name))),
            server: None,
            method: op.method,
        }),
        _ => {
            let error = Error::Status {
                kind,
                message: message(kind, status, refusal.message),
                problems: if kind == ErrorKind::Validation { refusal.problems } else { Vec::new() },
                key: op.key().cloned(),
                method: op.method,
            };
            let delivery =
                if error.may_have_happened() && !is_too_large(status) { Delivery::Lost } else { Delivery::Final };
            Failure { error, delivery }
        }
    }
}

/// An answer that is none of gRPC. Even one that looks final may be a page that is shown while something restarts.
fn not_grpc(endpoint: &str, answer: &NotGrpc) -> Failure {
    let code = answer.status.as_u16();
    let kind = answer.content_type.as_deref().map(|kind| format!(" ({})", problems::tidy(kind))).unwrap_or_default();
    let message = if answer.status.is_server_error() || matches!(code, 408 | 425 | 429) {
        format!("something in front of Omni answered HTTP {code}{kind}")
    } else if answer.status.is_redirection() {
        format!("the server answered HTTP {code}, which sends callers to another address; check the endpoint")
    } else {
        format!("the server answered HTTP {code}{kind} without gRPC, which Omni does not do; check the endpoint")
    };
    lost(endpoint, message)
}

/// Failures that did not come from the server.
fn local(status: &Status, transport: &TransportState, endpoint: &str) -> Option<Failure> {
    let mut deepest = status.source()?;
    loop {
        if let Some(NotSigned(e)) = deepest.downcast_ref() {
            // What cannot be signed is a name that somebody configured.
            return Some(Failure::last(Error::Config { setting: "cluster", message: e.to_string() }));
        }
        if let Some(answer) = deepest.downcast_ref::<NotGrpc>() {
            return Some(not_grpc(endpoint, answer));
        }
        if let Some(cut) = deepest.downcast_ref::<CutOff>() {
            return Some(lost(endpoint, cut.to_string()));
        }
        if let Some(e) = deepest.downcast_ref::<ConnectFailure>() {
            return Some(unconnected(endpoint, e));
        }
        if let Some(ConnectError(inner)) = deepest.downcast_ref::<ConnectError>() {
            // Its source skips the error that it wraps.
            if let Some(e) = inner.downcast_ref::<ConnectFailure>() {
                return Some(unconnected(endpoint, e));
            }
            if inner.source().is_none() {
                let failure = ConnectFailure { message: inner.to_string(), permanent: false, setting: "endpoint" };
                return Some(unconnected(endpoint, &failure));
            }
        }
        match deepest.source() {
            Some(next) => deepest = next,
            None => break,
        }
    }
    Some(match transport.glimpse.seen() {
        Some(seen) if seen.certain => {
            let message = seen.message.to_owned();
            unconnected(endpoint, &ConnectFailure { message, permanent: true, setting: "endpoint" })
        }
        Some(seen) => lost(endpoint, seen.message.to_owned()),
        None => lost(endpoint, format!("the connection broke: {}", problems::tidy(&deepest.to_string()))),
    })
}

fn unconnected(endpoint: &str, why: &ConnectFailure) -> Failure {
    let error = Error::Transport {
        endpoint: endpoint.to_owned(),
        message: why.message.clone(),
        maybe_sent: false,
        setting: why.setting,
    };
    Failure { error, delivery: if why.permanent { Delivery::Final } else { Delivery::Unsent } }
}

fn lost(endpoint: &str, message: String) -> Failure {
    let error = Error::Transport { endpoint: endpoint.to_owned(), message, maybe_sent: true, setting: "endpoint" };
    Failure { error, delivery: Delivery::Lost }
}

fn kind(op: &Op<'_>, status: &Status) -> ErrorKind {
    let text = status.message();
    let validated = text.contains("failed to validate");
    match status.code() {
        Code::NotFound => ErrorKind::NotFound,
        Code::AlreadyExists => ErrorKind::AlreadyExists,
        Code::Unauthenticated => ErrorKind::Unauthenticated,
        Code::Unimplemented => ErrorKind::Unimplemented,
        Code::PermissionDenied if !validated && text.contains("is owned by") => ErrorKind::OwnerConflict,
        // A type that the server has never heard of falls through all its rules about access.
        Code::PermissionDenied
            if text.contains("no access is permitted") && op.kind().is_some_and(|k| spec::KINDS.contains(&k)) =>
        {
            ErrorKind::Unimplemented
        }
        Code::PermissionDenied => ErrorKind::Denied,
        Code::FailedPrecondition if text.contains("EULA") => ErrorKind::LicenceGate,
        Code::FailedPrecondition if text.contains("has pending finalizers") => ErrorKind::Finalizers,
        Code::FailedPrecondition if text.contains("update conflict") || in_state(op) => ErrorKind::Conflict,
        Code::InvalidArgument if !validated && in_state(op) && text.contains("is not in phase") => {
            ErrorKind::PhaseConflict
        }
        Code::FailedPrecondition | Code::InvalidArgument => ErrorKind::Validation,
        Code::ResourceExhausted if is_too_large(status) => ErrorKind::Other,
        // Calls about users and accounts give these without a code.
        Code::Unknown if !in_state(op) && text.contains("already exists") => ErrorKind::AlreadyExists,
        Code::Unknown if !in_state(op) && text.starts_with("unknown role to parse") => ErrorKind::Validation,
        Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded | Code::Cancelled => {
            ErrorKind::Unavailable
        }
        _ => ErrorKind::Other,
    }
}

/// A message that is too large stays so.
fn is_too_large(status: &Status) -> bool {
    status.code() == Code::ResourceExhausted && status.message().contains("larger than max")
}

fn in_state(op: &Op<'_>) -> bool {
    op.method.starts_with("/cosi.resource.State/")
}

fn message(kind: ErrorKind, status: &Status, tidied: String) -> String {
    match kind {
        // The server puts raw version numbers into this text.
        ErrorKind::Conflict => "another client changed the object first".to_owned(),
        _ if tidied.is_empty() => format!("the server gave no reason ({})", status.code()),
        _ => tidied,
    }
}

/// What the server does not know.
fn unknown(op: &Op<'_>, status: &Status) -> String {
    match op.kind() {
        Some(kind) if status.code() == Code::PermissionDenied => format!("the type `{}`", kind.name),
        Some(kind) => format!("`{}` of `{}`", op.verb(), kind.name),
        None => format!("the call `{}`", op.verb()),
    }
}

/// Why the server may have refused a signature, as far as can be seen from here.
fn reason(transport: &TransportState, endpoint: &str) -> String {
    let now = transport.clock.now();
    let signer = &transport.signer;
    if let Some(end) = signer.expires().filter(|end| *end <= now) {
        return format!("The key of {} expired on {}; renew it in Omni.", quoted(signer.identity()), date(end));
    }
    if let Some(skew) = transport.skew().filter(|skew| skew.unsigned_abs() > MAX_SKEW.as_secs()) {
        return format!(
            "The clock of this machine is {} min {} the server's, and Omni refuses signatures that are more than {} min off; set the clock.",
            skew.unsigned_abs() / 60,
            if skew > 0 { "behind" } else { "ahead of" },
            MAX_SKEW.as_secs() / 60
        );
    }
    format!(
        "The key of {} with the fingerprint {} may be unknown to `{endpoint}`, or the account may have been removed; check that key and endpoint belong together.",
        quoted(signer.identity()),
        signer.fingerprint()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::auth::{Signer, SigningKey, generate};
    use crate::omni::spec::join_token::{self, JoinTokenSpec};
    use kit::clock::TestClock;
    use omni_proto::specs::ClusterSpec;
    use std::sync::Arc;
    use std::time::Duration;

    const NOW: u64 = 1_790_000_000;

    fn transport(clock: Arc<TestClock>) -> TransportState {
        let now = Duration::from_secs(NOW);
        let made = generate("ci", Duration::from_secs(3600), now).unwrap();
        TransportState::new(
            Signer::new(SigningKey::service_account(&made.exported, now).unwrap()),
            clock,
            Arc::default(),
        )
    }

    fn state(verb: &'static str, code: Code, message: &str) -> Failure {
        let key = ClusterSpec::KIND.key("prod");
        let op = Op { method: verb, about: About::Object(&key) };
        read(&op, &received(code, message), &transport(Arc::new(TestClock::at(NOW))), "http://omni:80")
    }

    /// A status as it comes over the transport.
    fn received(code: Code, message: &str) -> Status {
        let mut status = Status::new(code, message);
        status.metadata_mut().insert("x-omnirs-received", "1".parse().unwrap());
        status
    }

    const GET: &str = "/cosi.resource.State/Get";
    const UPDATE: &str = "/cosi.resource.State/Update";
    const DESTROY: &str = "/cosi.resource.State/Destroy";
    const TEARDOWN: &str = "/cosi.resource.State/Teardown";

    #[test]
    fn kinds() {
        let table = [
            (
                GET,
                Code::NotFound,
                "resource Clusters.omni.sidero.dev(default/prod@undefined) doesn't exist",
                ErrorKind::NotFound,
            ),
            (UPDATE, Code::AlreadyExists, "resource already exists", ErrorKind::AlreadyExists),
            (
                UPDATE,
                Code::FailedPrecondition,
                "resource X update conflict: expected version '\x01'",
                ErrorKind::Conflict,
            ),
            (DESTROY, Code::FailedPrecondition, "resource X has pending finalizers &[A B]", ErrorKind::Finalizers),
            (GET, Code::FailedPrecondition, "EULA has not been accepted: https://omni/eula", ErrorKind::LicenceGate),
            (
                TEARDOWN,
                Code::PermissionDenied,
                "failed to update: resource X is owned by \"C\"",
                ErrorKind::OwnerConflict,
            ),
            (
                GET,
                Code::PermissionDenied,
                "failed to validate: 1 error occurred:\n\t* rpc error: code = PermissionDenied desc = no access is permitted\n\n",
                ErrorKind::Unimplemented,
            ),
            (
                GET,
                Code::PermissionDenied,
                "unauthorized: access denied: insufficient role: \"Reader\"",
                ErrorKind::Denied,
            ),
            (
                UPDATE,
                Code::PermissionDenied,
                "failed to validate: 1 error occurred:\n\t* a name that is owned by nobody\n\n",
                ErrorKind::Denied,
            ),
            (
                UPDATE,
                Code::InvalidArgument,
                "failed to update: resource X is not in phase running",
                ErrorKind::PhaseConflict,
            ),
            (
                UPDATE,
                Code::InvalidArgument,
                "failed to validate: 1 error occurred:\n\t* the set is not in phase one\n\n",
                ErrorKind::Validation,
            ),
            (
                TEARDOWN,
                Code::Unimplemented,
                "unknown method Teardown for service cosi.resource.State",
                ErrorKind::Unimplemented,
            ),
            (GET, Code::Unavailable, "", ErrorKind::Unavailable),
            (GET, Code::ResourceExhausted, "slow down", ErrorKind::Unavailable),
            (GET, Code::ResourceExhausted, "received message larger than max (9 vs. 4)", ErrorKind::Other),
            (GET, Code::Unauthenticated, "invalid signature", ErrorKind::Unauthenticated),
            (GET, Code::Unknown, "metadata is missing", ErrorKind::Other),
            (GET, Code::Internal, "", ErrorKind::Other),
            (UPDATE, Code::Aborted, "", ErrorKind::Other),
            (UPDATE, Code::DataLoss, "", ErrorKind::Other),
        ];
        for (verb, code, message, kind) in table {
            let failure = state(verb, code, message);
            assert_eq!(failure.error.kind(), kind, "{verb} {code:?} {message}");
            let open = matches!(kind, ErrorKind::Unavailable | ErrorKind::Other);
            assert_eq!(failure.error.may_have_happened(), open, "{verb} {code:?} {message}");
            let again = open && !message.contains("larger than max");
            assert_eq!(
                failure.delivery,
                if again { Delivery::Lost } else { Delivery::Final },
                "{verb} {code:?} {message}"
            );
            assert!(!failure.error.to_string().is_empty());
            assert!(failure.error.to_string().chars().all(|c| c == '\n' || !c.is_control()), "{}", failure.error);
        }
    }

    #[test]
    fn ids_of_join_tokens_are_not_repeated() {
        let transport = transport(Arc::new(TestClock::at(NOW)));
        for (key, code, message, shown) in [
            (
                JoinTokenSpec::KIND.key("hush"),
                Code::NotFound,
                "resource JoinTokens.omni.sidero.dev(default/hush@undefined) doesn't exist",
                "resource JoinTokens.omni.sidero.dev(default/(sensitive value)@undefined) doesn't exist",
            ),
            (
                join_token::default_key(),
                Code::InvalidArgument,
                "failed to validate: 1 error occurred:\n\t* no token with id \"hush\" exists\n\n",
                "no token with id (sensitive value) exists",
            ),
            (
                join_token::default_key(),
                Code::PermissionDenied,
                "insufficient role: \"Reader\"",
                "insufficient role: \"Reader\"",
            ),
        ] {
            let op = Op { method: UPDATE, about: About::Object(&key) };
            let failure = read(&op, &received(code, message), &transport, "http://omni:80");
            assert!(failure.error.to_string().contains(shown), "{}", failure.error);
            assert!(!format!("{failure:?}").contains("hush"), "{failure:?}");
        }
    }

    #[test]
    fn management_calls() {
        let op = Op { method: "/management.ManagementService/KubernetesUpgradePreChecks", about: About::Words("") };
        let transport = transport(Arc::new(TestClock::at(NOW)));
        let kind = |code, text: &str| read(&op, &received(code, text), &transport, "http://omni:80").error.kind();
        assert_eq!(kind(Code::FailedPrecondition, "unknown version"), ErrorKind::Validation);
        assert_eq!(kind(Code::InvalidArgument, "x is not in phase y"), ErrorKind::Validation);
        assert_eq!(kind(Code::PermissionDenied, "no access is permitted"), ErrorKind::Denied);
    }

    #[test]
    fn validation_lists_its_problems() {
        let failure = state(UPDATE, Code::InvalidArgument, "failed to validate: 2 errors occurred:\n\t* a\n\t* b\n\n");
        match failure.error {
            Error::Status { problems, key: Some(key), method: UPDATE, .. } => {
                assert_eq!(problems, ["a", "b"]);
                assert_eq!(key.id, "prod");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn unknown_things_name_the_version_that_has_them() {
        match state(TEARDOWN, Code::Unimplemented, "unknown method Teardown").error {
            Error::Unsupported { what, needs: Some("1.8"), .. } => {
                assert_eq!(what, "`Teardown` of `Clusters.omni.sidero.dev`")
            }
            other => panic!("{other:?}"),
        }
        match state(GET, Code::PermissionDenied, "no access is permitted").error {
            Error::Unsupported { what, needs: None, .. } => assert_eq!(what, "the type `Clusters.omni.sidero.dev`"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn something_else_than_omni() {
        let key = ClusterSpec::KIND.key("prod");
        let transport = transport(Arc::new(TestClock::at(NOW)));
        let read = |error: Box<dyn StdError + Send + Sync>| {
            let op = Op { method: UPDATE, about: About::Object(&key) };
            read(&op, &Status::from_error(error), &transport, "http://omni:80")
        };
        let http = |code: u16, kind: Option<&str>| {
            let status = http::StatusCode::from_u16(code).unwrap();
            read(Box::new(NotGrpc { status, content_type: kind.map(str::to_owned) }))
        };
        for (code, kind, says) in [
            (502, Some("text/html"), "something in front of Omni answered HTTP 502 (text/html)"),
            (503, None, "something in front of Omni answered HTTP 503"),
            (504, None, "something in front of Omni answered HTTP 504"),
            (429, None, "something in front of Omni answered HTTP 429"),
            (404, Some("text/html"), "answered HTTP 404 (text/html) without gRPC"),
            (200, Some("text/html"), "answered HTTP 200 (text/html) without gRPC"),
            (302, None, "sends callers to another address"),
        ] {
            let failure = http(code, kind);
            assert_eq!(failure.delivery, Delivery::Lost, "{code}");
            assert!(failure.error.may_have_happened() && failure.error.is(ErrorKind::Unavailable), "{code}");
            assert!(failure.error.to_string().contains(says), "{code}: {}", failure.error);
        }
        let cut = read(Box::new(CutOff));
        assert!(cut.delivery == Delivery::Lost && cut.error.may_have_happened(), "{cut:?}");
    }

    /// A status that the library makes up, whatever its words are, is an answer that could not be read.
    #[test]
    fn only_what_was_received_can_be_a_refusal() {
        let key = ClusterSpec::KIND.key("prod");
        let op = Op { method: UPDATE, about: About::Object(&key) };
        let transport = transport(Arc::new(TestClock::at(NOW)));
        for status in [Status::internal("failed to decode"), Status::not_found("x"), Status::unimplemented("y")] {
            let failure = read(&op, &status, &transport, "http://omni:80");
            assert!(failure.delivery == Delivery::Lost && failure.error.may_have_happened(), "{failure:?}");
            assert!(failure.error.to_string().contains("the answer could not be read"), "{}", failure.error);
        }
    }

    /// As a running Omni 1.6.6 answered; the same text from the state would be something else.
    #[test]
    fn calls_about_people_fail_without_a_code() {
        let transport = transport(Arc::new(TestClock::at(NOW)));
        let kind = |method, text| {
            let op = Op { method, about: About::Words("the user `p@example.org`") };
            read(&op, &received(Code::Unknown, text), &transport, "http://omni:80").error.kind()
        };
        const CREATE_USER: &str = "/management.ManagementService/CreateUser";
        let taken = "user with email \"p@example.org\" already exists";
        assert_eq!(kind(CREATE_USER, taken), ErrorKind::AlreadyExists);
        assert_eq!(kind(CREATE_USER, "unknown role to parse: \"Boss\""), ErrorKind::Validation);
        assert_eq!(kind(CREATE_USER, "something else"), ErrorKind::Other);
        assert_eq!(kind(GET, taken), ErrorKind::Other);
    }

    #[test]
    fn refused_signatures() {
        let clock = Arc::new(TestClock::at(NOW));
        let transport = transport(clock.clone());
        let op = Op { method: GET, about: About::Words("") };
        let text =
            || match read(&op, &received(Code::Unauthenticated, "invalid signature"), &transport, "http://omni:80")
                .error
            {
                Error::Unauthenticated { reason: Some(reason) } => reason,
                other => panic!("{other:?}"),
            };
        assert!(text().contains("may be unknown to `http://omni:80`"), "{}", text());
        assert!(text().contains(transport.signer.fingerprint()), "{}", text());

        let mut headers = http::HeaderMap::new();
        // The server's clock is 10 minutes ahead of ours.
        headers.insert("date", "Mon, 21 Sep 2026 14:23:20 GMT".parse().unwrap());
        transport.observe(&headers);
        assert!(text().contains("is 10 min behind the server's"), "{}", text());

        clock.advance(Duration::from_secs(3600));
        assert!(text().contains("expired on"), "{}", text());
    }
}
