//! Buttons, and the small forms that consist of one.

use maud::{Markup, Render, html};

use super::{Icon, icon};
use crate::forms::TOKEN_FIELD;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// One in a view.
    #[default]
    Main,
    Plain,
    Danger,
    /// For what has no return.
    Final,
    Quiet,
}

impl Look {
    fn class(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Plain => "plain",
            Self::Danger => "danger",
            Self::Final => "danger full",
            Self::Quiet => "quiet",
        }
    }
}

/// A button that sends the form that it is in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Button<'a> {
    pub label: &'a str,
    pub look: Look,
    pub icon: Option<Icon>,
    pub small: bool,
    /// What it adds to the form: a field and its value.
    pub sends: Option<(&'a str, &'a str)>,
    /// What exactly it is about, where several buttons have the same label.
    pub about: Option<&'a str>,
}

impl Render for Button<'_> {
    fn render(&self) -> Markup {
        let (name, value) = self.sends.unzip();
        let small = if self.small { " small" } else { "" };
        html! {
            button type="submit" class={ (self.look.class()) (small) } name=[name] value=[value] {
                @if let Some(sign) = self.icon { (icon(sign)) }
                (self.label)
                @if let Some(about) = self.about { span.unseen { " " (about) } }
            }
        }
    }
}

/// A form of one button.
pub fn action(path: &str, form_token: &str, button: &Button<'_>) -> Markup {
    html! {
        form.action method="post" action=(path) {
            (hidden(TOKEN_FIELD, form_token))
            (button)
        }
    }
}

/// A link that looks like a button.
pub fn link_button(look: Look, sign: Icon, label: &str, href: &str) -> Markup {
    html! { a class={ "button " (look.class()) } href=(href) { (icon(sign)) (label) } }
}

pub fn hidden(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(name) value=(value); }
}
