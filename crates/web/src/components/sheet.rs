//! A form: its controls, what was wrong with what was sent, and the button that sends it.

use maud::{Markup, Render, html};

use super::{Button, Control, Notice, Tone, hidden};
use crate::{failure::Wrong, forms::TOKEN_FIELD};

/// Sent by POST to our own pages, which answer with a redirect, or with the same page where something was refused.
pub struct Sheet<'a> {
    /// Its own on the page.
    pub id: &'a str,
    pub action: &'a str,
    /// Of whom it was made for.
    pub token: &'a str,
    pub wrong: Option<&'a Wrong>,
    /// What goes along unseen.
    pub hidden: &'a [(&'a str, &'a str)],
    pub controls: &'a [&'a dyn Control],
    pub send: Button<'a>,
}

impl Render for Sheet<'_> {
    fn render(&self) -> Markup {
        let about = |control: &dyn Control| self.wrong?.about(control.about().name);
        // What belongs to no control that is shown stands above all of them.
        let homeless =
            self.wrong.filter(|_| self.controls.iter().all(|control| about(*control).is_none()));
        html! {
            form.fields id=(self.id) method="post" action=(self.action) {
                (hidden(TOKEN_FIELD, self.token))
                @for (name, value) in self.hidden { (hidden(name, value)) }
                @if let Some(wrong) = homeless {
                    (Notice::answer(Tone::Bad, &html! { p { (wrong.sentence()) } }))
                }
                @for control in self.controls {
                    (control.draw(&format!("{}-{}", self.id, control.about().name), about(*control)))
                }
                div.row { (self.send) }
            }
        }
    }
}
