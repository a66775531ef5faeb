//! The data behind a configuration or a state: made unreadable, brought back, or deleted for good.

use blobs::Kind;
use db::{
    Locked, Timestamp,
    entity::{
        configuration_version::{self, Status as ConfigurationStatus},
        run,
        state_version::{self, Status as StateStatus},
        workspace,
    },
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter},
};
use serde_json::json;

use crate::{
    Ctx, Error, Granted, Happened, In, Result, Subject, Tx, can,
    cleanup::{self, Orphan},
    row::{ConfigurationVersion, StateVersion, Workspace},
    workspaces,
};

/// What is to become of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    SoftDelete,
    Restore,
    PermanentlyDelete,
}

impl Wish {
    fn happened(self) -> Happened {
        match self {
            Self::SoftDelete => Happened::BackingDataSoftDeleted,
            Self::Restore => Happened::BackingDataRestored,
            Self::PermanentlyDelete => Happened::BackingDataDeleted,
        }
    }
}

/// How it stands with the data of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Data {
    Here,
    SoftDeleted,
    Deleted,
    /// There is none (yet, or any more) for another reason.
    None,
}

impl Data {
    /// # Errors
    /// BadRequest, with the words that clients look for.
    fn after(self, wish: Wish) -> Result<Self> {
        match (self, wish) {
            (Self::Here, Wish::SoftDelete) => Ok(Self::SoftDeleted),
            (Self::SoftDeleted, Wish::Restore) => Ok(Self::Here),
            (Self::SoftDeleted, Wish::PermanentlyDelete) => Ok(Self::Deleted),
            _ => Err(refused("its data is in no state that allows this")),
        }
    }
}

fn refused(why: &str) -> Error {
    Error::BadRequest(format!("transition not allowed: {why}"))
}

/// A version with data behind it.
pub(super) trait Backed {
    const KIND: &'static str;
    const BLOBS: &'static [Kind];

    fn id(&self) -> &str;
    fn data(&self) -> Data;
    fn set(&mut self, data: Data, wish: Wish, at: Timestamp);
    fn is_current_of(&self, workspace: &Workspace) -> bool;
}

impl Backed for ConfigurationVersion {
    const KIND: &'static str = "configuration-versions";
    const BLOBS: &'static [Kind] = &[Kind::Configuration];

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn data(&self) -> Data {
        match self.status {
            ConfigurationStatus::Uploaded => Data::Here,
            ConfigurationStatus::BackingDataSoftDeleted => Data::SoftDeleted,
            ConfigurationStatus::BackingDataPermanentlyDeleted => Data::Deleted,
            _ => Data::None,
        }
    }

    fn set(&mut self, data: Data, wish: Wish, at: Timestamp) {
        self.status = match data {
            Data::Here => ConfigurationStatus::Uploaded,
            Data::SoftDeleted => ConfigurationStatus::BackingDataSoftDeleted,
            Data::Deleted => ConfigurationStatus::BackingDataPermanentlyDeleted,
            Data::None => self.status,
        };
        self.soft_deleted_at = (data == Data::SoftDeleted).then_some(at);
        self.status_timestamps
            .insert(format!("{}-at", wish.happened().as_str().replace('_', "-")), at);
    }

    fn is_current_of(&self, workspace: &Workspace) -> bool {
        workspace.current_configuration_id.as_ref() == Some(&self.id)
    }
}

impl Backed for StateVersion {
    const KIND: &'static str = "state-versions";
    const BLOBS: &'static [Kind] = &[Kind::State, Kind::JsonState];

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn data(&self) -> Data {
        match self.status {
            StateStatus::Finalized => Data::Here,
            StateStatus::BackingDataSoftDeleted => Data::SoftDeleted,
            StateStatus::BackingDataPermanentlyDeleted => Data::Deleted,
            StateStatus::Pending | StateStatus::Discarded => Data::None,
        }
    }

    fn set(&mut self, data: Data, _wish: Wish, at: Timestamp) {
        self.status = match data {
            Data::Here => StateStatus::Finalized,
            Data::SoftDeleted => StateStatus::BackingDataSoftDeleted,
            Data::Deleted => StateStatus::BackingDataPermanentlyDeleted,
            Data::None => self.status,
        };
        self.soft_deleted_at = (data == Data::SoftDeleted).then_some(at);
    }

    fn is_current_of(&self, workspace: &Workspace) -> bool {
        workspace.current_state_version_id.as_ref() == Some(&self.id)
    }
}

