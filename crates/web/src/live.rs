//! Parts of pages that tell by themselves what has changed, as server-sent events. An event carries the whole part as it
//! is now, and the number of the last event of the database that it shows: whoever comes back has missed nothing.
//!
//! A browser that is told that a part is final (`data-final`) listens no more. A stream ends after a while, and browsers
//! come again: so nobody holds a connection for ever, and a session that has
//! ended, or a right that was taken away, ends it too, because each part is drawn for a visitor who is known anew.

use std::{
    convert::Infallible,
    pin::Pin,
    time::{Duration, Instant},
};

use axum::response::{
    Sse,
    sse::{Event, KeepAlive},
};
use domain::bell::{Listener, Topic};
use futures::{Stream, stream};
use maud::Markup;

use crate::{failure::Result, visitor::SignedIn};

/// After which a stream ends.
const LIFE: Duration = Duration::from_secs(55);
/// What no event tells of, such as time that passes, is looked at so often.
const LOOK: Duration = Duration::from_secs(5);

/// A part of a page.
#[derive(Debug)]
pub struct Fragment {
    /// Of the last event that it shows.
    pub number: i64,
    pub content: Markup,
}

type Drawing = Pin<Box<dyn Future<Output = Result<Fragment>> + Send>>;

struct Live<F> {
    visitor: SignedIn,
    draw: F,
    bell: Listener,
    shown: Option<String>,
    ends_at: Instant,
}

/// Draws for the visitor now, and again whenever something has happened; sends what is not as it was.
pub fn stream<F>(
    visitor: SignedIn,
    draw: F,
) -> Sse<impl Stream<Item = std::result::Result<Event, Infallible>>>
where
    F: Fn(SignedIn) -> Drawing + Send + 'static,
{
    let bell = visitor.cx.app().bell().listen(Topic::Pages);
    let ends_at = Instant::now() + LIFE;
    let live = Live { visitor, draw, bell, shown: None, ends_at };
    let events = stream::unfold(live, |live| async move { Box::pin(next(live)).await });
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

async fn next<F>(mut live: Live<F>) -> Option<(std::result::Result<Event, Infallible>, Live<F>)>
where
    F: Fn(SignedIn) -> Drawing,
{
    while Instant::now() < live.ends_at {
        if live.shown.is_some() {
            live.bell.wait(LOOK).await;
        }
        // Whoever is not who he was, or may not what he might, sees nothing more: his browser asks and is told so.
        let visitor = live.visitor.again().await.ok()?;
        let fragment = (live.draw)(visitor).await.ok()?;
        // Lines of an event end with line feeds alone; in a page a carriage return may be written so as well.
        let text = fragment.content.into_string().replace('\r', "&#13;");
        if live.shown.as_ref() != Some(&text) {
            let event = Event::default().id(fragment.number.to_string()).data(&text);
            live.shown = Some(text);
            return Some((Ok(event), live));
        }
    }
    None
}
