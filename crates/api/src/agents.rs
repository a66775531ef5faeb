//! The agent protocol: `/agent/v1/…`. What the messages mean stands in the `protocol` crate.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::{Path, Query},
    response::{IntoResponse, Response},
};
use domain::{
    Ctx,
    agents::{self, Assignment, Ending, Introduction, Takes},
    assessments, can,
    entity::{agent::Abilities, job, phase, run::Cancel, tool_version, variable},
    id::JobId,
    run_limits,
};
use http::StatusCode;
use jsonapi::{Error, Message};
use protocol::{
    Access, Claim, Engine, EngineKind, Job, Leave, Limit, Limits, LogPosition, Orders, Outcome,
    Phase, PhaseResult, PlanOptions, Recovered, Register, Registered, Secret, StateKept, Variable,
    VariableKind,
};
use secrecy::ExposeSecret;
use serde::Deserialize;

use crate::{Failure, May, Routes, ping};

/// A log batch has at most 64 KiB; this leaves room for agents to come.
const LOG_LIMIT: usize = 8 << 20;
const LONGEST_WAIT: u64 = 30;

type Agent = May<can::WorkAsAgent>;

pub fn routes() -> Routes {
    Routes::default()
        .post("/agent/v1/register", register)
        .post("/agent/v1/jobs/claim", claim)
        .post("/agent/v1/leave", leave)
        .post("/agent/v1/jobs/{job_id}/start", start)
        .post("/agent/v1/jobs/{job_id}/heartbeat", heartbeat)
        .put("/agent/v1/jobs/{job_id}/log", log)
        .put("/agent/v1/jobs/{job_id}/state", state)
        .put("/agent/v1/jobs/{job_id}/recovered-state", recovered_state)
        .put("/agent/v1/jobs/{job_id}/artifacts/{artifact}", artifact)
        .post("/agent/v1/jobs/{job_id}/outcome", outcome)
        .post("/agent/v1/jobs/{job_id}/finish", finish)
}

/// A refusal on a job call: what is not found is gone for this agent.
struct Refusal(domain::Error);

impl From<domain::Error> for Refusal {
    fn from(error: domain::Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self.0 {
            domain::Error::NotFound => Failure::from(
                Error::new(StatusCode::GONE, "gone").detail("The job is no longer yours."),
            ),
            other => Failure::from(other),
        }
        .into_response()
    }
}

type Result<T, E = Refusal> = std::result::Result<T, E>;

fn job_id(text: &str) -> Result<JobId> {
    Ok(text.parse().map_err(|_| domain::Error::NotFound)?)
}

fn kind(kind: EngineKind) -> tool_version::Kind {
    match kind {
        EngineKind::Terraform => tool_version::Kind::Terraform,
        EngineKind::Tofu => tool_version::Kind::Tofu,
    }
}

async fn register(
    agent: Agent,
    Message(body): Message<Register>,
) -> crate::Result<Json<Registered>> {
    let introduction = Introduction {
        name: body.name,
        version: body.version,
        instance: body.instance,
        engines: body
            .engines
            .into_iter()
            .map(|engine| (kind(engine.kind), engine.version))
            .collect(),
        abilities: Abilities {
            protocol: body.abilities.protocol,
            jobs: body.abilities.jobs,
            engines: body.abilities.engines,
            os: body.abilities.os,
            arch: body.abilities.arch,
        },
        address: body.address,
    };
    let row = agents::register(&agent.cx, &agent, introduction).await?;
    Ok(Json(Registered { agent_id: row.id.to_string() }))
}

