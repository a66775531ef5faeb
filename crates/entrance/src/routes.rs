//! The route table: served to the router, to the documents and to the access tests alike.

use axum::{
    Router,
    handler::Handler,
    routing::{MethodFilter, on},
};
use domain::App;
use http::Method;

/// Says who may call, for the route table.
#[diagnostic::on_unimplemented(
    message = "the first argument of a handler must say who may call it: `May<can::…>`, or that anyone may",
    label = "not a guard"
)]
pub trait Guard {
    fn name() -> &'static str;
}

/// One operation.
#[derive(Clone, Debug)]
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    /// The permission that the caller needs, or `Anyone`.
    pub guard: &'static str,
}

/// The argument list of a handler whose first argument is a guard.
pub trait Guarded {
    fn guard() -> &'static str;
}

macro_rules! guarded {
    ($($rest:ident),*) => {
        impl<M, G: Guard, $($rest),*> Guarded for (M, G, $($rest,)*) {
            fn guard() -> &'static str {
                G::name()
            }
        }
    };
}
guarded!();
guarded!(A);
guarded!(A, B);
guarded!(A, B, C);
guarded!(A, B, C, D);

/// Operations, each with its guard.
#[derive(Default)]
pub struct Routes {
    table: Vec<Route>,
    router: Router<App>,
}

macro_rules! methods {
    ($($name:ident = $method:ident),+) => {$(
        pub fn $name<H, T>(self, path: &'static str, handler: H) -> Self
        where
            H: Handler<T, App>,
            T: Guarded + 'static,
        {
            self.on(Method::$method, MethodFilter::$method, path, handler)
        }
    )+};
}

impl Routes {
    methods!(get = GET, post = POST, patch = PATCH, put = PUT, delete = DELETE);

    fn on<H, T>(
        mut self,
        method: Method,
        filter: MethodFilter,
        path: &'static str,
        handler: H,
    ) -> Self
    where
        H: Handler<T, App>,
        T: Guarded + 'static,
    {
        self.table.push(Route { method, path, guard: T::guard() });
        // Some clients end their addresses with a slash.
        if path != "/" {
            self.router = self.router.route(&format!("{path}/"), on(filter, handler.clone()));
        }
        self.router = self.router.route(path, on(filter, handler));
        self
    }

    pub fn merge(mut self, other: Self) -> Self {
        self.table.extend(other.table);
        self.router = self.router.merge(other.router);
        self
    }

    pub fn table(&self) -> &[Route] {
        &self.table
    }

    pub fn router(&self) -> Router<App> {
        self.router.clone()
    }
}
