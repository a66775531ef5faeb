//! Every page and every form, asked for by every kind of person. Whoever adds one reads and accepts the difference in
//! the snapshot.

use std::{collections::BTreeMap, sync::Arc};

use domain::accounts;
use http::{Method, StatusCode};
use statehouse_web::Route;
use testkit::{Server, Snapshot, access::Table};

use crate::{browser::Browser, live, sent, world};

/// From the weakest on.
const PEOPLE: [&str; 13] = [
    "nobody",
    "stranger",
    "foreigner",
    "member",
    "reader",
    "planner",
    "writer",
    "admin",
    "custom",
    "project maintainer",
    "workspace manager",
    "owner",
    "site admin",
];

/// Servers that are all alike, with everybody signed in.
struct Template {
    server: Snapshot,
    names: world::Names,
    /// The cookies of their sessions.
    sessions: BTreeMap<&'static str, String>,
}

impl Template {
    async fn made() -> Self {
        let server = crate::browser::server().await;
        let (ws, names) = Box::pin(world::made(&server)).await;
        let mut sessions = BTreeMap::new();
        for name in PEOPLE {
            if name != "nobody" {
                sessions.insert(name, server.person(&ws, name).session().await);
            }
        }
        let server = server.snapshot().await.serving(crate::browser::services);
        Self { server, names, sessions }
    }

    async fn asks(&self, server: &Server, name: &str, route: &Route) -> StatusCode {
        let mut browser = Browser::new(server);
        let session = self.sessions.get(name);
        if let Some(session) = session {
            browser.cookies.insert("__Host-statehouse-session".into(), session.clone());
        }
        let path = self.path(route);
        if live::is_stream(route.path) {
            return live::answer(server, &browser, &path).await.status();
        }
        let answer = if route.method == Method::GET {
            browser.get(&path).await
        } else {
            let mut fields = sent::with(route.path, &self.names);
            let token = accounts::form_token(session.map_or("", String::as_str));
            fields.insert("form_token".into(), token);
            browser.post(&path, &fields).await
        };
        assert!(!answer.status.is_server_error(), "{name}: {route:?}: {answer}");
        answer.status
    }

    fn path(&self, route: &Route) -> String {
        let part = |part: &str| match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
            Some(name) => self.name(route, name),
            None => part.to_owned(),
        };
        route.path.split('/').map(part).collect::<Vec<_>>().join("/")
    }

    fn name(&self, route: &Route, name: &str) -> String {
        let name = match name {
            "token_id" if route.path.contains("/agents/") => "agent_token_id",
            other => other,
        };
        self.names.get(name).cloned().unwrap_or_else(|| {
            panic!("{}: say in the world what stands for {{{name}}}", route.path)
        })
    }

    /// What is answered to each; a form that was taken spoils the world for those who follow, so it is made anew.
    async fn statuses(&self, route: &Route) -> Vec<StatusCode> {
        let mut server = self.server.server().await;
        let mut statuses = Vec::new();
        for name in PEOPLE {
            let status = Box::pin(self.asks(&server, name, route)).await;
            statuses.push(status);
            if route.method != Method::GET && (status.is_success() || status.is_redirection()) {
                server = self.server.server().await;
            }
        }
        statuses
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_and_form_answers_everybody_as_the_table_says() {
    let template = Arc::new(Box::pin(Template::made()).await);
    let table = Table::of(&PEOPLE, statehouse_web::table(), |route| {
        let template = template.clone();
        async move { Box::pin(template.statuses(&route)).await }
    });
    let table = table.await;
    // What holds whatever the snapshot says.
    for (route, of) in table.guarded() {
        // To the page where they sign in.
        assert_eq!(of("nobody"), StatusCode::SEE_OTHER, "{route:?}");
        for outsider in ["stranger", "foreigner", "site admin"] {
            let of_site = outsider == "site admin" && route.path.starts_with("/app/site/");
            let is_named = route.path.contains("{organization_name}") && !of_site;
            assert!(!is_named || of(outsider) == StatusCode::NOT_FOUND, "{outsider}: {route:?}");
        }
    }
    insta::assert_snapshot!(table.drawn());
}
