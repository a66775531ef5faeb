//! `/policy-replays`: draft policies asked about plans of runs that are over. Ours

use std::collections::BTreeMap;

use domain::{
    In, Timestamp, can,
    entity::{
        policy_replay::{Counts, Kind, Status},
        policy_replay_result::Status as Came,
    },
    id::{PolicySetId, WorkspaceId},
    policy_evaluations::{Draft, PolicyOutcome},
    policy_replays::{self, New, Told},
    policy_sets,
    row::{Organization, PolicyReplay, PolicySet},
};
use jsonapi::{
    Body, Document, Links, Query, Relationships, Resource, ToMany, ToOne, Typed, Unsupported,
};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging};

/// Plans, where nobody says how many.
const USUAL: u64 = 50;

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/organizations/{organization_name}/policy-replays", list)
        .post("/api/v2/organizations/{organization_name}/policy-replays", create)
        .get("/api/v2/policy-replays/{policy_replay_id}", show)
        .get("/api/v2/policy-replays/{policy_replay_id}/results", results)
        .post("/api/v2/policy-replays/{policy_replay_id}/actions/cancel", cancel)
}

/// A replay on the wire.
struct View(PolicyReplay);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    kind: Kind,
    status: Status,
    counts: &'a Counts,
    created_at: Timestamp,
    finished_at: Option<Timestamp>,
}

impl Resource for View {
    const TYPE: &'static str = "policy-replays";

    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        Attributes {
            kind: self.0.kind,
            status: self.0.status,
            counts: &self.0.counts.0,
            created_at: self.0.created_at,
            finished_at: self.0.finished_at,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        to.one("organization", "organizations", Some(&self.0.organization_name));
        if let Some(user) = &self.0.created_by_id {
            to.one("created-by", "users", Some(user));
        }
    }

    fn links(&self, to: &mut Links) {
        to.add("results", format!("/api/v2/policy-replays/{}/results", self.0.id));
    }
}

/// What one plan led to.
struct ResultView(Told);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct ResultAttributes<'a> {
    status: Came,
    workspace_name: &'a str,
    /// Why no policy could be asked.
    error: Option<&'a str>,
    outcomes: &'a [PolicyOutcome],
}

impl Resource for ResultView {
    const TYPE: &'static str = "policy-replay-results";

    fn id(&self) -> String {
        self.0.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        ResultAttributes {
            status: self.0.row.status,
            workspace_name: &self.0.workspace.name,
            error: self.0.said.error.as_deref(),
            outcomes: &self.0.said.outcomes,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        to.one("run", "runs", Some(&self.0.row.run_id));
        to.one("workspace", "workspaces", Some(&self.0.row.workspace_id));
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    kind: Option<Kind>,
    /// By their paths, as in an archive of policies.
    #[serde(deserialize_with = "jsonapi::verbatim")]
    files: BTreeMap<String, String>,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    query: Option<String>,
    #[serde(deserialize_with = "jsonapi::verbatim")]
    parameters: BTreeMap<String, String>,
    plans: Option<u64>,
}

impl Typed for Input {
    const TYPE: &'static str = "policy-replays";
    const UNSUPPORTED: &'static [Unsupported] = &[];
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Relations {
    workspaces: Option<ToMany<WorkspaceId>>,
    policy_set: Option<ToOne<PolicySetId>>,
}

async fn create(
    organization: May<can::ManagePolicies>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    let cx = &organization.cx;
    let Relations { workspaces, policy_set } = body.relationships;
    let Input { kind, files, query, parameters, plans } = body.attributes;
    let workspaces = workspaces.map(|all| all.of_kind("workspaces", "workspaces")).transpose()?;
    let set = policy_set.map(|one| one.of_kind("policy-sets", "policy-set")).transpose()?.flatten();
    let set = match &set {
        Some(id) => Some(set_of(&organization, id).await?),
        None => None,
    };
    if set.is_some() && !(files.is_empty() && parameters.is_empty() && query.is_none()) {
        let why = "has policies and parameters of its own: leave files, query and parameters out";
        return Err(domain::Error::invalid_relation("policy-set", why).into());
    }
    let draft = Draft {
        kind: set.as_ref().map_or(kind.unwrap_or(Kind::Sentinel), |set| set.kind),
        files,
        query,
        parameters,
        policy_set: set.map(|set| set.id),
    };
    let new = New { draft, workspaces: workspaces.flatten(), plans: plans.unwrap_or(USUAL) };
    let row = policy_replays::create(cx, &organization, new).await?;
    Ok(Document::one(&View(row)).created())
}

/// A set of the same organization.
async fn set_of(organization: &May<can::ManagePolicies>, id: &PolicySetId) -> Result<PolicySet> {
    let unknown = || domain::Error::invalid_relation("policy-set", "does not exist");
    let found = policy_sets::find(&organization.cx, id).await.map_err(|_| unknown())?;
    let set = organization.cx.check::<can::ReadPolicies, In<PolicySet, Organization>>(found)?;
    if set.row.organization_name != organization.granted.name {
        return Err(unknown().into());
    }
    Ok(set.into_inner().row)
}

async fn list(organization: May<can::ManagePolicies>, query: Query) -> Result<Document> {
    let cx = &organization.cx;
    let page = policy_replays::list(cx, &organization, paging(&query)).await?;
    let views: Vec<_> = page.items.into_iter().map(View).collect();
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

type Replay = May<can::ManagePolicies, In<PolicyReplay, Organization>>;

async fn show(replay: Replay, query: Query) -> Result<Document> {
    let cx = replay.cx;
    let view = View(replay.granted.into_inner().row);
    Document::one_with(&view, &query, &INCLUDES, &cx).await
}

/// Of plans that the caller may read; the others are counted in the replay alone.
async fn results(replay: Replay, query: Query) -> Result<Document> {
    let cx = &replay.cx;
    let page = policy_replays::results(cx, &replay, paging(&query)).await?;
    let views: Vec<_> = page.items.into_iter().map(ResultView).collect();
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

async fn cancel(replay: Replay) -> Result<Document> {
    let row = policy_replays::cancel(&replay.cx, &replay).await?;
    Ok(Document::one(&View(row)))
}
