//! The table of all routes and all kinds of callers: who the callers are, and how it is drawn.

use std::{collections::BTreeSet, fmt::Write as _};

use domain::{entity::team_project::Access, row::Workspace};
use entrance::Route;
use futures::{Stream, StreamExt as _, stream};
use http::StatusCode;

use crate::{Client, Server};

/// How many routes are looked at at once.
const AT_ONCE: usize = 4;

impl Server {
    /// One of the people, by what people call them.
    pub fn person(&self, ws: &Workspace, name: &str) -> Client<'_> {
        match name {
            "nobody" => self.nobody(),
            "stranger" => self.stranger(),
            "foreigner" => self.foreigner(),
            "member" => self.member(),
            "reader" => self.reader(ws),
            "planner" => self.planner(ws),
            "writer" => self.writer(ws),
            "admin" => self.admin_of(ws),
            "custom" => self.custom_in(ws),
            "project reader" => self.in_project_of(ws, Access::Read),
            "project maintainer" => self.in_project_of(ws, Access::Maintain),
            "project admin" => self.in_project_of(ws, Access::Admin),
            "workspace manager" => self.workspace_manager(),
            "policy manager" => self.policy_manager(),
            "owner" => self.owner(),
            "team token" => self.team_token(ws),
            "org token" => self.organization_token(),
            "site admin" => self.site_admin(),
            other => panic!("nobody knows {other}"),
        }
    }
}

/// What each route answers to each of the callers.
#[derive(Debug)]
pub struct Table<'c> {
    callers: &'c [&'c str],
    rows: Vec<(Route, Vec<StatusCode>)>,
}

impl<'c> Table<'c> {
    /// Asks for every route, a few at once.
    pub async fn of<F>(
        callers: &'c [&'c str],
        mut routes: Vec<Route>,
        ask: impl Fn(Route) -> F,
    ) -> Self
    where
        F: Future<Output = Vec<StatusCode>> + Send + 'static,
    {
        routes.sort_by_key(|route| (route.path, route.method.to_string()));
        let asked = stream::iter(routes).map(|route| {
            let asking = tokio::spawn(ask(route.clone()));
            async move { (route, asking.await.expect("no caller got a 5xx")) }
        });
        Self { callers, rows: Self::collected(asked).await }
    }

    async fn collected(
        asked: impl Stream<Item = impl Future<Output = (Route, Vec<StatusCode>)>>,
    ) -> Vec<(Route, Vec<StatusCode>)> {
        asked.buffered(AT_ONCE).collect().await
    }

    /// The routes that not everybody may call, each with what it answers to a caller.
    pub fn guarded(&self) -> impl Iterator<Item = (&Route, impl Fn(&str) -> StatusCode)> {
        let rows = self.rows.iter().filter(|(route, _)| route.guard != "Anyone");
        rows.map(|(route, statuses)| {
            let of = |name: &str| {
                let at = self.callers.iter().position(|caller| *caller == name);
                statuses[at.unwrap_or_else(|| panic!("nobody is called {name}"))]
            };
            (route, of)
        })
    }

    /// A paragraph for each route, a line for each answer.
    pub fn drawn(&self) -> String {
        let mut table = String::new();
        for (route, statuses) in &self.rows {
            let mut add = |line: String| writeln!(table, "{line}").expect("a text takes all");
            add(format!("{} {}  [{}]", route.method, route.path, route.guard));
            for status in statuses.iter().collect::<BTreeSet<_>>() {
                let pairs = self.callers.iter().zip(statuses);
                let who: Vec<_> =
                    pairs.filter(|(_, got)| *got == status).map(|(caller, _)| *caller).collect();
                add(format!("  {} {}", status.as_u16(), who.join(", ")));
            }
        }
        table
    }
}
