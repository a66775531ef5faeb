//! Mail, by the server that the operator names.

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, message::Mailbox,
};
use secrecy::{ExposeSecret, SecretString};

use crate::{Error, PATIENCE, Result};

/// How mail leaves.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// `smtps://USER:PASSWORD@HOST`, or `smtp://HOST:587?tls=required`.
    pub url: SecretString,
    /// Whom it comes from: `Statehouse <statehouse@example.com>`.
    pub from: String,
}

/// A mail server as people may see it.
#[derive(Clone, Debug)]
pub struct MailServer {
    pub host: String,
    pub port: u16,
    pub username: String,
    pub sender: String,
}

impl MailServer {
    fn of(settings: &MailSettings) -> Option<Self> {
        let url = url::Url::parse(settings.url.expose_secret()).ok()?;
        let default = if url.scheme() == "smtps" { 465 } else { 25 };
        Some(Self {
            host: url.host_str()?.to_owned(),
            port: url.port().unwrap_or(default),
            username: url.username().to_owned(),
            sender: settings.from.clone(),
        })
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Mailer {
    pub server: MailServer,
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Whether it names a mail server, as [`MailSettings::url`] does.
pub fn is_server(url: &str) -> bool {
    AsyncSmtpTransport::<Tokio1Executor>::from_url(url).is_ok()
}

/// Whether mail can come from there, as [`MailSettings::from`] says it.
pub fn is_sender(text: &str) -> bool {
    text.parse::<Mailbox>().is_ok()
}

impl Mailer {
    pub fn new(settings: &MailSettings) -> Result<Self> {
        let from = settings
            .from
            .parse()
            .map_err(|_| Error::Setting(format!("{} is no mail address", settings.from)))?;
        let transport =
            AsyncSmtpTransport::<Tokio1Executor>::from_url(settings.url.expose_secret())
                // The URL carries a password, and so might the reason.
                .map_err(|_| Error::Setting("not an address of a mail server".into()))?
                .timeout(Some(PATIENCE))
                .build();
        let server = MailServer::of(settings)
            .ok_or_else(|| Error::Setting("not an address of a mail server".into()))?;
        Ok(Self { server, transport, from })
    }

    pub async fn send(&self, to: &str, subject: &str, text: &str) -> Result<()> {
        let refused = |error: &dyn std::fmt::Display| Error::Mail(error.to_string());
        let to: Address = to.parse().map_err(|_| refused(&"its address is none"))?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .body(text.to_owned())
            .map_err(|error| refused(&error))?;
        self.transport.send(message).await.map_err(|error| refused(&error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
        net::TcpListener,
    };

    use super::*;

    /// As much of a mail server as one message needs.
    async fn server() -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let received = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (read, mut write) = stream.split();
            let mut lines = BufReader::new(read).lines();
            write.write_all(b"220 ready\r\n").await.unwrap();
            let (mut all, mut in_message) = (String::new(), false);
            while let Some(line) = lines.next_line().await.unwrap() {
                all.push_str(&line);
                all.push('\n');
                let answer: &[u8] = match line.as_str() {
                    "." => b"250 taken\r\n",
                    _ if in_message => continue,
                    "DATA" => b"354 go on\r\n",
                    "QUIT" => b"221 bye\r\n",
                    _ => b"250 fine\r\n",
                };
                in_message = line == "DATA";
                write.write_all(answer).await.unwrap();
                if line == "." {
                    break;
                }
            }
            all
        });
        (url, received)
    }

    #[tokio::test]
    async fn a_message_goes_from_and_to_whom_it_should() {
        let (url, received) = server().await;
        let from = "Statehouse <statehouse@example.com>".to_owned();
        let mailer = Mailer::new(&MailSettings { url: url.into(), from }).unwrap();
        mailer.send("somebody@example.com", "Run Applied", "It went well.").await.unwrap();
        let received = received.await.unwrap();
        assert!(received.contains("MAIL FROM:<statehouse@example.com>"), "{received}");
        assert!(received.contains("RCPT TO:<somebody@example.com>"), "{received}");
        assert!(received.contains("Subject: Run Applied"), "{received}");
        assert!(received.contains("It went well."), "{received}");
    }

    #[test]
    fn wrong_settings_are_noticed_at_once() {
        for (url, from) in [("smtp://x", "nobody"), ("http://x", "a@example.com")] {
            let settings = MailSettings { url: url.to_owned().into(), from: from.into() };
            assert!(Mailer::new(&settings).is_err(), "{url} {from}");
        }
    }
}
