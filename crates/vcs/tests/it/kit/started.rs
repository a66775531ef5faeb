//! Starts programs plainly, and remembers which and with what.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Mutex;

use async_trait::async_trait;
use statehouse_vcs::git::{Order, Plain, Start};
use tokio::process::Child;

#[derive(Debug, Default)]
pub struct Started {
    pub orders: Mutex<Vec<Order>>,
    pub killed: Mutex<Vec<u32>>,
    /// Names and modes of the files in their homes.
    pub homes: Mutex<Vec<(String, u32)>>,
}

#[async_trait]
impl Start for Started {
    async fn start(&self, order: &Order) -> io::Result<Child> {
        self.orders.lock().unwrap().push(order.clone());
        for file in std::fs::read_dir(&order.folder)? {
            let file = file?;
            let mode = file.metadata()?.permissions().mode() & 0o777;
            let name = file.file_name().to_string_lossy().into_owned();
            self.homes.lock().unwrap().push((name, mode));
        }
        Plain.start(order).await
    }

    fn kill(&self, process: u32) {
        self.killed.lock().unwrap().push(process);
        Plain.kill(process);
    }
}

impl Started {
    /// How many programs could reach a server.
    pub fn with_network(&self) -> usize {
        self.orders.lock().unwrap().iter().filter(|order| order.needs_network).count()
    }

    pub fn said(&self) -> String {
        format!("{:?}", self.orders.lock().unwrap())
    }
}
