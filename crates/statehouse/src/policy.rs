//! `statehouse policy replay`: a draft policy or set asked about plans that a server has recorded.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use url::Url;

use crate::demo::client::{Client, text};

/// How long to wait until the server is asked again.
const PAUSE: Duration = Duration::from_millis(500);
/// What the command exits with where it can say nothing about policies.
const OTHER: u8 = 9;
/// What policies are made of.
const EXTENSIONS: [&str; 4] = ["sentinel", "hcl", "json", "rego"];

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask a draft about the newest plans of an organization's workspaces, as far as you may read them.
    ///
    /// The draft is one policy, or a folder with the policies.hcl or sentinel.hcl of a set. Nothing that
    /// runs is changed. Exits with 0 if every plan passes, with 1 if one fails, with 3 if one errs, and
    /// with 9 if the draft cannot be asked. Interrupting it stops the server's work, too.
    Replay(Replay),
}

#[derive(Debug, Args)]
pub struct Replay {
    /// A policy, or the folder of a set.
    path: PathBuf,
    /// The server's address.
    #[arg(long, value_name = "URL")]
    address: Url,
    /// A file with your token; without it STATEHOUSE_TOKEN counts.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[arg(long, value_name = "NAME")]
    organization: String,
    /// Only plans of this workspace; may be repeated.
    #[arg(long, value_name = "NAME")]
    workspace: Vec<String>,
    /// How many plans, at most 500.
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    plans: u64,
    /// The rule of a single policy in Rego.
    #[arg(long)]
    query: Option<String>,
    /// A parameter of Sentinel policies; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    param: Vec<(String, String)>,
    /// Print the results as JSON.
    #[arg(long)]
    json: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("has the form NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub fn run(command: &Command) -> ExitCode {
    let Command::Replay(replay) = command;
    let outcome = tokio::runtime::Runtime::new()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(replay.run()));
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("statehouse: {error:#}");
            ExitCode::from(OTHER)
        }
    }
}

impl Replay {
    async fn run(&self) -> Result<u8> {
        let client = Client::new(&self.address, &self.token()?)?;
        let made = client
            .post(
                &format!("organizations/{}/policy-replays", self.organization),
                &self.body(&client).await?,
            )
            .await?;
        let id = text(&made, "/data/id")?;
        let shown = tokio::select! {
            shown = until_over(&client, &id) => shown?,
            _ = tokio::signal::ctrl_c() => {
                client.post(&format!("policy-replays/{id}/actions/cancel"), &json!({})).await?;
                anyhow::bail!("stopped, and so is the server's work on {id}");
            }
        };
        let results = results(&client, &id).await?;
        let mut out = std::io::stdout().lock();
        if self.json {
            let all = json!({ "replay": shown["data"], "results": results });
            writeln!(out, "{all:#}")?;
        } else {
            out.write_all(report(&shown, &results).as_bytes())?;
        }
        out.flush()?;
        Ok(code(&shown))
    }

    fn token(&self) -> Result<String> {
        let token = match &self.token_file {
            Some(path) => {
                std::fs::read_to_string(path).with_context(|| path.display().to_string())?
            }
            None => std::env::var("STATEHOUSE_TOKEN")
                .context("no token: name its file with --token-file, or set STATEHOUSE_TOKEN")?,
        };
        Ok(token.trim().to_owned())
    }

    async fn body(&self, client: &Client) -> Result<Value> {
        let files = files(&self.path)?;
        let is_rego = files.keys().any(|path| ending(path) == "rego");
        let mut ids = Vec::new();
        for name in &self.workspace {
            let path = format!("organizations/{}/workspaces/{name}", self.organization);
            let id = text(&client.get(&path).await?, "/data/id")?;
            ids.push(json!({ "type": "workspaces", "id": id }));
        }
        let mut attributes = json!({
            "kind": if is_rego { "opa" } else { "sentinel" },
            "files": files,
            "parameters": self.param.iter().cloned().collect::<BTreeMap<_, _>>(),
            "plans": self.plans,
        });
        if let Some(query) = &self.query {
            attributes["query"] = json!(query);
        }
        let mut data = json!({ "type": "policy-replays", "attributes": attributes });
        if !ids.is_empty() {
            data["relationships"] = json!({ "workspaces": { "data": ids } });
        }
        Ok(json!({ "data": data }))
    }
}

fn ending(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, ending)| ending)
}

/// The files of a draft by their paths in it. What only tests and version control need is left out.
fn files(path: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    if path.is_dir() {
        collect(path, "", &mut files)?;
    } else {
        let name = path.file_name().context("this path names no file")?.to_string_lossy();
        files.insert(name.into_owned(), read(path)?);
    }
    ensure!(!files.is_empty(), "{} has no policies", path.display());
    Ok(files)
}

