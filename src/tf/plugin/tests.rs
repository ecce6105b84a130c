//! The process layer over TCP, as it runs where there are no Unix sockets, and its end while a call hangs.

use super::*;
use crate::tf::data_source::DataSource;
use crate::tf::diag::Diagnostics;
use crate::tf::resource::{Context, Resource};
use crate::tf::schema::Schema;
use crate::tf::value::Value;
use omni_proto::plugin::{Empty, grpc_controller_client::GrpcControllerClient};
use omni_proto::tfplugin6::provider_client::ProviderClient;
use omni_proto::tfplugin6::{configure_provider, get_metadata};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tonic::transport::Channel;

/// A provider that never finishes its configuration.
struct Stuck {
    schema: Schema,
    asked: Arc<Notify>,
}

#[async_trait::async_trait]
impl Provider for Stuck {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn configure(&self, _: &Context, _: Value, _: &str) -> Diagnostics {
        self.asked.notify_one();
        std::future::pending().await
    }

    fn resources(&self) -> &[Arc<dyn Resource>] {
        &[]
    }

    fn data_sources(&self) -> &[Arc<dyn DataSource>] {
        &[]
    }
}

/// Serves over TCP until told to end; returns where, and the count of connections.
fn start(
    tls: Option<TlsAcceptor>,
    asked: &Arc<Notify>,
) -> (String, watch::Receiver<Alive>, tokio::task::JoinHandle<Result<(), PluginError>>) {
    let (listener, address) = Listener::tcp(0..=0).unwrap();
    let (alive, watch) = watch::channel(Alive::default());
    let asked = asked.clone();
    let server = Server::new(move || Arc::new(Stuck { schema: Schema::new("Stuck."), asked: asked.clone() }));
    let incoming = connection::incoming(listener, tls, alive);
    (address.address.clone(), watch, tokio::spawn(serve(server, incoming, std::future::pending())))
}

async fn connect(address: &str) -> Result<Channel, tonic::transport::Error> {
    tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await
}

#[tokio::test]
async fn a_call_that_hangs_does_not_hold_the_end_up() {
    let asked = Arc::new(Notify::new());
    let (address, _watch, served) = start(None, &asked);
    let channel = connect(&address).await.unwrap();
    let mut provider = ProviderClient::new(channel.clone());
    let mut call =
        tokio::spawn(async move { provider.configure_provider(configure_provider::Request::default()).await });
    tokio::select! {
        () = asked.notified() => {}
        done = &mut call => panic!("the call does not hang: {done:?}"),
    }
    GrpcControllerClient::new(channel).shutdown(Empty {}).await.unwrap();
    assert!(served.await.unwrap().is_ok());
    call.abort();
}

#[tokio::test]
async fn connections_are_counted_while_they_last() {
    let (address, mut watch, served) = start(None, &Arc::default());
    assert_eq!(*watch.borrow(), Alive::default());
    let channel = connect(&address).await.unwrap();
    watch.wait_for(|a| *a == Alive { open: 1, seen: true }).await.unwrap();
    drop(channel);
    watch.wait_for(|a| *a == Alive { open: 0, seen: true }).await.unwrap();
    served.abort();
}

#[tokio::test]
async fn tcp_is_protected_like_a_socket() {
    let CertifiedKey { cert, .. } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let tls = Tls::new(&cert.pem()).unwrap();
    let (address, watch, served) = start(Some(tls.acceptor), &Arc::default());
    // Bytes that are no TLS get nowhere, and do not count.
    if let Ok(channel) = connect(&address).await {
        assert!(ProviderClient::new(channel).get_metadata(get_metadata::Request {}).await.is_err());
    }
    assert_eq!(*watch.borrow(), Alive::default());
    served.abort();
}