/// Changes what there is of a locked version; the caller writes it.
pub(super) async fn happen<E>(
    tx: &Tx,
    row: &mut Locked<E>,
    workspace: &Workspace,
    wish: Wish,
) -> Result<()>
where
    E: EntityTrait,
    E::Model: Backed,
{
    let data = row.data().after(wish)?;
    if row.is_current_of(workspace) {
        return Err(refused("its data could not be deleted because it is current"));
    }
    row.set(data, wish, tx.now());
    if data == Data::Deleted {
        let orphans = E::Model::BLOBS.iter().map(|kind| Orphan::blob(*kind, row.id()));
        cleanup::later(tx, orphans.collect::<Result<_>>()?).await?;
    }
    let subject = Subject { kind: E::Model::KIND, id: row.id(), ..workspaces::subject(workspace) };
    tx.emit(wish.happened(), subject, json!({})).await
}

/// # Errors
/// BadRequest for the current configuration, for one that a run still needs, and for one without such data.
pub async fn change_configuration(
    cx: &Ctx,
    configuration: &Granted<can::ManageBackingData, In<ConfigurationVersion>>,
    wish: Wish,
) -> Result<()> {
    let tx = cx.write().await?;
    let workspace = lock_workspace(&tx, &configuration.of).await?;
    let id = configuration.row.id.clone();
    let mut row = tx.lock::<configuration_version::Entity>(id).await?.ok_or(Error::NotFound)?;
    if is_needed(&tx, &row).await? {
        return Err(refused("a run that is not over needs it"));
    }
    happen(&tx, &mut row, &workspace, wish).await?;
    tx.update(row).await?;
    tx.commit().await
}

/// Whether there is data that nobody may read, be it that it is not deleted yet. Addresses that were given out before are still good.
pub(crate) async fn is_unreadable(cx: &Ctx, kind: Kind, id: &str) -> Result<bool> {
    let found = match kind {
        Kind::Configuration => {
            configuration_version::Entity::find()
                .filter(configuration_version::Column::Id.eq(id))
                .filter(configuration_version::Column::Status.is_in([
                    ConfigurationStatus::Archived,
                    ConfigurationStatus::BackingDataSoftDeleted,
                    ConfigurationStatus::BackingDataPermanentlyDeleted,
                ]))
                .count(cx.read())
                .await?
        }
        Kind::State | Kind::JsonState => {
            state_version::Entity::find()
                .filter(state_version::Column::Id.eq(id))
                .filter(state_version::Column::Status.is_in([
                    StateStatus::BackingDataSoftDeleted,
                    StateStatus::BackingDataPermanentlyDeleted,
                ]))
                .count(cx.read())
                .await?
        }
        _ => 0,
    };
    Ok(found > 0)
}

/// Whether a run of this configuration may still come to plan or apply it.
pub(crate) async fn is_needed(tx: &Tx, row: &ConfigurationVersion) -> Result<bool> {
    let runs = run::Entity::find()
        .filter(run::Column::ConfigurationVersionId.eq(&row.id))
        .filter(run::Column::IsFinal.eq(false))
        .count(tx.db())
        .await?;
    Ok(runs > 0)
}

/// # Errors
/// BadRequest for the current state, and for one without such data.
pub async fn change_state(
    cx: &Ctx,
    version: &Granted<can::ManageBackingData, In<StateVersion>>,
    wish: Wish,
) -> Result<()> {
    let tx = cx.write().await?;
    let workspace = lock_workspace(&tx, &version.of).await?;
    let id = version.row.id.clone();
    let mut row = tx.lock::<state_version::Entity>(id).await?.ok_or(Error::NotFound)?;
    happen(&tx, &mut row, &workspace, wish).await?;
    tx.update(row).await?;
    tx.commit().await
}

/// So that nothing becomes current meanwhile.
async fn lock_workspace(tx: &Tx, workspace: &Workspace) -> Result<Locked<workspace::Entity>> {
    tx.lock::<workspace::Entity>(workspace.id.clone()).await?.ok_or(Error::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_deleted_for_good_does_not_come_back() {
        let wishes = [Wish::SoftDelete, Wish::Restore, Wish::PermanentlyDelete];
        for data in [Data::Deleted, Data::None] {
            assert!(wishes.iter().all(|wish| data.after(*wish).is_err()), "{data:?}");
        }
        // Nothing is deleted at one blow.
        assert!(Data::Here.after(Wish::PermanentlyDelete).is_err());
        assert_eq!(Data::SoftDeleted.after(Wish::Restore).unwrap(), Data::Here);
    }
}
