//! Which teams may do what in one place, beside what they may do in all of its organization: two pages, whatever the
//! place is.

use std::str::FromStr;

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Ctx, Found, Granted, Paging,
    access::Permission,
    id::TeamId,
    organizations,
    row::Team,
    teams::{
        self,
        access::{self, Held, Of, Place, Row},
    },
};
use entrance::Located;
use maud::{Markup, Render, html};
use serde::Deserialize;

use crate::{
    components::{
        About, Button, Check, Choice, Control, Head, Icon, Look, Panel, Select, Sheet, Table,
        action, count, empty,
    },
    failure::{Result, Wrong},
    forms::{Form, Pairs, Press},
    guard::{May, Named},
    visitor::SignedIn,
};

const MOST: u64 = 1_000;
/// The level at which all is chosen one by one.
const CUSTOM: &str = "custom";

/// A place with pages about its teams.
pub trait Shown: Place + Located {
    /// Whoever lets teams in.
    type Admin: Permission<On = Self>;
    const LEVELS: &'static [Choice<'static>];
    /// What custom access is made of.
    const RIGHTS: &'static [Right];
    /// Said where no team has any.
    const NOBODY: &'static str;

    fn name(&self) -> &str;

    /// Where the pages are.
    fn here(&self) -> String;

    fn again(&self, cx: &Ctx) -> impl Future<Output = domain::Result<Found<Self>>> + Send;

    /// Access at a level, with whatever rights this has.
    fn at(level: &str) -> domain::Result<Self::Change>;

    /// Custom access as it was chosen.
    fn custom(chosen: &Pairs) -> domain::Result<Self::Change>;

    /// What is chosen of a right; empty for a box that is not ticked.
    fn value(row: &Self::Row, right: &str) -> String;

    /// The frame of the pages.
    fn draw(
        &self,
        visitor: &SignedIn,
        content: &Markup,
    ) -> impl Future<Output = Result<Markup>> + Send;
}

/// One of those that custom access is made of: one of several words, or a box to tick where there are none.
#[derive(Clone, Copy, Debug)]
pub struct Right {
    pub name: &'static str,
    pub label: &'static str,
    pub words: &'static [Choice<'static>],
}

