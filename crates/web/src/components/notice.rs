//! Something to be noticed before all else.

use maud::{Markup, html};

use super::Tone;

pub fn notice(tone: Tone, content: &Markup) -> Markup {
    let role = if tone == Tone::Bad { "alert" } else { "status" };
    html! { div class={ "notice " (tone.class()) } role=(role) { (content) } }
}
