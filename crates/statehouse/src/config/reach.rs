//! How clients reach the server: where it listens, with or without TLS, and what they type.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use url::Url;

use super::catalogue::Setting;
use super::values::{Reader, parse_address, parse_public_url};
use super::wrong::Wrong;

#[derive(Debug, Clone)]
pub struct Reach {
    pub listen: SocketAddr,
    /// `None`: see [`Reach::public_url`].
    pub given_url: Option<Url>,
    pub tls: Tls,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    Off,
    Files { cert: PathBuf, key: PathBuf },
    SelfSigned,
}

/// In the data directory: the public URL of the server that was started there last.
const NOTED: &str = "public-url";

impl Reach {
    /// How clients reach us. Without a word from the operator it is made from the bound address.
    pub fn public_url(&self, bound: SocketAddr) -> Url {
        self.given_url.clone().unwrap_or_else(|| {
            let text = match self.tls {
                Tls::Off => format!("http://{bound}"),
                // A certificate and a Terraform hostname want a name, not a number.
                _ if bound.ip().is_loopback() => format!("https://localhost:{}", bound.port()),
                _ => format!("https://{bound}"),
            };
            Url::parse(&text).expect("a socket address makes a URL")
        })
    }

    /// The same for a command beside the server, which may have been told more than the command: what was given, else
    /// what the server has noted, else what one with these settings would say.
    pub fn public_url_beside(&self, data_dir: &Path) -> Url {
        let noted = || std::fs::read_to_string(data_dir.join(NOTED)).ok()?.trim().parse().ok();
        let given = self.given_url.clone();
        given.or_else(noted).unwrap_or_else(|| self.public_url(self.listen))
    }
}

/// For commands beside the server that print addresses.
pub fn note(data_dir: &Path, url: &Url) -> std::io::Result<()> {
    std::fs::write(data_dir.join(NOTED), format!("{url}\n"))
}

pub fn reach(reader: &mut Reader<'_>) -> Reach {
    let listen = reader
        .read("listen", parse_address)
        .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)));
    let given_url = reader.read("public_url", parse_public_url);
    Reach { listen, given_url, tls: tls(reader) }
}

/// Of a server: whoever listens everywhere does not say how he is reached.
pub fn own_reach(reader: &mut Reader<'_>) -> Reach {
    let reach = reach(reader);
    let listen = reach.listen;
    if listen.ip().is_unspecified()
        && reader.given("public_url").is_none()
        && !reader.layers.is_unusable("public_url")
    {
        reader.wrong.push(Wrong::sentence(format!(
            "public_url is needed, because listen = {listen} does not say how clients reach us; \
             allowed: {}",
            Setting::named("public_url").allowed
        )));
    }
    reach
}

fn tls(reader: &mut Reader<'_>) -> Tls {
    let cert = reader.existing("tls_cert");
    let key = reader.existing("tls_key");
    let given = (reader.given("tls_cert"), reader.given("tls_key"));
    let self_signed = reader.switch("tls_self_signed");
    match (&given, self_signed) {
        ((Some(given), None), _) => {
            reader.wrong.push(Wrong::given("tls_cert", given, "tls_key is missing"));
        }
        ((None, Some(given)), _) => {
            reader.wrong.push(Wrong::given("tls_key", given, "tls_cert is missing"));
        }
        ((Some(given), Some(_)), true) => {
            reader.wrong.push(Wrong::given("tls_cert", given, "tls_self_signed is set as well"));
        }
        _ => {}
    }
    match (cert, key) {
        (Some(cert), Some(key)) => Tls::Files { cert, key },
        _ if self_signed => Tls::SelfSigned,
        _ => Tls::Off,
    }
}
