//! A text of several lines, and a secret.

use maud::{Markup, html};

use super::{About, Control, described_by, field, invalid};

#[derive(Clone, Copy, Debug, Default)]
pub struct TextArea<'a> {
    pub about: About<'a>,
    pub value: &'a str,
    pub mono: bool,
}

impl Control for TextArea<'_> {
    fn about(&self) -> &About<'_> {
        &self.about
    }

    fn draw(&self, id: &str, wrong: Option<&str>) -> Markup {
        field(&self.about, id, wrong, &area(&self.about, id, wrong, self.mono, self.value))
    }
}

/// A secret that may have several lines. It has no value to be shown: what was refused is typed again.
#[derive(Clone, Copy, Debug, Default)]
pub struct SecretArea<'a> {
    pub about: About<'a>,
}

impl Control for SecretArea<'_> {
    fn about(&self) -> &About<'_> {
        &self.about
    }

    fn draw(&self, id: &str, wrong: Option<&str>) -> Markup {
        field(&self.about, id, wrong, &area(&self.about, id, wrong, true, ""))
    }
}

pub(super) fn area(
    about: &About<'_>,
    id: &str,
    wrong: Option<&str>,
    mono: bool,
    value: &str,
) -> Markup {
    // Browsers drop one line break at the beginning, so that one is added.
    html! {
        textarea.mono[mono] id=(id) name=(about.name) aria-describedby=[described_by(about, id, wrong)]
            aria-invalid=[invalid(wrong)] autofocus[wrong.is_some()] required[!about.optional] {
            "\n" (value)
        }
    }
}
