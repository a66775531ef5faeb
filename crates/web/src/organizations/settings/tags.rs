//! The tags that the organization knows, and how many workspaces have each.

use axum::{extract::Query, response::Redirect};
use domain::{
    Paging, can,
    id::TagId,
    tags::{self, Known},
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{Part, here};
use crate::{
    components::{Button, Head, Icon, Look, Pager, Panel, Table, action, count, empty},
    failure::Result,
    forms::Form,
    guard::May,
    organizations::path,
    query::{PageNumber, address},
};

const PAGE_SIZE: u64 = 100;

fn at(organization: &str) -> String {
    format!("{}/tags", here(organization))
}

pub async fn show(
    organization: May<can::ReadOrganization>,
    Query(PageNumber { page: number }): Query<PageNumber>,
) -> Result<Markup> {
    let visitor = &organization.visitor;
    let cx = &visitor.cx;
    let name = &organization.name;
    let paging = Paging { number, size: PAGE_SIZE };
    let list = tags::list_of_organization(cx, &organization, None, None, paging).await?;
    let manages = cx.may::<can::ManageTags>(&organization);
    let token = visitor.form_token();
    let row = |tag: &Known| {
        let delete = Button {
            label: "Delete",
            look: Look::Danger,
            small: true,
            sends: Some(("tag", tag.row.id.as_str())),
            about: Some(&tag.row.name),
            ..Button::default()
        };
        let workspaces = address(&path(name), &[("tag", &tag.row.name)]);
        vec![
            html! { a.tag href=(workspaces) { (tag.row.name) } },
            html! { (tag.workspaces) },
            html! { @if manages { (action(&format!("{}/delete", at(name)), &token, &delete)) } },
        ]
    };
    let heads = [Head::new("Tag"), Head::number("Workspaces"), Head::unseen("Actions")];
    let rows = list.items.iter().map(row).collect();
    let table = if list.items.is_empty() {
        let text = "They come with the workspaces and projects that have them.";
        html! { div.in { (empty(Icon::Tag, "No tags yet", text, &html! {})) } }
    } else {
        Table { caption: "Tags", heads: &heads, rows }.render()
    };
    let beside = count(list.total);
    let here = at(name);
    let content = html! {
        @if manages && list.total > 0 { p.hint { "Deleting one takes it from every workspace and project." } }
        (Panel { id: "o-tags", title: "Tags", beside, content: table, is_table: true, is_risk: false })
        (Pager { number, size: PAGE_SIZE, total: list.total, path: &here })
    };
    super::draw(visitor, &organization, Part::Tags, &content).await
}

#[derive(Deserialize)]
pub struct Which {
    tag: TagId,
}

pub async fn delete(
    organization: May<can::ManageTags>,
    Form(Which { tag }): Form<Which>,
) -> Result<Redirect> {
    tags::delete(&organization.visitor.cx, &organization, vec![tag]).await?;
    Ok(Redirect::to(&at(&organization.name)))
}
