//! One notification: what was sent and answered, a trial, its form, its end.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    can,
    entity::notification_configuration::Trigger,
    notifications::{self, Configuration, Shown, ShownDelivery},
};
use maud::{Markup, Render, html};

use super::{Input, answer, destination, here, sheet, word, workspace_of};
use crate::{
    components::{Button, Head, Icon, Look, Notice, Panel, Table, Tone, action, time},
    failure::{Result, Wrong},
    forms::{Form, Pairs, Press},
    guard::May,
    visitor::SignedIn,
    workspaces::settings::Setting,
};

type One = May<can::ManageNotifications, Configuration>;

pub async fn show(configuration: One) -> Result<Markup> {
    let cx = &configuration.visitor.cx;
    let shown = notifications::show(cx, configuration.row.clone()).await?;
    draw_one(&configuration.visitor, &configuration, &shown, &Input::of(&shown), None).await
}

pub async fn save(configuration: One, Form(pairs): Form<Pairs>) -> Result<Response> {
    let input = Input::sent(&pairs);
    let cx = &configuration.visitor.cx;
    let saved = match input.wanted(Some(&configuration)) {
        Ok(change) => Box::pin(notifications::update(cx, &configuration, change)).await,
        Err(error) => Err(error),
    };
    answered(&configuration, Some(&input), saved).await
}

/// The test button: sends a trial, and keeps what was answered.
pub async fn verify(configuration: One, _: Press) -> Result<Response> {
    let cx = &configuration.visitor.cx;
    let tried = Box::pin(notifications::verify(cx, &configuration)).await;
    answered(&configuration, None, tried).await
}

pub async fn delete(configuration: One, _: Press) -> Result<Redirect> {
    notifications::delete(&configuration.visitor.cx, &configuration).await?;
    Ok(Redirect::to(&here(workspace_of(&configuration.of)?)))
}

async fn answered(
    configuration: &One,
    input: Option<&Input>,
    done: domain::Result<Shown>,
) -> Result<Response> {
    match done {
        Ok(shown) => {
            let at = here(workspace_of(&configuration.of)?);
            Ok(Redirect::to(&format!("{at}/{}", shown.row.id)).into_response())
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let visitor = &configuration.visitor;
            // What was sent for a trial is there now, too.
            let shown = notifications::show(&visitor.cx, configuration.row.clone()).await?;
            let now = Input::of(&shown);
            let input = input.unwrap_or(&now);
            let page = draw_one(visitor, configuration, &shown, input, Some(&wrong)).await?;
            Ok(wrong.shown_in(page))
        }
    }
}

async fn draw_one(
    visitor: &SignedIn,
    configuration: &Configuration,
    shown: &Shown,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let workspace = workspace_of(&configuration.of)?;
    let at = format!("{}/{}", here(workspace), shown.row.id);
    let token = visitor.form_token();
    let test = Button {
        label: "Send a test",
        look: Look::Plain,
        icon: Some(Icon::Bell),
        ..Button::default()
    };
    let delete = Button {
        label: "Delete it",
        look: Look::Danger,
        icon: Some(Icon::Trash),
        ..Button::default()
    };
    let heads = [Head::new("About"), Head::new("Answer"), Head::number("Sent")];
    let rows = shown.deliveries.iter().map(delivery).collect();
    let history = if shown.deliveries.is_empty() {
        html! { div.in { p.soft { "Nothing was sent yet." } } }
    } else {
        Table { caption: "Deliveries, the latest first", heads: &heads, rows }.render()
    };
    let beside = html! { div.push { (action(&format!("{at}/verify"), &token, &test)) } };
    let where_to = match shown.url().and_then(host) {
        Some(host) => format!("{} at {host}", destination(shown.row.destination_type)),
        None => destination(shown.row.destination_type).to_owned(),
    };
    let form = sheet(visitor, &at, input, Some(configuration), wrong);
    let content = html! {
        @if !shown.row.enabled {
            (Notice::new(Tone::Neutral, &html! { p { "It is off: nothing is sent until it is turned on below." } }))
        }
        (Panel {
            id: "n-sent",
            title: &format!("What was sent to {where_to}"),
            beside,
            content: history,
            is_table: true,
            is_risk: false,
        })
        (Panel { id: "n-edit", title: &format!("The notification {}", shown.row.name), content: form, ..Panel::default() })
        (Panel {
            id: "n-delete",
            title: "Delete it",
            content: html! {
                p { "Nobody is told anything by it any more. What was sent is forgotten." }
                (action(&format!("{at}/delete"), &token, &delete))
            },
            is_risk: true,
            ..Panel::default()
        })
    };
    super::super::draw(visitor, workspace, Setting::Notifications, &content).await
}

/// The rest of the address may be a secret.
fn host(address: &str) -> Option<String> {
    url::Url::parse(address).ok()?.host_str().map(str::to_owned)
}

fn delivery(one: &ShownDelivery) -> Vec<Markup> {
    let about = match one.row.cause.parse::<Trigger>() {
        Ok(trigger) => word(trigger).to_owned(),
        Err(_) => "A test".to_owned(),
    };
    let body = one.row.body.trim();
    vec![
        html! { (about) },
        html! {
            (answer(one))
            @if !body.is_empty() {
                details { summary { "What was answered" } pre.scroll tabindex="0" { (body) } }
            }
        },
        time(one.row.sent_at),
    ]
}
