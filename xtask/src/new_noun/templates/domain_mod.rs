//! What is true of gad gets: rules, events and queries.

mod create;
mod delete;
mod list;
mod update;

use db::{entity::gad_get, id::GadGetId};

pub use create::create;
pub use delete::delete;
pub use list::{list, load};
pub use update::update;

use crate::{
    Ctx, Found, In, Result, Subject, names, organizations,
    row::{GadGet, Organization},
};

/// Characters.
const NAME_LIMIT: usize = 255;

/// What can be given on create and changed later; absent fields keep their value.
#[derive(Debug, Default)]
pub struct Change {
    pub name: Option<String>,
}

impl Change {
    fn apply(self, to: &mut GadGet) -> Result<()> {
        if let Some(name) = self.name {
            names::check_change("name", &name, &to.name, NAME_LIMIT)?;
            to.name = name;
        }
        Ok(())
    }
}

/// One, with its organization.
pub async fn find(cx: &Ctx, id: &GadGetId) -> Result<Found<In<GadGet, Organization>>> {
    organizations::find_in::<gad_get::Entity>(cx, id, |row| &row.organization_name).await
}

fn subject(row: &GadGet) -> Subject<'_> {
    Subject {
        kind: "gad-gets",
        id: row.id.as_str(),
        organization: Some(&row.organization_name),
        ..Subject::default()
    }
}
