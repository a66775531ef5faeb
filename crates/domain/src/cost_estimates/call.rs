//! Asking the estimator: one signed request, outside of transactions, with its answer. It is asked once; what becomes of
//! that is the estimate.

use std::{collections::BTreeMap, time::Duration};

use blobs::{Kind, Name};
use db::{
    Json,
    entity::{
        cost_estimate::{self as estimate, Status},
        cost_estimate_resource as resource,
    },
    id::CostEstimateId,
    sea_orm::EntityTrait,
};
use http::{Request, header::CONTENT_TYPE};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{answer, set};
use crate::{
    Ctx, Error, In, Result,
    row::{CostEstimate, Run},
    runs::{self, Artifact, held::Held},
    site_settings::{self, Estimator},
    task_stages,
    tasks::{Deliveries, Errand, Went},
};

/// In all, for the request and its answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of a plan that are read into memory.
const PLAN_LIMIT: u64 = 256 << 20;
/// Megabytes that say nothing of a price.
const SCHEMAS: [&str; 2] = ["provider_schemas", "provider_format_version"];
/// By its name in the protocol of agents.
const PLAN: &str = "json-plan-redacted";
/// Seconds until it is looked again whether the plan has come.
const SOON: i64 = 1;

#[derive(Serialize, Deserialize)]
pub(super) struct Estimating {
    pub estimate: CostEstimateId,
}

impl Errand for Estimating {
    const KIND: &'static str = "estimate_costs";
    // It is asked once: every answer, and none, is the estimate.
    const TRIES: Option<i64> = None;

    /// There is but one.
    fn recipient(&self) -> String {
        String::new()
    }

    async fn run(self, cx: &Ctx, _tries: i64) -> Result<Went> {
        let row = estimate::Entity::find_by_id(self.estimate).one(cx.read()).await?;
        let Some(row) = row.filter(|row| row.status == Status::Queued) else {
            return Ok(Went::Done);
        };
        let found = runs::find(cx, &row.run_id).await?.into_unchecked();
        let plan = runs::artifact(cx, found.plan_id.as_str(), PLAN).await?;
        if matches!(plan, Artifact::Early | Artifact::Coming) {
            return Ok(Went::NotYet(SOON));
        }
        let said = Box::pin(ask(cx, &row, &found)).await?;
        let outcome = if said.is_ok() { "finished" } else { "errored" };
        metrics::counter!("statehouse_cost_estimates_total", "outcome" => outcome).increment(1);
        Box::pin(keep(cx, &row, &found.row, said)).await?;
        Ok(Went::Done)
    }
}

/// Estimates that are asked for without waiting for the estimator.
pub fn deliveries() -> Deliveries {
    Deliveries::of::<Estimating>()
}

/// Or why there is no estimate, for people.
type Said = std::result::Result<answer::Estimate, String>;

async fn ask(cx: &Ctx, row: &CostEstimate, run: &In<Run>) -> Result<Said> {
    let settings = site_settings::current(cx).await?;
    let Some(estimator) = settings.estimator() else {
        return Ok(Err("Cost estimation was switched off meanwhile.".into()));
    };
    let plan = match plan_of(cx, run).await? {
        Ok(plan) => plan,
        Err(why) => return Ok(Err(why)),
    };
    let asked = Asked {
        payload_version: 1,
        cost_estimate_id: row.id.as_str(),
        organization_name: &run.row.organization_name,
        workspace_id: run.of.id.as_str(),
        workspace_name: &run.of.name,
        run_id: run.row.id.as_str(),
        is_destroy: run.row.is_destroy,
        is_speculative: run.row.plan_only,
        plan: &plan,
    };
    let body = serde_json::to_vec(&asked).map_err(|error| Error::Internal(error.into()))?;
    Ok(post(cx, &estimator, body).await.map_err(|why| format!("The estimator {why}.")))
}

#[derive(Serialize)]
struct Asked<'a> {
    payload_version: u8,
    cost_estimate_id: &'a str,
    organization_name: &'a str,
    workspace_id: &'a str,
    workspace_name: &'a str,
    run_id: &'a str,
    is_destroy: bool,
    is_speculative: bool,
    /// Without what is sensitive.
    plan: &'a BTreeMap<String, Box<RawValue>>,
}

async fn plan_of(
    cx: &Ctx,
    run: &Run,
) -> Result<std::result::Result<BTreeMap<String, Box<RawValue>>, String>> {
    let lost = "There is no estimate, as the plan cannot be read as JSON.";
    let name = Name::new(Kind::PlanJsonRedacted, run.plan_id.as_str())?;
    let document = match cx.blobs().size(&name).await {
        Ok(size) if size > PLAN_LIMIT => {
            return Ok(Err("There is no estimate, as the plan is too large.".into()));
        }
        Ok(_) => cx.blobs().get(&name).await,
        Err(error) => Err(error),
    };
    let document = match document.map_err(Error::from) {
        Ok(document) => document,
        Err(Error::NotFound | Error::Damaged(_)) => return Ok(Err(lost.into())),
        Err(error) => return Err(error),
    };
    let read = serde_json::from_slice::<BTreeMap<String, Box<RawValue>>>(&document);
    Ok(read.map_err(|_| lost.into()).map(|mut plan| {
        plan.retain(|key, _| !SCHEMAS.contains(&key.as_str()));
        plan
    }))
}

/// The error is a predicate.
async fn post(cx: &Ctx, to: &Estimator<'_>, body: Vec<u8>) -> Said {
    let mut request = Request::post(to.url).header(CONTENT_TYPE, "application/json");
    let secret = to.secret.expose_secret();
    if !secret.is_empty() {
        let signature = hex::encode(crypto::hmac_sha512(secret.as_bytes(), &body));
        request = request.header("x-statehouse-signature", signature);
    }
    let request = request.body(body.into()).map_err(|_| "has no address".to_owned())?;
    let answer = cx.courier().carry_within(PATIENCE, request, answer::LIMIT).await;
    let answer = answer.map_err(|error| format!("could not be asked: {error}"))?;
    if !answer.status().is_success() {
        return Err(format!("answered {}", answer.status().as_u16()));
    }
    answer::read(answer.body()).map_err(|why| format!("answered what cannot be meant: {why}"))
}

/// Writes down what was said, and lets the run go on.
async fn keep(cx: &Ctx, row: &CostEstimate, run: &Run, said: Said) -> Result<()> {
    let mut held = Held::lock(cx, run).await?;
    let tx = held.tx();
    let row = tx.lock::<estimate::Entity>(row.id.clone()).await?;
    // The run may be over.
    let Some(mut row) = row.filter(|row| row.status == Status::Queued) else {
        held.let_go().await;
        return Ok(());
    };
    match said {
        Ok(answer::Estimate { costs, resources }) => {
            let count = |list: usize| i64::try_from(list).unwrap_or(i64::MAX);
            row.matched = count(resources.matched.len());
            row.unmatched = count(resources.unmatched.len());
            row.prior_monthly_cost = Some(costs.prior);
            row.proposed_monthly_cost = Some(costs.proposed);
            row.delta_monthly_cost = Some(costs.delta);
            let cost_estimate_id = row.id.clone();
            tx.insert(resource::Model { cost_estimate_id, resources: Json(resources) }).await?;
            set(tx, &mut row, Status::Finished);
        }
        Err(why) => {
            row.error_message = Some(why);
            set(tx, &mut row, Status::Errored);
        }
    }
    tx.update(row).await?;
    task_stages::settle(&mut held).await?;
    held.commit().await?;
    Ok(())
}
