//! A word with a colour; the word alone says everything.

use maud::{Markup, html};

use super::{Icon, icon};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Neutral,
    Busy,
    /// For a person who is waited for, and nothing else.
    Waiting,
    Good,
    Bad,
}

impl Tone {
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Busy => "busy",
            Self::Waiting => "waiting",
            Self::Good => "good",
            Self::Bad => "bad",
        }
    }
}

pub fn badge(tone: Tone, sign: Icon, text: &str) -> Markup {
    html! { span class={ "badge " (tone.class()) } { (icon(sign)) (text) } }
}
