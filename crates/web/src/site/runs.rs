//! The runs of all organizations that are not over, with what they wait for.

use axum::{
    extract::Query,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    Granted, In, Paging, Site, can, row,
    runs::{self, OnSite as Run},
};
use maud::{Markup, html};

use crate::{
    components::{
        Button, Head, Header, Icon, Look, Notice, Pager, Size, Table, Tone, action, count, empty,
        run_meaning, run_status, time,
    },
    failure::{Result, Wrong},
    forms::Press,
    frame::{OnSite, Place, page},
    guard::May,
    query::PageNumber,
    visitor::SignedIn,
};

const PAGE_SIZE: u64 = 25;
const HERE: &str = "/app/site/runs";

pub async fn show(
    site: May<can::ManageSite>,
    Query(PageNumber { page }): Query<PageNumber>,
) -> Result<Markup> {
    draw(&site.visitor, &site, page, None).await
}

/// For what does not go on any more: without a cancel before it.
pub async fn force_cancel(
    run: May<can::ManageSite, In<In<row::Run>, Site>>,
    _: Press,
) -> Result<Response> {
    let (visitor, cx) = (&run.visitor, &run.visitor.cx);
    match runs::force_cancel_of_site(cx, &run, None).await {
        Ok(()) => Ok(Redirect::to(HERE).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let site = cx.check::<can::ManageSite, _>(Site::found())?;
            Ok(wrong.shown_in(draw(visitor, &site, 1, Some(&wrong)).await?))
        }
    }
}

async fn draw(
    visitor: &SignedIn,
    site: &Granted<can::ManageSite>,
    number: u64,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let paging = Paging { number, size: PAGE_SIZE };
    let list = runs::unfinished_of_site(&visitor.cx, site, paging).await?;
    let heads = [
        Head::new("Run"),
        Head::new("Status"),
        Head::new("Where"),
        Head::new("What it waits for"),
        Head::number("Since"),
        Head::unseen("Actions"),
    ];
    let token = visitor.form_token();
    let rows = list.items.iter().map(|run| row(run, &token)).collect();
    let about = html! { span { "Runs that are not over, those that have waited longest first." } };
    let main = html! {
        (Header { title: "Runs", beside: count(list.total), about, ..Header::default() })
        @if let Some(wrong) = wrong {
            (Notice::answer(Tone::Bad, &html! { p { (wrong.sentence()) } }))
        }
        @if list.total == 0 {
            (empty(Icon::Play, "No run waits or is under way", "What has ended stands in its workspace.", &html! {}))
        } @else {
            div.panel { (Table { caption: "Runs that are not over", heads: &heads, rows }) }
        }
        (Pager { number, size: PAGE_SIZE, total: list.total, path: HERE })
    };
    page(visitor, Place::Site(OnSite::Runs), "Runs of the site", &main).await
}

fn row(run: &Run, token: &str) -> Vec<Markup> {
    let id = run.id.to_string();
    let cancel = Button {
        label: "Force-cancel",
        look: Look::Danger,
        small: true,
        about: Some(&id),
        ..Button::default()
    };
    vec![
        html! { code { (run.id) } },
        run_status(run.status, Size::Bare),
        html! { (run.organization) "/" (run.workspace) },
        html! { (run.reason.as_deref().unwrap_or(run_meaning(run.status))) },
        time(run.since),
        action(&format!("{HERE}/{id}/force-cancel"), token, &cancel),
    ]
}