pub const NOTHING_READ_WRITE: &[Choice<'_>] =
    &[("none", "nothing"), ("read", "read"), ("write", "write")];
pub const STATES: &[Choice<'_>] =
    &[("none", "nothing"), ("read-outputs", "read outputs"), ("read", "read"), ("write", "write")];
pub const RUNS: &[Choice<'_>] = &[("read", "read"), ("plan", "plan"), ("apply", "apply")];

/// The word that was chosen.
pub fn word<T: FromStr>(chosen: &Pairs, name: &str) -> domain::Result<T> {
    chosen.text(name).parse().map_err(|_| domain::Error::invalid(name, "must be chosen"))
}

pub fn is_ticked(chosen: &Pairs, name: &str) -> bool {
    !matches!(chosen.text(name), "" | "false")
}

pub fn tick(is_on: bool) -> String {
    if is_on { "true".to_owned() } else { String::new() }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Input {
    team: String,
    access: String,
}

pub async fn show<P: Shown>(place: May<P::Read>) -> Result<Markup> {
    draw::<P>(&place.visitor, &place, &Input::default(), None).await
}

pub async fn add<P: Shown>(
    named: Named<P::Give, (P, Team), P::Admin>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let place: &P = &named.base;
    let visitor = &named.base.visitor;
    match Box::pin(given::<P>(&named, &input)).await {
        Ok(()) => Ok(Redirect::to(&place.here()).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let readable = visitor.cx.check::<P::Read, _>(place.again(&visitor.cx).await?)?;
            Ok(wrong.shown_in(draw::<P>(visitor, &readable, &input, Some(&wrong)).await?))
        }
    }
}

async fn given<P: Shown>(
    named: &Named<P::Give, (P, Team), P::Admin>,
    input: &Input,
) -> domain::Result<()> {
    let cx = &named.base.visitor.cx;
    let change = P::at(&input.access)?;
    let unknown = || domain::Error::invalid("team", "must be chosen");
    let team: TeamId = input.team.parse().map_err(|_| unknown())?;
    let team = teams::find(cx, &team).await.map_err(|_| unknown())?;
    let place: &P = &named.base;
    let pair = access::pair(place.again(cx).await?, team).map_err(|_| unknown())?;
    let on = named.check(pair).map_err(|_| unknown())?;
    access::create::<P>(cx, &on, change).await.map(drop)
}

async fn teams_of(visitor: &SignedIn, organization: &str) -> Result<Vec<Team>> {
    let cx = &visitor.cx;
    let found = organizations::find(cx, organization).await?;
    // Those who reach the place, but not the organization as a whole, see no teams.
    let Ok(organization) = cx.check(found) else { return Ok(Vec::new()) };
    let paging = Paging { number: 1, size: MOST };
    Ok(teams::list(cx, &organization, teams::Filter::default(), paging).await?.items)
}

async fn draw<P: Shown>(
    visitor: &SignedIn,
    place: &Granted<P::Read>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let manages = cx.may::<P::Admin>(place);
    let readable = cx.check::<P::Read, _>(place.again(cx).await?)?;
    let of = Of::<P> { place: Some(readable), team: None };
    let list = access::list(cx, of, Paging { number: 1, size: MOST }).await?;
    let ids: Vec<TeamId> = list.items.iter().map(|row| row.team_id().clone()).collect();
    let known = teams::load(cx, &ids).await?;
    let rows = list.items.iter().map(|one| row::<P>(place, one, &known, manages)).collect();
    let heads = [Head::new("Team"), Head::new("May"), Head::unseen("Actions")];
    let content = if list.items.is_empty() {
        html! { div.in { (empty(Icon::People, "No team has rights of its own here", P::NOBODY, &html! {})) } }
    } else {
        Table { caption: "Teams with rights here", heads: &heads, rows }.render()
    };
    let beside = count(list.total);
    let panel =
        Panel { id: "s-teams", title: "Teams", beside, content, is_table: true, is_risk: false };
    let all =
        if manages { teams_of(visitor, place.organization_name()).await? } else { Vec::new() };
    let left: Vec<Choice<'_>> = all
        .iter()
        .filter(|team| !team.is_owners() && !ids.contains(&team.id))
        .map(|team| (team.id.as_str(), team.name.as_str()))
        .collect();
    let content = html! {
        (panel)
        @if !left.is_empty() { (add_form::<P>(visitor, place, &left, input, wrong)) }
        @else if !manages { p.hint { "Administrators of " (place.name()) " decide about this." } }
    };
    place.draw(visitor, &content).await
}

fn row<P: Shown>(place: &P, one: &P::Row, known: &[Team], manages: bool) -> Vec<Markup> {
    let team = known.iter().find(|team| team.id == *one.team_id());
    let name = team.map_or("a team that you may not see", |team| team.name.as_str());
    let level = P::LEVELS.iter().find(|(word, _)| *word == one.level());
    vec![
        html! { (name) },
        html! { (level.map_or("", |(_, label)| *label)) },
        html! {
            @if manages {
                a class="button quiet small" href=(address(place, one)) { "Change" span.unseen { " " (name) } }
            }
        },
    ]
}

fn address<P: Shown>(place: &P, row: &P::Row) -> String {
    format!("{}/{}", place.here(), Row::id(row).as_ref())
}

fn add_form<P: Shown>(
    visitor: &SignedIn,
    place: &P,
    left: &[Choice<'_>],
    input: &Input,
    wrong: Option<&Wrong>,
) -> Markup {
    let team = Select {
        about: About { name: "team", label: "Team", ..About::default() },
        choices: left,
        value: &input.team,
    };
    let access = level(P::LEVELS, &input.access);
    let form = Sheet {
        id: "access",
        action: &place.here(),
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &[&team, &access],
        send: Button { label: "Let the team in", icon: Some(Icon::Plus), ..Button::default() },
    };
    Panel { id: "s-add", title: "Let a team in", content: form.render(), ..Panel::default() }
        .render()
}

fn level<'a>(choices: &'a [Choice<'a>], value: &'a str) -> Select<'a> {
    Select { about: About { name: "access", label: "May", ..About::default() }, choices, value }
}

pub async fn edit<P: Shown>(held: May<P::Manage, Held<P>>) -> Result<Markup> {
    let value = |name: &str| match name {
        "access" => held.row.level().to_owned(),
        right => P::value(&held.row, right),
    };
    draw_one::<P>(&held.visitor, &held, &value, None).await
}

pub async fn change<P: Shown>(
    held: May<P::Manage, Held<P>>,
    Form(chosen): Form<Pairs>,
) -> Result<Response> {
    let wanted = match chosen.text("access") {
        CUSTOM => P::custom(&chosen),
        level => P::at(level),
    };
    let changed = match wanted {
        Ok(change) => access::update::<P>(&held.visitor.cx, &held, change).await,
        Err(error) => Err(error),
    };
    match changed {
        Ok(_) => Ok(Redirect::to(&held.of.0.here()).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let value = |name: &str| chosen.text(name).to_owned();
            let page = draw_one::<P>(&held.visitor, &held, &value, Some(&wrong)).await?;
            Ok(wrong.shown_in(page))
        }
    }
}

pub async fn remove<P: Shown>(held: May<P::Manage, Held<P>>, _: Press) -> Result<Redirect> {
    access::delete::<P>(&held.visitor.cx, &held).await?;
    Ok(Redirect::to(&held.of.0.here()))
}

async fn draw_one<P: Shown>(
    visitor: &SignedIn,
    held: &Held<P>,
    value: &(dyn Fn(&str) -> String + Sync),
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let (place, team) = &held.of;
    let content = rights::<P>(visitor, held, value, wrong, &team.name);
    place.draw(visitor, &content).await
}

fn rights<P: Shown>(
    visitor: &SignedIn,
    held: &Held<P>,
    value: &dyn Fn(&str) -> String,
    wrong: Option<&Wrong>,
    team: &str,
) -> Markup {
    let place = &held.of.0;
    let (level_now, values) =
        (value("access"), P::RIGHTS.iter().map(|right| value(right.name)).collect::<Vec<_>>());
    let mut controls: Vec<Box<dyn Control + '_>> = vec![Box::new(level(P::LEVELS, &level_now))];
    for (&Right { name, label, words }, value) in P::RIGHTS.iter().zip(&values) {
        let optional = words.is_empty();
        let about = About { name, label, hint: Some("For custom access."), optional };
        controls.push(if optional {
            Box::new(Check { about, is_on: !matches!(&**value, "" | "false"), must: false })
        } else {
            Box::new(Select { about, choices: words, value })
        });
    }
    let controls: Vec<&dyn Control> = controls.iter().map(|one| &**one).collect();
    let at = address(place, &held.row);
    let form = Sheet {
        id: "rights",
        action: &at,
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &controls,
        send: Button { label: "Save what it may do", ..Button::default() },
    };
    let remove = Button {
        label: "Take it all away",
        look: Look::Danger,
        icon: Some(Icon::Trash),
        ..Button::default()
    };
    let title = format!("What {team} may do in {}", place.name());
    html! {
        (Panel { id: "s-rights", title: &title, content: form.render(), ..Panel::default() })
        (Panel {
            id: "s-remove",
            title: "Take it away",
            content: html! {
                p { "What the team may do by other ways, such as its organization, stays." }
                (action(&format!("{at}/delete"), &visitor.form_token(), &remove))
            },
            is_risk: true,
            ..Panel::default()
        })
    }
}
