//! `/policy-set-outcomes`, `/policy-evaluations/:id/policy-set-outcomes`: what each policy said. Never in pages: command
//! lines do not ask for a second one (CLI protocol, gotcha 20).

use std::collections::BTreeMap;

use domain::{
    In, can,
    entity::policy_evaluation::ResultCount,
    policy_evaluations::{self, OutcomeFilter, PolicyOutcome},
    row::{PolicyEvaluation, PolicySetOutcome},
};
use jsonapi::{Document, Query, Relationships, Resource};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/policy-evaluations/{policy_evaluation_id}/policy-set-outcomes", list)
        .get("/api/v2/policy-set-outcomes/{policy_set_outcome_id}", show)
}

/// What a set said, on the wire.
pub struct View {
    row: PolicySetOutcome,
    outcomes: Vec<PolicyOutcome>,
}

impl View {
    pub fn new((row, outcomes): (PolicySetOutcome, Vec<PolicyOutcome>)) -> Self {
        Self { row, outcomes }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    outcomes: &'a [PolicyOutcome],
    error: Option<&'a str>,
    warnings: [&'static str; 0],
    overridable: bool,
    policy_set_name: &'a str,
    policy_set_description: Option<&'a str>,
    policy_tool_version: &'a str,
    result_count: ResultCount,
    /// As the Go client spells it.
    #[serde(rename = "result_count")]
    result_count_again: ResultCount,
}

impl Resource for View {
    const TYPE: &'static str = "policy-set-outcomes";

    fn id(&self) -> String {
        self.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.row;
        Attributes {
            outcomes: &self.outcomes,
            error: row.error.as_deref(),
            warnings: [],
            overridable: row.overridable,
            policy_set_name: &row.policy_set_name,
            policy_set_description: row.policy_set_description.as_deref(),
            policy_tool_version: &row.policy_tool_version,
            result_count: row.result_count.0,
            result_count_again: row.result_count.0,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let evaluation = &self.row.policy_evaluation_id;
        let related = format!("/api/v2/policy-evaluations/{evaluation}");
        to.one_with_link("policy-evaluation", "policy-evaluations", Some(evaluation), related);
    }
}

/// `filter[0][status]`, `filter[0][enforcementLevel]`: an outcome is shown if one of them takes it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    filter: BTreeMap<String, Filter>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Filter {
    status: Option<String>,
    #[serde(rename = "enforcementLevel", alias = "enforcement-level", alias = "enforcement_level")]
    enforcement_level: Option<String>,
}

async fn list(
    evaluation: May<can::ReadRun, In<PolicyEvaluation>>,
    query: Query<Parameters>,
) -> Result<Document> {
    let filters: Vec<_> = query
        .own
        .filter
        .iter()
        // HashiCorp's Python client repeats all of `filter[0][status]` and so on as the text of a plain `filter`.
        .filter(|(index, _)| !index.is_empty())
        .map(|(_, filter)| OutcomeFilter {
            status: filter.status.clone(),
            enforcement_level: filter.enforcement_level.clone(),
        })
        .collect();
    let found = policy_evaluations::outcomes_of(&evaluation.cx, &evaluation, &filters).await?;
    Ok(Document::list(&found.into_iter().map(View::new).collect::<Vec<_>>()))
}

async fn show(outcome: May<can::ReadRun, In<PolicySetOutcome>>, query: Query) -> Result<Document> {
    let cx = outcome.cx;
    let row = outcome.granted.into_inner().row;
    let found = policy_evaluations::with_outcomes(&cx, vec![row])?;
    let views: Vec<_> = found.into_iter().map(View::new).collect();
    Document::one_with(&views[0], &query, &INCLUDES, &cx).await
}
