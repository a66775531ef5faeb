//! For how long what is behind old states and configurations is kept, where a workspace says nothing else.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, can,
    retention::{self, Rule},
};
use maud::{Markup, Render, html};

use super::{Part, here};
use crate::{
    components::Panel,
    failure::{Result, Wrong},
    forms::Form,
    guard::May,
    retention::{Input, sheet},
    visitor::SignedIn,
};

fn at(organization: &str) -> String {
    format!("{}/retention", here(organization))
}

pub async fn show(organization: May<can::UpdateOrganization>) -> Result<Markup> {
    draw(&organization.visitor, &organization, None).await
}

pub async fn save(
    organization: May<can::UpdateOrganization>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let visitor = &organization.visitor;
    let cx = &visitor.cx;
    let done = match input.rule() {
        Ok(Some(rule)) => retention::set_for_organization(cx, &organization, rule).await.map(drop),
        Ok(None) => match retention::remove_from_organization(cx, &organization).await {
            // It had none, as is wished.
            Err(domain::Error::NotFound) => Ok(()),
            other => other,
        },
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(Redirect::to(&at(&organization.name)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let page = draw(visitor, &organization, Some((&input, &wrong))).await?;
            Ok(wrong.shown_in(page))
        }
    }
}

async fn draw(
    visitor: &SignedIn,
    organization: &Granted<can::UpdateOrganization>,
    said: Option<(&Input, &Wrong)>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let readable = visitor.organization::<can::ReadOrganization>(&organization.name).await?;
    let now = match retention::of_organization(cx, &readable).await {
        Ok(policy) => Input::of(Some(Rule::of(&policy))),
        Err(domain::Error::NotFound) => Input::of(None),
        Err(other) => return Err(other.into()),
    };
    let input = said.map_or(&now, |(input, _)| input);
    let wrong = said.map(|(_, wrong)| wrong);
    let form = sheet(&at(&organization.name), visitor, input, "Everything is kept.", wrong);
    let content = html! {
        p { "For workspaces that have no rule of their own. The current state, and what runs still need, always stay." }
        (form)
    };
    let panel = Panel { id: "o-keep", title: "Retention", content, ..Panel::default() };
    super::draw(visitor, organization, Part::Retention, &panel.render()).await
}
