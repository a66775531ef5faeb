//! The networks of an IP allow list: added, switched off and on, and taken away.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, can,
    cidr_range_lists::{
        Held,
        ranges::{self, Change, Held as HeldRange},
    },
    row::CidrRange,
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{Forms, MOST, at, here, page_of};
use crate::{
    Routes,
    components::{
        About, Button, Head, Icon, Look, Panel, Sheet, Table, Text, action, count, empty,
    },
    failure::{Result, Wrong},
    forms::{Form, Press, Ticked, given},
    guard::May,
    visitor::SignedIn,
};

pub fn routes() -> Routes {
    let of_list = "/app/{organization_name}/settings/cidr-range-lists/{cidr_range_list_id}/ranges";
    let one = "/app/{organization_name}/settings/cidr-ranges/{cidr_range_id}";
    let delete_one = "/app/{organization_name}/settings/cidr-ranges/{cidr_range_id}/delete";
    Routes::default().post(of_list, create).post(one, switch).post(delete_one, delete)
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Input {
    range: String,
    description: String,
}

async fn create(
    list: May<can::ManageCidrRangeLists, Held>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let change = Change {
        range: Some(input.range.trim().to_owned()),
        description: Some(given(&input.description)),
        enabled: Some(true),
    };
    match ranges::create(&list.visitor.cx, &list, change).await {
        Ok(_) => Ok(Redirect::to(&page_of(&list)).into_response()),
        Err(error) => {
            let wrong_range = Some(Wrong::of(error)?);
            let list_input = super::Input::of(&list);
            let forms = Forms { list: list_input, range: input, wrong_range, ..Forms::default() };
            forms.shown(&list.visitor, &list).await
        }
    }
}

/// The list that a range is of.
fn list_of(range: &HeldRange) -> Redirect {
    Redirect::to(&format!("{}/{}", at(&range.of.name), range.row.cidr_range_list_id))
}

#[derive(Deserialize)]
struct Switch {
    enabled: Ticked,
}

async fn switch(
    range: May<can::ManageCidrRangeLists, HeldRange>,
    Form(Switch { enabled }): Form<Switch>,
) -> Result<Redirect> {
    let change = Change { enabled: Some(enabled.0), ..Change::default() };
    ranges::update(&range.visitor.cx, &range, change).await?;
    Ok(list_of(&range))
}

async fn delete(range: May<can::ManageCidrRangeLists, HeldRange>, _: Press) -> Result<Redirect> {
    ranges::delete(&range.visitor.cx, &range).await?;
    Ok(list_of(&range))
}

/// What there is, and what can be added.
pub async fn panels(
    visitor: &SignedIn,
    list: &Granted<can::ManageCidrRangeLists, Held>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let all = ranges::list(&visitor.cx, list, MOST).await?;
    let token = visitor.form_token();
    let settings = here(&list.of.name);
    let row = |range: &CidrRange| {
        let to = format!("{settings}/cidr-ranges/{}", range.id);
        let (label, next) = if range.enabled { ("Disable", "false") } else { ("Enable", "true") };
        let about = Some(&*range.range);
        let switch = Button {
            label,
            look: Look::Plain,
            small: true,
            sends: Some(("enabled", next)),
            about,
            ..Button::default()
        };
        let delete =
            Button { label: "Delete", look: Look::Danger, small: true, about, ..Button::default() };
        vec![
            html! { code { (range.range) } },
            html! { @if let Some(text) = &range.description { (text) } },
            html! { @if range.enabled { "lets in" } @else { span.faint { "disabled" } } },
            html! {
                (action(&to, &token, &switch))
                (action(&format!("{to}/delete"), &token, &delete))
            },
        ]
    };
    let heads =
        [Head::new("Range"), Head::new("What it is"), Head::new("Now"), Head::unseen("Actions")];
    let table = if all.items.is_empty() {
        let text = "The list lets in nobody whom it counts for.";
        html! { div.in { (empty(Icon::Shield, "No ranges yet", text, &html! {})) } }
    } else {
        let rows = all.items.iter().map(row).collect();
        Table { caption: "Ranges", heads: &heads, rows }.render()
    };
    let network = Text {
        about: About {
            name: "range",
            label: "Range",
            hint: Some("A network in CIDR notation, such as 203.0.113.0/24 or 2001:db8::/32."),
            optional: false,
        },
        value: &input.range,
        mono: true,
        ..Text::default()
    };
    let description = Text {
        about: About {
            name: "description",
            label: "Description",
            optional: true,
            ..About::default()
        },
        value: &input.description,
        ..Text::default()
    };
    let form = Sheet {
        id: "range",
        action: &format!("{}/ranges", page_of(list)),
        token: &token,
        wrong,
        hidden: &[],
        controls: &[&network, &description],
        send: Button { label: "Add the range", icon: Some(Icon::Plus), ..Button::default() },
    };
    Ok(html! {
        (Panel { id: "o-ranges", title: "Ranges", beside: count(all.total), content: table, is_table: true, is_risk: false })
        (Panel {
            id: "o-range", title: "New range",
            content: html! {
                @if let Some(address) = visitor.cx.address() {
                    p.hint { "You come from " code { (address) } "." }
                }
                (form)
            },
            ..Panel::default()
        })
    })
}
