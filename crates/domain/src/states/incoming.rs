//! Files that come with the announcement of a state version, in constant memory: they are stored before anything else
//! is known of it.

use std::error::Error as StdError;

use blobs::{Kind, Written};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};

use super::{blob, content, receive::LIMIT, record};
use crate::{Ctx, Granted, Result, can, id::StateVersionId};

/// What has come of a version so far. Nobody knows of it until it is [created](super::create).
#[derive(Debug)]
pub struct Incoming {
    pub(super) id: StateVersionId,
    pub(super) state: Option<Written>,
    pub(super) has_json_state: bool,
}

impl Incoming {
    /// For a state that the workspace is to have.
    pub fn of_next(_: &Granted<can::CreateStateVersion>) -> Self {
        Self { id: StateVersionId::fresh(), state: None, has_json_state: false }
    }

    /// For a state that the workspace had elsewhere, for which nobody holds a lock.
    pub fn of_past(_: &Granted<can::ImportStates>) -> Self {
        Self { id: StateVersionId::fresh(), state: None, has_json_state: false }
    }

    pub fn has_state(&self) -> bool {
        self.state.is_some()
    }

    /// Takes the raw state.
    pub async fn take_state<S, E>(&mut self, cx: &Ctx, content: S) -> Result<()>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn StdError + Send + Sync>> + Send,
    {
        self.state = self.store(cx, Kind::State, content).await?;
        Ok(())
    }

    /// Takes the state in the form of `show -json`.
    pub async fn take_json_state<S, E>(&mut self, cx: &Ctx, content: S) -> Result<()>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn StdError + Send + Sync>> + Send,
    {
        self.has_json_state = self.store(cx, Kind::JsonState, content).await?.is_some();
        if self.has_json_state {
            content::check_json(cx, &blob(Kind::JsonState, &self.id)?).await?;
        }
        Ok(())
    }

    /// An empty file is none: clients send an empty text for what they do not have.
    async fn store<S, E>(&self, cx: &Ctx, kind: Kind, content: S) -> Result<Option<Written>>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn StdError + Send + Sync>> + Send,
    {
        let mut content = Box::pin(content);
        let Some(first) = content.next().await else { return Ok(None) };
        let content = stream::iter([first]).chain(content);
        Ok(Some(cx.blobs().put_stream(&blob(kind, &self.id)?, content, LIMIT).await?))
    }

    /// Nothing comes of it.
    pub async fn forget(self, cx: &Ctx) {
        if self.state.is_some() || self.has_json_state {
            record::drop_blobs(cx, &self.id).await;
        }
    }
}
