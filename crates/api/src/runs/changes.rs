//! What a plan changes, boiled down: `/plans/:id/changes`. Ours; values are for those who may read the plan's JSON.

use axum::response::{IntoResponse, Response};
use domain::{
    can,
    differences::Difference,
    plan_changes::{self, Action, Change, How, Import, Known, Part, Verdict, Wanted},
    runs::Plan,
};
use http::StatusCode;
use jsonapi::{Document, Error, Query, Resource};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    May, Result, Routes,
    includes::INCLUDES,
    paging::paging,
    parameters::{Searched, text},
};

pub fn routes() -> Routes {
    Routes::default().get("/api/v2/plans/{plan_id}/changes", list)
}

/// A change on the wire.
struct View {
    /// That of the plan, with the change's number in it.
    id: String,
    part: Part,
    change: Change,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    part: Part,
    address: &'a str,
    module_address: &'a str,
    resource_type: &'a str,
    name: &'a str,
    /// As it is written between brackets.
    index: Option<&'a str>,
    is_data: bool,
    action: Action,
    /// What follows an import.
    then: Option<Action>,
    replaces: Option<How>,
    /// The engine's words for an action that nobody here knows.
    words: Option<&'a str>,
    previous_address: Option<&'a str>,
    import: Option<&'a Import>,
    reason: Option<&'a str>,
    deposed: Option<&'a str>,
    replaced_because_of: &'a [String],
    generated_configuration: Option<&'a str>,
    verdict: Option<Verdict>,
    messages: &'a [String],
    difference: &'a Difference,
}

impl Resource for View {
    const TYPE: &'static str = "plan-changes";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn attributes(&self) -> impl Serialize {
        let change = &self.change;
        Attributes {
            part: self.part,
            address: &change.address,
            module_address: &change.module,
            resource_type: &change.kind,
            name: &change.name,
            index: change.key.as_deref(),
            is_data: change.is_data,
            action: change.action,
            then: change.then,
            replaces: change.how,
            words: change.words.as_deref(),
            previous_address: change.moved_from.as_deref(),
            import: change.imported.as_ref(),
            reason: change.reason.as_deref(),
            deposed: change.deposed.as_deref(),
            replaced_because_of: &change.forced_by,
            generated_configuration: change.generated.as_deref(),
            verdict: change.verdict,
            messages: &change.said,
            difference: &change.difference,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filters {
    action: Vec<String>,
    part: Vec<String>,
}

/// Nothing until the list is there, like the plan's JSON.
async fn list(plan: May<can::ReadRun, Plan>, query: Query<Searched<Filters>>) -> Result<Response> {
    let cx = &plan.cx;
    let Known::List(list) = plan_changes::of_plan(cx, &plan).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let Searched { q, filter } = &query.own;
    let wanted = Wanted {
        text: text(q.as_deref()).unwrap_or_default(),
        actions: words(&filter.action, "filter[action]")?,
        parts: words(&filter.part, "filter[part]")?,
        group: None,
    };
    let values = cx.may::<can::ReadPlanJson>(&plan.0.of);
    let page = list.list(cx, &wanted, values, paging(&query)).await?;
    let id = &plan.0.id;
    let view = |(number, part, change)| View { id: format!("{id}-{number}"), part, change };
    let views: Vec<View> = page.items.into_iter().map(view).collect();
    let document = Document::page(&views, page.total, &query, &INCLUDES, cx).await?;
    Ok(document.meta("plan", list.head.state).into_response())
}

/// Words of an enumeration.
fn words<T: DeserializeOwned>(words: &[String], name: &str) -> Result<Vec<T>> {
    let word = |word: &String| {
        serde_json::from_value(word.as_str().into()).map_err(|error| {
            Error::bad_request("invalid query parameter", error.to_string()).parameter(name).into()
        })
    };
    words.iter().filter(|word| !word.is_empty()).map(word).collect()
}
