//! A provider as a process: started by a host, found through a line on stdout, served over gRPC, ended in good order.
//! It knows neither what the provider does nor what the calls mean; nothing else in the crate may write to stdout.

mod arguments;
mod broker;
mod connection;
mod controller;
pub mod handshake;
mod lifetime;
pub mod listener;
mod reattach;
mod stdio;
pub mod tls;

#[cfg(test)]
mod tests;

use super::crash;
use super::diag::chain;
use super::log::{self, Modules, Reader};
use super::provider::Provider;
use super::server::Server;
use arguments::Task;
use connection::{Alive, Connection};
use handshake::{Environment, HandshakeError, Host};
use lifetime::{Signals, Timeouts};
use listener::{Address, ListenError, Listener};
use omni_proto::plugin::grpc_broker_server::GrpcBrokerServer;
use omni_proto::plugin::grpc_controller_server::GrpcControllerServer;
use omni_proto::plugin::grpc_stdio_server::GrpcStdioServer;
use omni_proto::tfplugin6::provider_server::ProviderServer;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tls::{Tls, TlsError};
use tokio::sync::watch;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Router;

/// The largest message in either direction; a single attribute may hold megabytes.
const LARGEST_MESSAGE: usize = 256 * 1024 * 1024;

/// How long answers on their way may take once the process is to end.
const LAST_ANSWERS: Duration = Duration::from_millis(150);

/// How long closing what the host left open may take at the end; hosts kill a process two seconds after they ordered it.
const LAST_CLOSINGS: Duration = Duration::from_millis(1500);

/// What the process layer has to know of the provider that it serves.
pub struct Program {
    /// The name of the binary.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The provider's source address: `registry.terraform.io/NAMESPACE/TYPE`.
    pub address: &'static str,
    /// What parts of the crate are called in logs.
    pub modules: Modules,
}

impl Program {
    /// The last part of the address, which names the provider in configurations and logs.
    fn provider(&self) -> &str {
        self.address.rsplit('/').next().unwrap_or(self.address)
    }
}

