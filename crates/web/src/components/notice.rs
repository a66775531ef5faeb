//! Something to be noticed before all else.

use maud::{Markup, Render, html};

use super::{Icon, Tone, icon};

#[derive(Clone, Copy, Debug)]
pub struct Notice<'a> {
    pub tone: Tone,
    pub content: &'a Markup,
    /// It answers what was just done, and is read aloud.
    is_answer: bool,
}

impl<'a> Notice<'a> {
    /// What is to be known about the page.
    pub fn new(tone: Tone, content: &'a Markup) -> Self {
        Self { tone, content, is_answer: false }
    }

    pub fn answer(tone: Tone, content: &'a Markup) -> Self {
        Self { tone, content, is_answer: true }
    }
}

impl Render for Notice<'_> {
    fn render(&self) -> Markup {
        let role = match (self.is_answer, self.tone) {
            (false, _) => None,
            (true, Tone::Bad) => Some("alert"),
            (true, _) => Some("status"),
        };
        let sign = match self.tone {
            Tone::Bad => Icon::Warn,
            Tone::Waiting => Icon::StWait,
            Tone::Good => Icon::StGood,
            Tone::Busy | Tone::Neutral => Icon::Info,
        };
        html! {
            div class={ "notice " (self.tone.class()) } role=[role] {
                (icon(sign))
                div { (self.content) }
            }
        }
    }
}
