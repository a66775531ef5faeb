//! What this server does by itself: when it did each last, how that went, and when it does it next.

use domain::{can, chores::Chore, keeper};
use maud::{Markup, html};

use crate::{
    components::{Head, Header, Icon, Table, Tone, badge, duration, time},
    failure::Result,
    frame::{OnSite, Place, page},
    guard::May,
};

pub async fn show(site: May<can::ManageSite>) -> Result<Markup> {
    let visitor = &site.visitor;
    let app = visitor.cx.app();
    let heads = [
        Head::new("Work"),
        Head::new("How often"),
        Head::new("Last"),
        Head::number("Took"),
        Head::new("Next"),
    ];
    let keeps_house = keeper::is_here(app);
    let all = app.chores().all();
    let (failing, going): (Vec<&Chore>, Vec<&Chore>) =
        all.iter().partition(|chore| failure(chore).is_some());
    let rows = failing.into_iter().chain(going).map(|chore| row(chore, keeps_house)).collect();
    let main = html! {
        (Header { title: "Background work", ..Header::default() })
        @if !keeps_house {
            p.hint.gap { "Another server keeps house at the moment: what is done by one of them alone is done there." }
        }
        div.panel { (Table { caption: "Background work", heads: &heads, rows }) }
        p.hint.gap { "As this server has done it since it was started. What fails is tried again in its time, and is told in the log and in the metrics." }
    };
    page(visitor, Place::Site(OnSite::Work), "Background work", &main).await
}

fn failure(chore: &Chore) -> Option<&str> {
    chore.last.as_ref()?.failure.as_deref()
}

fn row(chore: &Chore, keeps_house: bool) -> Vec<Markup> {
    let is_done_here = chore.every.is_none() || keeps_house;
    vec![
        html! {
            (chore.name)
            @if let Some(why) = failure(chore) {
                " " (badge(Tone::Bad, Icon::StBad, "failed"))
                span.under { (why) }
            }
        },
        html! {
            @match chore.every {
                Some(every) => { "every " (duration(every.as_secs().cast_signed())) },
                None => "when there is something to do",
            }
        },
        html! {
            @match &chore.last {
                Some(done) => (time(done.at)),
                None => span.faint { "not yet" },
            }
        },
        html! {
            @if let Some(done) = &chore.last { (took(done.took)) }
        },
        html! {
            @match (chore.begun_at, chore.next_at()) {
                (Some(since), _) => { "under way since " (time(since)) },
                (None, Some(next)) if is_done_here => (time(next)),
                (None, _) if !is_done_here => span.faint { "at another server" },
                (None, _) => span.faint { "at once" },
            }
        },
    ]
}

/// What takes less than a second is what the reader hopes for.
fn took(time: std::time::Duration) -> String {
    if time.as_secs() == 0 {
        return format!("{} ms", time.as_millis());
    }
    duration(time.as_secs().cast_signed())
}
