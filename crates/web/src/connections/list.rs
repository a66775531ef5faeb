//! The connections of an organization, and a new one.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, Paging,
    accounts::SecretString,
    can, github_app,
    oauth_clients::{self, Change, Details, New},
    row::GithubAppInstallation,
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{list_path, standing, title, told, used_by};
use crate::{
    components::{
        About, Button, Choice, Head, Header, Icon, Kind, Panel, Secret, Select, Sheet, Table, Text,
        count, empty,
    },
    failure::{Result, Wrong},
    forms::{Form, given},
    frame::{Place, Section, page},
    guard::May,
    visitor::SignedIn,
};

/// As many as a page can show.
const MOST: u64 = 500;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    service_provider: String,
    name: String,
    http_url: String,
    api_url: String,
    oauth_token_string: String,
    key: String,
    secret: String,
}

impl Input {
    fn wanted(&self) -> (New, Change) {
        let new = New {
            service_provider: given(&self.service_provider),
            http_url: given(&self.http_url),
            api_url: given(&self.api_url),
            private_key: None,
        };
        let change = Change {
            name: Some(given(&self.name)),
            key: given(&self.key).map(Some),
            secret: given(&self.secret).map(SecretString::from),
            token: given(&self.oauth_token_string).map(SecretString::from),
            ..Change::default()
        };
        (new, change)
    }
}

pub async fn show(organization: May<can::ReadOauthClients>) -> Result<Markup> {
    draw(&organization.visitor, &organization, &Input::default(), None).await
}

pub async fn create(
    organization: May<can::ManageVcsSettings>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let visitor = &organization.visitor;
    let cx = &visitor.cx;
    let (new, change) = input.wanted();
    match oauth_clients::create(cx, &organization, new, change).await {
        Ok(client) => {
            let to = format!("{}/{}", list_path(&organization.name), client.id);
            Ok(Redirect::to(&to).into_response())
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let read = visitor.organization::<can::ReadOauthClients>(&organization.name).await?;
            Ok(wrong.shown_in(draw(visitor, &read, &input, Some(&wrong)).await?))
        }
    }
}

async fn draw(
    visitor: &SignedIn,
    organization: &Granted<can::ReadOauthClients>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let name = &organization.name;
    let list = oauth_clients::list(cx, organization, Paging { number: 1, size: MOST }).await?;
    let total = list.total;
    let details = oauth_clients::details(cx, list.items, true).await?;
    let rows = details.iter().map(|one| row(name, one)).collect::<domain::Result<_>>()?;
    let heads =
        [Head::new("Connection"), Head::new("Where"), Head::new("Standing"), Head::new("Used by")];
    let installed = github_app::of_organization(cx, organization).await?;
    let main = html! {
        (Header { title: "Version control", beside: count(total), ..Header::default() })
        div.stack {
            @if total == 0 {
                (empty(Icon::Branch, "No connections yet", "Through a connection workspaces and policy sets take what is in a repository.", &html! {}))
            } @else {
                div.panel { (Table { caption: "Connections", heads: &heads, rows }) }
            }
            @if !installed.is_empty() { (installations(&installed)) }
            @if cx.may::<can::UpdateOrganization>(organization) { (told::panel(visitor, organization)) }
            @if cx.may::<can::ManageVcsSettings>(organization) { (form(visitor, name, input, wrong)) }
        }
    };
    let title = format!("Version control of {name}");
    page(visitor, Place::In(name, Section::VersionControl), &title, &main).await
}

/// Those of the site's GitHub App that the organization may use, beside its own connections.
fn installations(all: &[GithubAppInstallation]) -> Markup {
    let heads = [Head::new("GitHub App"), Head::new("Standing")];
    let rows = all
        .iter()
        .map(|one| {
            vec![
                html! { "of " (one.account) span.under { code { (one.id) } } },
                html! {
                    (one.status.as_str())
                    @if let Some(trouble) = &one.trouble { span.under { (trouble) } }
                },
            ]
        })
        .collect();
    html! { div.panel { (Table { caption: "Installations of the GitHub App", heads: &heads, rows }) } }
}

fn row(organization: &str, one: &Details) -> domain::Result<Vec<Markup>> {
    let client = &one.client;
    let token = one.tokens.first();
    let who = token.and_then(|token| token.service_provider_user.as_deref());
    Ok(vec![
        html! {
            a href={ (list_path(organization)) "/" (client.id) } { (title(client)?) }
            span.under { (oauth_clients::display_name(client)?) }
        },
        html! { (client.http_url) @if let Some(who) = who { span.under { "as " (who) } } },
        html! {
            (standing(token))
            @if let Some(trouble) = token.and_then(|token| token.trouble.as_deref()) {
                span.under { (trouble) }
            }
        },
        used_by(one),
    ])
}

fn form(visitor: &SignedIn, organization: &str, input: &Input, wrong: Option<&Wrong>) -> Markup {
    let about = |name, label, hint| About { name, label, hint, optional: true };
    let choices: Vec<Choice<'_>> = oauth_clients::providers().collect();
    let provider = Select {
        about: About {
            optional: false,
            ..about("service-provider", "Who keeps the repositories", None)
        },
        choices: &choices,
        value: &input.service_provider,
    };
    let name = Text { about: about("name", "Name", None), value: &input.name, ..Text::default() };
    let http = Text {
        about: about(
            "http-url",
            "Address",
            Some(
                "Of a server of your own, of an organization at Azure DevOps, or of a repository of plain git.",
            ),
        ),
        kind: Kind::Text,
        value: &input.http_url,
        ..Text::default()
    };
    let api = Text {
        about: about("api-url", "Address of its API", Some("Where it is not the usual one.")),
        value: &input.api_url,
        ..Text::default()
    };
    let token = Secret {
        about: about(
            "oauth-token-string",
            "Token",
            Some(
                "Made by hand at the provider. With it nothing else is needed. Of plain git: name:password.",
            ),
        ),
        autocomplete: "off",
    };
    let key = Text {
        about: about(
            "key",
            "Key of an application",
            Some(
                "Instead of a token: people connect by their browser. The provider is told the address that is shown once the connection is made.",
            ),
        ),
        value: &input.key,
        mono: true,
        ..Text::default()
    };
    let secret = Secret { about: about("secret", "Its secret", None), autocomplete: "off" };
    let form = Sheet {
        id: "connection",
        action: &list_path(organization),
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &[&provider, &name, &http, &api, &token, &key, &secret],
        send: Button { label: "Connect", ..Button::default() },
    };
    Panel { id: "v-new", title: "New connection", content: form.render(), ..Panel::default() }
        .render()
}
