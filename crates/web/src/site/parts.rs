//! `/app/site/parts`: every part once, to be looked at in both schemes and at every width. Only in debug builds.

use domain::{can, entity::run::Status};
use maud::{Markup, Render, html};

use crate::{
    Routes,
    components::{
        About, Button, Card, Cards, Check, Head, Header, Icon, Kind, Lines, Look, Notice, Number,
        Panel, Secret, Select, Sheet, Size, Table, Text, TextArea, Tone, code_block, copy_id,
        empty, facts, icon, run_meaning, run_status,
    },
    failure::{Result, Wrong},
    frame::{OnSite, Place, page},
    guard::May,
};

pub fn routes() -> Routes {
    Routes::default().get("/app/site/parts", show)
}

async fn show(account: May<can::BePerson>) -> Result<Markup> {
    let main = html! {
        (Header { title: "Parts", ..Header::default() })
        div.stack {
            (statuses())
            (buttons())
            (notices())
            (controls())
            (others())
            (icons())
        }
    };
    page(&account.visitor, Place::Site(OnSite::Parts), "Parts", &main).await
}

fn panel(id: &str, title: &str, content: Markup, is_table: bool) -> Markup {
    Panel { id, title, content, is_table, ..Panel::default() }.render()
}

fn statuses() -> Markup {
    let heads = [Head::new("In the API"), Head::new("Badge"), Head::new("What it means")];
    let row = |status: &Status| {
        vec![
            html! { code { (status) } },
            run_status(*status, Size::Usual),
            html! { (run_meaning(*status)) },
        ]
    };
    let rows = Status::ALL.iter().map(row).collect();
    let table = Table { caption: "Statuses", heads: &heads, rows };
    panel("p-status", "Every status of a run", table.render(), true)
}

fn buttons() -> Markup {
    let looks = [
        ("Main, one a view", Look::Main),
        ("Plain", Look::Plain),
        ("Danger", Look::Danger),
        ("Without return", Look::Final),
        ("Quiet", Look::Quiet),
    ];
    let all = html! {
        div.row {
            @for (label, look) in looks { (Button { label, look, ..Button::default() }) }
            (Button { label: "Small", look: Look::Plain, small: true, ..Button::default() })
            (Button { label: "With an icon", look: Look::Plain, icon: Some(Icon::Key), ..Button::default() })
        }
    };
    panel("p-buttons", "Buttons", all, false)
}

fn notices() -> Markup {
    let all = html! {
        @for (tone, text) in [
            (Tone::Busy, "Something to know."),
            (Tone::Good, "Something worked."),
            (Tone::Waiting, "Somebody is waited for."),
            (Tone::Bad, "Something failed, and what to do about it."),
        ] { (Notice::new(tone, &html! { p { (text) } })) }
    };
    panel("p-notices", "Notices", all, false)
}

fn controls() -> Markup {
    let about =
        |name, label| About { name, label, hint: Some("What is expected."), optional: false };
    let text = Text { about: about("text", "Text"), value: "kept", ..Text::default() };
    let email = Text { about: about("email", "E-mail"), kind: Kind::Email, ..Text::default() };
    let secret = Secret { about: about("secret", "Secret"), autocomplete: "off" };
    let number = Number { about: about("number", "Number"), value: "3", min: 0 };
    let choices = [("a", "One"), ("b", "Other")];
    let select = Select { about: about("select", "Menu"), choices: &choices, value: "b" };
    let check = Check { about: about("check", "It is so"), is_on: true, must: false };
    let cards = [
        Card { value: "a", label: "One", means: "What this means." },
        Card { value: "b", label: "Other", means: "What that means." },
    ];
    let cards = Cards { about: about("cards", "One of these"), cards: &cards, value: "a" };
    let area = TextArea { about: about("area", "Several lines"), value: "a\nb", mono: false };
    let lines = Lines { about: about("lines", "A list"), value: "a\nb" };
    let wrong = Wrong::in_field("text", "The text can only include letters.");
    let form = Sheet {
        id: "sample",
        action: "/app/site/parts",
        token: "none",
        wrong: Some(&wrong),
        hidden: &[],
        controls: &[&text, &email, &secret, &number, &select, &check, &cards, &area, &lines],
        send: Button { label: "Send", ..Button::default() },
    };
    panel("p-controls", "Controls of forms", form.render(), false)
}

fn others() -> Markup {
    let all = html! {
        (facts(&[("Id", copy_id("ws-111111111111111")), ("Plain", html! { "text" })]))
        (code_block("p-code", "A file", "key = \"value\"\n"))
        (empty(Icon::Play, "No runs yet", "What is not there, and how it comes.", &html! {}))
    };
    panel("p-others", "Facts, code, empty lists", all, false)
}

fn icons() -> Markup {
    let all = html! { div.row { @for one in Icon::ALL { span.chip { (icon(*one)) (one.id()) } } } };
    panel("p-icons", "Icons", all, false)
}
