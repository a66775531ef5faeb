//! A list of texts: each is a line.

use maud::Markup;

use super::{About, Control, field, text_area::area};

#[derive(Clone, Copy, Debug, Default)]
pub struct Lines<'a> {
    pub about: About<'a>,
    /// As they were typed.
    pub value: &'a str,
}

impl Control for Lines<'_> {
    fn about(&self) -> &About<'_> {
        &self.about
    }

    fn draw(&self, id: &str, wrong: Option<&str>) -> Markup {
        field(&self.about, id, wrong, &area(&self.about, id, wrong, true, self.value))
    }
}
