//! Who belongs to an organization: invited by e-mail, in teams, and removed.

use axum::{
    extract::Query,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    Granted, Paging,
    accounts::{self, ExposeSecret},
    can,
    entity::organization_membership::Status,
    memberships::{self, Details, Filter, Membership},
    row::Organization,
    teams,
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use crate::{
    components::{
        About, Button, Choice, Head, Header, Icon, Kind, Look, Notice, Panel, Search, Select,
        Sheet, Table, Text, Tone, action, badge, code_block, count, time,
    },
    failure::{Result, Wrong},
    forms::{Form, Press},
    frame::{Place, Section, page},
    guard::May,
    visitor::SignedIn,
};

const MOST_TEAMS: u64 = 500;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Input {
    email: String,
    team: String,
}

#[derive(Default)]
struct Said<'a> {
    wrong: Option<&'a Wrong>,
    /// Where whoever was invited accepts, if no mail tells them.
    link: Option<String>,
    input: Input,
}

fn here(organization: &str) -> String {
    format!("/app/{organization}/members")
}

pub async fn show(
    organization: May<can::ReadOrganization>,
    Query(asked): Query<Search>,
) -> Result<Markup> {
    draw(&organization.visitor, &organization, &asked, &Said::default()).await
}

async fn readable(
    visitor: &SignedIn,
    organization: &Organization,
) -> Result<Granted<can::ReadOrganization>> {
    Ok(visitor.organization::<can::ReadOrganization>(&organization.name).await?)
}

/// The page with what became of it; a link is shown in the answer itself, as it is kept nowhere.
async fn answered(
    visitor: &SignedIn,
    organization: &Organization,
    input: Input,
    done: domain::Result<memberships::Invited>,
) -> Result<Response> {
    let read = readable(visitor, organization).await?;
    match done {
        Ok(memberships::Invited { link: None, .. }) => {
            Ok(Redirect::to(&here(&organization.name)).into_response())
        }
        Ok(memberships::Invited { link: Some(link), .. }) => {
            let link = Some(link.expose_secret().to_owned());
            let said = Said { link, ..Said::default() };
            Ok(draw(visitor, &read, &Search::default(), &said).await?.into_response())
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let said = Said { wrong: Some(&wrong), link: None, input };
            Ok(wrong.shown_in(draw(visitor, &read, &Search::default(), &said).await?))
        }
    }
}

pub async fn invite(
    organization: May<can::ManageMembership>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let cx = &organization.visitor.cx;
    let team = if input.team.is_empty() {
        Ok(Vec::new())
    } else {
        let unknown = |_| domain::Error::invalid_relation("team", "is none that there is");
        input.team.parse().map(|id| vec![id]).map_err(unknown)
    };
    let done = match team {
        Ok(ids) => memberships::invite(cx, &organization, input.email.trim(), &ids).await,
        Err(error) => Err(error),
    };
    answered(&organization.visitor, &organization, input, done).await
}

pub async fn invite_again(
    membership: May<can::ManageMembership, Membership>,
    _: Press,
) -> Result<Response> {
    let done = memberships::invite_again(&membership.visitor.cx, &membership).await;
    answered(&membership.visitor, &membership.of, Input::default(), done).await
}

