//! One request: who asks, and the only way to the data.

use std::{
    fmt::Display,
    net::IpAddr,
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use db::{
    Json, Reads, Timestamp, Transaction, Write,
    entity::{
        event::{self, Happened},
        task,
    },
    id::{EventId, RunId, TaskId, TokenId, WorkspaceId},
    sea_orm::{
        ActiveValue::{NotSet, Set},
        EntityTrait, PrimaryKeyTrait,
    },
};
use serde::Serialize;
use serde_json::{Value, json};
use tracing::Instrument;

use crate::{
    App, Error, Result,
    access::{Actor, Found, Granted, Permission, ShutOut, Within},
    bell::{Topic, Topics},
};

/// What rows of an entity are found by.
pub(crate) type Key<E> = <<E as EntityTrait>::PrimaryKey as PrimaryKeyTrait>::ValueType;

/// Who asks, and the means. Made by authentication, or for the system by [`App::system`].
#[derive(Clone, Debug)]
pub struct Ctx {
    app: App,
    actor: Arc<Actor>,
    /// By which the caller came.
    token: Option<TokenId>,
    session: Option<Arc<str>>,
    origin: Origin,
}

/// Where a request comes from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Of the network, if that is known.
    pub address: Option<IpAddr>,
    /// What the log and the answer call the request.
    pub request: Option<Arc<str>>,
}

impl Deref for Ctx {
    type Target = App;
    fn deref(&self) -> &App {
        &self.app
    }
}

impl Ctx {
    pub(crate) fn new(app: App, actor: Actor) -> Self {
        Self { app, actor: Arc::new(actor), token: None, session: None, origin: Origin::default() }
    }

    /// Somebody with this token.
    pub(crate) fn bearing(app: App, actor: Arc<Actor>, token: TokenId) -> Self {
        Self { app, actor, token: Some(token), session: None, origin: Origin::default() }
    }

    /// Somebody in a browser, by the hash of the session's cookie.
    pub(crate) fn in_session(app: App, actor: Actor, session: &str) -> Self {
        Self { session: Some(session.into()), ..Self::new(app, actor) }
    }

    /// The same caller, with this request; [`crate::accounts::let_in`] looks whether they are let in from there.
    #[must_use]
    pub(crate) fn coming_from(self, origin: Origin) -> Self {
        let address = origin.address.map(|address| address.to_canonical());
        Self { origin: Origin { address, ..origin }, ..self }
    }

    /// The same request, by somebody with other rights.
    #[must_use]
    pub(crate) fn with_rights(self, actor: Actor) -> Self {
        Self { actor: Arc::new(actor), ..self }
    }

    /// Where the caller is, if that is known.
    pub fn address(&self) -> Option<IpAddr> {
        self.origin.address
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The token that the caller showed, if it is one of the database's.
    pub(crate) fn token(&self) -> Option<&TokenId> {
        self.token.as_ref()
    }

    /// The hash of the session's cookie, of whoever is in one.
    pub(crate) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    pub fn app(&self) -> &App {
        &self.app
    }

    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Turns what was found into a proof that the actor may do `P` to it.
    ///
    /// # Errors
    /// Unauthorized without a token; otherwise NotFound, or Forbidden where the permission says so.
    pub fn check<P: Permission, T: Within<P::On>>(&self, found: Found<T>) -> Result<Granted<P, T>> {
        let on = found.into_unchecked();
        if P::allowed(&self.actor, on.on()) {
            return Ok(Granted::proven(on));
        }
        if matches!(*self.actor, Actor::Anyone) {
            return Err(Error::Unauthorized);
        }
        match P::organization(on.on()).and_then(|name| Some((name, self.actor.shut_out_of(name)?)))
        {
            Some((_, ShutOut::Proof)) => Err(Error::Unauthorized),
            Some((name, ShutOut::Address)) => Err(self.is_outside(name)),
            None => Err(P::denied(&self.actor, on.on())),
        }
    }

    /// For whatever is in an organization, before anything in it is looked for: nobody finds out from elsewhere what there
    /// is.
    ///
    /// # Errors
    /// Forbidden for those who belong to it and are shut out of it where they are.
    pub fn check_address(&self, organization: &str) -> Result<()> {
        match self.actor.shut_out_of(organization) {
            Some(ShutOut::Address) => Err(self.is_outside(organization)),
            _ => Ok(()),
        }
    }

    /// What whoever belongs to an organization, or works for an agent pool, is told where its IP allow lists end.
    pub(crate) fn is_outside(&self, of: impl Display) -> Error {
        let address = self.address().map_or("an unknown address".to_owned(), |it| it.to_string());
        Error::Forbidden(format!(
            "{of} takes no requests from {address}, which is on no IP allow list that counts here."
        ))
    }

    /// Whether the actor may, for the `permissions` of responses and the buttons of pages.
    pub fn may<P: Permission>(&self, on: &P::On) -> bool {
        P::allowed(&self.actor, on)
    }

    pub(crate) fn read(&self) -> &Reads {
        self.app.db().read()
    }

    /// The row of this id.
    ///
    /// # Errors
    /// NotFound where there is none.
    pub(crate) async fn row<E: EntityTrait>(&self, id: &Key<E>) -> Result<E::Model>
    where
        Key<E>: Clone,
    {
        E::find_by_id(id.clone()).one(self.read()).await?.ok_or(Error::NotFound)
    }

    pub(crate) async fn write(&self) -> Result<Tx> {
        let write = self.app.db().write().await?;
        let (topics, changes) = (Mutex::default(), Mutex::default());
        Ok(Tx { write, cx: self.clone(), at: self.app.now(), topics, changes })
    }
}

/// Does work to its end, even if whoever waits for it goes away: a client that hangs up ends nothing half done.
pub(crate) async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let done = tokio::spawn(work.in_current_span()).await;
    done.unwrap_or_else(|error| Err(Error::Internal(error.into())))
}

