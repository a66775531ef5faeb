//! A state that comes as a file: the next version of a workspace whose state was kept elsewhere, or was mended by hand.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{can, row::Workspace, states, workspaces};
use maud::{Markup, html};

use crate::{
    components::{About, Button, Check, Control, Icon, Look, Notice, Panel, Tone, hidden},
    failure::{Result, Wrong},
    forms::{FileForm, TOKEN_FIELD},
    frame::{Place, Section, page},
    guard::May,
    visitor::SignedIn,
    workspaces::{Heading, Part, path},
};

fn here(workspace: &Workspace) -> String {
    format!("{}/upload-state", path(workspace))
}

pub async fn show(workspace: May<can::CreateStateVersion>) -> Result<Markup> {
    draw(&workspace.visitor, &workspace, None).await
}

pub async fn make(workspace: May<can::CreateStateVersion>, form: FileForm) -> Result<Response> {
    let cx = &workspace.visitor.cx;
    let made = match form.file {
        Some(state) if !state.is_empty() => {
            Box::pin(states::create_from_file(cx, &workspace, state, form.fields.has("force")))
                .await
        }
        _ => Err(domain::Error::invalid("file", "must be chosen")),
    };
    match made {
        Ok(version) => {
            let to = format!("{}/states/{}", path(&workspace), version.id);
            Ok(Redirect::to(&to).into_response())
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            // Whether it is locked by now is another question than a moment ago.
            let found = workspaces::find(cx, &workspace.id).await?;
            let now = cx.check::<can::CreateStateVersion, _>(found)?;
            Ok(wrong.shown_in(draw(&workspace.visitor, &now, Some(&wrong)).await?))
        }
    }
}

async fn draw(visitor: &SignedIn, workspace: &Workspace, wrong: Option<&Wrong>) -> Result<Markup> {
    let cx = &visitor.cx;
    let force = Check {
        about: About {
            name: "force",
            label: "Take it although it does not follow on the current state",
            hint: Some("Of another lineage, or with a serial that is not newer."),
            optional: true,
        },
        is_on: false,
        must: false,
    };
    let send = Button {
        label: "Make it the current state",
        look: Look::Danger,
        icon: Some(Icon::Up),
        ..Button::default()
    };
    let content = html! {
        @if let Some(wrong) = wrong { (Notice::answer(Tone::Bad, &html! { p { (wrong.sentence()) } })) }
        p { "The file becomes the current state, under the serial that stands in it. Nothing real changes, and no version is lost: the next plan shows what differs." }
        @if cx.may::<can::WriteLockedState>(workspace) {
            form.fields method="post" action=(here(workspace)) enctype="multipart/form-data" {
                (hidden(TOKEN_FIELD, &visitor.form_token()))
                div.field {
                    label for="upload-file" { "State" }
                    input id="upload-file" name="file" type="file" required aria-describedby="upload-file-hint";
                    p.hint id="upload-file-hint" { "A file such as terraform.tfstate." }
                }
                (force.draw("upload-force", None))
                div.row { (send) }
            }
        } @else {
            p.hint {
                "Only whoever has locked the workspace may do this: "
                a href={ (path(workspace)) "/settings/locking" } { "lock it" }
                " first."
            }
        }
    };
    let main = html! {
        (Heading { workspace, here: Part::States }.draw(cx))
        (Panel { id: "s-up", title: "Upload a state", content, is_risk: true, ..Panel::default() })
    };
    let title = format!("Upload a state of {}", workspace.name);
    page(visitor, Place::In(&workspace.organization_name, Section::Workspaces), &title, &main).await
}
