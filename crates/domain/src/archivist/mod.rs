//! Addresses of blobs: they carry their own secret in the path, need no token and expire (CLI protocol, rule 3). One
//! works for as long as whoever asked for it might still ask.

use std::{error::Error as StdError, fmt};

use blobs::{Kind, LogId, Name};
use bytes::Bytes;
use db::{
    entity::{configuration_version, state_version, workspace},
    id::{ConfigurationVersionId, StateVersionId},
    sea_orm::EntityTrait,
};
use futures::{
    Stream, StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};

use crate::{
    Ctx, Error, Happened, Result, Site, Subject,
    accounts::{self, Bearer},
    assessments, can, configurations, plan_exports, policies, policy_sets, retention, runs, states,
};

/// As on HCP: long enough for a command that waits over night.
const LIFETIME_MS: i64 = 25 * 60 * 60 * 1000;
const PURPOSE: &str = "archivist";
/// Bytes that are read at once and then answered.
const PIECE: u64 = 64 << 10;
/// How much of a log is read at once.
const LOG_PIECE: usize = 256 * 1024;

/// What an address leads to, and what may be done there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub content: Content,
    /// The id of what it belongs to.
    pub id: String,
}

macro_rules! contents {
    ($($(#[$doc:meta])* $name:ident = $word:literal),+ $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Content { $($(#[$doc])* $name),+ }

        impl Content {
            fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            fn parse(text: &str) -> Option<Self> {
                match text { $($word => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

contents! {
    /// `PUT` of a configuration version's archive.
    ConfigurationUpload = "cu",
    /// `GET` of it.
    Configuration = "cd",
    /// `PUT` of a pending state version's raw state.
    StateUpload = "su",
    State = "sd",
    JsonStateUpload = "ju",
    JsonState = "jd",
    /// `GET` of the log of a plan or apply, by `offset` and `limit`.
    Log = "lg",
    /// Of a plan, for its apply.
    PlanFile = "pf",
    LockFile = "lf",
    PlanJson = "pj",
    PlanJsonRedacted = "pr",
    /// That belong to a plan.
    ProviderSchemas = "ps",
    ErroredState = "es",
    /// Of a plan, for those who write policies.
    PlanExport = "pe",
    /// Of an assessment: the JSON of its plan.
    AssessmentJson = "aj",
    AssessmentSchemas = "as",
    PolicyCode = "pc",
    /// `PUT` of a policy set version's archive.
    PolicySetUpload = "pu",
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.content.as_str(), self.id)
    }
}

/// The absolute address of a blob, good for 25 hours, in the name of the caller.
pub fn address(cx: &Ctx, content: Content, id: impl fmt::Display) -> String {
    let object = Object { content, id: id.to_string() };
    let expires = cx.now().0 + LIFETIME_MS;
    let payload = format!("{object}:{}", Bearer::of(cx).text());
    let secret = cx.signer().sign(PURPOSE, &payload, expires);
    cx.url(format_args!("/_archivist/v1/object/{secret}"))
}

/// What an address leads to, and whose it is.
///
/// # Errors
/// NotFound for one that is forged or has expired, and where the caller who asked for it may not ask any more, or not from
/// where it is used.
pub async fn resolve(anyone: &Ctx, secret: &str) -> Result<(Ctx, Object)> {
    let app = anyone.app();
    let payload = app.signer().verify(PURPOSE, secret, app.now().0).map_err(|_| Error::NotFound)?;
    let mut parts = payload.splitn(3, ':');
    let mut part = || parts.next().ok_or(Error::NotFound);
    let content = Content::parse(part()?).ok_or(Error::NotFound)?;
    let object = Object { content, id: part()?.to_owned() };
    let bearer = Bearer::parse(part()?).ok_or(Error::NotFound)?;
    let cx = bearer.now(app).await.map_err(not_there)?;
    let cx = accounts::let_in(cx, anyone.origin().clone()).await.map_err(not_there)?;
    check(&cx, &object).await?;
    Ok((cx, object))
}

/// Whoever may not ask any more is told what strangers are: who uses an address need not be who asked for it.
fn not_there(error: Error) -> Error {
    match error {
        Error::Unauthorized | Error::Forbidden(_) => Error::NotFound,
        other => other,
    }
}

/// As where the address was asked for.
async fn check(cx: &Ctx, object: &Object) -> Result<()> {
    if cx.may::<can::FollowAnyAddress>(&Site) {
        return Ok(());
    }
    match object.content {
        Content::Configuration => {
            let found = configurations::find(cx, &id(object)?).await?;
            cx.check::<can::DownloadConfiguration, _>(found)?;
        }
        Content::ConfigurationUpload => {
            cx.check::<can::CreateConfiguration, _>(configurations::find(cx, &id(object)?).await?)?;
        }
        Content::State | Content::JsonState => {
            cx.check::<can::ReadState, _>(states::find(cx, &id(object)?).await?)?;
        }
        Content::StateUpload | Content::JsonStateUpload => {
            cx.check::<can::CreateStateVersion, _>(states::find(cx, &id(object)?).await?)?;
        }
        Content::Log => match id(object) {
            Ok(plan) => {
                cx.check::<can::ReadRun, _>(runs::find_plan(cx, &plan).await?)?;
            }
            Err(_) => {
                cx.check::<can::ReadRun, _>(runs::find_apply(cx, &id(object)?).await?)?;
            }
        },
        Content::PlanJsonRedacted => {
            cx.check::<can::ReadRun, _>(runs::find_plan(cx, &id(object)?).await?)?;
        }
        Content::PlanJson => {
            cx.check::<can::DownloadPlanJson, _>(runs::find_plan(cx, &id(object)?).await?)?;
        }
        Content::ProviderSchemas => {
            cx.check::<can::ReadPlanJson, _>(runs::find_plan(cx, &id(object)?).await?)?;
        }
        Content::ErroredState => {
            cx.check::<can::ReadState, _>(runs::find_apply(cx, &id(object)?).await?)?;
        }
        Content::PlanExport => {
            let export =
                cx.check::<can::ExportPlan, _>(plan_exports::find(cx, &id(object)?).await?)?;
            if !plan_exports::is_there(&export.row, cx) {
                return Err(Error::NotFound);
            }
        }
        Content::AssessmentJson | Content::AssessmentSchemas => {
            let result = assessments::find_by_assessment(cx, &id(object)?).await?;
            cx.check::<can::ReadAssessmentOutput, _>(result)?;
        }
        Content::PolicyCode => {
            cx.check::<can::ReadPolicies, _>(policies::find_by_code(cx, &object.id).await?)?;
        }
        Content::PolicySetUpload => {
            let version = policy_sets::find_version(cx, &id(object)?).await?;
            cx.check::<can::ManagePolicies, _>(version)?;
        }
        // For agents only.
        Content::PlanFile | Content::LockFile => return Err(Error::NotFound),
    }
    Ok(())
}

/// What is read from an address.
pub struct Download {
    /// Bytes of the content.
    pub size: u64,
    pub content: BoxStream<'static, Result<Bytes>>,
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("size", &self.size).finish_non_exhaustive()
    }
}

/// Reads what an address leads to; the address is the permission.
///
/// # Errors
/// NotFound if there is nothing (yet, or any more), or if the address is for uploads or for a log.
pub async fn read(cx: &Ctx, object: &Object) -> Result<Download> {
    let kind = match object.content {
        Content::Configuration => Kind::Configuration,
        Content::State => Kind::State,
        Content::JsonState => Kind::JsonState,
        Content::PlanFile => Kind::Plan,
        Content::LockFile => Kind::LockFile,
        Content::PlanJson | Content::AssessmentJson => Kind::PlanJson,
        Content::PlanJsonRedacted => Kind::PlanJsonRedacted,
        Content::ProviderSchemas | Content::AssessmentSchemas => Kind::ProviderSchemas,
        Content::ErroredState => Kind::ErroredState,
        Content::PlanExport => Kind::PlanExport,
        Content::PolicyCode => Kind::PolicyCode,
        Content::ConfigurationUpload
        | Content::StateUpload
        | Content::JsonStateUpload
        | Content::PolicySetUpload
        | Content::Log => return Err(Error::NotFound),
    };
    if retention::is_unreadable(cx, kind, &object.id).await? {
        return Err(Error::NotFound);
    }
    note_read(cx, object).await?;
    let name = Name::new(kind, &object.id)?;
    let read = async || cx.blobs().get_stream(&name).await;
    match read().await {
        Ok((size, content)) if size > PIECE => whole(content.map_err(Error::from)).await?,
        Ok((size, content)) => {
            // One piece: it is either read or not.
            let pieces: Vec<Bytes> = content.try_collect().await?;
            return Ok(Download {
                size,
                content: stream::iter(pieces.into_iter().map(Ok)).boxed(),
            });
        }
        Err(blobs::Error::NotFound(_)) if !is_promised(cx, object).await? => {
            return Err(Error::NotFound);
        }
        Err(error) => return Err(error.into()),
    }
    let (size, content) = read().await?;
    Ok(Download { size, content: content.map_err(Error::from).boxed() })
}

/// Says who reads what holds secrets, before they get it; an agent's own work is told by its run.
///
/// # Errors
/// As any write: what cannot be recorded is not read.
async fn note_read(cx: &Ctx, object: &Object) -> Result<()> {
    if cx.may::<can::FollowAnyAddress>(&Site) {
        return Ok(());
    }
    let (action, kind) = match object.content {
        Content::State | Content::JsonState => (Happened::StateRead, "state-versions"),
        Content::ErroredState => (Happened::StateRead, "applies"),
        Content::PlanJson => (Happened::PlanJsonRead, "plans"),
        Content::AssessmentJson => (Happened::PlanJsonRead, "assessments"),
        _ => return Ok(()),
    };
    let (workspace, run) = match object.content {
        Content::State | Content::JsonState => {
            let row = state_version::Entity::find_by_id(id::<StateVersionId>(object)?);
            let row = row.one(cx.read()).await?.ok_or(Error::NotFound)?;
            (row.workspace_id, row.run_id)
        }
        Content::AssessmentJson => {
            let result = assessments::find_by_assessment(cx, &id(object)?).await?;
            (result.into_unchecked().row.workspace_id, None)
        }
        _ => {
            let run = runs::of_phase(cx, &object.id).await?;
            (run.workspace_id, Some(run.id))
        }
    };
    let row = workspace::Entity::find_by_id(workspace).one(cx.read()).await?;
    let row = row.ok_or(Error::NotFound)?;
    let subject = Subject {
        kind,
        id: &object.id,
        organization: Some(&row.organization_name),
        workspace: Some(&row.id),
        run: run.as_ref(),
    };
    let tx = cx.write().await?;
    tx.emit(action, subject, serde_json::json!({})).await?;
    tx.commit().await
}

/// Whether a row says that the content is there: one that is missing all the same is lost, which is no "not found".
async fn is_promised(cx: &Ctx, object: &Object) -> Result<bool> {
    Ok(match object.content {
        Content::State => {
            let row = state_version::Entity::find_by_id(id::<StateVersionId>(object)?);
            let row = row.one(cx.read()).await?;
            row.is_some_and(|row| row.status == state_version::Status::Finalized)
        }
        Content::Configuration => {
            let id = id::<ConfigurationVersionId>(object)?;
            let row = configuration_version::Entity::find_by_id(id).one(cx.read()).await?;
            row.is_some_and(|row| row.status == configuration_version::Status::Uploaded)
        }
        Content::PlanFile => runs::has_left(cx, &object.id, "plan-file").await?,
        Content::LockFile => runs::has_left(cx, &object.id, "lock-file").await?,
        Content::PlanJson => runs::has_left(cx, &object.id, "json-plan").await?,
        Content::PlanJsonRedacted => runs::has_left(cx, &object.id, "json-plan-redacted").await?,
        Content::ProviderSchemas => runs::has_left(cx, &object.id, "provider-schemas").await?,
        Content::AssessmentJson => {
            assessments::has_left(cx, &id(object)?, assessments::JSON).await?
        }
        Content::AssessmentSchemas => {
            assessments::has_left(cx, &id(object)?, assessments::SCHEMAS).await?
        }
        Content::ErroredState => runs::has_left(cx, &object.id, "errored-state").await?,
        Content::Log => runs::has_left(cx, &object.id, runs::LOG).await?,
        Content::PlanExport => {
            let row = plan_exports::by_id(cx, &id(object)?).await?;
            row.is_some_and(|row| plan_exports::is_there(&row, cx))
        }
        Content::PolicyCode => policies::find_by_code(cx, &object.id).await.is_ok(),
        // It comes after its state, and may not come at all.
        Content::JsonState
        | Content::ConfigurationUpload
        | Content::StateUpload
        | Content::JsonStateUpload
        | Content::PolicySetUpload => false,
    })
}

/// Reads to the end before anything is answered: an answer that breaks off looks like a bad line, and is asked for
/// again and again.
async fn whole(content: impl Stream<Item = Result<Bytes>>) -> Result<()> {
    content.try_for_each(async |_| Ok(())).await
}

/// Reads a log from byte `offset` on, at most `limit` bytes. What is not there yet is empty, never an error: the
/// command line gives up on any (CLI protocol, section 4).
///
/// # Errors
/// Damaged if the log has an end, and nothing of it is there any more.
pub async fn read_log(
    cx: &Ctx,
    object: &Object,
    offset: u64,
    limit: Option<u64>,
) -> Result<Download> {
    let log = LogId::new(&object.id)?;
    let limit = limit.unwrap_or(u64::MAX);
    if let Ok(limit) = usize::try_from(limit)
        && limit <= LOG_PIECE
    {
        let piece = cx.blobs().read_log(&log, offset, limit).await?;
        let size = piece.len() as u64;
        if size == 0 && cx.blobs().log_length(&log).await? == 0 {
            be_sure_that_it_is_early(cx, object).await?;
        }
        return Ok(Download { size, content: stream::iter([Ok(piece)]).boxed() });
    }
    // A log only grows: what it has now can be promised.
    let length = cx.blobs().log_length(&log).await?;
    if length == 0 {
        be_sure_that_it_is_early(cx, object).await?;
    }
    let size = length.saturating_sub(offset).min(limit);
    let blobs = cx.blobs().clone();
    let content = || log_from(blobs.clone(), log.clone(), offset, size);
    whole(content()).await?;
    Ok(Download { size, content: content().boxed() })
}

/// Of a log without a byte.
async fn be_sure_that_it_is_early(cx: &Ctx, log: &Object) -> Result<()> {
    if is_promised(cx, log).await? {
        return Err(blobs::Error::NotFound(LogId::new(&log.id)?.whole()).into());
    }
    Ok(())
}

fn log_from(
    blobs: blobs::Blobs,
    log: LogId,
    offset: u64,
    size: u64,
) -> impl Stream<Item = Result<Bytes>> + Send + use<> {
    stream::try_unfold((blobs, log, offset), move |(blobs, log, at)| async move {
        let left = offset + size - at;
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(LOG_PIECE);
        if wanted == 0 {
            return Ok(None);
        }
        let piece = blobs.read_log(&log, at, wanted).await?;
        if piece.is_empty() {
            return Err(blobs::Error::NotFound(log.whole()).into());
        }
        let next = at + piece.len() as u64;
        Ok(Some((piece, (blobs, log, next))))
    })
}

/// Takes what is uploaded to an address; the address is the permission.
///
/// # Errors
/// NotFound if the address is not for uploads; otherwise as [`configurations::receive`], [`states::receive`],
/// [`states::receive_json`] and [`policy_sets::receive_version`].
pub async fn write<S, E>(cx: &Ctx, object: &Object, content: S) -> Result<()>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    let written = match object.content {
        Content::ConfigurationUpload => {
            Box::pin(configurations::receive(cx, &id(object)?, content)).await
        }
        Content::StateUpload => Box::pin(states::receive(cx, &id(object)?, content)).await,
        Content::JsonStateUpload => states::receive_json(cx, &id(object)?, content).await,
        Content::PolicySetUpload => policy_sets::receive_version(cx, &id(object)?, content).await,
        _ => Err(Error::NotFound),
    };
    written.map_err(not_there)
}

fn id<T: std::str::FromStr>(object: &Object) -> Result<T> {
    object.id.parse().map_err(|_| Error::NotFound)
}
