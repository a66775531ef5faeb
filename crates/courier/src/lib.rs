//! Carries messages outside: requests to addresses that users have given, and mail; and reads what the operator has
//! named. Nothing here knows Terraform.
//!
//! Whoever may configure a notification could otherwise make the server call its own neighbours, so addresses of private
//! networks are refused unless the operator allows them. What is checked is the address that the connection goes to: a
//! name that is resolved to another address in the next moment gains nothing.

mod carry;
mod mail;
mod reach;
mod read;
mod tls;

use std::{error::Error as _, sync::Arc, time::Duration};

use reqwest::{Client, redirect};
use text::without_credentials;
use url::{Host, Url};

pub use ipnet::IpNet;
use mail::Mailer;
pub use mail::{MailServer, MailSettings, is_sender, is_server as is_mail_server};
use reach::{Forbidden, Reach};

/// What a recipient may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// Bytes of an answer that are kept.
const BODY_LIMIT: usize = 4 << 10;
/// Characters.
const URL_LIMIT: usize = 2048;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0} is no http or https address")]
    Address(String),
    #[error("{0}")]
    Forbidden(String),
    #[error("there was no answer: {0}")]
    Unreachable(String),
    #[error("{url} answered with {what}")]
    Answer { url: String, what: String },
    #[error(
        "this server cannot send mail: neither the setting smtp_url nor one of the site names a mail server"
    )]
    NoMail,
    #[error("the mail was not taken: {0}")]
    Mail(String),
    /// A wrong setting.
    #[error("{0}")]
    Setting(String),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Private networks that may be reached all the same.
    pub networks: Vec<IpNet>,
    pub mail: Option<MailSettings>,
}

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Courier {
    http: Client,
    reading: Client,
    reach: Arc<Reach>,
    mail: Option<Mailer>,
}

/// What a recipient said.
#[derive(Clone, Debug)]
pub struct Receipt {
    pub status: u16,
    /// Names in lower case, in their order.
    pub headers: Vec<(String, String)>,
    /// The beginning of it.
    pub body: String,
}

impl Receipt {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// An address that requests can be sent to.
///
/// # Errors
/// [`Error::Address`] for anything else.
pub fn check_url(text: &str) -> Result<Url> {
    let wrong = || Error::Address(without_credentials(text).chars().take(100).collect());
    let url = Url::parse(text).map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || text.len() > URL_LIMIT {
        return Err(wrong());
    }
    Ok(url)
}

impl Courier {
    /// # Errors
    /// [`Error::Setting`] for mail settings that cannot be meant.
    pub fn new(settings: Settings) -> Result<Self> {
        let reach = Arc::new(Reach::new(settings.networks));
        let http = Client::builder()
            .tls_backend_preconfigured(tls::config()?)
            .dns_resolver(reach.clone())
            // A redirect would lead past the check of its address, and a proxy past all of them.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .user_agent(concat!("Statehouse/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::Setting(error.to_string()))?;
        let mail = settings.mail.as_ref().map(Mailer::new).transpose()?;
        Ok(Self { http, reading: read::client()?, reach, mail })
    }

    /// Posts JSON and brings the answer, whatever it says.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<Receipt> {
        self.post_as("application/json", url, headers, body).await
    }

