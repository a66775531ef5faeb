//! Files that come with the announcement of a state version, in constant memory: they are stored before anything else
//! is known of it.

use std::error::Error as StdError;

use blobs::{Kind, Written};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};

use super::{blob, content, receive::LIMIT, record};
use crate::{Ctx, Granted, Result, can, id::StateVersionId};

/// Blobs of a version that nobody knows of yet. They are deleted when it is dropped, as when whoever sends them hangs
/// up, unless somebody else has [taken](Self::taken) them over.
#[derive(Debug)]
pub(super) struct Unknown {
    cx: Ctx,
    id: StateVersionId,
    is_anybodys: bool,
}

impl Unknown {
    pub fn fresh(cx: &Ctx) -> Self {
        Self { cx: cx.clone(), id: StateVersionId::fresh(), is_anybodys: false }
    }

    /// From here on somebody else sees to them.
    pub fn taken(mut self) -> StateVersionId {
        self.is_anybodys = true;
        self.id.clone()
    }

    /// Stores the raw state.
    pub async fn store<S, E>(self, content: S) -> Result<(StateVersionId, Written)>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let name = blob(Kind::State, &self.id)?;
        let stored = self.cx.blobs().put_stream(&name, content, LIMIT).await;
        let cx = self.cx.clone();
        let id = self.taken();
        match stored {
            Ok(written) => Ok((id, written)),
            Err(error) => {
                record::drop_blobs(&cx, &id).await;
                Err(error.into())
            }
        }
    }
}

impl Drop for Unknown {
    fn drop(&mut self) {
        if self.is_anybodys {
            return;
        }
        let (cx, id) = (self.cx.clone(), self.id.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { record::drop_blobs(&cx, &id).await });
        }
    }
}

/// What has come of a version so far. Nobody knows of it until it is [created](super::create).
#[derive(Debug)]
pub struct Incoming {
    blobs: Unknown,
    state: Option<Written>,
    has_json_state: bool,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Files {
    pub id: StateVersionId,
    pub state: Option<Written>,
    pub has_json_state: bool,
}

impl Incoming {
    /// For a state that the workspace is to have.
    pub fn of_next(cx: &Ctx, _: &Granted<can::CreateStateVersion>) -> Self {
        Self { blobs: Unknown::fresh(cx), state: None, has_json_state: false }
    }

    /// For a state that the workspace had elsewhere, for which nobody holds a lock.
    pub fn of_past(cx: &Ctx, _: &Granted<can::ImportStates>) -> Self {
        Self { blobs: Unknown::fresh(cx), state: None, has_json_state: false }
    }

    pub fn has_state(&self) -> bool {
        self.state.is_some()
    }

    /// Takes the raw state.
    pub async fn take_state<S, E>(&mut self, content: S) -> Result<()>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn StdError + Send + Sync>> + Send,
    {
        self.state = self.store(Kind::State, content).await?;
        Ok(())
    }

    /// Takes the state in the form of `show -json`.
    pub async fn take_json_state<S, E>(&mut self, content: S) -> Result<()>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn StdError + Send + Sync>> + Send,
    {
        self.has_json_state = self.store(Kind::JsonState, content).await?.is_some();
        if self.has_json_state {
            let Unknown { cx, id, .. } = &self.blobs;
            content::check_json(cx, &blob(Kind::JsonState, id)?).await?;
        }
        Ok(())
    }

    /// An empty file is none: clients send an empty text for what they do not have.
    async fn store<S, E>(&self, kind: Kind, content: S) -> Result<Option<Written>>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn StdError + Send + Sync>> + Send,
    {
        let mut content = Box::pin(content);
        let Some(first) = content.next().await else { return Ok(None) };
        let content = stream::iter([first]).chain(content);
        let Unknown { cx, id, .. } = &self.blobs;
        Ok(Some(cx.blobs().put_stream(&blob(kind, id)?, content, LIMIT).await?))
    }

    /// What the raw state says of itself, if there is one.
    pub(super) async fn content(&self) -> Result<Option<(&Written, content::Content)>> {
        let Some(written) = &self.state else { return Ok(None) };
        let Unknown { cx, id, .. } = &self.blobs;
        Ok(Some((written, content::of_blob(cx, &blob(Kind::State, id)?).await?)))
    }

    /// For whoever creates the version, and sees to the files.
    pub(super) fn files(self) -> Files {
        let Self { blobs, state, has_json_state } = self;
        Files { id: blobs.taken(), state, has_json_state }
    }

    /// Nothing comes of it.
    pub async fn forget(self) {
        if self.state.is_some() || self.has_json_state {
            let cx = self.blobs.cx.clone();
            record::drop_blobs(&cx, &self.blobs.taken()).await;
        }
    }
}
