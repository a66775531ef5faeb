//! A browser without JavaScript: it keeps cookies and fills in the forms that it is shown.

use std::collections::BTreeMap;

use axum::{Router, body::Body};
use domain::{
    App, Site,
    accounts::{self, NewUser},
    can,
    row::User,
};
use http::{
    HeaderMap, Method, Request, StatusCode,
    header::{CONTENT_TYPE, COOKIE, SET_COOKIE},
};
use testkit::{Answer, Client, Server};
use url::form_urlencoded;

pub const PASSWORD: &str = "correct horse battery";

/// A server that has the pages as well as the API.
pub async fn server() -> Server {
    Server::start_with(|options| options.router = services).await
}

/// The API and the pages.
pub fn services(app: App) -> Router {
    testkit::api::router(app.clone()).merge(statehouse_web::router(app))
}

/// Somebody with a password.
pub async fn person(server: &Server, name: &str) -> User {
    let cx = server.system();
    let site = cx.check::<can::ManageSite, _>(Site::found()).unwrap();
    let new = NewUser {
        username: name.to_owned(),
        email: format!("{name}@people.example"),
        password: Some(PASSWORD.into()),
        is_site_admin: false,
    };
    accounts::create_user(&cx, &site, new).await.unwrap()
}

pub struct Browser<'s> {
    server: &'s Server,
    pub cookies: BTreeMap<String, String>,
    pub headers: HeaderMap,
    /// Where it is, if that is known.
    pub address: Option<&'static str>,
}

impl<'s> Browser<'s> {
    pub fn new(server: &'s Server) -> Self {
        Self { server, cookies: BTreeMap::new(), headers: HeaderMap::new(), address: None }
    }

    pub async fn signed_in(server: &'s Server, name: &str) -> Self {
        let mut browser = Self::new(server);
        browser.get("/session/new").await.is_ok();
        browser.sign_in(name, PASSWORD).await.has_status(StatusCode::SEE_OTHER);
        browser
    }

    /// One of the server's own people, by a password that they get for it.
    pub async fn of(server: &'s Server, client: &Client<'_>) -> Self {
        let user = Box::pin(client.user()).await;
        let cx = server.system();
        let site = cx.check::<can::ManageSite, _>(Site::found()).unwrap();
        Box::pin(accounts::reset_password(&cx, &site, &user.id, PASSWORD.into())).await.unwrap();
        Box::pin(Self::signed_in(server, &user.username)).await
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, String::new()).await
    }

    /// From the sign-in page.
    pub async fn sign_in(&mut self, name: &str, password: &str) -> Answer {
        let page = self.get("/session/new").await;
        let fields = [("username", name), ("password", password), ("return_to", "/")];
        self.submit(&page, "/session/new", &fields).await
    }

    /// Sends a form of this page, with its hidden fields.
    pub async fn submit(&mut self, page: &Answer, action: &str, fields: &[(&str, &str)]) -> Answer {
        let mut all: BTreeMap<String, String> =
            hidden_fields(&page.text(), action).into_iter().collect();
        all.extend(fields.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        self.post(action, &all).await
    }

    /// Sends exactly these fields.
    pub async fn post(&mut self, path: &str, fields: &BTreeMap<String, String>) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(Method::POST, path, body).await
    }

    /// With the content type of a form, unless another stands in `headers`.
    pub async fn send(&mut self, method: Method, path: &str, body: impl Into<Body>) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.into())
            .unwrap();
        request.headers_mut().extend(self.headers.clone());
        if !self.cookies.is_empty() {
            let pairs: Vec<_> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request.headers_mut().insert(COOKIE, pairs.join("; ").parse().unwrap());
        }
        let nobody = self.server.nobody();
        let client = self.address.map_or(nobody.clone(), |address| nobody.at(address));
        let answer = client.request(request).await;
        for header in answer.headers.get_all(SET_COOKIE) {
            let header = header.to_str().unwrap();
            let (name, value) = header.split(';').next().unwrap().split_once('=').unwrap();
            if header.contains("Max-Age=0;") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}

/// The hidden fields of the form that leads to `action`.
pub fn hidden_fields(page: &str, action: &str) -> Vec<(String, String)> {
    // Of a page's own search there may be a form to the same address, by GET.
    let start = page
        .find(&format!("method=\"post\" action=\"{action}\""))
        .or_else(|| page.find(&format!("formaction=\"{action}\"")))
        .unwrap_or_else(|| panic!("there is no form to {action} in {page}"));
    let form = &page[start..start + page[start..].find("</form>").unwrap()];
    form.split("<input type=\"hidden\"")
        .skip(1)
        .map(|input| (attribute(input, "name"), attribute(input, "value")))
        .collect()
}

fn attribute(element: &str, name: &str) -> String {
    let start = element.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
    let value = &element[start..start + element[start..].find('"').unwrap()];
    value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
