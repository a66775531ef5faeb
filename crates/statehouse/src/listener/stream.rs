//! A connection with limits of time: on whatever only the client can do, and on good-byes.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use super::activity::Activity;
use super::places::Place;
use super::tongue::Ear;

/// While we have something to do for the client, it is looked again after so long whether it is its turn.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct Guarded {
    inner: TcpStream,
    activity: Arc<Activity>,
    /// Until the first bytes are here.
    ear: Option<Ear>,
    /// When to look whether the client keeps us waiting for too long.
    alarm: Pin<Box<Sleep>>,
    /// Until when something of what is ready has to be taken, whoever's turn it is.
    untaken: Option<Pin<Box<Sleep>>>,
    lingering: Option<Pin<Box<Sleep>>>,
    /// Until the connection is closed, and no sooner.
    _place: Place,
}

impl Guarded {
    pub fn new(inner: TcpStream, activity: Arc<Activity>, ear: Ear, place: Place) -> Self {
        metrics::gauge!("statehouse_connections_open").increment(1.0);
        Self {
            inner,
            activity,
            ear: Some(ear),
            alarm: Box::pin(sleep(LOOK_AGAIN)),
            untaken: None,
            lingering: None,
            _place: place,
        }
    }

    /// Whether the client keeps us waiting for too long. Single bytes are no request, and pings take no answer: they
    /// gain no time.
    fn is_waited_for_no_more(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.activity.is_looked_after_by(cx.waker());
        loop {
            let now = Instant::now();
            let until = self.activity.waits_until();
            if until.is_some_and(|until| until <= now) {
                return Poll::Ready(());
            }
            let next = until.unwrap_or(now + LOOK_AGAIN);
            if self.alarm.deadline() > next {
                self.alarm.as_mut().reset(next);
            }
            ready!(self.alarm.as_mut().poll(cx));
            self.alarm.as_mut().reset(next);
        }
    }

    /// Who was dismissed ends in time even where there is always something to read or to write.
    fn goes_on(&self) -> io::Result<()> {
        if self.activity.is_over() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "others needed the place"));
        }
        Ok(())
    }

    /// To be asked before anything is read: reading may go on for as long as the client likes.
    fn lingers_no_more(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let patience = self.activity.limits().lingering;
        let lingering = self.lingering.get_or_insert_with(|| Box::pin(sleep(patience)));
        if lingering.is_elapsed() || lingering.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        self.is_waited_for_no_more(cx)
    }

    fn is_untaken(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let patience = self.activity.limits().going;
        self.untaken.get_or_insert_with(|| Box::pin(sleep(patience))).as_mut().poll(cx)
    }

    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        self.goes_on()?;
        if written.is_ready() {
            self.untaken = None;
            return written;
        }
        if self.is_untaken(cx).is_pending() {
            // Reading may rest until this is written: nobody else looks then.
            ready!(self.is_waited_for_no_more(cx));
        }
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes no answer")))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        metrics::gauge!("statehouse_connections_open").decrement(1.0);
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.goes_on()?;
        let before = buf.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut self.inner).poll_read(cx, buf) {
            if let Some(ear) = self.ear.take() {
                ear.hear(&self.inner, &buf.filled()[before..])?;
            }
            return Poll::Ready(read);
        }
        ready!(self.is_waited_for_no_more(cx));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the client kept us waiting for too long",
        )))
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.inner).poll_shutdown(cx))?;
            if !self.activity.has_unread() {
                return Poll::Ready(Ok(()));
            }
        }
        if self.lingers_no_more(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let mut unwanted = [0; 16 << 10];
        loop {
            let mut buffer = ReadBuf::new(&mut unwanted);
            match Pin::new(&mut self.inner).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
