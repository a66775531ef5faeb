//! A network of two hosts: this machine, and `git.example`, which no name server knows.

use std::net::{IpAddr, Ipv4Addr};

use async_trait::async_trait;
use statehouse_vcs::git::Reach;

#[derive(Debug)]
pub struct Known;

#[async_trait]
impl Reach for Known {
    async fn addresses(&self, host: &str, _: u16) -> Result<Vec<IpAddr>, String> {
        match host {
            "127.0.0.1" | "git.example" => Ok(vec![Ipv4Addr::LOCALHOST.into()]),
            other => Err(format!("{other} is in a private network")),
        }
    }
}
