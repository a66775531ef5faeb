//! The two servers of an import, and how far it is.

use std::{
    cell::RefCell,
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use clap::Args;
use moving::{
    Steps,
    client::{Access, Client},
};
use secrecy::SecretString;
use url::Url;

use crate::progress;

/// How both are asked; tokens come from the environment or from files, never from arguments.
#[derive(Debug, Args)]
pub struct Tokens {
    /// A file with the token for the source; else it is taken from STATEHOUSE_SOURCE_TOKEN.
    #[arg(long, value_name = "FILE")]
    from_token_file: Option<PathBuf>,
    /// A file with the token for the target; else it is taken from STATEHOUSE_TARGET_TOKEN.
    #[arg(long, value_name = "FILE")]
    to_token_file: Option<PathBuf>,
    /// Requests a second at the source. HCP Terraform takes 30.
    #[arg(long, default_value_t = 25)]
    rate: u32,
    /// Certificates to trust beside those of the system, as PEM.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

impl Tokens {
    pub fn source(&self, address: &str) -> Result<Client> {
        let token = token(self.from_token_file.as_ref(), "STATEHOUSE_SOURCE_TOKEN")?;
        self.client(address, token, self.rate)
    }

    pub fn target(&self, address: &str) -> Result<Client> {
        let token = token(self.to_token_file.as_ref(), "STATEHOUSE_TARGET_TOKEN")?;
        self.client(address, token, 0)
    }

    fn client(&self, address: &str, token: SecretString, rate: u32) -> Result<Client> {
        let with_scheme =
            if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
        let address: Url = with_scheme.parse().with_context(|| address.to_owned())?;
        let ca = self.ca_file.as_ref();
        let ca = ca.map(|path| std::fs::read(path).with_context(|| path.display().to_string()));
        Client::new(Access { address, token, rate, ca: ca.transpose()? })
    }
}

fn token(file: Option<&PathBuf>, variable: &str) -> Result<SecretString> {
    let text = match file {
        Some(path) => std::fs::read_to_string(path).with_context(|| path.display().to_string())?,
        None => std::env::var(variable)
            .with_context(|| format!("{variable} has no token, and no file was named"))?,
    };
    Ok(text.trim().to_owned().into())
}

/// A line on standard error, with the rate and the time that remains.
pub fn shown() -> Steps<'static> {
    let terminal = std::io::stderr().is_terminal();
    let every = Duration::from_millis(if terminal { 200 } else { 10_000 });
    let begun = RefCell::new((Instant::now(), Instant::now()));
    Steps::new(move |step| {
        let (start, last) = &mut *begun.borrow_mut();
        if step.done == 1 {
            *start = Instant::now();
        }
        if last.elapsed() < every {
            return;
        }
        *last = Instant::now();
        let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        let rate = count(step.done) / start.elapsed().as_secs_f64().max(0.001);
        let left = count(step.total.saturating_sub(step.done)) / rate.max(0.001);
        let line = format!(
            "{}: {} of {}, {rate:.1} a second, {left:.0} seconds left, {}",
            step.what,
            step.done,
            step.total,
            progress::size(step.bytes)
        );
        let mut stderr = std::io::stderr().lock();
        // Who does not listen need not be told.
        if terminal {
            write!(stderr, "\r\x1b[K{line}\r").ok();
        } else {
            writeln!(stderr, "{line}").ok();
        }
    })
}
