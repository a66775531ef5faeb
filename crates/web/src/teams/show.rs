//! One team: who is in it, what it may do in its organization, and its token.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, Paging, accounts,
    accounts::NewToken,
    can, memberships,
    row::Team,
    teams::{self, Change, Members, effective_access, rights},
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{list_path, path, rights::RIGHTS};
use crate::{
    components::{
        About, Button, Check, Control, Crumb, Header, Icon, Look, Notice, Panel, Sheet, Text, Tone,
        action, code_block, copy_id, count, hidden, stacked_facts, time,
    },
    failure::{Result, Wrong},
    forms::{Form, Pairs, Press, TOKEN_FIELD},
    frame::{Place, Section, page},
    guard::May,
    visitor::SignedIn,
};

const MOST: u64 = 1_000;

/// What the answer says beside the team itself.
#[derive(Default)]
struct Said<'a> {
    username: &'a str,
    wrong: Option<&'a Wrong>,
    /// A token that was just made.
    secret: Option<&'a str>,
}

pub async fn show(team: May<can::ReadTeam>) -> Result<Markup> {
    draw(&team.visitor, &team, &Said::default()).await
}

/// Boxes that are not ticked are not sent: what is missing is taken away.
pub async fn save(team: May<can::UpdateTeam>, Form(ticked): Form<Pairs>) -> Result<Response> {
    let organization_access = RIGHTS.iter().map(|(name, ..)| (*name, ticked.has(name))).collect();
    let change = Change { organization_access, ..Change::default() };
    let done = teams::update(&team.visitor.cx, &team, change).await.map(drop);
    answered(&team.visitor, &team, "", done).await
}

pub async fn delete(team: May<can::DestroyTeam>, _: Press) -> Result<Response> {
    teams::delete(&team.visitor.cx, &team).await?;
    Ok(Redirect::to(&list_path(&team.organization_name)).into_response())
}

#[derive(Deserialize)]
pub struct Who {
    username: String,
}

pub async fn add(team: May<can::UpdateTeamMembers>, Form(who): Form<Who>) -> Result<Response> {
    let names = Members::Usernames(vec![who.username.trim().to_owned()]);
    let done = teams::add_members(&team.visitor.cx, &team, names).await;
    answered(&team.visitor, &team, &who.username, done).await
}

pub async fn remove(team: May<can::UpdateTeamMembers>, Form(who): Form<Who>) -> Result<Response> {
    let names = Members::Usernames(vec![who.username]);
    let done = teams::remove_members(&team.visitor.cx, &team, names).await;
    answered(&team.visitor, &team, "", done).await
}

/// Shows the new token in the answer itself. The one before stops working.
pub async fn token(team: May<can::ManageTeamTokens>, _: Press) -> Result<Markup> {
    let visitor = &team.visitor;
    let cx = &visitor.cx;
    let minted = accounts::replace_team_token(cx, &team, NewToken::default()).await?;
    let said = Said { secret: Some(minted.secret.expose()), ..Said::default() };
    draw(visitor, &readable(visitor, &team).await?, &said).await
}

async fn readable(visitor: &SignedIn, team: &Team) -> Result<Granted<can::ReadTeam>> {
    let cx = &visitor.cx;
    Ok(cx.check::<can::ReadTeam, _>(teams::find(cx, &team.id).await?)?)
}

