//! `/app/settings/tokens`: one's own API tokens.

use axum::{
    extract::Query,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    Granted, Paging,
    accounts::{self, HeldToken, NewToken},
    can,
    row::Token,
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use crate::{
    Routes,
    components::{
        About, Button, Head, Header, Icon, Look, Notice, Pager, Panel, Sheet, Table, Text, Tone,
        action, code_block, empty, time,
    },
    failure::{Result, Wrong},
    forms::{Form, Press},
    frame::{Account, Place, page},
    guard::May,
    visitor::SignedIn,
};

const PATH: &str = "/app/settings/tokens";
const PAGE_SIZE: u64 = 50;

pub fn routes() -> Routes {
    Routes::default()
        .get(PATH, list)
        .post(PATH, create)
        .post("/app/settings/tokens/{token_id}/revoke", revoke)
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default = "first")]
    page: u64,
}

fn first() -> u64 {
    1
}

async fn own(visitor: &SignedIn) -> domain::Result<Granted<can::ManageUserTokens>> {
    let id = visitor.cx.actor().user_id().ok_or(domain::Error::NotFound)?;
    visitor.cx.check(accounts::find_user(&visitor.cx, &id).await?)
}

async fn list(own: May<can::UseAccount>, Query(asked): Query<Asked>) -> Result<Markup> {
    draw(&own.visitor, asked.page, &Input::default(), None, None).await
}

#[derive(Default, Deserialize)]
struct Input {
    #[serde(default)]
    description: String,
}

/// Shows the token in the answer itself: it is kept nowhere where it could be shown from again.
async fn create(account: May<can::UseAccount>, Form(input): Form<Input>) -> Result<Response> {
    let visitor = &account.visitor;
    let new = NewToken { description: Some(input.description.clone()), ..NewToken::default() };
    match accounts::create_user_token(&visitor.cx, &own(visitor).await?, new).await {
        Ok(minted) => {
            let secret = Some(minted.secret.expose());
            Ok(draw(visitor, 1, &Input::default(), None, secret).await?.into_response())
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            Ok(wrong.shown_in(draw(visitor, 1, &input, Some(&wrong), None).await?))
        }
    }
}

async fn revoke(token: May<can::ManageToken, HeldToken>, _: Press) -> Result<Redirect> {
    accounts::delete_token(&token.visitor.cx, &token).await?;
    Ok(Redirect::to(PATH))
}

async fn draw(
    visitor: &SignedIn,
    number: u64,
    input: &Input,
    wrong: Option<&Wrong>,
    fresh: Option<&str>,
) -> Result<Markup> {
    let paging = Paging { number: number.max(1), size: PAGE_SIZE };
    let tokens = accounts::user_tokens(&visitor.cx, &own(visitor).await?, paging).await?;
    let now = visitor.cx.now();
    let rows = tokens.items.iter().map(|token| row(visitor, token, now)).collect();
    let heads = [
        Head::new("Description"),
        Head::new("Made"),
        Head::new("Used last"),
        Head::new("Ends"),
        Head::unseen("Actions"),
    ];
    let table = Table { caption: "Your API tokens", heads: &heads, rows };
    let description = Text {
        about: About {
            name: "description",
            label: "Description",
            hint: Some("What it is for, such as the computer it is on. It is valid for two years."),
            optional: true,
        },
        value: &input.description,
        ..Text::default()
    };
    let form = Sheet {
        id: "new-token",
        action: PATH,
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &[&description],
        send: Button { label: "Make a token", icon: Some(Icon::Key), ..Button::default() },
    };
    let main = html! {
        (Header { title: "API tokens", ..Header::default() })
        @if let Some(secret) = fresh { (Notice::answer(Tone::Good, &shown_once(visitor, secret))) }
        div.stack {
            @if tokens.total == 0 {
                (empty(Icon::Key, "You have no tokens", "A token lets a command line or a program act for you.", &html! {}))
            } @else {
                div.panel { (table) }
            }
            (Pager { number: paging.number, size: PAGE_SIZE, total: tokens.total, path: PATH })
            (Panel { id: "new", title: "New token", content: form.render(), ..Panel::default() })
        }
    };
    page(visitor, Place::Account(Account::Tokens), "API tokens", &main).await
}

fn shown_once(visitor: &SignedIn, secret: &str) -> Markup {
    let file = cli_configuration(&visitor.cx.settings().public_url, secret);
    let title = "For Terraform and OpenTofu, in the file that TF_CLI_CONFIG_FILE names, or in ~/.terraformrc";
    html! {
        h2 { "Copy the new token now" }
        p { "It is not shown again." }
        (code_block("new-secret", "Token", secret))
        (code_block("new-file", title, &file))
    }
}

fn row(visitor: &SignedIn, token: &Token, now: domain::Timestamp) -> Vec<Markup> {
    let description = token.description.as_deref().unwrap_or("without description");
    let revoke = Button {
        label: "Revoke",
        look: Look::Danger,
        small: true,
        about: Some(description),
        ..Button::default()
    };
    vec![
        html! { (description) span.under { code { (token.id) } } },
        time(token.created_at),
        token.last_used_at.map_or_else(|| html! { "never" }, time),
        match token.expires_at {
            None => html! { "never" },
            Some(at) if at <= now => html! { "expired " (time(at)) },
            Some(at) => time(at),
        },
        action(&format!("{PATH}/{}/revoke", token.id), &visitor.form_token(), &revoke),
    ]
}

/// What lets a command line come by this token. Plain http it takes only from a server whose services it is told of;
/// the name is then never looked up.
pub fn cli_configuration(public_url: &str, token: &str) -> String {
    let Some(plain) = public_url.strip_prefix("http://") else {
        let host = public_url.trim_start_matches("https://");
        return format!("credentials \"{host}\" {{\n  token = \"{token}\"\n}}\n");
    };
    let services = ["tfe.v2", "tfe.v2.1", "tfe.v2.2", "state.v2"]
        .map(|service| format!("    \"{service}\" = \"http://{plain}/api/v2/\"\n"))
        .concat();
    format!(
        "# This server speaks plain http, which `terraform login` refuses.\n\
         host \"{NAME}\" {{\n  services = {{\n{services}  }}\n}}\n\
         credentials \"{NAME}\" {{\n  token = \"{token}\"\n}}\n"
    )
}

/// How configurations call the server.
pub fn host_name(public_url: &str) -> &str {
    public_url.strip_prefix("https://").unwrap_or(NAME)
}

/// How configurations call a server without TLS: `hostname = "statehouse.local"`.
const NAME: &str = "statehouse.local";