pub async fn delete(membership: May<can::DestroyMembership>, _: Press) -> Result<Response> {
    let visitor = &membership.visitor;
    let own = visitor.cx.actor().is_user(&membership.user_id);
    match memberships::delete(&visitor.cx, &membership).await {
        // Who has left does not see the organization any more.
        Ok(()) if own => Ok(Redirect::to("/").into_response()),
        Ok(()) => Ok(Redirect::to(&here(&membership.of.name)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let read = readable(visitor, &membership.of).await?;
            let said = Said { wrong: Some(&wrong), ..Said::default() };
            Ok(wrong.shown_in(draw(visitor, &read, &Search::default(), &said).await?))
        }
    }
}

async fn draw(
    visitor: &SignedIn,
    organization: &Granted<can::ReadOrganization>,
    asked: &Search,
    said: &Said<'_>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let name = &organization.name;
    let filter = Filter { search: asked.text().map(str::to_owned), ..Filter::default() };
    let list = memberships::list(cx, organization, &filter, asked.paging()).await?;
    let total = list.total;
    let rows = rows(visitor, organization, list.items).await?;
    let heads = [
        Head::new("Name"),
        Head::new("E-mail"),
        Head::new("Teams"),
        Head::new("Status"),
        Head::number("Since"),
        Head::unseen("Actions"),
    ];
    let form = if cx.may::<can::ManageMembership>(organization) {
        Some(form(visitor, organization, said).await?)
    } else {
        None
    };
    let main = html! {
        (Header { title: "Members", beside: count(total), ..Header::default() })
        @if let Some(wrong) = said.wrong.filter(|wrong| form.is_none() || (wrong.about("email").is_none() && wrong.about("team").is_none())) {
            (Notice::answer(Tone::Bad, &html! { p { (wrong.sentence()) } }))
        }
        @if let Some(link) = &said.link {
            (Notice::answer(Tone::Good, &html! {
                h2 { "Pass this address on" }
                p { "No mail is sent from here. Whoever opens the address accepts the invitation; it is not shown again." }
                (code_block("invitation", "Address of the invitation", link))
            }))
        }
        (asked.field(&here(name), "Find a member", "Name or e-mail"))
        div.stack {
            div.panel { (Table { caption: "Members", heads: &heads, rows }) }
            (asked.pager(&here(name), total))
            @if let Some(form) = &form { (form) }
        }
    };
    let title = format!("Members of {name}");
    page(visitor, Place::In(name, Section::Members), &title, &main).await
}

async fn rows(
    visitor: &SignedIn,
    organization: &Organization,
    items: Vec<domain::row::OrganizationMembership>,
) -> Result<Vec<Vec<Markup>>> {
    let cx = &visitor.cx;
    let ids: Vec<_> = items.iter().map(|row| row.user_id.clone()).collect();
    let users = accounts::load(cx, &ids).await?;
    let details = memberships::details(cx, items).await?;
    let ids: Vec<_> = details.iter().flat_map(|one| one.teams.iter().cloned()).collect();
    let known = teams::load(cx, &ids).await?;
    let may_manage = cx.may::<can::ManageMembership>(organization);
    let row = |one: &Details| {
        let row = &one.membership;
        let user = users.iter().find(|user| user.id == row.user_id);
        let own = cx.actor().is_user(&row.user_id);
        let teams = known.iter().filter(|team| one.teams.contains(&team.id));
        vec![
            html! { (user.map_or("", |user| user.username.as_str())) @if own { span.under { "you" } } },
            html! { (one.email) },
            html! { @for team in teams { a.quietlink href=(super::path(team)) { (team.name) } " " } },
            status(row.status),
            time(row.created_at),
            buttons(visitor, organization, one, may_manage, own),
        ]
    };
    Ok(details.iter().map(row).collect())
}

fn status(status: Status) -> Markup {
    match status {
        Status::Active => badge(Tone::Good, Icon::StGood, "member"),
        Status::Inactive => badge(Tone::Neutral, Icon::StStop, "inactive"),
        Status::Invited => badge(Tone::Neutral, Icon::StQueued, "invited"),
    }
}

fn buttons(
    visitor: &SignedIn,
    organization: &Organization,
    one: &Details,
    may_manage: bool,
    own: bool,
) -> Markup {
    let at = format!("{}/{}", here(&organization.name), one.membership.id);
    let token = visitor.form_token();
    let button = |label, look| Button {
        label,
        look,
        small: true,
        about: Some(one.email.as_str()),
        ..Button::default()
    };
    html! {
        @if may_manage && one.membership.status == Status::Invited {
            (action(&format!("{at}/invite"), &token, &button("Invite again", Look::Plain)))
        }
        @if own { (action(&format!("{at}/delete"), &token, &button("Leave", Look::Danger))) }
        @else if may_manage { (action(&format!("{at}/delete"), &token, &button("Remove", Look::Danger))) }
    }
}

async fn form(
    visitor: &SignedIn,
    organization: &Granted<can::ReadOrganization>,
    said: &Said<'_>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let paging = Paging { number: 1, size: MOST_TEAMS };
    let all = teams::list(cx, organization, teams::Filter::default(), paging).await?.items;
    let mut choices: Vec<Choice<'_>> = vec![("", "no team yet")];
    let open = all.iter().filter(|team| cx.may::<can::UpdateTeamMembers>(team));
    choices.extend(open.map(|team| (team.id.as_str(), team.name.as_str())));
    let email = Text {
        about: About { name: "email", label: "E-mail", ..About::default() },
        kind: Kind::Email,
        value: &said.input.email,
        ..Text::default()
    };
    let team = Select {
        about: About { name: "team", label: "Into the team", ..About::default() },
        choices: &choices,
        value: &said.input.team,
    };
    let form = Sheet {
        id: "invite",
        action: &here(&organization.name),
        token: &visitor.form_token(),
        wrong: said
            .wrong
            .filter(|wrong| wrong.about("email").is_some() || wrong.about("team").is_some()),
        hidden: &[],
        controls: &[&email, &team],
        send: Button { label: "Invite", icon: Some(Icon::Person), ..Button::default() },
    };
    let panel =
        Panel { id: "m-new", title: "Invite somebody", content: form.render(), ..Panel::default() };
    Ok(panel.render())
}