    /// Posts lines of JSON.
    pub async fn post_lines(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<Receipt> {
        self.post_as("application/x-ndjson", url, headers, body).await
    }

    async fn post_as(
        &self,
        kind: &'static str,
        url: &str,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<Receipt> {
        let url = check_url(url)?;
        self.may_reach(&url)?;
        let mut request = self.http.post(url).header("content-type", kind).body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let mut response = request.send().await.map_err(failure)?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let mut body = Vec::new();
        while body.len() < BODY_LIMIT
            && let Some(chunk) = response.chunk().await.map_err(failure)?
        {
            body.extend_from_slice(&chunk);
        }
        body.truncate(BODY_LIMIT);
        let body = String::from_utf8_lossy(&body).replace('\0', "\u{fffd}");
        Ok(Receipt { status, headers, body })
    }

    /// Names are checked when they are resolved.
    fn may_reach(&self, url: &Url) -> Result<()> {
        let literal = match url.host() {
            Some(Host::Ipv4(ip)) => Some(ip.into()),
            Some(Host::Ipv6(ip)) => Some(ip.into()),
            Some(Host::Domain(_)) | None => None,
        };
        if literal.is_some_and(|ip| !self.reach.allows(ip)) {
            return Err(Error::Forbidden(Forbidden.to_string()));
        }
        Ok(())
    }

    /// Whether the process was told of a mail server.
    pub fn has_mail(&self) -> bool {
        self.mail.is_some()
    }

    /// The server that the process was told of, without its secret.
    pub fn mail_server(&self) -> Option<MailServer> {
        self.mail.as_ref().map(|mail| mail.server.clone())
    }

    /// As [`Courier::mail`], by another server than the process was told of.
    pub async fn mail_by(
        &self,
        settings: &MailSettings,
        to: &[String],
        subject: &str,
        text: &str,
    ) -> Result<()> {
        let mail = Some(Mailer::new(settings)?);
        Self { mail, ..self.clone() }.mail(to, subject, text).await
    }

    /// Sends a message to each address on its own, so that none sees the others.
    pub async fn mail(&self, to: &[String], subject: &str, text: &str) -> Result<()> {
        let mailer = self.mail.as_ref().ok_or(Error::NoMail)?;
        for address in to {
            mailer.send(address, subject, text).await?;
        }
        Ok(())
    }
}

/// Says in words what went wrong; whether it was our own refusal is deep inside.
fn failure(error: reqwest::Error) -> Error {
    let error = error.without_url();
    let mut cause = error.source();
    let mut deepest = error.to_string();
    while let Some(inner) = cause {
        if inner.is::<Forbidden>() {
            return Error::Forbidden(Forbidden.to_string());
        }
        deepest = inner.to_string();
        cause = inner.source();
    }
    Error::Unreachable(deepest)
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// Answers one request after the other with the same words; brings what it was sent.
    async fn recipient(answer: &'static str) -> (String, tokio::sync::mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (tell, told) = tokio::sync::mpsc::channel(8);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
                tell.send(String::from_utf8_lossy(&request[..length]).into_owned()).await.unwrap();
            }
        });
        (url, told)
    }

    fn courier(networks: &[&str]) -> Courier {
        let networks = networks.iter().map(|text| text.parse().unwrap()).collect();
        Courier::new(Settings { networks, mail: None }).unwrap()
    }

    #[tokio::test]
    async fn an_allowed_neighbour_gets_the_message() {
        let (url, mut told) =
            recipient("HTTP/1.1 202 Accepted\r\nX-Seen: yes\r\ncontent-length: 2\r\n\r\nok").await;
        let courier = courier(&["127.0.0.0/8"]);
        let signature = [("x-signature", "abc".to_owned())];
        let receipt = courier.post(&url, &signature, b"{}".to_vec()).await.unwrap();
        assert!(receipt.is_success());
        assert_eq!((receipt.status, receipt.body.as_str()), (202, "ok"));
        assert!(receipt.headers.contains(&("x-seen".into(), "yes".into())));
        let request = told.recv().await.unwrap();
        assert!(request.starts_with("POST /hook"), "{request}");
        assert!(request.contains("x-signature: abc"), "{request}");
    }

    #[tokio::test]
    async fn neighbours_are_refused_by_address_and_by_name() {
        let (url, mut told) = recipient("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let courier = courier(&[]);
        let port = Url::parse(&url).unwrap().port().unwrap();
        for host in ["127.0.0.1", "localhost", "2130706433", "127.1", "[::1]", "[::ffff:127.0.0.1]"]
        {
            let refused = courier.post(&format!("http://{host}:{port}/"), &[], Vec::new()).await;
            assert!(matches!(refused, Err(Error::Forbidden(_))), "{host}: {refused:?}");
        }
        assert!(told.try_recv().is_err(), "nobody may have been asked");
    }

    #[tokio::test]
    async fn requests_of_every_kind_go_by_the_same_rules() {
        let long = "HTTP/1.1 302 Go\r\nlocation: /x\r\ncontent-length: 5\r\n\r\nmoved";
        let (url, mut told) = recipient(long).await;
        let request = || {
            let request = http::Request::builder().method("DELETE").uri(&url);
            request.header("x-signature", "abc").body(bytes::Bytes::from_static(b"{}")).unwrap()
        };
        let answer = courier(&["127.0.0.0/8"]).carry(request(), 5).await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.body()[..]), (302, &b"moved"[..]));
        let sent = told.recv().await.unwrap();
        assert!(sent.starts_with("DELETE /hook") && sent.contains("x-signature: abc"), "{sent}");
        let too_long = courier(&["127.0.0.0/8"]).carry(request(), 4).await;
        assert!(matches!(too_long, Err(Error::Answer { .. })), "{too_long:?}");
        let refused = courier(&[]).carry(request(), 5).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    }

    #[tokio::test]
    async fn only_addresses_that_may_be_reached_are_given_away() {
        let own = courier(&["127.0.0.0/8", "::1/128"]);
        assert!(!own.addresses("localhost", 22).await.unwrap().is_empty());
        for host in ["localhost", "127.0.0.1", "[::1]", "169.254.169.254"] {
            let refused = courier(&[]).addresses(host, 22).await;
            assert!(matches!(refused, Err(Error::Forbidden(_))), "{host}: {refused:?}");
        }
    }

    #[tokio::test]
    async fn redirects_are_not_followed() {
        let (inner, mut told) = recipient("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let answer = format!("HTTP/1.1 307 Go\r\nlocation: {inner}\r\ncontent-length: 0\r\n\r\n");
        let (outer, _) = recipient(answer.leak()).await;
        let receipt = courier(&["127.0.0.0/8"]).post(&outer, &[], Vec::new()).await.unwrap();
        assert_eq!(receipt.status, 307);
        assert!(!receipt.is_success());
        assert!(told.try_recv().is_err());
    }

    #[tokio::test]
    async fn what_does_not_answer_is_said_so() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        let refused = courier(&["127.0.0.0/8"]).post(&url, &[], Vec::new()).await;
        assert!(matches!(refused, Err(Error::Unreachable(_))), "{refused:?}");
        let mail = courier(&[]).mail(&["a@example.com".into()], "x", "y").await;
        assert!(matches!(mail, Err(Error::NoMail)), "{mail:?}");
    }

    #[tokio::test]
    async fn what_the_operator_has_named_is_read_wherever_it_is() {
        let (url, _told) = recipient("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlist").await;
        assert_eq!(courier(&[]).read(&url, 4).await.unwrap(), b"list");
        let too_long = courier(&[]).read(&url, 3).await;
        assert!(matches!(too_long, Err(Error::Answer { .. })), "{too_long:?}");

        let moved = format!("HTTP/1.1 302 Go\r\nlocation: {url}\r\ncontent-length: 0\r\n\r\n");
        let (outer, _told) = recipient(moved.leak()).await;
        assert_eq!(courier(&[]).read(&outer, 4).await.unwrap(), b"list");
        let (round, _told) =
            recipient("HTTP/1.1 302 Go\r\nlocation: /hook\r\ncontent-length: 0\r\n\r\n").await;
        let refused = courier(&[]).read(&round, 4).await;
        assert!(matches!(refused, Err(Error::Unreachable(_))), "{refused:?}");

        let (gone, _told) = recipient("HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n").await;
        let refused = courier(&[]).read(&gone, 4).await.unwrap_err().to_string();
        assert!(refused.contains("status 404") && refused.contains(&gone), "{refused}");
    }

    #[tokio::test]
    async fn what_lets_the_operator_in_is_in_no_report() {
        for scheme in ["http", "ftp"] {
            let (gone, _told) = recipient("HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n").await;
            let gone = gone.replace("http://", &format!("{scheme}://user:hunter22@"));
            let refused = courier(&[]).read(&gone, 4).await.unwrap_err().to_string();
            assert!(refused.contains("://…@") && !refused.contains("hunter22"), "{refused}");
        }
    }

    #[test]
    fn addresses_are_those_of_the_web() {
        for right in ["https://example.com/hook?x=1", "http://[::1]:80/"] {
            assert!(check_url(right).is_ok(), "{right}");
        }
        for wrong in ["", "example.com", "ftp://example.com", "file:///etc/passwd", "http://"] {
            assert!(check_url(wrong).is_err(), "{wrong}");
        }
        assert!(check_url(&format!("https://example.com/{}", "x".repeat(URL_LIMIT))).is_err());
    }
}
