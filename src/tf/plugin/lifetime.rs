//! When the process ends: signals, and a host that went away without a word.

use super::connection::Alive;
use std::io;
use std::time::Duration;
use tokio::sync::watch;

/// How long hosts may take to connect, and to come back when the connection is lost.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Before the first connection.
    pub first: Duration,
    /// After the last connection.
    pub again: Duration,
}

impl Timeouts {
    /// Hosts connect at once; a busy machine may still make them slow.
    pub const HOST: Self = Self { first: Duration::from_secs(60), again: Duration::from_secs(10) };
}

/// Returns when the host has been away for longer than anybody would wait.
pub async fn abandoned(mut alive: watch::Receiver<Alive>, timeouts: Timeouts) {
    loop {
        let now = *alive.borrow_and_update();
        if now.open > 0 {
            if alive.changed().await.is_err() {
                return;
            }
            continue;
        }
        let limit = if now.seen { timeouts.again } else { timeouts.first };
        match tokio::time::timeout(limit, alive.changed()).await {
            Ok(Ok(())) => {}
            // Without a sender there will be no connection any more.
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

/// The signals that this process takes; from its making on, none of them ends the process by itself.
pub struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
    #[cfg(windows)]
    terminate: tokio::signal::windows::CtrlBreak,
}

impl Signals {
    /// Takes the signals.
    ///
    /// # Errors
    /// When the system refuses.
    #[cfg(unix)]
    pub fn take() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Takes the signals.
    ///
    /// # Errors
    /// When the system refuses.
    #[cfg(windows)]
    pub fn take() -> io::Result<Self> {
        Ok(Self { interrupt: tokio::signal::windows::ctrl_c()?, terminate: tokio::signal::windows::ctrl_break()? })
    }

    /// Returns when a signal asks the process to end.
    /// An interrupt reaches the whole process group of the host: ending on it would lose the object in the making,
    /// so only a process without a host (`by_hand`) ends. On Windows the same goes for Ctrl-Break.
    pub async fn end(mut self, by_hand: bool) {
        loop {
            let interrupted = tokio::select! {
                _ = self.interrupt.recv() => true,
                _ = self.terminate.recv() => cfg!(windows),
            };
            if by_hand || !interrupted {
                return;
            }
            tracing::debug!("ignored an interrupt; the host decides what it means");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use tokio::time::Instant;

    const AWAY: Alive = Alive { open: 0, seen: true };
    const THERE: Alive = Alive { open: 1, seen: true };

    #[tokio::test(start_paused = true)]
    async fn a_host_that_never_connects_is_given_up() {
        let (_alive, watch) = watch::channel(Alive::default());
        let start = Instant::now();
        abandoned(watch, Timeouts::HOST).await;
        assert_eq!(start.elapsed().as_secs(), Timeouts::HOST.first.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_is_waited_for_once_it_left_and_not_before() {
        let (alive, watch) = watch::channel(THERE);
        let mut waiting = Box::pin(abandoned(watch, Timeouts::HOST));
        assert!(tokio::time::timeout(Duration::from_secs(3600), &mut waiting).await.is_err());
        alive.send_replace(AWAY);
        let start = Instant::now();
        waiting.await;
        assert_eq!(start.elapsed().as_secs(), Timeouts::HOST.again.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_comes_back_is_served_on() {
        let (alive, watch) = watch::channel(AWAY);
        let mut waiting = Box::pin(abandoned(watch, Timeouts::HOST));
        assert!(waiting.as_mut().now_or_never().is_none());
        alive.send_replace(THERE);
        assert!(tokio::time::timeout(Duration::from_secs(3600), &mut waiting).await.is_err());
    }
}
