//! Whether the store keeps what it is given.

use crate::{Blobs, Error, Kind, Name, Result};
use bytes::Bytes;

const WORD: &[u8] = b"Is this kept?";

impl Blobs {
    /// Writes a blob under a name that nobody else has, reads it back and deletes it.
    pub async fn check(&self) -> Result<()> {
        let name = Name::new(Kind::Check, &format!("{:032x}", rand::random::<u128>()))?;
        let checked = self.keeps(&name).await;
        // Also if it was not written to its end; a full disk does not hinder that.
        self.delete(&name).await?;
        checked
    }

    async fn keeps(&self, name: &Name) -> Result<()> {
        self.put(name, Bytes::from_static(WORD)).await?;
        if self.get(name).await? == WORD { Ok(()) } else { Err(Error::Changed(name.clone())) }
    }
}
