//! How the process ends, and what must not end it.

use crate::certificates::Identity;
use crate::process::{Process, answers, connect_plain};
use omni_proto::plugin::{
    Empty, grpc_broker_client::GrpcBrokerClient, grpc_controller_client::GrpcControllerClient,
    grpc_stdio_client::GrpcStdioClient,
};
use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

#[tokio::test]
async fn an_interrupt_changes_nothing_and_sigterm_ends_it() {
    let host = Identity::host();
    let mut process = Process::start(Some(&host), &[]);
    let channel = process.connect(Some(&host)).await.unwrap();
    assert!(answers(Ok(channel.clone())).await);
    for _ in 0..2 {
        process.signal("INT");
        assert!(answers(Ok(channel.clone())).await);
    }
    assert!(process.is_running());

    let socket = process.socket().to_owned();
    assert!(std::fs::exists(&socket).unwrap());
    process.signal("TERM");
    let (status, stdout, _) = process.wait();
    assert!(status.success() && status.signal().is_none(), "{status}");
    assert_eq!(stdout, "", "stdout holds the handshake line and nothing else");
    assert!(!std::fs::exists(&socket).unwrap());
}

#[tokio::test]
async fn shutdown_is_answered_and_ends_it_at_once() {
    // Another program may hold the machine up once, but hardly three times.
    let mut times = Vec::new();
    for _ in 0..3 {
        times.push(time_of_shutdown().await);
        if times.last() < Some(&Duration::from_millis(300)) {
            return;
        }
    }
    panic!("it took {times:?}");
}

async fn time_of_shutdown() -> Duration {
    let mut process = Process::start(None, &[]);
    let channel = connect_plain(process.socket()).await.unwrap();
    let mut stdio = GrpcStdioClient::new(channel.clone()).stream_stdio(()).await.unwrap().into_inner();
    let requests = tokio_stream::pending();
    let mut broker = GrpcBrokerClient::new(channel.clone()).start_stream(requests).await.unwrap().into_inner();

    let start = Instant::now();
    GrpcControllerClient::new(channel).shutdown(Empty {}).await.unwrap();
    let (status, ..) = process.wait();
    let time = start.elapsed();
    assert!(status.success(), "{status}");
    assert!(!std::fs::exists(process.socket()).unwrap());
    // Neither stream ever carried anything.
    assert!(!matches!(stdio.message().await, Ok(Some(_))));
    assert!(!matches!(broker.message().await, Ok(Some(_))));
    time
}
