//! Which addresses may be reached: all of the internet, and of private networks those that the operator allows.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The reason, deep inside a client's error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forbidden;

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the address is in a private network, which this server may not send to unless its \
             setting notification_networks allows it",
        )
    }
}

impl std::error::Error for Forbidden {}

#[derive(Debug)]
pub(crate) struct Reach {
    networks: Arc<[IpNet]>,
}

impl Reach {
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self { networks: networks.into() }
    }

    pub fn allows(&self, ip: IpAddr) -> bool {
        allows(&self.networks, ip)
    }
}

fn allows(networks: &[IpNet], ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    is_public(ip) || networks.iter().any(|network| network.contains(&ip))
}

/// The client connects to what comes out here and to nothing else.
impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let networks = self.networks.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|address| allows(&networks, address.ip())).collect();
            if allowed.is_empty() {
                return Err(Forbidden.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Part of the internet (IANA's registries of special-purpose addresses name what is not).
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(a == 0
        || ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_broadcast()
        || ip.is_documentation()
        // Shared between carriers and their customers.
        || (a == 100 && (64..128).contains(&b))
        // Protocol assignments, old relays, benchmarks.
        || (a, b, c) == (192, 0, 0)
        || (a, b, c) == (192, 88, 99)
        || (a == 198 && (b == 18 || b == 19))
        // Reserved.
        || a >= 240)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let segments = ip.segments();
    let [a, b, ..] = segments;
    // Addresses that carry one of IPv4 are as public as that one.
    let inner = |high: u16, low: u16| {
        let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    if a == 0x2002 {
        return inner(b, segments[2]);
    }
    if (a, b) == (0x64, 0xff9b) {
        return segments[2..6] == [0, 0, 0, 0] && inner(segments[6], segments[7]);
    }
    // The whole of today's internet is in 2000::/3; documentation and protocol assignments are not of it.
    (a & 0xe000) == 0x2000
        && (a, b) != (0x2001, 0xdb8)
        && !(a == 0x2001 && b < 0x200)
        && a & 0xfff0 != 0x3ff0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_inside_is_known() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "fec0::1",
            "2001:db8::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2002:0a00:0001::",
            "2001::1",
            "::127.0.0.1",
        ] {
            assert!(!Reach::new(Vec::new()).allows(text.parse().unwrap()), "{text}");
        }
        for text in
            ["1.1.1.1", "100.63.0.1", "100.128.0.1", "172.32.0.1", "2606:4700::1", "2002:101:101::"]
        {
            assert!(Reach::new(Vec::new()).allows(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_the_operator_allows_is_reached() {
        let reach = Reach::new(vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        for text in ["10.255.0.1", "::ffff:10.0.0.1", "fd12::1", "1.1.1.1"] {
            assert!(reach.allows(text.parse().unwrap()), "{text}");
        }
        for text in ["192.168.0.1", "127.0.0.1", "fc00::1"] {
            assert!(!reach.allows(text.parse().unwrap()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_hides_an_address_of_ipv4_in_one_of_ipv6(octets: [u8; 4]) {
            let inner = Ipv4Addr::from(octets);
            let reach = Reach::new(Vec::new());
            let expected = reach.allows(inner.into());
            prop_assert_eq!(reach.allows(inner.to_ipv6_mapped().into()), expected);
            let [a, b, c, d] = octets.map(u16::from);
            let translated = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a << 8 | b, c << 8 | d);
            prop_assert_eq!(reach.allows(translated.into()), expected);
        }
    }
}
