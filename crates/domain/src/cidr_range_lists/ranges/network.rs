//! Networks in CIDR notation, of either family.

use std::net::IpAddr;

use crate::{Error, IpNet, Result};

/// Refuses what does not say exactly which addresses are meant; answers the network as it is written.
pub(super) fn checked(text: &str) -> Result<String> {
    let wrong = |why: String| Err(Error::invalid("range", why));
    if let Ok(address) = text.parse::<IpAddr>() {
        let one = IpNet::from(address);
        return wrong(format!("needs a prefix: {one} is this one address"));
    }
    let Ok(network) = text.parse::<IpNet>() else {
        return wrong("must be a network in CIDR notation, such as 203.0.113.0/24".to_owned());
    };
    // Whoever comes so is known by the IPv4 address.
    if let IpNet::V6(six) = network
        && six.prefix_len() >= 96
        && let Some(four) = six.addr().to_ipv4_mapped()
    {
        return wrong(format!("is of IPv4: write it as {four}/{}", six.prefix_len() - 96));
    }
    if network.trunc() != network {
        return wrong(format!(
            "has bits behind its prefix: {} is the network, {} the address",
            network.trunc(),
            IpNet::from(network.addr())
        ));
    }
    Ok(network.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_of_both_families_are_taken_as_they_are_written() {
        for (text, kept) in [
            ("203.0.113.0/24", "203.0.113.0/24"),
            ("203.0.113.9/32", "203.0.113.9/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:DB8:0::/32", "2001:db8::/32"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(checked(text).unwrap(), kept);
        }
    }

    #[test]
    fn what_could_mean_something_else_is_refused_with_what_to_write() {
        for (text, hint) in [
            ("", "such as 203.0.113.0/24"),
            ("office", "such as 203.0.113.0/24"),
            ("203.0.113.0/33", "such as 203.0.113.0/24"),
            ("203.0.113.0/24 ", "such as 203.0.113.0/24"),
            ("203.0.113.9", "203.0.113.9/32 is this one address"),
            ("2001:db8::1", "2001:db8::1/128 is this one address"),
            ("10.1.2.3/8", "10.0.0.0/8 is the network, 10.1.2.3/32 the address"),
            ("2001:db8::1/32", "2001:db8::/32 is the network"),
            ("::ffff:203.0.113.0/120", "write it as 203.0.113.0/24"),
        ] {
            let refused = checked(text).unwrap_err().to_string();
            assert!(refused.contains(hint), "{text}: {refused}");
        }
    }
}