async fn answered(
    visitor: &SignedIn,
    team: &Team,
    username: &str,
    done: domain::Result<()>,
) -> Result<Response> {
    match done {
        Ok(()) => Ok(Redirect::to(&path(team)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let said = Said { username, wrong: Some(&wrong), secret: None };
            let page = draw(visitor, &readable(visitor, team).await?, &said).await?;
            Ok(wrong.shown_in(page))
        }
    }
}

async fn draw(
    visitor: &SignedIn,
    team: &Granted<can::ReadTeam>,
    said: &Said<'_>,
) -> Result<Markup> {
    let organization = &team.organization_name;
    let crumbs = [Crumb { label: "Teams", href: list_path(organization) }];
    let main = html! {
        (Header { crumbs: &crumbs, title: &team.name, ..Header::default() })
        @if let Some(wrong) = said.wrong { (Notice::answer(Tone::Bad, &html! { p { (wrong.sentence()) } })) }
        @if let Some(secret) = said.secret {
            (Notice::answer(Tone::Good, &html! {
                h2 { "Copy the new token now" }
                p { "It is not shown again. The one before does not work any more." }
                (code_block("team-secret", "Token", secret))
            }))
        }
        div.beside {
            div.stack {
                (people(visitor, team, said).await?)
                (access(visitor, team))
            }
            aside.stack aria-label={ "About " (team.name) } { (about(visitor, team)) }
        }
    };
    page(visitor, Place::In(organization, Section::Teams), &team.name, &main).await
}

fn about(visitor: &SignedIn, team: &Team) -> Markup {
    let cx = &visitor.cx;
    let token = visitor.form_token();
    let facts = [("Id", copy_id(&team.id)), ("Made", time(team.created_at))];
    let new = Button {
        label: "New team token",
        look: Look::Plain,
        icon: Some(Icon::Key),
        ..Button::default()
    };
    let delete = Button {
        label: "Delete the team",
        look: Look::Danger,
        icon: Some(Icon::Trash),
        ..Button::default()
    };
    html! {
        (Panel { id: "t-about", title: "About", content: stacked_facts(&facts), ..Panel::default() })
        @if cx.may::<can::ManageTeamTokens>(team) {
            (Panel {
                id: "t-token",
                title: "Token",
                content: html! {
                    p { "Programs act as the team with it. A new one replaces the one before." }
                    (action(&format!("{}/token", path(team)), &token, &new))
                },
                ..Panel::default()
            })
        }
        @if cx.may::<can::DestroyTeam>(team) {
            (Panel {
                id: "t-delete",
                title: "Delete it",
                content: html! {
                    p { "Its tokens stop working, and its people lose what only it gave them." }
                    (action(&format!("{}/delete", path(team)), &token, &delete))
                },
                is_risk: true,
                ..Panel::default()
            })
        }
    }
}

async fn people(
    visitor: &SignedIn,
    team: &Granted<can::ReadTeam>,
    said: &Said<'_>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let paging = Paging { number: 1, size: MOST };
    let filter = memberships::Filter::default();
    let list = memberships::list_of_team(cx, team, &filter, None, paging).await?;
    let ids: Vec<_> = list.items.iter().map(|row| row.user_id.clone()).collect();
    let users = accounts::load(cx, &ids).await?;
    let may_change = cx.may::<can::UpdateTeamMembers>(team);
    let username = Text {
        about: About {
            name: "username",
            label: "Username",
            hint: Some("Of somebody in the organization."),
            optional: false,
        },
        value: said.username,
        ..Text::default()
    };
    let form = Sheet {
        id: "add",
        action: &format!("{}/add", path(team)),
        token: &visitor.form_token(),
        wrong: None,
        hidden: &[],
        controls: &[&username],
        send: Button {
            label: "Add to the team",
            look: Look::Plain,
            icon: Some(Icon::Plus),
            ..Button::default()
        },
    };
    let content = html! {
        ul.ladder {
            @for user in &users {
                li {
                    span { (user.username) }
                    @if may_change { (remove_button(visitor, team, &user.username)) }
                }
            }
        }
        @if users.is_empty() { p.soft { "Nobody that you may see." } }
        @if may_change { (form) }
    };
    let beside = count(list.total);
    Ok(Panel { id: "t-people", title: "People", beside, content, ..Panel::default() }.render())
}

fn remove_button(visitor: &SignedIn, team: &Team, username: &str) -> Markup {
    let button = Button {
        label: "Remove",
        look: Look::Danger,
        small: true,
        about: Some(username),
        ..Button::default()
    };
    html! {
        form.action method="post" action={ (path(team)) "/remove" } {
            (hidden(TOKEN_FIELD, &visitor.form_token()))
            (hidden("username", username))
            (button)
        }
    }
}

fn access(visitor: &SignedIn, team: &Team) -> Markup {
    let cx = &visitor.cx;
    let mut access = effective_access(team);
    let has: Vec<&str> =
        rights(&mut access).filter(|(_, has)| **has).map(|(name, _)| name).collect();
    let content = if team.is_owners() {
        html! { p { "Owners may do everything in the organization." } }
    } else if cx.may::<can::UpdateOrganizationAccess>(team) {
        let checks: Vec<Check<'_>> = RIGHTS
            .iter()
            .map(|(name, label, means)| Check {
                about: About { name, label, hint: Some(means), optional: true },
                is_on: has.contains(name),
                must: false,
            })
            .collect();
        let controls: Vec<&dyn Control> =
            checks.iter().map(|check| check as &dyn Control).collect();
        Sheet {
            id: "access",
            action: &path(team),
            token: &visitor.form_token(),
            wrong: None,
            hidden: &[],
            controls: &controls,
            send: Button { label: "Save what it may do", ..Button::default() },
        }
        .render()
    } else {
        html! {
            ul.prose { @for (_, label, _) in RIGHTS.iter().filter(|(name, ..)| has.contains(name)) { li { (label) } } }
            @if has.is_empty() { p.soft { "Nothing in general; projects and workspaces may say more." } }
        }
    };
    Panel { id: "t-may", title: "May, in the organization", content, ..Panel::default() }.render()
}
