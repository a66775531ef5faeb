//! Writing: nothing is kept without `commit`, and a row is changed only by whoever has locked it.

use std::ops::{Deref, DerefMut};

use futures::future::BoxFuture;
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ConnectionTrait, DbBackend, EntityTrait,
    IntoActiveModel, ModelTrait, PrimaryKeyTrait, QuerySelect,
};

use crate::{Result, Transaction, connect::Counts, place::Place, rights};

/// A write transaction. Queries run on it by `&*tx`.
#[derive(Debug)]
pub struct Write {
    transaction: Transaction,
    counts: Counts,
    /// Of the files that are written, where they are ours to look after.
    place: Option<Place>,
}

/// A row that nobody else can change until this transaction ends.
#[derive(Debug)]
pub struct Locked<E: EntityTrait>(E::Model);

impl<E: EntityTrait> Deref for Locked<E> {
    type Target = E::Model;
    fn deref(&self) -> &E::Model {
        &self.0
    }
}

impl<E: EntityTrait> DerefMut for Locked<E> {
    fn deref_mut(&mut self) -> &mut E::Model {
        &mut self.0
    }
}

impl<E: EntityTrait> Locked<E> {
    pub fn into_inner(self) -> E::Model {
        self.0
    }
}

impl Deref for Write {
    type Target = Transaction;
    fn deref(&self) -> &Transaction {
        &self.transaction
    }
}

impl Write {
    pub(crate) fn new(transaction: Transaction, counts: Counts, place: Option<Place>) -> Self {
        Self { transaction, counts, place }
    }

    /// Locks a row for this transaction; `None` if there is none.
    pub async fn lock<E>(
        &self,
        id: impl Into<<E::PrimaryKey as PrimaryKeyTrait>::ValueType>,
    ) -> Result<Option<Locked<E>>>
    where
        E: EntityTrait,
    {
        let mut query = E::find_by_id(id);
        if self.transaction.get_database_backend() == DbBackend::Postgres {
            // SQLite has one writer, who therefore holds every row already.
            query = query.lock_exclusive();
        }
        Ok(query.one(&self.transaction).await?.map(Locked))
    }

    /// Locks the rows that a query finds, in its order, which whoever locks several of them keeps to.
    pub async fn lock_all<E>(&self, mut query: sea_orm::Select<E>) -> Result<Vec<Locked<E>>>
    where
        E: EntityTrait,
    {
        if self.transaction.get_database_backend() == DbBackend::Postgres {
            query = query.lock_exclusive();
        }
        Ok(query.all(&self.transaction).await?.into_iter().map(Locked).collect())
    }

    /// Locks the rows that a query finds, in its order; rows that others hold are passed over.
    pub async fn claim<E>(&self, query: sea_orm::Select<E>) -> Result<Vec<Locked<E>>>
    where
        E: EntityTrait,
    {
        let mut query = query;
        if self.transaction.get_database_backend() == DbBackend::Postgres {
            query = query.lock_with_behavior(
                sea_orm::sea_query::LockType::Update,
                sea_orm::sea_query::LockBehavior::SkipLocked,
            );
        }
        Ok(query.all(&self.transaction).await?.into_iter().map(Locked).collect())
    }

    pub async fn insert<M, A>(&self, row: M) -> Result<M>
    where
        M: ModelTrait + IntoActiveModel<A>,
        A: ActiveModelTrait<Entity = M::Entity> + ActiveModelBehavior + Send,
        M::Entity: EntityTrait<Model = M>,
    {
        let active = row.clone().into_active_model().reset_all();
        <M::Entity as EntityTrait>::insert(active)
            .exec_without_returning(&self.transaction)
            .await?;
        Ok(row)
    }

    /// Writes all of a locked row.
    pub async fn update<E, A>(&self, row: Locked<E>) -> Result<E::Model>
    where
        E: EntityTrait,
        E::Model: IntoActiveModel<A>,
        A: ActiveModelTrait<Entity = E> + ActiveModelBehavior + Send,
    {
        let model = row.0.clone();
        row.0.into_active_model().reset_all().update_without_returning(&self.transaction).await?;
        Ok(model)
    }

    pub async fn delete<E>(&self, row: Locked<E>) -> Result<()>
    where
        E: EntityTrait,
        E::Model: IntoActiveModel<E::ActiveModel>,
        E::ActiveModel: Send,
    {
        row.0.delete(&self.transaction).await?;
        Ok(())
    }

    /// Returns once the database has confirmed that all of it is kept.
    pub fn commit(self) -> BoxFuture<'static, Result<()>> {
        Box::pin(async {
            let Some(place) = self.place.clone() else { return self.confirmed().await };
            if let Err(away) = place.check().await {
                self.roll_back().await;
                return Err(away);
            }
            self.confirmed().await
        })
    }

    async fn confirmed(self) -> Result<()> {
        let Self { transaction, counts, .. } = self;
        counts.count_commit();
        if !transaction.may_change_rights() {
            return transaction.commit().await;
        }
        let confirmed = async {
            // As late as can be: whoever else changes rights waits from here until the commit.
            rights::raise(&transaction).await?;
            transaction.commit().await
        };
        let confirmed = confirmed.await;
        // Even if not: where the answer was lost, nobody knows whether it is kept.
        counts.count_change_of_rights();
        confirmed
    }

    /// Keeps nothing, and returns once others can have what was locked: for whoever goes on with the same rows.
    pub fn roll_back(self) -> BoxFuture<'static, ()> {
        Box::pin(self.transaction.roll_back())
    }
}

/// Inserts many rows of one table; nothing if there are none.
pub async fn insert_many<M, A>(tx: &Write, rows: Vec<M>) -> Result<()>
where
    M: ModelTrait + IntoActiveModel<A>,
    A: ActiveModelTrait<Entity = M::Entity> + ActiveModelBehavior + Send,
    M::Entity: EntityTrait<Model = M>,
{
    // Both databases limit the parameters of one statement (SQLite: 32,766).
    const ROWS_AT_ONCE: usize = 500;
    let mut rows = rows.into_iter().map(|row| row.into_active_model().reset_all()).peekable();
    while rows.peek().is_some() {
        let batch: Vec<A> = rows.by_ref().take(ROWS_AT_ONCE).collect();
        <M::Entity as EntityTrait>::insert_many(batch)
            .exec_without_returning(&tx.transaction)
            .await?;
    }
    Ok(())
}
