//! What the last commits of a workspace's branch would have started, by the rules that are saved.

use domain::{can, ingress};
use maud::{Markup, Render, html};

use super::{Setting, path};
use crate::{
    components::{Head, Panel, Table, time},
    failure::Result,
    guard::May,
};

pub async fn show(workspace: May<can::UpdateWorkspace>) -> Result<Markup> {
    let visitor = &workspace.visitor;
    let found = Box::pin(ingress::preview(&visitor.cx, &workspace)).await?;
    let heads = [
        Head::new("Commit"),
        Head::new("When"),
        Head::new("This workspace"),
        Head::new("All that would have run"),
    ];
    let organization = &workspace.organization_name;
    let rows = found.iter().map(|one| {
        let short: String = one.commit.chars().take(8).collect();
        let own = one.runs.iter().find(|(name, _)| *name == workspace.name);
        vec![
            html! {
                @if let Some(url) = &one.url {
                    a href=(url) rel="noopener noreferrer" { code { (short) } }
                } @else {
                    code { (short) }
                }
                " " (one.subject)
            },
            time(one.at),
            html! {
                @if let Some((_, because)) = own {
                    "runs: " (because)
                } @else if let Some(why) = &one.passes {
                    "does not run: " (why)
                }
            },
            html! {
                @if one.runs.is_empty() { "none" }
                @for (place, (name, because)) in one.runs.iter().enumerate() {
                    @if place > 0 { ", " }
                    a href={ "/app/" (organization) "/workspaces/" (name) } title=(because) { (name) }
                }
            },
        ]
    });
    let rows = rows.collect();
    let content = html! {
        p {
            "By the rules that are saved, each commit taken for a push of its own, and as if each workspace had been run before. "
            a href={ (path(&workspace)) "/settings/version-control" } { "Back to the rules" }
        }
        @if found.is_empty() { p { "There is no repository yet." } } @else {
            (Table { caption: "Commits", heads: &heads, rows })
        }
    };
    let title = "What the last ten commits would have started";
    let panel = Panel { id: "c-preview", title, content, ..Panel::default() };
    super::draw(visitor, &workspace, Setting::VersionControl, &panel.render()).await
}
