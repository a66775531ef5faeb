//! Who may be shown what only those on this machine may see.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use domain::App;
use http::{Extensions, HeaderMap, header::HOST};

/// Whether whoever sends this request sits on this machine and speaks for nobody else.
pub fn is_this_machine(app: &App, headers: &HeaderMap, extensions: &Extensions) -> bool {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let public_url = app.settings().public_url.as_str();
    peer.is_some_and(is_loopback) && !is_forwarded(headers) && is_own(headers, public_url)
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// A proxy on this machine speaks for anybody.
fn is_forwarded(headers: &HeaderMap) -> bool {
    ["forwarded", "x-forwarded-for", "x-real-ip", "via"]
        .iter()
        .any(|name| headers.contains_key(*name))
}

/// A page of another site, whose name was made to lead here, asks under that name.
fn is_own(headers: &HeaderMap, public_url: &str) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return true };
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host }
    });
    let public = public_url.split_once("://").map_or(public_url, |(_, host)| host);
    host == public || ["localhost", "127.0.0.1", "[::1]"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(host: &'static str) -> bool {
        let headers = HeaderMap::from_iter([(HOST, host.parse().unwrap())]);
        is_own(&headers, "https://terraform.example:8443")
    }

    #[test]
    fn only_own_names_may_ask_for_the_first_admins_token() {
        for name in ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]:80", "[::1]"] {
            assert!(own(name), "{name}");
        }
        assert!(own("terraform.example:8443"));
        for name in
            ["evil.example", "evil.example:8443", "localhost.evil.example", "terraform.example"]
        {
            assert!(!own(name), "{name}");
        }
    }

    #[test]
    fn loopback_is_loopback_in_both_families() {
        for (address, expected) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.1", false),
            ("::ffff:10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(address.parse().unwrap()), expected, "{address}");
        }
    }
}
