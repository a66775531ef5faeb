//! Something that is so or not.

use maud::{Markup, html};

use super::{About, Control, invalid, remarks};

#[derive(Clone, Copy, Debug, Default)]
pub struct Check<'a> {
    pub about: About<'a>,
    pub is_on: bool,
    /// Nothing is sent without it: for what is meant to be read first.
    pub must: bool,
}

impl Control for Check<'_> {
    fn about(&self) -> &About<'_> {
        &self.about
    }

    /// The hint belongs to the label, so that a click on it ticks the box as well.
    fn draw(&self, id: &str, wrong: Option<&str>) -> Markup {
        let about = &self.about;
        let described_by = wrong.map(|_| format!("{id}-wrong"));
        html! {
            div {
                label.check for=(id) {
                    input id=(id) name=(about.name) type="checkbox" value="true" checked[self.is_on]
                        aria-describedby=[described_by] aria-invalid=[invalid(wrong)]
                        autofocus[wrong.is_some()] required[self.must];
                    span { (about.label) @if let Some(hint) = about.hint { span.hint { (hint) } } }
                }
                (remarks(&About { hint: None, ..*about }, id, wrong))
            }
        }
    }
}
