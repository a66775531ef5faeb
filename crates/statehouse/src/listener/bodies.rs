//! Requests whose body nobody reads to its end, as they are refused before: the rest is read here, so that the client
//! gets its answer, and its next request on the same connection another one.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, Version, header};
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::activity::{Activity, Turns};
use super::answer::Answer;
use super::pace::Pace;

/// What is read of a body that nobody wants: bytes and time. Who sends more is answered at once, and the connection
/// is closed behind the answer.
const UNWANTED: u64 = 32 << 20;
const UNWANTED_TIME: Duration = Duration::from_secs(5);

/// To be laid around everything that may answer.
pub async fn read_to_the_end(request: Request, next: Next) -> Response {
    let activity = request.extensions().get::<Arc<Activity>>().cloned().unwrap_or_default();
    let busy = activity.begin();
    let is_alone = request.version() < Version::HTTP_2;
    // Such a client sends nothing before somebody reads.
    let waits = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let incoming = Arc::new(Mutex::new(Incoming {
        body,
        pace: Pace::coming(activity.limits()),
        turns: busy.turns().clone(),
        waiting: None,
        state: State::Untouched,
    }));
    let lent = Body::new(Lent(incoming.clone()));
    let mut response = next.run(Request::from_parts(parts, lent)).await;
    let is_left_unread = !is_at_its_end(&incoming, waits).await;
    if is_left_unread {
        activity.leave_unread();
    }
    if is_alone && (is_left_unread || activity.is_dismissed()) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response.map(|body| Body::new(Answer::new(body, busy, !is_alone)))
}

async fn is_at_its_end(incoming: &Arc<Mutex<Incoming>>, waits: bool) -> bool {
    {
        let incoming = incoming.lock().unwrap_or_else(PoisonError::into_inner);
        match incoming.state {
            State::Ended => return true,
            State::Broken => return false,
            State::Untouched if incoming.body.is_end_stream() => return true,
            State::Untouched if waits => return false,
            State::Untouched | State::Begun => {}
        }
        if incoming.body.size_hint().lower() > UNWANTED {
            return false;
        }
    }
    let mut rest = Lent(incoming.clone());
    let reading = async {
        let mut size = 0;
        while size <= UNWANTED {
            let frame = std::future::poll_fn(|cx| Pin::new(&mut rest).poll_frame(cx)).await;
            match frame {
                None => return true,
                Some(Ok(frame)) => size += frame.data_ref().map_or(0, |data| data.len() as u64),
                Some(Err(_)) => return false,
            }
        }
        false
    };
    timeout(UNWANTED_TIME, reading).await.unwrap_or(false)
}

#[derive(Debug)]
struct Incoming {
    body: Body,
    pace: Pace,
    turns: Turns,
    /// Since when we wait, and until when at most.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Untouched,
    Begun,
    Ended,
    Broken,
}

impl Incoming {
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.state == State::Untouched {
            self.state = State::Begun;
        }
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            let Self { pace, turns, waiting, .. } = self;
            let (_, end) = waiting.get_or_insert_with(|| {
                turns.is_to_send(pace);
                (Instant::now(), Box::pin(sleep(pace.patience())))
            });
            ready!(end.as_mut().poll(cx));
            self.turns.is_ours();
            self.state = State::Broken;
            let rested = io::Error::new(io::ErrorKind::TimedOut, "the body came too slowly");
            return Poll::Ready(Some(Err(axum::Error::new(rested))));
        };
        let waited = self.waiting.take().map_or(Duration::ZERO, |(since, _)| since.elapsed());
        self.turns.is_ours();
        if let Some(Ok(frame)) = &frame {
            self.pace.moved(frame.data_ref().map_or(0, |data| data.len() as u64), waited);
        }
        match &frame {
            None => self.state = State::Ended,
            Some(Err(_)) => self.state = State::Broken,
            Some(Ok(_)) => {}
        }
        Poll::Ready(frame)
    }
}

/// The body as the handler gets it. What the handler leaves stays with us.
struct Lent(Arc<Mutex<Incoming>>);

impl Lent {
    fn with<T>(&self, ask: impl FnOnce(&mut Incoming) -> T) -> T {
        ask(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.with(|incoming| incoming.poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|incoming| incoming.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|incoming| incoming.body.size_hint())
    }
}
