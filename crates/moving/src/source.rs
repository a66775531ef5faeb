//! Where an organization comes from.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;

use crate::{
    client::{Client, Refused, status},
    folder::Folder,
    inventory::{Inventory, Item, State},
    read::{Choice, Reader},
    states::{self, Content, History},
    steps::Steps,
};

/// What reasons of locks begin with that an import has set.
pub const MARK: &str = "statehouse import";

#[derive(Debug)]
pub enum Source {
    /// A server with the API of HCP Terraform.
    Server { client: Client, organization: String },
    /// What an export has written.
    Folder(Folder),
}

/// How the lock of a workspace was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lock {
    /// It is ours, now or from an earlier time.
    Ours,
    /// Somebody else's, and no run's.
    Others(String),
}

impl Source {
    /// # Errors
    /// If the organization cannot be read.
    pub async fn inventory(&self, choice: &Choice, told: &Steps<'_>) -> Result<Inventory> {
        match self {
            Self::Server { client, organization } => {
                let reader = Reader::open(client, organization, choice).await?;
                reader.inventory(choice, told).await
            }
            Self::Folder(folder) => {
                let whole = choice.projects.is_empty() && choice.workspaces.is_empty();
                ensure!(whole, "a folder comes over as a whole");
                folder.inventory(choice.history)
            }
        }
    }

    /// The workspace's states as they are now.
    ///
    /// # Errors
    /// If the workspace is gone.
    pub async fn states(&self, workspace: &Item, history: History) -> Result<Vec<State>> {
        match self {
            Self::Server { client, organization } => {
                let document = client.get(&format!("workspaces/{}", workspace.id)).await?;
                states::list(client, organization, &document["data"], history).await
            }
            Self::Folder(folder) => folder.states(workspace, history),
        }
    }

    /// A state's bytes, held against what is said of them.
    ///
    /// # Errors
    /// If they differ from that, or cannot be read.
    pub async fn content(&self, state: &State) -> Result<Content> {
        let content = Content::new(match self {
            Self::Server { client, .. } => client.download(&state.address).await?,
            Self::Folder(folder) => folder.read(&state.address)?,
        });
        if let Some(md5) = &state.md5
            && !md5.eq_ignore_ascii_case(&content.md5)
        {
            bail!("the state {} is not what the source says: its digest differs", state.id);
        }
        Ok(content)
    }

    /// Locks a workspace with a reason. In a folder nothing changes by itself.
    ///
    /// # Errors
    /// While a run is at work there, and if the token may not lock it.
    pub async fn lock(&self, workspace: &str, reason: &str) -> Result<Lock> {
        match self {
            Self::Server { client, .. } => lock(client, workspace, reason).await,
            Self::Folder(_) => Ok(Lock::Ours),
        }
    }

    /// # Errors
    /// If it is not locked by us.
    pub async fn unlock(&self, workspace: &str) -> Result<()> {
        if let Self::Server { client, .. } = self {
            client.post(&format!("workspaces/{workspace}/actions/unlock"), &json!({})).await?;
        }
        Ok(())
    }
}

/// Locks a workspace, or says whose lock it has.
pub async fn lock(client: &Client, workspace: &str, reason: &str) -> Result<Lock> {
    let path = format!("workspaces/{workspace}/actions/lock");
    let Err(refused) = client.post(&path, &json!({ "reason": reason })).await else {
        return Ok(Lock::Ours);
    };
    if status(&refused) != Some(http::StatusCode::CONFLICT) {
        if refused.is::<Refused>() {
            return Err(refused)
                .context("the workspace cannot be locked with this token (see --no-lock)");
        }
        return Err(refused).context("locking the workspace");
    }
    let document = client.get(&format!("workspaces/{workspace}")).await?;
    let found = document["data"]["attributes"]["locked-reason"].as_str().unwrap_or_default();
    if found.starts_with(MARK) {
        return Ok(Lock::Ours);
    }
    if document["data"]["relationships"]["locked-by"]["data"]["type"] == "runs" {
        bail!("a run is at work in it: apply again when that has ended");
    }
    Ok(Lock::Others(found.to_owned()))
}
