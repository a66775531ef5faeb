//! Who gets in, for the API and the pages alike: the table of routes, each with its guard, and the way from a path to
//! the row that it names.

mod client;
mod locate;
mod machine;
mod path;
mod routes;

pub use client::{REQUEST_ID, client_of, origin_of};
pub use locate::Located;
pub use machine::is_this_machine;
pub use path::Path;
pub use routes::{Guard, Guarded, Route, Routes};

use domain::{
    Ctx, Granted, Result,
    access::{Permission, Within},
};
use http::request::Parts;

/// What the path of this request names, if the caller may do `P` to it.
///
/// # Errors
/// Whatever [`Ctx::check`] says, and NotFound where there is no such thing.
pub async fn admit<P, T>(cx: &Ctx, parts: &mut Parts) -> Result<Granted<P, T>>
where
    P: Permission,
    T: Located + Within<P::On>,
{
    let path = Path::of(parts).await?;
    if let Some(organization) = path.get("organization_name") {
        cx.check_address(organization)?;
    }
    cx.check::<P, T>(T::locate(cx, &path).await?)
}
