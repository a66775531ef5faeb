//! One connection: how it stands, who uses it, and what opens it.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted,
    accounts::{ExposeSecret, SecretString},
    can,
    connected_repositories::{self, ByHand},
    oauth_clients::{self, Change, Details, Held, New, TokenChange},
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{list_path, path, standing, title};
use crate::{
    components::{
        About, Button, Control, Crumb, Header, Icon, Look, Notice, Panel, Secret, SecretArea,
        Sheet, Text, TextArea, Tone, action, copy_id, link_button, stacked_facts, time,
    },
    failure::{Result, Wrong},
    forms::{Form, Press},
    frame::{Place, Section, page},
    guard::May,
    visitor::SignedIn,
};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    name: String,
    oauth_token_string: String,
    key: String,
    secret: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Keys {
    ssh_key: String,
    ssh_known_hosts: String,
}

pub async fn show(client: May<can::ReadOauthClients, Held>) -> Result<Markup> {
    draw(&client.visitor, &client, None, None).await
}

pub async fn save(
    client: May<can::ManageVcsSettings, Held>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let change = Change {
        name: Some(given(&input.name)),
        key: given(&input.key).map(Some),
        secret: given(&input.secret).map(SecretString::from),
        token: given(&input.oauth_token_string).map(SecretString::from),
        ..Change::default()
    };
    let done = oauth_clients::update(&client.visitor.cx, &client, New::default(), change).await;
    answer(&client, done.map(drop), Some(&input)).await
}

/// Fields that are empty leave the key as it is; the known hosts are what is sent.
pub async fn keys(
    client: May<can::ManageVcsSettings, Held>,
    Form(input): Form<Keys>,
) -> Result<Response> {
    let cx = &client.visitor.cx;
    let details = oauth_clients::details(cx, vec![client.row.clone()], false).await?;
    let token = details.first().and_then(|one| one.tokens.first());
    let token = token.ok_or(domain::Error::NotFound)?;
    let found = oauth_clients::find_token(cx, &token.id).await?;
    let granted = cx.check::<can::ManageVcsSettings, _>(found)?;
    let change = TokenChange {
        ssh_key: Some(input.ssh_key).filter(|key| !key.trim().is_empty()).map(SecretString::from),
        ssh_known_hosts: Some(input.ssh_known_hosts.replace('\r', "")),
    };
    let done = oauth_clients::update_token(cx, &granted, change).await;
    answer(&client, done.map(drop), None).await
}

pub async fn delete(client: May<can::ManageVcsSettings, Held>, _: Press) -> Result<Redirect> {
    oauth_clients::delete(&client.visitor.cx, &client).await?;
    Ok(Redirect::to(&list_path(&client.of.name)))
}

async fn answer(
    client: &May<can::ManageVcsSettings, Held>,
    done: domain::Result<()>,
    input: Option<&Input>,
) -> Result<Response> {
    let Err(error) = done else { return Ok(Redirect::to(&path(client)).into_response()) };
    let wrong = Wrong::of(error)?;
    let cx = &client.visitor.cx;
    let read = cx.check::<can::ReadOauthClients, _>(oauth_clients::find(cx, &client.id).await?)?;
    Ok(wrong.shown_in(draw(&client.visitor, &read, input, Some(&wrong)).await?))
}

async fn draw(
    visitor: &SignedIn,
    client: &Granted<can::ReadOauthClients, Held>,
    input: Option<&Input>,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let organization = &client.of.name;
    let details = oauth_clients::details(cx, vec![client.row.clone()], true).await?.swap_remove(0);
    let name = title(&client.row)?;
    let manages = cx.may::<can::ManageVcsSettings>(&client.of);
    let crumbs = [Crumb { label: "Version control", href: list_path(organization) }];
    let flow = manages && oauth_clients::has_browser_flow(&client.row)?;
    let label = if details.tokens.is_empty() { "Connect" } else { "Connect again" };
    let actions = html! {
        @if flow {
            (link_button(Look::Main, Icon::Branch, label, &oauth_clients::connect_path(&client.row)))
        }
    };
    let hooks =
        match cx.check::<can::ManageVcsSettings, _>(oauth_clients::find(cx, &client.id).await?) {
            Ok(granted) => connected_repositories::by_hand(cx, &granted).await?,
            Err(_) => Vec::new(),
        };
    let token = details.tokens.first();
    let trouble = token.and_then(|token| token.trouble.as_deref().zip(token.troubled_at));
    let main = html! {
        (Header { crumbs: &crumbs, title: &name, actions, ..Header::default() })
        @if let Some((trouble, at)) = trouble {
            (Notice::answer(Tone::Bad, &html! { p { (trouble) " (" (time(at)) ")" } }))
        }
        div.beside {
            div.stack {
                (users(organization, &details))
                (by_hand(&hooks))
                @if manages { (settings(visitor, client, &details, input, wrong)) }
                @if manages && token.is_some() { (ssh(visitor, client, &details, wrong)) }
                @if manages { (end(visitor, client)) }
            }
            aside.stack aria-label={ "About " (name) } { (about(visitor, &details)?) }
        }
    };
    page(visitor, Place::In(organization, Section::VersionControl), &name, &main).await
}