fn collect(folder: &Path, inside: &str, files: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if inside.is_empty() { name.clone() } else { format!("{inside}/{name}") };
        if entry.file_type()?.is_dir() {
            if !name.starts_with('.') && name != "test" && name != "testdata" {
                collect(&entry.path(), &path, files)?;
            }
        } else if EXTENSIONS.contains(&ending(&name)) && !name.ends_with("_test.rego") {
            files.insert(path, read(&entry.path())?);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}

async fn until_over(client: &Client, id: &str) -> Result<Value> {
    loop {
        let shown = client.get(&format!("policy-replays/{id}")).await?;
        let status = text(&shown, "/data/attributes/status")?;
        if status != "pending" && status != "running" {
            return Ok(shown);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn results(client: &Client, id: &str) -> Result<Vec<Value>> {
    let (mut all, mut number) = (Vec::new(), 1);
    loop {
        let path = format!("policy-replays/{id}/results?page[size]=100&page[number]={number}");
        let page = client.get(&path).await?;
        all.extend(page["data"].as_array().cloned().unwrap_or_default());
        match page["meta"]["pagination"]["next-page"].as_u64() {
            Some(next) => number = next,
            None => return Ok(all),
        }
    }
}

fn count(shown: &Value, name: &str) -> u64 {
    shown["data"]["attributes"]["counts"][name].as_u64().unwrap_or_default()
}

/// What happened, plan by plan, and the sum.
fn report(shown: &Value, results: &[Value]) -> String {
    let mut lines = Vec::new();
    for result in results {
        let attributes = &result["attributes"];
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let run = word(&result["relationships"]["run"]["data"]["id"]);
        let (status, workspace) =
            (word(&attributes["status"]), word(&attributes["workspace-name"]));
        lines.push(format!("{status:<8} {workspace} {run}"));
        lines.extend(attributes["error"].as_str().map(|why| format!("    {why}")));
        let outcomes = attributes["outcomes"].as_array().into_iter().flatten();
        for outcome in outcomes {
            let output = outcome["output"].as_array().into_iter().flatten();
            let printed: Vec<String> = output.map(|line| word(&line["print"])).collect();
            let has_printed = printed.iter().any(|text| !text.is_empty());
            if outcome["status"] == "passed" && !has_printed {
                continue;
            }
            let (name, level) =
                (word(&outcome["policy_name"]), word(&outcome["enforcement_level"]));
            lines.push(format!("    {name} ({level}): {}", word(&outcome["status"])));
            let printed = printed.iter().flat_map(|text| text.lines());
            lines.extend(printed.map(|line| format!("        {line}")));
        }
    }
    let mut sum = format!(
        "{} plans: {} passed, {} failed, {} errored",
        count(shown, "total"),
        count(shown, "passed"),
        count(shown, "failed"),
        count(shown, "errored")
    );
    let hidden = count(shown, "hidden");
    if hidden > 0 {
        sum = format!("{sum}; {hidden} more that you may not read");
    }
    lines.push(sum);
    lines.join("\n") + "\n"
}

fn code(shown: &Value) -> u8 {
    match shown["data"]["attributes"]["status"].as_str() {
        Some("finished") if count(shown, "errored") > 0 => 3,
        Some("finished") if count(shown, "failed") > 0 => 1,
        Some("finished") => 0,
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_sent_without_its_tests() {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in [
            ("sentinel.hcl", "policy \"a\" {}"),
            ("a.sentinel", "main = true"),
            ("modules/m.sentinel", "x = 1"),
            ("test/a/pass.hcl", ""),
            (".git/config.json", "{}"),
            ("b_test.rego", "package b"),
            ("README.md", "Read me"),
        ] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let names: Vec<_> = files(folder.path()).unwrap().into_keys().collect();
        assert_eq!(names, ["a.sentinel", "modules/m.sentinel", "sentinel.hcl"]);
        let one: Vec<_> = files(&folder.path().join("a.sentinel")).unwrap().into_keys().collect();
        assert_eq!(one, ["a.sentinel"]);
        assert!(files(&folder.path().join(".git")).is_ok());
        assert!(files(&folder.path().join("no")).is_err());
    }

    #[test]
    fn each_plan_is_told_with_what_speaks_against_it() {
        let shown = json!({ "data": { "attributes": { "status": "finished", "counts": {
            "passed": 1, "failed": 1, "errored": 0, "hidden": 2, "total": 2 } } } });
        let result = |status: &str, outcomes: Value| {
            json!({ "attributes": { "status": status, "workspace-name": "net", "error": null,
                "outcomes": outcomes }, "relationships": { "run": { "data": { "id": "run-1" } } } })
        };
        let results = [
            result(
                "passed",
                json!([{ "policy_name": "quiet", "status": "passed" }, { "policy_name": "a",
                "status": "passed", "enforcement_level": "advisory", "output": [{ "print": "hm" }] }]),
            ),
            result(
                "failed",
                json!([{ "policy_name": "a", "status": "failed",
                "enforcement_level": "mandatory", "output": [{ "print": "no\nnever" }] }]),
            ),
        ];
        let told = "passed   net run-1\n    a (advisory): passed\n        hm\nfailed   net run-1\n    a (mandatory): failed\n        no\n        never\n\
             2 plans: 1 passed, 1 failed, 0 errored; 2 more that you may not read\n";
        assert_eq!(report(&shown, &results), told);
        assert_eq!(code(&shown), 1);
    }
}
