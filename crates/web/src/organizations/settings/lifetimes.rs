//! How long tokens may live in the organization, by whose they are.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, accounts, can,
    entity::token_ttl_policy::TokenType,
    organizations::{self, Change},
};
use maud::{Markup, Render, html};

use super::{Part, here};
use crate::{
    components::{About, Button, Check, Control, Number, Panel, Sheet},
    failure::{Result, Wrong},
    forms::{Form, Pairs},
    guard::May,
    visitor::SignedIn,
};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Under which name each is sent, and what it is called.
const TYPES: [(TokenType, &str, &str); 4] = [
    (TokenType::User, "user", "Tokens of people"),
    (TokenType::Team, "team", "Tokens of teams"),
    (TokenType::Organization, "organization", "The organization's token"),
    (TokenType::AuditTrails, "audit-trails", "The token for the audit trail"),
];

fn at(organization: &str) -> String {
    format!("{}/lifetimes", here(organization))
}

pub async fn show(organization: May<can::ManageTokenTtl>) -> Result<Markup> {
    draw(&organization.visitor, &organization, None).await
}

/// Days, for each type.
fn limits(pairs: &Pairs) -> domain::Result<Vec<(TokenType, i64)>> {
    TYPES
        .iter()
        .map(|(of, name, _)| {
            let wrong =
                || domain::Error::invalid(name, "must be a number of days, from 1 to 36500");
            let days: i64 = pairs.text(name).trim().parse().map_err(|_| wrong())?;
            if !(1..=36_500).contains(&days) {
                return Err(wrong());
            }
            Ok((*of, days * DAY_MS))
        })
        .collect()
}

pub async fn save(
    organization: May<can::ManageTokenTtl>,
    Form(pairs): Form<Pairs>,
) -> Result<Response> {
    let visitor = &organization.visitor;
    match Box::pin(saved(&organization, &pairs)).await {
        Ok(()) => Ok(Redirect::to(&at(&organization.name)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let page = draw(visitor, &organization, Some((&pairs, &wrong))).await?;
            Ok(wrong.shown_in(page))
        }
    }
}

/// The limits first: they do not count before it is said that there are any.
async fn saved(organization: &May<can::ManageTokenTtl>, pairs: &Pairs) -> domain::Result<()> {
    let cx = &organization.visitor.cx;
    accounts::set_ttl_policies(cx, organization, limits(pairs)?).await?;
    let granted =
        organization.visitor.organization::<can::UpdateOrganization>(&organization.name).await?;
    let change =
        Change { max_ttl_enabled: Some(pairs.has("max-ttl-enabled")), ..Change::default() };
    organizations::update(cx, &granted, change).await.map(drop)
}

async fn draw(
    visitor: &SignedIn,
    organization: &Granted<can::ManageTokenTtl>,
    said: Option<(&Pairs, &Wrong)>,
) -> Result<Markup> {
    let policies = accounts::ttl_policies(&visitor.cx, organization).await?;
    let now = |of: TokenType| {
        let set = policies.iter().find(|row| row.token_type == of);
        set.map(|row| (row.max_ttl_ms / DAY_MS).max(1).to_string()).unwrap_or_default()
    };
    let values: Vec<String> = TYPES
        .iter()
        .map(|(of, name, _)| match said {
            Some((pairs, _)) => pairs.text(name).to_owned(),
            None => now(*of),
        })
        .collect();
    let limited = Check {
        about: About {
            name: "max-ttl-enabled",
            label: "Tokens stop working when they are older than this",
            hint: Some(
                "Those that are too old already stop at once. Tokens of people still work in other organizations.",
            ),
            optional: true,
        },
        is_on: said.map_or(organization.max_ttl_enabled, |(pairs, _)| pairs.has("max-ttl-enabled")),
        must: false,
    };
    let numbers: Vec<Number<'_>> = TYPES
        .iter()
        .zip(&values)
        .map(|((_, name, label), value)| Number {
            about: About { name, label, hint: Some("Days."), optional: false },
            value,
            min: 1,
        })
        .collect();
    let mut controls: Vec<&dyn Control> = vec![&limited];
    controls.extend(numbers.iter().map(|number| number as &dyn Control));
    let form = Sheet {
        id: "lifetimes",
        action: &at(&organization.name),
        token: &visitor.form_token(),
        wrong: said.map(|(_, wrong)| wrong),
        hidden: &[],
        controls: &controls,
        send: Button { label: "Save", ..Button::default() },
    };
    let content = html! { (form) };
    let panel = Panel { id: "o-life", title: "Lifetimes of tokens", content, ..Panel::default() };
    super::draw(visitor, organization, Part::Lifetimes, &panel.render()).await
}
