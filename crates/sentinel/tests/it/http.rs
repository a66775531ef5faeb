//! `import "http"` with somebody who answers.

use std::sync::{Arc, Mutex};

use statehouse_sentinel::{Http, HttpMethod, HttpRequest, HttpResponse, Verdict, World};

use crate::ask::{ask_in, world};

#[derive(Debug, Default)]
struct Answering(Mutex<Vec<HttpRequest>>);

impl Http for Answering {
    fn send(&self, request: &HttpRequest) -> Result<HttpResponse, String> {
        self.0.lock().unwrap().push(request.clone());
        let status = match request.url.as_str() {
            "https://example.com/lost" => 404,
            "https://example.com/down" => return Err("nobody answers".into()),
            _ => 200,
        };
        let headers = [("Content-Type".to_owned(), "application/json".to_owned())].into();
        Ok(HttpResponse { status, headers, body: b"{\"a\": 1}".to_vec() })
    }
}

fn answered() -> (World, Arc<Answering>) {
    let answering = Arc::new(Answering::default());
    (World { http: Some(answering.clone()), ..world() }, answering)
}

#[test]
fn a_request_is_sent_as_the_policy_built_it() {
    let (world, answering) = answered();
    let outcome = ask_in(
        &world,
        "import \"http\"\nimport \"json\"\n\
         request = http.request(\"https://example.com/\").with_header(\"X-A\", \"b\").with_body(\"hi\")\n\
         client = http.client.with_retries(2).with_timeout(3).without_certificate_verification()\n\
         response = client.post(request)\n\
         main = json.unmarshal(response.body).a is 1 and response.status_code is 200 and \
         response.headers[\"Content-Type\"] is \"application/json\"",
    );
    assert_eq!(outcome.verdict, Verdict::Passed, "{outcome:?}");
    let sent = answering.0.lock().unwrap();
    assert_eq!((sent[0].method, sent[0].retries, sent[0].verify), (HttpMethod::Post, 2, false));
    assert_eq!((sent[0].timeout.as_secs(), &*sent[0].body), (3, &b"hi"[..]));
    assert_eq!(sent[0].headers["X-A"], "b");
}

#[test]
fn an_answer_that_is_not_accepted_ends_the_policy() {
    let (world, _) = answered();
    let get =
        |code: &str| ask_in(&world, &format!("import \"http\"\nmain = {code}.status_code is 404"));
    let refused = get("http.get(\"https://example.com/lost\")");
    assert_eq!(refused.verdict, Verdict::Errored);
    assert!(refused.error.unwrap().text.contains("404"));
    let accepted = get("http.accept_status_codes([404]).get(\"https://example.com/lost\")");
    assert_eq!(accepted.verdict, Verdict::Passed);
    let down = get("http.get(\"https://example.com/down\")");
    assert!(down.error.unwrap().text.contains("nobody answers"));
}
