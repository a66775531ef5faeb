//! One of a few things, each with a sentence that says what it means.

use maud::{Markup, html};

use super::{About, Control, described_by, remarks};

#[derive(Clone, Copy, Debug)]
pub struct Card<'a> {
    pub value: &'a str,
    pub label: &'a str,
    pub means: &'a str,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Cards<'a> {
    pub about: About<'a>,
    pub cards: &'a [Card<'a>],
    /// Of the one that is chosen.
    pub value: &'a str,
}

impl Control for Cards<'_> {
    fn about(&self) -> &About<'_> {
        &self.about
    }

    fn draw(&self, id: &str, wrong: Option<&str>) -> Markup {
        let about = &self.about;
        html! {
            fieldset.choices id=(id) aria-describedby=[described_by(about, id, wrong)] {
                legend { (about.label) }
                @for card in self.cards {
                    label.choice {
                        input type="radio" name=(about.name) value=(card.value)
                            checked[card.value == self.value];
                        span { b { (card.label) } span.hint { (card.means) } }
                    }
                }
                (remarks(about, id, wrong))
            }
        }
    }
}
