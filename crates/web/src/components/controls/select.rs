//! One of several things, from a menu.

use maud::{Markup, html};

use super::{About, Control, described_by, field, invalid};

/// Something that can be chosen: what is sent, and what it is called.
pub type Choice<'a> = (&'a str, &'a str);

#[derive(Clone, Copy, Debug, Default)]
pub struct Select<'a> {
    pub about: About<'a>,
    pub choices: &'a [Choice<'a>],
    /// Of the one that is chosen.
    pub value: &'a str,
}

impl Control for Select<'_> {
    fn about(&self) -> &About<'_> {
        &self.about
    }

    fn draw(&self, id: &str, wrong: Option<&str>) -> Markup {
        let about = &self.about;
        let control = html! {
            select id=(id) name=(about.name) aria-describedby=[described_by(about, id, wrong)]
                aria-invalid=[invalid(wrong)] autofocus[wrong.is_some()] {
                @for (value, label) in self.choices {
                    option value=(value) selected[*value == self.value] { (label) }
                }
            }
        };
        field(about, id, wrong, &control)
    }
}
