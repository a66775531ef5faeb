//! An answer on its way: handed out in pieces, so that it is seen whether the client goes on to take them.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::Instant;

use super::activity::Busy;
use super::pace::Pace;

/// Of larger pieces it would be unknown for too long how they come along.
const PIECE: usize = 16 << 10;

/// A body that knows whose turn it is: whoever asks for a piece has sent the one before it.
#[derive(Debug)]
pub struct Answer {
    body: Body,
    /// What is left of what the body gave.
    rest: Bytes,
    /// Of how many bytes the last piece was, and since when the client is to take it.
    given: Option<(u64, Instant)>,
    pace: Pace,
    busy: Busy,
}

impl Answer {
    /// Of an answer without a body nobody tells whether it went out. Where requests cannot be taken back, it did.
    pub fn new(body: Body, mut busy: Busy, may_be_taken_back: bool) -> Self {
        if !may_be_taken_back && body.is_end_stream() {
            busy.is_served();
        }
        let pace = Pace::going(busy.turns().limits());
        let mut answer = Self { body, rest: Bytes::new(), given: None, pace, busy };
        answer.give(0);
        answer
    }

    fn give(&mut self, bytes: u64) {
        self.given = Some((bytes, Instant::now()));
        self.busy.turns().is_to_take(&self.pace);
    }

    fn piece(&mut self) -> Frame<Bytes> {
        let piece = self.rest.split_to(PIECE.min(self.rest.len()));
        self.give(piece.len() as u64);
        if self.is_end_stream() {
            self.busy.is_served();
        }
        Frame::data(piece)
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some((bytes, since)) = self.given.take() {
            self.pace.moved(bytes, since.elapsed());
        }
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(self.piece())));
        }
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            self.busy.turns().is_ours();
            return Poll::Pending;
        };
        Poll::Ready(match frame {
            Some(Ok(frame)) => Some(Ok(match frame.into_data() {
                Ok(data) => {
                    self.rest = data;
                    self.piece()
                }
                Err(other) => {
                    self.give(0);
                    other
                }
            })),
            end => {
                self.give(0);
                if end.is_none() {
                    self.busy.is_served();
                }
                end
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let of_body = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(of_body.lower().saturating_add(rest));
        if let Some(upper) = of_body.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}
