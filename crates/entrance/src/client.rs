//! Where a request comes from, behind proxies too.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use domain::{App, IpNet, Origin};
use http::{Extensions, HeaderMap, HeaderName};

/// What the log, the answer and the audit trail call a request; each one has it when it gets here.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Where this request comes from.
pub fn origin_of(app: &App, headers: &HeaderMap, extensions: &Extensions) -> Origin {
    let request = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).map(Into::into);
    Origin { address: client_of(app, headers, extensions), request }
}

/// The address of whoever sends this request; none where nobody knows the connection, as in tests.
pub fn client_of(app: &App, headers: &HeaderMap, extensions: &Extensions) -> Option<IpAddr> {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip();
    Some(behind(peer, headers, &app.settings().trusted_proxies))
}

/// The last address that no trusted proxy has: what stands before it anybody can have written.
fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted =
        |address: IpAddr| trusted.iter().any(|network| network.contains(&address.to_canonical()));
    let mut client = peer;
    let forwarded = headers.get_all("x-forwarded-for").iter().rev();
    let parts = forwarded.filter_map(|header| header.to_str().ok());
    for part in parts.flat_map(|header| header.rsplit(',')) {
        if !is_trusted(client) {
            break;
        }
        let Ok(address) = part.trim().parse() else { break };
        client = address;
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let trusted = ["127.0.0.0/8".parse().unwrap(), "10.1.0.0/16".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        behind(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_say_whom_they_speak_for() {
        assert_eq!(client("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(client("127.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(client("::ffff:127.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(client("127.0.0.1", &["203.0.113.9, 198.51.100.7"]), "198.51.100.7");
        assert_eq!(client("127.0.0.1", &["203.0.113.9, 198.51.100.7, 10.1.2.3"]), "198.51.100.7");
        assert_eq!(client("127.0.0.1", &["203.0.113.9", "198.51.100.7"]), "198.51.100.7");
        assert_eq!(client("127.0.0.1", &["203.0.113.9, nonsense"]), "127.0.0.1");
        assert_eq!(client("127.0.0.1", &[]), "127.0.0.1");
    }
}
