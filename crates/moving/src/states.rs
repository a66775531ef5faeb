//! The states of a workspace: which there are, and what one says of itself.

use anyhow::Result;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{client::Client, inventory::State};

/// How much of a workspace's past comes over beside its current state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum History {
    #[default]
    All,
    /// The newest ones.
    Last(usize),
}

impl std::str::FromStr for History {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self::All),
            "none" => Ok(Self::Last(0)),
            count => {
                let wrong = |_| "is all, none or a number of states".to_owned();
                count.parse().map(Self::Last).map_err(wrong)
            }
        }
    }
}

/// The current one first, then from the newest to the oldest.
///
/// # Errors
/// If the server fails.
pub async fn list(
    client: &Client,
    organization: &str,
    workspace: &Value,
    history: History,
) -> Result<Vec<State>> {
    let current = &workspace["relationships"]["current-state-version"];
    // Where the relation is told and is empty there is nothing to ask for.
    if current.get("data").is_some_and(Value::is_null) {
        return Ok(Vec::new());
    }
    let query =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let name = workspace["attributes"]["name"].as_str().unwrap_or_default();
    let path = format!(
        "state-versions?filter%5Borganization%5D%5Bname%5D={}&filter%5Bworkspace%5D%5Bname%5D={}",
        query(organization),
        query(name)
    );
    let found = client.list(&path).await?.unwrap_or_default();
    let mut states: Vec<State> = found.iter().filter_map(state).collect();
    let named = current["data"]["id"].as_str();
    let at = states.iter().position(|state| Some(state.id.as_str()) == named).unwrap_or_default();
    if at < states.len() {
        let mut current = states.remove(at);
        current.is_current = true;
        states.insert(0, current);
    }
    if let History::Last(count) = history {
        states.truncate(count + 1);
    }
    Ok(states)
}

/// One that can be read; others have nothing behind them any more.
fn state(document: &Value) -> Option<State> {
    let attributes = &document["attributes"];
    if attributes["status"].as_str().is_some_and(|status| status != "finalized") {
        return None;
    }
    let text =
        |name: &str| attributes[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    Some(State {
        id: document["id"].as_str()?.to_owned(),
        serial: attributes["serial"].as_i64().unwrap_or_default(),
        lineage: text("lineage"),
        md5: text("md5"),
        size: attributes["size"].as_u64(),
        created_at: text("created-at")?,
        is_current: false,
        address: text("hosted-state-download-url")?,
    })
}

/// A state's own serial and lineage, where they can be read, and its digest.
#[derive(Debug)]
pub struct Content {
    pub bytes: Vec<u8>,
    pub serial: Option<i64>,
    pub lineage: Option<String>,
    pub md5: String,
}

impl Content {
    pub fn new(bytes: Vec<u8>) -> Self {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Head {
            serial: Option<i64>,
            lineage: Option<String>,
        }
        let head: Head = serde_json::from_slice(&bytes).unwrap_or_default();
        let md5 = hex::encode(Md5::digest(&bytes));
        Self { serial: head.serial, lineage: head.lineage, md5, bytes }
    }
}
