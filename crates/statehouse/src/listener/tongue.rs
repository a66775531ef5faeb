//! Clients that speak http where https is spoken, or the other way round: they are told, or the operator is.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;

use super::rarely::Rarely;

/// A command line that is pointed at the wrong scheme tries again and again.
const TOLD_EVERY: Duration = Duration::from_mins(1);
/// The first two bytes of a TLS connection: a handshake record of some version 3.
const TLS: [u8; 2] = [0x16, 0x03];
const USE_HTTPS: &str = "This address speaks https only: use https:// instead of http://.\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tongue {
    Http,
    Https,
}

/// Hears how a connection begins.
#[derive(Debug, Clone)]
pub struct Ear {
    spoken: Tongue,
    misunderstandings: Arc<Rarely>,
}

impl Ear {
    pub fn of(spoken: Tongue) -> Self {
        Self { spoken, misunderstandings: Arc::new(Rarely::every(TOLD_EVERY)) }
    }

    /// `first` is what the client sent first.
    ///
    /// # Errors
    /// InvalidData for http where https is spoken: the client has its answer, and nothing more comes of it.
    pub fn hear(&self, stream: &TcpStream, first: &[u8]) -> io::Result<()> {
        match self.spoken {
            Tongue::Https if first.first().is_some_and(u8::is_ascii_uppercase) => {
                let answer = format!(
                    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
                     Content-Length: {}\r\nConnection: close\r\n\r\n{USE_HTTPS}",
                    USE_HTTPS.len()
                );
                // A fresh connection has room for so little. Who is gone already needs no answer.
                let _ = stream.try_write(answer.as_bytes());
                Err(io::Error::new(io::ErrorKind::InvalidData, "plain http where TLS is spoken"))
            }
            // The answer to it is http, which Go's clients name; here the operator learns of it.
            Tongue::Http if first.starts_with(&TLS) => {
                if let Some(times) = self.misunderstandings.happened(1) {
                    tracing::warn!(
                        times,
                        "clients speak TLS to this address, which speaks plain http: Terraform and OpenTofu need \
                         https, see TLS in docs/operations.md"
                    );
                }
                Ok(())
            }
            Tongue::Http | Tongue::Https => Ok(()),
        }
    }
}
