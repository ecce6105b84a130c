//! Streaming responses: the work runs in a task, waits for the host, and is cancelled when the host disconnects.

use super::respond::{Answer, Subject, guarded};
use crate::tf::diag::Diagnostics;
use crate::tf::resource::Context;
use futures_util::StreamExt as _;
use std::pin::Pin;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::codegen::BoxStream;

/// The buffered messages; the work pauses beyond that.
const AHEAD: usize = 8;

/// Sends the messages of a stream.
pub(super) type Sender<T> = mpsc::Sender<T>;

type Work = Pin<Box<dyn Future<Output = Result<(), Diagnostics>> + Send>>;

/// A stream of the messages of `work`; an error or a panic becomes the last message.
/// Dropping the stream cancels the context of the work.
pub(super) fn stream<T: Answer + 'static>(
    rpc: &'static str,
    subject: Subject<'_>,
    context: &Context,
    work: impl FnOnce(Context, Sender<T>) -> Work,
) -> BoxStream<T> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let cancel = context.cancel.child_token();
    let work = work(Context { cancel: cancel.clone(), ..context.clone() }, sender.clone());
    let guarded = guarded(rpc, subject, work);
    tokio::spawn(async move {
        if let Err(diagnostics) = guarded.await {
            // It fails only when the host has disconnected.
            drop(sender.send(T::refusal(&diagnostics)).await);
        }
    });
    let end = Ending(cancel);
    Box::pin(ReceiverStream::new(receiver).map(move |message| {
        let Ending(_) = &end;
        Ok::<_, Status>(message)
    }))
}

/// A stream of one message.
pub(super) fn one<T: Answer + 'static>(message: T) -> BoxStream<T> {
    Box::pin(tokio_stream::once(Ok(message)))
}

/// An empty stream.
pub(super) fn none<T: Answer + 'static>() -> BoxStream<T> {
    Box::pin(tokio_stream::empty())
}

/// Cancels when the stream is dropped.
struct Ending(CancellationToken);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use omni_proto::tfplugin6::list_resource::Event;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn the_work_waits_for_the_host() {
        let sent = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&sent);
        let mut events = stream::<Event>("ListResource", Subject::List("test"), &Context::default(), |_, sender| {
            Box::pin(async move {
                while sender.send(Event::default()).await.is_ok() {
                    counter.fetch_add(1, Ordering::SeqCst);
                }
                Ok(())
            })
        });
        for read in 0..3 {
            // As far as it gets without the host.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            assert_eq!(sent.load(Ordering::SeqCst), AHEAD + read);
            assert!(events.next().await.is_some());
        }
    }
}
