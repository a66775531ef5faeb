//! `statehouse import plan`: what would come over.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use moving::{
    folder::Folder,
    plan::{self, Names},
    read::Choice,
    source::Source,
    states::History,
};

use super::servers::{Tokens, shown};
use crate::private_file;

#[derive(Debug, Args)]
pub struct Plan {
    /// The server to move away from.
    #[arg(long, value_name = "ADDRESS", default_value = "https://app.terraform.io")]
    from: String,
    /// What `statehouse export` has written, instead of a server.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["from", "organization", "project", "workspace"])]
    from_folder: Option<PathBuf>,
    /// The organization there.
    #[arg(long, value_name = "NAME", required_unless_present = "from_folder")]
    organization: Option<String>,
    /// The server to move to.
    #[arg(long, value_name = "ADDRESS")]
    to: String,
    /// The organization here, if it is to have another name. It is made if there is none.
    #[arg(long, value_name = "NAME")]
    to_organization: Option<String>,
    /// Only this project; repeat it for several.
    #[arg(long, value_name = "NAME")]
    project: Vec<String>,
    /// Only this workspace; repeat it for several.
    #[arg(long, value_name = "NAME")]
    workspace: Vec<String>,
    /// How many older states come over beside the current one: all, none or a number.
    #[arg(long, default_value = "all")]
    history: History,
    /// Give something another name here, as in workspaces:net=network; repeat it for several.
    #[arg(long, value_name = "KIND:OLD=NEW")]
    rename: Vec<String>,
    /// The file to write. There must be none of this name.
    #[arg(long, value_name = "FILE", default_value = "import.json")]
    out: PathBuf,
    #[command(flatten)]
    tokens: Tokens,
}

impl Plan {
    pub fn run(&self) -> Result<()> {
        if self.out.exists() {
            bail!("{} is there already: name another file", self.out.display());
        }
        let names = names(&self.rename)?;
        let source = match (&self.from_folder, &self.organization) {
            (Some(folder), _) => Source::Folder(Folder(folder.clone())),
            (None, Some(organization)) => {
                let client = self.tokens.source(&self.from)?;
                Source::Server { client, organization: organization.clone() }
            }
            (None, None) => bail!("--organization or --from-folder says what to bring"),
        };
        let target = self.tokens.target(&self.to)?;
        let choice = Choice {
            projects: self.project.clone(),
            workspaces: self.workspace.clone(),
            history: self.history,
        };
        let runtime = tokio::runtime::Runtime::new()?;
        let made = runtime.block_on(async {
            let inventory = source.inventory(&choice, &shown()).await?;
            let to = self.to_organization.clone();
            let to = to.unwrap_or_else(|| inventory.organization.clone());
            let made = plan::Plan::new(inventory, choice, &target, &to, names).await?;
            Ok::<_, anyhow::Error>(plan::Plan { folder: self.from_folder.clone(), ..made })
        })?;
        private_file::write(&self.out, serde_json::to_string_pretty(&made)?.as_bytes())?;
        print!("{}", made.report());
        println!("\nWritten to {}. `statehouse import apply` does it.", self.out.display());
        Ok(())
    }
}

fn names(given: &[String]) -> Result<Names> {
    let mut names = Names::new();
    for text in given {
        let parts = text.split_once(':');
        let parts = parts.and_then(|(kind, rest)| Some((kind, rest.split_once('=')?)));
        let Some((kind, (old, new))) = parts else {
            bail!("{text:?} is not written KIND:OLD=NEW");
        };
        if moving::read::kind(kind).is_none() {
            bail!("there are no {kind:?} to rename");
        }
        names.entry(kind.to_owned()).or_default().insert(old.to_owned(), new.to_owned());
    }
    Ok(names)
}
