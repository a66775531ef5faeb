//! One policy set: its policies, where it counts, and what it has said about the last runs.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, In, Paging, can,
    entity::policy_set_member::Role,
    policies,
    policy_evaluations::{self, Recent},
    policy_sets::{self, Members},
    row::{Organization, PolicySet},
};
use maud::{Markup, Render, html};

use super::{
    form::{self, Input},
    list::{language, reach, table_of},
    list_path,
};
use crate::{
    components::{
        Button, Crumb, Head, Header, Icon, Look, Panel, Table, Tone, action, badge, copy_id, count,
        empty, stacked_facts, time,
    },
    failure::{Result, Wrong},
    forms::{Form, Press},
    frame::{Place, Section, page},
    guard::May,
    runs,
    visitor::SignedIn,
};

type Set = In<PolicySet, Organization>;

const MOST: Paging = Paging { number: 1, size: 100 };

pub async fn delete(set: May<can::ManagePolicies, Set>, _: Press) -> Result<Redirect> {
    policy_sets::delete(&set.visitor.cx, &set).await?;
    Ok(Redirect::to(&list_path(&set.of.name)))
}

pub async fn save(
    set: May<can::ManagePolicies, Set>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let (visitor, cx) = (&set.visitor, &set.visitor.cx);
    match policy_sets::update(cx, &set, input.wanted(&set.row)).await {
        Ok(row) => Ok(Redirect::to(&path(&set.of.name, &row)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let readable =
                cx.check::<can::ReadPolicies, _>(policy_sets::find(cx, &set.row.id).await?)?;
            let page = draw(visitor, &readable, Some((&input, &wrong))).await?;
            Ok(wrong.shown_in(page))
        }
    }
}

fn path(organization: &str, set: &PolicySet) -> String {
    format!("{}/{}", list_path(organization), set.id)
}

pub async fn show(set: May<can::ReadPolicies, Set>) -> Result<Markup> {
    draw(&set.visitor, &set, None).await
}

async fn draw(
    visitor: &SignedIn,
    set: &Granted<can::ReadPolicies, Set>,
    refused: Option<(&Input, &Wrong)>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let organization = &set.of.name;
    let members = policy_sets::members(cx, std::slice::from_ref(&set.row)).await?;
    let members = members.into_values().next().unwrap_or_default();
    let ids: Vec<_> = members.of(Role::Policy).iter().filter_map(|id| id.parse().ok()).collect();
    let policies = policies::load(cx, &ids).await?;
    let versions = policy_sets::list_versions(cx, set, MOST).await?;
    let parameters = policy_sets::list_parameters(cx, set, MOST).await?;
    let recent = policy_evaluations::recent_of(cx, set).await?;
    let current =
        versions.items.iter().find(|one| Some(&one.id) == set.row.current_version_id.as_ref());
    let content = match current {
        Some(version) => html! {
            div.in { p { "From the archive that was uploaded " (time(version.created_at)) "." } }
        },
        None if policies.is_empty() => html! {
            div.in { (empty(Icon::Shield, "No policy in it", "Nothing is asked until it has one.", &html! {})) }
        },
        None => table_of(&policies),
    };
    let in_it =
        Panel { id: "p-in", title: "What it asks", content, is_table: true, ..Panel::default() };
    let facts = facts(&set.row, &members, &parameters.items);
    let crumbs = [Crumb { label: "Policies", href: list_path(organization) }];
    let main = html! {
        (Header { crumbs: &crumbs, title: &set.row.name, ..Header::default() })
        div.beside {
            div.stack {
                @if let Some(text) = &set.row.description { p { (text) } }
                (in_it)
                (said(&recent))
                @if cx.may::<can::ManagePolicies>(&set.of) {
                    (settings(visitor, set, refused))
                    (deletion(visitor, set))
                }
            }
            aside.stack aria-label={ "About " (set.row.name) } {
                (Panel { id: "p-about", title: "About", content: stacked_facts(&facts), ..Panel::default() })
            }
        }
    };
    page(visitor, Place::In(organization, Section::Policies), &set.row.name, &main).await
}

fn facts<'a>(
    set: &PolicySet,
    members: &Members,
    parameters: &[policy_sets::ShownParameter],
) -> Vec<(&'a str, Markup)> {
    let mut facts = vec![
        ("Id", copy_id(&set.id)),
        ("Language", html! { (language(set.kind)) }),
        ("Counts", html! { (reach(set, members)) }),
        (
            "Override",
            html! { @if set.overridable { "whoever may override policies" } @else { "as each policy says" } },
        ),
    ];
    if let Some(version) = &set.policy_tool_version {
        facts.push(("Version", html! { (version) }));
    }
    if !parameters.is_empty() {
        let shown = html! {
            @for one in parameters {
                div { code { (one.row.name) } " " @match one.value() { Some(value) => code { (value) }, None => span.faint { "sensitive" } } }
            }
        };
        facts.push(("Parameters", shown));
    }
    facts.push(("Made", time(set.created_at)));
    facts
}

fn said(recent: &[Recent]) -> Markup {
    let heads =
        [Head::new("Run"), Head::new("Workspace"), Head::new("What it said"), Head::number("When")];
    let rows = recent.iter().map(row).collect();
    let content = if recent.is_empty() {
        let text = "It has been asked about no run that you may see.";
        html! { div.in { (empty(Icon::StShieldOk, "Nothing said yet", text, &html! {})) } }
    } else {
        Table { caption: "What it said, the latest first", heads: &heads, rows }.render()
    };
    let beside = count(u64::try_from(recent.len()).unwrap_or_default());
    Panel {
        id: "p-said",
        title: "What it said lately",
        beside,
        content,
        is_table: true,
        is_risk: false,
    }
    .render()
}

fn row(one: &Recent) -> Vec<Markup> {
    let counts = &one.outcome.result_count;
    let (tone, sign, word) = if one.outcome.error.is_some() || counts.errored > 0 {
        (Tone::Bad, Icon::StBad, "could not be asked".to_owned())
    } else if counts.mandatory_failed > 0 {
        (Tone::Bad, Icon::StShield, format!("{} against it", counts.mandatory_failed))
    } else if counts.advisory_failed > 0 {
        (Tone::Neutral, Icon::Warn, format!("{} advise against it", counts.advisory_failed))
    } else {
        (Tone::Good, Icon::StShieldOk, format!("{} agree", counts.passed))
    };
    vec![
        html! { a href=(runs::path(&one.run)) { (one.run.message) } },
        html! { (one.run.of.name) },
        badge(tone, sign, &word),
        time(one.at),
    ]
}

fn settings(visitor: &SignedIn, set: &Set, refused: Option<(&Input, &Wrong)>) -> Markup {
    let now = Input::of(&set.row);
    let input = refused.map_or(&now, |(input, _)| input);
    let wrong = refused.map(|(_, wrong)| wrong);
    let content = form::sheet(visitor, &set.row, &path(&set.of.name, &set.row), input, wrong);
    Panel { id: "p-set", title: "Settings of the set", content, ..Panel::default() }.render()
}

fn deletion(visitor: &SignedIn, set: &Set) -> Markup {
    let delete = Button {
        label: "Delete the set",
        look: Look::Danger,
        icon: Some(Icon::Trash),
        ..Button::default()
    };
    let to = format!("{}/delete", path(&set.of.name, &set.row));
    let content = html! {
        p { "Runs that begin from now on are not asked about by it any more. Its policies stay." }
        (action(&to, &visitor.form_token(), &delete))
    };
    Panel { id: "p-delete", title: "Delete it", content, is_risk: true, ..Panel::default() }
        .render()
}
