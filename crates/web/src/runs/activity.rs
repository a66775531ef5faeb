//! What happened to a run, and what people said about it.

use std::collections::HashMap;

use domain::{
    Granted, In, Paging, accounts, can,
    id::{CommentId, UserId},
    row::{Event, Run},
    runs,
};
use maud::{Markup, Render, html};

use super::path;
use crate::{
    components::{
        About, Button, Icon, Look, Sheet, TextArea, Tone, icon, run_icon, run_tone, run_word, time,
    },
    failure::{Result, Wrong},
    visitor::SignedIn,
};

/// As many comments as anybody reads.
const MOST: u64 = 500;

pub async fn draw(
    visitor: &SignedIn,
    run: &Granted<can::ReadRun, In<Run>>,
    said: Option<(&str, &Wrong)>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let events = runs::events(cx, run).await?;
    let comments = runs::comments(cx, run, Paging { number: 1, size: MOST }).await?.items;
    let comments: HashMap<CommentId, String> =
        comments.into_iter().map(|comment| (comment.id, comment.body)).collect();
    let ids: Vec<UserId> = events.iter().filter_map(|event| user(&event.event)).collect();
    let people: HashMap<UserId, String> =
        accounts::load(cx, &ids).await?.into_iter().map(|user| (user.id, user.username)).collect();
    Ok(html! {
        section class="stack tight" id="activity" aria-labelledby="activity-title" {
            h2 id="activity-title" { "Activity" }
            ol.events {
                @for one in &events {
                    @let (tone, sign, words) = words(&one.event);
                    @let body = one.comment_id.as_ref().and_then(|id| comments.get(id));
                    li class=(tone.class()) {
                        (icon(sign))
                        span { @if let Some(name) = user(&one.event).and_then(|id| people.get(&id)) { b { (name) } ": " } (words) }
                        (time(one.event.at))
                        @if let Some(body) = body { div.said-by { (body) } }
                    }
                }
            }
            @if cx.may::<can::CommentOnRun>(&run.of) { (form(visitor, run, said)) }
        }
    })
}

fn form(visitor: &SignedIn, run: &In<Run>, said: Option<(&str, &Wrong)>) -> Markup {
    let words = TextArea {
        about: About { name: "body", label: "Comment", ..About::default() },
        value: said.map_or("", |(text, _)| text),
        ..TextArea::default()
    };
    let send =
        Button { label: "Comment", look: Look::Plain, icon: Some(Icon::Say), ..Button::default() };
    Sheet {
        id: "comment",
        action: &format!("{}/comments", path(run)),
        token: &visitor.form_token(),
        wrong: said.map(|(_, wrong)| wrong),
        hidden: &[],
        controls: &[&words],
        send,
    }
    .render()
}

fn user(event: &Event) -> Option<UserId> {
    (event.actor_kind == "user").then(|| event.actor_id.as_ref()?.parse().ok()).flatten()
}

fn words(event: &Event) -> (Tone, Icon, String) {
    use domain::Happened as H;
    if let Some(status) = event.action.status() {
        return (run_tone(status), run_icon(status), run_word(status).to_owned());
    }
    let (tone, sign, words) = match event.action {
        H::RunCreated => (Tone::Neutral, Icon::Play, "started the run"),
        H::RunCommented => (Tone::Neutral, Icon::Say, "said"),
        H::RunCancelRequested => (Tone::Neutral, Icon::StStop, "asked the engine to stop"),
        H::RunPoliciesOverridden => (Tone::Good, Icon::StShieldOk, "overrode the policies"),
        other => return (Tone::Neutral, Icon::Info, other.as_str().replace('_', " ")),
    };
    (tone, sign, words.to_owned())
}
