//! The example configuration, and how the CLI is told where the server is.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use anyhow::Result;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use url::Url;

use super::engine::Engine;
use crate::private_file;

/// The name under which the example knows the server. It is never resolved: the `host` block of the
/// CLI configuration says where its services are, which is how plain http may be used.
pub const HOST: &str = "statehouse.demo";

pub const GREETING: &str = "Hello from Statehouse";

#[derive(Debug)]
pub struct Example {
    pub folder: PathBuf,
    pub cli_config: PathBuf,
}

/// What stands in a configuration that belongs to a workspace here.
pub fn cloud_block(organization: &str, workspace: &str) -> String {
    format!(
        r#"terraform {{
  cloud {{
    hostname     = "{HOST}"
    organization = "{organization}"
    workspaces {{
      name = "{workspace}"
    }}
  }}
}}
"#
    )
}

pub fn write(
    dir: &Path,
    url: &Url,
    token: &str,
    organization: &str,
    workspace: &str,
    engine: &Engine,
) -> Result<Example> {
    let folder = dir.join("example");
    std::fs::create_dir_all(&folder)?;
    let cloud_block = cloud_block(organization, workspace);
    let resource = if engine.has_terraform_data() {
        format!("\nresource \"terraform_data\" \"hello\" {{\n  input = \"{GREETING}\"\n}}\n")
    } else {
        String::new()
    };
    let value = if engine.has_terraform_data() {
        "terraform_data.hello.output".to_owned()
    } else {
        format!("\"{GREETING}\"")
    };
    let output = format!("\noutput \"greeting\" {{\n  value = {value}\n}}\n");
    std::fs::write(folder.join("main.tf"), format!("{cloud_block}{resource}{output}"))?;

    let cli_config_text = format!(
        r#"host "{HOST}" {{
  services = {{
    "tfe.v2"   = "{url}api/v2/"
    "tfe.v2.1" = "{url}api/v2/"
    "tfe.v2.2" = "{url}api/v2/"
    "state.v2" = "{url}api/v2/"
  }}
}}

credentials "{HOST}" {{
  token = "{token}"
}}
"#
    );
    let cli_config = dir.join("cli.tfrc");
    private_file::write(&cli_config, cli_config_text.as_bytes())?;
    Ok(Example { folder, cli_config })
}

impl Example {
    /// Runs the CLI and shows what it says. It writes addresses with the name that it knows the server by, and with
    /// https; they are shown as they can be opened.
    pub async fn show(&self, engine: &Engine, arguments: &[&str], url: &Url) -> Result<ExitStatus> {
        let mut child = self.command(engine, arguments).stdout(Stdio::piped()).spawn()?;
        if let Some(said) = child.stdout.take() {
            let mut lines = BufReader::new(said).lines();
            while let Some(line) = lines.next_line().await? {
                println!("{}", openable(&line, url));
            }
        }
        Ok(child.wait().await?)
    }

    /// The CLI in the example's folder, with nothing of the operator's own Terraform settings.
    pub fn command(&self, engine: &Engine, arguments: &[&str]) -> Command {
        let mut command = Command::new(&engine.path);
        command.args(arguments).current_dir(&self.folder).kill_on_drop(true);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("TF_")) {
                command.env_remove(name);
            }
        }
        command.env("TF_CLI_CONFIG_FILE", &self.cli_config).env("CHECKPOINT_DISABLE", "1");
        command
    }
}

/// A line of the CLI with addresses that a browser can open.
fn openable(line: &str, url: &Url) -> String {
    line.replace(&format!("https://{HOST}/"), url.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_the_command_line_prints_can_be_opened() {
        let url = Url::parse("http://127.0.0.1:8080").unwrap();
        let line = "\u{1b}[33mhttps://statehouse.demo/app/demo/hello/runs/run-1\u{1b}[0m";
        let shown = openable(line, &url);
        assert_eq!(shown, "\u{1b}[33mhttp://127.0.0.1:8080/app/demo/hello/runs/run-1\u{1b}[0m");
    }
}
