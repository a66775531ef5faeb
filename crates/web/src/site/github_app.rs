//! The GitHub App that this site is: what was decided of it, who has installed it, and which organizations may use that.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, can,
    entity::github_app_installation::Status,
    github_app::{self, Installed},
    id::GithubAppInstallationId,
    site_settings,
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::setting;
use crate::{
    components::{
        About, Button, Choice, Control, Crumb, Head, Header, Icon, Look, Panel, Select, Sheet,
        Table, Text, Tone, badge, copy_id, empty, hidden, stacked_facts,
    },
    failure::{Result, Wrong},
    forms::{Form, TOKEN_FIELD},
    frame::{OnSite, Place, page},
    guard::May,
    visitor::SignedIn,
};

pub const HERE: &str = "/app/site/github-app";
const SETTINGS: &str = "github-app-";

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Input {
    installation: String,
    organization: String,
}

pub async fn show(site: May<can::ManageSite>) -> Result<Markup> {
    draw(&site.visitor, &site, &Input::default(), None).await
}

pub async fn link(site: May<can::ManageSite>, Form(input): Form<Input>) -> Result<Response> {
    let cx = &site.visitor.cx;
    let linked = match held(&site, &input).await {
        Ok(held) => github_app::link(cx, &held).await,
        Err(error) => Err(error),
    };
    answer(&site, &input, linked).await
}

pub async fn unlink(site: May<can::ManageSite>, Form(input): Form<Input>) -> Result<Response> {
    let cx = &site.visitor.cx;
    let unlinked = match held(&site, &input).await {
        Ok(held) => github_app::unlink(cx, &held).await,
        Err(error) => Err(error),
    };
    answer(&site, &input, unlinked).await
}

/// What the form names, as the organization that it names has it.
async fn held(
    site: &May<can::ManageSite>,
    input: &Input,
) -> domain::Result<Granted<can::LinkInstallation, github_app::OfOrganization>> {
    let cx = &site.visitor.cx;
    let unknown = || domain::Error::invalid("organization", "is not there");
    let id: GithubAppInstallationId = input.installation.parse().map_err(|_| unknown())?;
    let found = github_app::find_of(cx, input.organization.trim(), &id).await;
    cx.check(found.map_err(|error| match error {
        domain::Error::NotFound => unknown(),
        other => other,
    })?)
}

async fn answer(
    site: &May<can::ManageSite>,
    input: &Input,
    done: domain::Result<()>,
) -> Result<Response> {
    match done {
        Ok(()) => Ok(Redirect::to(HERE).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            Ok(wrong.shown_in(draw(&site.visitor, site, input, Some(&wrong)).await?))
        }
    }
}

async fn draw(
    visitor: &SignedIn,
    site: &Granted<can::ManageSite>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let installed = github_app::all(cx, site).await?;
    let token = visitor.form_token();
    let heads = [Head::new("Installed by"), Head::new("Standing"), Head::new("May be used by")];
    let rows = installed.iter().map(|one| row(one, &token)).collect();
    let crumbs = [Crumb { label: "Settings of the site", href: setting::LIST.to_owned() }];
    let main = html! {
        (Header { title: "GitHub App", crumbs: &crumbs, ..Header::default() })
        div.stack {
            (decided(visitor, site).await?)
            @if installed.is_empty() {
                (empty(Icon::Branch, "Nobody has installed it", "GitHub is asked every few minutes who has.", &html! {}))
            } @else {
                div.panel { (Table { caption: "Installations", heads: &heads, rows }) }
                (form(&installed, &token, input, wrong))
            }
        }
    };
    page(visitor, Place::Site(OnSite::Settings), "GitHub App", &main).await
}

/// The settings that make it, and the address that GitHub is told.
async fn decided(visitor: &SignedIn, site: &Granted<can::ManageSite>) -> Result<Markup> {
    let cx = &visitor.cx;
    let lines = site_settings::lines(cx, site).await?;
    let of_it = lines.iter().filter(|line| line.name.starts_with(SETTINGS));
    let mut facts: Vec<(&str, Markup)> = of_it
        .map(|line| {
            let shown = html! {
                a href={ (setting::LIST) "/" (line.name) } {
                    @match line.value.as_deref() {
                        None => "secret",
                        Some("") => "nothing",
                        Some(value) => code { (value) },
                    }
                }
            };
            (line.name, shown)
        })
        .collect();
    facts.push(("Address of its webhook", copy_id(cx.url(format_args!("/webhooks/github-app")))));
    let content = stacked_facts(&facts);
    Ok(Panel { id: "g-app", title: "What makes it", content, ..Panel::default() }.render())
}

fn row(one: &Installed, token: &str) -> Vec<Markup> {
    let row = &one.row;
    vec![
        html! {
            @match &row.url {
                Some(url) => a href=(url) rel="noopener noreferrer" { (row.account) },
                None => (row.account),
            }
            span.under { code { (row.id) } }
        },
        html! {
            @match (row.status, &row.trouble) {
                (Status::Active, None) => (badge(Tone::Good, Icon::StGood, "installed")),
                (Status::Active, Some(trouble)) => {
                    (badge(Tone::Bad, Icon::StBad, "in trouble")) span.under { (trouble) }
                },
                (status, _) => (badge(Tone::Bad, Icon::StStop, status.as_str())),
            }
        },
        html! {
            @if one.organizations.is_empty() { span.faint { "nobody" } }
            @for organization in &one.organizations { (used_by(row.id.as_str(), &organization.name, token)) }
        },
    ]
}

/// An organization, and the button that takes the installation away from it.
fn used_by(installation: &str, organization: &str, token: &str) -> Markup {
    let button = Button {
        label: "Take away",
        look: Look::Quiet,
        small: true,
        about: Some(organization),
        ..Button::default()
    };
    html! {
        (organization)
        form.action method="post" action={ (HERE) "/unlink" } {
            (hidden(TOKEN_FIELD, token))
            (hidden("installation", installation))
            (hidden("organization", organization))
            (button)
        }
    }
}

fn form(installed: &[Installed], token: &str, input: &Input, wrong: Option<&Wrong>) -> Markup {
    let about = |name, label, hint| About { name, label, hint, optional: false };
    let choices: Vec<Choice<'_>> =
        installed.iter().map(|one| (one.row.id.as_str(), one.row.account.as_str())).collect();
    let installation = Select {
        about: about("installation", "Installation", None),
        choices: &choices,
        value: &input.installation,
    };
    let hint = "Its name. All who may choose its connections can then take files through the installation.";
    let organization = Text {
        about: about("organization", "Organization", Some(hint)),
        value: &input.organization,
        ..Text::default()
    };
    let controls: [&dyn Control; 2] = [&installation, &organization];
    let form = Sheet {
        id: "link",
        action: &format!("{HERE}/link"),
        token,
        wrong,
        hidden: &[],
        controls: &controls,
        send: Button { label: "Let it use this", ..Button::default() },
    };
    let title = "Let an organization use an installation";
    Panel { id: "g-link", title, content: form.render(), ..Panel::default() }.render()
}
