//! The way that mail leaves: by the server that the process was told of, or by the one that administrators have set.

use courier::MailSettings;
use secrecy::{ExposeSecret, SecretString};

use super::{MailAuth, Values, current};
use crate::{App, Ctx, Error, Granted, Result, accounts, can};

/// Whether mail can be sent at all.
pub async fn has_mail(app: &App) -> Result<bool> {
    Ok(app.courier().has_mail() || current(app).await?.smtp_enabled)
}

/// The server that the process was told of, which no administrator changes.
pub fn process_mail(app: &App) -> Option<courier::MailServer> {
    app.courier().mail_server()
}

/// Sends a message to see whether mail leaves.
///
/// # Errors
/// Invalid with what was wrong.
pub async fn try_mail(cx: &Ctx, _site: &Granted<can::ManageSite>, to: &str) -> Result<()> {
    accounts::check_address("test-email-address", to)?;
    let text = "This message shows that mail leaves.";
    send_mail(cx, &[to.to_owned()], "Mail from Statehouse", text)
        .await?
        .map_err(|error| Error::invalid("test-email-address", error.to_string()))
}

/// Sends a message to each address on its own.
pub(crate) async fn send_mail(
    cx: &Ctx,
    to: &[String],
    subject: &str,
    text: &str,
) -> Result<courier::Result<()>> {
    let values = current(cx).await?;
    if cx.courier().has_mail() || !values.smtp_enabled {
        return Ok(cx.courier().mail(to, subject, text).await);
    }
    Ok(cx.courier().mail_by(&settings_of(&values), to, subject, text).await)
}

/// # Errors
/// Invalid where mail is to be sent by nobody, or from nobody.
pub(super) fn check(values: &Values) -> Result<()> {
    if !values.smtp_enabled {
        return Ok(());
    }
    let host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    let is_server = courier::is_mail_server(settings_of(values).url.expose_secret());
    if values.smtp_host.is_empty() || !values.smtp_host.chars().all(host) || !is_server {
        return Err(Error::invalid("host", "must be the name of a mail server"));
    }
    if !courier::is_sender(&values.smtp_sender) {
        return Err(Error::invalid("sender", "must be a mail address"));
    }
    if values.smtp_auth != MailAuth::None && values.smtp_username.is_empty() {
        return Err(Error::invalid("username", "can't be blank where auth is not none"));
    }
    Ok(())
}

fn settings_of(values: &Values) -> MailSettings {
    let who = match values.smtp_auth {
        MailAuth::None => String::new(),
        // Which of the two ways is taken is settled with the server.
        MailAuth::Plain | MailAuth::Login => format!(
            "{}:{}@",
            encoded(&values.smtp_username),
            encoded(values.smtp_password.expose_secret())
        ),
    };
    let (scheme, tls) = match values.smtp_auth {
        _ if values.smtp_port == 465 => ("smtps", ""),
        MailAuth::None => ("smtp", "?tls=opportunistic"),
        // A password is not given to whoever claims that the server has no TLS.
        MailAuth::Plain | MailAuth::Login => ("smtp", "?tls=required"),
    };
    let url = format!("{scheme}://{who}{}:{}{tls}", values.smtp_host, values.smtp_port);
    MailSettings { url: SecretString::from(url), from: values.smtp_sender.clone() }
}

/// For the part of a URL before the host.
fn encoded(text: &str) -> String {
    let one = |byte: u8| {
        if byte.is_ascii_alphanumeric() {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(smtp_auth: MailAuth, smtp_port: u16) -> String {
        let values = Values {
            smtp_host: "mail.example.com".into(),
            smtp_username: "us".into(),
            smtp_password: "p@ss".to_owned().into(),
            smtp_auth,
            smtp_port,
            ..Values::default()
        };
        settings_of(&values).url.expose_secret().to_owned()
    }

    #[test]
    fn a_password_is_sent_over_tls_or_not_at_all() {
        assert_eq!(url(MailAuth::Plain, 25), "smtp://us:p%40ss@mail.example.com:25?tls=required");
        assert_eq!(url(MailAuth::Login, 465), "smtps://us:p%40ss@mail.example.com:465");
        assert_eq!(url(MailAuth::None, 25), "smtp://mail.example.com:25?tls=opportunistic");
    }
}
