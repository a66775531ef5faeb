//! Stands in for `statehouse engine-exec`, and for work of ours that closes itself in, in this crate's tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().nth(1).is_some_and(|first| first == "compute") {
        return compute();
    }
    match statehouse_sandbox::exec() {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Says what can still be done by who only computes, and then takes memory without end.
fn compute() -> ExitCode {
    let limits = statehouse_sandbox::Limits { memory_bytes: Some(64 << 20), ..Default::default() };
    if let Err(error) = statehouse_sandbox::only_compute(&limits) {
        println!("{error:#}");
        return ExitCode::FAILURE;
    }
    println!("reads a file: {}", std::fs::read("/etc/hostname").is_ok());
    println!("makes a socket: {}", std::net::UdpSocket::bind("127.0.0.1:0").is_ok());
    println!("starts a program: {}", std::process::Command::new("/bin/true").status().is_ok());
    println!("has a thread: {}", std::thread::spawn(|| true).join().is_ok());
    let mut taken: Vec<Vec<u8>> = Vec::new();
    while taken.len() < 1024 {
        taken.push(vec![1; 1 << 20]);
    }
    println!("took a gigabyte: {}", taken.len());
    ExitCode::SUCCESS
}
