//! What a plan does to something: a sign, a colour and a word, of which each alone says it.

use std::collections::BTreeMap;

use domain::plan_changes::Action;
use maud::{Markup, html};

use super::{Icon, grouped, icon};

struct Look {
    class: &'static str,
    icon: Icon,
    word: &'static str,
}

fn look(action: Action) -> Look {
    use Action as A;
    let (class, icon, word) = match action {
        A::Create => ("create", Icon::ActCreate, "create"),
        A::Update => ("update", Icon::ActUpdate, "update"),
        A::Replace => ("replace", Icon::ActReplace, "replace"),
        A::Delete => ("delete", Icon::ActDelete, "destroy"),
        A::Move => ("move", Icon::ActMove, "move"),
        A::Import => ("import", Icon::ActImport, "import"),
        A::Read => ("read", Icon::ActRead, "read"),
        A::Forget => ("forget", Icon::ActForget, "forget"),
        A::Invoke => ("read", Icon::Play, "run"),
        A::Same => ("noop", Icon::ActNoop, "same"),
        A::Other => ("read", Icon::ActRead, "other"),
    };
    Look { class, icon, word }
}

/// Of the element that is coloured by it.
pub fn act_class(action: Action) -> &'static str {
    look(action).class
}

pub fn act_word(action: Action) -> &'static str {
    look(action).word
}

pub fn act(action: Action) -> Markup {
    said(action, look(action).word)
}

/// The same in other words.
pub fn said(action: Action, word: &str) -> Markup {
    let Look { class, icon: sign, .. } = look(action);
    html! { span class={ "act " (class) } { (icon(sign)) span.word { (word) } } }
}

/// How often each occurs; what does not is left out.
pub fn tally(counts: &BTreeMap<Action, u64>) -> Markup {
    html! {
        span.tally {
            @for (action, count) in counts.iter().filter(|(_, count)| **count > 0) {
                (counted(*action, *count))
            }
        }
    }
}

pub fn counted(action: Action, count: u64) -> Markup {
    let Look { class, icon: sign, word } = look(action);
    html! { span class={ "act " (class) } { (icon(sign)) (grouped(count)) " " span.word { (word) } } }
}
