//! The controls of forms: one for each kind of thing that people are asked for. Each says what it is, hints at what is
//! expected, shows what was typed, and says in its place what was refused.

mod cards;
mod check;
mod input;
mod lines;
mod select;
mod text_area;

pub use cards::{Card, Cards};
pub use check::Check;
pub use input::{Kind, Number, Secret, Text};
pub use lines::Lines;
pub use select::{Choice, Select};
pub use text_area::{SecretArea, TextArea};

use maud::{Markup, html};

use super::{Icon, icon_small};

/// What all controls have.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// Under which it is sent: as the attribute is called on the wire, so that a refusal finds its place.
    pub name: &'a str,
    pub label: &'a str,
    pub hint: Option<&'a str>,
    pub optional: bool,
}

/// Something that can be filled in.
pub trait Control: Sync {
    fn about(&self) -> &About<'_>;

    /// `id` is its own on the page; `wrong` is what was refused about it.
    fn draw(&self, id: &str, wrong: Option<&str>) -> Markup;
}

/// The ids of what is said about a control, for those who do not see that it stands below.
fn described_by(about: &About<'_>, id: &str, wrong: Option<&str>) -> Option<String> {
    let hint = about.hint.map(|_| format!("{id}-hint"));
    let wrong = wrong.map(|_| format!("{id}-wrong"));
    let ids: Vec<String> = [hint, wrong].into_iter().flatten().collect();
    (!ids.is_empty()).then(|| ids.join(" "))
}

fn remarks(about: &About<'_>, id: &str, wrong: Option<&str>) -> Markup {
    html! {
        @if let Some(hint) = about.hint { p.hint id={ (id) "-hint" } { (hint) } }
        @if let Some(wrong) = wrong {
            p.wrong id={ (id) "-wrong" } { (icon_small(Icon::Warn)) (wrong) }
        }
    }
}

/// A label above, the control, and what is said about it.
fn field(about: &About<'_>, id: &str, wrong: Option<&str>, control: &Markup) -> Markup {
    html! {
        div.field {
            label for=(id) {
                (about.label)
                @if about.optional { " " span.optional { "(optional)" } }
            }
            (control)
            (remarks(about, id, wrong))
        }
    }
}

/// For `aria-invalid`, which is absent where nothing is wrong.
fn invalid(wrong: Option<&str>) -> Option<&'static str> {
    wrong.map(|_| "true")
}
