//! `import "sockaddr"`: addresses and networks.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Args, Native, Space};
use crate::eval::Interp;
use crate::source::{Eval, Fault};
use crate::value::Value;

pub(super) const SPACE: Space = Space {
    name: "sockaddr",
    natives: &[
        Native::new("sockaddr.is_contained", 2, 2, is_contained),
        Native::new("sockaddr.is_equal", 2, 2, is_equal),
        Native::new("sockaddr.is_ipv4", 1, 1, is_ipv4),
        Native::new("sockaddr.is_ipv6", 1, 1, is_ipv6),
    ],
    values: &[],
};

/// A network; an address is one of its own.
fn parse(text: &str) -> Option<IpNet> {
    let network = text.parse().ok();
    network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn network(args: &Args<'_, '_>, index: usize) -> Eval<IpNet> {
    let text = args.str(index)?;
    parse(text).ok_or_else(|| {
        let text = Interp::quote(text.as_bytes());
        Fault::new(format!("{}: {text} is no address", args.native.name))
    })
}

fn is_contained<'a>(_: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let (outer, inner) = (network(&args, 0)?, network(&args, 1)?);
    Ok(Value::Bool(outer.trunc().contains(&inner)))
}

fn is_equal<'a>(_: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    Ok(Value::Bool(network(&args, 0)? == network(&args, 1)?))
}

fn is_ipv4<'a>(_: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    Ok(Value::Bool(matches!(parse(args.str(0)?), Some(IpNet::V4(_)))))
}

fn is_ipv6<'a>(_: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    Ok(Value::Bool(matches!(parse(args.str(0)?), Some(IpNet::V6(_)))))
}
