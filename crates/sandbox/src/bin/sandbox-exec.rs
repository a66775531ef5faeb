//! Stands in for `statehouse engine-exec` in this crate's tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    match statehouse_sandbox::exec() {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