/// 404 says that the agent is unknown and has to register again.
async fn claim(agent: Agent, Message(body): Message<Claim>) -> crate::Result<Response> {
    let id = body.agent_id.parse().map_err(|_| domain::Error::NotFound)?;
    let wait = Duration::from_secs(body.wait_seconds.min(LONGEST_WAIT));
    let takes = if body.phases_only { Takes::Phases } else { Takes::Everything };
    Ok(match agents::claim(&agent.cx, &agent, &id, wait, takes).await? {
        Some(assignment) => Json(job(&agent.cx, assignment)).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

async fn leave(agent: Agent, Message(body): Message<Leave>) -> crate::Result<StatusCode> {
    let id = body.agent_id.parse().map_err(|_| domain::Error::NotFound)?;
    agents::leave(&agent.cx, &agent, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What lets the engine in: as configurations name this server, which is not always as agents reach it.
fn access(cx: &Ctx, token: &str) -> Access {
    let address = &cx.settings().public_url;
    let (scheme, host) = address.split_once("://").unwrap_or(("https", address));
    let services = match scheme {
        // Engines discover services over TLS only.
        "http" => {
            ping::SERVICES.iter().map(|(name, path)| ((*name).to_owned(), cx.url(path))).collect()
        }
        _ => BTreeMap::new(),
    };
    Access { host: host.to_owned(), token: Secret(token.to_owned()), services }
}

fn job(cx: &Ctx, assignment: Assignment) -> Job {
    let access = access(cx, assignment.token.expose());
    let ssh_key = assignment.ssh_key.map(|key| Secret(key.expose_secret().to_owned()));
    let identity_tokens = assignment.identity_tokens.iter();
    let identity_tokens = identity_tokens
        .map(|(audience, token)| (audience.clone(), Secret(token.expose_secret().to_owned())))
        .collect();
    let Assignment { job, run, workspace, tool, source, circumstances, .. } = assignment;
    Job {
        id: job.id.to_string(),
        run_id: assignment.subject,
        phase: match job.kind {
            job::Kind::Plan => Phase::Plan,
            job::Kind::Apply => Phase::Apply,
            // Nobody is handed anything else.
            job::Kind::Assessment | job::Kind::ModuleTest => Phase::Assessment,
        },
        organization: circumstances.organization,
        workspace: circumstances.workspace,
        workspace_id: workspace.id.to_string(),
        project: circumstances.project,
        engine: Engine {
            kind: match tool.kind {
                tool_version::Kind::Tofu => EngineKind::Tofu,
                // Runs are given no tools of policies.
                tool_version::Kind::Terraform
                | tool_version::Kind::Opa
                | tool_version::Kind::Sentinel => EngineKind::Terraform,
            },
            version: tool.version,
            url: source.as_ref().map(|source| source.url.clone()),
            sha256: source.and_then(|source| source.sha),
        },
        working_directory: circumstances.working_directory,
        configuration_url: assignment.configuration,
        state_url: assignment.state,
        plan_file_url: assignment.plan_file,
        lock_file_url: assignment.lock_file,
        has_changes: job.kind == job::Kind::Apply && run.has_changes,
        options: PlanOptions {
            destroy: run.is_destroy,
            refresh: run.refresh,
            refresh_only: run.refresh_only,
            targets: run.target_addrs.0,
            replace: run.replace_addrs.0,
            invoke_actions: run.invoke_action_addrs.0,
            generate_config: run.allow_config_generation,
            plan_only: run.plan_only,
            ends_if_empty: !run.allow_empty_apply,
            documents_first: assignment.documents_first,
            debug: run.debugging_mode,
        },
        variables: circumstances
            .variables
            .into_iter()
            .map(|variable| Variable {
                key: variable.key,
                value: variable.value,
                kind: match variable.category {
                    variable::Category::Terraform => VariableKind::Terraform,
                    variable::Category::Environment => VariableKind::Environment,
                },
                hcl: variable.hcl,
                sensitive: variable.sensitive,
            })
            .collect(),
        access: Some(access),
        ssh_key,
        identity_tokens,
        structured_output: circumstances.structured_output,
        timeout_seconds: assignment.limits.seconds.most,
        limits: limits(assignment.limits),
        log_offset: assignment.log_offset,
    }
}

fn limits(limits: run_limits::Limits) -> Limits {
    let limit = |limit: run_limits::Limit| Limit { most: limit.most, set_by: limit.set_by };
    Limits {
        memory_bytes: limits.memory.map(limit),
        processes: limits.processes.map(limit),
        disk_bytes: limits.disk.map(limit),
        timeout_set_by: Some(limits.seconds.set_by),
    }
}

async fn start(agent: Agent, Path(id): Path<String>) -> Result<StatusCode> {
    agents::start(&agent.cx, &agent, &job_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn heartbeat(agent: Agent, Path(id): Path<String>) -> Result<Json<Orders>> {
    let cancel = agents::heartbeat(&agent.cx, &agent, &job_id(&id)?).await?;
    Ok(Json(Orders {
        cancel: match cancel {
            Cancel::No => protocol::Cancel::No,
            Cancel::Graceful => protocol::Cancel::Graceful,
            Cancel::Force => protocol::Cancel::Force,
        },
    }))
}

#[derive(Deserialize)]
struct At {
    offset: u64,
}

async fn log(
    agent: Agent,
    Path(id): Path<String>,
    Query(at): Query<At>,
    body: Body,
) -> Result<Json<LogPosition>> {
    let bytes = axum::body::to_bytes(body, LOG_LIMIT).await.map_err(|_| {
        domain::Error::TooLarge(format!("A batch of a log has at most {LOG_LIMIT} bytes."))
    })?;
    let length = agents::append_log(&agent.cx, &agent, &job_id(&id)?, at.offset, bytes).await?;
    Ok(Json(LogPosition { length }))
}

async fn state(agent: Agent, Path(id): Path<String>, body: Body) -> Result<Json<StateKept>> {
    let content = body.into_data_stream();
    let sha256 = agents::save_state(&agent.cx, &agent, &job_id(&id)?, content).await?;
    Ok(Json(StateKept { sha256 }))
}

async fn recovered_state(
    agent: Agent,
    Path(id): Path<String>,
    body: Body,
) -> Result<Json<Recovered>> {
    let content = body.into_data_stream();
    let kept = agents::recover_state(&agent.cx, &agent, &job_id(&id)?, content).await?;
    Ok(Json(Recovered { sha256: kept.sha256, is_current: kept.is_current }))
}

async fn artifact(
    agent: Agent,
    Path((id, name)): Path<(String, String)>,
    body: Body,
) -> Result<StatusCode> {
    let content = body.into_data_stream();
    Box::pin(agents::keep_artifact(&agent.cx, &agent, &job_id(&id)?, &name, content)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn outcome(
    agent: Agent,
    Path(id): Path<String>,
    Message(body): Message<Outcome>,
) -> Result<StatusCode> {
    let outcome = agents::Outcome {
        ending: match body.result {
            PhaseResult::Finished => Ending::Finished,
            PhaseResult::Errored => Ending::Errored,
            PhaseResult::Canceled => Ending::Canceled,
        },
        message: body.message,
        has_changes: body.has_changes,
        additions: body.counts.additions,
        changes: body.counts.changes,
        destructions: body.counts.destructions,
        imports: body.counts.imports,
        generated_configuration: body.generated_configuration,
        state_pending: body.state_pending,
        peaks: body.peaks.map(|peaks| phase::Peaks {
            memory_bytes: peaks.memory_bytes,
            processes: peaks.processes,
            disk_bytes: peaks.disk_bytes,
            cpu_milliseconds: peaks.cpu_milliseconds,
        }),
        layers: body.layers,
        findings: body.findings.map(findings),
    };
    agents::conclude(&agent.cx, &agent, &job_id(&id)?, outcome).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn findings(found: protocol::Findings) -> assessments::Findings {
    let check = |check: protocol::Check| assessments::Check {
        standing: assessments::Standing::parse(&check.status),
        address: check.address,
        kind: check.kind,
        problems: check.problems,
    };
    assessments::Findings {
        drifted: found.drifted,
        undrifted: found.undrifted,
        checks: found.checks.map(|checks| checks.into_iter().map(check).collect()),
    }
}

async fn finish(agent: Agent, Path(id): Path<String>) -> Result<StatusCode> {
    agents::finish(&agent.cx, &agent, &job_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
