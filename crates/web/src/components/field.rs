//! A field of a form, with its label and whatever is to be said about it.

use maud::{Markup, Render, html};

#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    pub name: &'a str,
    pub label: &'a str,
    /// As in HTML: `text`, `email`, `password`.
    pub kind: &'a str,
    pub value: &'a str,
    /// What the browser may fill in.
    pub autocomplete: &'a str,
    pub hint: Option<&'a str>,
    pub required: bool,
}

impl Default for Field<'_> {
    fn default() -> Self {
        Self {
            name: "",
            label: "",
            kind: "text",
            value: "",
            autocomplete: "off",
            hint: None,
            required: true,
        }
    }
}

impl Render for Field<'_> {
    fn render(&self) -> Markup {
        let hint_id = self.hint.map(|_| format!("{}-hint", self.name));
        // A password is never sent back.
        let value = (self.kind != "password" && !self.value.is_empty()).then_some(self.value);
        html! {
            div.field {
                label for=(self.name) { (self.label) }
                input id=(self.name) name=(self.name) type=(self.kind) value=[value]
                    autocomplete=(self.autocomplete) aria-describedby=[hint_id.as_deref()]
                    required[self.required];
                @if let Some(hint) = self.hint {
                    p.hint id=[hint_id.as_deref()] { (hint) }
                }
            }
        }
    }
}
