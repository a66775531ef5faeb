//! `/app/site`: the whole installation, for its administrators; and, in debug builds, the catalogue of parts.

#[cfg(debug_assertions)]
mod parts;

use crate::Routes;

pub fn routes() -> Routes {
    let routes = Routes::default();
    #[cfg(debug_assertions)]
    let routes = routes.merge(parts::routes());
    routes
}
