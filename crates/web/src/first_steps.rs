//! `/first-steps`: from an account to a first run that happens here. It says by itself what has been done already.

use axum::{
    extract::Query,
    response::{IntoResponse, Response},
};
use domain::{
    Granted, In, Paging, accounts, can,
    row::{Organization, Run},
    runs,
};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    Routes,
    accounts::{cli_configuration, host_name},
    components::{
        Header, Icon, Look, Notice, Tone, badge, code_block, link_button, live_stream, time,
    },
    failure::Result,
    frame::{Place, page},
    guard::May,
    live::{self, Fragment},
    organizations::NEW,
    query::address,
    runs as pages,
    visitor::SignedIn,
};

const PATH: &str = "/first-steps";

pub fn routes() -> Routes {
    Routes::default()
        .get(PATH, show)
        .get("/first-steps/progress", progress)
        .get("/first-steps/progress/events", events)
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Asked {
    /// The first of the visitor's, where none is named.
    #[serde(default)]
    organization: String,
}

async fn show(own: May<can::BePerson>, Query(asked): Query<Asked>) -> Result<Markup> {
    let visitor = &own.visitor;
    let steps = Steps::of(visitor, &asked).await?;
    let about =
        html! { span { "From here to a first run on this server takes about two minutes." } };
    let src = address("/first-steps/progress", &[("organization", &asked.organization)]);
    let main = html! {
        (Header { title: "First steps", about, ..Header::default() })
        (live_stream(&src, &steps.drawn()))
        (blocks(visitor, steps.organization.as_ref()))
    };
    page(visitor, Place::Top, "First steps", &main).await
}

async fn progress(own: May<can::BePerson>, Query(asked): Query<Asked>) -> Result<Markup> {
    Ok(Steps::of(&own.visitor, &asked).await?.drawn())
}

async fn events(own: May<can::BePerson>, Query(asked): Query<Asked>) -> Response {
    let visitor = own.visitor.clone();
    live::stream(visitor, move |visitor| {
        let asked = asked.clone();
        Box::pin(async move {
            let content = Steps::of(&visitor, &asked).await?.drawn();
            Ok(Fragment { number: 0, content })
        })
    })
    .into_response()
}

/// What has been done.
struct Steps {
    organization: Option<Organization>,
    /// Whether there is a token, and when one was last used.
    has_token: bool,
    token_used_at: Option<domain::Timestamp>,
    workspaces: u64,
    run: Option<In<Run>>,
}

const ONE: Paging = Paging { number: 1, size: 1 };

impl Steps {
    async fn of(visitor: &SignedIn, asked: &Asked) -> Result<Self> {
        let cx = &visitor.cx;
        let own = cx.actor().user_id().ok_or(domain::Error::NotFound)?;
        let own = cx.check::<can::ManageUserTokens, _>(accounts::find_user(cx, &own).await?)?;
        let tokens = accounts::user_tokens(cx, &own, Paging { number: 1, size: 100 }).await?.items;
        let mut steps = Self {
            organization: None,
            has_token: !tokens.is_empty(),
            token_used_at: tokens.iter().filter_map(|token| token.last_used_at).max(),
            workspaces: 0,
            run: None,
        };
        let names = visitor.organizations();
        let named = names.iter().find(|name| **name == asked.organization);
        let Some(name) = named.or(names.first()) else { return Ok(steps) };
        let organization = visitor.organization::<can::ReadOrganization>(name).await?;
        steps.look(visitor, &organization).await?;
        Ok(steps)
    }

    async fn look(
        &mut self,
        visitor: &SignedIn,
        organization: &Granted<can::ReadOrganization>,
    ) -> Result<()> {
        use domain::workspaces::{self, Filter, Sort};
        let cx = &visitor.cx;
        let (sort, order) = (Sort::LatestChangeAt, domain::Order::Descending);
        let list = workspaces::list(cx, organization, Filter::default(), sort, order, ONE).await?;
        self.workspaces = list.total;
        let list = runs::list_of_organization(cx, organization, runs::Filter::default(), ONE);
        self.run = list.await?.items.into_iter().next();
        self.organization = Some((**organization).clone());
        Ok(())
    }

    fn drawn(&self) -> Markup {
        let name = self.organization.as_ref().map(|row| row.name.as_str());
        html! {
            ol.steps {
                (step(1, name.is_some(), "An organization", &html! {
                    @match name {
                        Some(name) => { b { (name) } " is there." },
                        None => { "Workspaces, teams and variables belong to one. " a href=(NEW) { "Make an organization" } "." },
                    }
                }))
                (step(2, self.has_token, "A token for the command line", &html! {
                    @if let Some(at) = self.token_used_at { "There is one. It was last used " (time(at)) "." }
                    @else if self.has_token { "There is one. No command line has come with it yet." }
                    @else { "With " code { "terraform login" } ", or " a href="/app/settings/tokens" { "make one here" } "." }
                }))
                (step(3, self.workspaces > 0, "A workspace", &html! {
                    @if self.workspaces > 0 { "There are some." }
                    @else { code { "terraform init" } " makes it, when it finds the block below." }
                }))
                (step(4, self.run.is_some(), "A first run", &html! {
                    @match &self.run {
                        Some(run) => { "It is here: " a href=(pages::path(run)) { (run.message) } "." },
                        None => { code { "terraform plan" } " starts it." },
                    }
                }))
            }
        }
    }
}

fn step(number: u8, is_done: bool, title: &str, content: &Markup) -> Markup {
    html! {
        li {
            span.no aria-hidden="true" { (number) }
            div {
                h2 {
                    (title) " "
                    @if is_done { (badge(Tone::Good, Icon::StGood, "done")) }
                    @else { (badge(Tone::Neutral, Icon::StQueued, "to do")) }
                }
                p { (content) }
            }
        }
    }
}

/// What is copied. The blocks stay where they are while the steps above are told anew.
fn blocks(visitor: &SignedIn, organization: Option<&Organization>) -> Markup {
    let url = &visitor.cx.settings().public_url;
    let host = host_name(url);
    let organization = organization.map_or("my-organization", |row| row.name.as_str());
    let cloud = format!(
        "terraform {{\n  cloud {{\n    hostname     = \"{host}\"\n    organization = \"{organization}\"\n\n    \
         workspaces {{\n      name = \"hello\"\n    }}\n  }}\n}}\n"
    );
    let plain = url.starts_with("http://");
    html! {
        div.stack.gap {
            h2 { "To copy" }
            (code_block("cloud", "cloud.tf, beside your configuration", &cloud))
            @if plain {
                (Notice::new(Tone::Neutral, &html! { p { "This server speaks plain http, which " code { "terraform login" } " refuses. Put a token into this block instead." } }))
                (code_block("rc", "~/.terraformrc", &cli_configuration(url, "the token")))
            } @else {
                (code_block("login", "In your shell", &format!("terraform login {host}\n")))
                p.hint { "Where its certificate is signed by an authority of your own, SSL_CERT_FILE names that one's file." }
            }
            (code_block("init", "Then", "terraform init\nterraform plan\n"))
            div.row { (link_button(Look::Plain, Icon::Boxes, "Go to your organizations", "/")) }
        }
    }
}
