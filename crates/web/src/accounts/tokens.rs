//! `/app/settings/tokens`: one's own API tokens.

use axum::{extract::Query, response::Redirect};
use domain::{
    Granted, Paging,
    accounts::{self, HeldToken, NewToken},
    can,
    row::Token,
};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    Routes,
    components::{
        Button, Field, Look, Pager, Table, Tone, action, empty, hidden, notice, page, page_header,
        time,
    },
    failure::Result,
    forms::{Form, Press, TOKEN_FIELD},
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
    draw(&own.visitor, asked.page, None).await
}

#[derive(Deserialize)]
struct Input {
    #[serde(default)]
    description: String,
}

/// Shows the token in the answer itself: it is kept nowhere where it could be shown from again.
async fn create(account: May<can::UseAccount>, Form(input): Form<Input>) -> Result<Markup> {
    let visitor = &account.visitor;
    let new = NewToken { description: Some(input.description), ..NewToken::default() };
    let minted = accounts::create_user_token(&visitor.cx, &own(visitor).await?, new).await?;
    draw(visitor, 1, Some(minted.secret.expose())).await
}

async fn revoke(token: May<can::ManageToken, HeldToken>, _: Press) -> Result<Redirect> {
    accounts::delete_token(&token.visitor.cx, &token).await?;
    Ok(Redirect::to(PATH))
}

async fn draw(visitor: &SignedIn, number: u64, fresh: Option<&str>) -> Result<Markup> {
    let paging = Paging { number: number.max(1), size: PAGE_SIZE };
    let tokens = accounts::user_tokens(&visitor.cx, &own(visitor).await?, paging).await?;
    let now = visitor.cx.now();
    let rows = tokens.items.iter().map(|token| row(visitor, token, now)).collect();
    let table = Table {
        caption: "Your API tokens",
        heads: &["Description", "Created", "Last used", "Expires", "Actions"],
        rows,
    };
    let description = Field {
        name: "description",
        label: "Description",
        hint: Some("What it is for, such as the computer it is on. It is valid for two years."),
        required: false,
        ..Field::default()
    };
    let main = html! {
        (page_header(&[], "API tokens", &html! {}))
        @if let Some(secret) = fresh {
            (notice(Tone::Good, &html! {
                p { "Copy the new token now. It is not shown again." }
                p { code { (secret) } }
                p { "For Terraform and OpenTofu, in the file that TF_CLI_CONFIG_FILE names, or in ~/.terraformrc:" }
                pre { code { (cli_configuration(&visitor.cx.settings().public_url, secret)) } }
            }))
        }
        @if tokens.total == 0 { (empty("You have no tokens.")) } @else { (table) }
        (Pager { number: paging.number, size: PAGE_SIZE, total: tokens.total, path: PATH })
        h2 { "A new token" }
        form.stack method="post" action=(PATH) {
            (hidden(TOKEN_FIELD, &visitor.form_token()))
            (description)
            div.actions { (Button { label: "Create a token", ..Button::default() }) }
        }
    };
    Ok(page("API tokens", visitor, &main))
}

fn row(visitor: &SignedIn, token: &Token, now: domain::Timestamp) -> Vec<Markup> {
    let description = token.description.as_deref().unwrap_or("without description");
    let revoke = Button {
        label: "Revoke",
        look: Look::Danger,
        about: Some(description),
        ..Button::default()
    };
    vec![
        html! { (description) },
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
fn cli_configuration(public_url: &str, token: &str) -> String {
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

/// How configurations call a server without TLS: `hostname = "statehouse.local"`.
const NAME: &str = "statehouse.local";
