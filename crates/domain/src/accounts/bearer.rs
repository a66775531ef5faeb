//! A caller of whom is kept by what he came, to be asked for again later: an address works for as long as whoever asked
//! for it could still ask, and what takes minutes to arrive is taken from those who may send it when it is there.

use db::{
    entity::{assessment, run, token, user},
    id::{AgentPoolId, RunId, TaskResultId, TokenId, UserId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};

use super::{impersonation, sessions};
use crate::{Actor, App, Ctx, Error, Result, accounts, workspaces};

/// Between the ids of a person and of whoever impersonates them.
const BY: char = '~';

/// By what a caller came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bearer {
    Token(TokenId),
    /// In a browser's session.
    Person(UserId),
    /// The same, where it is really somebody else.
    Impersonated {
        person: UserId,
        by: UserId,
    },
    /// That of this installation, which shows no token of the database.
    Agent,
    /// The engine inside a run.
    Run(RunId),
    /// That is asked about a run.
    RunTask(TaskResultId),
    /// Work that nobody asked for.
    System,
}

async fn is_assessed(app: &App, run: &RunId) -> Result<bool> {
    let under_way = assessment::Entity::find()
        .filter(assessment::Column::RunId.eq(run))
        .filter(assessment::Column::Status.eq(assessment::Status::Running));
    Ok(under_way.one(app.db().read()).await?.is_some())
}

impl Bearer {
    pub fn of(cx: &Ctx) -> Self {
        if let Some(token) = cx.token() {
            return Self::Token(token.clone());
        }
        match cx.actor() {
            Actor::User(person) => {
                let id = person.id.clone();
                match &person.impersonated_by {
                    Some(really) => Self::Impersonated { person: id, by: really.id.clone() },
                    None => Self::Person(id),
                }
            }
            Actor::Agent(_) => Self::Agent,
            Actor::Run { run, .. } => Self::Run(run.clone()),
            Actor::RunTask { result, .. } => Self::RunTask(result.clone()),
            _ => Self::System,
        }
    }

    pub fn text(&self) -> String {
        match self {
            Self::Token(id) => id.to_string(),
            Self::Person(id) => id.to_string(),
            Self::Impersonated { person, by } => format!("{person}{BY}{by}"),
            Self::Run(id) => id.to_string(),
            Self::RunTask(id) => id.to_string(),
            Self::Agent => "agent".to_owned(),
            Self::System => "system".to_owned(),
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "agent" => Some(Self::Agent),
            "system" => Some(Self::System),
            _ if text.contains(BY) => {
                let (person, by) = text.split_once(BY)?;
                Some(Self::Impersonated { person: person.parse().ok()?, by: by.parse().ok()? })
            }
            _ => text
                .parse()
                .map(Self::Token)
                .or_else(|_| text.parse().map(Self::Person))
                .or_else(|_| text.parse().map(Self::Run))
                .or_else(|_| text.parse().map(Self::RunTask))
                .ok(),
        }
    }

    /// The caller with the rights of this moment.
    ///
    /// # Errors
    /// Unauthorized for whoever would not be let in any more.
    pub async fn now(&self, app: &App) -> Result<Ctx> {
        let db = app.db().read();
        match self {
            Self::Token(id) => match token::Entity::find_by_id(id.clone()).one(db).await? {
                Some(token) => accounts::bearer_of(app, &token).await,
                None => Err(Error::Unauthorized),
            },
            Self::Person(id) => match user::Entity::find_by_id(id.clone()).one(db).await? {
                Some(user) => accounts::person(app, user).await.map(|it| Ctx::new(app.clone(), it)),
                None => Err(Error::Unauthorized),
            },
            Self::Impersonated { person, by } => {
                impersonation::while_it_lasts(app, person, by).await
            }
            Self::Run(id) => match run::Entity::find_by_id(id.clone()).one(db).await? {
                // It works for the run, or for an assessment of what that has applied.
                Some(run) if !run.is_final || is_assessed(app, id).await? => {
                    workspaces::engine_of(&app.system("engine"), id).await
                }
                _ => Err(Error::Unauthorized),
            },
            Self::RunTask(id) => accounts::run_task(app, id).await,
            Self::Agent => Ok(Ctx::new(app.clone(), Actor::Agent(None::<AgentPoolId>))),
            Self::System => Ok(app.system("address")),
        }
    }
}

/// The same caller with the rights of this moment: for after a change that gave or took some, and for what took its
/// time.
///
/// # Errors
/// Unauthorized for whoever would not be let in any more.
pub async fn refreshed(cx: &Ctx) -> Result<Ctx> {
    if let Actor::System(_) | Actor::Anyone = cx.actor() {
        return Ok(cx.clone());
    }
    let now = match cx.session() {
        Some(session) => sessions::of_hash(cx.app(), session).await?,
        None => Bearer::of(cx).now(cx.app()).await?,
    };
    accounts::let_in(now, cx.origin().clone()).await
}