/// A write transaction: keeps nothing without `commit`, and tells of each change by an event.
#[derive(Debug)]
pub(crate) struct Tx {
    write: Write,
    cx: Ctx,
    at: Timestamp,
    /// Whom it wakes once it is committed.
    topics: Mutex<Topics>,
    changes: Mutex<Vec<Change>>,
}

/// What is counted once it is kept.
#[derive(Debug)]
pub(crate) enum Change {
    RunBecame { status: String },
    PhaseEnded { phase: String, status: String, seconds: f64 },
}

impl Change {
    fn count(self) {
        match self {
            Self::RunBecame { status } => {
                metrics::counter!("statehouse_run_transitions_total", "status" => status)
                    .increment(1);
            }
            Self::PhaseEnded { phase, status, seconds } => metrics::histogram!(
                "statehouse_phase_duration_seconds",
                "phase" => phase, "status" => status
            )
            .record(seconds),
        }
    }
}

impl Deref for Tx {
    type Target = Write;
    fn deref(&self) -> &Write {
        &self.write
    }
}

/// What a change was made to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subject<'a> {
    pub kind: &'static str,
    pub id: &'a str,
    pub organization: Option<&'a str>,
    pub workspace: Option<&'a WorkspaceId>,
    pub run: Option<&'a RunId>,
}

impl Tx {
    /// For queries within this transaction.
    pub fn db(&self) -> &Transaction {
        &self.write
    }

    /// Who does all this.
    pub fn actor(&self) -> &Actor {
        &self.cx.actor
    }

    /// Whose transaction it is, for reading what it does not change.
    pub fn cx(&self) -> &Ctx {
        &self.cx
    }

    /// The moment of this transaction: one for all that it writes.
    pub fn now(&self) -> Timestamp {
        self.at
    }

    /// Tells what was done, in the transaction that does it.
    pub async fn emit(&self, action: Happened, subject: Subject<'_>, detail: Value) -> Result<()> {
        self.emit_as(EventId::fresh(), action, subject, detail).await
    }

    /// The same under an id that something else refers to.
    pub async fn emit_as(
        &self,
        id: EventId,
        action: Happened,
        subject: Subject<'_>,
        detail: Value,
    ) -> Result<()> {
        self.topics().add_of(action);
        let (actor_kind, actor_id) = self.cx.actor.name();
        let told = self.write.tell(event::ActiveModel {
            id: Set(id),
            number: NotSet,
            at: Set(self.at),
            action: Set(action),
            actor_kind: Set(actor_kind.to_owned()),
            actor_id: Set(actor_id),
            impersonator_id: Set(self.cx.actor.impersonator().map(|person| person.id.clone())),
            token_id: Set(self.cx.token.clone()),
            address: Set(self.cx.address().map(|address| address.to_string())),
            request_id: Set(self.cx.origin.request.as_deref().map(str::to_owned)),
            organization_name: Set(subject.organization.map(str::to_owned)),
            workspace_id: Set(subject.workspace.cloned()),
            run_id: Set(subject.run.cloned()),
            resource_type: Set(subject.kind.to_owned()),
            resource_id: Set(subject.id.to_owned()),
            detail: Set(Json(detail)),
        });
        // Nearly every verb awaits it: its own room keeps theirs small.
        Box::pin(told).await?;
        Ok(())
    }

    /// Leaves work for later, done if and only if this transaction is.
    pub async fn later(&self, kind: &str, payload: impl Serialize) -> Result<()> {
        self.topics().add(Topic::Tasks);
        self.write
            .insert(task::Model {
                id: TaskId::fresh(),
                kind: kind.to_owned(),
                payload: Json(json!(payload)),
                due_at: self.at,
                attempts: 0,
                last_error: None,
                created_at: self.at,
            })
            .await?;
        Ok(())
    }

    fn topics(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a change once it is committed.
    pub fn note(&self, change: Change) {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).push(change);
    }

    /// Keeps nothing, and returns once others can have what was locked.
    pub async fn roll_back(self) {
        self.write.roll_back().await;
    }

    pub async fn commit(self) -> Result<()> {
        // Most of what a future of a change holds, but for its last moment.
        Box::pin(self.write.commit()).await?;
        let changes = self.changes.into_inner().unwrap_or_else(PoisonError::into_inner);
        changes.into_iter().for_each(Change::count);
        self.cx.bell().ring(self.topics.into_inner().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }
}