fn about(visitor: &SignedIn, details: &Details) -> Result<Markup> {
    let client = &details.client;
    let token = details.tokens.first();
    let mut facts = vec![
        ("Provider", html! { (oauth_clients::display_name(client)?) }),
        ("Address", html! { (client.http_url) }),
        ("API", html! { (client.api_url) }),
        ("Standing", standing(token)),
    ];
    if let Some(token) = token {
        if let Some(who) = &token.service_provider_user {
            facts.push(("Connected as", html! { (who) }));
        }
        facts.push(("Token", copy_id(&token.id)));
    }
    let scope =
        if client.organization_scoped { "every project" } else { "projects that are listed" };
    facts.push(("For", html! { (scope) }));
    facts.push(("Id", copy_id(&client.id)));
    let callback = oauth_clients::callback_url(&visitor.cx, client);
    facts.push(("Address that the provider is told", copy_id(callback)));
    let panel =
        Panel { id: "v-about", title: "About", content: stacked_facts(&facts), ..Panel::default() };
    Ok(panel.render())
}

fn users(organization: &str, details: &Details) -> Markup {
    let repository = |repo: Option<&str>| repo.unwrap_or_default().to_owned();
    let content = html! {
        @if details.workspaces.is_empty() && details.policy_sets.is_empty() {
            p { "Nobody takes a repository through it yet." }
        } @else {
            ul {
                @for workspace in &details.workspaces {
                    li {
                        a href={ "/app/" (organization) "/workspaces/" (workspace.name) } { (workspace.name) }
                        " – " (repository(workspace.vcs_repo.as_ref().map(|repo| repo.identifier.as_str())))
                    }
                }
                @for set in &details.policy_sets {
                    li {
                        "the policy set " (set.name)
                        " – " (repository(set.vcs_repo.as_ref().map(|repo| repo.identifier.as_str())))
                    }
                }
            }
        }
    };
    Panel { id: "v-users", title: "Who uses it", content, ..Panel::default() }.render()
}

/// What somebody has to tell the provider, which does not let this server do it.
fn by_hand(hooks: &[ByHand]) -> Markup {
    if hooks.is_empty() {
        return html! {};
    }
    let content = html! {
        p {
            "Until they are made, these repositories are looked at from time to time. A webhook sends pushes, tags and pull \
             requests as JSON to its address, and signs them with its secret."
        }
        @for hook in hooks {
            details {
                summary { (hook.identifier) }
                @if let Some(why) = &hook.why { p { "This server may make none: " (why) "." } }
                (stacked_facts(&[
                    ("Address", copy_id(&hook.url)),
                    ("Secret", copy_id(hook.secret.expose_secret())),
                ]))
            }
        }
    };
    let title = "Webhooks to be made by hand";
    Panel { id: "v-hooks", title, content, ..Panel::default() }.render()
}

fn settings(
    visitor: &SignedIn,
    client: &Held,
    details: &Details,
    input: Option<&Input>,
    wrong: Option<&Wrong>,
) -> Markup {
    let about = |name, label, hint| About { name, label, hint, optional: true };
    let row = &details.client;
    let known = |text: Option<&String>| text.cloned().unwrap_or_default();
    let name_now = input.map_or_else(|| known(row.name.as_ref()), |input| input.name.clone());
    let key_now = input.map_or_else(|| known(row.consumer_key.as_ref()), |input| input.key.clone());
    let name = Text { about: about("name", "Name", None), value: &name_now, ..Text::default() };
    let token = Secret {
        about: about(
            "oauth-token-string",
            "Another token",
            Some("In the place of the one that there is: workspaces stay connected."),
        ),
        autocomplete: "off",
    };
    let key = Text {
        about: about("key", "Key of the application", None),
        value: &key_now,
        mono: true,
        ..Text::default()
    };
    let secret =
        Secret { about: about("secret", "Another secret of it", None), autocomplete: "off" };
    let controls: [&dyn Control; 4] = [&name, &token, &key, &secret];
    let form = Sheet {
        id: "connection",
        action: &path(client),
        token: &visitor.form_token(),
        wrong: wrong.filter(|_| input.is_some()),
        hidden: &[],
        controls: &controls,
        send: Button { label: "Save", ..Button::default() },
    };
    Panel { id: "v-settings", title: "Settings", content: form.render(), ..Panel::default() }
        .render()
}

fn ssh(visitor: &SignedIn, client: &Held, details: &Details, wrong: Option<&Wrong>) -> Markup {
    let token = details.tokens.first();
    let has_key = token.is_some_and(|token| token.ssh_key.is_some());
    let hosts_now = token.and_then(|token| token.ssh_known_hosts.clone()).unwrap_or_default();
    let hint = if has_key {
        "There is one. Another one takes its place."
    } else {
        "For repositories and submodules by ssh: a private key without a passphrase."
    };
    let key = SecretArea {
        about: About { name: "ssh-key", label: "Private key", hint: Some(hint), optional: true },
    };
    let hosts = TextArea {
        about: About {
            name: "ssh-known-hosts",
            label: "Known hosts",
            hint: Some(
                "Lines of known_hosts, as ssh-keyscan writes them. Nobody else is believed to be the host.",
            ),
            optional: true,
        },
        value: &hosts_now,
        mono: true,
    };
    let form = Sheet {
        id: "keys",
        action: &format!("{}/keys", path(client)),
        token: &visitor.form_token(),
        wrong: wrong.filter(|wrong| {
            ["ssh-key", "ssh-known-hosts"].iter().any(|name| wrong.about(name).is_some())
        }),
        hidden: &[],
        controls: &[&key, &hosts],
        send: Button { label: "Save the keys", ..Button::default() },
    };
    Panel { id: "v-ssh", title: "Ssh", content: form.render(), ..Panel::default() }.render()
}

fn end(visitor: &SignedIn, client: &Held) -> Markup {
    let button = Button { label: "Delete the connection", look: Look::Danger, ..Button::default() };
    let content = html! {
        p { "What uses it has no repository afterwards, and keeps its configurations." }
        (action(&format!("{}/delete", path(client)), &visitor.form_token(), &button))
    };
    Panel { id: "v-end", title: "Delete", content, is_risk: true, ..Panel::default() }.render()
}
