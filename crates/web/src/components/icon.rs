//! Our own drawings, by name: a symbol that is missing does not compile.

use maud::{Markup, html};

use crate::assets::ICONS;

macro_rules! icons {
    ($($name:ident = $id:literal,)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Icon { $($name),+ }

        impl Icon {
            /// As the sprite calls them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id),+ }
            }
        }
    };
}

icons! {
    Mark = "mark",
    StQueued = "st-queued",
    StNext = "st-next",
    StBusy = "st-busy",
    StWait = "st-wait",
    StGood = "st-good",
    StStep = "st-step",
    StSame = "st-same",
    StSaved = "st-saved",
    StBad = "st-bad",
    StStop = "st-stop",
    StShield = "st-shield",
    StShieldOk = "st-shield-ok",
    StNone = "st-none",
    ActCreate = "act-create",
    ActUpdate = "act-update",
    ActReplace = "act-replace",
    ActDelete = "act-delete",
    ActMove = "act-move",
    ActImport = "act-import",
    ActRead = "act-read",
    ActForget = "act-forget",
    ActNoop = "act-noop",
    ActDefer = "act-defer",
    Menu = "menu",
    Close = "close",
    Search = "search",
    Down = "down",
    Right = "right",
    Up = "up",
    Copy = "copy",
    Check = "check",
    Plus = "plus",
    More = "more",
    Lock = "lock",
    Unlock = "unlock",
    Key = "key",
    Clock = "clock",
    Person = "person",
    People = "people",
    Boxes = "boxes",
    Folder = "folder",
    Play = "play",
    Book = "book",
    Sliders = "sliders",
    Shield = "shield",
    Server = "server",
    List = "list",
    Gear = "gear",
    Layers = "layers",
    Bell = "bell",
    Branch = "branch",
    Terminal = "terminal",
    Warn = "warn",
    Info = "info",
    Download = "download",
    Back = "back",
    Out = "out",
    Tag = "tag",
    Sun = "sun",
    Heart = "heart",
    Say = "say",
    Trash = "trash",
    Sort = "sort",
}

/// Never alone: text stands beside it, or text that only some hear.
pub fn icon(which: Icon) -> Markup {
    drawn("i", which)
}

pub fn icon_small(which: Icon) -> Markup {
    drawn("i s", which)
}

/// Of a part that opens: it turns.
pub fn twist() -> Markup {
    drawn("i twist s", Icon::Right)
}

/// The dome on its three columns.
pub fn mark() -> Markup {
    drawn("mark", Icon::Mark)
}

fn drawn(class: &str, which: Icon) -> Markup {
    html! { svg class=(class) aria-hidden="true" { use href={ (ICONS.path()) "#" (which.id()) } {} } }
}
