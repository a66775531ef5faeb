//! The policy sets of an organization, and its policies.

use domain::{
    Order, Paging, can,
    entity::policy::{Enforcement, Kind},
    policies, policy_sets,
    policy_sets::Members,
    row::{Policy, PolicySet},
};
use maud::{Markup, Render, html};

use super::list_path;
use crate::{
    components::{
        Head, Header, Icon, Look, Panel, Table, Tone, badge, count, empty, link_button, time,
    },
    failure::Result,
    frame::{Place, Section, page},
    guard::May,
};

const MOST: Paging = Paging { number: 1, size: 500 };

pub async fn show(organization: May<can::ReadPolicies>) -> Result<Markup> {
    let visitor = &organization.visitor;
    let cx = &visitor.cx;
    let name = &organization.name;
    let sets = policy_sets::list(cx, &organization, policy_sets::Filter::default(), MOST).await?;
    let members = policy_sets::members(cx, &sets.items).await?;
    let filter = policies::Filter::default();
    let policies = policies::list(cx, &organization, filter, Order::Ascending, MOST).await?;
    let none = Members::default();
    let heads = [
        Head::new("Set"),
        Head::new("Language"),
        Head::new("Where it counts"),
        Head::new("Where somebody may override"),
        Head::number("Changed"),
    ];
    let rows = sets
        .items
        .iter()
        .map(|set| row(name, set, members.get(&set.id).unwrap_or(&none)))
        .collect();
    let content = if sets.items.is_empty() {
        let text = "A set says which policies are asked about the runs of which workspaces. Sets are made by the \
                    provider hashicorp/tfe, or by the API.";
        html! { div.in { (empty(Icon::Shield, "No policy sets yet", text, &html! {})) } }
    } else {
        Table { caption: "Policy sets", heads: &heads, rows }.render()
    };
    let beside = count(sets.total);
    let sets =
        Panel { id: "p-sets", title: "Sets", beside, content, is_table: true, is_risk: false };
    let main = html! {
        (Header {
            title: "Policies",
            actions: html! {
                @if cx.may::<can::ManagePolicies>(&organization) {
                    (link_button(Look::Plain, Icon::StShield, "Try a draft on recorded plans", &format!("/app/{name}/policy-replays")))
                }
            },
            ..Header::default()
        })
        div.stack {
            (sets)
            @if !policies.items.is_empty() { (single(&policies.items, policies.total)) }
        }
    };
    page(visitor, Place::In(name, Section::Policies), &format!("Policies of {name}"), &main).await
}

pub(super) fn language(kind: Kind) -> &'static str {
    match kind {
        Kind::Opa => "Rego (OPA)",
        Kind::Sentinel => "Sentinel",
    }
}

/// `members` are of this set.
pub(super) fn reach(set: &PolicySet, members: &Members) -> String {
    use domain::entity::policy_set_member::Role;
    let many = |role: Role, one: &str, all: &str| match members.of(role).len() {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {all}")),
    };
    let (first, but) = if set.is_global {
        ("everywhere".to_owned(), true)
    } else {
        let places = [
            many(Role::Project, "project", "projects"),
            many(Role::Workspace, "workspace", "workspaces"),
        ];
        let places: Vec<String> = places.into_iter().flatten().collect();
        let by_tags = !set.tag_selectors.is_empty();
        match (places.is_empty(), by_tags) {
            (true, false) => ("nowhere yet".to_owned(), false),
            (true, true) => ("where tags say so".to_owned(), true),
            (false, false) => (places.join(", "), true),
            (false, true) => (format!("{}, and where tags say so", places.join(", ")), true),
        }
    };
    let excluded: Vec<String> = [
        many(Role::ProjectExclusion, "project", "projects"),
        many(Role::WorkspaceExclusion, "workspace", "workspaces"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if but && !excluded.is_empty() {
        format!("{first}, but for {}", excluded.join(", "))
    } else {
        first
    }
}

fn row(organization: &str, set: &PolicySet, members: &Members) -> Vec<Markup> {
    vec![
        html! {
            a href={ (list_path(organization)) "/" (set.id) } { (set.name) }
            @if let Some(text) = &set.description { span.under { (text) } }
        },
        html! { (language(set.kind)) },
        html! { (reach(set, members)) },
        html! { @if set.overridable { "yes" } @else { "as each policy says" } },
        time(set.updated_at),
    ]
}

pub(super) fn level(of: Enforcement) -> Markup {
    let tone = match of {
        Enforcement::Advisory => Tone::Neutral,
        Enforcement::SoftMandatory => Tone::Waiting,
        Enforcement::HardMandatory | Enforcement::Mandatory => Tone::Bad,
    };
    badge(tone, Icon::Shield, of.as_str())
}

pub(super) fn policy_row(policy: &Policy) -> Vec<Markup> {
    vec![
        html! {
            (policy.name)
            @if let Some(text) = &policy.description { span.under { (text) } }
        },
        html! { (language(policy.kind)) },
        level(policy.enforcement_level),
        html! {
            @match policy.code_updated_at { Some(at) => (time(at)), None => span.faint { "no code yet" } }
        },
    ]
}

pub(super) const POLICY_HEADS: [&str; 4] = ["Policy", "Language", "Level", "Code"];

pub(super) fn table_of(policies: &[Policy]) -> Markup {
    let heads = POLICY_HEADS.map(Head::new);
    let rows = policies.iter().map(policy_row).collect();
    Table { caption: "Policies", heads: &heads, rows }.render()
}

fn single(policies: &[Policy], total: u64) -> Markup {
    let (beside, content) = (count(total), table_of(policies));
    Panel {
        id: "p-all",
        title: "Policies by themselves",
        beside,
        content,
        is_table: true,
        is_risk: false,
    }
    .render()
}
