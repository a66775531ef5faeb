//! One line: a text, a secret, a number.

use maud::{Markup, html};

use super::{About, Control, described_by, field, invalid};

/// What a line of text is, for browsers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Text,
    Email,
    Url,
    /// A moment, in the form that HTML gives it: without a zone, read as UTC.
    Moment,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Email => "email",
            Self::Url => "url",
            Self::Moment => "datetime-local",
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Text<'a> {
    pub about: About<'a>,
    pub kind: Kind,
    pub value: &'a str,
    /// What the browser may fill in; nothing unless said.
    pub autocomplete: &'a str,
    /// For keys, addresses and other code.
    pub mono: bool,
}

impl Control for Text<'_> {
    fn about(&self) -> &About<'_> {
        &self.about
    }

    fn draw(&self, id: &str, wrong: Option<&str>) -> Markup {
        let about = &self.about;
        let autocomplete = if self.autocomplete.is_empty() { "off" } else { self.autocomplete };
        let control = html! {
            input.mono[self.mono] id=(id) name=(about.name) type=(self.kind.as_str()) value=(self.value)
                autocomplete=(autocomplete) aria-describedby=[described_by(about, id, wrong)]
                aria-invalid=[invalid(wrong)] autofocus[wrong.is_some()] required[!about.optional];
        };
        field(about, id, wrong, &control)
    }
}

/// A password, or another thing that is never sent back.
#[derive(Clone, Copy, Debug, Default)]
pub struct Secret<'a> {
    pub about: About<'a>,
    pub autocomplete: &'a str,
}

impl Control for Secret<'_> {
    fn about(&self) -> &About<'_> {
        &self.about
    }

    fn draw(&self, id: &str, wrong: Option<&str>) -> Markup {
        let about = &self.about;
        let control = html! {
            input id=(id) name=(about.name) type="password" autocomplete=(self.autocomplete)
                aria-describedby=[described_by(about, id, wrong)] aria-invalid=[invalid(wrong)]
                autofocus[wrong.is_some()] required[!about.optional];
        };
        field(about, id, wrong, &control)
    }
}

/// Kept as it was typed, for what is no number is shown again as well.
#[derive(Clone, Copy, Debug, Default)]
pub struct Number<'a> {
    pub about: About<'a>,
    pub value: &'a str,
    pub min: i64,
}

impl Control for Number<'_> {
    fn about(&self) -> &About<'_> {
        &self.about
    }

    fn draw(&self, id: &str, wrong: Option<&str>) -> Markup {
        let about = &self.about;
        let control = html! {
            input id=(id) name=(about.name) type="number" inputmode="numeric" min=(self.min)
                value=(self.value) aria-describedby=[described_by(about, id, wrong)]
                aria-invalid=[invalid(wrong)] autofocus[wrong.is_some()] required[!about.optional];
        };
        field(about, id, wrong, &control)
    }
}
