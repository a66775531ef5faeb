//! What takes its time to come: it is stored only if it is still welcome when all of it is there.

use std::{error::Error as StdError, future::ready};

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};

use crate::Result;

pub(crate) type Broken = Box<dyn StdError + Send + Sync>;

/// The content, with a question at its end: if it is not `welcome` any more it ends in that refusal, which is what storing
/// it then fails with. Nothing is stored by then.
pub(crate) fn if_welcome<S, E>(
    content: S,
    welcome: impl Future<Output = Result<()>> + Send,
) -> impl Stream<Item = Result<Bytes, Broken>> + Send
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<Broken>,
{
    let refusal = stream::once(welcome).filter_map(|answer| ready(answer.err()));
    content.map_err(Into::into).chain(refusal.map(|refusal| Err(refusal.into())))
}