/// Why the process could not serve.
#[derive(Debug, thiserror::Error)]
enum PluginError {
    #[error("could not agree with the host")]
    Handshake(#[from] HandshakeError),
    #[error("could not protect the connection to the host")]
    Tls(#[from] TlsError),
    #[error("could not open a way for the host to connect")]
    Listen(#[from] ListenError),
    #[error("could not take the signals of the process")]
    Signals(#[source] io::Error),
    #[error("could not write to stdout")]
    Stdout(#[source] io::Error),
    #[error("could not start the threads of the process")]
    Threads(#[source] io::Error),
    #[error("the server stopped")]
    Serve(#[from] tonic::transport::Error),
}

/// Runs the process to its end: the whole of a provider's `main`.
/// The provider is made when the first call needs it, after the handshake.
pub fn run(
    program: &Program,
    arguments: impl IntoIterator<Item = OsString>,
    environment: Environment<'_>,
    provider: impl Fn() -> Arc<dyn Provider> + Send + Sync + 'static,
) -> ExitCode {
    let task = match arguments::read(arguments) {
        Ok(task) => task,
        Err(argument) => {
            eprint(&format!("`{}` means nothing here; see `{} --help`.", argument.display(), program.name));
            return ExitCode::from(2);
        }
    };
    let done = match task {
        Task::Version => print(&format!("{} {}\n", program.name, program.version)),
        Task::Help => print(&help(program)),
        Task::Serve => match Host::read(environment) {
            Err(HandshakeError::NoHost) => {
                eprint(&by_hand(program));
                return ExitCode::FAILURE;
            }
            Err(error) => Err(error.into()),
            Ok(host) => {
                log::install(environment, Reader::Host, program.provider(), program.modules);
                crash::install_hook();
                on_threads(serve_host(host, Server::new(provider)))
            }
        },
        Task::Debug => {
            log::install(environment, Reader::Person, program.provider(), program.modules);
            crash::install_hook();
            on_threads(serve_attached(program, Server::new(provider)))
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The prefix is how hosts find the level of a line that is not JSON.
            eprint(&format!("[ERROR] {}", chain(&error).replace('\n', " ")));
            ExitCode::FAILURE
        }
    }
}

/// How large the stack of each worker thread is, in bytes. Whatever walks a value recursively has to fit there.
pub const STACK: usize = 2 << 20;

fn on_threads(work: impl Future<Output = Result<(), PluginError>>) -> Result<(), PluginError> {
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 4));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_stack_size(STACK)
        .enable_all()
        .build()
        .map_err(PluginError::Threads)?;
    let done = runtime.block_on(work);
    // What still runs has had its time.
    runtime.shutdown_background();
    done
}

async fn serve_host(host: Host, server: Server) -> Result<(), PluginError> {
    let signals = Signals::take().map_err(PluginError::Signals)?;
    let tls = host.certificate.as_deref().map(Tls::new).transpose()?;
    let (listener, address) = listen(host.socket_dir.as_deref(), host.socket_group.as_deref(), host.ports.clone())?;
    if !host.speaks_our_version() {
        tracing::warn!(versions = ?host.versions, "the host does not speak protocol {}", handshake::PROTOCOL);
    }
    print(&host.answer(address.network, &address.address, tls.as_ref().map(|t| t.certificate.as_ref())))?;

    let (alive, watch) = watch::channel(Alive::default());
    let incoming = connection::incoming(listener, tls.map(|t| t.acceptor), alive);
    let ends = async {
        tokio::select! {
            () = signals.end(false) => tracing::debug!("asked to end by a signal"),
            () = lifetime::abandoned(watch, Timeouts::HOST) => tracing::warn!("the host is gone"),
        }
    };
    serve(server, incoming, ends).await
}

async fn serve_attached(program: &Program, server: Server) -> Result<(), PluginError> {
    let signals = Signals::take().map_err(PluginError::Signals)?;
    let (listener, address) = listen(None, None, 0..=0)?;
    eprint("Serving until Ctrl-C. Set this variable where Terraform or OpenTofu runs:");
    print(&reattach::line(program.address, std::process::id(), &address))?;

    let (alive, _watch) = watch::channel(Alive::default());
    serve(server, connection::incoming(listener, None, alive), signals.end(true)).await
}

#[cfg(unix)]
fn listen(
    dir: Option<&Path>,
    group: Option<&str>,
    _ports: RangeInclusive<u16>,
) -> Result<(Listener, Address), ListenError> {
    Listener::unix(dir, group)
}

#[cfg(not(unix))]
fn listen(
    _dir: Option<&Path>,
    _group: Option<&str>,
    ports: RangeInclusive<u16>,
) -> Result<(Listener, Address), ListenError> {
    Listener::tcp(ports)
}

/// Serves until `ends` returns or the host orders the end.
async fn serve(
    server: Server,
    incoming: ReceiverStream<io::Result<Connection>>,
    ends: impl Future<Output = ()>,
) -> Result<(), PluginError> {
    let end = CancellationToken::new();
    let server = Arc::new(server);
    let served =
        services(server.clone(), &end).await.serve_with_incoming_shutdown(incoming, end.clone().cancelled_owned());
    tokio::pin!(served);
    let done = tokio::select! {
        done = &mut served => Some(done),
        () = end.cancelled() => None,
        () = ends => None,
    };
    end.cancel();
    server.stop();
    let done = match done {
        Some(done) => done,
        // Whoever still waits for an answer has lost interest: the host ordered the end.
        None => tokio::time::timeout(LAST_ANSWERS, served).await.unwrap_or(Ok(())),
    };
    server.close_all(LAST_CLOSINGS).await;
    Ok(done?)
}

/// All services of a plugin; `end` ends those streams that hosts keep open.
pub(crate) async fn services(server: Arc<Server>, end: &CancellationToken) -> Router {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_service_status("plugin", tonic_health::ServingStatus::Serving).await;
    let provider = ProviderServer::from_arc(server)
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE);
    tonic::transport::Server::builder()
        .add_service(provider)
        .add_service(health)
        .add_service(GrpcControllerServer::new(controller::Controller { end: end.clone() }))
        .add_service(GrpcStdioServer::new(stdio::Stdio { end: end.clone() }))
        .add_service(GrpcBrokerServer::new(broker::Broker { end: end.clone() }))
}

/// Writes to stdout, at once.
fn print(text: &str) -> Result<(), PluginError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(PluginError::Stdout)
}

/// Writes a line to stderr; there is nobody to tell if that fails.
fn eprint(line: &str) {
    writeln!(io::stderr().lock(), "{line}").ok();
}

fn by_hand(program: &Program) -> String {
    format!(
        "{} is a provider for Terraform and OpenTofu, and does nothing when run by hand.\n\
         Name `{}` in `required_providers` of a configuration, and run `terraform init`.\n\
         `{} --help` says what else there is.",
        program.name, program.address, program.name
    )
}

fn help(program: &Program) -> String {
    format!(
        "{name} {version}\n\
         A provider for Terraform and OpenTofu, which start it by themselves.\n\
         \n\
         Source address: {address}\n\
         \n\
         Options for people:\n\
         \x20 --debug     serve until Ctrl-C, and print the variable that makes Terraform attach\n\
         \x20 --version   print the version\n\
         \x20 --help      print this text\n\
         \n\
         Logs: TF_LOG or TF_LOG_PROVIDER, and TF_LOG_PROVIDER_{log} for less, each with a level from TRACE to ERROR.\n",
        name = program.name,
        version = program.version,
        address = program.address,
        log = program.provider().to_uppercase().replace('-', "_"),
    )
}
